#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tpauth store and tpauth check beside a running service: what is counted, compaction under load without a wrong
answer, and what is said of a store that cannot be used."""
import random
import threading

from e2e import *

TPAUTH = os.path.join(BUILD, "tpauth")


def run(*args):
    return subprocess.run([TPAUTH, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def compact_under_load(site, pool, bearers):
    stop, wrong, live, lock = threading.Event(), [], list(bearers), threading.Lock()
    counts = {"login": 0, "check": 0, "busy": 0}

    def load():
        while not stop.is_set():
            if random.random() < 0.3:
                a, what = fcgi_login(pool.sock, f"user{random.randrange(100)}"), "login"
                if a.status == 200:
                    with lock:
                        live.append(bearer_header(a))
            else:
                with lock:
                    b = random.choice(live)
                a, what = fcgi(pool.sock, "GET", "/userinfo", [b]), "check"
            with lock:
                if a.status == 200:
                    counts[what] += 1
                elif a.status == 503 and what == "login":
                    counts["busy"] += 1
                else:
                    wrong.append(a)
    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    done_well = [run("store", "compact", "--config", site.config) for _ in range(10)]
    stop.set()
    for t in threads:
        t.join()
    same([r.stderr for r in done_well if r.returncode != 0], [], "ten compactions under load")
    same(wrong[:3], [], f"no wrong answer meanwhile ({counts})")
    lost = [b for b in live if fcgi(pool.sock, "GET", "/userinfo", [b]).status != 200]
    same(lost[:3], [], f"none of {len(live)} sessions is lost")
    same(sorted(os.listdir(site.state)), ["pool.lock", "sessions"], "nothing is left beside the store")
    return len(live)


with Site(SESSIONS_PER_USER="10000") as site:
    config = ("--config", site.config)
    pool = site.pool(3)
    bearers = [bearer_header(fcgi_login(pool.sock, f"user{i}")) for i in range(30)]
    r = run("store", "info", "--json", *config)
    info = json.loads(r.stdout)
    same((r.returncode, info["sessions"], info["windows"], info["damaged"], info["ended"]), (0, 30, 30, 0, 0),
         "store info counts")
    same(info["file_bytes"], os.path.getsize(site.state + "/sessions/data.mdb"), "and knows the file")
    r = run("store", "info", *config)
    ok(r.returncode == 0 and "\nsessions              30\n" in r.stdout, "in words as well", r)
    sessions = compact_under_load(site, pool, bearers)
    copy = site.path("copy")
    r = run("store", "compact", "--to", copy, *config)
    ok(r.returncode == 0, "a copy elsewhere", r)
    fcgi_login(pool.sock, "bob")
    r = run("store", "info", "--json", "--db-url=lmdb://" + copy, *config)
    same((r.returncode, json.loads(r.stdout)["sessions"]), (0, sessions), "which is a store of its own")
    r = run("store", "compact", "--to", copy, *config)
    ok(r.returncode == 78 and "there already" in r.stderr, "nothing is overwritten", r)

    same([run("store", *a).returncode for a in ((), ("shrink",), ("info", "--to", "x"), ("compact", "--to="))], [64] * 4,
         "wrong usage: 64")
    r = run("store", "info", "--db-url=redis://127.0.0.1:1", *config)
    ok(r.returncode == 78 and "keeps no files" in r.stderr, "a store without files", r)

    r = run("check", *config)
    same((r.returncode, r.stdout), (0, "configuration: good\nsession store: lmdb, good\ntoken handler: good\n"), "tpauth check asks the store")
    r = run("check", "--state-dir=" + site.path("missing"), *config)
    ok(r.returncode == 69 and "set STATE_DIR" in r.stderr, "a folder that is missing: 69, and what to do", r)
    r = run("check", "--db-url=unix://" + site.path("nobody.sock"), "--db-timeout=1", *config)
    ok(r.returncode == 69 and r.stderr.startswith("tpauth check: session store: "), "a store that does not answer: 69", r)

    with open(site.state + "/sessions/data.mdb", "r+b") as f:
        f.truncate(0)
    same(fcgi(pool.sock, "GET", "/userinfo", [bearers[0]]).status, 503, "an emptied file below the workers: 503")
    r = run("check", *config)
    ok(r.returncode == 69 and "damaged" in r.stderr, "tpauth check says it is damaged", r)
    r = run("store", "info", *config)
    ok(r.returncode == 69 and "damaged" in r.stderr, "and so does store info", r)
    same(pool.stop(), 0, "and the workers live on")
done()
