# SPDX-License-Identifier: MIT
"""What the tests of tpauth-grpcd share: stubs that protoc makes of the .proto files as they are, a
site with a daemon, and sessions to refresh."""
import importlib
import sys
import tempfile

from e2e import *

GRPCD = os.path.join(BUILD, "tpauth-grpcd")
PROTOS = os.path.join(SRC, "src", "grpc")
_stubs = tempfile.mkdtemp(prefix="tpauth-stubs-")
subprocess.run(["protoc", "-I", PROTOS, "--python_out=" + _stubs, "--grpc_out=" + _stubs,
                "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin", "refresh.proto", "health.proto"], check=True)
sys.path.insert(0, _stubs)
sys.dont_write_bytecode = True
import grpc  # noqa: E402
refresh_pb2 = importlib.import_module("refresh_pb2")
refresh_pb2_grpc = importlib.import_module("refresh_pb2_grpc")
health_pb2 = importlib.import_module("health_pb2")
health_pb2_grpc = importlib.import_module("health_pb2_grpc")
shutil.rmtree(_stubs)

SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
METHOD = "/refresh.RefreshService/RefreshToken"
# A channel of its own for each test, and reconnection without long pauses.
OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 100),
           ("grpc.max_reconnect_backoff_ms", 500)]


def request(user, token):
    return refresh_pb2.RefreshRequest(user_id=user, token=token)


def code(fn, *args, **kw):
    """The name of the status, and its text."""
    try:
        fn(*args, **kw)
        return "OK", ""
    except grpc.RpcError as e:
        return e.code().name, e.details()


class GrpcSite(Site):
    def __init__(self, store=(), **settings):
        """store: more words for redis-server."""
        super().__init__(**settings)
        self.store = self.redis(*store)
        self.settings["DB_URL"] = "unix://" + self.store.sock
        self.write_config()

    def daemon(self, *flags, address=None, env=None, wait=True):
        port = None
        if address is None:
            port = free_port()
            address = f"127.0.0.1:{port}"
        err = open(self.path("grpcd-stderr.log"), "a")
        p = self.start([GRPCD, "--config", self.config, "--grpc-listen", address, *flags], stderr=err,
                       env={"PATH": os.environ["PATH"], **sanitizers(), **(env or {})})
        p.address, p.port = address, port

        def up():
            kind, to = (socket.AF_UNIX, address[5:]) if port is None else (socket.AF_INET, ("127.0.0.1", port))
            with socket.socket(kind) as s:
                return s.connect_ex(to) == 0
        if wait and (not wait_until(lambda: up() or not p.alive()) or not p.alive()):
            raise RuntimeError("tpauth-grpcd did not start: " + self.text("grpcd-stderr.log") + self.text("tpauth.log"))
        return p

    def session(self, user="alice"):
        """A login by CGI: (handle, bearer)."""
        body = form(username=user, password=PASSWORDS[user]).encode()
        env = {"PATH": os.environ["PATH"], **sanitizers(), "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST",
               "SCRIPT_NAME": "/token", "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_TYPE": FORM[1],
               "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1", "TPAUTH_CONFIG": self.config}
        out = subprocess.run([PROGRAM], input=body, env=env, capture_output=True, timeout=20).stdout.decode()
        head, _, text = out.partition("\r\n\r\n")
        cookies = [x.split(": ", 1)[1] for x in head.split("\r\n") if x.lower().startswith("set-cookie: access_token=")]
        return cookies[0].split("=", 1)[1].split(";")[0], json.loads(text)["access_token"]

    def command(self, db, *words):
        out = subprocess.run(["redis-cli", "-s", self.store.sock, "-n", str(db), *words], capture_output=True, text=True)
        return out.stdout.strip()

    def stored(self, user, handle):
        return self.command(9, "HGET", user, handle)

    def open_window(self):
        self.command(8, "FLUSHDB")

    def certificate(self, name, ca=None, san="DNS:localhost,IP:127.0.0.1"):
        """NAME.pem and NAME.key; an authority when ca is None."""
        key, pem = self.path(name + ".key"), self.path(name + ".pem")
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-keyout", key, "-out", pem, "-subj", "/CN=" + name]
        if ca is not None:
            new += ["-addext", "subjectAltName=" + san, "-addext", "basicConstraints=critical,CA:FALSE",
                    "-CA", self.path(ca + ".pem"), "-CAkey", self.path(ca + ".key")]
        if ca is None or subprocess.run([*new], capture_output=True).returncode != 0:
            if ca is None:
                subprocess.run(new, check=True, capture_output=True)
            else:  # an openssl req that cannot sign with another key
                csr, ext = self.path(name + ".csr"), self.path(name + ".ext")
                subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                                "-keyout", key, "-out", csr, "-subj", "/CN=" + name], check=True, capture_output=True)
                with open(ext, "w") as f:
                    f.write("subjectAltName=" + san + "\n")
                subprocess.run(["openssl", "x509", "-req", "-in", csr, "-CA", self.path(ca + ".pem"), "-CAkey",
                                self.path(ca + ".key"), "-CAcreateserial", "-days", "2", "-extfile", ext, "-out", pem],
                               check=True, capture_output=True)
        return pem, key


def read(path):
    with open(path, "rb") as f:
        return f.read()


def channel(target, credentials=None, options=()):
    options = [*OPTIONS, *options]
    if credentials is None:
        return grpc.insecure_channel(target, options)
    return grpc.secure_channel(target, credentials, options)


def refresher(ch):
    return refresh_pb2_grpc.RefreshServiceStub(ch).RefreshToken


def raw(ch, method=METHOD):
    """A call whose message is the bytes that are given."""
    return ch.unary_unary(method, request_serializer=lambda x: x, response_deserializer=lambda x: x)
