#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tpauth gone or its store down: every mount refuses, none hangs, and each recovers by itself.
usage: 12-outage.t [WORD...]: only mounts whose name holds one of the words."""
from mounts import *
from probes import read_probe
from rows_authorizer import STATIC

DB_TIMEOUT_S = 1
PATIENCE_S = 20.0  # of a client; a server that tries to start a program anew takes a while over it


def targets(v):
    """What may open only to a session: name, path."""
    out = [(d.kind, d.path) for d in v.mount.doors]
    if "responder" in v.mount.roles:
        out.append(("userinfo", v.mount.prefix + "/userinfo"))
    return out


def ask(v, path, who):
    """Status and how long it took; None for a connection that was closed without an answer."""
    begun = time.monotonic()
    try:
        a = request(v.port, "GET", path, [bearer_header(v.stage.session(who))] if who else [], timeout=30)
        number = "opened" if not who and (STATIC in a.body or read_probe(a.body)) else a.status
    except (ConnectionError, http.client.HTTPException):
        number = None
    except socket.timeout:
        number = "hangs"
    return number, time.monotonic() - begun


def all_closed(v, what, allowed):
    seen, slowest = {}, 0.0
    for name, path in targets(v):
        for who in ("alice", None):
            number, took = ask(v, path, who)
            seen.setdefault((name, who or "nobody"), set()).add(number)
            slowest = max(slowest, took)
    bad = {k: s for k, s in seen.items() if not s <= set(allowed(k))}
    same(bad, {}, f"{v.mount.name}: {what}: nothing opens ({'/'.join(str(x) for x in sorted(set().union(*seen.values()), key=str))})")
    ok(slowest < PATIENCE_S, f"{v.mount.name}: {what}: nothing hangs", slowest)


def recovers(v, what, seconds=20):
    good = wait_until(lambda: all(ask(v, p, "alice")[0] == 200 for _, p in targets(v)), seconds, 0.1)
    ok(good, f"{v.mount.name}: {what}: it recovers by itself", [ask(v, p, "alice") for _, p in targets(v)])
    closed = [ask(v, p, None)[0] for _, p in targets(v)]
    same(set(closed), {401}, f"{v.mount.name}: {what}: and knows who is nobody")


def store_down(v, stage, redis):
    def allowed(key):
        return {503, 401} if key[1] == "nobody" else v.mount.store_down
    redis.send(signal.SIGSTOP)
    all_closed(v, "the store hangs", allowed)
    redis.send(signal.SIGCONT)
    recovers(v, "the store is back")


def tpauth_down(v):
    # Whatever the server says in its place; but the words of a refusal need somebody to speak them.
    v.mount.take_down(v.stage)
    all_closed(v, "tpauth is gone", lambda key: {401, 403, 500, 502, 503, 504, None})
    v.mount.bring_back(v.stage)
    recovers(v, "tpauth is back", 40)


for m in all_mounts():
    with Stage(m, DB_TIMEOUT=f"{DB_TIMEOUT_S}s") as stage:
        redis = stage.redis()
        stage.settings["DB_URL"] = "unix://" + redis.sock
        stage.write_config()
        os.chmod(redis.sock, 0o777)
        visit = Visit(m, stage, m.start(stage))
        stage.session()
        store_down(visit, stage, redis)
        tpauth_down(visit)
done()
