#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speed as ratios: a bare program and tpauth in turn on one machine, one load generator, one web server.

usage: bench/run [--seconds N] [--pairs N] [CASE...]   (bench/run --list names the cases)

Each case is A against B: N pairs (7) of runs of N seconds (10), A and B alternating, both behind lighttpd with
four processes on unix sockets, loaded by wrk with 32 connections and the very same requests. Printed are the median of the pairs' ratios
with the lowest and the highest, and the median rates. Rates say little: machines differ and other work disturbs
both sides; the ratio of neighbours in time is what counts.
"""
import argparse
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))
from e2e import (BUILD, PROGRAM, SRC, Site, base64, bearer_header, children, fcgi, fcgi_login, form, free_port,  # noqa: E402
                 hashlib, port_open, request, time, wait_until)

CONNECTIONS, WORKERS, USERS, COLD = 32, 4, 20000, 4000
TOOLS = os.path.join(BUILD, "bench")


def wrk(port, path, seconds, script=None):
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    if script:
        argv += ["-s", script]
    out = subprocess.run([*argv, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise RuntimeError("wrk saw failures:\n" + out)
    return next(float(line.split()[1]) for line in out.splitlines() if line.startswith("Requests/sec"))


def lua(site, name, text):
    path = site.path(name)
    with open(path, "w") as f:
        f.write(text)
    return path


class Bench:
    """A site with a store, tpauth behind one lighttpd and a yardstick behind another."""

    def __init__(self, store, **settings):
        self.site = Site(LOG_LEVEL="warning", SESSIONS_PER_USER="10000", **settings)
        self.redis, self.extra = None, []
        if store == "redis":
            self.redis = self.site.redis()
            self.site.settings["DB_URL"] = "unix://" + self.redis.sock
        users = self.site.path("users")
        with open(users, "a") as f:
            digest = base64.b64encode(hashlib.sha1(b"bench").digest()).decode()
            f.writelines(f"bench{i}:{{SHA}}{digest}\n" for i in range(USERS))
        self.site.write_config()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for p in self.extra:
            p.terminate()
            p.wait()
        self.site.__exit__(*exc)

    def tpauth(self):
        return self.site.lighttpd().port

    def hello(self, mode):
        port, conf = free_port(), self.site.path(f"hello-{mode}.conf")
        env = f'"HELLO_MODE" => "{mode}", "HELLO_REDIS" => "{self.redis.sock if self.redis else ""}"'
        with open(conf, "w") as f:
            f.write(f'server.document-root = "{self.site.dir}"\nserver.bind = "127.0.0.1"\nserver.port = {port}\n'
                    f'server.errorlog = "{self.site.path("lighttpd.log")}"\nserver.max-connections = 512\n'
                    'server.modules += ( "mod_fastcgi" )\n'
                    f'fastcgi.server = ( "" => (( "socket" => "{self.site.path("hello-" + mode)}", '
                    f'"bin-path" => "{TOOLS}/hello", "check-local" => "disable", "max-procs" => {WORKERS}, '
                    f'"bin-environment" => ( {env} ) )) )\n')
        p = self.site.start(["/usr/sbin/lighttpd", "-D", "-f", conf], stderr=subprocess.DEVNULL)
        if not wait_until(lambda: port_open(port) or not p.alive()) or not p.alive():
            raise RuntimeError("lighttpd did not start")
        return port

    def hot(self, port):
        """Every request shows the same session."""
        a = request(port, "POST", "/token", [("Content-Type", "application/x-www-form-urlencoded")],
                    form(username="bench0", password="bench"))
        name, value = bearer_header(a)
        return lua(self.site, "hot.lua", f'wrk.headers["{name}"] = "{value}"\n')

    def cold(self, port):
        """Requests go round many sessions, far more than a worker keeps."""
        bearers = [request(port, "POST", "/token", [("Content-Type", "application/x-www-form-urlencoded")],
                           form(username=f"bench{i}", password="bench")) for i in range(COLD)]
        lines = "\n".join(f'"{bearer_header(a)[1]}",' for a in bearers)
        return lua(self.site, "cold.lua",
                   f"local b = {{\n{lines}\n}}\nlocal i = 0\nfunction request()\n  i = i % #b + 1\n"
                   '  return wrk.format("GET", nil, { ["Authorization"] = b[i] })\nend\n')

    def logins(self):
        # Addresses go round too, as users do; else the count of guesses by address would refuse.
        return lua(self.site, "login.lua",
                   f"local i = 0\nfunction request()\n  i = (i + 7919) % {USERS}\n"
                   '  return wrk.format("POST", nil, { ["Content-Type"] = "application/x-www-form-urlencoded", '
                   '["X-Forwarded-For"] = string.format("10.%d.%d.%d", i // 65536 % 256, i // 256 % 256, i % 256) }, '
                   '"username=bench" .. i .. "&password=bench")\nend\n'.replace("//", "/").replace(
                       "i / 65536 % 256", "math.floor(i / 65536) % 256").replace(
                       "i / 256 % 256", "math.floor(i / 256) % 256"))


def compare(title, a, b, pairs, target):
    """a, b: functions of nothing that give a rate. Ratio: b over a."""
    ratios, ra, rb = [], [], []
    for _ in range(pairs):
        ra.append(a())
        rb.append(b())
        ratios.append(rb[-1] / ra[-1])
    m = statistics.median(ratios)
    verdict = "" if target is None else ("reached" if m >= target else "NOT reached")
    print(f"{title}\n    ratio {m:.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
          f"{f', aim {target:.2f}: {verdict}' if target else ''}; "
          f"{statistics.median(ra):,.0f} and {statistics.median(rb):,.0f} a second, {pairs} pairs", flush=True)


def serve(site, name, argv):
    """Starts a web server whose configuration was written to name, and waits for its port."""
    p = site.start(argv, stderr=subprocess.DEVNULL)
    port = int(name.rsplit("-", 1)[1])
    if not wait_until(lambda: port_open(port) or not p.alive()) or not p.alive():
        raise RuntimeError(f"{argv[0]} did not start: " + site.text("server.log"))
    return port


def static_file(site):
    os.makedirs(site.path("www"), exist_ok=True)
    with open(site.path("www/file.txt"), "w") as f:
        f.write("x" * 1024)


def lighttpd_authorizer(b, program, env):
    """A static file of 1 KiB behind an authorizer."""
    site, name = b.site, f"authorizer-{free_port()}"
    static_file(site)
    with open(site.path(name), "w") as f:
        f.write(f'server.document-root = "{site.path("www")}"\nserver.bind = "127.0.0.1"\nserver.port = {name[11:]}\n'
                f'server.errorlog = "{site.path("server.log")}"\nserver.max-connections = 512\n'
                f'server.modules += ( "mod_fastcgi" )\nfastcgi.server = ( "/" => (( "socket" => "{site.path(name)}.sock", '
                f'"bin-path" => "{program}", "mode" => "authorizer", "check-local" => "disable", "max-procs" => {WORKERS}, '
                f'"bin-environment" => ( {", ".join(f"{chr(34)}{k}{chr(34)} => {chr(34)}{v}{chr(34)}" for k, v in env.items())} ) )) )\n')
    return serve(site, name, ["/usr/sbin/lighttpd", "-D", "-f", site.path(name)])


def apache_authorizer(b, program, env):
    """The same by Apache's mod_authnz_fcgi, which asks over TCP only; the processes inherit the listening socket."""
    import socket as s
    site, name = b.site, f"authorizer-{free_port()}"
    static_file(site)
    listener = s.create_server(("127.0.0.1", 0), backlog=512)
    for _ in range(WORKERS):
        p = subprocess.Popen([program], stdin=listener.fileno(), env={**env, "PATH": os.environ["PATH"]})
        b.extra.append(p)
    mods = "/usr/lib/apache2/modules"
    load = "".join(f"LoadModule {m}_module {mods}/mod_{m}.so\n"
                   for m in ("mpm_event", "authz_core", "authz_user", "authn_core", "authnz_fcgi"))
    user = "User www-data\nGroup www-data\n" if os.getuid() == 0 else ""
    with open(site.path(name), "w") as f:
        f.write(f'ServerRoot {site.dir}\nPidFile {site.path(name)}.pid\nListen 127.0.0.1:{name[11:]}\nServerName localhost\n'
                f'ErrorLog {site.path("server.log")}\nMaxKeepAliveRequests 0\nStartServers 2\nThreadsPerChild 32\nMaxRequestWorkers 64\n'
                f'MinSpareThreads 1\nMaxSpareThreads 64\nDefaultRuntimeDir {site.dir}\n{load}{user}DocumentRoot {site.path("www")}\n'
                f'AuthnzFcgiDefineProvider authn TpAuthn fcgi://127.0.0.1:{listener.getsockname()[1]}/\n'
                '<Location "/">\nAuthType Bearer\nAuthName tp\n'
                'AuthnzFcgiCheckAuthnProvider TpAuthn RequireBasicAuth Off Authoritative On UserExpr "%{reqenv:REMOTE_USER}"\n'
                'Require valid-user\nCGIPassAuth On\n</Location>\n')
    return serve(site, name, ["/usr/sbin/apache2", "-DFOREGROUND", "-f", site.path(name)])


def authorizer(server, title, target):
    def case(o):
        with Bench("lmdb") as b:
            script = b.hot(b.tpauth())
            t = server(b, PROGRAM, {"TPAUTH_CONFIG": b.site.config})
            h = server(b, f"{TOOLS}/hello", {"HELLO_MODE": "authorizer"})
            if request(t, "GET", "/file.txt").status != 401:
                raise RuntimeError("the authorizer lets everybody in")
            compare(f"authorizer in front of a static file under {title}, HS256, hot, on lmdb, against a hello authorizer",
                    lambda: wrk(h, "/file.txt", o.seconds, script), lambda: wrk(t, "/file.txt", o.seconds, script), o.pairs, target)
    return case


def keys_rs256(site):
    key, pub = site.path("rsa.pem"), site.path("rsa.pub")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", pub], check=True, capture_output=True)
    site.settings.update(ALGORITHM="RS256", PRIVATE_KEY_FILE=key, PUBLIC_KEY_FILE=pub)
    del site.settings["SECRET_KEY"]
    site.write_config()


def userinfo(store, yard, alg, heat, target):
    def case(o):
        with Bench(store) as b:
            if alg == "RS256":
                keys_rs256(b.site)
            t, h = b.tpauth(), b.hello(yard)
            script = b.hot(t) if heat == "hot" else b.cold(t)
            compare(f"/userinfo, {alg}, {heat}, on {store}, against hello"
                    f"{' + one HGET' if yard == 'hget' else ''}", lambda: wrk(h, "/userinfo", o.seconds, script),
                    lambda: wrk(t, "/userinfo", o.seconds, script), o.pairs, target)
    return case


def token(yard, target):
    def case(o):
        with Bench("redis", TRUSTED_PROXIES="127.0.0.1") as b:
            t, h, script = b.tpauth(), b.hello(yard), b.logins()
            words = "three round trips" if yard == "login" else "one round trip"
            compare(f"/token, HS256, {{SHA}}, against hello + the three Redis writes in {words}",
                    lambda: wrk(h, "/token", o.seconds, script), lambda: wrk(t, "/token", o.seconds, script), o.pairs, target)
    return case


def cpu_s(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def signature_us(key):
    """CPU time of a raw signature while all cores are at it, as they are under load: a core may share its
    units with its neighbour."""
    n = os.cpu_count()
    runs = [subprocess.Popen([os.path.join(TOOLS, "signature"), key], stdout=subprocess.PIPE, text=True) for _ in range(n)]
    return sum(float(p.communicate()[0]) for p in runs) / n


def cpu_us(server, port, path, seconds, script):
    """CPU time of a server's workers for one request."""
    pids = children(server.pid)
    before = cpu_s(pids)
    rate = wrk(port, path, seconds, script)
    return (cpu_s(pids) - before) * 1e6 / (rate * seconds)


def token_rs256(o):
    """The yardstick says what the same traffic costs here without a login: machines differ by more than the
    aim is."""
    with Bench("redis", TRUSTED_PROXIES="127.0.0.1") as b:
        keys_rs256(b.site)
        server, yard = b.site.lighttpd(), b.hello("login")
        bare, script, extra = b.site.started[-1], b.logins(), []
        for _ in range(o.pairs):
            one = signature_us(b.site.path("rsa.pem"))
            hello = cpu_us(bare, yard, "/token", o.seconds, script)
            us = cpu_us(server, server.port, "/token", o.seconds, script)
            extra.append((us - one, us, one, hello))
        extra.sort()
        m = extra[len(extra) // 2]
        print(f"/token, RS256: CPU of the workers for a login beyond one raw signature\n    {m[0]:.0f} us "
              f"({extra[0][0]:.0f} to {extra[-1][0]:.0f}), aim 75: {'reached' if m[0] <= 75 else 'NOT reached'}; "
              f"{m[1]:.0f} us in all, signature {m[2]:.0f} us; the floor here, hello + the three Redis writes, "
              f"{m[3]:.0f} us: {m[0] - m[3]:+.0f} us beyond it, {m[0] / m[3]:.2f} times it; {o.pairs} runs", flush=True)


def memory(o):
    with Bench("lmdb") as b:
        port = b.tpauth()
        script = b.cold(port)
        pid = b.site.started[0].pid

        def private_dirty():
            worst = 0
            for worker in children(pid):
                with open(f"/proc/{worker}/smaps_rollup") as f:
                    worst = max(worst, int(next(x for x in f if x.startswith("Private_Dirty")).split()[1]))
            return worst
        wrk(port, "/userinfo", 2, script)
        before, n, seconds = private_dirty(), 0.0, 0
        while n < 100000 * WORKERS and seconds < 120:
            n += wrk(port, "/userinfo", 5, script) * 5
            seconds += 5
        after = private_dirty()
        print(f"memory: Private_Dirty of the largest worker {before} kB, after {n:,.0f} further requests to "
              f"{WORKERS} workers {after} kB (aim: under 4096 kB and no growth)", flush=True)


def redis_memory(o):
    """What a session takes in Redis: of a user's own first, and a further one of the same user."""
    with Bench("redis", TRUSTED_PROXIES="127.0.0.1") as b:
        pool, n = b.site.pool(WORKERS), 5000

        def used():
            out = subprocess.run(["redis-cli", "-s", b.redis.sock, "INFO", "memory"], capture_output=True, text=True,
                                 check=True).stdout
            return next(int(x.split(":")[1]) for x in out.splitlines() if x.startswith("used_memory:"))

        def log_in():
            for i in range(n):
                a = fcgi(pool.sock, "POST", "/token", [("Content-Type", "application/x-www-form-urlencoded"),
                                                       ("X-Forwarded-For", f"10.1.{i // 256}.{i % 256}")],
                         form(username=f"bench{i}", password="bench"))
                if a.status != 200:
                    raise RuntimeError(f"a login: {a}")
        size = [used()]
        for _ in range(2):
            log_in()
            size.append(used())
        first, second = ((size[i + 1] - size[i]) / n for i in range(2))
        print(f"redis-memory: {first:.0f} bytes of Redis for a user's first session with its window, {second:.0f} for "
              f"the second ({n} users)", flush=True)


def few_users(site):
    """A large password file is not what is measured."""
    site.settings["TOKEN_HANDLER"] = "htpasswd:" + lua(site, "few", "alice:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n")
    site.write_config()


def start(o):
    with Bench("lmdb") as b:
        few_users(b.site)
        sock, times, cpu = b.site.path("start.sock"), [], []
        import socket as s
        for _ in range(20):
            listener = s.socket(s.AF_UNIX)
            listener.bind(sock)
            listener.listen(16)
            begun = time.monotonic()
            pid = os.posix_spawn(PROGRAM, [PROGRAM, "--config", b.site.config], {"PATH": "/usr/bin"},
                                 file_actions=[(os.POSIX_SPAWN_DUP2, listener.fileno(), 0)])
            fcgi(sock, "GET", "/api/healthcheck")
            times.append((time.monotonic() - begun) * 1000)
            os.kill(pid, 15)
            used = os.wait4(pid, 0)[2]
            cpu.append((used.ru_utime + used.ru_stime) * 1000)
            listener.close()
            os.unlink(sock)
        print(f"start to first answer: median {statistics.median(times):.1f} ms ({min(times):.1f} to {max(times):.1f}), "
              f"aim 10 ms; CPU time of the process from start to end {statistics.median(cpu):.1f} ms", flush=True)


def cgi(o):
    with Bench("lmdb") as b:
        db = b.site.path("min")
        os.mkdir(db)
        least = os.path.join(TOOLS, "cgi_min")
        subprocess.run([least, "fill"], env={"CGI_MIN_DB": db}, check=True)
        port = b.tpauth()
        a = request(port, "POST", "/token", [("Content-Type", "application/x-www-form-urlencoded")],
                    form(username="bench0", password="bench"))
        env = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/userinfo", "REMOTE_ADDR": "127.0.0.1",
               "QUERY_STRING": "", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost",
               "HTTP_AUTHORIZATION": bearer_header(a)[1], "TPAUTH_CONFIG": b.site.config}
        few_users(b.site)
        out = subprocess.run([PROGRAM], env=env, capture_output=True, stdin=subprocess.DEVNULL).stdout
        if not out.startswith(b"Status: 200"):
            raise RuntimeError(f"CGI: {out[:200]!r}")

        def rate(program, environment):
            n, begun = 0, time.monotonic()
            while time.monotonic() - begun < o.seconds / 2:
                for _ in range(50):
                    pid = os.posix_spawn(program, [program], environment, file_actions=[
                        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
                    os.waitpid(pid, 0)
                n += 50
            return n / (time.monotonic() - begun)
        compare("plain CGI: /userinfo on LMDB, against a minimal program (LMDB, one get, one HMAC)",
                lambda: rate(least, {"CGI_MIN_DB": db}), lambda: rate(PROGRAM, env), o.pairs, 0.8)


CASES = {
    "userinfo-lmdb": userinfo("lmdb", "bare", "HS256", "hot", 0.80),
    "userinfo-lmdb-cold": userinfo("lmdb", "bare", "HS256", "cold", 0.80),
    "userinfo-redis": userinfo("redis", "hget", "HS256", "hot", 0.90),
    "userinfo-redis-cold": userinfo("redis", "hget", "HS256", "cold", 0.90),
    "userinfo-rs256": userinfo("redis", "hget", "RS256", "hot", 0.90),
    "userinfo-rs256-cold": userinfo("redis", "hget", "RS256", "cold", 0.80),
    "token": token("login", 0.85),
    "token-one-round-trip": token("login1", None),
    "token-rs256": token_rs256,
    "authorizer-lighttpd": authorizer(lighttpd_authorizer, "lighttpd", 0.85),
    "authorizer-apache": authorizer(apache_authorizer, "Apache's mod_authnz_fcgi", 0.85),
    "cgi": cgi,
    "memory": memory,
    "redis-memory": redis_memory,
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


if __name__ == "__main__":
    main()
