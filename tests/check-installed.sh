#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: check-installed.sh ROOT BUILD: make install put there what it should, with each loadable object
# of the build tree, and it runs from there.
set -eu
root=$1 build=$2
program=$(find "$root" -name tpauth.fcgi -type f)
[ -x "$program" ] || { echo "no tpauth.fcgi" >&2; exit 1; }
"$program" --version
[ -L "$(dirname "$program")/tpauth.cgi" ] || { echo "no tpauth.cgi" >&2; exit 1; }
"$(find "$root" -name tpauth-grpcd -type f)" --version
"$(find "$root" -path '*/bin/tpauth')" version

has() {
	[ -n "$(find "$root" -name "$1")" ] || { echo "$1 is missing" >&2; exit 1; }
}

# Where the rest of the documentation is.
for f in README.md LICENSE; do
	[ -f "$(dirname "$(find "$root" -type d -path '*/doc/tpauth/examples')")/$f" ] || { echo "$f is missing" >&2; exit 1; }
done
# Programs, pages, settings for web servers, units.
for f in tpauth.fcgi.8 tpauth.conf.5 tpauth.1 tpauth-grpcd.8 tpauth.bash refresh.proto \
	fastcgi.conf cgi.conf auth_request.conf mod_fcgid.conf authorizer-mod_fcgid.lua htaccess tpauth.sh \
	tpauth.service tpauth.socket tpauth-grpcd.service; do
	has "$f"
done
# The library, with a page for each of its functions.
for f in tpauth.h tpauth.pc libtpauth.so libtpauth.a libtpauth.3 tpauth_app.3 tpauth_route.3 authserver.c module.c; do
	has "$f"
done
# What is loaded when a setting asks for it. Some of it is built only where its library is found.
for f in "$build"/.libs/tpauth_*.so; do
	has "$(basename "$f")"
done
