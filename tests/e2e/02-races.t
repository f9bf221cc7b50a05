#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many workers, one session: of 200 refreshes at once exactly one re-mints, and a refresh that races a
logout never brings the session back. On both stores."""
import threading

from e2e import *


def at_once(n, what):
    gate, results = threading.Barrier(n), [None] * n

    def run(i):
        gate.wait()
        results[i] = what(i)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results



def races(store):
    with Site(REFRESH_RESTRICT_MINUTES="1s", SESSIONS_PER_USER="10000") as site:
        if store == "redis":
            site.settings["DB_URL"] = "unix://" + site.redis().sock
        # Long enough that the 200 all fall into the one window that the first of them opens.
        site.write_config()
        login_pool = site.pool(1)
        a = fcgi_login(login_pool.sock)
        login_pool.stop()
        time.sleep(2.1)
        site.settings["REFRESH_RESTRICT_MINUTES"] = "60"
        site.write_config()
        pool = site.pool(4)
        answers = at_once(200, lambda i: fcgi(pool.sock, "POST", "/refresh", [bearer_header(a)]))
        ok(all(x is not None and x.status == 200 for x in answers), f"{store}: 200 refreshes, 200 answers",
           [x for x in answers if x is None or x.status != 200][:3])
        same(sum(x.json()["refreshed"] for x in answers if x is not None), 1, f"{store}: exactly one re-minted")
        pool.stop()

        # No window at all, so that every refresh writes.
        site.settings["REFRESH_RESTRICT_MINUTES"] = "0"
        site.write_config()
        pool = site.pool(4)
        back = wrong = refreshed = 0
        for i in range(1000):
            bearer = [bearer_header(fcgi_login(pool.sock))]

            def one(k):
                return fcgi(pool.sock, "POST", ["/refresh", "/logout", "/refresh"][k], bearer)
            if i % 10 == 0:
                r1, out, r2 = at_once(3, one)
            else:
                # Two sides, cheaper: the refresh is under way while the logout is sent.
                box = []
                t = threading.Thread(target=lambda: box.append(one(0)))
                t.start()
                out = one(1)
                t.join()
                r1 = r2 = box[0]
            wrong += out.status not in (200, 401) or r1.status not in (200, 401) or r2.status not in (200, 401)
            refreshed += r1.status == 200
            back += fcgi(pool.sock, "GET", "/userinfo", bearer).status != 401
        same((back, wrong), (0, 0), f"{store}: 1,000 refreshes against logouts ({refreshed} refreshed): never back")


for store in ("lmdb", "redis"):
    races(store)
done()
