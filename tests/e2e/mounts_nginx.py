# SPDX-License-Identifier: MIT
"""The mounts under nginx."""
from mounts import *

EXACT = Deviation("exact paths: the web server's own answer", status(404))
UNKNOWN = ("/nowhere", "/tokenfoo", "/token/", "/userinfo/x", "/TOKEN", "/api", "/userinfo%2fx",
           "/sessions/x/y")


class Nginx(Mount):
    server = "nginx"

    def reload(self):
        self.server_process.send(signal.SIGHUP)

    def start_pool(self, stage):
        self.pool_process = stage.pool(4)


@mount
class Pool(Nginx):
    name = "nginx, FastCGI on a pool"
    deviations = {**{f"GET {p}": EXACT for p in UNKNOWN},
                  "GET /userinfo, two Authorizations": Deviation("nginx refuses them itself", status(400))}

    graceful = True

    def start(self, stage):
        self.start_pool(stage)
        self.server_process = stage.nginx("nginx-conf/responder.conf")
        return self.server_process.port


@mount
class SpawnFcgi(Pool):
    name = "nginx, FastCGI by spawn-fcgi"
    reloads = False  # as on the other pool
    respawns = False

    def start_pool(self, stage):
        self.pool_process = stage.spawn_fcgi(4)


@mount
class AuthRequest(Nginx):
    name = "nginx, auth_request over files, FastCGI and HTTP"
    roles = ("responder", "authorizer")
    login_page = "/login"
    store_down = {503, 500}  # nginx makes 500 of a 503 that auth_request got
    graceful = True
    doors = [Door("static", "/files/page.txt", "/files/admin/page.txt", within="/files/"),
             Door("fcgi", "/app/x", "/app/admin/x"),
             Door("http", "/service/x", "/service/admin/x", within="/service/")]
    deviations = {**Pool.deviations,
                  **{f"{d.kind}: a browser, nobody, with a query":
                     Deviation("nginx cannot encode a query, and leaves it out", ("/login", d.path)) for d in doors}}

    def start(self, stage):
        stage.static("files/page.txt", "files/admin/page.txt")
        self.start_pool(stage)
        app, port = stage.probe("fcgi").sock, stage.probe("http").port
        self.server_process = stage.nginx(
            ["nginx-conf/responder.conf", "nginx-conf/auth_request.conf", "nginx-conf/auth_request-files.conf",
             "nginx-conf/auth_request-fastcgi.conf", "nginx-conf/auth_request-proxy.conf"],
            maps=["nginx-conf/maps.conf"], changes=[("/run/app.sock", app), ("127.0.0.1:8080", f"127.0.0.1:{port}")],
            # What an administrator may have before it, and what must not answer in tpauth's place.
            before='location ~ tpauth { return 200 "anything"; }\n'
                   'location ~ ^/(app|files|service)/.*[tx]$ { add_header X-Probe open; return 200 "a protected page"; }')
        return self.server_process.port
