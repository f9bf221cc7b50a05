# SPDX-License-Identifier: MIT
"""What stands between tpauth and its store in a test: a proxy that can be made to fail in many ways, and
a name server that can fall silent."""
import os
import random
import select
import socket
import struct
import threading
import time

LATE_S = 1.5  # longer than the DB_TIMEOUT of the tests

GARBAGE = [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, b"*99999999\r\n", b"$-5\r\n", b"$7\r\nshort\r\n",
           b"\x81\x00" + b"\xff" * 22, b":1\r\n:1\r\n", b"\r\n" * 20]


class Proxy:
    """Forwards TCP from a port of loopback to a server. mode says what becomes of the answers: pass, hang,
    slow (a byte a second), garbage, half (then silence), half-close, late, rst; and refuse (no listener)."""

    def __init__(self, dial):
        self.dial, self.mode, self.lock, self.links = dial, "pass", threading.Lock(), set()
        self.listener = None
        self.port = 0
        self._listen()

    def _listen(self):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", self.port))
        s.listen(128)
        self.port, self.listener = s.getsockname()[1], s
        threading.Thread(target=self._accept, args=(s,), daemon=True).start()

    def set(self, mode):
        was, self.mode = self.mode, mode
        if mode == "refuse":
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.cut()
        elif was == "refuse":
            self._listen()

    def cut(self):
        """Ends all connections."""
        with self.lock:
            links = list(self.links)
        for s in links:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        """One thread for both ways, so that a close is one, and sends a reset where it shall."""
        server = None
        with self.lock:
            self.links.add(client)
        try:
            server = self.dial()
            goes_on = True
            while goes_on:
                for s in select.select([client, server], [], [])[0]:
                    data = s.recv(65536)
                    if s is client:
                        server.sendall(data)
                    goes_on = goes_on and bool(data) and (s is client or self._deliver(data, client))
        except OSError:
            pass
        with self.lock:
            self.links.discard(client)
        client.close()
        if server is not None:
            server.close()

    def _deliver(self, data, client):
        """Returns whether the connection goes on."""
        mode = self.mode
        if mode == "slow":
            while data and self.mode == "slow" and established(client):
                client.sendall(data[:1])
                data = data[1:]
                self._rest(client, lambda: self.mode != "slow")
        elif mode == "garbage":
            data = random.choice(GARBAGE) + os.urandom(random.randrange(40))
        elif mode in ("half", "half-close"):
            data = data[:random.randrange(len(data))]
        elif mode == "late":
            time.sleep(LATE_S)
        elif mode == "rst":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if mode != "hang":
            client.sendall(data)
        if mode in ("hang", "half"):
            while established(client):
                time.sleep(0.02)
        return mode != "half-close"

    @staticmethod
    def _rest(client, over):
        end = time.monotonic() + 1
        while time.monotonic() < end and established(client) and not over():
            time.sleep(0.02)


class NameServer:
    """Answers each question for an IPv4 address with 127.0.0.1, and any other with nothing. mode: answer,
    silent, unknown (NXDOMAIN), failing (SERVFAIL). Port 53, which is all that resolv.conf can say, on an
    address of loopback of its own."""

    def __init__(self):
        self.mode = "answer"
        for _ in range(20):
            self.address = "127." + ".".join(str(random.randrange(2, 250)) for _ in range(3))
            self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self.s.bind((self.address, 53))
                break
            except OSError:
                self.s.close()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            question, who = self.s.recvfrom(4096)
            if self.mode == "silent":
                continue
            end = question.index(b"\0", 12) + 5
            kind = question[end - 4:end - 2]
            code = {"answer": 0, "unknown": 3, "failing": 2}[self.mode]
            found = code == 0 and kind == b"\0\1"
            answer = question[:2] + bytes([0x81, 0x80 | code, 0, 1, 0, found, 0, 0, 0, 0]) + question[12:end]
            if found:
                answer += b"\xc0\x0c\0\1\0\1" + bytes(4) + b"\0\4\x7f\0\0\1"
            self.s.sendto(answer, who)


def established(s):
    try:
        return s.getsockopt(socket.SOL_TCP, socket.TCP_INFO, 1)[0] == 1
    except OSError:
        return False
