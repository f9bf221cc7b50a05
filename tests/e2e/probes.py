# SPDX-License-Identifier: MIT
"""Applications to be protected, which say what they were told: a FastCGI responder, an HTTP server (both
threads of the test) and a CGI script. Each answers text/plain, one NAME=value a line, names as CGI has
them (a header X-Auth-User is HTTP_X_AUTH_USER, as often as it came), and BODY=length. `hits` counts the
requests that reached it, and `seen` keeps what each was told, as a list of pairs."""
import http.server
import os
import socket
import socketserver
import threading

HEADER = b"X-Probe: reached\r\n"


def show(pairs, body_len):
    return "".join(f"{k}={v}\n" for k, v in [*sorted(pairs), ("BODY", body_len)]).encode("latin-1")


def read_probe(text):
    """What a probe answered, as pairs; None if it is no such answer."""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    pairs = [tuple(line.split("=", 1)) for line in text.splitlines() if "=" in line]
    return pairs if any(k == "BODY" for k, _ in pairs) else None


class Probe:
    def __init__(self, server):
        self.seen = []
        self.server = server
        self.server.probe = self
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def hits(self):
        return len(self.seen)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class FastcgiHandler(socketserver.BaseRequestHandler):
    """One request of the responder role; the connection is closed after it."""

    def record(self):
        head = self.exactly(8)
        content = self.exactly(int.from_bytes(head[4:6], "big"))
        self.exactly(head[6])
        return head[1], content

    def exactly(self, n):
        out = b""
        while len(out) < n:
            got = self.request.recv(n - len(out))
            if not got:
                raise ConnectionError("the peer went away")
            out += got
        return out

    def handle(self):
        params, body, open_streams = b"", 0, {4, 5}
        try:
            while open_streams:
                kind, content = self.record()
                if kind == 4:
                    params += content
                elif kind == 5:
                    body += len(content)
                if kind in open_streams and not content:
                    open_streams.discard(kind)
        except ConnectionError:
            return
        pairs = read_params(params)
        self.server.probe.seen.append(pairs)
        out = b"Status: 200\r\nContent-Type: text/plain\r\n" + HEADER + b"\r\n" + show(pairs, body)
        for kind, content in ((6, out), (6, b""), (3, b"\0" * 8)):
            for at in range(0, max(len(content), 1), 65528):
                part = content[at:at + 65528]
                self.request.sendall(bytes([1, kind, 0, 1]) + len(part).to_bytes(2, "big") + b"\0\0" + part)


def read_params(data):
    pairs, at = [], 0
    while at < len(data):
        sizes = []
        for _ in range(2):
            n = data[at]
            if n >= 128:
                n = int.from_bytes(data[at:at + 4], "big") & 0x7fffffff
                at += 3
            at += 1
            sizes.append(n)
        name = data[at:at + sizes[0]].decode("latin-1")
        value = data[at + sizes[0]:at + sum(sizes)].decode("latin-1")
        at += sum(sizes)
        pairs.append((name, value))
    return pairs


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    request_queue_size = 128


class FastcgiProbe(Probe):
    def __init__(self, sock):
        super().__init__(UnixServer(sock, FastcgiHandler))
        self.sock = sock
        os.chmod(sock, 0o666)


class HttpHandler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pairs = [("HTTP_" + k.upper().replace("-", "_"), v) for k, v in self.headers.items()]
        pairs += [("REQUEST_METHOD", self.command), ("REQUEST_URI", self.path)]
        self.server.probe.seen.append(pairs)
        out = show(pairs, len(body))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("X-Probe", "reached")
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(out)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = answer

    def log_message(self, *args):
        pass


class HttpProbe(Probe):
    def __init__(self):
        super().__init__(http.server.ThreadingHTTPServer(("127.0.0.1", 0), HttpHandler))
        self.port = self.server.server_address[1]


CGI_SCRIPT = """#!/bin/sh
exec 3>&1 > "{record}.$$"
env | grep -aE '^(REMOTE_USER|AUTH_TYPE|TPAUTH_[A-Z_]*|HTTP_[A-Z0-9_]*|REQUEST_METHOD|REQUEST_URI)=' | sort
echo "BODY=$(head -c "${{CONTENT_LENGTH:-0}}" | wc -c)"
printf 'Status: 200\\r\\nContent-Type: text/plain\\r\\nX-Probe: reached\\r\\n\\r\\n' >&3
cat "{record}.$$" >&3
"""


class CgiProbe:
    """program: the script, in a folder that any server's user may enter and write its records to."""

    def __init__(self, folder):
        self.records = os.path.join(folder, "probe-records")
        os.mkdir(self.records)
        os.chmod(self.records, 0o777)
        self.program = os.path.join(folder, "probe.cgi")
        with open(self.program, "w") as f:
            f.write(CGI_SCRIPT.format(record=os.path.join(self.records, "r")))
        os.chmod(self.program, 0o755)

    @property
    def seen(self):
        out = []
        for name in sorted(os.listdir(self.records)):
            with open(os.path.join(self.records, name), encoding="latin-1") as f:
                out.append(read_probe(f.read()) or [])
        return out

    @property
    def hits(self):
        return len(os.listdir(self.records))

    def close(self):
        pass
