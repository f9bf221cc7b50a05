#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs each fuzz target over its corpus. A target without a corpus fails.
set -eu
src=${SRC_DIR:-.}
build=${BUILD_DIR:-.}
bad=0

[ -n "${FUZZERS:-}" ] || { echo "replay: FUZZERS is not set" >&2; exit 1; }
for f in $FUZZERS; do
	name=${f##*/fuzz_}
	printf '%s: ' "$name"
	"$build/$f" "$src/tests/fuzz/corpus/$name"/* || { echo "$name: failed"; bad=1; }
done
exit $bad
