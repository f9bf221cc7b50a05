#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program as an administrator meets it: flags, errors at start, signals, a key change, the socket."""
import stat
import threading

from e2e import *


def run(*argv, env=None, stdin=subprocess.DEVNULL, timeout=20):
    return subprocess.run([PROGRAM, *argv], stdin=stdin, capture_output=True, text=True, timeout=timeout,
                          env={"PATH": os.environ["PATH"], **sanitizers(), **(env or {})})


r = run("--version")
ok(r.returncode == 0 and r.stdout.startswith("tpauth "), "--version", r)
r = run("--help")
ok(r.returncode == 0 and "--secret-key-file" in r.stdout and "--listen" in r.stdout, "--help", r)
r = run("--no-such-flag")
ok(r.returncode == 78 and "--no-such-flag" in r.stderr, "an unknown flag", r)
r = run(env={"SECRET_KEY": SECRET})
ok(r.returncode == 64 and "--listen" in r.stderr, "started from a shell without --listen, it says what to do", r)

for name, settings, word in [
        ("no key", {"AUTHORIZATION_SERVER": "False"}, "SECRET_KEY"),
        ("a wrong boolean", {"SECRET_KEY": SECRET, "ENABLE_CORS": "perhaps"}, "ENABLE_CORS"),
        ("no handler", {"SECRET_KEY": SECRET, "AUTHORIZATION_SERVER": "1"}, "TOKEN_HANDLER"),
        ("an unknown store", {"SECRET_KEY": SECRET, "DB_URL": "mongodb://marker-user:marker-pw@h/"}, "DB_URL"),
        ("a missing user file", {"SECRET_KEY": SECRET, "AUTHORIZATION_SERVER": "1",
                                 "TOKEN_HANDLER": "htpasswd:/nonexistent/users"}, "TOKEN_HANDLER"),
        ("too wide a pattern", {"SECRET_KEY": SECRET, "CORS_URLS": "*.in"}, "CORS_URLS"),
        ("a PEM as the secret", {"SECRET_KEY": "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"},
         "SECRET_KEY")]:
    r = run("--check-config", env=settings)
    lines = r.stderr.strip().splitlines()
    ok(r.returncode == 78 and word in r.stderr and "marker" not in r.stderr and SECRET not in r.stderr,
       f"{name}: exit 78, one line that names {word}", r)

with Site() as site:
    r = run("--check-config", "--config", site.config)
    ok(r.returncode == 0 and "good" in r.stdout, "--check-config with a good file", r)
    with open(site.path("bad.conf"), "w") as f:
        f.write("SECRET_KEY = x\nNO_SUCH = 1\n")
    r = run("--check-config", "--config", site.path("bad.conf"))
    ok(r.returncode == 78 and "NO_SUCH" in r.stderr, "an unknown name in the file", r)

    pool = site.pool(2)
    same(oct(stat.S_IMODE(os.stat(pool.sock).st_mode)), "0o660", "the socket has mode 0660")
    r = run("--config", site.config, "--listen", pool.sock)
    ok(r.returncode == 78 and "another program listens" in r.stderr + site.text("tpauth.log"), "a socket in use is left alone", r)
    a = fcgi_login(pool.sock)
    same(a.status, 200, "logged in")
    bearer = bearer_header(a)

    # The supervisor's second opinion on the keys is its workers' too; one that starts alone asks itself.
    with Site(MODULE_DIR=site.dir) as bare:
        second = bare.pool(3)
        same(fcgi_login(second.sock).status, 200, "without libjwt's object: a warning, and logins work")
        ok(wait_until(lambda: bare.text("tpauth.log").count("worker.start") == 3), "three workers start")
        same(bare.text("tpauth.log").count("keys.unchecked"), 1, "and the keys are looked at once for all of them")
        second.stop()
        alone = bare.spawn_fcgi(1)
        same(fcgi_login(alone.sock).status, 200, "a worker without a supervisor of ours")
        same(bare.text("tpauth.log").count("keys.unchecked"), 2, "looks at them at its own start")

    # A new key by SIGHUP: the old one verifies until the session is signed anew.
    with open(site.path("old.key"), "w") as f:
        f.write(SECRET + "\n")
    os.chmod(site.path("old.key"), 0o600)
    site.settings.update(SECRET_KEY="another-" + SECRET, VERIFY_KEYS=site.path("old.key"))
    site.write_config()
    workers = sorted(children(pool.pid))
    pool.send(signal.SIGHUP)
    ok(wait_until(lambda: site.text("tpauth.log").count("config.reloaded") >= 2), "SIGHUP: both workers read the new key")
    same(sorted(children(pool.pid)), workers, "without ending")
    same(fcgi(pool.sock, "GET", "/userinfo", [bearer]).status, 200, "a session of the old key goes on")
    del site.settings["VERIFY_KEYS"]
    site.write_config()
    pool.send(signal.SIGHUP)
    ok(wait_until(lambda: site.text("tpauth.log").count("config.reloaded") >= 4), "SIGHUP without VERIFY_KEYS")
    same(fcgi(pool.sock, "GET", "/userinfo", [bearer]).status, 401, "then the old key is worth nothing")
    for w in children(pool.pid):
        os.kill(w, signal.SIGKILL)
    ok(wait_until(lambda: len(set(children(pool.pid)) - set(workers)) == 2), "workers that replace killed ones")
    same({fcgi(pool.sock, "GET", "/userinfo", [bearer]).status for _ in range(20)}, {401},
         "start from what was reloaded, not from what the pool was started with")
    live = bearer_header(fcgi_login(pool.sock))
    site.settings["DB_TIMEOUT"] = "7"
    site.write_config()
    pool.send(signal.SIGHUP)
    ok(wait_until(lambda: "that takes a restart" in site.text("tpauth.log")), "a reload does not change the store")
    same({fcgi(pool.sock, "GET", "/userinfo", [live]).status for _ in range(20)}, {200}, "and harms no session")
    del site.settings["DB_TIMEOUT"]
    site.settings["LOG_TARGET"] = "file:/nonexistent/log"
    site.write_config()
    pool.send(signal.SIGHUP)
    ok(wait_until(lambda: "LOG_TARGET" in site.text("tpauth.log")), "a reload without a log is refused, and the old log says so")
    site.settings["LOG_TARGET"] = "file:" + site.log
    same(fcgi(pool.sock, "GET", "/userinfo", [bearer_header(fcgi_login(pool.sock))]).status, 200, "new logins work")

    site.settings["LEEWAY"] = "soon"
    site.write_config()
    os.rename(site.log, site.log + ".1")
    pool.send(signal.SIGHUP)
    ok(wait_until(lambda: os.path.exists(site.log) and "LEEWAY" in site.text("tpauth.log")),
       "SIGHUP with a mistake: it is logged")
    ok(wait_until(lambda: logs_of(pool) == {site.log}), "by all in a new file, after a rotation", logs_of(pool))
    os.rename(site.log, site.log + ".2")
    pool.send(signal.SIGUSR2)
    ok(wait_until(lambda: logs_of(pool) == {site.log}), "SIGUSR2: all open the log file anew", logs_of(pool))
    same(site.text("tpauth.log"), "", "and do nothing else")
    same(fcgi_login(pool.sock).status, 200, "and the workers keep what they have")
    same(pool.stop(), 0, "SIGTERM")
    ok(not os.path.exists(pool.sock), "the socket file is gone")

# One process without a supervisor, under a load that never lets it wait.
with Site() as site:
    sock = site.path("one.sock")
    p = site.start([PROGRAM, "--config", site.config, "--listen", sock], stderr=open(site.path("one-stderr.log"), "w"),
                   env={"PATH": os.environ["PATH"], **sanitizers()})
    ok(wait_until(lambda: os.path.exists(sock)), "--listen without --workers")
    ok(wait_until(lambda: "config.warning" in site.text("tpauth.log") or "worker.start" in site.text("tpauth.log")), "is up")
    stop = threading.Event()

    def hammer():
        while not stop.is_set():
            try:
                fcgi(sock, "GET", "/api/healthcheck")
            except OSError:
                return
    threads = [threading.Thread(target=hammer) for _ in range(6)]
    for t in threads:
        t.start()
    time.sleep(0.5)
    begun = time.monotonic()
    status = p.stop(signal.SIGTERM, 10)
    took = time.monotonic() - begun
    stop.set()
    for t in threads:
        t.join()
    ok(status == 0 and took < 3, "SIGTERM ends it under load", (status, took, site.text("one-stderr.log")))
    ok(not os.path.exists(sock), "and its socket file goes")

# FastCGI leaves only descriptor 0 open: no file of ours may get the numbers that are printed to.
with Site(LOG_TARGET="stderr") as site:
    sock = site.path("bare.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sock)
        listener.listen(16)
        p = site.start(["/bin/sh", "-c", f"exec {PROGRAM} --config {site.config} <&9 >&- 2>&- 9<&-"],
                       pass_fds=(), preexec_fn=lambda: os.dup2(listener.fileno(), 9), close_fds=False)
        a = fcgi_login(sock)
        same(fcgi(sock, "GET", "/userinfo", [bearer_header(a)]).status, 200, "with descriptors 1 and 2 closed sessions work")
        same(p.stop(), 0, "and it ends in order")
    with open(os.path.join(site.state, "sessions", "lock.mdb"), "rb") as f:
        ok(b"event=" not in f.read(), "and nothing was printed into the store")

# A socket unit of systemd passes descriptor 3 and says so in the environment.
with Site() as site:
    sock = site.path("unit.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sock)
        listener.listen(16)
        p = site.start(["/bin/sh", "-c", f"LISTEN_PID=$$ LISTEN_FDS=1 exec {PROGRAM} --config {site.config} --workers 2 3<&9 9<&-"],
                       preexec_fn=lambda: os.dup2(listener.fileno(), 9), close_fds=False)
        same(fcgi_login(sock).status, 200, "a socket that systemd passed on is used, here by a pool")
        same(p.stop(), 0, "and left to systemd at the end")
        ok(os.path.exists(sock), "with its file")

# What is allowed and hardly meant is said without --workers too.
with Site(SECRET_KEY="short") as site:
    sock = site.path("one.sock")
    p = site.start([PROGRAM, "--config", site.config, "--listen", sock])
    ok(wait_until(lambda: "32 bytes" in site.text("tpauth.log")), "a short SECRET_KEY is a warning", site.text("tpauth.log"))
    p.stop()

# SIGTERM while a request runs: it is answered.
with Site() as site:
    slow = site.path("slow")
    with open(slow, "w") as f:
        f.write('#!/bin/sh\ncat > /dev/null\nsleep 1\necho \'{"user_id":"slow"}\'\n')
    os.chmod(slow, 0o755)
    site.settings["TOKEN_HANDLER"] = "exec:" + slow
    site.write_config()
    pool = site.pool(2)
    box = []
    t = threading.Thread(target=lambda: box.append(fcgi_login(pool.sock)))
    t.start()
    time.sleep(0.4)
    pool.send(signal.SIGTERM)
    t.join()
    ok(box[0] is not None and box[0].status == 200, "SIGTERM in mid-request: the request is answered", box)
    same(pool.stop(), 0, "and then the pool ends")

# At most half of the workers are at logins.
with Site() as site:
    slow = site.path("slow")
    with open(slow, "w") as f:
        f.write('#!/bin/sh\ncat > /dev/null\nsleep 1\necho \'{"user_id":"slow"}\'\n')
    os.chmod(slow, 0o755)
    site.settings["TOKEN_HANDLER"] = "exec:" + slow
    site.write_config()
    pool = site.pool(4)
    ok(wait_until(lambda: site.text("tpauth.log").count("worker.start") >= 4), "four workers are up")
    box = []
    threads = [threading.Thread(target=lambda i=i: box.append(
        fcgi(pool.sock, "POST", "/token", [FORM], form(username=f"u{i}", password="x")))) for i in range(3)]
    for t in threads:
        t.start()
        time.sleep(0.1)
    begun = time.monotonic()
    health = fcgi(pool.sock, "GET", "/api/healthcheck").status
    took = time.monotonic() - begun
    for t in threads:
        t.join()
    same(sorted(a.status for a in box), [200, 200, 503], "three slow logins on four workers: two run, one is asked to wait")
    ok(all(a.one("Retry-After") for a in box if a.status == 503), "with Retry-After")
    ok(health == 200 and took < 0.5, "and checks are answered meanwhile", (health, took))

# Plain CGI: nothing that a client sends is a setting, and the query is no command line.
with Site() as site:
    env = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/userinfo", "QUERY_STRING": "",
           "TPAUTH_CONFIG": site.config, "HTTP_TPAUTH_CONFIG": "/nonexistent", "HTTP_SECRET_KEY": "evil",
           "HTTP_X_REQUEST_ID": "cgi-1", "REMOTE_ADDR": "127.0.0.1"}
    r = run("--version", "--config=/nonexistent", env=env)
    ok(r.returncode == 0 and r.stdout.startswith("Status: 401 ") and "cgi-1" in r.stdout, "CGI ignores its arguments", r)
    r = run(env={**env, "TPAUTH_CONFIG": "/nonexistent"})
    ok(r.stdout.startswith("Status: 503 ") and "/nonexistent" not in r.stdout,
       "CGI without its settings: 503, and the reason only in the log", r)
    ok("/nonexistent" in r.stderr, "which names the file", r.stderr)
done()
