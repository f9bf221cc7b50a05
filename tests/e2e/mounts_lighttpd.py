# SPDX-License-Identifier: MIT
"""The mounts under lighttpd."""
from mounts import *

EXACT = Deviation("exact paths: the web server's own answer", status(404))
UNKNOWN = ("/nowhere", "/tokenfoo", "/token/", "/userinfo/x", "/TOKEN", "/api", "/userinfo%2fx",
           "/sessions/x/y")


class Lighttpd(Mount):
    server = "lighttpd"
    shipped = ()

    def start(self, stage):
        self.server_process = stage.lighttpd(self.shipped)
        return self.server_process.port

    def reload(self):
        self.server_process.send(signal.SIGUSR1)


@mount
class Exact(Lighttpd):
    name = "lighttpd, FastCGI on exact paths"
    graceful = True
    shipped = ["lighttpd-conf/fastcgi.conf"]
    deviations = {f"GET {p}": EXACT for p in UNKNOWN}


@mount
class WholeHost(Lighttpd):
    name = "lighttpd, FastCGI for a whole host"
    auth_url = True

    def start(self, stage):
        self.server_process = stage.lighttpd("lighttpd-conf/whole-host.conf",
                                             before='server.modules += ( "mod_fastcgi" )')
        return self.server_process.port


@mount
class MountPoint(Lighttpd):
    name = "lighttpd, FastCGI below a path"
    shipped = ["lighttpd-conf/mount-point.conf"]
    prefix = "/tpauth"
    auth_url = True


@mount
class RootPath(MountPoint):
    name = "lighttpd, FastCGI below a path, ROOT_PATH"
    settings = {"ROOT_PATH": "/tpauth"}


@mount
class Cgi(Lighttpd):
    name = "lighttpd, CGI"
    shipped = ["lighttpd-conf/cgi.conf"]
    deviations = {f"GET {p}": EXACT for p in UNKNOWN}


class Authorizer(Lighttpd):
    roles = ("authorizer",)
    settings = {"LOGIN_URL": "/login"}
    login_page = "/login"

    def start(self, stage):
        self.stock(stage)
        return super().start(stage)


@mount
class OverFiles(Authorizer):
    name = "lighttpd, authorizer over files"
    shipped = ["lighttpd-conf/fastcgi.conf", "lighttpd-conf/authorizer-static.conf"]
    roles = ("responder", "authorizer")
    graceful = True
    deviations = Exact.deviations
    doors = [Door("static", "/app/page.txt", "/app/admin/page.txt")]

    def stock(self, stage):
        stage.static("app/page.txt", "app/admin/page.txt")


@mount
class OverFastcgi(Authorizer):
    name = "lighttpd, authorizer over FastCGI"
    shipped = ["lighttpd-conf/authorizer-fastcgi.conf"]
    doors = [Door("fcgi", "/app/x", "/app/admin/x")]

    def stock(self, stage):
        stage.probe("fcgi", "app.sock")


@mount
class OverCgi(Authorizer):
    name = "lighttpd, authorizer over CGI"
    shipped = ["lighttpd-conf/authorizer-cgi.conf"]
    doors = [Door("cgi", "/app/x.cgi", "/app/admin/x.cgi")]

    def stock(self, stage):
        stage.link(stage.probe("cgi").program, "app/x.cgi", "app/admin/x.cgi")
