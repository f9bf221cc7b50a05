#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of workers under load, 100 times: no session lost, no wrong answer, replaced within a second."""
import random
import threading

from e2e import *

ROUNDS, WORKERS = 100, 4

with Site(SESSIONS_PER_USER="10000") as site:
    pool = site.pool(WORKERS)
    ok(wait_until(lambda: len(children(pool.pid)) == WORKERS), "the pool is up")
    sessions, wrong, cut = [bearer_header(fcgi_login(pool.sock, f"user{i}")) for i in range(20)], [], [0]
    lock, stop = threading.Lock(), threading.Event()

    def load():
        while not stop.is_set():
            if random.random() < 0.2:
                # Not one user: an attempt that dies with its worker stays counted as a failed one.
                a = fcgi_login(pool.sock, f"user{random.randrange(100)}")
                if a is not None and a.status == 200:
                    with lock:
                        sessions.append(bearer_header(a))  # acknowledged: must never be lost
                expected = 200
            else:
                with lock:
                    bearer = random.choice(sessions)
                good = random.random() < 0.9
                a = fcgi(pool.sock, "GET", "/userinfo",
                         [bearer if good else ("Authorization", "Bearer no-such-handle.YWxpY2U")])
                expected = 200 if good else 401
            if a is None:
                cut[0] += 1  # the worker of this very request was killed
            elif a.status != expected:
                wrong.append(a)

    threads = [threading.Thread(target=load) for _ in range(6)]
    for t in threads:
        t.start()
    slow = 0
    for _ in range(ROUNDS):
        workers = children(pool.pid)
        if not workers:
            slow += 1
            continue
        victim = random.choice(workers)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            pass
        slow += not wait_until(lambda: len([w for w in children(pool.pid) if w != victim]) == WORKERS, 1.0)
    time.sleep(0.2)
    stop.set()
    for t in threads:
        t.join()
    same(slow, 0, f"{ROUNDS} killed workers were each replaced within a second")
    same(wrong[:3], [], f"no wrong answer ({cut[0]} requests were cut off with their worker)")
    lost = [b for b in sessions if fcgi(pool.sock, "GET", "/userinfo", [b]).status != 200]
    same(lost[:3], [], f"none of {len(sessions)} acknowledged sessions is lost")
    same(pool.stop(), 0, "the supervisor ends in order")
    ok(not os.path.exists(pool.sock), "and takes its socket along")
done()
