#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documentation that shows itself: the OpenAPI document before a public validator, Swagger UI and ReDoc in
headless Chromium, with a login by "Authorize" and a request by "Try it out", on exact paths and below a mount."""
import browser
from e2e import *

ASSETS = os.path.join(BUILD, "docs-assets")
SCOPES = '{"read": "Read what is there", "write": "Change it"}'
LOGIN = [("api/healthcheck)$", "api/healthcheck|login)$")]
FULL = {"AUTH_SCOPES": SCOPES, "LOGIN_PAGE_URL": "/login", "APP_TITLE": "Tea & Co <3", "APP_VERSION": "1.2.3",
        "APP_DESCRIPTION": "What **tea** is made of, for whom </script> it may concern.", "DOCS_DIR": ASSETS,
        "COOKIE_SECURE": "false"}

# Name, settings, and what the document has to have.
DOCUMENTS = [
    ("full", FULL, lambda d: d["info"]["title"] == "Tea & Co <3" and "/login" in d["paths"]),
    ("least", {"SESSIONS_URL": "", "DOCS_URL": "", "REDOC_URL": ""}, lambda d: len(d["paths"]) == 7),
    ("resource-server", {"AUTHORIZATION_SERVER": "False"}, lambda d: "/token" not in d["paths"]),
    ("prefixed", {"COOKIE_PREFIX": "__Host-", "ROOT_PATH": "/auth", "PUBLIC_URL": "https://login.example.org",
                  "TOKEN_FORMAT": "jwt"},
     lambda d: d["servers"] == [{"url": "https://login.example.org/auth"}]),
]


def documents(site):
    """Of tpauth with each of the settings, in a file each."""
    files = []
    for name, settings, holds in DOCUMENTS:
        with Site(**settings) as other:
            a = fcgi(other.pool(workers=1).sock, "GET", "/openapi.json")
        same((a.status, a.one("Content-Type")), (200, "application/json"), f"{name}: there is a document")
        ok(holds(a.json()), f"{name}: and it says what the settings say", a.body[:2000])
        files.append(site.path(name + ".json"))
        with open(files[-1], "wb") as f:
            f.write(a.body)
    return files


def without_files():
    with Site(**{**FULL, "DOCS_DIR": "/nonexistent"}) as site:
        sock = site.pool(workers=1).sock
        for page, name in (("/docs", "Swagger UI"), ("/redoc", "ReDoc")):
            a = fcgi(sock, "GET", page)
            same((a.status, a.one("Content-Type")), (404, "text/html; charset=utf-8"), f"{page} without its files is a page")
            ok(f"The files of {name} are not installed" in a.body.decode() and b"make docs-assets" in a.body
               and b"<script" not in a.body and b"/nonexistent" not in a.body, "which says how to get them", a.body)
            ok(b"Tea &amp; Co &lt;3" in a.body, "its title is text")
        same(fcgi(sock, "GET", "/docs/swagger-ui.css").status, 404, "and so the files are not there")
        same(fcgi(sock, "GET", "/docs/start.js").status, 200, "but for what is ours")
        same(fcgi(sock, "GET", "/openapi.json").status, 200, "the document is there")
    with Site(OPENAPI_URL="") as site:
        sock = site.pool(workers=1).sock
        same([fcgi(sock, "GET", p).status for p in ("/openapi.json", "/docs", "/docs/start.js", "/redoc")], [404] * 4,
             "an empty OPENAPI_URL turns all of it off")


def names_of_files(sock):
    """A page has its files and no others, however they are asked for."""
    for path in ("/docs/LICENSE", "/docs/VERSIONS", "/docs/redoc.standalone.js", "/redoc/swagger-ui.css", "/docs/",
                 "/docs/../docs/start.js", "/docs/..", "/docs/%2e%2e/x", "/docs/start.js/", "/docs//start.js",
                 "/docs/start.js\\..", "/docs/swagger-ui.css.map"):
        same(fcgi(sock, "GET", path).status, 404, f"{path} is nothing")


def play(name, shipped, mount, **settings):
    with Site(**{**FULL, **settings}) as site, no_secret_in_logs(site):
        port = site.lighttpd(shipped, changes=LOGIN).port
        browser.play(site, "docs.js", f"http://127.0.0.1:{port}", mount, name, PASSWORD=PASSWORDS["alice"])


def from_cdn():
    cdn = "https://cdn.example.org/npm"
    with Site(**{**FULL, "DOCS_DIR": "/nonexistent", "DOCS_CDN": cdn}) as site:
        port = site.lighttpd().port
        browser.play(site, "docs.js", f"http://127.0.0.1:{port}", "", "cdn", CDN=cdn, FILES=ASSETS)


browser.install()
subprocess.run([os.path.join(SRC, "tools", "docs-assets"), ASSETS], check=True, stdout=sys.stderr)
with Site(**FULL) as site:
    browser.play(site, "openapi.js", "", "", *documents(site))
    names_of_files(site.pool(workers=1).sock)
without_files()
play("exact paths", "lighttpd-conf/fastcgi.conf", "")
play("a mount", "lighttpd-conf/mount-point.conf", "/tpauth")
from_cdn()
done()
