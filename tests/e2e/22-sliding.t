#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sessions that slide by being used: in process, and from a resource server by calls to tpauth-grpcd. A
refresh service that is down, stopped, silent or wrong fails no request and delays none beyond
REFRESH_TIMEOUT_MS; connections are kept and counted. (The Python original opens a channel for each
request, waits without a deadline, and hangs when the daemon does.)"""
import threading

from e2e import *

GRPCD = os.path.join(BUILD, "tpauth-grpcd")
WINDOW_S = 2
TIMEOUT_MS = 250
# Client, servers and sanitizers may share two cores with others. A service that hangs, hangs for ever.
SLACK_S = 1.0
BOUND_S = TIMEOUT_MS / 1000 + SLACK_S
STILL = ("refresh", "false")


class Relay:
    """Stands before the daemon and counts connections; with no daemon it takes them and is silent."""

    def __init__(self, to=None):
        self.to, self.count, self.open = to, 0, True
        self.s = socket.create_server(("127.0.0.1", 0))
        self.target = "127.0.0.1:%d" % self.s.getsockname()[1]
        self.kept = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                a, _ = self.s.accept()
            except OSError:
                return
            self.count += 1
            self.kept.append(a)
            if self.to is not None:
                threading.Thread(target=self.relay, args=(a,), daemon=True).start()

    def relay(self, a):
        b = socket.socket(socket.AF_UNIX)
        try:
            b.connect(self.to)
        except OSError:
            a.close()
            return

        def copy(src, dst):
            try:
                while True:
                    data = src.recv(65536)
                    if not data:
                        break
                    dst.sendall(data)
            except OSError:
                pass
            for s in (src, dst):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        back = threading.Thread(target=copy, args=(b, a), daemon=True)
        back.start()
        copy(a, b)
        back.join()
        a.close()
        b.close()

    def close(self):
        self.s.close()
        for a in self.kept:
            a.close()


def grpcd(site, name, **settings):
    """The daemon, with settings of its own beside those of the site, on a unix socket or what
    GRPC_LISTEN says."""
    sock = site.path(name + ".sock")
    env = {"PATH": os.environ["PATH"], **sanitizers(), "GRPC_LISTEN": "unix:" + sock, **settings}
    p = site.start([GRPCD, "--config", site.config], env=env, stderr=open(site.path(name + "-stderr.log"), "a"))
    p.sock = sock

    def up():
        if not env["GRPC_LISTEN"].startswith("unix:"):
            return port_open(int(env["GRPC_LISTEN"].rpartition(":")[2]))
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(sock) == 0
    if not wait_until(lambda: up() or not p.alive()) or not p.alive():
        raise RuntimeError("tpauth-grpcd did not start: " + site.text(name + "-stderr.log"))
    return p


def iat(ask, bearer):
    """When the stored token was made, by a request that does not make it slide."""
    return ask([bearer, STILL]).json()["iat"]


def open_window(ask, bearer):
    """Waits until the session may slide; returns its iat. That is in whole seconds, the store's window is not."""
    old = iat(ask, bearer)
    time.sleep(max(0, old + WINDOW_S + 1.05 - time.time()))
    return old


def timed(ask, headers):
    begun = time.monotonic()
    a = ask(headers)
    return a.status, time.monotonic() - begun


def slides(ask, bearer, name):
    old = open_window(ask, bearer)
    status, took = timed(ask, [bearer])
    ok(status == 200 and took < BOUND_S, f"{name}: answered at once", (status, took))
    # A call that a busy machine made late is not tried again before the next use.
    ok(wait_until(lambda: iat(ask, bearer) > old, 3) or
       wait_until(lambda: ask([bearer]).json()["iat"] > old, 5, 0.2), f"{name}: the session slides by its use")


def stands(ask, bearer, name, seconds=0.5):
    old = open_window(ask, bearer)
    seen = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen.append(timed(ask, [bearer]))
        time.sleep(0.01)
    same({s for s, _ in seen}, {200}, f"{name}: no request fails ({len(seen)})")
    worst = max(t for _, t in seen)
    ok(worst < BOUND_S, f"{name}: no request takes longer than REFRESH_TIMEOUT_MS",
       [(i, round(t, 3)) for i, (_, t) in enumerate(seen) if t > 0.1])
    same(iat(ask, bearer), old, f"{name}: the session stands as it was")
    return seen


def in_process():
    users = {}
    with Site(REFRESH_RESTRICT_MINUTES=f"{WINDOW_S}s") as site:
        port = site.lighttpd().port

        def ask(headers):
            return request(port, "GET", "/userinfo", headers)
        a = login(port)
        bearer = bearer_header(a)
        old = open_window(ask, bearer)
        for header in ("false", "False", "FALSE"):
            ask([bearer, ("refresh", header)])
        time.sleep(0.2)
        same(iat(ask, bearer), old, "in process: refresh: false keeps still, in any case")
        slides(ask, bearer, "in process")
        slides(lambda headers: ask([cookie_header(a) if h == bearer else h for h in headers]), bearer,
               "in process, by cookies")
        # A request to another application, in the role of an authorizer.
        pool = site.pool(1)

        def authorize(headers):
            raw, _ = fcgi_request(pool.sock, [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/app/"),
                                              ("HTTP_AUTHORIZATION", bearer[1])], role=2)
            return cgi_answer(raw)
        old = open_window(ask, bearer)
        same(authorize([]).status, 200, "the authorizer permits")
        ok(wait_until(lambda: iat(ask, bearer) > old, 3), "and the session slides")
        same(pool.stop(), 0, "and the pool ends in order")
        # Denied by the handler: the answer under way stays, the session does not.
        with open(site.path("users")) as f:
            users = f.read()
        with open(site.path("users"), "w") as f:
            f.write("".join(x for x in users.splitlines(True) if not x.startswith("alice:")))
        open_window(ask, bearer)
        same(ask([bearer]).status, 200, "in process: a user who was locked out gets this answer")
        ok(wait_until(lambda: ask([bearer, STILL]).status == 401, 3), "in process: and no other")
        ok("event=slide.denied" in site.text("tpauth.log"), "in process: the log says why")


def slow_handler():
    with Site(REFRESH_RESTRICT_MINUTES=f"{WINDOW_S}s") as site:
        script = site.path("handler")
        with open(script, "w") as f:
            f.write('#!/bin/sh\nread -r q\ncase $q in *\'"event":"refresh"\'*) sleep 3;; esac\n'
                    'echo \'{"user_id":"alice","username":"alice","scopes":["read"]}\'\n')
        os.chmod(script, 0o755)
        site.settings["TOKEN_HANDLER"] = "exec:" + script
        site.write_config()
        pool = site.pool(4)

        def ask(headers):
            return fcgi(pool.sock, "GET", "/userinfo", headers)
        sessions = [bearer_header(fcgi_login(pool.sock)) for _ in range(4)]
        old = [open_window(ask, b) for b in sessions]
        seen = [timed(ask, [b]) for b in sessions]
        for _ in range(10):
            seen += [timed(ask, [b]) for b in sessions]
        worst = max(t for _, t in seen)
        ok({s for s, _ in seen} == {200} and worst < 1.0,
           "slow handler: it delays no answer, though every session may slide", worst)
        ok(wait_until(lambda: any(iat(ask, b) > o for b, o in zip(sessions, old)), 8), "slow handler: sessions slide")
        same(pool.stop(), 0, "slow handler: the pool ends in order")


def hides(site, *secrets):
    """No log of the site holds the key or one of these."""
    text = "".join(site.text(n) for n in os.listdir(site.dir) if n.endswith(".log"))
    ok(len(text) > 0 and not any(s in text for s in (SECRET, *secrets)), "the logs hold no secret")


def resource_site(auth, **settings):
    return Site(AUTHORIZATION_SERVER="False", TOKEN_HANDLER="", DB_URL=auth.settings["DB_URL"],
                REFRESH_RESTRICT_MINUTES=f"{WINDOW_S}s", **settings)


ONE = [('"max-procs" => 4', '"max-procs" => 1')]


def log_count(site, word):
    return site.text("tpauth.log").count("event=" + word + " ")


def with_daemon(auth, bearer):
    daemon = grpcd(auth, "d1")
    relay = Relay(daemon.sock)
    with resource_site(auth, GRPC_TARGET=relay.target) as site:
        port = site.lighttpd(changes=ONE).port

        def ask(headers):
            return request(port, "GET", "/userinfo", headers)
        same(request(port, "POST", "/refresh", [bearer], "").status, 404, "a resource server refreshes nothing itself")
        open_window(ask, bearer)
        ask([bearer, STILL])
        same(relay.count, 0, "refresh: false calls nobody")
        for i in range(3):
            slides(ask, bearer, f"by the daemon, {i + 1}")
        same(relay.count, 1, "one connection for all of it")
        calls = log_count(site, "slide.asked")
        for _ in range(20):
            ask([bearer])
        same(log_count(site, "slide.asked"), calls, "nobody is called while the window is closed")

        # Killed, then back.
        daemon.stop(signal.SIGKILL)
        failed = log_count(site, "slide.failed")
        stands(ask, bearer, "daemon killed", 0.8)
        n = log_count(site, "slide.failed") - failed
        ok(n == 1 and log_count(site, "slide.put_off") > 0, "daemon killed: tried once, then left alone", n)
        os.unlink(daemon.sock)
        daemon = grpcd(auth, "d1")
        time.sleep(1.2)
        slides(ask, bearer, "daemon back")

        # Stopped: it holds its connection and says nothing.
        failed, connections = log_count(site, "slide.failed"), relay.count
        daemon.send(signal.SIGSTOP)
        seen = stands(ask, bearer, "daemon stopped", 0.9)
        n = log_count(site, "slide.failed") - failed
        same(n, 1, "daemon stopped: waited for once, then left alone")
        ok(sum(t > TIMEOUT_MS / 1000 / 2 for _, t in seen) <= 2, "daemon stopped: only the next request may wait", seen)
        ok(relay.count - connections <= 1, "daemon stopped: no connection for each request", relay.count)
        daemon.send(signal.SIGCONT)
        time.sleep(2.2)
        slides(ask, bearer, "daemon goes on")
    same(daemon.stop(), 0, "the daemon ends in order")
    relay.close()


def silent(auth, bearer):
    relay = Relay()
    with resource_site(auth, GRPC_TARGET=relay.target) as site:
        port = site.lighttpd(changes=ONE).port

        def ask(headers):
            return request(port, "GET", "/userinfo", headers)
        seen = stands(ask, bearer, "silent service", 0.9)
        same(relay.count, 1, f"silent service: one connection for {len(seen)} requests")
        hides(site, bearer[1].split()[1].partition(".")[0])
    relay.close()


def secret_and_tls(auth, bearer):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", auth.path("key.pem"), "-out", auth.path("cert.pem"), "-days", "2", "-subj", "/CN=t",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    other = auth.path("other.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", auth.path("other-key.pem"), "-out", other, "-days", "2", "-subj", "/CN=o",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    listen = f"127.0.0.1:{free_port()}"
    shared = "marker-grpc-secret-0123456789"
    daemon = grpcd(auth, "d2", GRPC_LISTEN=listen, GRPC_SECRET=shared, GRPC_TLS_CERT=auth.path("cert.pem"),
                   GRPC_TLS_KEY=auth.path("key.pem"))
    cases = [("TLS and secret", auth.path("cert.pem"), shared, True),
             ("a wrong secret", auth.path("cert.pem"), "wrong", False),
             ("no secret", auth.path("cert.pem"), "", False),
             ("another authority", other, shared, False),
             ("no TLS", "", shared, False)]
    for name, ca, secret, good in cases:
        with resource_site(auth, GRPC_TARGET=listen, GRPC_TLS_CA=ca, GRPC_SECRET=secret) as site:
            pool = site.pool(1)

            def ask(headers):
                return fcgi(pool.sock, "GET", "/userinfo", headers)
            if good:
                slides(ask, bearer, name)
            else:
                stands(ask, bearer, name, 0.3)
                same(log_count(site, "slide.failed"), 1, f"{name}: the log says so")
            same(pool.stop(), 0, f"{name}: the pool ends in order")
            hides(site, shared)
    same(daemon.stop(), 0, "the daemon with TLS ends in order")


def cgi(auth, bearer):
    daemon = grpcd(auth, "d3")
    relay = Relay()
    with resource_site(auth, GRPC_TARGET="unix:" + daemon.sock) as site:
        port = site.lighttpd("lighttpd-conf/cgi.conf").port

        def ask(headers):
            return request(port, "GET", "/userinfo", headers)
        slides(ask, bearer, "plain CGI")
        # The answer is out before the call, however long that takes.
        site.settings.update(GRPC_TARGET=relay.target, REFRESH_TIMEOUT_MS="3000")
        site.write_config()
        open_window(ask, bearer)
        status, took = timed(ask, [bearer])
        ok(status == 200 and took < 1.5, "plain CGI: a silent service delays no answer", (status, took))
        ok(wait_until(lambda: log_count(site, "slide.failed") == 1, 6), "plain CGI: the call was made all the same")
    with Site(REFRESH_RESTRICT_MINUTES=f"{WINDOW_S}s", DB_URL=auth.settings["DB_URL"]) as site:
        port = site.lighttpd("lighttpd-conf/cgi.conf").port
        slides(lambda headers: request(port, "GET", "/userinfo", headers), bearer, "plain CGI, in process")
    daemon.stop()
    relay.close()


def bad_settings(auth):
    for name, more, want in [
            ("another machine without TLS", {"GRPC_TARGET": "192.0.2.1:50051"},
             "GRPC_TARGET: an address of another machine needs GRPC_TLS_CA"),
            ("a file that is not there", {"GRPC_TLS_CA": "/nonexistent/ca.pem"}, "/nonexistent/ca.pem")]:
        with resource_site(auth, **more) as site:
            r = subprocess.run([PROGRAM, "--config", site.config, "--check-config"], capture_output=True, text=True)
            text = r.stderr + site.text("tpauth.log")
            ok(r.returncode == 78 and want in text, f"refused at start: {name}", (r.returncode, text))
    with resource_site(auth, MODULE_DIR="/nonexistent") as site:
        pool = site.pool(1)
        same(fcgi(pool.sock, "GET", "/api/healthcheck").status, 200, "without the loadable client it serves")
        ok("event=slide.off" in site.text("tpauth.log"), "and warns at start")
        same(pool.stop(), 0, "and ends in order")


in_process()
slow_handler()
with Site(REFRESH_RESTRICT_MINUTES=f"{WINDOW_S}s") as auth:
    redis = auth.redis()
    auth.settings["DB_URL"] = "unix://" + redis.sock
    auth.write_config()
    pool = auth.pool(1)
    session = fcgi_login(pool.sock)
    bearer = bearer_header(session)
    with_daemon(auth, bearer)
    silent(auth, bearer)
    secret_and_tls(auth, bearer)
    cgi(auth, bearer)
    bad_settings(auth)
    hides(auth, session.json()["token"])
done()
