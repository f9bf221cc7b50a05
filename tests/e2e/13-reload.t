#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A graceful reload of the web server under load, and SIGTERM to the workers: every request that had
started is answered. usage: 13-reload.t [WORD...]: only mounts whose name holds one of the words."""
import threading

from mounts import *

SLOW_S = 1.5


class Load:
    """Clients that ask one after the other, each on a connection of its own. Not started: the connection was
    refused. Lost: it was taken, and no whole 200 came."""

    def __init__(self, visit, path, headers, clients=4):
        self.visit, self.path, self.headers = visit, path, headers
        self.good, self.not_started, self.lost = 0, 0, []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]
        for t in self.threads:
            t.start()

    def run(self):
        while not self.ending.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.visit.port), 10):
                    pass
            except OSError:
                self.not_started += 1
                time.sleep(0.05)
                continue
            try:
                a = request(self.visit.port, "GET", self.path, self.headers)
                if a.status == 200:
                    self.good += 1
                else:
                    self.lost.append(a.status)
            except ConnectionRefusedError:
                self.not_started += 1
            except (OSError, http.client.HTTPException) as e:
                self.lost.append(repr(e))

    def end(self):
        self.ending.set()
        for t in self.threads:
            t.join()
        return self


def slow_handler(stage):
    """A token handler that takes its time, so that a login is a long request."""
    path = stage.path("slow")
    with open(path, "w") as f:
        f.write(f'#!/bin/sh\ncat > /dev/null\nsleep {SLOW_S}\necho \'{{"user_id":"slow","scopes":["read","write"]}}\'\n')
    os.chmod(path, 0o755)
    stage.settings["TOKEN_HANDLER"] = "exec:" + path
    stage.write_config()


def in_thread(function):
    box = []

    def run():
        try:
            box.append(function())
        except (OSError, http.client.HTTPException) as e:
            box.append(repr(e))
    t = threading.Thread(target=run)
    t.start()
    return t, box


def slow_login(v):
    return v.ask("POST", "/token", [FORM], form(username="slow", password="x")).status


def target_of(m):
    return m.doors[0].path if m.doors else m.prefix + "/userinfo"


def load_of(v):
    return Load(v, target_of(v.mount), [bearer_header(v.stage.session("slow"))])


def comes_back(v, seconds=15):
    def good():
        try:
            return request(v.port, "GET", target_of(v.mount), [bearer_header(v.stage.session("slow"))]).status == 200
        except (OSError, http.client.HTTPException):
            return False
    return wait_until(good, seconds, 0.1)


def reload_under_load(v):
    name = v.mount.name
    load = load_of(v)
    wait_until(lambda: load.good > 0 and len(v.mount.workers()) >= v.mount.pool_size, 60)
    slow, box = in_thread(lambda: slow_login(v)) if "responder" in v.mount.roles else (None, [200])
    time.sleep(SLOW_S * 2 / 3)  # mod_fcgid gives workers a second to end
    v.mount.reload()
    time.sleep(SLOW_S + 0.5)
    if slow is not None:
        slow.join()
    same(box, [200], f"{name}: a long request that had started is answered")
    good = comes_back(v)
    load.end()
    by_server = v.mount.lost_by_itself(v.stage)
    same(load.lost[by_server:], [], f"{name}: of short ones none that had started is lost ({load.good} answered, "
         f"{load.not_started} not started, {by_server} lost by the server itself)")
    ok(good, f"{name}: and then it serves")


def terminate_workers(v):
    """A worker's own SIGTERM, as any supervisor sends it."""
    name = v.mount.name
    slow, box = in_thread(lambda: slow_login(v))
    time.sleep(SLOW_S / 2)
    workers = v.mount.workers()
    ok(workers != [], f"{name}: there are workers")
    for w in workers:
        os.kill(w, signal.SIGTERM)
    slow.join()
    same(box, [200], f"{name}: SIGTERM of a worker in mid-request: it is answered")
    if v.mount.respawns:
        ok(comes_back(v), f"{name}: and another takes the place")


for m in all_mounts():
    if not m.graceful:
        continue
    with Stage(m) as stage:
        slow_handler(stage)
        stage.sessions["slow"] = stage.cgi("POST", "/token", [], form(username="slow", password="x"))
        visit = Visit(m, stage, m.start(stage))
        comes_back(visit)
        if m.reloads:
            reload_under_load(visit)
        if "responder" in m.roles:
            terminate_workers(visit)
done()
