#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tpauth.fcgi --workers N --grpc: the refresh daemon as one more child of the pool's supervisor."""
from grpc_site import *


def name_of(pid):
    return os.path.basename(read(f"/proc/{pid}/cmdline").split(b"\0")[0].decode())


def grpcd_of(pool):
    """The daemon below a supervisor, or None."""
    for pid in children(pool.pid):
        try:
            if name_of(pid) == "tpauth-grpcd":
                return pid
        except OSError:
            pass
    return None


def modules(site):
    """MODULE_DIR of a tree that is not installed: the daemon is looked for there first."""
    folder = site.path("modules")
    os.mkdir(folder)
    os.symlink(GRPCD, os.path.join(folder, "tpauth-grpcd"))
    os.symlink(os.path.join(MODULES, "tpauth_libjwt.so"), os.path.join(folder, "tpauth_libjwt.so"))
    site.settings["MODULE_DIR"] = folder
    site.write_config()


def run(site, *flags):
    return subprocess.run([PROGRAM, "--config", site.config, *flags], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], **sanitizers()})


with GrpcSite() as site:
    modules(site)
    port = free_port()
    # Some flags that are the pool's alone, in both forms, and some that both obey.
    pool = site.pool(2, "--grpc", f"--grpc-listen=127.0.0.1:{port}", "--leeway", "7")
    ok(wait_until(lambda: port_open(port)), "one service, and the refresh daemon listens")
    first = grpcd_of(pool)
    ok(wait_until(lambda: len(children(pool.pid)) == 3), "beside two workers")
    same(read(f"/proc/{first}/cmdline").decode().split("\0")[1:-1],
         ["--config", site.config, f"--grpc-listen=127.0.0.1:{port}", "--leeway", "7"], "with the flags that are not the pool's")
    fds = [os.readlink(f"/proc/{first}/fd/{n}") for n in os.listdir(f"/proc/{first}/fd")]
    same(os.readlink(f"/proc/{first}/fd/0"), "/dev/null", "it has no descriptor 0 of the pool")
    ok(len([x for x in fds if x.startswith("socket:")]) <= 2, "and no socket but its own and that of the store", fds)
    handle, bearer = site.session()
    same(fcgi(pool.sock, "GET", "/userinfo", [("Authorization", "Bearer " + bearer)]).status, 200, "the pool serves")
    with channel(f"127.0.0.1:{port}") as ch:
        call = refresher(ch)
        before = site.stored("alice", handle)
        site.open_window()
        time.sleep(1.1)
        same(code(call, request("alice", handle), timeout=10), ("OK", ""), "the daemon serves")
        ok(site.stored("alice", handle) not in ("", before), "the same sessions")

        os.kill(first, signal.SIGKILL)
        ok(wait_until(lambda: grpcd_of(pool) not in (None, first)), "killed, it is replaced")
        # A connection that breaks under a call is UNAVAILABLE, and the next call has another.
        ok(wait_until(lambda: code(call, request("alice", handle), timeout=10, wait_for_ready=True)[0] == "OK"),
           "and serves again")
        second = grpcd_of(pool)
        ok("event=beside.ended" in site.text("tpauth.log"), "the log says that one ended")

        site.settings["GRPC_SECRET"] = "marker-shared-secret"
        site.write_config()
        pool.send(signal.SIGHUP)
        ok(wait_until(lambda: code(call, request("alice", handle), timeout=10)[0] == "UNAUTHENTICATED"),
           "SIGHUP to the supervisor: the daemon reads its settings again")
        same(grpcd_of(pool), second, "and stays the process it was")
        site.settings["EXPIRY"] = "soon"
        site.write_config()
        pool.send(signal.SIGHUP)
        ok(wait_until(lambda: "config.kept" in site.text("tpauth.log")), "SIGHUP with a mistake is refused")
        same(site.text("tpauth.log").count("config.kept"), 1, "by the supervisor, who does not hand it on")
        os.rename(site.log, site.log + ".1")
        pool.send(signal.SIGUSR2)
        ok(wait_until(lambda: logs_of(pool) == {site.log}), "SIGUSR2: the daemon too opens the log file anew", logs_of(pool))
        same(grpcd_of(pool), second, "and stays the process it was")

        # One that is replaced while its settings are wrong: the workers serve on, and it is tried again.
        os.kill(second, signal.SIGKILL)
        time.sleep(1)
        ok(pool.alive(), "a later daemon that refuses its settings does not end the pool")
        same(fcgi(pool.sock, "GET", "/userinfo", [("Authorization", "Bearer " + bearer)]).status, 200, "which serves on")
        tries = site.text("tpauth.log").count("event=beside.ended")
        ok(2 <= tries <= 8, "it is tried again, with pauses", tries)
        del site.settings["EXPIRY"]
        site.write_config()
        ok(wait_until(lambda: port_open(port), 20), "once they are right again, it is back")

    family = [pool.pid, *children(pool.pid)]
    same(pool.stop(seconds=40), 0, "SIGTERM: all end in order")
    ok(not any(running(p) for p in family), "nothing is left running", family)
    ok(not port_open(port) and not os.path.exists(pool.sock), "and nothing listens")

    # What has started is finished.
    del site.settings["GRPC_SECRET"]
    site.write_config()
    pool = site.pool(1, "--grpc", "--grpc-listen", f"127.0.0.1:{port}")
    ok(wait_until(lambda: port_open(port)), "started again")
    with channel(f"127.0.0.1:{port}") as ch:
        call = refresher(ch)
        same(code(call, request("alice", handle), timeout=10), ("OK", ""), "before SIGTERM")
        site.store.send(signal.SIGSTOP)
        started = [call.future(request("alice", handle), timeout=20) for _ in range(5)]
        time.sleep(0.5)
        pool.send(signal.SIGTERM)
        time.sleep(0.3)
        site.store.send(signal.SIGCONT)
        same([c.code().name for c in started], ["OK"] * 5, "SIGTERM: calls that had started are finished")
        wait_until(lambda: not pool.alive(), 40)
        same(pool.stop(), 0, "and it ends in order")

    # A supervisor that is shot takes the daemon along.
    pool = site.pool(1, "--grpc", "--grpc-listen", f"127.0.0.1:{port}")
    ok(wait_until(lambda: port_open(port)), "and again")
    family = children(pool.pid)
    os.kill(pool.pid, signal.SIGKILL)
    ok(wait_until(lambda: not any(running(p) for p in family), 40), "a killed supervisor leaves no daemon behind", family)
    pool.stop()

# Wrong settings are an error of the whole service, at its start.
with GrpcSite() as site:
    modules(site)
    port = free_port()
    listening = socket.socket()
    listening.bind(("127.0.0.1", port))
    listening.listen()
    service = ["--listen", site.path("pool.sock"), "--workers", "1", "--grpc"]
    r = run(site, *service, "--grpc-listen", f"127.0.0.1:{port}")
    ok(r.returncode == 78 and "GRPC_LISTEN: 127.0.0.1" in site.text("tpauth.log"), "an address that is taken: 78", r)
    ok(not os.path.exists(site.path("pool.sock")), "and no socket is left")
    listening.close()
    r = run(site, *service, "--grpc-listen", f"0.0.0.0:{port}")
    ok(r.returncode == 78 and "GRPC_TLS_CERT" in site.text("tpauth.log"), "an open address without TLS: 78", r)
    same(site.text("tpauth.log").count("event=beside.ended"), 2, "neither is tried twice")
    r = run(site, "--listen", site.path("pool.sock"), "--grpc")
    ok(r.returncode == 78 and "--workers" in r.stderr, "--grpc without --workers: 78", r)
    r = run(site, *service, "--authorization-server", "false")
    ok(r.returncode == 78 and "AUTHORIZATION_SERVER" in r.stderr, "on a resource server: 78", r)
    site.settings["MODULE_DIR"] = site.path("none")
    site.write_config()
    if not os.path.exists("/usr/local/sbin/tpauth-grpcd") and not os.path.exists("/usr/sbin/tpauth-grpcd"):
        r = run(site, *service)
        ok(r.returncode == 78 and "no program tpauth-grpcd" in site.text("tpauth.log"), "no such program: 78", r)
    r = subprocess.run([GRPCD, "--config", site.config, "--workers", "1", "--grpc"], capture_output=True, text=True, timeout=20,
                       env={"PATH": os.environ["PATH"], **sanitizers()})
    ok(r.returncode == 78 and "tpauth.fcgi" in r.stderr + site.text("tpauth.log"), "the daemon itself has no such flag", r)
done()
