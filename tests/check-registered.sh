#!/bin/sh
# SPDX-License-Identifier: MIT
# Every START_TEST is added to a case, and every check_*.c and fuzz_*.c is built by Makefile.am.
set -eu
src=${SRC_DIR:-.}
bad=0
count=0

for f in "$src"/tests/check_*.c "$src"/tests/support/*.c; do
	for t in $(sed -n 's/^START_TEST(\([A-Za-z0-9_]*\)).*/\1/p' "$f"); do
		count=$((count + 1))
		if ! grep -Eq "tcase_add_[a-z_]*\([^;]*[ ,(]$t[,)]" "$f" && ! tr '\n' ' ' < "$f" | grep -Eq "tcase_add_[a-z_]*\([^;]*[[:space:],(]$t[,)]"; then
			echo "$f: $t is in no case"
			bad=1
		fi
	done
done
[ "$count" -gt 50 ] || { echo "check-registered: found only $count cases" >&2; exit 1; }

for f in "$src"/tests/check_*.c "$src"/tests/fuzz/fuzz_*.c; do
	name=${f#"$src"/}
	grep -q "${name%.c}\\b" "$src/Makefile.am" || { echo "$f: not in Makefile.am"; bad=1; }
done
echo "registered: $count cases"
exit $bad
