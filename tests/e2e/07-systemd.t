#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A pool as systemd starts it: the socket as descriptor 3, and what is said to NOTIFY_SOCKET, in its order.
The units themselves are verified by systemd's own program, which needs no running systemd."""
import re
import threading

from e2e import *

GRPCD = os.path.join(BUILD, "tpauth-grpcd")


class Systemd:
    """What systemd does for a service with a socket unit and Type=notify."""

    def __init__(self, site, name=None, **env):
        self.sock = site.path("unit.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.sock)
        self.listener.listen(64)
        self.name = name or site.path("notify")
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind("\0" + self.name[1:] if self.name[0] == "@" else self.name)
        self.ear.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.env = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": self.name, "LISTEN_FDS": "1",
                    "LISTEN_FDNAMES": "tpauth.socket", **sanitizers(), **env}

    def start(self, site, *flags):
        return site.start(["/bin/sh", "-c", f'LISTEN_PID=$$ exec "$0" --config {site.config} "$@" 3<&9 9<&-', PROGRAM, *flags],
                          preexec_fn=lambda: os.dup2(self.listener.fileno(), 9), close_fds=False, env=self.env)

    def hear(self, seconds=20):
        """The next message and the process that sent it, ('', 0) when none comes."""
        self.ear.settimeout(seconds)
        try:
            data, ancillary, _, _ = self.ear.recvmsg(4096, 128)
        except (socket.timeout, BlockingIOError):
            return "", 0
        return data.decode(), int.from_bytes(ancillary[0][2][:4], "little")

    def close(self):
        self.listener.close()
        self.ear.close()


def reloading(message):
    return re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", message) is not None


# A pool: ready when a worker serves; reloads and the end are said by the supervisor alone.
with Site() as site:
    show = site.path("show")
    with open(show, "w") as f:
        f.write('#!/bin/sh\ncat > /dev/null\n[ -e /dev/fd/3 ] && fd=open || fd=closed\n'
                'echo "{\\"user_id\\":\\"u\\",\\"fd3\\":\\"$fd\\",\\"env\\":\\"$(env | cut -d= -f1 | tr \'\\n\' \' \')\\"}"\n')
    os.chmod(show, 0o755)
    site.settings["TOKEN_HANDLER"] = "exec:" + show
    site.write_config()
    systemd = Systemd(site)
    pool = systemd.start(site, "--workers", "2")
    same(systemd.hear(), ("READY=1", pool.pid), "READY=1, from the process that was started")
    ok("worker.start" in site.text("tpauth.log"), "and not before a worker serves")
    a = fcgi(systemd.sock, "POST", "/token", [FORM], form(username="u", password="x"))
    same(a.status, 200, "the socket that was passed is served")
    claims = fcgi(systemd.sock, "GET", "/userinfo", [bearer_header(a)]).json()
    ok(not re.search("NOTIFY|LISTEN|WATCHDOG", claims["env"]), "a token handler's program finds no word of systemd", claims)
    same(claims["fd3"], "closed", "nor the socket")

    pool.send(signal.SIGHUP)
    first, second = systemd.hear(), systemd.hear()
    ok(reloading(first[0]) and first[1] == pool.pid, "SIGHUP: RELOADING=1 with the time", first)
    same(second, ("READY=1\nSTATUS=", pool.pid), "then READY=1")
    ok(wait_until(lambda: site.text("tpauth.log").count("config.reloaded") >= 2), "and both workers read again")
    site.settings["LEEWAY"] = "soon"
    site.write_config()
    pool.send(signal.SIGHUP)
    first, second = systemd.hear(), systemd.hear()
    ok(reloading(first[0]) and second[0].startswith("READY=1\nSTATUS=A reload was refused"),
       "SIGHUP with a mistake: READY=1 as well, with a status that says so", (first, second))

    for worker in children(pool.pid):
        os.kill(worker, signal.SIGKILL)
    same(fcgi(systemd.sock, "GET", "/userinfo", [bearer_header(a)]).status, 200, "killed workers are replaced")
    pool.send(signal.SIGTERM)
    same(systemd.hear(), ("STOPPING=1", pool.pid), "without a word about it; SIGTERM: STOPPING=1")
    same(pool.stop(), 0, "and it ends in order")
    same(systemd.hear(0), ("", 0), "that was the last word")
    ok(os.path.exists(systemd.sock), "the socket file is systemd's, and stays")
    systemd.close()

# A pool that cannot serve is never ready.
with Site() as site:
    site.settings["STATE_DIR"] = site.path("users") + "/none"
    site.write_config()
    systemd = Systemd(site)
    pool = systemd.start(site, "--workers", "1")
    ok(wait_until(lambda: "start.failed" in site.text("tpauth.log") or not pool.alive()), "a worker that cannot start")
    same(systemd.hear(1), ("", 0), "is not called ready")
    pool.stop()
    systemd.close()

# The sign of life, over an abstract socket; it goes on while the pool drains.
with Site() as site:
    slow = site.path("slow")
    with open(slow, "w") as f:
        f.write('#!/bin/sh\ncat > /dev/null\nsleep 2\necho \'{"user_id":"slow"}\'\n')
    os.chmod(slow, 0o755)
    site.settings["TOKEN_HANDLER"] = "exec:" + slow
    site.write_config()
    systemd = Systemd(site, name=f"@tpauth-e2e-{os.getpid()}", WATCHDOG_USEC="400000")
    pool = systemd.start(site, "--workers", "1")
    heard = [systemd.hear()[0] for _ in range(6)]
    ok("READY=1" in heard and heard.count("WATCHDOG=1") == 5, "WATCHDOG=1 comes by itself", heard)
    box = []
    t = threading.Thread(target=lambda: box.append(fcgi(systemd.sock, "POST", "/token", [FORM], form(username="u", password="x"))))
    t.start()
    time.sleep(0.3)
    pool.send(signal.SIGTERM)
    heard = []
    while "STOPPING=1" not in heard and len(heard) < 50:
        heard.append(systemd.hear()[0])
    same([systemd.hear()[0] for _ in range(3)], ["WATCHDOG=1"] * 3, "also while the last request is answered")
    t.join()
    ok(box[0] is not None and box[0].status == 200, "which is", box)
    same(pool.stop(), 0, "and it ends in order")
    systemd.close()

# One process without a supervisor.
with Site() as site:
    systemd = Systemd(site)
    one = systemd.start(site)
    same(systemd.hear(), ("READY=1", one.pid), "without --workers: READY=1")
    same(fcgi(systemd.sock, "GET", "/api/healthcheck").status, 200, "and it serves")
    one.send(signal.SIGTERM)
    same(systemd.hear(), ("STOPPING=1", one.pid), "STOPPING=1")
    same(one.stop(), 0, "and the end")
    systemd.close()

# Two sockets, or one that does not listen, are a mistake in a unit, and not silently something else.
with Site() as site:
    systemd = Systemd(site, LISTEN_FDS="2")
    two = systemd.start(site)
    same(two.p.wait(20), 64, "two sockets are refused")
    ok("listen.inherited" in site.text("tpauth.log"), "with a line that says so", site.text("tpauth.log"))
    systemd.close()

# The refresh daemon under its own unit: no socket of systemd's, ready when it serves, a reload, the end.
with Site() as site:
    systemd = Systemd(site)
    port = free_port()
    env = {k: v for k, v in systemd.env.items() if not k.startswith("LISTEN")}
    pool = site.start([GRPCD, "--config", site.config, "--workers", "2", "--grpc-listen", f"127.0.0.1:{port}"], env=env)
    same(systemd.hear(), ("READY=1", pool.pid), "the refresh daemon: READY=1, from the process that was started")
    ok(port_open(port) and "grpc.start" in site.text("tpauth.log"), "when a worker of it serves")
    pool.send(signal.SIGHUP)
    first, second = systemd.hear(), systemd.hear()
    ok(reloading(first[0]) and second == ("READY=1\nSTATUS=", pool.pid), "SIGHUP: RELOADING=1, READY=1", (first, second))
    pool.send(signal.SIGTERM)
    same(systemd.hear(), ("STOPPING=1", pool.pid), "SIGTERM: STOPPING=1")
    same(pool.stop(seconds=40), 0, "and it ends in order")
    systemd.close()

# Its supervisor gives the sign of life that the unit asks for.
with Site() as site:
    systemd = Systemd(site, WATCHDOG_USEC="400000")
    env = {k: v for k, v in systemd.env.items() if not k.startswith("LISTEN")}
    pool = site.start([GRPCD, "--config", site.config, "--workers", "1", "--grpc-listen", f"127.0.0.1:{free_port()}"], env=env)
    heard = [systemd.hear()[0] for _ in range(4)]
    ok("READY=1" in heard and heard.count("WATCHDOG=1") == 3, "WATCHDOG=1 comes from the refresh daemon", heard)
    same(pool.stop(seconds=40), 0, "which ends in order")
    systemd.close()

# The units, by systemd's own judgement.
with Site() as site:
    units = {"tpauth.service": PROGRAM, "tpauth-grpcd.service": GRPCD, "tpauth.socket": None}
    texts = {}
    for name, program in units.items():
        with open(os.path.join(BUILD, "systemd", name)) as f:
            text = texts[name] = f.read()
        ok(not re.search(r"@[a-z]+@|\$\{?prefix", text), f"{name}: no placeholder is left")
        same(len(re.findall("^ExecStart=", text, re.M)), 1 if name.endswith("service") else 0, f"{name}: what it starts")
        with open(site.path(name), "w") as f:
            f.write(re.sub("^ExecStart=[^ ]*", f"ExecStart={program}", text, flags=re.M))
    r = subprocess.run(["systemd-analyze", "verify", "--man=no", *map(site.path, units)], capture_output=True, text=True)
    ours = [line for line in (r.stdout + r.stderr).splitlines() if "tpauth" in line]
    ok(r.returncode == 0 and not ours, "systemd-analyze verify: clean", r)
    for name in ("tpauth.service", "tpauth-grpcd.service"):
        ok("\nLimitCORE=0\n" in texts[name], f"{name}: no core, which would have keys and passwords")
        r = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", site.path(name)],
                           capture_output=True, text=True, env={**os.environ, "SYSTEMD_COLORS": "0"})
        exposure = re.search(r"Overall exposure level for .*: ([0-9.]+)", r.stdout)
        ok(exposure and float(exposure.group(1)) <= 2.0, f"systemd-analyze security, {name}: exposure of 2.0 at most",
           r.stdout[-1500:])
        print(f"# exposure {exposure.group(1) if exposure else '?'} of 10")

    def lines(name, *but):
        return [x for x in texts[name].partition("[Service]\nType")[2].partition("[Install]")[0].splitlines()
                if x and x[0] != "#" and not x.startswith(but)]
    same(lines("tpauth-grpcd.service", "ExecStart="), lines("tpauth.service", "ExecStart="),
         "both services run under the same user, state folder and restrictions")
done()
