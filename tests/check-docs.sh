#!/bin/sh
# SPDX-License-Identifier: MIT
# The option table is the source of the README's settings; man pages are clean and name every flag.
set -eu
src=${SRC_DIR:-.}
build=${BUILD_DIR:-.}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

"$build/optdoc" readme > "$tmp/table"
[ "$(wc -l < "$tmp/table")" -gt 50 ] || { echo "check-docs: optdoc printed too little" >&2; exit 1; }
sed -n '/<!-- settings -->/,/<!-- end of settings -->/p' "$src/README.md" | sed '1d;$d' > "$tmp/readme"
if ! diff -u "$tmp/readme" "$tmp/table" > "$tmp/diff"; then
	echo "README.md: the settings table differs from the option table (tools/readme-settings mends it):"
	head -n 20 "$tmp/diff"
	bad=1
fi

pages="man/tpauth.fcgi.8 man/tpauth.conf.5 man/tpauth.1"
[ ! -x "$build/tpauth-grpcd" ] || pages="$pages man/tpauth-grpcd.8"
for page in ${MAN3:?}; do # as they are in the source
	if [ "${MANDOC:-:}" != : ] && ! "$MANDOC" -Tlint -Wwarning "$src/$page"; then
		echo "$page: not clean"
		bad=1
	fi
done
# What begins with an #include in a page of the library compiles as it stands there.
examples=0
for page in $MAN3; do
	rm -f "$tmp"/example-*.c
	awk -v to="$tmp/example-" '/^\.Ed/ { at = "" } at != "" { print > at }
		/^\.Bd -literal/ { getline; if (/^#include/) { n++; at = to n ".c"; print > at } }' "$src/$page"
	for example in "$tmp"/example-*.c; do
		[ -r "$example" ] || continue
		examples=$((examples + 1))
		sed -i -e 's/\\e/\\/g' -e 's/\\&//g' "$example"
		# shellcheck disable=SC2086 # it may be a command with arguments
		${CC:-cc} -std=c11 -Wall -Wextra -Werror -I"$src/include" -fsyntax-only "$example" || { echo "$page: an example does not compile"; bad=1; }
	done
done
[ "$examples" -ge 3 ] || { echo "check-docs: found only $examples examples" >&2; exit 1; }

for page in $pages; do
	[ -r "$build/$page" ] || { echo "$page: not built"; bad=1; continue; }
	if grep -n '@[A-Za-z_]*@' "$build/$page"; then echo "$page: a placeholder is left"; bad=1; fi
	if [ "${MANDOC:-:}" != : ] && ! "$MANDOC" -Tlint -Wwarning "$build/$page"; then
		echo "$page: not clean"
		bad=1
	fi
done

"$build/cgi-bin/tpauth.fcgi" --help > "$tmp/help"
for flag in $(grep -o '^ *--[a-z0-9-]*' "$tmp/help"); do
	roff=$(printf '%s' "${flag#--}" | sed 's/-/[\\]*-/g')
	grep -Eq -e "Fl [\\\\]*-$roff" "$build/man/tpauth.fcgi.8" "$build/man/tpauth.conf.5" ||
		{ echo "man pages: $flag is missing"; bad=1; }
done
"$build/tpauth" doctor --help > "$tmp/doctor"
for flag in $(grep -o '^ *--[a-z0-9-]*' "$tmp/doctor"); do
	grep -q -e "^\.It Fl -${flag#--}" "$build/man/tpauth.1" || { echo "tpauth.1: $flag is missing"; bad=1; }
done
[ "$(grep -c '^ *--' "$tmp/doctor")" -gt 5 ] || { echo "check-docs: tpauth doctor --help printed too little"; bad=1; }
"$build/tpauth" sessions --help > "$tmp/sessions"
for flag in $(grep -o '^ *--[a-z0-9-]*' "$tmp/sessions"); do
	grep -q -e "^\.It Fl -${flag#--}" "$build/man/tpauth.1" || { echo "tpauth.1: $flag is missing"; bad=1; }
done
[ "$(grep -c '^ *--' "$tmp/sessions")" -gt 1 ] || { echo "check-docs: tpauth sessions --help printed too little"; bad=1; }
echo "docs: $(wc -l < "$tmp/table") table lines, $(wc -l < "$tmp/help") help lines"
exit $bad
