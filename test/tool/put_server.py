# SPDX-License-Identifier: Apache-2.0
"""put_server.py - a server that takes PUT, and knows how to go wrong."""
import base64
import http.server
import ssl
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def allowed(self):
        said = self.headers.get("Authorization")
        if self.server.wanted is None or said == self.server.wanted:
            return True
        self.answer(401 if said is None else 403)
        return False

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        server = self.server
        server.log.append((self.command, self.path, dict(self.headers)))
        if not self.allowed():
            return
        if self.command == "HEAD" and server.fault == "no-head":
            self.answer(405)
        elif server.fault == "get-error":
            self.answer(500, b"x" * 100000)
        elif server.fault == "get-huge" and self.path.endswith(".jws"):
            self.answer(200, b"x" * (1 << 20) + b"x")
        elif self.path in server.files:
            body = server.files[self.path][0]
            self.answer(200, body[:-1] if server.fault == "loses-a-byte" else body)
        else:
            self.answer(404, b"not here" * 5000)

    do_HEAD = do_GET

    def do_PUT(self):
        server = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.log.append((self.command, self.path, dict(self.headers)))
        if not self.allowed():
            return
        job = self.path.endswith((".jws", ".json"))
        if server.fault == "moved":
            self.send_response(301)
            self.send_header("Location", "/elsewhere" + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif isinstance(server.fault, int):
            self.answer(server.fault)
        elif server.fault == "job-refused" and job:
            self.answer(507)
        elif server.fault == "hangs-up" and job:
            self.close_connection = True
        else:
            if len(body) == int(self.headers["Content-Length"]) and (server.fault != "lies" and not (server.fault == "job-lies" and job)):
                created = self.path not in server.files
                server.files[self.path] = (body, dict(self.headers))
                self.answer(201 if created else 204)
            else:
                self.answer(200)

    def log_message(self, *args):
        pass


class PutServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.log, self.fault, self.wanted = {}, [], None, None
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.url = "%s://127.0.0.1:%d/ota" % ("https" if tls else "http", self.server_port)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def handle_error(self, request, client_address):
        pass  # clients that end in the middle are what is tested

    def basic(self, name, password):
        self.wanted = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


def tls_context(pki, clients=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "http_server.crt", pki / "http_server.key")
    if clients:
        context.load_verify_locations(pki / "http_ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
    return context
