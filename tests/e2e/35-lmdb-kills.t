#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of writers of the embedded store, 200 times under load: no acknowledged login is lost, no acknowledged logout
undone, no lock is left; and a writer that is stopped in the middle of it costs the others no more than DB_TIMEOUT."""
import random
import threading

from e2e import *

KILLS, WORKERS, LOADERS, TIMEOUT_S = 200, 4, 6, 2



def log_in(sock, user):
    """Each from an address of its own: a login that is cut off with its worker stays counted as a wrong one."""
    address = ".".join(str(random.randrange(1, 255)) for _ in range(3))
    return fcgi(sock, "POST", "/token", [FORM, ("X-Forwarded-For", "10." + address)],
                form(username=user, password=PASSWORDS[user]))


class Load(threading.Thread):
    """Logs in and out as fast as it can; keeps what was acknowledged. Users of its own, so that the attempts that die
    with their worker, which count as failed ones, stay below what is throttled."""

    def __init__(self, sock, stop, users):
        super().__init__()
        self.sock, self.stopping, self.users = sock, stop, users
        self.live, self.over, self.unsure, self.wrong, self.cut, self.last = set(), set(), set(), [], 0, 0.0

    def run(self):
        while not self.stopping.is_set():
            if self.live and random.random() < 0.4:
                self.logout(random.choice(list(self.live)))
            else:
                self.login()

    def login(self):
        a = log_in(self.sock, random.choice(self.users))
        if a is None:
            self.cut += 1
        elif a.status == 200:
            self.live.add(bearer_header(a))
            self.last = time.monotonic()
        elif a.status not in (429, 503):
            self.wrong.append(a)

    def logout(self, bearer):
        self.live.discard(bearer)
        a = fcgi(self.sock, "POST", "/logout", [bearer])
        if a is None or a.status == 503:
            self.cut += a is None
            self.unsure.add(bearer)  # it may or may not have happened
        elif a.status == 200:
            self.over.add(bearer)
        else:
            self.wrong.append(a)


def state(sock, bearers):
    """How many of the sessions answer with which status."""
    seen = {}
    for b in bearers:
        a = fcgi(sock, "GET", "/userinfo", [b])
        seen[a.status] = seen.get(a.status, 0) + 1
    return seen


def kills(pool):
    stop = threading.Event()
    loads = [Load(pool.sock, stop, [f"user{i}" for i in range(k, 100, LOADERS)]) for k in range(LOADERS)]
    for t in loads:
        t.start()
    killed = 0
    while killed < KILLS and any(t.is_alive() for t in loads):
        workers = children(pool.pid)
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(workers), signal.SIGKILL)
                killed += 1
        time.sleep(random.random() * 0.08)
    stop.set()
    for t in loads:
        t.join()
    live, over, unsure = (set().union(*(getattr(t, k) for t in loads)) for k in ("live", "over", "unsure"))
    same(killed, KILLS, f"{KILLS} workers were killed; {sum(t.cut for t in loads)} requests were cut off with theirs")
    same([a for t in loads for a in t.wrong][:3], [], "no wrong answer")
    ok(len(live) > KILLS and len(over) > KILLS / 4, f"{len(live)} logins and {len(over)} logouts were acknowledged")
    start = time.monotonic()
    a = None
    while a is None and time.monotonic() - start < 30:
        a = log_in(pool.sock, "alice")
    ok(a is not None and a.status == 200 and time.monotonic() - start < 1, "and the next one can write within a second",
       (a, time.monotonic() - start))
    same(state(pool.sock, live), {200: len(live)}, "each acknowledged login lives")
    same(state(pool.sock, over), {401: len(over)}, "each acknowledged logout is over")
    rest = state(pool.sock, unsure)
    ok(set(rest) <= {200, 401}, f"what was cut off is one or the other: {rest}")
    return live


def holder(pool, site):
    """Stops the worker that holds the writers' lock; /proc/locks names it."""
    inode = os.stat(site.state + "/sessions/write.lock").st_ino
    workers = children(pool.pid)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with open("/proc/locks") as f:
            for line in f:
                words = line.split()
                if words[1:2] != ["FLOCK"] or words[-3].split(":")[-1] != str(inode):
                    continue
                pid = int(words[4])
                if pid not in workers:
                    continue
                os.kill(pid, signal.SIGSTOP)
                time.sleep(0.05)
                with open("/proc/locks") as now:
                    if any(w.split()[1:2] == ["FLOCK"] and w.split()[4] == str(pid) and
                           w.split()[-3].endswith(f":{inode}") for w in now):
                        return pid
                os.kill(pid, signal.SIGCONT)
    return None


def stopped(pool, site, live):
    stop = threading.Event()
    loads = [Load(pool.sock, stop, [f"user{i}" for i in range(k, 100, LOADERS)]) for k in range(2)]
    for t in loads:
        t.start()
    pid = holder(pool, site)
    stop.set()
    if not ok(pid is not None, "a worker was stopped while it held the writers' lock"):
        return
    times, statuses = [], []
    for _ in range(3):
        start = time.monotonic()
        a = log_in(pool.sock, "bob")
        times.append(time.monotonic() - start)
        statuses.append(a.status if a else None)
    same(statuses, [503] * 3, "the others cannot write, and say so")
    ok(max(times) < TIMEOUT_S + 3, f"within DB_TIMEOUT ({max(times):.2f} s of {TIMEOUT_S})")
    same(fcgi(pool.sock, "GET", "/userinfo", [next(iter(live))]).status, 200, "and check sessions as before")
    os.kill(pid, signal.SIGKILL)
    ok(wait_until(lambda: (a := log_in(pool.sock, "bob")) is not None and a.status == 200, 5.0),
       "killed, it leaves no lock behind")
    for t in loads:
        t.join()


with Site(SESSIONS_PER_USER="10000", DB_TIMEOUT=TIMEOUT_S, TRUSTED_PROXIES="127.0.0.1") as site:
    pool = site.pool(WORKERS)
    ok(wait_until(lambda: len(children(pool.pid)) == WORKERS), "the pool is up")
    live = kills(pool)
    if live:
        stopped(pool, site, live)
    same(pool.stop(), 0, "the supervisor ends in order")
done()
