#!/bin/sh
# SPDX-License-Identifier: MIT
# tpauth.h alone compiles without a word, as the oldest C that it promises and the newest, and as C++
# where there is a compiler for it.
set -eu
src=${SRC_DIR:-.}
header=$src/include/tpauth.h
[ -r "$header" ] || { echo "check-header: no $header" >&2; exit 1; }
n=0

try() {
	echo '#include <tpauth.h>' |
		"$@" -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Werror -I "$src/include" -fsyntax-only -
	n=$((n + 1))
}

for std in c11 c17; do
	try ${CC:-cc} -x c -std=$std -Wstrict-prototypes
done
if [ "${CXX:-:}" != : ]; then
	for std in c++11 c++17; do
		try $CXX -x c++ -std=$std -Wold-style-cast
	done
else
	echo "no C++ compiler"
fi
echo "header: compiled as $n languages"
