#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The authorizer role and AUTH_URL, spoken straight to the socket of a pool: what permission is made of, that no request
waits for a body, that rules are reread, that trouble refuses, and that roles which are not played are refused."""
from e2e import *

VARIABLES = [("Variable-REMOTE_USER", "alice"), ("Variable-TPAUTH_USER_ID", "alice"), ("Variable-TPAUTH_USERNAME", "alice"),
             ("Variable-TPAUTH_SCOPES", "read write")]
HEADERS = [("X-Auth-User", "alice"), ("X-Auth-Username", "alice"), ("X-Auth-Scopes", "read write")]
FORBIDDEN = ('Bearer error="insufficient_scope", scope="admin"', "insufficient_scope")


def statuses(pool, headers, *targets):
    return [authorizer(pool.sock, "GET", t, headers).status for t in targets]


def raw_answer(pool, headers, method="GET", **kw):
    params = [("REQUEST_METHOD", method), ("REQUEST_URI", "/app"), ("REMOTE_ADDR", "127.0.0.1"), ("HTTP_HOST", "localhost")]
    return fcgi_request(pool.sock, params + [("HTTP_" + k.upper(), v) for k, v in headers], **kw)[0]


def auth_url(pool, headers, target="/app", method="GET", **params):
    ps = [("REQUEST_METHOD", "GET"), ("SCRIPT_NAME", "/auth"), ("REQUEST_URI", target), ("TPAUTH_METHOD", method),
          ("REMOTE_ADDR", "127.0.0.1"), ("HTTP_HOST", "localhost"), *params.items()]
    return cgi_answer(fcgi_request(pool.sock, ps + [("HTTP_" + k.upper().replace("-", "_"), v) for k, v in headers])[0])


with Site() as site:
    rules = site.path("rules")
    with open(rules, "w") as f:
        f.write("# who may what\n/admin * admin\n/app GET read\n")
    site.settings["SCOPE_RULES"] = rules
    site.write_config()
    pool = site.pool(2)
    session = fcgi_login(pool.sock)
    cookies, bearer = [cookie_header(session)], [bearer_header(session)]

    with no_secret_in_logs(site, session.json()["token"]):
        for how, headers in (("cookies", cookies), ("bearer", bearer)):
            want = "Status: 200 OK\r\n" + "".join(f"{k}: {v}\r\n" for k, v in VARIABLES) + "\r\n"
            same(raw_answer(pool, headers, role=2), want.encode(), f"permission by {how} is Status: 200 and variables, byte for byte")
        a = authorizer(pool.sock, "POST", "/app", cookies, [("CONTENT_LENGTH", "100000")], timeout=5)
        ok(a is not None and a.status == 200, "a POST whose body never comes is answered at once", a)
        a = authorizer(pool.sock, "POST", "/app", [], [("CONTENT_LENGTH", "100000")], timeout=5)
        same((a.status, a.json(), a.one("WWW-Authenticate")), (401, {"detail": "Not authenticated"}, "Bearer"), "and so is its refusal")

        a = auth_url(pool, cookies)
        same((a.status, a.headers[:3], a.body), (200, HEADERS, b""), "AUTH_URL permits with the identity in headers")
        same(auth_url(pool, []).status, 401, "and refuses without a session")

        spoofed = [("Remote-User", "alice"), ("X-Auth-User", "alice"), ("Variable-REMOTE-USER", "alice"), ("TPAUTH-USER-ID", "alice")]
        same(authorizer(pool.sock, "GET", "/app", spoofed).status, 401, "a client's own Remote-User and the like are nothing")
        same(authorizer(pool.sock, "GET", "/app", [*spoofed, *cookies]).headers, VARIABLES, "and change nothing")
        same(authorizer(pool.sock, "GET", "/app", [*bearer, *bearer]).status, 401, "two Authorization headers are 401")
        same(auth_url(pool, [*bearer, *bearer]).status, 401, "at AUTH_URL too")

        same(statuses(pool, cookies, "/admin", "//admin", "/./admin/x", "/%61dmin", "/admin?x", "http://h/admin", "/app%2f..%2fadmin"),
             [403] * 7, "no spelling of a path gets round a rule")
        a = authorizer(pool.sock, "GET", "/admin", cookies)
        same((a.one("WWW-Authenticate"), a.json()["error"]), FORBIDDEN, "which names the scope that is missing")
        same(statuses(pool, cookies, "/app", "/administrator", "/Admin"), [200] * 3, "and other paths pass")
        a = auth_url(pool, cookies, "/admin")
        same((a.status, a.one("WWW-Authenticate"), a.json()["error"]), (403, *FORBIDDEN), "AUTH_URL by the same rules")
        same(auth_url(pool, cookies, "/auth").status, 403, "AUTH_URL that is not told the path refuses, since there are rules")

        preflight = [("Origin", "https://else.example"), ("Access-Control-Request-Method", "PUT")]
        same(raw_answer(pool, [(k.replace("-", "_"), v) for k, v in preflight], "OPTIONS", role=2), b"Status: 200 OK\r\n\r\n",
             "a preflight passes as nobody")
        same(authorizer(pool.sock, "POST", "/app", [*cookies, preflight[0]]).status, 403, "a foreign page posts nothing by cookies")

        for role in (3, 4, 0):
            got = raw_answer(pool, cookies, role=role)
            ok(got is None or got.startswith(b"Status: 500"), f"role {role} is refused", got)

        # A reload rereads the rules, and keeps those that it has when the new ones are wrong.
        with open(rules, "w") as f:
            f.write("/admin * read\n/app * admin\n")
        pool.send(signal.SIGHUP)
        ok(wait_until(lambda: statuses(pool, cookies, "/admin", "/app") * 2 == [200, 403] * 2), "SIGHUP rereads SCOPE_RULES")
        before = site.text("tpauth.log").count("config.kept")
        with open(rules, "w") as f:
            f.write("/admin reading\n")
        pool.send(signal.SIGHUP)
        ok(wait_until(lambda: site.text("tpauth.log").count("config.kept") > before), "wrong rules are not taken", site.text("tpauth.log")[-600:])
        ok("'reading' is no method in capitals" in site.text("tpauth.log") and "line 1" in site.text("tpauth.log"), "the log names the line")
        same(statuses(pool, cookies, "/admin", "/app"), [200, 403], "the old ones stay in force")
    pool.stop()
    r = subprocess.run([PROGRAM, "--config", site.config, "--check-config"], capture_output=True, text=True, env={**sanitizers()})
    same(r.returncode, 78, "at start wrong rules are status 78")
    last = site.text("tpauth.log").splitlines()[-1]
    ok("SCOPE_RULES" in last and "/rules, line 1: " in last, "and the log names the setting, the file and the line", last)

# The store goes away: nobody passes, and all is well when it is back.
with Site(DB_TIMEOUT="1") as site:
    redis = site.redis()
    site.settings["DB_URL"] = "unix://" + redis.sock
    site.write_config()
    pool = site.pool(1)
    cookies = [cookie_header(fcgi_login(pool.sock))]
    same(statuses(pool, cookies, "/app"), [200], "on Redis a session passes")
    redis.send(signal.SIGSTOP)
    same((statuses(pool, cookies, "/app"), auth_url(pool, cookies).status), ([503], 503), "a store that hangs: 503")
    redis.send(signal.SIGCONT)
    ok(wait_until(lambda: statuses(pool, cookies, "/app") == [200]), "and it passes again when the store is back")
    redis.stop()
    same((statuses(pool, cookies, "/app"), auth_url(pool, cookies).status), ([503], 503), "a store that is gone: 503")

# Settings that the two obey.
with Site(REQUIRED_SCOPES="write", AUTHORIZER_PREFLIGHT="check", AUTHORIZER_PASS_JWT="True") as site:
    pool = site.pool(1)
    alice, bob = fcgi_login(pool.sock), fcgi_login(pool.sock, "bob")
    a = authorizer(pool.sock, "GET", "/app", [cookie_header(alice)])
    ok(a.status == 200 and a.headers[:-1] == VARIABLES and a.headers[-1][0] == "Variable-TPAUTH_JWT", "AUTHORIZER_PASS_JWT hands it on", a)
    same(a.headers[-1][1].count("."), 2, "as a JWT")
    ok(not auth_url(pool, [cookie_header(alice)]).get("X-Auth-JWT"), "AUTH_URL shows it to nobody")
    ok(auth_url(pool, [cookie_header(alice)], TPAUTH_SUBREQUEST="1").get("X-Auth-JWT"), "but to a web server that asks by TPAUTH_SUBREQUEST")
    a = authorizer(pool.sock, "GET", "/app", [cookie_header(bob)], [("TPAUTH_REQUIRE_SCOPES", "extra")])
    same((a.status, a.one("WWW-Authenticate")), (403, 'Bearer error="insufficient_scope", scope="write extra"'),
         "REQUIRED_SCOPES and TPAUTH_REQUIRE_SCOPES add up")
    same(authorizer(pool.sock, "OPTIONS", "/app", [("Origin", "https://e.example"), ("Access-Control-Request-Method", "PUT")]).status,
         401, "AUTHORIZER_PREFLIGHT=check: a preflight needs a session as well")
done()
