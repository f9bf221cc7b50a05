#!/bin/sh
# SPDX-License-Identifier: MIT
# tpauth on shared hosting: copy this as tpauth.fcgi (or tpauth.cgi, for plain CGI) into the web folder
# and write your own paths into the two lines. README beside this file says the rest.
export TPAUTH_CONFIG=/home/alice/tpauth/tpauth.conf
exec /home/alice/tpauth/tpauth.fcgi
