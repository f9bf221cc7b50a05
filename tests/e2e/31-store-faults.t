#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every fault of a store, under load with several workers: whatever Redis, memcached, the way to them or the
resolver does, what could not be checked is 503 within DB_TIMEOUT and a quarter second, never 200 and never
401; no answer ever reaches another request; 200 again within a second after the fault; no worker dies, and
none has more open files than before.
usage: 31-store-faults.t [WORD...]: only faults whose name holds one of the words."""
import base64
import random
import threading

from e2e import *
from faulty import NameServer, Proxy

TIMEOUT_S, FAULT_S, WORKERS = 1.0, 1.3, 4
USERS = [f"user{i}" for i in range(20)]
PROXY_MODES = ["hang", "slow", "garbage", "half", "half-close", "late", "rst", "refuse"]
WORDS = [w for w in sys.argv[1:] if not w.startswith("-")]


def fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Lag:
    """How late a thread of this program gets the processor. The program under test waits as long: what is
    too late by no more than that says nothing about it."""

    def __enter__(self):
        self.worst, self.stop = 0.0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self):
        while not self.stop.is_set():
            begun = time.monotonic()
            time.sleep(0.01)
            self.worst = max(self.worst, time.monotonic() - begun - 0.01)

    def __exit__(self, *exc):
        self.stop.set()
        self.thread.join()


class Load:
    """Clients, no more than workers, so that none waits for another's time-out. Each answer is checked for
    being about the user who asked."""

    def __init__(self, pool, bearers):
        self.pool, self.bearers, self.seen, self.foreign = pool, bearers, [], []

    def one(self, job, user):
        begun = time.monotonic()
        if job == "login":
            a = fcgi_login(self.pool.sock, user)
        else:
            method = "GET" if job == "userinfo" else "POST"
            a = fcgi(self.pool.sock, method, "/" + job, [self.bearers[user]])
        took = time.monotonic() - begun
        if a is not None and a.status == 200:
            owner = a.json()["user_id"] if job == "userinfo" else None
            token = a.json().get("access_token") if job != "userinfo" else None
            if token:
                tail = token.split(".")[1]
                owner = base64.urlsafe_b64decode(tail + "=" * (-len(tail) % 4)).decode()
            if owner not in (None, user):
                self.foreign.append((job, user, owner))
        status = a.status if a is not None else None
        if status == 200 and job == "refresh" and not a.json()["refreshed"]:
            status = "not refreshed"
        self.seen.append((job, user, status, took))
        return status

    def loop(self, job):
        while not self.stop.is_set():
            self.one(job, random.choice(USERS))
            time.sleep(0.005)

    def run(self, seconds):
        self.seen, self.stop = [], threading.Event()
        threads = [threading.Thread(target=self.loop, args=(j,))
                   for j in ("userinfo", "userinfo", "refresh", "login")]
        for t in threads:
            t.start()
        time.sleep(seconds)
        self.stop.set()
        for t in threads:
            t.join()
        return list(self.seen)


class Rig:
    def __init__(self, pool):
        self.pool = pool
        self.load = Load(pool, {u: bearer_header(fcgi_login(pool.sock, u)) for u in USERS})
        self.count = 0

    def all_well(self):
        """Asks every worker: as many at once as there are."""
        self.load.run(0.15)
        return {s for _, _, s, _ in self.load.seen} <= {200, "not refreshed"}

    def open_files(self):
        return {p: fds(p) for p in sorted(children(self.pool.pid))}

    def fault(self, name, begin, end, want=lambda job, user: {503}):
        if WORDS and not any(w in name for w in WORDS):
            return
        self.count += 1
        well = wait_until(self.all_well, 5)
        healthy = max(t for *_, t in self.load.seen)
        files = self.open_files()
        with Lag() as lag:
            begin()
            try:
                seen = self.load.run(FAULT_S)
            finally:
                end()
            over = time.monotonic()
            back = wait_until(lambda: self.load.one("userinfo", USERS[0]) == 200, 5, 0.005)
            took = time.monotonic() - over
        slack = 0.25 + healthy + 2 * lag.worst
        wrong = sorted({(j, u, s) for j, u, s, _ in seen if s not in want(j, u)}, key=str)
        asked = {j for j, *_ in seen}
        worst = max(t for *_, t in seen)
        ok(well and not wrong and asked == {"userinfo", "refresh", "login"},
           f"{name}: 503 for what cannot be checked ({len(seen)} requests)", (well, wrong[:20]))
        ok(worst <= TIMEOUT_S + 0.25 + slack, f"{name}: in time ({worst:.2f} s)", (worst, slack))
        ok(back and took <= 1 + slack, f"{name}: back within a second ({took:.2f} s)", (took, slack))
        ok(wait_until(lambda: self.all_well() and self.open_files() == files, 8),
           f"{name}: every worker lives, and serves with the files that it had", (files, self.open_files()))
        same(self.load.foreign, [], f"{name}: no answer was another's")

    def through(self, proxy, what):
        for mode in PROXY_MODES:
            self.fault(f"{what} {mode}", lambda mode=mode: proxy.set(mode), lambda: proxy.set("pass"))


def unix_dial(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s


def talk(redis, *words):
    """One command; what the server said."""
    with unix_dial(redis.sock) as s:
        s.settimeout(5)
        for command in (("AUTH", redis.password), words):
            s.sendall((f"*{len(command)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in command)).encode())
            answer = s.recv(65536)
        return answer


class Redis:
    PASSWORD = "marker-password-redis"

    def __init__(self, site):
        self.site, self.password = site, self.PASSWORD
        self.start()

    def start(self):
        self.p = self.site.redis("--appendonly", "yes", "--appendfsync", "always", "--requirepass", self.PASSWORD)
        self.sock = self.p.sock

    def must(self, *words):
        answer = talk(self, *words)
        if not answer.startswith((b"+OK", b":")):
            raise RuntimeError(f"{words}: {answer}")

    def change_password(self, password):
        self.must("CONFIG", "SET", "requirepass", password)
        self.password = password
        self.must("CLIENT", "KILL", "TYPE", "normal")  # those that had said the old one stay in, else


def redis_itself(site, rig, redis):
    def full(job, user):
        """Checks go on, logins do not. A refresh that has to write neither."""
        return {"userinfo": {200}, "login": {503}, "refresh": {"not refreshed", 503}}[job]

    def read_only(job, user):
        """The same, but after a refused write the server is left alone for a moment, since there may soon
        be another behind its address."""
        return full(job, user) | {503}

    rig.fault("redis SIGSTOP", lambda: redis.p.send(signal.SIGSTOP), lambda: redis.p.send(signal.SIGCONT))
    rig.fault("redis kill -9", lambda: redis.p.stop(signal.SIGKILL), redis.start)
    rig.fault("redis full", lambda: redis.must("CONFIG", "SET", "maxmemory", "1"),
              lambda: redis.must("CONFIG", "SET", "maxmemory", "0"), full)
    port = str(free_port())
    rig.fault("redis read-only", lambda: redis.must("REPLICAOF", "127.0.0.1", port),
              lambda: redis.must("REPLICAOF", "NO", "ONE"), read_only)
    redis.must("CONFIG", "SET", "replica-serve-stale-data", "no")
    rig.fault("redis without its master", lambda: redis.must("REPLICAOF", "127.0.0.1", port),
              lambda: redis.must("REPLICAOF", "NO", "ONE"))
    rig.fault("redis password changed", lambda: redis.change_password("another"),
              lambda: redis.change_password(redis.PASSWORD))

    victims = USERS[:10]

    def wrong_type(job, user):
        """There is no session where there is other data: that is known, and no failure."""
        return {200, "not refreshed"} if user not in victims else {503} if job == "login" else {401}

    def in_db(*commands):
        with unix_dial(redis.sock) as s:
            for c in (f"AUTH {redis.password}", f"SELECT {LOGIN_DB}", *commands):
                s.sendall(c.encode() + b"\r\n")
                answer = s.recv(4096)
                if not answer.startswith((b"+OK", b":")):
                    raise RuntimeError(f"{c}: {answer}")
    rig.fault("redis wrong type",
              lambda: in_db(*(x for u in victims for x in (f"RENAME {u} kept:{u}", f"SET {u} text"))),
              lambda: in_db(*(f"RENAME kept:{u} {u}" for u in victims)),
              wrong_type)


LOGIN_DB = 9
COMMON = dict(DB_TIMEOUT="1s", SESSIONS_PER_USER="10000", LOGIN_REDIS_DB=LOGIN_DB, LOG_LEVEL="warning")


def on_redis():
    with Site(**COMMON) as site, no_secret_in_logs(site, Redis.PASSWORD):
        redis = Redis(site)
        proxy = Proxy(lambda: unix_dial(redis.sock))
        site.settings["DB_URL"] = f"redis://:{redis.password}@127.0.0.1:{proxy.port}"
        site.write_config()
        pool = site.pool(WORKERS)
        Rig(pool).through(proxy, "redis")
        same(pool.stop(), 0, "redis: the pool ends in order")

        site.settings["DB_URL"] = f"unix://:{redis.password}@{redis.sock}"
        site.write_config()
        pool = site.pool(WORKERS)
        redis_itself(site, Rig(pool), redis)
        same(pool.stop(), 0, "redis on a socket: the pool ends in order")


def on_memcached():
    with Site(**COMMON) as site, no_secret_in_logs(site):
        port = free_port()
        user = ["-u", "root"] if os.geteuid() == 0 else []
        site.start(["memcached", "-p", str(port), "-l", "127.0.0.1", "-t", "2", *user])
        if not wait_until(lambda: port_open(port)):
            raise RuntimeError("memcached did not start")
        proxy = Proxy(lambda: socket.create_connection(("127.0.0.1", port)))
        site.settings["DB_URL"] = f"memcached://127.0.0.1:{proxy.port}"
        site.write_config()
        pool = site.pool(WORKERS)
        Rig(pool).through(proxy, "memcached")
        same(pool.stop(), 0, "memcached: the pool ends in order")


def own_resolver(site, address):
    """The start of a command line after which the program, and it alone, asks this name server. None: not
    without the right to mount."""
    for name, text in (("resolv.conf", f"nameserver {address}\n"), ("nsswitch.conf", "hosts: files dns\n")):
        with open(site.path(name), "w") as f:
            f.write(text)
    script = site.path("resolver.sh")
    with open(script, "w") as f:
        f.write("#!/bin/sh\nset -e\n" + "".join(f"mount --bind {site.path(n)} /etc/{n}\n"
                                               for n in ("resolv.conf", "nsswitch.conf")) + 'exec "$@"\n')
    os.chmod(script, 0o755)
    argv = ["unshare", "-m", "--propagation", "private", script]
    can = os.geteuid() == 0 and subprocess.run([*argv, "true"], capture_output=True).returncode == 0
    return argv if can else None


def without_names():
    """The name of the server cannot be looked up any more, and the connections are gone."""
    with Site(**COMMON) as site:
        names = NameServer()
        start = own_resolver(site, names.address)
        if start is None:
            root = os.geteuid() == 0
            ok(not root, "names: root may mount" if root else "names # SKIP needs the right to mount")
            return
        redis = site.redis()
        proxy = Proxy(lambda: unix_dial(redis.sock))
        site.settings["DB_URL"] = f"redis://store.tpauth.test:{proxy.port}"
        site.write_config()
        pool = site.pool(WORKERS, before=start)
        rig = Rig(pool)

        def turn(mode):
            names.mode = mode
            proxy.cut()
        for mode in ("silent", "unknown", "failing"):
            rig.fault(f"names {mode}", lambda mode=mode: turn(mode), lambda: turn("answer"))
        same(pool.stop(), 0, "names: the pool ends in order")


on_redis()
on_memcached()
without_names()
done()
