#!/bin/sh
# SPDX-License-Identifier: MIT
# A token handler as a program, for TOKEN_HANDLER=exec:/path/of/handler.sh: lets in whoever the machine's
# own check of passwords, the program in CHECK, takes, by name on its first line and password on its second.
# It needs jq(1).
PATH=/usr/local/bin:/usr/bin:/bin
CHECK=${0%/*}/check-password

request=$(cat)
event=$(printf '%s' "$request" | jq -er .event) || exit 2
if [ "$event" = refresh ]; then
	printf '%s' "$request" | jq -e .claims || exit 2 # they stay as they are
	exit 0
fi
# Both or nothing: a check that got no password must not be the one that decides.
pair=$(printf '%s' "$request" | jq -er '[.username, .password] |
	if any(. == "" or test("[\n\r]")) then error("a line that is none") else .[] end') || exit 1
printf '%s\n' "$pair" | "$CHECK" || exit 1
printf '%s' "$request" | jq -e '{user_id: .username, username: .username, scopes: ["user:read"]}' || exit 2
