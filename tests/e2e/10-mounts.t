#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every endpoint through every shipped set-up, as specified, save the deviations that the matrix lists.
usage: 10-mounts.t [WORD...]: only mounts whose name holds one of the words."""
import rows_authorizer  # noqa: F401 (they register their rows)
import rows_responder  # noqa: F401
from mounts import *

run_matrix(all_mounts())
done()
