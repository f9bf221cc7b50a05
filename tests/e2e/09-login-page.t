#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The login page in front of a static folder: lighttpd asks the authorizer, which sends a browser to the
page, which sends it back. Played in headless Chromium, with another site that would like to interfere."""
import http.server
import threading

import browser
from e2e import *

# Without the header a browser would show from its cache, after the logout, what nobody may see.
AUTHORIZER = """
server.modules += ( "mod_setenv" )
$HTTP["url"] =~ "^/app/" {
  fastcgi.server = ( "/app/" => (( "socket" => "%s", "bin-path" => "%s", "mode" => "authorizer",
    "check-local" => "disable", "max-procs" => 1, "bin-environment" => ( "TPAUTH_CONFIG" => "%s" ),
    "bin-copy-environment" => ( "PATH" ) )) )
  setenv.set-response-header = ( "Cache-Control" => "private, no-cache" )
}
mimetype.assign = ( ".html" => "text/html; charset=utf-8" )
"""
PATHS = [("api/healthcheck)$", "api/healthcheck|login)$")]

# From "localhost", which is another site than 127.0.0.1.
PAGES = {
    "/post": '<form method="post" action="%(site)s/login"><input name="username" value="alice">'
             '<input name="password" value="%(password)s"></form><script>document.forms[0].submit()</script>',
    "/logout": '<form method="post" action="%(site)s/login"><input name="logout" value="yes"></form>'
               '<script>document.forms[0].submit()</script>',
    "/link": '<a href="%(site)s/app/page.html">link</a>',
    "/frame": '<iframe src="%(site)s/login"></iframe>',
}


@contextlib.contextmanager
def other_site(site):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            page = PAGES.get(self.path, "") % {"site": site, "password": PASSWORDS["alice"]}
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def protected(site):
    os.makedirs(site.path("www/app"))
    with open(site.path("www/app/page.html"), "w") as f:
        f.write("<!doctype html><title>page</title>This is the protected page.")
    more = AUTHORIZER % (site.path("az.sock"), PROGRAM, site.config)
    return site.lighttpd(more=more, changes=PATHS)


def without_browser(port):
    """What lighttpd makes of the authorizer's answers."""
    html = ("Accept", "text/html,*/*;q=0.8")
    a = request(port, "GET", "/app/page.html?x=y", [html])
    same((a.status, a.one("Location"), a.body), (303, "/login?return_to=/app/page.html%3Fx%3Dy", b""),
         "a browser is sent to the login page")
    same(request(port, "HEAD", "/app/page.html", [html]).status, 303, "by HEAD as well")
    for headers in ([("Accept", "*/*")], [html, ("Sec-Fetch-Mode", "cors")], []):
        a = request(port, "GET", "/app/page.html", headers)
        same((a.status, a.body), (401, b'{"detail":"Not authenticated"}'), f"an API client gets 401: {headers}")
    same(request(port, "POST", "/app/page.html", [html], "x=y").status, 401, "and so does a POST")
    a = request(port, "GET", "/login")
    same([a.status, a.one("Content-Type"), a.one("Cache-Control"), a.one("X-Content-Type-Options"),
          a.one("Referrer-Policy")],
         [200, "text/html; charset=utf-8", "no-store", "nosniff", "same-origin"], "the page has its headers")
    head = request(port, "HEAD", "/login")
    same((head.status, head.one("Content-Security-Policy"), head.body),
         (200, a.one("Content-Security-Policy"), b""), "HEAD has them, too")


def play(settings, part):
    with Site(COOKIE_SECURE="false", LOGIN_PAGE_URL="/login", LOGIN_URL="/login", APP_TITLE="Tea & Co <3",
              **settings) as site, no_secret_in_logs(site):
        port = protected(site).port
        if part == "visit":
            without_browser(port)
        with other_site(f"http://127.0.0.1:{port}") as other:
            browser.play(site, "login-page.js", f"http://127.0.0.1:{port}", other, part, PASSWORD=PASSWORDS["alice"])


browser.install()
play({}, "visit")
play({"COOKIE_SAMESITE": "lax"}, "links")
done()
