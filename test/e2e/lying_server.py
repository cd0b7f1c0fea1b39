# SPDX-License-Identifier: Apache-2.0
"""lying_server.py - an HTTP server on raw sockets that can say anything.

The honest part is a small static server: ranges, If-Range, If-None-Match, keep-alive, HEAD, and a
sink for reports. A behaviour is a function (connection, request) -> keep the connection?; it may
take the honest answer, bend it, and send it in any pieces, or not at all. Every request is logged
with the body bytes that were handed to the kernel, so that tests can count what was fetched twice.
`tls` is an ssl.SSLContext or None and may be replaced while the server runs: the next connection
uses the new one.
"""
import hashlib
import socket
import ssl
import struct
import threading
import time

REASONS = {200: "OK", 206: "Partial Content", 304: "Not Modified", 404: "Not Found",
           416: "Range Not Satisfiable", 204: "No Content", 405: "Method Not Allowed"}
PIECE = 16384


class Closed(Exception):
    """The peer went away."""


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body


class Answer:
    """Status, headers in order, body; `head()` gives the bytes before the body."""

    def __init__(self, status, headers=(), body=b"", reason=None):
        self.status, self.headers, self.body = status, list(headers), body
        self.reason = reason or REASONS.get(status, "Status")
        self.version = "HTTP/1.1"

    def get(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def set(self, name, value):
        """Replace a header, add it when missing, remove it when value is None."""
        self.headers = [(n, v) for n, v in self.headers if n.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))
        return self

    def head(self):
        lines = ["%s %d %s" % (self.version, self.status, self.reason)]
        lines += ["%s: %s" % header for header in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def parse_range(value, size):
    """(first, last) of a single `bytes=` range; None: ignore it; False: not satisfiable."""
    if not value or not value.startswith("bytes=") or "," in value:
        return None
    first, _, last = value[6:].partition("-")
    try:
        if first == "":
            first, last = max(0, size - int(last)), size - 1
        else:
            first, last = int(first), min(int(last), size - 1) if last else size - 1
    except ValueError:
        return None
    return (first, last) if first <= last and first < size else False


def unread(local, remote):
    """Bytes that wait in the socket between these ports, which is on this machine (proc(5): rx_queue)."""
    for name in ("tcp", "tcp6"):
        with open("/proc/net/" + name, encoding="ascii") as table:
            for fields in map(str.split, table):
                if fields[1].endswith(local) and fields[2].endswith(remote):
                    return int(fields[4].partition(":")[2], 16)
    return 0


class Connection:
    def __init__(self, server, sock, number, secure):
        self.server, self.sock, self.number, self.secure = server, sock, number, secure
        self.pending = b""
        self.entry = None

    # what a behaviour uses

    def send(self, data, piece=PIECE):
        """Send everything, in pieces (one TLS record each)."""
        for at in range(0, len(data), piece):
            try:
                self.sock.sendall(data[at:at + piece])
            except (OSError, ValueError) as error:
                raise Closed from error

    def send_body(self, data, piece=PIECE, pause=0.0):
        """Like send, and counts the bytes in the log."""
        for at in range(0, len(data), piece):
            self.send(data[at:at + piece], piece)
            self.entry["sent"] += len(data[at:at + piece])
            if pause:
                self.server.sleep(pause)

    def write(self, answer, upto=None, piece=PIECE, pause=0.0):
        """Send an answer; `upto` body bytes of it only. True: the connection may stay."""
        self.entry["status"] = answer.status
        self.send(answer.head())
        body = answer.body if upto is None else answer.body[:upto]
        self.send_body(body, piece, pause)
        self.entry["end"] = "done" if upto is None or upto >= len(answer.body) else "cut"
        return (answer.get("Connection") or "keep-alive").lower() != "close"

    def honest(self, request):
        """The answer that a correct static server gives."""
        return self.server.honest(request)

    def wait_taken(self, limit=5.0):
        """Wait until the peer's kernel has acknowledged all that was sent."""
        import fcntl
        import termios
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            left = struct.unpack("i", fcntl.ioctl(self.sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
            if left == 0:
                return
            time.sleep(0.001)

    def wait_read(self, limit=10.0):
        """Wait until the peer's program has read all that its kernel holds of this connection (loopback)."""
        ports = ":%04X" % self.sock.getpeername()[1], ":%04X" % self.sock.getsockname()[1]
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline and unread(*ports):
            time.sleep(0.001)

    def reset(self):
        """End with a TCP reset."""
        self.raw_option(socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(notify=False)

    def close(self, notify=True):
        """End with FIN; over TLS with close_notify, or without."""
        if notify and self.secure:
            try:
                self.sock.setblocking(False)
                self.sock.unwrap()
            except (OSError, ValueError):
                pass
        try:
            self.sock.close()
        except OSError:
            pass

    def raw_option(self, option, value):
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, option, value)
        except OSError:
            pass

    def wait_closed(self, limit=30.0):
        """Wait until the peer gives up (silence)."""
        deadline = time.monotonic() + limit
        self.sock.settimeout(0.1)
        while time.monotonic() < deadline and not self.server.stopping:
            try:
                if not self.sock.recv(4096):
                    return True
            except (socket.timeout, ssl.SSLWantReadError):
                continue
            except (OSError, ValueError):
                return True
        return False

    # the loop

    def read_line(self):
        while b"\n" not in self.pending:
            try:
                data = self.sock.recv(65536)
            except (OSError, ValueError) as error:
                raise Closed from error
            if not data:
                raise Closed
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")

    def read_request(self):
        method, path, _ = (self.read_line().split(" ") + ["", ""])[:3]
        headers = {}
        while True:
            line = self.read_line()
            if not line:
                break
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        want = int(headers.get("content-length", "0"))
        while len(self.pending) < want:
            data = self.sock.recv(65536)
            if not data:
                raise Closed
            self.pending += data
        body, self.pending = self.pending[:want], self.pending[want:]
        return Request(method, path, headers, body)

    def run(self):
        try:
            while not self.server.stopping:
                request = self.read_request()
                self.entry = self.server.note(self, request)
                if not self.server.behave(self, request):
                    break
        except Closed:
            if self.entry and self.entry["end"] is None:
                self.entry["end"] = "lost"
        except (OSError, ValueError):
            pass
        self.close(notify=False)


class Server:
    """`files`: path -> bytes. `behaviour` None: honest. Use as a context manager."""

    def __init__(self, files, behaviour=None, tls=None, host="127.0.0.1"):
        self.files, self.behaviour, self.tls = dict(files), behaviour, tls
        self.on_accept = None  # (socket) -> taken over? for lies below HTTP
        self.log, self.handshakes, self.reports = [], [], []
        self.etags = {}
        self.stopping = False
        self.lock = threading.Lock()
        self.wake = threading.Event()
        self.socks = set()
        self.connections = 0
        self.listener = socket.create_server((host, 0), backlog=64)
        self.host, self.port = self.listener.getsockname()
        threading.Thread(target=self.accept_loop, daemon=True).start()

    @property
    def url(self):
        return "%s://%s:%d" % ("https" if self.tls else "http", self.host, self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.wake.set()
        self.listener.close()
        with self.lock:
            socks = list(self.socks)
        for sock in socks:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def sleep(self, seconds):
        if self.wake.wait(seconds):
            raise Closed

    def heal(self):
        """Honest from the next request on."""
        self.behaviour = None
        self.on_accept = None

    def requests(self, path=None):
        with self.lock:
            return [dict(e) for e in self.log if path is None or e["path"] == path]

    def note(self, connection, request):
        entry = {"t": time.monotonic(), "conn": connection.number, "method": request.method,
                 "path": request.path, "range": request.headers.get("range"),
                 "headers": request.headers, "status": None, "sent": 0, "end": None}
        with self.lock:
            self.log.append(entry)
        return entry

    def behave(self, connection, request):
        behaviour = self.behaviour
        if behaviour is not None:
            return behaviour(connection, request)
        return connection.write(self.honest(request))

    def etag(self, path):
        return self.etags.get(path) or '"%s"' % hashlib.sha256(self.files[path]).hexdigest()[:16]

    def honest(self, request):
        if request.method == "POST":
            self.reports.append(request.body)
            return Answer(204, [("Content-Length", "0")])
        path = request.path.partition("?")[0]
        if request.method not in ("GET", "HEAD"):
            return Answer(405, [("Content-Length", "0")])
        if path not in self.files:
            return Answer(404, [("Content-Length", "9")], b"not found")
        body, etag = self.files[path], self.etag(path)
        headers = [("ETag", etag), ("Accept-Ranges", "bytes")]
        if request.headers.get("if-none-match") == etag:
            return Answer(304, headers)
        wanted = parse_range(request.headers.get("range"), len(body))
        if request.headers.get("if-range") not in (None, etag):
            wanted = None
        if wanted is False:
            return Answer(416, headers + [("Content-Range", "bytes */%d" % len(body)), ("Content-Length", "0")])
        status = 200
        if wanted:
            headers.append(("Content-Range", "bytes %d-%d/%d" % (*wanted, len(body))))
            body, status = body[wanted[0]:wanted[1] + 1], 206
        headers.append(("Content-Length", str(len(body))))
        return Answer(status, headers, b"" if request.method == "HEAD" else body)

    def accept_loop(self):
        while not self.stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.socks.add(sock)
                self.connections += 1
            threading.Thread(target=self.serve, args=(sock, self.connections), daemon=True).start()

    def serve(self, sock, number):
        raw = sock
        try:
            if self.on_accept is not None and self.on_accept(sock):
                sock.close()
                return
            if self.tls is not None:
                sock = self.handshake(raw)
            if sock is not None:
                with self.lock:
                    self.socks.add(sock)
                Connection(self, sock, number, sock is not raw).run()
        finally:
            with self.lock:
                self.socks.discard(raw)
                self.socks.discard(sock)

    def handshake(self, raw):
        raw.settimeout(20)
        sock = None
        try:
            sock = self.tls.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
            sock.do_handshake()
        except (OSError, ValueError) as error:
            self.handshakes.append(str(error))
            if sock is not None:
                self.hang_up_softly(sock)
            return None
        self.handshakes.append("%s%s" % (sock.version(), " resumed" if sock.session_reused else ""))
        sock.settimeout(None)
        return sock

    @staticmethod
    def hang_up_softly(sock):
        """Read what the peer still sends, so that no reset overtakes the alert."""
        try:
            with socket.socket(fileno=sock.detach()) as plain:
                plain.settimeout(1)
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(65536):
                    pass
        except OSError:
            pass
