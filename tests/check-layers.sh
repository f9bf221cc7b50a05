#!/bin/sh
# SPDX-License-Identifier: MIT
# Reads src/LAYERS and fails for an include that goes sideways or up, for a third-party header outside
# the files that may have it, and for a .c file whose last include is not base/banned.h.
set -eu
src=${SRC_DIR:-.}
layers=$src/src/LAYERS
[ -r "$layers" ] || { echo "check-layers: no $layers" >&2; exit 1; }

find "$src/src" "$src/cgi-bin" -name '*.[ch]' | sort > layers.list.$$
trap 'rm -f layers.list.$$' EXIT
[ "$(wc -l < layers.list.$$)" -gt 10 ] || { echo "check-layers: found too few files" >&2; exit 1; }

xargs awk -v layers="$layers" -v root="$src/src/" '
BEGIN {
	while ((getline line < layers) > 0) {
		n = split(line, w, " ")
		if (w[1] == "floor") floor[w[2]] = w[3]
		if (w[1] == "hidden") hidden[w[2], w[3]] = 1
		if (w[1] == "header") { prefix[++headers] = w[2]; for (i = 3; i <= n; i++) may[headers, w[i]] = 1 }
	}
}
FNR == 1 {
	check_last()
	name = FILENAME
	sub("^" root, "", name)
	folder = name ~ /\// && name !~ /cgi-bin/ ? substr(name, 1, index(name, "/") - 1) : ""
	mine = folder == "" ? 99 : floor[folder]
	if (mine == "") fail("folder " folder " has no floor")
	last = ""
}
/^#include "/ {
	split($0, q, "\"")
	last = q[2]
	to = substr(last, 1, index(last, "/") - 1)
	if (to == "") fail("names no folder: " last)
	else if (floor[to] == "") fail("unknown folder: " last)
	else if (to != folder && floor[to] + 0 >= mine + 0) fail("goes sideways or up: " last)
	if ((folder, to) in hidden || (folder, last) in hidden) fail("hidden from here: " last)
}
/^#include </ {
	split($0, q, /[<>]/)
	last = q[2]
	for (h = 1; h <= headers; h++) {
		if (index(last, prefix[h]) != 1) continue
		if (!((h, name) in may) && !((h, folder "/") in may)) fail("third-party header: " last)
	}
}
function fail(why) { print FILENAME ":" FNR ": " why; bad = 1 }
function check_last() {
	if (name ~ /\.c$/ && last != "base/banned.h") { print name ": last include is " last ", not base/banned.h"; bad = 1 }
}
END { check_last(); exit bad }
' < layers.list.$$
echo "layers: $(wc -l < layers.list.$$) files in order"
