#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What only Apache's mounts have to prove: mod_fcgid shows nobody what the authorizer told it, browsers are sent
to the login page, and on shared hosting neither the settings nor the script are ever handed out."""
import mounts_apache
from mounts import *

NAMES = ("REMOTE_USER", "TPAUTH_USER_ID", "TPAUTH_USERNAME", "TPAUTH_EMAIL", "TPAUTH_SCOPES", "TPAUTH_JWT")
BROWSER = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
# What suexec leaves of a program's environment, besides HTTP_* and SSL_*.
SUEXEC = {"AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "DOCUMENT_ROOT", "GATEWAY_INTERFACE", "HTTPS", "PATH_INFO",
          "PATH_TRANSLATED", "QUERY_STRING", "REDIRECT_STATUS", "REDIRECT_URL", "REMOTE_ADDR", "REMOTE_PORT",
          "REMOTE_USER", "REQUEST_METHOD", "REQUEST_SCHEME", "REQUEST_URI", "SCRIPT_FILENAME", "SCRIPT_NAME",
          "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL"}


def program(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)


def nothing_shown(v, name):
    """Over answers of every kind: the server's own pages and redirects, programs that fail, a back end that is gone."""
    folder = v.stage.path("www/app")
    program(v.stage.path("cgi-bin/broken.cgi"), "exit 1\n")
    program(v.stage.path("cgi-bin/own.cgi"), "printf 'Status: 404\\nContent-Type: text/plain\\n\\nown\\n'\n")
    v.stage.static("app/index.html", "app/closed.txt", "app/sub/index.html", "errors/410.html")
    os.chmod(os.path.join(folder, "closed.txt"), 0)
    bearer = bearer_header(v.stage.session())
    tries = [("GET", "/app/page.txt", [], 200), ("GET", "/app/", [], 200), ("GET", "/app/sub", [], 301),
             ("GET", "/app/none", [], 404), ("GET", "/app/closed.txt", [], 403), ("DELETE", "/app/page.txt", [], 405),
             ("GET", "/app/page.txt", [("Range", "bytes=900-")], 416), ("GET", "/app/page.txt", [("If-Match", '"x"')], 412),
             ("GET", "/app/page.txt", [("If-None-Match", "*")], 304), ("GET", "/app/cgi-bin/x.cgi", [], 200),
             ("GET", "/app/cgi-bin/broken.cgi", [], 500), ("GET", "/app/cgi-bin/own.cgi", [], 404),
             ("GET", "/app/cgi-bin/none.cgi", [], 404), ("GET", "/app/proxy/x", [], 200), ("GET", "/app/gone/x", [], 503),
             ("GET", "/app/old/x", [], 410), ("OPTIONS", "/app/page.txt", [], 200)]
    got = [v.door(m, p, [bearer, *headers]) for m, p, headers, _ in tries]
    same([a.status for a in got], [number for *_, number in tries], f"{name}: answers of every kind")
    same([(t[:2], k) for t, a in zip(tries, got) for k, _ in a.headers if k.lower().startswith(("variable-", "x-auth-"))],
         [], f"{name}: none shows the client a variable")


def to_the_login_page(v, name, login):
    a = v.door("GET", "/app/page.txt?a=1&b=%20/x", [BROWSER])
    same((a.status, a.one("location")), (303, login + "?return_to=/app/page.txt%3Fa%3D1%26b%3D%2520/x"),
         f"{name}: a browser is sent to the login page, and told where to return to")
    a = v.door("GET", "/app/page.txt", [("Accept", "application/json")])
    same((a.status, a.one("location"), a.body), (401, None, b'{"detail":"Not authenticated"}'),
         f"{name}: a program gets 401")
    same(v.door("POST", "/app/page.txt", [BROWSER], "x=y").status, 401, f"{name}: so does a form")
    bob = bearer_header(v.stage.session("bob"))
    same(v.door("GET", "/app/admin/page.txt", [BROWSER, bob]).status, 403, f"{name}: who lacks a scope gets 403")


MORE = """
Redirect gone "/app/old/"
ErrorDocument 410 /errors/410.html
ProxyPass "/app/gone/" "http://127.0.0.1:1/"
"""
for cls in (mounts_apache.AccessChecker, mounts_apache.AuthnzFcgi):
    m = cls()
    m.more = MORE
    m.settings = {"AUTHORIZER_PASS_JWT": "True"}
    with Stage(m) as stage, no_secret_in_logs(stage):
        visit = Visit(m, stage, m.start(stage))
        nothing_shown(visit, m.name)

m = mounts_apache.AccessChecker()
with Stage(m) as stage:
    visit = Visit(m, stage, m.start(stage))
    to_the_login_page(visit, m.name, "/login")
    same(visit.door("GET", "/tpauth-refused").status, 404, f"{m.name}: nobody else asks for the document of a 401")

m = mounts_apache.AccessChecker()
with Site() as shop:
    redis = shop.redis()
    m.settings = {"DB_URL": "unix://" + redis.sock, "DB_TIMEOUT": "1"}
    subprocess.run(["chmod", "-R", "a+rwX", shop.dir], check=True)
    with Stage(m) as stage:
        visit = Visit(m, stage, m.start(stage))
        bearer = bearer_header(stage.session())
        same(visit.door("GET", "/app/page.txt", [bearer]).status, 200, f"{m.name}: with a store")
        redis.stop()
        a = visit.door("GET", "/app/page.txt", [bearer])
        same((a.status, a.one("content-type"), a.json()["error"]), (503, "application/json", "temporarily_unavailable"),
             f"{m.name}: a store that is down is 503, not 401")

# Shared hosting.
for cls in (mounts_apache.Htaccess, mounts_apache.HtaccessNoAuthconfigCgi):
    m = cls()
    with Stage(m) as stage:
        visit = Visit(m, stage, m.start(stage))
        web = stage.path("www")
        for name in ("tpauth.conf", "tpauth.log", "tpauth/secret", "sub/tpauth/state/sessions/data.mdb"):
            os.makedirs(os.path.dirname(os.path.join(web, name)), exist_ok=True)
            with open(os.path.join(web, name), "w") as f:
                f.write("secret\n")
            same(visit.door("GET", "/" + name).status, 403, f"{m.name}: /{name}, there by mistake, is not handed out")
        same(visit.door("GET", "/.htaccess").status, 403, f"{m.name}: nor is .htaccess")
        a = visit.door("GET", "/" + m.script)
        ok(a.status == 404 and b"TPAUTH_CONFIG" not in a.body, f"{m.name}: nor the script", a)
        forged = [("TPAUTH-CONFIG", "/nonexistent"), ("SECRET-KEY", "x"), ("REDIRECT-TPAUTH-CONFIG", "/nonexistent")]
        same(visit.ask("GET", "/api/healthcheck?TPAUTH_CONFIG=/nonexistent&--config=/x", forged).body, b'{"status":200}',
             f"{m.name}: no header and no query is a setting")

# suexec takes variables away; what the program needs must be among those that it leaves.
m = mounts_apache.HtaccessNoAuthconfigCgi()
with Stage(m) as stage:
    visit = Visit(m, stage, m.start(stage))
    script = stage.path("www/tpauth.cgi")
    kept = script + ".kept"
    os.rename(script, kept)
    names = " ".join(sorted(SUEXEC))
    program(script, f'for n in {names} $(env | sed -n "s/^\\(HTTP_[A-Z_]*\\)=.*/\\1/p"); do\n'
            'eval "[ -z \\"\\${$n+x}\\" ] || set -- \\"\\$@\\" \\"$n=\\$$n\\""\ndone\n'
            f'exec env -i PATH=/usr/bin:/bin "$@" {kept}\n')
    a = visit.login()
    same(visit.ask("GET", "/userinfo", [bearer_header(a)]).status, 200, f"{m.name}: under suexec a bearer arrives")
    same(visit.ask("GET", "/userinfo", [cookie_header(a)]).status, 200, f"{m.name}: and cookies do")
done()
