#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tpauth-grpcd as ratios: the same logic in Python's grpc.aio and tpauth-grpcd in turn on one machine.

usage: bench/run grpc [--seconds N] [--pairs N] [CASE...]   (--list names the cases)

RefreshToken is called over h2c on loopback by h2load, 10 connections with 32 streams each, on one session in one
Redis that both use; each side is one process. N pairs (7) of runs of N seconds (10) alternate; printed are the median
of the pairs' ratios with the lowest and the highest, and the median rates. After each run a call of a real client must
still be answered OK.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "e2e"))
from grpc_site import BUILD, METHOD, PROTOS, GRPCD, SECRET, GrpcSite, channel, code, free_port, port_open, refresher, request, wait_until  # noqa: E402,E501
sys.path.insert(1, HERE)
from bench import compare  # noqa: E402

CONNECTIONS, STREAMS = 10, 32


def h2load(port, body, seconds, method=METHOD):
    out = subprocess.run(["h2load", "-t1", f"-c{CONNECTIONS}", f"-m{STREAMS}", f"-D{seconds}", "-d", body,
                          "-H", "content-type: application/grpc", "-H", "te: trailers",
                          f"http://127.0.0.1:{port}{method}"], capture_output=True, text=True, check=True).stdout
    bad = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", out)
    if not bad or any(int(x) for x in bad.groups()) or not re.search(r"status codes: [1-9]\d* 2xx, 0 3xx, 0 4xx, 0 5xx", out):
        raise RuntimeError("h2load saw failures:\n" + out)
    return float(re.search(r"finished in [^,]*, ([\d.]+) req/s", out).group(1))


def aio(site, restrict_s):
    stubs = tempfile.mkdtemp(prefix="stubs-", dir=site.dir)
    subprocess.run(["protoc", "-I", PROTOS, "--python_out=" + stubs, "--grpc_out=" + stubs,
                    "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin", "refresh.proto"], check=True)
    port = free_port()
    p = site.start(["/usr/bin/python3", os.path.join(HERE, "refresh_aio.py"), str(port), site.store.sock, SECRET,
                    str(restrict_s)], env={"PATH": "/usr/bin:/bin", "STUBS": stubs})
    if not wait_until(lambda: port_open(port) or not p.alive()) or not p.alive():
        raise RuntimeError("the yardstick did not start")
    return port


def refresh(title, restrict_minutes, aim):
    def case(o):
        with GrpcSite(LOG_LEVEL="warning", REFRESH_RECHECK="false", REFRESH_RESTRICT_MINUTES=restrict_minutes) as site:
            handle, _ = site.session()
            message = request("alice", handle).SerializeToString()
            body = site.path("body")
            with open(body, "wb") as f:
                f.write(b"\0" + len(message).to_bytes(4, "big") + message)

            def rate(port):
                with channel(f"127.0.0.1:{port}") as ch:
                    before = site.stored("alice", handle)
                    time.sleep(1.1 if restrict_minutes == 0 else 0)
                    if code(refresher(ch), request("alice", handle), timeout=10) != ("OK", ""):
                        raise RuntimeError("a call failed")
                    if restrict_minutes == 0 and site.stored("alice", handle) == before:
                        raise RuntimeError("nothing was refreshed")
                    n = h2load(port, body, o.seconds)
                    if code(refresher(ch), request("alice", handle), timeout=10) != ("OK", ""):
                        raise RuntimeError("a call failed")
                return n
            theirs, ours = aio(site, restrict_minutes * 60), site.daemon().port
            # The window is closed, and nobody's session is new.
            for port in (theirs, ours):
                with channel(f"127.0.0.1:{port}") as ch:
                    code(refresher(ch), request("alice", handle), timeout=10)
            compare(title, lambda: rate(theirs), lambda: rate(ours), o.pairs, aim)
    return case


def echo(o):
    """What the daemon adds to HTTP/2: a health check, its cheapest call (the store is asked once a second), against
    nghttp2 and nothing else."""
    with GrpcSite(LOG_LEVEL="warning") as site:
        body = site.path("body")
        with open(body, "wb") as f:
            f.write(bytes(5))  # HealthCheckRequest: a message of no bytes
        theirs, ours = free_port(), site.daemon().port
        p = site.start([os.path.join(BUILD, "bench", "echo_nghttp2"), str(theirs)])
        if not wait_until(lambda: port_open(theirs) or not p.alive()) or not p.alive():
            raise RuntimeError("the yardstick did not start")
        check = "/grpc.health.v1.Health/Check"
        compare("health Check: a bare nghttp2 echo and tpauth-grpcd", lambda: h2load(theirs, body, o.seconds, check),
                lambda: h2load(ours, body, o.seconds, check), o.pairs, 0.8)


def memory(o):
    with GrpcSite(LOG_LEVEL="warning", REFRESH_RECHECK="false", REFRESH_RESTRICT_MINUTES=15) as site:
        handle, _ = site.session()
        message = request("alice", handle).SerializeToString()
        body = site.path("body")
        with open(body, "wb") as f:
            f.write(b"\0" + len(message).to_bytes(4, "big") + message)
        d = site.daemon()

        def dirty():
            with open(f"/proc/{d.pid}/smaps_rollup") as f:
                return int(next(x for x in f if x.startswith("Private_Dirty")).split()[1])
        start = dirty()
        n = h2load(d.port, body, o.seconds) * o.seconds
        print(f"memory: Private_Dirty without TLS {start} kB after start, {dirty()} kB after {n:,.0f} calls on "
              f"{CONNECTIONS} connections (aim: under 3072 kB)", flush=True)


def start(o):
    """From exec to the first connection that is accepted by the kernel."""
    with GrpcSite(LOG_LEVEL="warning") as site:
        users = site.path("few")
        with open(users, "w") as f:
            f.write("alice:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n")
        site.settings["TOKEN_HANDLER"] = "htpasswd:" + users
        site.write_config()
        times = []
        for _ in range(20):
            port = free_port()
            begun = time.monotonic()
            pid = os.posix_spawn(GRPCD, [GRPCD, "--config", site.config, "--grpc-listen", f"127.0.0.1:{port}"],
                                 {"PATH": "/usr/bin"})
            while not port_open(port) and time.monotonic() < begun + 5:
                time.sleep(0.0002)
            times.append((time.monotonic() - begun) * 1000)
            os.kill(pid, 15)
            os.waitpid(pid, 0)
        print(f"start to listening: median {statistics.median(times):.1f} ms ({min(times):.1f} to {max(times):.1f}), "
              "aim 20 ms", flush=True)


CASES = {
    "restricted": refresh("RefreshToken on a restricted session: grpc.aio and tpauth-grpcd", 15, 5.0),
    "full": refresh("RefreshToken, a full HS256 refresh: grpc.aio and tpauth-grpcd", 0, 5.0),
    "echo": echo,
    "memory": memory,
    "start": start,
}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--pairs", type=int, default=7)
    p.add_argument("--list", action="store_true")
    p.add_argument("case", nargs="*")
    o = p.parse_args()
    if o.list:
        print("\n".join(CASES))
        return
    for name in o.case or CASES:
        CASES[name](o)


main()
