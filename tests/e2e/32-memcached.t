#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The main job on memcached, through a pool of tpauth.fcgi: log in, ask, refresh, log out, log out
everywhere. A restarted server has forgotten all (401, never 200), a stopped or killed one is 503 within
DB_TIMEOUT, and the pool finds it again by itself. Two servers: one that is down is 503 for its own users."""
import threading

from e2e import *

TIMEOUT_S = 1.0
# Client and servers may share two cores with others, and sanitizers slow them. What hangs, hangs for ever.
SLACK_S = 1.5
WORKERS = 4


class Memcached:
    def __init__(self, site):
        self.site = site
        for _ in range(3):  # somebody may take the port meanwhile
            self.port = free_port()
            with contextlib.suppress(RuntimeError):
                self.start()
                return
        raise RuntimeError("no memcached")

    def start(self):
        user = ["-u", "root"] if os.geteuid() == 0 else []
        self.p = self.site.start(["memcached", "-p", str(self.port), "-l", "127.0.0.1", "-t", "2", *user])
        if not wait_until(lambda: port_open(self.port) or not self.p.alive()) or not self.p.alive():
            raise RuntimeError("memcached did not start")

    def restart(self):
        self.p.stop(signal.SIGKILL)
        self.start()

    def ask(self, line):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as s:
            s.sendall(line.encode() + b"\r\n")
            return s.recv(4096).decode()

    @property
    def name(self):
        return f"127.0.0.1:{self.port}"


def status(pool, path, headers=(), method="GET"):
    a = fcgi(pool.sock, method, path, headers)
    return a.status if a is not None else None


def userinfo(pool, bearer):
    return status(pool, "/userinfo", [bearer])


def from_all(pool, bearer):
    """What many requests get, so that every worker has been asked."""
    return sorted({userinfo(pool, bearer) for _ in range(10 * WORKERS)}, key=str)


def main_job(pool):
    first, second = (fcgi_login(pool.sock) for _ in range(2))
    other = fcgi_login(pool.sock, "bob")
    same([a.status for a in (first, second, other)], [200] * 3, "three logins")
    one, two, bob = (bearer_header(a) for a in (first, second, other))
    a = fcgi(pool.sock, "GET", "/userinfo", [one])
    same((a.status, a.json()["user_id"]), (200, "alice"), "the session is known")
    same(userinfo(pool, ("Authorization", "Bearer " + "x" * 43)), 401, "another handle is not")
    a = fcgi(pool.sock, "POST", "/refresh", [one])
    same((a.status, a.json()["refreshed"]), (200, False), "inside the window nothing is refreshed")
    time.sleep(2.1)
    a = fcgi(pool.sock, "POST", "/refresh", [one])
    same((a.status, a.json()["refreshed"]), (200, True), "after it, the session is")
    same(from_all(pool, one), [200], "and every worker knows it")
    same(status(pool, "/logout", [one], "POST"), 200, "logout")
    same((from_all(pool, one), from_all(pool, two)), ([401], [200]), "ends this session alone")
    same(status(pool, "/refresh", [one], "POST"), 401, "a refresh does not bring it back")
    three = bearer_header(fcgi_login(pool.sock))
    same(status(pool, "/logout?all=true", [two], "POST"), 200, "logout everywhere")
    same([from_all(pool, b) for b in (one, two, three, bob)], [[401], [401], [401], [200]],
         "ends all sessions of this user alone")
    same(from_all(pool, bearer_header(fcgi_login(pool.sock))), [200], "and the next login holds")


def races(pool):
    bearer = bearer_header(fcgi_login(pool.sock))
    time.sleep(2.1)
    gate, answers = threading.Barrier(200), [None] * 200

    def refresh(i):
        gate.wait()
        answers[i] = fcgi(pool.sock, "POST", "/refresh", [bearer])
    threads = [threading.Thread(target=refresh, args=(i,)) for i in range(200)]
    begun = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.monotonic() - begun
    same({a.status for a in answers if a is not None}, {200}, "200 refreshes at once are all answered")
    n = sum(a.json()["refreshed"] for a in answers if a is not None)
    # They may take longer than a window; then one wins in each.
    ok(1 <= n <= 1 + took // 2, "exactly one wins in a window", (n, took))
    back = 0
    for _ in range(50):
        b = bearer_header(fcgi_login(pool.sock))
        t = threading.Thread(target=status, args=(pool, "/refresh", [b], "POST"))
        t.start()
        out = status(pool, "/logout?all=true", [b], "POST")
        t.join()
        back += out != 200 or userinfo(pool, b) != 401
    same(back, 0, "50 refreshes that raced a logout brought nothing back")


def under_load(pool, bearer, seconds):
    seen, stop = [], threading.Event()

    def load(method, path):
        while not stop.is_set():
            begun = time.monotonic()
            a = fcgi_login(pool.sock) if path == "/token" else fcgi(pool.sock, method, path, [bearer])
            seen.append((path, a.status if a is not None else None, time.monotonic() - begun))
            time.sleep(0.01)
    jobs = [("GET", "/userinfo"), ("POST", "/refresh"), ("POST", "/token"), ("GET", "/api/healthcheck")]
    threads = [threading.Thread(target=load, args=j) for j in jobs]
    for t in threads:
        t.start()
    time.sleep(seconds)
    stop.set()
    for t in threads:
        t.join()
    return seen


def outage(pool, cache, bearer, kind, begin, end, after):
    workers = sorted(children(pool.pid))
    begin()
    seen = under_load(pool, bearer, 3.0)
    same(sorted({(p, s) for p, s, _ in seen if s != 503}, key=str), [], f"{kind}: only 503 ({len(seen)} requests)")
    worst = max(t for _, _, t in seen)
    ok(worst <= TIMEOUT_S + 0.25 + SLACK_S, f"{kind}: each within DB_TIMEOUT", worst)
    end()
    ok(wait_until(lambda: from_all(pool, bearer) == [after], 15), f"{kind}: {after} from every worker when it is back")
    same(fcgi_login(pool.sock).status, 200, f"{kind}: and logins again")
    same(sorted(children(pool.pid)), workers, f"{kind}: no worker died")


def one_server():
    with Site(REFRESH_RESTRICT_MINUTES="2s", DB_TIMEOUT="1s") as site, no_secret_in_logs(site):
        cache = Memcached(site)
        site.settings.update(DB_URL=f"memcached://{cache.name}", DB_TYPE="memcached")
        site.write_config()
        pool = site.pool(WORKERS)
        main_job(pool)
        races(pool)

        bearer = bearer_header(fcgi_login(pool.sock))
        cache.ask("flush_all")
        same(from_all(pool, bearer), [401], "flush_all ends the sessions")
        same(status(pool, "/refresh", [bearer], "POST"), 401, "and a refresh brings none back")

        bearer = bearer_header(fcgi_login(pool.sock))
        cache.restart()
        same(from_all(pool, bearer), [401], "so does a restart, without a 503")
        bearer = bearer_header(fcgi_login(pool.sock))
        same(from_all(pool, bearer), [200], "logins go on")

        outage(pool, cache, bearer, "SIGSTOP", lambda: cache.p.send(signal.SIGSTOP),
               lambda: cache.p.send(signal.SIGCONT), 200)
        bearer = bearer_header(fcgi_login(pool.sock))
        outage(pool, cache, bearer, "kill -9", lambda: cache.p.stop(signal.SIGKILL), cache.start, 401)
        same(pool.stop(), 0, "the pool ends in order")


def two_servers():
    with Site(DB_TIMEOUT="1s") as site:
        caches = [Memcached(site) for _ in range(2)]
        site.settings["DB_URL"] = "memcached://" + ",".join(c.name for c in caches)
        site.write_config()
        pool = site.pool(1)
        bearers = [bearer_header(fcgi_login(pool.sock, f"user{i}")) for i in range(24)]
        same({userinfo(pool, b) for b in bearers}, {200}, "two servers: 24 users are logged in")
        caches[0].p.stop(signal.SIGKILL)
        seen = [userinfo(pool, b) for b in bearers]
        same(set(seen), {200, 503}, "with one of them killed, some are 503 and the others are served")
        same(status(pool, "/api/healthcheck"), 200, "the health check stands")
        caches[0].start()
        back = [401 if s == 503 else 200 for s in seen]
        ok(wait_until(lambda: [userinfo(pool, b) for b in bearers] == back, 15),
           "when it is back and empty, its users have to log in again, and no other")
        same(pool.stop(), 0, "the pool ends in order")


one_server()
two_servers()
done()
