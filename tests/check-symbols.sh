#!/bin/sh
# SPDX-License-Identifier: MIT
# What libtpauth exports is what tpauth.h declares: in the version script, in the shared library and in
# the static one. (tpauth_module is a module's to define.) And the objects that the programs load lack nothing,
# which would show only when one is asked for.
set -eu
src=${SRC_DIR:-.}
build=${BUILD_DIR:-.}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

tr '\n' ' ' < "$src/include/tpauth.h" | sed 's,/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/, ,g' | tr ';' '\n' |
	sed -n 's/.*TPAUTH_API[^(]*\(tpauth_[a-z0-9_]*\)(.*/\1/p' | sort > "$tmp/declared"
[ "$(wc -l < "$tmp/declared")" -gt 30 ] || { echo "check-symbols: found too few in tpauth.h" >&2; exit 1; }

same() {
	if ! diff "$tmp/declared" "$2" > "$tmp/diff"; then
		echo "$1 differs from tpauth.h (<: only there):"
		cat "$tmp/diff"
		bad=1
	fi
}

sed -n 's/^\t\(tpauth_[a-z0-9_]*\);$/\1/p' "$src/src/app/libtpauth.map" | sort > "$tmp/map"
same libtpauth.map "$tmp/map"
found=
if [ -e "$build/.libs/libtpauth.so" ]; then
	nm -D --defined-only "$build/.libs/libtpauth.so" |
		sed -n 's/.* \([^ ]*\)@@TPAUTH_0$/\1/p; s/.* [A-Z] \([^@]*\)$/unversioned \1/p' |
		grep -v '^unversioned TPAUTH_0$' | sort > "$tmp/shared"
	same libtpauth.so "$tmp/shared"
	found="$found libtpauth.so"
fi
if [ -e "$build/.libs/libtpauth.a" ]; then
	nm -g --defined-only "$build/.libs/libtpauth.a" | sed -n 's/.* [A-Z] \(.*\)$/\1/p' | sort > "$tmp/static"
	same libtpauth.a "$tmp/static"
	found="$found libtpauth.a"
fi
for object in "$build"/.libs/libtpauth.so "$build"/.libs/tpauth_*.so; do
	[ -e "$object" ] || continue
	# A sanitizer's own names are the program's.
	if ldd -r "$object" 2>&1 | grep 'undefined symbol' | grep -vE 'symbol: __(asan|ubsan|lsan|sanitizer|gcov|llvm)'; then
		bad=1
	fi
done
[ -n "$found" ] || { echo "check-symbols: no library" >&2; exit 1; }
echo "symbols: $(wc -l < "$tmp/declared") in$found"
exit $bad
