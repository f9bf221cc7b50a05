#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: check-installed.sh ROOT: make install put there what it should, and it runs from there.
set -eu
root=$1
program=$(find "$root" -name tpauth.fcgi -type f)
[ -x "$program" ] || { echo "no tpauth.fcgi" >&2; exit 1; }
"$program" --version
[ -L "$(dirname "$program")/tpauth.cgi" ] || { echo "no tpauth.cgi" >&2; exit 1; }
"$(find "$root" -name tpauth-grpcd -type f)" --version
"$(find "$root" -path '*/bin/tpauth')" version
for f in tpauth.h tpauth.pc libtpauth.so libtpauth.a libtpauth.3 tpauth_app.3 tpauth_route.3 tpauth-grpcd.8 refresh.proto tpauth_grpc.so tpauth.fcgi.8 tpauth.conf.5 tpauth.1 fastcgi.conf cgi.conf auth_request.conf mod_fcgid.conf authorizer-mod_fcgid.lua htaccess tpauth.sh tpauth_libjwt.so tpauth.service tpauth.socket tpauth-grpcd.service tpauth.bash; do
	[ -n "$(find "$root" -name "$f")" ] || { echo "$f is missing" >&2; exit 1; }
done
