# SPDX-License-Identifier: MIT
"""The matrix of mounts: what a mount is, how one registers, and the table that is printed.

A mount is tpauth behind one web server in one of the shipped set-ups. A row asks something of a mount and
returns (got, want); want is what the specification says, the same for every mount. Where a server cannot
do it, the mount lists a Deviation with its reason; then what came must be the deviation, and no longer
listing it, or listing one that is none, fails. The rows are in rows_responder.py and rows_authorizer.py,
the mounts in mounts_<server>.py:

    @mount
    class Exact(Mount):
        name, server = "lighttpd, exact paths", "lighttpd"
        deviations = {"GET /nowhere": Deviation("the server's own answer", status(404))}

        def start(self, stage):
            self.server_process = stage.lighttpd("lighttpd-conf/fastcgi.conf")
            return self.server_process.port
"""
import importlib.util
import random
import re
import signal
import subprocess

from e2e import *
from probes import CgiProbe, FastcgiProbe, HttpProbe

REQUEST_ID = ("X-Request-ID", "e2e-1")
COMMON = [("vary", "Origin"), ("x-request-id", "e2e-1")]
JSON = ("content-type", "application/json")
NO_STORE = ("cache-control", "no-store")
# In the place of the files of Swagger UI and ReDoc, and about as large.
ASSETS = {"swagger-ui.css": 190000, "swagger-ui-bundle.js": 1800000, "redoc.standalone.js": 1100000}


class Deviation:
    """Why a mount may answer a row otherwise, and what it then answers: a value, or a function of what
    came. A function is for answers that are the web server's own."""

    def __init__(self, why, want):
        self.why, self.want = why, want

    def holds(self, got):
        return self.want(got) if callable(self.want) else got == self.want


def status(*numbers):
    """The web server's own answer with one of these statuses, whatever else it says."""
    def holds(got):
        answers = got if isinstance(got, list) else [got]
        return all((a[0] if isinstance(a, tuple) else a) in numbers for a in answers)
    return holds


class Door:
    """A path that an authorizer protects. kind: static (a file), or the program behind it: cgi, fcgi,
    http. scoped: a path of the same kind that wants the scope "write" besides, or None. within: the path
    under which all is protected."""

    def __init__(self, kind, path, scoped=None, within="/app/"):
        self.kind, self.path, self.scoped, self.within = kind, path, scoped, within


class Mount:
    name = ""         # in the matrix; once in all
    server = ""       # lighttpd, apache or nginx
    roles = ("responder",)  # and/or "authorizer"
    prefix = ""       # under which the endpoints are
    settings = {}     # of tpauth, besides those of every test
    deviations = {}   # row name -> Deviation
    doors = ()        # of an authorizer
    auth_url = False  # clients can reach AUTH_URL
    login_page = None  # where a browser without a session is sent
    store_down = {503}  # what a session gets meanwhile
    graceful = False  # 13-reload.t tries this one
    reloads = True    # there is a graceful reload()
    pool_size = 0     # workers that a pool which grows with the load has in the end
    respawns = True   # a worker that ended is replaced

    # Set by start(), where there is such a thing.
    server_process = None
    pool_process = None  # what the web server did not start itself

    def start(self, stage):
        """Starts all of it in the stage, and returns the port."""
        raise NotImplementedError

    def start_pool(self, stage):
        """Where pool_process is set: starts it, for the first time or again."""
        raise NotImplementedError

    def reload(self):
        """The server's graceful reload."""
        raise NotImplementedError

    def lost_by_itself(self, stage):
        """Requests that the server says it lost before tpauth could hear of them."""
        return 0

    def take_down(self, stage):
        """Ends tpauth for good: its pool, or what the web server starts, which then cannot start again."""
        if self.pool_process is not None:
            pids = [self.pool_process.pid, *self.workers()] if hasattr(self.pool_process, "pid") else self.workers()
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            return
        self.good_settings = dict(stage.settings)
        stage.settings["LEEWAY"] = "soon"
        stage.write_config()
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)

    def bring_back(self, stage):
        if self.pool_process is not None:
            self.start_pool(stage)
            return
        stage.settings = self.good_settings
        stage.write_config()

    def workers(self):
        """The process ids of tpauth: all that are below the server or the pool and run its program."""
        roots = [p.pid for p in (self.server_process, self.pool_process) if hasattr(p, "pid")]
        spawned = getattr(self.pool_process, "pids", [])
        return [p for p in [*descendants(roots), *spawned] if runs_tpauth(p) and p not in roots]


def descendants(roots):
    out = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True).stdout
    pairs = [tuple(map(int, line.split())) for line in out.splitlines()]
    found, grown = set(roots), True
    while grown:
        more = {pid for pid, parent in pairs if parent in found} - found
        found |= more
        grown = bool(more)
    return sorted(found)


def runs_tpauth(pid):
    try:
        return os.path.realpath(f"/proc/{pid}/exe") == os.path.realpath(PROGRAM)
    except OSError:
        return False


MOUNTS = []


def mount(cls):
    MOUNTS.append(cls())
    return cls


def all_mounts(role=None):
    """Of every server, in this order; a name on the command line chooses among them."""
    if not MOUNTS:
        for server in ("lighttpd", "apache", "nginx"):
            if importlib.util.find_spec("mounts_" + server) is not None:
                importlib.import_module("mounts_" + server)
    chosen = [m for m in MOUNTS if not sys.argv[1:] or any(word in m.name for word in sys.argv[1:])]
    return [m for m in chosen if role is None or role in m.roles]


class Stage(Site):
    """A site with what mounts need besides: applications to protect, and sessions without a mount."""

    def __init__(self, mount, **more):
        super().__init__(**{**mount.settings, **more})
        self.probes = {}
        self.sessions = {}
        self.settings["DOCS_DIR"] = self.path("docs")
        os.mkdir(self.path("docs"))
        for name, size in ASSETS.items():
            with open(self.path("docs/" + name), "wb") as f:
                f.write(random.Random(name).randbytes(size))
        self.write_config()

    def __exit__(self, *exc):
        super().__exit__(*exc)
        for p in self.probes.values():
            p.close()

    def static(self, *names):
        """Files to protect, below the document root."""
        for name in names:
            path = self.path("www/" + name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write("a protected page\n")

    def link(self, program, *names):
        for name in names:
            path = self.path("www/" + name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(program, path)

    def probe(self, kind, sock="probe.sock"):
        """The protected application: "fcgi" (its .sock), "http" (its .port) or "cgi" (its .program)."""
        if kind not in self.probes:
            made = {"fcgi": lambda: FastcgiProbe(self.path(sock)),
                    "http": HttpProbe,
                    "cgi": lambda: CgiProbe(self.dir)}
            self.probes[kind] = made[kind]()
        return self.probes[kind]

    def cgi(self, method, path, headers=(), body=""):
        """One request to the program as plain CGI: works before, behind and beside any mount."""
        env = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method, "SCRIPT_NAME": path,
               "CONTENT_TYPE": FORM[1], "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1",
               "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "TPAUTH_CONFIG": self.config,
               **{"HTTP_" + k.upper().replace("-", "_"): v for k, v in headers}, **sanitizers()}
        out = subprocess.run([PROGRAM], input=body.encode(), capture_output=True, env=env, timeout=30)
        if os.getuid() == 0:
            self.share()
        return cgi_answer(out.stdout)

    def session(self, user="alice", fresh=False):
        """The answer of a login, without a mount."""
        if fresh or user not in self.sessions:
            a = self.cgi("POST", "/token", [], form(username=user, password=PASSWORDS[user]))
            if a.status != 200:
                raise RuntimeError(f"no session: {a}")
            self.sessions[user] = a
        return self.sessions[user]

    def share(self):
        """The files of the store, which we may have made as root, are for every server's user."""
        subprocess.run(["chmod", "-R", "a+rwX", self.state], check=True)


class Visit:
    """A mount that runs, as rows see it."""

    def __init__(self, mount, stage, port):
        self.mount, self.stage, self.port = mount, stage, port

    def ask(self, method, path, headers=(), body=None, timeout=40):
        """path: of an endpoint; the mount's prefix goes before it."""
        return request(self.port, method, self.mount.prefix + path, [REQUEST_ID, *headers], body, timeout)

    def door(self, method, path, headers=(), body=None, timeout=40):
        """path: as it is, of something protected."""
        return request(self.port, method, path, [REQUEST_ID, *headers], body, timeout)

    def login(self, user="alice"):
        """A new session, by the mount's own endpoint."""
        a = self.ask("POST", "/token", [FORM], form(username=user, password=PASSWORDS[user]))
        if a.status != 200:
            raise RuntimeError(f"cannot log in: {a}")
        return a

    def raw(self, data, timeout=20):
        """Bytes as they are, to the end of the connection; clients normalise, attackers do not."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as s:
            s.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
            out = b""
            try:
                while True:
                    got = s.recv(65536)
                    if not got:
                        break
                    out += got
            except (ConnectionError, socket.timeout):
                pass
        return out

    def raw_request(self, method, target, headers=(), body=b""):
        """An Answer to one request that is written byte for byte; None if none came."""
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close",
                 *(f"{k}: {v}" for k, v in headers)]
        raw = self.raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return parse_answer(raw)


def parse_answer(raw):
    head, found, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if not found or len(words) < 2 or not words[1].isdigit():
        return None
    headers = [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in lines]
    if any(k.lower() == "transfer-encoding" and v == "chunked" for k, v in headers):
        body = unchunk(body)
    return Answer(int(words[1]), headers, body)


def unchunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        n = int(size.split(b";")[0] or b"0", 16)
        if n == 0:
            break
        out, data = out + data[:n], data[n + 2:]
    return out


ROWS = []


def row(role, name):
    """Registers a row: a function of a Visit that returns (got, want)."""
    def register(function):
        ROWS.append((role, name, function))
        return function
    return register


class Matrix:
    """Row by mount: "." as specified, "d" the listed deviation, "X" neither, blank: not asked."""

    def __init__(self):
        self.mounts, self.rows, self.cells, self.why = [], [], {}, {}

    def put(self, mount_name, row_name, cell, why=None):
        for name, seen in ((mount_name, self.mounts), (row_name, self.rows)):
            if name not in seen:
                seen.append(name)
        self.cells[mount_name, row_name] = cell
        if why is not None:
            self.why.setdefault((row_name, why), []).append(mount_name)

    def print(self):
        letters = [chr(ord("A") + i) if i < 26 else chr(ord("a") + i - 26) for i in range(len(self.mounts))]
        for letter, name in zip(letters, self.mounts):
            print(f"#  {letter}  {name}")
        width = max((len(r) for r in self.rows), default=0)
        print(f"#  {'':{width}}  {' '.join(letters)}")
        for r in self.rows:
            print(f"#  {r:{width}}  {' '.join(self.cells.get((m, r), ' ') for m in self.mounts)}")
        for (r, why), names in self.why.items():
            on = ", ".join(letters[self.mounts.index(n)] for n in names)
            print(f"#  d  {r} ({on}): {why}")
        print(f"#  {len(self.mounts)} mounts, {len(self.rows)} rows, {len(self.cells)} cells, "
              f"{sum(1 for c in self.cells.values() if c == 'd')} deviations", flush=True)


def judge(matrix, mount, name, got, want):
    listed = mount.deviations.get(name)
    if listed is None:
        good = same(got, want, f"{mount.name}: {name}")
        matrix.put(mount.name, name, "." if good else "X")
    elif got == want:
        ok(False, f"{mount.name}: {name}", f"a deviation is listed, and there is none: {listed.why}")
        matrix.put(mount.name, name, "X")
    else:
        good = ok(listed.holds(got), f"{mount.name}: {name}, with its deviation", f"got: {got!r}")
        matrix.put(mount.name, name, "d" if good else "X", listed.why)


def visit_rows(matrix, visit, rows=None):
    """Asks every row of the mount's roles, and says so when one cannot even be asked."""
    asked = set()
    for role, name, function in ROWS if rows is None else rows:
        if role not in visit.mount.roles:
            continue
        try:
            answered = function(visit)
        except (OSError, RuntimeError, http.client.HTTPException, ValueError) as e:
            answered = (f"{type(e).__name__}: {e}", "an answer")
        if answered is None:  # nothing to ask here
            continue
        asked.add(name)
        judge(matrix, visit.mount, name, *answered)
    return asked


def run_matrix(mounts):
    """Starts each mount in turn, asks all rows, and prints the table."""
    matrix = Matrix()
    for m in mounts:
        with Stage(m) as stage, no_secret_in_logs(stage):
            visit = Visit(m, stage, m.start(stage))
            asked = visit_rows(matrix, visit)
            same(sorted(set(m.deviations) - asked), [], f"{m.name}: each listed deviation has its row")
    matrix.print()
    return matrix
