#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tpauth-grpcd as clients and administrators meet it: python3-grpcio over TCP, a unix socket and TLS."""
import stat

from grpc_site import *

MARKERS = [SECRET, "marker-grpc-secret"]


def statuses(name, call, ch, site):
    """Every status, over whatever transport."""
    handle, bearer = site.session()
    before = site.stored("alice", handle)
    same(call(request("alice", handle), timeout=10), refresh_pb2.RefreshResponse(), f"{name}: restricted, and OK")
    same(site.stored("alice", handle), before, f"{name}: nothing was changed")
    site.open_window()
    same(code(call, request("alice", handle), timeout=10), ("OK", ""), f"{name}: refreshed")
    ok(site.command(8, "DBSIZE") == "1", f"{name}: the window is closed again")
    site.open_window()
    same(code(call, request("alice", bearer), timeout=10), ("OK", ""), f"{name}: by the bearer")
    ok(site.command(8, "DBSIZE") == "1", f"{name}: that refreshed as well")
    site.open_window()
    same(code(call, request("bob", bearer), timeout=10), ("OK", ""), f"{name}: another user's bearer")
    same(code(call, request("alice", "unknown"), timeout=10), ("OK", ""), f"{name}: an unknown session")
    same(site.command(8, "DBSIZE"), "0", f"{name}: neither refreshed anything")
    for what, user, token, why in [("no user_id", "", "t", "user_id is missing"), ("no token", "u", "", "token is missing"),
                                   ("a control character", "a\n", "t", "user_id cannot be one"),
                                   ("a long user_id", "u" * 256, "t", "user_id cannot be one"),
                                   ("a long token", "u", "t" * 6145, "token cannot be one"),
                                   ("a NUL", "alice\0x", handle, "this is no RefreshRequest")]:
        same(code(call, request(user, token), timeout=10), ("INVALID_ARGUMENT", why), f"{name}: {what}")
    for what, message in [("no protobuf", b"\xff\xff"), ("no UTF-8", b"\n\1\xff\x12\1t"), ("cut off", b"\n\5ab")]:
        same(code(raw(ch), message, timeout=10), ("INVALID_ARGUMENT", "this is no RefreshRequest"), f"{name}: {what}")
    same(code(raw(ch), b"\0" * 16385, timeout=10), ("RESOURCE_EXHAUSTED", "the message is too large"),
         f"{name}: a large message")
    same(code(raw(ch, "/refresh.RefreshService/Nothing"), b"", timeout=10), ("UNIMPLEMENTED", "there is no such method"),
         f"{name}: an unknown method")
    same(code(call, request("alice", "t" * 3000), timeout=10, compression=grpc.Compression.Gzip),
         ("UNIMPLEMENTED", "this compression is not supported"), f"{name}: gzip")
    site.store.send(signal.SIGSTOP)
    same(code(call, request("alice", handle), timeout=0.3)[0], "DEADLINE_EXCEEDED", f"{name}: a deadline")
    site.store.send(signal.SIGCONT)
    same(code(call, request("alice", handle), timeout=10), ("OK", ""), f"{name}: and the call after it")
    health = health_pb2_grpc.HealthStub(ch)
    for service in ["", "refresh.RefreshService"]:
        same(health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status, SERVING,
             f"{name}: healthy {service!r}")
    same(code(health.Check, health_pb2.HealthCheckRequest(service="x"), timeout=10),
         ("NOT_FOUND", "there is no such service"), f"{name}: the health of an unknown service")
    calls = [call.future(request("alice", handle), timeout=60) for _ in range(1000)]
    same({c.code().name for c in calls}, {"OK"}, f"{name}: 1,000 calls at once")
    calls = [call.future(request("alice", handle), timeout=60) for _ in range(200)]
    for c in calls:
        c.cancel()
    same(code(call, request("alice", handle), timeout=10), ("OK", ""), f"{name}: after 200 that were cancelled")


def reflection(ch):
    pool = {}
    for version in ["v1", "v1alpha"]:
        package = importlib.import_module("google.protobuf.descriptor_pb2")
        talk = ch.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                                request_serializer=lambda x: x, response_deserializer=lambda x: x)
        # list_services, file_containing_symbol, file_by_filename, and one that there is not
        asked = [b"\x3a\1*", b"\x22\x16refresh.RefreshService", b"\x1a\x0drefresh.proto", b"\x22\1x"]
        got = list(talk(iter(asked), timeout=10))
        same(len(got), 4, f"reflection {version}: as many answers as questions")
        ok(all(x in got[0] for x in [b"refresh.RefreshService", b"grpc.health.v1.Health",
                                     b"grpc.reflection.v1.ServerReflection", b"grpc.reflection.v1alpha.ServerReflection"]),
           f"reflection {version}: the services", got[0])
        start = got[1].index(b"\n\x0drefresh.proto")
        file = package.FileDescriptorProto.FromString(got[1][start:])
        same([s.name for s in file.service], ["RefreshService"], f"reflection {version}: the file of a symbol")
        ok(got[2].endswith(got[1][start:]), f"reflection {version}: the same by its name")
        ok(b"there is no such symbol" in got[3], f"reflection {version}: no such symbol")
        pool[version] = got


with GrpcSite() as site:
    tcp = site.daemon()
    with channel(tcp.address) as ch:
        statuses("TCP", refresher(ch), ch, site)
        reflection(ch)

    sock = "unix:" + site.path("grpcd.sock")
    unix = site.daemon(address=sock)
    same(stat.S_IMODE(os.stat(site.path("grpcd.sock")).st_mode), 0o660, "the unix socket's mode")
    with channel(sock) as ch:
        statuses("unix", refresher(ch), ch, site)
    same(unix.stop(), 0, "the daemon on the unix socket stops")
    ok(not os.path.exists(site.path("grpcd.sock")), "its socket is gone")

    # Watch, an outage, and the way back.
    site.settings["DB_TIMEOUT"] = "1"
    site.write_config()
    quick = site.daemon()
    with channel(quick.address) as ch:
        call, health = refresher(ch), health_pb2_grpc.HealthStub(ch)
        handle, _ = site.session()
        watch = health.Watch(health_pb2.HealthCheckRequest())
        unknown = health.Watch(health_pb2.HealthCheckRequest(service="x"))
        same(next(watch).status, SERVING, "a watcher is told at once")
        same(next(unknown).status, SERVICE_UNKNOWN, "and of a service that there is not")
        site.store.send(signal.SIGSTOP)
        begun = time.monotonic()
        same(code(call, request("alice", handle), timeout=20),
             ("UNAVAILABLE", "The service is temporarily unavailable"), "a store that hangs")
        ok(time.monotonic() - begun < 5, "within DB_TIMEOUT, about")
        same(next(watch).status, NOT_SERVING, "the watcher hears of it")
        site.store.send(signal.SIGCONT)
        same(next(watch).status, SERVING, "and of its end")
        same(code(call, request("alice", handle), timeout=10), ("OK", ""), "calls work again")
        unknown.cancel()
        watch.cancel()

    # SIGTERM: what has started finishes, watchers are told, nothing new begins.
    site.settings["DB_TIMEOUT"] = "20"
    site.write_config()
    drained = site.daemon()
    with channel(drained.address) as ch:
        call, health = refresher(ch), health_pb2_grpc.HealthStub(ch)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        next(watch)
        same(code(call, request("alice", handle), timeout=10), ("OK", ""), "before SIGTERM")
        site.store.send(signal.SIGSTOP)
        started = [call.future(request("alice", handle), timeout=20) for _ in range(10)]
        time.sleep(0.5)
        drained.send(signal.SIGTERM)
        time.sleep(0.5)
        site.store.send(signal.SIGCONT)
        same([c.code().name for c in started], ["OK"] * 10, "calls that had started are finished")
        same(code(next, watch), ("UNAVAILABLE", "the service is stopping"), "a watcher is told")
        # No second signal: one that comes during a leak check at exit would stop that for good.
        wait_until(lambda: not drained.alive(), 30)
        same(drained.stop(), 0, "it ends well")
        # The same channel finds the next one.
        again = site.daemon(address=drained.address, wait=False)
        same(code(call, request("alice", handle), timeout=20, wait_for_ready=True), ("OK", ""), "the client comes back")
        same(again.stop(), 0, "that one stops, too")

    # Workers.
    pool = site.daemon("--workers", "2")
    ok(wait_until(lambda: len(children(pool.pid)) == 2), "two workers")
    with channel(pool.address) as ch:
        call = refresher(ch)
        for _ in range(3):
            # A connection that breaks under a call is UNAVAILABLE, and the next call has another.
            ok(wait_until(lambda: code(call, request("alice", handle), timeout=10, wait_for_ready=True)[0] == "OK"),
               "a pool serves")
            for pid in children(pool.pid):
                os.kill(pid, signal.SIGKILL)
            ok(wait_until(lambda: len(children(pool.pid)) == 2), "workers that were killed are replaced")
        ok(wait_until(lambda: code(call, request("alice", handle), timeout=10, wait_for_ready=True)[0] == "OK"), "and serve")
    same(pool.stop(), 0, "the pool stops")

    # The secret, and a reload that changes it.
    site.settings["GRPC_SECRET"] = "marker-grpc-secret"
    site.write_config()
    guarded = site.daemon()
    with channel(guarded.address) as ch:
        call, health = refresher(ch), health_pb2_grpc.HealthStub(ch)
        refused = ("UNAUTHENTICATED", "x-tpauth-secret is missing or wrong")
        for what, metadata, want in [("none", [], refused), ("a wrong one", [("x-tpauth-secret", "x")], refused),
                                     ("an empty one", [("x-tpauth-secret", "")], refused),
                                     ("two", [("x-tpauth-secret", "marker-grpc-secret")] * 2, refused),
                                     ("the one", [("x-tpauth-secret", "marker-grpc-secret")], ("OK", ""))]:
            same(code(call, request("alice", handle), timeout=10, metadata=metadata), want, f"secret: {what}")
        same(health.Check(health_pb2.HealthCheckRequest(), timeout=10).status, SERVING, "secret: health needs none")
        site.settings["GRPC_SECRET"] = "marker-grpc-secret-2"
        site.write_config()
        guarded.send(signal.SIGHUP)
        ok(wait_until(lambda: code(call, request("alice", handle), timeout=10,
                                   metadata=[("x-tpauth-secret", "marker-grpc-secret-2")])[0] == "OK"), "SIGHUP: the new one")
        same(code(call, request("alice", handle), timeout=10, metadata=[("x-tpauth-secret", "marker-grpc-secret")]), refused,
             "SIGHUP: the old one is over")
        site.settings["AUTHORIZATION_SERVER"] = "False"
        site.write_config()
        guarded.send(signal.SIGHUP)
        ok(wait_until(lambda: "config.kept" in site.text("tpauth.log")), "SIGHUP: wrong settings are not taken")
        site.settings["AUTHORIZATION_SERVER"] = "True"
        del site.settings["GRPC_SECRET"]
        site.write_config()

    # TLS.
    site.certificate("ca")
    site.certificate("other-ca")
    cert, key = site.certificate("server", "ca")
    client_cert, client_key = site.certificate("client", "ca")
    tls = site.daemon("--grpc-tls-cert", cert, "--grpc-tls-key", key)
    trust = read(site.path("ca.pem"))
    with channel(f"localhost:{tls.port}", grpc.ssl_channel_credentials(trust)) as ch:
        statuses("TLS", refresher(ch), ch, site)
    with channel(tls.address, grpc.ssl_channel_credentials(read(site.path("other-ca.pem")))) as ch:
        same(code(refresher(ch), request("alice", handle), timeout=3)[0], "UNAVAILABLE", "TLS: a client that trusts another")
    with channel(tls.address) as ch:
        same(code(refresher(ch), request("alice", handle), timeout=3)[0], "UNAVAILABLE", "TLS: a client without TLS")

    def s_client(*flags, port=tls.port):
        out = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", site.path("ca.pem"),
                              *flags], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
        return b"ALPN protocol: h2" in out.stdout and b"Verify return code: 0" in out.stdout
    ok(s_client("-alpn", "h2", "-tls1_3"), "TLS 1.3")
    ok(s_client("-alpn", "h2", "-tls1_2"), "TLS 1.2")
    ok(not s_client("-alpn", "h2", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "not TLS 1.1")
    ok(not s_client("-alpn", "http/1.1"), "not another protocol")
    mutual = site.daemon("--grpc-tls-cert", cert, "--grpc-tls-key", key, "--grpc-tls-client-ca", site.path("ca.pem"))
    with channel(f"localhost:{mutual.port}", grpc.ssl_channel_credentials(trust)) as ch:
        same(code(refresher(ch), request("alice", handle), timeout=3)[0], "UNAVAILABLE", "TLS: no client certificate")
    stranger_cert, stranger_key = site.certificate("stranger", "other-ca")
    with channel(f"localhost:{mutual.port}",
                 grpc.ssl_channel_credentials(trust, read(stranger_key), read(stranger_cert))) as ch:
        same(code(refresher(ch), request("alice", handle), timeout=3)[0], "UNAVAILABLE", "TLS: a stranger's certificate")
    with channel(f"localhost:{mutual.port}", grpc.ssl_channel_credentials(trust, read(client_key), read(client_cert))) as ch:
        same(code(refresher(ch), request("alice", handle), timeout=10), ("OK", ""), "TLS: a client certificate")

    # Start.
    def run(*argv):
        return subprocess.run([GRPCD, *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
                              env={"PATH": os.environ["PATH"], **sanitizers()})
    r = run("--version")
    ok(r.returncode == 0 and r.stdout.startswith("tpauth "), "--version", r)
    r = run("--help")
    ok(r.returncode == 0 and "usage: tpauth-grpcd" in r.stdout.lower(), "--help", r.stdout[:200])
    r = run("--config", site.config, "--check-config")
    same((r.returncode, r.stdout), (0, "configuration: good\n"), "--check-config")
    for what, flags in [("an address that others reach", ["--grpc-listen", "0.0.0.0:50051"]),
                        ("every address of IPv6", ["--grpc-listen", "[::]:50051"]),
                        ("no authorization server", ["--authorization-server=false"]),
                        ("--listen", ["--listen", "127.0.0.1:9"]),
                        ("a certificate that is missing", ["--grpc-tls-cert", "/nonexistent", "--grpc-tls-key", key]),
                        ("a key of another certificate", ["--grpc-tls-cert", cert, "--grpc-tls-key", client_key])]:
        for mode in [[], ["--check-config"]]:
            r = run("--config", site.config, "--log-target", "stderr", *flags, *mode)
            ok(r.returncode == 78 and "start.failed" in r.stderr, f"refuses {what} {mode}", r)
    linked = subprocess.run(["ldd", GRPCD], capture_output=True, text=True).stdout
    ok("libnghttp2" in linked and not any(lib in linked for lib in ("libfcgi", "libcurl", "libldap", "libpam", "libjwt")),
       "it needs nothing of what only HTTP does", linked)
    logs = site.text("tpauth.log") + site.text("grpcd-stderr.log")
    ok(not any(m in logs for m in MARKERS) and handle not in logs, "no secret is in the logs")
    ok("ERROR: " not in logs, "no sanitizer complained", [x for x in logs.splitlines() if "ERROR: " in x][:3])

done()
