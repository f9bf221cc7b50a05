#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A master killed (kill -9) again and again under load, with a replica and three sentinels: with
DB_WAIT_REPLICAS=1 no login that was acknowledged is lost and no logout undone, and the service comes
back by itself. FAILOVERS says how often (20).
usage: 30-sentinel.t [--without-wait]: counts what is lost without waiting for the replica."""
import random
import threading

from e2e import *

WITHOUT = "--without-wait" in sys.argv
FAILOVERS = int(os.environ.get("FAILOVERS", "20"))
CLIENTS, PAUSE_S, TIMEOUT_S = 4, 0.04, 2
SLACK_S = 2.0  # for a machine that has more to do; what it took is printed
USERS = [f"user{i}" for i in range(100)]


def ask(port, *words):
    """One command; the first bytes of the answer, or None where nobody answers."""
    text = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.settimeout(1)
            s.sendall(text.encode())
            return s.recv(65536)
    except OSError:
        return None


class Redis:
    """Two nodes and three sentinels. A node that comes back does so as a replica."""

    def __init__(self, site):
        self.site, self.nodes = site, {}
        self.ports = [free_port(), free_port()]
        self.run(self.ports[0])
        self.run(self.ports[1], self.ports[0])
        self.sentinels = [free_port() for _ in range(3)]
        for port in self.sentinels:
            self.watch(port)
        if not wait_until(lambda: all(self.ready(p) for p in self.sentinels), 20):
            raise RuntimeError("the sentinels do not find each other")

    def run(self, port, master=None):
        more = ["--replicaof", "127.0.0.1", str(master)] if master else []
        if not WITHOUT:
            more += ["--min-replicas-to-write", "1"]
        folder = self.site.path(f"node-{port}")
        os.makedirs(folder, exist_ok=True)
        self.nodes[port] = self.site.start(
            ["/usr/bin/redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder,
             "--repl-diskless-sync-delay", "0", "--logfile", self.site.path("redis.log"), *more])
        if not wait_until(lambda: ask(port, "PING") is not None, 10):
            raise RuntimeError("redis-server did not start")

    def watch(self, port):
        conf = self.site.path(f"sentinel-{port}.conf")
        with open(conf, "w") as f:
            f.write(f"port {port}\nbind 127.0.0.1\ndir {self.site.dir}\nlogfile {self.site.path('sentinel.log')}\n"
                    f"sentinel monitor mymaster 127.0.0.1 {self.ports[0]} 2\n"
                    "sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 1500\n")
        self.site.start(["/usr/bin/redis-server", conf, "--sentinel"])
        if not wait_until(lambda: ask(port, "PING") is not None, 10):
            raise RuntimeError("a sentinel did not start")

    def info(self, port):
        """What a sentinel knows: the master's port, and how many replicas and sentinels it has."""
        lines = (ask(port, "SENTINEL", "master", "mymaster") or b"").split(b"\r\n")
        words = {k: v for k, v in zip(lines[2::4], lines[4::4])}
        return {k: int(words.get(k, b"0")) for k in (b"port", b"num-slaves", b"num-other-sentinels")}

    def ready(self, port):
        i = self.info(port)
        return i[b"num-slaves"] >= 1 and i[b"num-other-sentinels"] == 2

    def master(self):
        """As a majority of the sentinels has it, else None."""
        named = [self.info(p)[b"port"] for p in self.sentinels]
        return next((p for p in self.ports if named.count(p) >= 2), None)

    def linked(self, port):
        return b"state=online" in (ask(port, "INFO", "replication") or b"")

    def fail_over(self):
        """Kills the master; returns when the sentinels name the other one, and when."""
        old = self.master()
        new = next(p for p in self.ports if p != old)
        self.nodes[old].stop(signal.SIGKILL)
        if not wait_until(lambda: self.master() == new and b"role:master" in (ask(new, "INFO", "replication") or b""), 40):
            raise RuntimeError("the sentinels do not fail over")
        return old, new, time.monotonic()


class Load:
    """Clients that log in and out, and what they were told."""

    def __init__(self, sock):
        self.sock, self.lock, self.stopped = sock, threading.Lock(), threading.Event()
        self.alive, self.ended, self.unsure, self.other, self.slowest = [], [], 0, [], 0.0
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(CLIENTS)]
        for t in self.threads:
            t.start()

    def timed(self, what, *args, **kw):
        begun = time.monotonic()
        a = what(*args, **kw)
        took = time.monotonic() - begun
        with self.lock:
            self.slowest = max(self.slowest, took)
            if a is None or a.status not in (200, 204, 303, 503):
                self.other.append(a)
        return a

    def work(self, seed):
        rnd = random.Random(seed)
        while not self.stopped.is_set():
            a = self.timed(fcgi_login, self.sock, rnd.choice(USERS))
            if a is not None and a.status == 200:
                bearer = bearer_header(a)
                if rnd.random() < 0.5:
                    self.end(bearer)
                else:
                    with self.lock:
                        self.alive.append(bearer)
            time.sleep(PAUSE_S)

    def end(self, bearer):
        a = self.timed(fcgi, self.sock, "POST", "/logout", [bearer])
        with self.lock:
            if a is not None and a.status < 400:
                self.ended.append(bearer)
            else:
                self.unsure += 1  # it may have ended, or not

    def stop(self):
        self.stopped.set()
        for t in self.threads:
            t.join()


def status(pool, bearer):
    """Of a check; asked again while the answer is that it cannot be told."""
    answer = []
    wait_until(lambda: answer.append(fcgi(pool.sock, "GET", "/userinfo", [bearer]).status) or answer[-1] != 503, 10)
    return answer[-1]


def once(redis, pool, probe, times):
    old, new, known = redis.fail_over()
    if not wait_until(lambda: fcgi(pool.sock, "GET", "/userinfo", [probe]).status != 503, 10):
        raise RuntimeError("no answer after a failover")
    times.append(time.monotonic() - known)
    redis.run(old, new)
    if not wait_until(lambda: redis.linked(new) and all(redis.ready(p) for p in redis.sentinels), 30):
        raise RuntimeError("the old master does not come back as a replica")
    # A sentinel that was kept waiting may take the new master for dead, too; the turn after that takes it ten seconds.
    if not wait_until(lambda: fcgi_login(pool.sock).status == 200, 60):
        raise RuntimeError("no login after a failover")
    time.sleep(0.5)


def verify(pool, load):
    lost = sum(status(pool, b) != 200 for b in load.alive)
    undone = sum(status(pool, b) != 401 for b in load.ended)
    n, m = len(load.alive), len(load.ended)
    print(f"# {FAILOVERS} failovers: {n} logins, {lost} lost; {m} logouts, {undone} undone; {load.unsure} not known")
    ok(n > 2 * FAILOVERS and m > 2 * FAILOVERS, "there was a load", (n, m))
    if not WITHOUT:
        same(lost, 0, "no login that was acknowledged is lost")
        same(undone, 0, "no logout that was acknowledged is undone")


def without_replicas():
    """A login that no replica has is answered 503, within the time, and taken back."""
    with Site(DB_TIMEOUT="1s", DB_WAIT_REPLICAS=1) as site:
        port = free_port()
        site.start(["/usr/bin/redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", site.dir,
                    "--logfile", site.path("redis.log")])
        wait_until(lambda: ask(port, "PING") is not None)
        site.settings["DB_URL"] = f"redis://127.0.0.1:{port}"
        site.write_config()
        pool = site.pool(2)
        begun = time.monotonic()
        same(fcgi_login(pool.sock).status, 503, "a login that no replica has is 503")
        took = time.monotonic() - begun
        ok(0.5 < took < 1.25 + SLACK_S, "within DB_TIMEOUT", took)
        same(ask(port, "INFO", "keyspace").count(b"db9:"), 0, "and nothing of it stays")


with Site(DB_TIMEOUT=f"{TIMEOUT_S}s", REDIS_CONNECTION_TYPE="sentinel", REDIS_MASTER_SERVICE="mymaster",
          SESSIONS_PER_USER=10000, DB_WAIT_REPLICAS=0 if WITHOUT else 1) as site:
    redis = Redis(site)
    site.settings["DB_URL"] = "redis://" + ",".join(f"127.0.0.1:{p}" for p in redis.sentinels)
    site.write_config()
    pool = site.pool(4)
    ok(wait_until(lambda: fcgi_login(pool.sock).status == 200, 10), "logged in over sentinels")
    workers = sorted(children(pool.pid))
    probe = bearer_header(fcgi_login(pool.sock))
    begun, times = time.monotonic(), []
    load = Load(pool.sock)
    for _ in range(FAILOVERS):
        once(redis, pool, probe, times)
    load.stop()
    print(f"# {time.monotonic() - begun:.0f} s; a check answers {max(times):.2f} s at the latest after the sentinels know")
    same(load.other, [], "only acknowledged or 503")
    ok(max(times) <= 1.0 + 0.25 + SLACK_S, "a check is answered within a second after the sentinels know", times)
    ok(load.slowest <= TIMEOUT_S + 0.25 + SLACK_S, "no answer comes later than DB_TIMEOUT", load.slowest)
    verify(pool, load)
    same(sorted(children(pool.pid)), workers, "no worker died")
    same(pool.stop(), 0, "the pool ends in order")
if not WITHOUT:
    without_replicas()
done()
