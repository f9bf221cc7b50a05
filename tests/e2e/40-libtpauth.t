#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An application on the installed library: built with what pkg-config says alone, in C and C++, linked to
the shared library and to the static one, and run in every way that tpauth.fcgi is."""
import re

import browser
from installed import *

BUILT_IN = {"/api/healthcheck", "/auth", "/docs", "/docs/{file}", "/logout", "/openapi.json", "/redoc", "/redoc/{file}",
            "/refresh", "/sessions", "/sessions/{id}", "/token", "/userinfo"}
WARN = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


def build(i, out, source, static=False):
    cxx = source.endswith(".cc")
    libs = i.config("--libs", "--static") if static else i.config("--libs")
    if static:
        libs = [os.path.join(i.lib, "libtpauth.a") if x == "-ltpauth" else x for x in libs]
    return run([*([CXX, "-std=c++17"] if cxx else [*CC, "-std=c11"]), *WARN, *SANITIZE, *i.config("--cflags"),
                "-o", out, source, *libs, i.rpath])


def check_installed(i):
    ok(os.path.exists(os.path.join(i.prefix, "include", "tpauth.h")), "the header is installed")
    same(sorted(os.listdir(os.path.join(i.prefix, "include"))), ["tpauth.h"], "and no other")
    needed = output(["readelf", "-d", os.path.join(i.lib, "libtpauth.so")])[1]
    ok("[libtpauth.so.0]" in needed, "its name has the number of the interface", needed)
    ok("libcurl" not in needed and "libjwt" not in needed and "libnghttp2" not in needed,
       "it links none of the heavy libraries", needed)
    exported = [x.split() for x in output(["nm", "-D", "--defined-only",
                                           os.path.join(i.lib, "libtpauth.so")])[1].splitlines()]
    foreign = [x[-1] for x in exported if not re.fullmatch(r"tpauth_\w+@@TPAUTH_0|TPAUTH_0", x[-1])]
    same(foreign, [], "it exports nothing but its own names")
    same(i.config("--modversion"), ["0.1.0"], "pkg-config has its version")


def check_command_line(app, site):
    rc, out, err = output([app, "--help"])
    same((rc, out.split("\n")[0], err), (0, "usage: app [--config FILE] [--NAME VALUE | --NAME=VALUE]...", ""),
         "--help says the program's name")
    same(output([app, "--version"])[:2], (0, "tpauth 0.1.0\n"), "--version is the library's")
    same(output([app, "--config", site.config, "--check-config"])[:2], (0, "configuration: good\n"), "--check-config")
    rc, out, err = output([app, "--config", site.config])
    ok(rc == 64 and err.startswith("app: no FastCGI socket"), "from a shell it says what it needs", (rc, err))
    rc, out, err = output([app, "--config", site.config, "--userinfo-url", "/user", "--log-target", "stderr",
                           "--check-config"])
    ok(rc == 78 and "route /user: a built-in endpoint has this path" in err,
       "a route at a built-in path is an error that names it", (rc, err))
    rc, out, err = output([app, "--config", site.config, "--auth-scopes", '{"read":"Read"}', "--log-target", "stderr",
                           "--check-config"])
    ok(rc == 0 and "the route /items/{id} needs" in err and "write" in err and "config.warning" in err,
       "a scope that AUTH_SCOPES does not have is a warning", (rc, err))


def check_serving(port, how):
    a = login(port)
    same(a.status, 200, f"{how}: the built-in endpoints are there")
    auth = [bearer_header(a)]
    r = request(port, "GET", "/user", auth)
    same((r.status, r.one("content-type"), r.one("cache-control"), r.body),
         (200, "text/plain; charset=utf-8", "no-store", b"Hello alice\n"), f"{how}: a route for a session")
    same(request(port, "GET", "/user").status, 401, f"{how}: and for nobody else")
    r = request(port, "GET", "/items/a%20b", auth)
    same((r.status, r.one("x-item"), r.body), (200, "yes", b"GET a b\n"), f"{how}: a parameter is decoded")
    r = request(port, "GET", "/items/a%2541", auth)
    same((r.status, r.body), (200, b"GET a%41\n"), f"{how}: once")
    r = request(port, "PUT", "/items/7", auth, "x")
    same((r.status, r.body), (200, b"PUT 7\n"), f"{how}: another method of that path")
    r = request(port, "HEAD", "/items/7", auth)
    same((r.status, r.body), (200, b""), f"{how}: HEAD comes with GET")
    r = request(port, "DELETE", "/items/7", auth)
    same((r.status, r.one("allow")), (405, "GET, HEAD, PUT"), f"{how}: 405 names the methods of the path")
    r = request(port, "GET", "/secret", auth)
    same((r.status, r.one("www-authenticate")),
         (403, 'Bearer error="insufficient_scope", scope="nobody:has"'), f"{how}: a scope is missing")
    r = request(port, "GET", "/public")
    same((r.status, r.body), (200, b"GET (null)\n"), f"{how}: a public route")
    d = request(port, "GET", "/openapi.json").json()
    same((d["info"], sorted(set(d["paths"]) - BUILT_IN), sorted(d["paths"]["/items/{id}"]),
          d["paths"]["/items/{id}"]["put"]["security"][0], d["paths"]["/public"]["get"]["security"]),
         ({"title": "Try", "version": "1.0", "description": "A trial"}, ["/items/{id}", "/public", "/secret", "/user"],
          ["get", "parameters", "put"], {"oauth2": ["write"]}, []), f"{how}: the OpenAPI document has the routes")
    bob = login(port, "bob")
    same(request(port, "PUT", "/items/7", [bearer_header(bob)], "x").status, 403,
         f"{how}: another user has other scopes")
    cross = [cookie_header(a), ("Origin", "https://evil.example.com"), ("Sec-Fetch-Site", "cross-site")]
    same(request(port, "PUT", "/items/7", cross, "x").status, 403, f"{how}: a foreign page cannot write")


FASTCGI = r'''server.modules += ( "mod_fastcgi" )
fastcgi.server = ( "/" => (( "socket" => "%s/app.sock", "bin-path" => "%s", "check-local" => "disable",
  "max-procs" => 2, "bin-environment" => ( "TPAUTH_CONFIG" => "%s" ), "bin-copy-environment" => ( "PATH" ) )) )'''


def check_every_way(site, app):
    p = site.lighttpd([], more=FASTCGI % (site.dir, app, site.config))
    check_serving(p.port, "FastCGI")
    with open(site.path("openapi.json"), "wb") as f:
        f.write(request(p.port, "GET", "/openapi.json").body)
    browser.install()
    browser.play(site, "openapi.js", "", "", site.path("openapi.json"))
    p.stop()
    p = site.lighttpd("lighttpd-conf/cgi.conf", changes=[
        ("token|refresh", "user|items/[^/]+|secret|public|token|refresh"),
        ("alias.url = (", "alias.url = (" + "".join(f'"/{x}" => "{app}", ' for x in ("user", "items", "secret", "public"))),
        (os.path.join(site.path("lib"), "tpauth.cgi"), app)])
    check_serving(p.port, "CGI")
    p.stop()
    site.program = app
    pool = site.pool(2)
    p = site.nginx([], more=NGINX % ("unix:" + pool.sock))
    check_serving(p.port, "--listen")
    site.settings["USERINFO_URL"] = "/user"
    site.write_config()
    pool.send(signal.SIGHUP)
    ok(wait_until(lambda: "a built-in endpoint has this path" in site.text("tpauth.log")),
       "a reload that takes a route's path is refused")
    same(request(p.port, "GET", "/public").status, 200, "and what was there goes on")
    p.stop()
    same(pool.stop(), 0, "SIGTERM ends the pool")


with Site() as site, Site() as place:
    installed = Installed(place.path("root"))
    app = place.path("app")
    source = os.path.join(SRC, "tests", "e2e", "app.c")
    check_installed(installed)
    if ok(build(installed, app, source), "C11 with what pkg-config says"):
        check_command_line(app, site)
        check_every_way(site, app)
    if os.path.exists(os.path.join(installed.lib, "libtpauth.a")):
        static = place.path("static")
        ok(build(installed, static, source, static=True), "linked to the static library")
        linked = output(["readelf", "-d", static])[1]
        ok("libtpauth" not in linked, "which is then in the program", linked)
        same(output([static, "--config", place.config, "--check-config"])[:2], (0, "configuration: good\n"), "and works")
    else:
        ok(False, "the static library is installed")
    if CXX is not None:
        copy = place.path("app.cc")
        shutil.copy(source, copy)
        cxx = place.path("cxx")
        ok(build(installed, cxx, copy), "C++17 with what pkg-config says")
        same(output([cxx, "--config", place.config, "--check-config"])[:2], (0, "configuration: good\n"), "and it works")
    else:
        ok(False, "a C++ compiler is there")

done()
