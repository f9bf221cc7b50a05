#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a request costs at Redis: a check is one command in one round trip, a login is two round trips at the most.
Counted by who stands between the two."""
import select
import threading

from e2e import *


class Between:
    """Hands bytes on between one worker and Redis. A round trip begins where the worker speaks after the other."""

    def __init__(self, path, to):
        self.to, self.trips, self.asked = to, 0, b""
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            worker, _ = self.listener.accept()
            with worker, socket.socket(socket.AF_UNIX) as server:
                server.connect(self.to)
                self.hand_on(worker, server)

    def hand_on(self, worker, server):
        turn = None
        while True:
            for s in select.select([worker, server], [], [])[0]:
                data = s.recv(65536)
                if not data:
                    return
                if s is worker:
                    self.trips += turn is not worker
                    self.asked += data
                turn = s
                (server if s is worker else worker).sendall(data)

    def cost(self, ask):
        self.trips, self.asked = 0, b""
        answer = ask()
        return answer, self.trips, self.asked


def command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


with Site() as site:
    redis = site.redis()
    between = Between(site.path("between"), redis.sock)
    site.settings["DB_URL"] = "unix://" + site.path("between")
    site.write_config()
    pool = site.pool(1)
    # The first request connects.
    same(fcgi_login(pool.sock).status, 200, "logged in")
    login, trips, _ = between.cost(lambda: fcgi_login(pool.sock))
    same((login.status, trips <= 2), (200, True), f"a login: {trips} round trips, two at the most")
    header = bearer_header(login)
    handle = header[1].split()[1].split(".")[0]
    fcgi(pool.sock, "GET", "/userinfo", [header])  # back to the database of sessions
    check, trips, asked = between.cost(lambda: fcgi(pool.sock, "GET", "/userinfo", [header]))
    same((check.status, trips), (200, 1), "a check: one round trip")
    user = json.loads(check.body)["user_id"]
    same(asked, command(b"HGET", user.encode(), handle.encode()), "and one command in it")
    refresh, trips, _ = between.cost(lambda: fcgi(pool.sock, "POST", "/refresh", [header]))
    same((refresh.status, json.loads(refresh.body)["refreshed"], trips), (200, False, 2),
         "a refresh within the window: two round trips, with the proof of the session")
    redis_key = f"{user}__{handle}"
    subprocess.run(["redis-cli", "-s", redis.sock, "-n", "8", "DEL", redis_key], capture_output=True, check=True)
    refresh, trips, _ = between.cost(lambda: fcgi(pool.sock, "POST", "/refresh", [header]))
    same((refresh.status, json.loads(refresh.body)["refreshed"], trips <= 4), (200, True, True),
         f"a refresh: {trips} round trips, four at the most")
    logout, trips, _ = between.cost(lambda: fcgi(pool.sock, "POST", "/logout", [header]))
    same((logout.status, trips <= 2), (200, True), f"a logout: {trips} round trips, two at the most")
    same(fcgi(pool.sock, "GET", "/userinfo", [header]).status, 401, "and over it is")
done()
