#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A token handler as a web service, for TOKEN_HANDLER=http://localhost:8002/login: a user of its own.

HANDLER_SECRET of tpauth is in $HANDLER_SECRET here; without the right one the answer is 500, which is
nobody's password being wrong."""
import hashlib
import hmac
import http.server
import json
import os
import sys

SALT = b"a salt of one's own"
USERS = {"alice": hashlib.scrypt(b"correct horse battery staple", salt=SALT, n=16384, r=8, p=1)}
SECRET = "Bearer " + (os.environ.get("HANDLER_SECRET") or sys.exit("webhook.py: HANDLER_SECRET is not set"))


def answer(request):
    if request["event"] == "refresh":
        return 200, request["claims"]  # they stay as they are
    known = USERS.get(request["username"], b"")
    made = hashlib.scrypt(request["password"].encode(), salt=SALT, n=16384, r=8, p=1)
    if not hmac.compare_digest(made, known):
        return 401, {}
    return 200, {"user_id": request["username"], "username": request["username"], "scopes": ["user:read"]}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        known = hmac.compare_digest(self.headers.get("Authorization", "").encode(), SECRET.encode())
        status, claims = answer(json.loads(body)) if known else (500, {})
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(claims).encode())


http.server.HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8002"))), Handler).serve_forever()
