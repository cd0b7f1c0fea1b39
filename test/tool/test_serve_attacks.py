# SPDX-License-Identifier: Apache-2.0
"""test_serve_attacks.py - what a stranger may try on `otter serve`; each time the server goes on serving."""
import http.client
import itertools
import os
import pathlib
import random
import socket
import ssl
import struct
import subprocess
import time
import unittest

from tool import OTTER, Folder, Serve

SECRET = b"the secret outside"


class Attacked(Folder):
    def setUp(self):
        super().setUp()
        self.www = self.folder / "www"
        self.www.mkdir()
        (self.www / "sub").mkdir()
        (self.www / "app.bin").write_bytes(b"application")
        (self.folder / "secret").write_bytes(SECRET)
        (self.folder / "www.history.jsonl").write_bytes(SECRET)
        (self.folder / "wwwx").mkdir()
        (self.folder / "wwwx/secret").write_bytes(SECRET)

    def serve(self, *words):
        server = Serve(self.folder, "--folder", "www", *words)
        self.addCleanup(lambda: server.process.returncode is None and server.stop())
        return server

    def raw(self, server, data, seconds=10, half_close=True):
        """All that comes back for these bytes."""
        got = b""
        with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as sock:
            try:
                sock.sendall(data)
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
                while piece := sock.recv(65536):
                    got += piece
            except OSError:
                pass
        return got

    def get(self, server, path, *headers):
        head = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"".join(h + b"\r\n" for h in headers) + b"\r\n"
        return self.raw(server, head, half_close=False)

    def still_serves(self, server):
        self.assertIn(b"application", self.get(server, b"/app.bin"))


class Paths(Attacked):
    def test_no_encoding_of_dots_and_slashes_leads_outside(self):
        server = self.serve()
        dots = [b"..", b"%2e%2e", b"%2E.", b".%2e", b"%252e%252e", b"..;", b"%c0%ae%c0%ae", b"%e0%80%ae%e0%80%ae", b"%uff0e%uff0e", b"...",
                b"....", b"..%00", b"..%0d%0a", b". .", b"%2e%2e%20"]
        slashes = [b"/", b"//", b"%2f", b"%2F", b"\\", b"%5c", b"%252f", b"%c0%af", b"/./", b"/%2e/", b";/"]
        targets = [b"secret", b"www.history.jsonl", b"wwwx/secret", b"etc/passwd"]
        outside = [SECRET, b"root:"]
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        count = 0
        for dot, slash, target, deep in itertools.product(dots, slashes, targets, (1, 2, 9)):
            for front in (b"/", b"/sub" + slash, b""):
                path = front + (dot + slash) * deep + target
                got = self.ask(connection, path)
                if got is None:  # it closed the connection: that is an answer too
                    connection.close()
                    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
                    continue
                count += 1
                self.assertFalse([s for s in outside if s in got], path)
                self.assertIn(got.split(b" ", 2)[1], (b"400", b"404"), path)
        connection.close()
        self.assertGreater(count, 1000)
        self.still_serves(server)

    def ask(self, connection, path):
        try:
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            got = b""
            while b"\r\n\r\n" not in got:
                piece = connection.recv(65536)
                if not piece:
                    return None if not got else got
                got += piece
            head, body = got.split(b"\r\n\r\n", 1)
            length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            while length and len(body) < length[0]:
                body += connection.recv(65536)
            return head + body
        except OSError:
            return None

    def test_absolute_forms_and_hosts(self):
        server = self.serve()
        for path in (b"http://127.0.0.1/../secret", b"http://other/app.bin/../../secret", b"file:///etc/passwd", b"//etc/passwd",
                     b"/app.bin?../../secret", b"/app.bin#/../../secret", b"*", b"http://[::1", b"/" + b"a/" * 3000, b"/" + b"%41" * 2000):
            got = self.get(server, path)
            self.assertNotIn(SECRET, got, path)
            self.assertNotIn(b"root:", got, path)
        self.still_serves(server)

    def test_links_out_of_the_folder(self):
        server = self.serve()
        (self.www / "file").symlink_to("../secret")
        (self.www / "folder").symlink_to("..")
        (self.www / "root").symlink_to("/")
        (self.www / "loop").symlink_to("loop")
        (self.www / "chain").symlink_to("sub/next")
        (self.www / "sub/next").symlink_to("../../secret")
        (self.www / "beside").symlink_to("../wwwx/secret")  # a folder whose name begins like ours
        (self.www / "inside").symlink_to("app.bin")
        for path in (b"/file", b"/folder/secret", b"/root/etc/passwd", b"/loop", b"/chain", b"/beside", b"/folder/www/../secret"):
            self.assertEqual(self.get(server, path).split(b" ", 2)[1], b"404", path)
        self.assertIn(b"application", self.get(server, b"/inside"))
        self.assertIn(b"application", self.get(server, b"/folder/www/app.bin"))  # out and in again: it lies inside

    def test_keys_that_come_later(self):
        self.otter("keygen", "--type", "ecdsa-p256", "key.pem")
        self.otter("certs", "--out", "pki")
        server = self.serve()
        key = (self.folder / "key.pem").read_bytes()
        for name, body in (("a.pem", key), ("app-1.0.0.bin", os.urandom(70000) + key), ("x.json", b'{"k":"' + key + b'"}'),
                           ("server.key", b"anything"), ("UP.KEY", (self.folder / "pki/http_server.key").read_bytes())):
            (self.www / name).write_bytes(body)
            for more in ((), (b"Range: bytes=0-9",), (b"Range: bytes=-200",)):
                got = self.get(server, b"/" + name.encode(), *more)
                self.assertEqual(got.split(b" ", 2)[1], b"403", name)
                self.assertNotIn(b"PRIVATE KEY", got)
        self.still_serves(server)


class Requests(Attacked):
    def test_huge_ones(self):
        server = self.serve()
        mega = b"x" * (1 << 20)
        for data in (mega * 4, b"GET /" + mega + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + mega + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200000 + b"\r\n", b"GET / HTTP/1.1\r\nRange: bytes=" + b"0-1," * 2000 + b"0-1\r\n\r\n",
                     b"POST /report HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n" + mega * 4,
                     b"POST /report HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n" + mega,
                     b"POST /report HTTP/1.1\r\nContent-Length: -5\r\n\r\n" + mega,
                     b"POST /report HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"fffff\r\n" + mega + b"\r\n" * 3,
                     b"POST /report HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50000,
                     b"POST /report HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"7fffffffffffffff\r\n" + mega,
                     b"POST /report HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"-1\r\n" + mega):
            answer = self.raw(server, data)
            self.assertNotIn(b"HTTP/1.1 2", answer[:12], data[:60])
            self.still_serves(server)
        memory = int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        if "asan" not in OTTER:
            self.assertLess(memory, 40 << 20)
        self.assertEqual(server.stop(), 0)

    def test_two_requests_in_one(self):
        """What one reader takes for a body another could take for a request; ours never answers twice."""
        server = self.serve()
        inner = b"GET /app.bin HTTP/1.1\r\nHost: x\r\n\r\n"
        length = len(inner)
        for head in (b"Content-Length: 0\r\nContent-Length: %d\r\n" % length, b"Content-Length: %d\r\nContent-Length: 0\r\n" % length,
                     b"Content-Length: +%d\r\n" % length, b"Content-Length: 0x%x\r\n" % length, b"Content-Length : %d\r\n" % length,
                     b"Transfer-Encoding: identity\r\nContent-Length: %d\r\n" % length, b"Transfer-Encoding: chunked, identity\r\n",
                     b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"Transfer-Encoding: xchunked\r\n",
                     b"Content-Length: 0\r\nTransfer-Encoding:\x0bchunked\r\n"):
            for body in (b"", b"0\r\n\r\n"):
                got = self.raw(server, b"POST /report HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n" + body + inner)
                self.assertNotIn(b"application", got, head)
                self.assertEqual(got.count(b"HTTP/1.1 4"), 1 if got else 0, head)
        self.still_serves(server)

    def test_random_bytes(self):
        server = self.serve()
        rng = random.Random(5)
        whole = b"GET /app.bin HTTP/1.1\r\nHost: localhost\r\nRange: bytes=2-4\r\nIf-Range: \"x\"\r\n\r\n"
        for _ in range(300):
            data = bytearray(whole)
            for _ in range(rng.randrange(1, 6)):
                place = rng.randrange(len(data))
                data[place:place + rng.randrange(3)] = bytes(rng.randrange(256) for _ in range(rng.randrange(4)))
            self.raw(server, bytes(data))
        self.still_serves(server)
        self.assertEqual(server.stop(), 0)

    def test_the_log_for_people_holds_no_control_characters(self):
        process = subprocess.Popen([OTTER, "serve", "--port", "0", "--folder", "www"], cwd=self.folder, stdout=subprocess.PIPE)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        port = int(process.stdout.readline().decode().split(":")[2].split("/")[0])
        for path in (b"/\x1b[2J\x07", b"/a\x7fb", b"/%1b%5b2J", "/ü€".encode()):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
                sock.sendall(b"GET " + path + b" HTTP/1.1\r\nRange: \x1b]0;x\x07\r\nConnection: close\r\n\r\n")
                while sock.recv(1000):
                    pass
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            body = b'{"result": "\\u001b[31m", "a": "\\u009b\\u007f"}'
            sock.sendall(b"POST /report HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            while sock.recv(1000):
                pass
        process.terminate()
        out, _ = process.communicate(timeout=10)
        self.assertGreaterEqual(out.count(b"\n"), 5)
        self.assertFalse([byte for byte in out if (byte < 32 and byte != 10) or byte >= 127], out)

    def test_many_that_say_nothing(self):
        server = self.serve("--request-timeout", "4")
        silent = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(500)]
        begin = time.monotonic()
        self.still_serves(server)
        self.assertLess(time.monotonic() - begin, 4)
        for sock in silent:
            self.assertEqual(sock.recv(1), b"")
            sock.close()
        self.assertLess(time.monotonic() - begin, 25)

    def test_more_connections_than_files(self):
        limited = self.folder / "limited"
        limited.write_text(f'#!/bin/sh\nulimit -n 200\nexec {OTTER} "$@"\n')
        limited.chmod(0o755)
        server = Serve(self.folder, "--folder", "www", "--request-timeout", "2", program=limited)
        self.addCleanup(lambda: server.process.returncode is None and server.stop())
        many = []
        for _ in range(300):
            try:
                many.append(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            except OSError:
                break
        time.sleep(0.5)
        begin = sum(map(float, pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().split()[13:15]))
        time.sleep(1)
        ticks = sum(map(float, pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().split()[13:15])) - begin
        self.assertLess(ticks / os.sysconf("SC_CLK_TCK"), 0.5)  # it does not spin
        for sock in many:
            sock.close()
        time.sleep(0.2)
        self.still_serves(server)
        self.assertEqual(server.stop(), 0)


class Tls(Attacked):
    def tls_server(self, *words):
        self.otter("certs", "--out", "pki")
        return self.serve("--cert", "pki/http_server.crt", "--key", "pki/http_server.key", "--request-timeout", "2", *words)

    def context(self, **more):
        context = ssl.create_default_context(cafile=self.folder / "pki/http_ca.crt")
        for key, value in more.items():
            setattr(context, key, value)
        return context

    def tls_serves(self, server):
        connection = http.client.HTTPSConnection("localhost", server.port, timeout=10, context=self.context())
        connection.request("GET", "/app.bin")
        self.assertEqual(connection.getresponse().read(), b"application")
        connection.close()

    def test_bad_tls(self):
        server = self.tls_server()
        hello = self.client_hello()
        rng = random.Random(7)
        junk = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(70000), b"\x80\x2e\x01\x03\x01", b"\x15\x03\x03\x00\x02\x02\x28",
                b"\x16\x03\x03\x00\x00" * 1000, b"\x14\x03\x03\x00\x01\x01", b"\x17\x03\x03\x40\x00" + bytes(16384),
                b"\x18\x03\x02\x00\x03\x01\x40\x00",  # heartbeat
                hello[:-1], hello[:50], hello + hello, hello[:5] + bytes(len(hello) - 5)]
        for _ in range(60):
            data = bytearray(hello)
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            junk.append(bytes(data))
        for data in junk:
            self.assertNotIn(b"application", self.raw(server, data, seconds=6))
        self.tls_serves(server)
        self.assertEqual(server.stop(), 0)

    def client_hello(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()

    def test_a_handshake_that_trickles(self):
        server = self.tls_server()
        hello = self.client_hello()
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
            begin = time.monotonic()
            gone = False
            sock.settimeout(0.3)
            for byte in hello:
                try:
                    sock.sendall(bytes([byte]))
                    gone = sock.recv(100) == b""
                except TimeoutError:
                    pass
                except OSError:
                    gone = True
                if gone:
                    break
            self.assertTrue(gone)
            self.assertLess(time.monotonic() - begin, 25)  # all of it would take 60 s and more
        self.tls_serves(server)

    def test_old_and_weak_ones_are_refused(self):
        server = self.tls_server()
        for ciphers in ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-GCM-SHA256", "NULL", "aNULL", "PSK"):
            context = self.context(maximum_version=ssl.TLSVersion.TLSv1_2)
            try:
                context.set_ciphers(ciphers + ":@SECLEVEL=0")
            except ssl.SSLError:
                continue  # our own side does not know it
            with self.assertRaises(OSError, msg=ciphers), socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
                context.wrap_socket(raw, server_hostname="localhost").close()
        for version, number in (("SSLv3", 0x300), ("TLS 1.0", 0x301), ("TLS 1.1", 0x302)):
            hello = bytearray(self.client_hello())
            struct.pack_into(">H", hello, 9, number)
            hello = bytes(hello).replace(b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03", b"\xff\x2b\x00\x05\x04\x03\x04\x03\x03")
            answer = self.raw(server, hello, seconds=6)
            self.assertIn(answer[:1], (b"\x15", b""), version)  # an alert
        self.tls_serves(server)

    def test_renegotiation_is_refused(self):
        server = self.tls_server()
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2"], cwd=self.folder,
                              input=b"R\n", capture_output=True, timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.tls_serves(server)

    def test_a_name_with_a_zero_byte_is_nobody(self):
        """A CA that signs anything would make device-1 of "device-1\\0evil"; also two names in one certificate."""
        server = self.tls_server("--client-ca", "pki/http_ca.crt", "--database", "fleet.db", "--peer-rate", "0")

        def certificate(name, subject):
            base = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key",
                    "-subj", subject, "-multivalue-rdn", "-out", name + ".csr"]
            subprocess.run(base, cwd=self.folder, check=True, capture_output=True)
            subprocess.run(["openssl", "x509", "-req", "-in", name + ".csr", "-CA", "pki/http_ca.crt", "-CAkey", "pki/http_ca.key",
                            "-CAcreateserial", "-out", name + ".crt"], cwd=self.folder, check=True, capture_output=True)

        def report(name):
            context = self.context()
            context.load_cert_chain(self.folder / f"{name}.crt", self.folder / f"{name}.key")
            connection = http.client.HTTPSConnection("localhost", server.port, timeout=10, context=context)
            connection.request("POST", "/report", '{"result": "confirmed"}')
            status = connection.getresponse().status
            connection.close()
            return status
        certificate("one", "/CN=device-1")
        certificate("two", "/CN=device-1/CN=device-2")
        certificate("none", "/O=somebody")
        certificate("long", "/O=x/CN=" + "y" * 60 + "\u00fc" * 2)
        self.assertEqual(report("one"), 204)
        self.assertEqual(report("two"), 401)
        self.assertEqual(report("none"), 401)


if __name__ == "__main__":
    unittest.main()
