#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The main job through real web servers: log in, check, refresh, log out, and 401 after it. Every mount
gives the same answers, byte for byte."""
import re
import time

from e2e import *

REQUEST_ID = ("X-Request-ID", "e2e-1")
COMMON = [("vary", "Origin"), ("x-request-id", "e2e-1")]
JSON = ("content-type", "application/json")
NO_STORE = ("cache-control", "no-store")


def check_login(a, server):
    handle = a.cookies().get("access_token", "")
    ok(re.fullmatch(r"[A-Za-z0-9_-]{43}", handle), f"{server}: the handle has 43 characters of base64url", a)
    user64 = base64.urlsafe_b64encode(b"alice").decode().rstrip("=")
    body = (f'{{"user_id":"alice","token":"{handle}","access_token":"{handle}.{user64}","token_type":"bearer",'
            f'"expires_in":86400,"scope":"read write"}}').encode()
    attributes = "; HttpOnly; Path=/; SameSite=strict; Secure"
    same(a.essence(),
         (200, sorted([*COMMON, JSON, NO_STORE, ("pragma", "no-cache"),
                       ("set-cookie", "user_id=alice" + attributes),
                       ("set-cookie", "access_token=" + handle + attributes)]), body),
         f"{server}: POST /token answers as specified")


def check_claims(a, server, how, before, after):
    claims = a.json()
    ok(before <= claims["iat"] <= after and claims["exp"] == claims["iat"] + 86400,
       f"{server}: iat and exp by {how}", claims)
    body = ('{"user_id":"alice","username":"alice","email":null,"scopes":["read","write"],"iss":"prismaticain",'
            f'"iat":{claims["iat"]},"exp":{claims["exp"]},"token_type":"access"}}').encode()
    same(a.essence(), (200, sorted([*COMMON, JSON, NO_STORE]), body), f"{server}: GET /userinfo by {how}")


def unauthorized(a, name):
    detail = "Could not validate credentials"
    same(a.essence(),
         (401, sorted([*COMMON, JSON, NO_STORE, ("www-authenticate", 'Bearer error="invalid_token"')]),
          f'{{"error":"invalid_token","error_description":"{detail}","detail":"{detail}"}}'.encode()), name)


def main_job(port, server):
    before = int(time.time())
    a = login(port, headers=[REQUEST_ID])
    check_login(a, server)
    cookies, bearer = [cookie_header(a), REQUEST_ID], [bearer_header(a), REQUEST_ID]

    check_claims(request(port, "GET", "/userinfo", cookies), server, "cookies", before, int(time.time()))
    check_claims(request(port, "GET", "/userinfo", bearer), server, "bearer", before, int(time.time()))
    head = request(port, "HEAD", "/userinfo", bearer)
    same((head.status, head.body), (200, b""), f"{server}: HEAD /userinfo")

    r = request(port, "POST", "/refresh", cookies, "")
    same(r.status, 200, f"{server}: POST /refresh inside the window is no failure")
    ok(r.json()["refreshed"] is False and "token" not in r.json() and 0 < int(r.one("Retry-After")) <= 120,
       f"{server}: it says when the window opens, and keeps the handle to itself", r)

    same(request(port, "GET", "/userinfo", [REQUEST_ID]).essence(),
         (401, sorted([*COMMON, JSON, NO_STORE, ("www-authenticate", "Bearer")]), b'{"detail":"Not authenticated"}'),
         f"{server}: no credentials")
    unauthorized(request(port, "GET", "/userinfo", [("Authorization", "Bearer nothing.YWxpY2U"), REQUEST_ID]),
                 f"{server}: an unknown bearer")

    wrong = request(port, "POST", "/token", [FORM, REQUEST_ID], form(username="alice", password="wrong"))
    unknown = request(port, "POST", "/token", [FORM, REQUEST_ID], form(username="nobody", password="wrong"))
    same(wrong.status, 400, f"{server}: a wrong password")
    same(wrong.essence(), unknown.essence(), f"{server}: an unknown name looks the same")
    same(wrong.json()["error"], "invalid_grant", f"{server}: in the words of RFC 6749")

    gone = [("set-cookie", f'{n}=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/; '
             "SameSite=strict; Secure") for n in ("user_id", "access_token")]
    same(request(port, "POST", "/logout", cookies, "").essence(),
         (200, sorted([*COMMON, JSON, NO_STORE, *gone]), b'{"status":200}'), f"{server}: POST /logout")
    unauthorized(request(port, "GET", "/userinfo", cookies), f"{server}: the cookies are worth nothing after it")
    unauthorized(request(port, "GET", "/userinfo", bearer), f"{server}: nor is the bearer")
    unauthorized(request(port, "POST", "/refresh", bearer, ""), f"{server}: nor can it be refreshed")
    same(request(port, "GET", "/api/healthcheck", [REQUEST_ID]).body, b'{"status":200}', f"{server}: health")
    get = request(port, "GET", "/token", [REQUEST_ID])
    same((get.status, get.one("Allow")), (405, "POST"), f"{server}: GET /token")
    multipart = ('--xx\r\nContent-Disposition: form-data; name="username"\r\n\r\nalice\r\n--xx\r\n'
                 f'Content-Disposition: form-data; name="password"\r\n\r\n{PASSWORDS["alice"]}\r\n--xx--\r\n')
    same(request(port, "POST", "/token", [("Content-Type", "multipart/form-data; boundary=xx")], multipart).status,
         200, f"{server}: a multipart form logs in")


for store in ("lmdb", "redis"):
    with Site() as site:
        if store == "redis":
            site.settings["DB_URL"] = "unix://" + site.redis().sock
            site.write_config()
        with no_secret_in_logs(site):
            main_job(site.lighttpd("lighttpd-conf/fastcgi.conf").port, f"lighttpd, FastCGI, {store}")
            main_job(site.lighttpd("lighttpd-conf/cgi.conf").port, f"lighttpd, CGI, {store}")
            if store == "redis":
                subprocess.run(["chmod", "777", site.path("redis.sock")], check=True)
            main_job(site.apache("apache-conf/mod_fcgid.conf").port, f"Apache, mod_fcgid, {store}")

# A window of one second, so that the second refresh re-mints.
with Site(REFRESH_RESTRICT_MINUTES="1s") as site:
    port = site.lighttpd().port
    a = login(port)
    iat = request(port, "GET", "/userinfo", [bearer_header(a)]).json()["iat"]
    time.sleep(2.1)
    r = request(port, "POST", "/refresh", [bearer_header(a)], "")
    same((r.status, r.json()["refreshed"], r.json()["token"], r.json()["access_token"]),
         (200, True, a.json()["token"], a.json()["access_token"]), "a refresh keeps the handle")
    again = request(port, "GET", "/userinfo", [cookie_header(a)]).json()
    ok(again["iat"] > iat and again["exp"] == again["iat"] + 86400, "and slides the session", again)
    same(request(port, "POST", "/refresh", [bearer_header(a)], "").json()["refreshed"], False, "once in a window")
done()
