#!/bin/sh
# SPDX-License-Identifier: MIT
# The examples compile without a warning, and are as short as they should be.
set -eu
src=${SRC_DIR:-.}
n=0
bad=0
for f in "$src"/examples/*.c; do
	[ -r "$f" ] || { echo "check-examples: no examples" >&2; exit 1; }
	${CC:-cc} -std=gnu11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
		-I "$src/include" -fsyntax-only "$f" || bad=1
	[ "$(sed '/^\/\*/,/\*\/$/d; /^$/d' "$f" | wc -l)" -le 40 ] || { echo "$f: more than 40 lines"; bad=1; }
	n=$((n + 1))
done
sh -n "$src/examples/handler.sh" || bad=1
echo "examples: $n in C"
exit $bad
