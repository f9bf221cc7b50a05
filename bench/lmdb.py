#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The embedded store with a thousand and with a million live sessions.

usage: bench/run lmdb [--seconds N] [--pairs N] [--sessions N]

Two sites of the same build, each behind lighttpd with four processes: one store has 1,000 live sessions of as
many users, the other 1,000,000 (--sessions). wrk with 32 connections asks /userinfo, each time for one of 100,000 draws at
random from all sessions of its store (so that wrk has the same work for both); N pairs (7) of runs of N seconds (10), A and B alternating. Printed: the median
of the pairs' ratios with the lowest and the highest; the sizes of the files; what memory of their own the workers
have; and what a write takes while nothing has ended, and while 100,000 sessions that ended wait to be swept. The
stores lie in memory (/dev/shm), so that what is measured is the work and not the disk.
"""
import argparse
import random
import statistics
import tempfile

from bench import BUILD, Site, base64, children, fcgi, fcgi_login, lua, os, subprocess, time
from e2e import SECRET

FILL = os.path.join(BUILD, "bench", "lmdb_fill")
FEW, ENDED, DRAWN = 1000, 100000, 100000
MASK = (1 << 64) - 1

RANDOM = """
local bearers = {}
function init(args)
  math.randomseed(os.time() + %d)
  for line in io.lines("%s") do bearers[#bearers + 1] = line end
end
function request()
  return wrk.format("GET", "/userinfo", { Authorization = "Bearer " .. bearers[math.random(#bearers)], refresh = "false" })
end
function response(status, headers, body)
  if status ~= 200 then io.stderr:write(status, " ", body, "\\n") end
end
"""


def bearer(i):
    handle = f"{i * 0x9e3779b97f4a7c15 & MASK:016x}-handle-of-a-session-{i:016x}"[:43]
    return handle + "." + base64.urlsafe_b64encode(f"u{i}".encode()).decode().rstrip("=")


class Filled:
    def __init__(self, sessions):
        self.sessions = sessions
        self.site = Site(LOG_LEVEL="warning")
        pool = self.site.pool(1)
        fcgi_login(pool.sock)
        dump = subprocess.run(["mdb_dump", "-p", self.site.state + "/sessions"], capture_output=True, text=True, check=True)
        self.header = dump.stdout.split('{"token":"', 1)[1].split(".", 1)[0]
        start = time.monotonic()
        self.fill(0, sessions, 86400)
        self.fill_s = time.monotonic() - start
        for i in (0, sessions // 2, sessions - 1):
            a = fcgi(pool.sock, "GET", "/userinfo", [("Authorization", "Bearer " + bearer(i))])
            if a.status != 200:
                raise RuntimeError(f"session {i} of {sessions}: {a}")
        pool.stop()
        with open(self.site.path("bearers"), "w") as f:
            f.writelines(bearer(random.randrange(sessions)) + "\n" for _ in range(DRAWN))
        self.script = lua(self.site, "random.lua", RANDOM % (sessions, self.site.path("bearers")))

    def fill(self, first, n, ttl):
        subprocess.run([FILL, self.site.state, SECRET, self.header, "fill", str(first), str(n), str(ttl)], check=True)

    def size(self):
        st = os.stat(self.site.state + "/sessions/data.mdb")
        return st.st_size, st.st_blocks * 512

    def serve(self):
        self.lighttpd = self.site.lighttpd()

    def rate(self, seconds):
        """wrk() of bench.py, but that it says what an answer was that is not 200."""
        out = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", self.script,
                              f"http://127.0.0.1:{self.lighttpd.port}/userinfo"], capture_output=True, text=True, check=True)
        if out.stderr or "Non-2xx" in out.stdout or "Socket errors" in out.stdout:
            raise RuntimeError(f"wrk saw failures:\n{out.stderr[:1000]}\n{out.stdout}")
        return next(float(line.split()[1]) for line in out.stdout.splitlines() if line.startswith("Requests/sec"))

    def own_kb(self):
        found = []
        for pid in children(self.lighttpd.pid):
            with open(f"/proc/{pid}/smaps_rollup") as f:
                found += [int(line.split()[1]) for line in f if line.startswith("Anonymous:")]
        return max(found)

    def writes(self, n):
        out = subprocess.run([FILL, self.site.state, "-", "-", "time", str(n)], capture_output=True, text=True, check=True)
        return tuple(int(x) for x in out.stdout.split())


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--seconds", type=int, default=10)
    args.add_argument("--pairs", type=int, default=7)
    args.add_argument("--sessions", type=int, default=1000000)
    args = args.parse_args()
    if os.access("/dev/shm", os.W_OK):
        tempfile.tempdir = "/dev/shm"
    few, many = Filled(FEW), Filled(args.sessions)
    with few.site, many.site:
        for f in (few, many):
            print(f"{f.sessions} sessions: {f.size()[0]} bytes, {f.size()[0] / f.sessions:.0f} each; filled in {f.fill_s:.1f} s")
            f.serve()
            f.rate(2)
        pairs = [(few.rate(args.seconds), many.rate(args.seconds)) for _ in range(args.pairs)]
        ratios = sorted(b / a for a, b in pairs)
        print(f"/userinfo, random sessions, {args.sessions} against {FEW}: {statistics.median(ratios):.2f} "
              f"({ratios[0]:.2f} .. {ratios[-1]:.2f}); medians {statistics.median(b for _, b in pairs):.0f} and "
              f"{statistics.median(a for a, _ in pairs):.0f} a second")
        for f in (few, many):
            print(f"{f.sessions} sessions: anonymous memory of the largest worker {f.own_kb()} kB")
        print("a write with %d sessions, nothing ended: median %d us, worst %d us" % (args.sessions, *many.writes(2000)))
        before = many.size()[0]
        many.fill(10 * args.sessions, ENDED, 1)
        time.sleep(2.1)
        print("... while %d that ended wait: median %d us, worst %d us" % (ENDED, *many.writes(ENDED // 100)))
        print("... and when they are swept: median %d us, worst %d us" % many.writes(1000))
        print(f"the file grew by {many.size()[0] - before} bytes for them")


if __name__ == "__main__":
    main()
