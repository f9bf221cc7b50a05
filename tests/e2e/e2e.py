# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: TAP output, a temporary site, real web servers and stores on
loopback, and an HTTP client that compares whole answers.

Each test is a program that prints TAP; prove(1) runs them. Everything is started in a temporary
folder, on ports that the kernel chose, and ended by its process id.
"""
import base64
import contextlib
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

SRC = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.abspath(os.environ.get("BUILD_DIR", SRC))
PROGRAM = os.path.join(BUILD, "cgi-bin", "tpauth.fcgi")
MODULES = os.path.join(BUILD, ".libs")
SECRET = "marker-secret-key-0123456789abcdef0123456789"
PASSWORDS = {"alice": "marker-password-alice", "bob": "marker-password-bob",
             **{f"user{i}": "marker-password-user" for i in range(100)}}

_count = 0
_failed = 0


def ok(condition, name, detail=None):
    global _count, _failed
    _count += 1
    if not condition:
        _failed += 1
    print(("ok" if condition else "not ok") + f" {_count} - {name}", flush=True)
    if not condition and detail is not None:
        for line in str(detail).splitlines()[:30]:
            print("# " + line, flush=True)
    return condition


def same(got, want, name):
    return ok(got == want, name, f"got:  {got!r}\nwant: {want!r}")


def done():
    if _count == 0:
        print("not ok 1 - nothing was tested")
        sys.exit(1)
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(what, seconds=10.0, pause=0.02):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(pause)
    return False


def port_open(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def socket_open(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(1)
        return s.connect_ex(path) == 0


class Answer:
    """A whole answer: status, headers in their order, body."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def get(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]

    def one(self, name):
        values = self.get(name)
        return values[0] if len(values) == 1 else None

    def json(self):
        return json.loads(self.body)

    def cookies(self):
        return {v.split(";")[0].split("=", 1)[0]: v.split(";")[0].split("=", 1)[1]
                for v in self.get("set-cookie")}

    def essence(self):
        """Status, own headers (what a server adds itself is left out) and body, to be compared."""
        foreign = {"server", "date", "connection", "keep-alive", "content-length", "transfer-encoding",
                   "accept-ranges"}
        return (self.status, sorted((k.lower(), v) for k, v in self.headers if k.lower() not in foreign),
                self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"


def request(port, method, path, headers=(), body=None, timeout=40):
    """headers: pairs, sent as they are, so that one can be sent twice."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        c.putrequest(method, path, skip_accept_encoding=True)
        for k, v in headers:
            c.putheader(k, v)
        if body is not None:
            if isinstance(body, str):
                body = body.encode()
            c.putheader("Content-Length", str(len(body)))
        c.endheaders(body)
        r = c.getresponse()
        return Answer(r.status, r.getheaders(), r.read())
    finally:
        c.close()


FORM = ("Content-Type", "application/x-www-form-urlencoded")


def form(**fields):
    return urllib.parse.urlencode(fields)


def login(port, user="alice", password=None, headers=(), **more):
    fields = dict(username=user, password=password or PASSWORDS[user], **more)
    return request(port, "POST", "/token", [FORM, *headers], form(**fields))


def cookie_header(answer):
    return ("Cookie", "; ".join(f"{k}={v}" for k, v in answer.cookies().items()))


def bearer_header(answer):
    return ("Authorization", "Bearer " + answer.json()["access_token"])


class Process:
    def __init__(self, argv, **kw):
        self.argv = argv
        self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **kw)

    @property
    def pid(self):
        return self.p.pid

    def alive(self):
        return self.p.poll() is None

    def send(self, number):
        if self.alive():
            self.p.send_signal(number)

    # A sanitizer looks for leaks at the end, which takes it long on a machine that is busy.
    def stop(self, number=signal.SIGTERM, seconds=60):
        if self.alive():
            self.p.send_signal(signal.SIGCONT)
            self.p.send_signal(number)
            try:
                self.p.wait(seconds)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        return self.p.returncode


class Spawned:
    """Workers that are no children of ours."""

    def __init__(self, sock, pids):
        self.sock, self.pids = sock, pids

    def alive(self):
        return any(running(p) for p in self.pids)

    def stop(self, number=signal.SIGTERM, seconds=15):
        for p in self.pids:
            if running(p):
                os.kill(p, number)
        if not wait_until(lambda: not self.alive(), seconds):
            for p in self.pids:
                if running(p):
                    os.kill(p, signal.SIGKILL)


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid):
    out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(x) for x in out.stdout.split()]


def logs_of(pool):
    """The log files that a pool's processes have open, under the names that these have now."""
    fds = [f"/proc/{pid}/fd/{fd}" for pid in [pool.pid, *children(pool.pid)] for fd in os.listdir(f"/proc/{pid}/fd")]
    names = {os.readlink(fd) for fd in fds if os.path.islink(fd)}
    return {name for name in names if "/tpauth.log" in name}


class Site:
    """A temporary folder with users, settings and logs, and whatever is started in it."""

    def __init__(self, **settings):
        self.program = PROGRAM  # another one may stand in for it, an application
        self.dir = tempfile.mkdtemp(prefix="tpauth-e2e-")
        os.chmod(self.dir, 0o755)
        self.started = []
        self.state = os.path.join(self.dir, "state")
        os.mkdir(self.state, 0o770)
        self.log = os.path.join(self.dir, "tpauth.log")
        users = os.path.join(self.dir, "users")
        with open(users, "w") as f:
            for name, password in PASSWORDS.items():
                digest = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
                f.write(f"{name}:{{SHA}}{digest}\n")
        with open(os.path.join(self.dir, "groups"), "w") as f:
            f.write("read: alice bob\nwrite: alice\n")
        self.settings = {
            "SECRET_KEY": SECRET,
            "AUTHORIZATION_SERVER": "True",
            "TOKEN_HANDLER": f"htpasswd:{users},groups={self.dir}/groups",
            "STATE_DIR": self.state,
            "MODULE_DIR": MODULES,
            "LOG_TARGET": "file:" + self.log,
            "LOG_LEVEL": "debug",
            "CORS_URLS": '["https://app.example.org", "*.example.net"]',
        }
        self.settings.update({k: str(v) for k, v in settings.items()})
        self.config = os.path.join(self.dir, "tpauth.conf")
        self.write_config()

    def write_config(self):
        with open(self.config, "w") as f:
            for k, v in self.settings.items():
                f.write(f"{k} = '{v}'\n")
        os.chmod(self.config, 0o600)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, argv, **kw):
        p = Process(argv, **kw)
        self.started.append(p)
        return p

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for p in reversed(self.started):
            p.stop()
        if exc[0] is not None:
            for name in sorted(os.listdir(self.dir)):
                if name.endswith(".log"):
                    with open(self.path(name), errors="replace") as f:
                        for line in f.read().splitlines()[-15:]:
                            print(f"# {name}: {line[:300]}")
        shutil.rmtree(self.dir, ignore_errors=True)

    def text(self, name):
        try:
            with open(self.path(name), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    # servers -------------------------------------------------------------------------------------

    def shipped(self, name, changes=()):
        """A shipped configuration file with the lines changed that its comments say to change."""
        with open(os.path.join(SRC, name)) as f:
            text = f.read()
        lib = self.path("lib")  # a folder of its own: Apache runs whatever lies there
        fcgi = os.path.join(lib, "tpauth.fcgi")
        if not os.path.exists(lib):
            os.mkdir(lib)
            os.symlink(self.program, os.path.join(lib, "tpauth.cgi"))
            os.symlink(self.program, fcgi)
        for old, new in [("/usr/lib/tpauth/tpauth.fcgi", self.program if "lighttpd" in name else fcgi),
                         ("/usr/lib/tpauth", lib),
                         ("/etc/tpauth/tpauth.conf", self.config),
                         ("/run/lighttpd/", self.dir + "/"), ("/run/tpauth/tp.sock", self.path("pool.sock")),
                         *changes]:
            text = text.replace(old, new)
        out = self.path(name.replace("/", "-"))
        with open(out, "w") as f:
            f.write(text)
        return out

    def lighttpd(self, shipped="lighttpd-conf/fastcgi.conf", more="", changes=(), before=""):
        """shipped: one file or several; before, more: lines before and after their inclusion."""
        port = free_port()
        files = [shipped] if isinstance(shipped, str) else shipped
        docs = self.path("www")
        os.makedirs(docs, exist_ok=True)
        conf = self.path(f"lighttpd-{port}.conf")
        with open(conf, "w") as f:
            f.write(f'server.document-root = "{docs}"\nserver.bind = "127.0.0.1"\nserver.port = {port}\n'
                    f'server.errorlog = "{self.path("lighttpd.log")}"\nserver.max-connections = 512\n{before}\n'
                    + "".join(f'include "{self.shipped(name, changes)}"\n' for name in files) + more + "\n")
        p = self.start(["/usr/sbin/lighttpd", "-D", "-f", conf], stderr=subprocess.DEVNULL)
        p.port = port
        if not wait_until(lambda: port_open(port) or not p.alive()) or not p.alive():
            raise RuntimeError("lighttpd did not start: " + self.text("lighttpd.log"))
        return p

    def apache(self, shipped="apache-conf/mod_fcgid.conf", modules=("fcgid",), more="", changes=()):
        """shipped: what the server includes, one file or several; more: lines after it."""
        port = free_port()
        files = [shipped] if isinstance(shipped, str) else shipped
        docs = self.path("www")
        os.makedirs(docs, exist_ok=True)
        mods = "/usr/lib/apache2/modules"
        load = "".join(f"LoadModule {m}_module {mods}/mod_{m}.so\n"
                       for m in ("mpm_event", "authz_core", "alias", "env", *modules))
        conf = self.path(f"apache-{port}.conf")
        user = "User www-data\nGroup www-data\n" if os.getuid() == 0 else ""
        with open(conf, "w") as f:
            f.write(f"ServerRoot {self.dir}\nPidFile {self.dir}/apache.pid\nListen 127.0.0.1:{port}\n"
                    f"ServerName localhost\nErrorLog {self.path('apache.log')}\n{load}{user}"
                    f"DocumentRoot {docs}\nDefaultRuntimeDir {self.dir}\n"
                    + "".join(f"Include {self.shipped(name, changes)}\n" for name in files) + f"{more}\n")
        if os.getuid() == 0:
            self.give_to("www-data")
        p = self.start(["/usr/sbin/apache2", "-DFOREGROUND", "-f", conf], stderr=subprocess.DEVNULL)
        p.port = port
        if not wait_until(lambda: port_open(port) or not p.alive()) or not p.alive():
            raise RuntimeError("apache2 did not start: " + self.text("apache.log"))
        return p

    def nginx(self, shipped="nginx-conf/responder.conf", maps=(), changes=(), before="", more=""):
        """shipped: what belongs into the server block, one file or several, with lines before and after
        them; maps: into the http block."""
        port = free_port()
        files = [shipped] if isinstance(shipped, str) else shipped
        docs = self.path("www")
        os.makedirs(docs, exist_ok=True)
        conf = self.path(f"nginx-{port}.conf")
        params = self.path("fastcgi_params")
        if not os.path.exists(params):
            os.symlink("/etc/nginx/fastcgi_params", params)
        temp = "".join(f"{kind}_temp_path {self.dir}/nginx-{kind};\n"
                       for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(conf, "w") as f:
            f.write(("user root root;\n" if os.getuid() == 0 else "") +
                    f"daemon off;\npid {self.dir}/nginx.pid;\nerror_log {self.path('nginx.log')};\n"
                    f"worker_processes 2;\nevents {{ worker_connections 512; }}\nhttp {{\naccess_log off;\n{temp}"
                    + "".join(f"include {self.shipped(name, changes)};\n" for name in maps) +
                    f"server {{\nlisten 127.0.0.1:{port};\nserver_name localhost;\nroot {docs};\n{before}\n"
                    + "".join(f"include {self.shipped(name, changes)};\n" for name in files) + f"{more}\n}}\n}}\n")
        p = self.start(["/usr/sbin/nginx", "-e", self.path("nginx.log"), "-c", conf], stderr=subprocess.DEVNULL)
        p.port = port
        if not wait_until(lambda: port_open(port) or not p.alive()) or not p.alive():
            raise RuntimeError("nginx did not start: " + self.text("nginx.log"))
        return p

    def spawn_fcgi(self, workers=4):
        """The same socket as pool(), by spawn-fcgi, which starts the workers and ends."""
        sock, pids = self.path("pool.sock"), self.path("spawn.pid")
        subprocess.run(["/usr/bin/spawn-fcgi", "-s", sock, "-M", "0660", "-F", str(workers), "-P", pids, "--",
                        self.program], check=True, stdout=subprocess.DEVNULL,
                       env={"PATH": os.environ["PATH"], "TPAUTH_CONFIG": self.config, **sanitizers()})
        with open(pids) as f:
            p = Spawned(sock, [int(x) for x in f.read().split()])
        self.started.append(p)
        return p

    def give_to(self, user):
        subprocess.run(["chown", "-R", f"{user}:", self.dir], check=True)

    def redis(self, *options):
        sock = self.path("redis.sock")
        log = open(self.path("redis-server.log"), "a")
        p = self.start(["/usr/bin/redis-server", "--port", "0", "--unixsocket", sock, "--save", "",
                        "--appendonly", "no", "--dir", self.dir, *options], stdout=log, stderr=log)
        p.sock = sock

        def up():
            with socket.socket(socket.AF_UNIX) as s:
                try:
                    s.connect(sock)
                    s.sendall(b"PING\r\n")
                    return s.recv(16).startswith((b"+PONG", b"-NOAUTH"))
                except OSError:
                    return False
        if not wait_until(up):
            raise RuntimeError("redis-server did not start")
        return p

    def pool(self, workers=4, *flags, port=None, before=()):
        """tpauth.fcgi with its own supervisor, on a unix socket or a TCP port. before: a program that ends
        by becoming it."""
        sock = self.path("pool.sock") if port is None else f"127.0.0.1:{port}"
        err = open(self.path("pool-stderr.log"), "a")
        p = self.start([*before, self.program, "--config", self.config, "--listen", sock, "--workers", str(workers), *flags],
                       stderr=err, env={"PATH": os.environ["PATH"], **sanitizers()})
        p.sock = sock

        def up():
            answers = socket_open(sock) if port is None else port_open(port)
            return answers and len(children(p.pid)) >= workers
        if not wait_until(lambda: up() or not p.alive()) or not p.alive():
            raise RuntimeError("the pool did not start: " + self.text("pool-stderr.log") + self.text("tpauth.log"))
        return p


def sanitizers():
    return {k: v for k, v in os.environ.items() if k in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}


# FastCGI client ----------------------------------------------------------------------------------

def fcgi_record(kind, content=b"", request_id=1):
    out = b""
    while True:
        part, content = content[:65535], content[65535:]
        pad = -len(part) % 8
        out += bytes([1, kind]) + request_id.to_bytes(2, "big") + len(part).to_bytes(2, "big") + bytes([pad, 0])
        out += part + b"\0" * pad
        if not content:
            return out


def fcgi_params(pairs):
    out = b""
    for k, v in pairs:
        k, v = (x if isinstance(x, bytes) else x.encode() for x in (k, v))
        for n in (len(k), len(v)):
            out += bytes([n]) if n < 128 else (n | 0x80000000).to_bytes(4, "big")
        out += k + v
    return out


def fcgi_request(sock_path, params, body=b"", role=1, timeout=40, end_stdin=True):
    """One FastCGI request straight to the socket. Returns (raw answer, error stream), or (None, b'')
    when the connection ended without one."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(sock_path)
        data = fcgi_record(1, role.to_bytes(2, "big") + b"\0" * 6) + fcgi_record(4, fcgi_params(params)) + fcgi_record(4)
        data += (fcgi_record(5, body) if body else b"") + (fcgi_record(5) if end_stdin else b"")
        out, err, ended = b"", b"", False
        try:
            s.sendall(data)
            buffer = b""
            while not ended:
                got = s.recv(65536)
                if not got:
                    break
                buffer += got
                while len(buffer) >= 8:
                    n, pad = int.from_bytes(buffer[4:6], "big"), buffer[6]
                    if len(buffer) < 8 + n + pad:
                        break
                    kind, content, buffer = buffer[1], buffer[8:8 + n], buffer[8 + n + pad:]
                    if kind == 6:
                        out += content
                    elif kind == 7:
                        err += content
                    elif kind == 3:
                        ended = True
        except (ConnectionError, socket.timeout):
            return None, b""
    return (out, err) if ended else (None, err)


def cgi_answer(raw):
    """A CGI answer taken apart as a web server would."""
    head, _, body = raw.partition(b"\r\n\r\n")
    headers = []
    status = 200
    for line in head.decode().split("\r\n"):
        k, _, v = line.partition(": ")
        if k.lower() == "status":
            status = int(v.split()[0])
        else:
            headers.append((k, v))
    return Answer(status, headers, body)


def fcgi(sock_path, method, path, headers=(), body=b"", timeout=40):
    if isinstance(body, str):
        body = body.encode()
    params = [("REQUEST_METHOD", method), ("SCRIPT_NAME", path.split("?")[0]), ("REQUEST_URI", path),
              ("QUERY_STRING", path.partition("?")[2]), ("CONTENT_LENGTH", str(len(body)) if body else ""),
              ("SERVER_PROTOCOL", "HTTP/1.1"), ("GATEWAY_INTERFACE", "CGI/1.1"), ("REMOTE_ADDR", "127.0.0.1"),
              ("HTTP_HOST", "localhost")]
    for k, v in headers:
        k = k.upper().replace("-", "_")
        params.append((k if k == "CONTENT_TYPE" else "HTTP_" + k, v))
    raw, _ = fcgi_request(sock_path, params, body, timeout=timeout)
    return cgi_answer(raw) if raw is not None else None


def authorizer(sock_path, method, target, headers=(), more=(), **kw):
    """The authorizer role as a web server speaks it: no SCRIPT_NAME, the raw target, perhaps a body that never ends."""
    params = [("FCGI_ROLE", "AUTHORIZER"), ("REQUEST_METHOD", method), ("REQUEST_URI", target), ("REMOTE_ADDR", "127.0.0.1"),
              ("SERVER_PROTOCOL", "HTTP/1.1"), ("HTTP_HOST", "localhost"), *more]
    params += [("HTTP_" + k.upper().replace("-", "_"), v) for k, v in headers]
    raw, _ = fcgi_request(sock_path, params, role=2, end_stdin=False, **kw)
    return cgi_answer(raw) if raw is not None else None


def fcgi_login(sock_path, user="alice", **more):
    return fcgi(sock_path, "POST", "/token", [FORM], form(username=user, password=PASSWORDS[user], **more))


@contextlib.contextmanager
def no_secret_in_logs(site, *more):
    """Fails the test when a log of the site shows one of the marker secrets."""
    yield
    for name in sorted(os.listdir(site.dir)):
        if name.endswith(".log"):
            text = site.text(name)
            shown = [s[:12] for s in {SECRET, *PASSWORDS.values(), *more} if s in text]
            same(shown, [], f"{name} shows no secret")
