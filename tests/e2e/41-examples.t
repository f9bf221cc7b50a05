#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The examples, built by their own makefile on the installed library, each doing what it says."""
from installed import *

SECRET_OF_HANDLER = "marker-handler-secret"
PASSWORD = "correct horse battery staple"
HASH = subprocess.run(["openssl", "passwd", "-6", PASSWORD], capture_output=True, text=True, check=True).stdout.strip()


def serve(site, program, *flags, before=()):
    site.program = program
    address = free_port()
    site.pool(2, *flags, port=address, before=before)
    return site.nginx([], more=NGINX % f"127.0.0.1:{address}").port


def check_authserver(site, folder):
    port = serve(site, os.path.join(folder, "authserver"))
    same(login(port, "admin", "wrong").status, 400, "authserver: a wrong password")
    same(login(port, "root", PASSWORD).status, 400, "authserver: a wrong name")
    same(request(port, "POST", "/token", [FORM], form(username="admin")).status, 400, "authserver: no password")
    a = login(port, "admin", PASSWORD)
    same(a.status, 200, "authserver: its user")
    claims = request(port, "GET", "/userinfo", [bearer_header(a)]).json()
    same({k: claims.get(k) for k in ("user_id", "username", "scopes", "issued_to")},
         {"user_id": "user_099", "username": "Admin", "scopes": ["user:read", "user:write"],
          "issued_to": "127.0.0.1"}, "authserver: the claims of its hook")
    return bearer_header(a)


def check_module(site, folder):
    port = serve(site, PROGRAM, "--token-handler", f"module:{folder}/module.so,alice:{HASH}")
    same(login(port, "alice", "wrong").status, 400, "module: a wrong password")
    same(login(port, "alic", PASSWORD).status, 400, "module: a wrong name")
    a = login(port, "alice", PASSWORD)
    same(a.status, 200, "module: its user")
    return bearer_header(a)


def check_handler(site, folder):
    with open(os.path.join(folder, "check-password"), "w") as f:
        # One that lets in whoever comes without a password, as an anonymous bind to a directory does.
        f.write(f'#!/bin/sh\nread -r name && read -r password || exit 0\n[ "$name" = "o\'hara" ] && [ "$password" = \'{PASSWORD}\' ]\n')
    os.chmod(f.name, 0o755)
    port = serve(site, PROGRAM, "--token-handler", f"exec:{folder}/handler.sh")
    same(login(port, "o'hara", "wrong").status, 400, "handler.sh: a wrong password")
    same([login(port, "o'hara", x).status for x in ("two\nlines", "\n")], [400] * 2, "handler.sh: what is no line")
    a = login(port, "o'hara", PASSWORD)
    same((a.status, a.json().get("user_id")), (200, "o'hara"), "handler.sh: its user")


def check_resources(site, folder, admin, alice):
    port = serve(site, os.path.join(folder, "resource"))
    r = request(port, "GET", "/user", [admin])
    same((r.status, r.body), (200, b"Hello Admin"), "resource: a user")
    same(request(port, "GET", "/user").status, 401, "resource: nobody")
    same(request(port, "POST", "/token", [FORM], form(username="a", password="b")).status, 404, "resource: no logins")
    scoped = serve(site, os.path.join(folder, "resource_scope"))
    same(request(scoped, "GET", "/user", [admin]).body, b"Hello Admin", "resource_scope: a user who may write")
    same(request(scoped, "GET", "/user", [alice]).status, 403, "resource_scope: one who may not")

    before = ["/usr/bin/env", f"USER_SERVICE=http://127.0.0.1:{port}/user"]
    forward = serve(site, os.path.join(folder, "forward"), before=before)
    r = request(forward, "GET", "/forwarded", [admin])
    same((r.status, r.one("content-type"), r.body), (200, "text/plain; charset=utf-8", b"Hello Admin"),
         "forward: what the other service said to the user")
    same(request(forward, "GET", "/forwarded").status, 401, "forward: nobody")
    before = ["/usr/bin/env", f"USER_SERVICE=http://127.0.0.1:{free_port()}/user"]
    forward = serve(site, os.path.join(folder, "forward"), before=before)
    same(request(forward, "GET", "/forwarded", [admin]).status, 503, "forward: the other service is not there")


def ask_webhook(port, secret, **fields):
    r = request(port, "POST", "/login", [("Authorization", "Bearer " + secret), ("Content-Type", "application/json")],
                json.dumps(fields))
    return r.status, r.json()


def check_webhook(site, folder):
    for env in {}, {"HANDLER_SECRET": ""}:
        r = subprocess.run([sys.executable, os.path.join(folder, "webhook.py")], env=env, timeout=20,
                           capture_output=True, text=True)
        same((r.returncode, r.stderr), (1, "webhook.py: HANDLER_SECRET is not set\n"),
             f"webhook.py: with {env} it says what is missing")
    port = free_port()
    site.start([sys.executable, os.path.join(folder, "webhook.py")], stderr=subprocess.DEVNULL,
               env={"PATH": os.environ["PATH"], "PORT": str(port), "HANDLER_SECRET": SECRET_OF_HANDLER})
    wait_until(lambda: port_open(port))
    alice = {"event": "login", "username": "alice", "password": PASSWORD}
    same(ask_webhook(port, SECRET_OF_HANDLER, **alice),
         (200, {"user_id": "alice", "username": "alice", "scopes": ["user:read"]}), "webhook.py: its user")
    same(ask_webhook(port, SECRET_OF_HANDLER, **{**alice, "password": "wrong"})[0], 401, "webhook.py: a wrong password")
    same(ask_webhook(port, SECRET_OF_HANDLER, **{**alice, "username": "bob"})[0], 401, "webhook.py: a wrong name")
    same(ask_webhook(port, "wrong", **alice)[0], 500, "webhook.py: a stranger is no answer about a user")
    claims = {"user_id": "alice", "x": 1}
    same(ask_webhook(port, SECRET_OF_HANDLER, event="refresh", user_id="alice", claims=claims), (200, claims),
         "webhook.py: a refresh")


with Site() as place:
    installed = Installed(place.path("root"))
    folder = place.path("examples")
    shutil.copytree(os.path.join(SRC, "examples"), folder)
    flags = " ".join(["-std=gnu11", "-Wall", "-Wextra", "-Werror", *SANITIZE])
    built = run(["make", "-s", "-C", folder, "CC=" + " ".join(CC), "CFLAGS=" + flags,
                 "LDFLAGS=" + " ".join([*SANITIZE, installed.rpath])], env={**os.environ, **installed.env})
    if ok(built, "the examples are built by their makefile"):
        place.settings.pop("TOKEN_HANDLER")
        place.write_config()
        with Site(STATE_DIR=place.state) as site, Site(STATE_DIR=place.state, AUTHORIZATION_SERVER="False") as other:
            admin = check_authserver(place, folder)
            alice = check_module(site, folder)
            check_resources(other, folder, admin, alice)
            check_handler(site, folder)
            check_webhook(site, folder)

done()
