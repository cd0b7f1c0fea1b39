# SPDX-License-Identifier: Apache-2.0
"""test_serve.py - `otter serve` with curl, openssl and Python's ssl as clients."""
import http.client
import json
import os
import pathlib
import socket
import ssl
import subprocess
import time
import unittest

from tool import OTTER, Folder, Serve, run

IMAGE = os.urandom(742607)


class Server(Folder):
    def setUp(self):
        super().setUp()
        self.otter("certs", "--out", "pki")
        self.www = self.folder / "www"
        self.www.mkdir()
        (self.www / "app.bin").write_bytes(IMAGE)
        (self.www / "ota_update.json").write_text('{"Version": "1.0.0"}\n')

    def serve(self, *words, tls=True):
        identity = ("--cert", "pki/http_server.crt", "--key", "pki/http_server.key") if tls else ()
        server = Serve(self.folder, "--folder", "www", *identity, *words)
        self.addCleanup(lambda: server.process.returncode is None and server.stop())
        return server

    def curl(self, server, path, *words, ok=True):
        return run("curl", "-sS", "--noproxy", "*", "--max-time", "20", "--path-as-is", "--cacert", "pki/http_ca.crt", *words,
                   server.url + path, cwd=self.folder, ok=ok)

    def head(self, server, path, *words):
        """The status and the header lines, by lower-case name."""
        text = self.curl(server, path, "-o", "/dev/null", "-D", "-", *words).stdout.decode()
        lines = text.strip().split("\r\n")
        return int(lines[0].split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}

    def status(self, server, path, *words):
        return self.head(server, path, *words)[0]


class Static(Server):
    def test_whole_file_and_its_head(self):
        server = self.serve()
        self.assertEqual(self.curl(server, "app.bin").stdout, IMAGE)
        status, got = self.head(server, "app.bin")
        _, head = self.head(server, "app.bin", "-I")
        self.assertEqual(status, 200)
        self.assertEqual({**got, "date": ""}, {**head, "date": ""})
        self.assertEqual(got["content-length"], str(len(IMAGE)))
        self.assertEqual(got["accept-ranges"], "bytes")
        self.assertEqual(got["content-type"], "application/octet-stream")
        self.assertEqual(self.head(server, "ota_update.json")[1]["content-type"], "application/json")

    def test_ranges(self):
        server = self.serve()
        size = len(IMAGE)
        for asked, first, last in (("0-0", 0, 0), ("100-199", 100, 199), ("742606-", size - 1, size - 1),
                                   ("-5", size - 5, size - 1), ("65530-65540", 65530, 65540), ("700000-9999999", 700000, size - 1),
                                   ("-9999999", 0, size - 1)):
            done = self.curl(server, "app.bin", "-r", asked)
            self.assertEqual(done.stdout, IMAGE[first:last + 1], asked)
            status, got = self.head(server, "app.bin", "-r", asked)
            self.assertEqual((status, got["content-range"]), (206, f"bytes {first}-{last}/{size}"), asked)
        for asked in (f"{size}-", "9999999-", "-0"):
            status, got = self.head(server, "app.bin", "-H", f"Range: bytes={asked}")
            self.assertEqual((status, got["content-range"]), (416, f"bytes */{size}"), asked)
        for asked in ("bytes=5-3", "bytes=x-", "bytes=", "items=0-1", "bytes=0-1,4-5", "bytes=99999999999999999999-"):
            self.assertEqual(self.status(server, "app.bin", "-H", f"Range: {asked}"), 200, asked)

    def test_conditions(self):
        server = self.serve()
        _, got = self.head(server, "app.bin")
        etag, date = got["etag"], got["last-modified"]
        self.assertRegex(etag, '^"[0-9a-f]{32}"$')
        for value in (etag, "W/" + etag, '"a", ' + etag, "*"):
            status, same = self.head(server, "app.bin", "-H", f"If-None-Match: {value}")
            self.assertEqual((status, same["etag"]), (304, etag), value)
        self.assertEqual(self.status(server, "app.bin", "-H", 'If-None-Match: "other"'), 200)
        self.assertEqual(self.status(server, "app.bin", "-H", f"If-Modified-Since: {date}"), 304)
        part = ("-H", "Range: bytes=10-19")
        self.assertEqual(self.status(server, "app.bin", *part, "-H", f"If-Range: {etag}"), 206)
        self.assertEqual(self.status(server, "app.bin", *part, "-H", f"If-Range: {date}"), 206)
        for value in ('"other"', "W/" + etag, "Mon, 01 Jan 2001 00:00:00 GMT"):
            done = self.curl(server, "app.bin", *part, "-H", f"If-Range: {value}")
            self.assertEqual(done.stdout, IMAGE, value)
        self.assertEqual(self.status(server, "app.bin", "-H", 'If-Match: "other"'), 412)

    def test_tag_follows_the_content(self):
        server = self.serve()
        before = self.head(server, "app.bin")[1]["etag"]
        changed = bytearray(IMAGE)
        changed[-1] ^= 1
        stat = (self.www / "app.bin").stat()
        (self.www / "app.bin").write_bytes(changed)
        os.utime(self.www / "app.bin", ns=(stat.st_atime_ns, stat.st_mtime_ns))  # same size, same time
        self.assertNotEqual(self.head(server, "app.bin")[1]["etag"], before)
        (self.www / "app.bin").write_bytes(IMAGE)
        self.assertEqual(self.head(server, "app.bin")[1]["etag"], before)

    def test_a_folder_that_is_replaced_is_served(self):
        server = self.serve(tls=False)
        self.assertEqual(self.curl(server, "app.bin").stdout, IMAGE)
        other = self.folder / "other"
        other.mkdir()
        (other / "app.bin").write_bytes(b"other")
        self.www.rename(self.folder / "old")
        other.rename(self.www)
        for _ in range(40):
            if self.curl(server, "app.bin").stdout == b"other":
                return
            time.sleep(0.1)
        self.fail("the old folder is still served")

    def test_paths_stay_inside(self):
        (self.folder / "secret.txt").write_text("secret")
        (self.www / ".hidden").write_text("x")
        (self.www / "sub").mkdir()
        (self.www / "sub/a b.txt").write_text("spaced")
        (self.www / "out.txt").symlink_to("../secret.txt")
        (self.www / "in.txt").symlink_to("sub/a b.txt")
        os.mkfifo(self.www / "pipe")
        server = self.serve()
        for path in ("../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "sub/../../secret.txt", ".hidden", "out.txt",
                     "sub", "sub/", "", "nothing", "app.bin/", "pipe", "sub/%2e%2e/app.bin", "/etc/passwd"):
            self.assertEqual(self.status(server, path), 404, path)
        self.assertEqual(self.status(server, "app.bin%00"), 400)
        self.assertEqual(self.curl(server, "sub/a%20b.txt").stdout, b"spaced")
        self.assertEqual(self.curl(server, "in.txt").stdout, b"spaced")
        self.assertEqual(self.curl(server, "app.bin?query=1").stdout, IMAGE)

    def test_empty_file_and_index(self):
        (self.www / "empty").write_bytes(b"")
        (self.www / "index.html").write_text("<p>hello")
        server = self.serve()
        self.assertEqual(self.head(server, "empty")[1]["content-length"], "0")
        self.assertEqual(self.curl(server, "").stdout, b"<p>hello")

    def test_cache_control(self):
        name = "app-1.0.0-" + __import__("hashlib").sha256(IMAGE).hexdigest()[:8] + ".bin"
        (self.www / name).write_bytes(IMAGE)
        (self.www / "app-1.0.0-00000000.bin").write_bytes(IMAGE)
        server = self.serve()
        self.assertIn("immutable", self.head(server, name)[1]["cache-control"])
        for path in ("app.bin", "ota_update.json", "app-1.0.0-00000000.bin"):
            self.assertEqual(self.head(server, path)[1]["cache-control"], "no-cache", path)

    def test_plain_http_keep_alive_and_http10(self):
        server = self.serve(tls=False)
        self.assertTrue(server.url.startswith("http://127.0.0.1:"))
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        for _ in range(20):
            connection.request("GET", "/app.bin", headers={"Range": "bytes=7-9"})
            self.assertEqual(connection.getresponse().read(), IMAGE[7:10])
        connection.close()
        server.stop()
        self.assertEqual(len({entry["client"] for entry in server.requests()}), 1)
        server = self.serve(tls=False)
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            raw.sendall(b"GET /app.bin HTTP/1.0\r\n\r\n")
            data = b""
            while piece := raw.recv(65536):
                data += piece
        self.assertEqual(data.split(b"\r\n\r\n", 1)[1], IMAGE)

    def test_methods(self):
        server = self.serve()
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "POST"):
            status, got = self.head(server, "app.bin", "-X", method)
            self.assertEqual((status, got["allow"]), (405, "GET, HEAD"), method)

    def test_garbage_does_not_stop_it(self):
        server = self.serve(tls=False)
        for junk in (b"\0" * 100, b"GET\r\n\r\n", b"GET /app.bin\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n", b"x" * 100000,
                     b"GET /app.bin HTTP/1.1\r\nRange: " + b"9" * 5000 + b"\r\n\r\n", b"POST /report HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                     b"GET /%zz HTTP/1.1\r\n\r\n", b"GET /%ff\x1b[2J HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
                try:
                    raw.sendall(junk)
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(65536):
                        pass
                except OSError:
                    pass
        self.assertEqual(self.curl(server, "app.bin").stdout, IMAGE)
        self.assertEqual(server.stop(), 0)


class Streams(Server):
    def test_a_slow_client_stalls_nobody(self):
        (self.www / "large.bin").write_bytes(os.urandom(1 << 20) * 40)
        server = self.serve()
        slow = subprocess.Popen(["curl", "-s", "--cacert", "pki/http_ca.crt", "--limit-rate", "200k", "-o", "/dev/null",
                                 server.url + "large.bin"], cwd=self.folder)
        time.sleep(0.3)
        begin = time.monotonic()
        for _ in range(5):
            self.assertEqual(self.curl(server, "app.bin").stdout, IMAGE)
        self.assertLess(time.monotonic() - begin, 30)  # the slow one needs 200 s
        memory = int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        slow.kill()
        slow.wait()
        if "asan" not in os.environ.get("OTTER", ""):
            self.assertLess(memory, 30 << 20)  # the image is not in memory
        for _ in range(50):
            if any(entry["aborted"] for entry in server.requests()):
                break
            time.sleep(0.1)
        broken = [entry for entry in server.requests() if entry["aborted"]]
        self.assertEqual([entry["path"] for entry in broken], ["/large.bin"])
        self.assertLess(broken[0]["bytes"], 40 << 20)

    def test_a_file_that_changes_under_way_is_broken_off(self):
        for how in ("truncate", "rewrite", "replace"):
            (self.www / "large.bin").write_bytes(os.urandom(1 << 20) * 20)
            whole = (self.www / "large.bin").read_bytes()
            server = self.serve(tls=False)
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
                raw.sendall(b"GET /large.bin HTTP/1.1\r\n\r\n")
                data = raw.recv(1000)
                if how == "truncate":
                    os.truncate(self.www / "large.bin", 5 << 20)
                elif how == "rewrite":
                    with open(self.www / "large.bin", "r+b") as file:
                        file.seek(15 << 20)
                        file.write(b"new")
                else:  # as `otter publish` does: the old content must come to its end
                    (self.www / "new").write_bytes(b"new")
                    os.replace(self.www / "new", self.www / "large.bin")
                size = len(whole) + data.index(b"\r\n\r\n") + 4
                try:
                    while len(data) < size and (piece := raw.recv(1 << 20)):
                        data += piece
                except OSError:
                    pass
            if how == "replace":
                self.assertEqual(data[-len(whole):], whole)
            else:
                self.assertLess(len(data), size, how)
            server.stop()

    def test_a_log_that_nobody_reads_stalls_nobody(self):
        process = subprocess.Popen([OTTER, "serve", "--json", "--port", "0", "--folder", "www"], cwd=self.folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        port = json.loads(process.stdout.readline())["port"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(1500):  # a pipe holds 64 KiB
            connection.request("GET", "/ota_update.json")
            self.assertEqual(connection.getresponse().read(), b'{"Version": "1.0.0"}\n')
        connection.close()
        lines = os.read(process.stdout.fileno(), 1 << 20).count(b"\n")
        self.assertLess(lines, 1500)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/nothing")
        connection.getresponse().read()
        connection.close()
        process.terminate()
        out, err = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 0)
        self.assertIn("log lines were lost", err.decode())
        self.assertIn(b"/nothing", out)

    def test_stop_lets_an_answer_finish(self):
        (self.www / "large.bin").write_bytes(bytes(6 << 20))
        server = self.serve()
        slow = subprocess.Popen(["curl", "-s", "--cacert", "pki/http_ca.crt", "--limit-rate", "6M", "-o", "got", server.url + "large.bin"],
                                cwd=self.folder)
        while slow.poll() is None and not ((self.folder / "got").exists() and (self.folder / "got").stat().st_size):
            time.sleep(0.05)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(slow.wait(), 0)
        self.assertEqual((self.folder / "got").stat().st_size, 6 << 20)


class Tls(Server):
    def context(self, version=None, cert=None):
        context = ssl.create_default_context(cafile=self.folder / "pki/http_ca.crt")
        if version:
            context.minimum_version = context.maximum_version = version
        if cert:
            context.load_cert_chain(self.folder / f"pki/{cert}.crt", self.folder / f"pki/{cert}.key")
        return context

    def exchange(self, server, context, session=None):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            with context.wrap_socket(raw, server_hostname="localhost", session=session) as tls:
                tls.sendall(b"GET /ota_update.json HTTP/1.1\r\nConnection: close\r\n\r\n")
                version = tls.version()
                while tls.recv(65536):
                    pass
                return tls.session_reused, tls.session, version

    def test_sessions_are_resumed_in_both_versions(self):
        self.otter("certs", "--client", "device-1", "--out", "pki")
        for words, cert in (((), None), (("--client-ca", "pki/http_ca.crt"), "device-1")):
            server = self.serve(*words)
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = self.context(version, cert)
                reused, session, _ = self.exchange(server, context)
                self.assertFalse(reused)
                for _ in range(3):
                    reused, session, _ = self.exchange(server, context, session)
                    self.assertTrue(reused, (words, version))
            self.assertEqual(server.stop(), 0)
            self.assertEqual([entry["resumed"] for entry in server.requests()], [False, True, True, True] * 2)
            self.assertEqual({entry.get("name") for entry in server.requests()}, {cert})

    def test_client_certificates_are_demanded(self):
        self.otter("certs", "--out", "other")
        server = self.serve("--client-ca", "pki/http_ca.crt")
        self.assertNotEqual(self.curl(server, "app.bin", ok=False).returncode, 0)
        foreign = ("--cert", "other/http_client.crt", "--key", "other/http_client.key")
        self.assertNotEqual(self.curl(server, "app.bin", *foreign, ok=False).returncode, 0)
        ours = ("--cert", "pki/http_client.crt", "--key", "pki/http_client.key")
        self.assertEqual(self.curl(server, "app.bin", *ours).stdout, IMAGE)
        server.stop()
        self.assertEqual(len(server.requests()), 1)
        self.assertTrue([entry for entry in server.log if entry["event"] == "tls"], "no alert in the log")

    def test_version_limits(self):
        for low, high, good in (("1.2", "1.2", "TLSv1.2"), ("1.3", "1.3", "TLSv1.3")):
            server = self.serve("--tls-min", low, "--tls-max", high)
            self.assertEqual(self.exchange(server, self.context())[2], good)
            other = ssl.TLSVersion.TLSv1_3 if good == "TLSv1.2" else ssl.TLSVersion.TLSv1_2
            with self.assertRaises(OSError):
                self.exchange(server, self.context(other))
            server.stop()


class Reports(Server):
    def test_reports_are_kept_one_line_each(self):
        server = self.serve("--reports", "reports.jsonl", "--client-ca", "pki/http_ca.crt")
        ours = ("--cert", "pki/http_client.crt", "--key", "pki/http_client.key")
        for body in ('{"result": "confirmed",\n "version": "1.1.0"}', '{"text": "a\\nb \\u001b[31m"}',
                     '{"log": "' + "x" * 9000 + '"}'):  # curl asks first: Expect: 100-continue
            self.assertEqual(self.status(server, "report", *ours, "--data-binary", body), 204)
        for body in ("", "[]", "1", '{"a":1', '{"a":1,"a":2}', '{"a":1} x', "\xff", '{"a":"' + "x" * 16400 + '"}'):
            self.assertIn(self.status(server, "report", *ours, "--data-binary", body), (400, 405, 413), body[:20])
        lines = (self.folder / "reports.jsonl").read_text().splitlines()
        self.assertEqual(len(lines), 3)
        first = json.loads(lines[0])
        self.assertEqual((first["client"], first["report"]), ("http_client", {"result": "confirmed", "version": "1.1.0"}))
        self.assertRegex(first["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(server.stop(), 0)
        self.assertEqual([entry["report"] for entry in server.log if entry["event"] == "report"][0], first["report"])

    def test_full_disk_is_told_and_keeps_whole_lines(self):
        server = self.serve("--reports", "/dev/full", tls=False)
        self.assertEqual(self.status(server, "report", "--data-binary", "{}"), 503)
        self.assertEqual(self.curl(server, "app.bin").stdout, IMAGE)
        server.stop()
        self.assertIn("No space left", server.errors)


class Refusals(Server):
    def test_private_keys_are_never_served(self):
        server = self.serve()
        key = (self.folder / "pki/http_server.key").read_bytes()
        for name, body in (("late.txt", key), ("x.key", b"x"), ("deep.bin", bytes(65530) + key)):
            (self.www / name).write_bytes(body)
            self.assertEqual(self.status(server, name), 403, name)
            self.assertEqual(self.status(server, name, "-r", "0-10"), 403, name)
        server.stop()
        self.refused(1, "is a private key", "serve", "--folder", "www")

    def test_bad_options_say_so_in_one_line(self):
        pair = ("--cert", "pki/http_server.crt", "--key", "pki/http_server.key")
        (self.folder / "garbage").write_bytes(b"garbage")
        for code, text, words in (
                (2, "--folder is needed", ()),
                (1, "No such file", ("--folder", "nothing")),
                (1, "is a file", ("--folder", "garbage")),
                (2, "belong together", ("--folder", "www", "--cert", "pki/http_server.crt")),
                (1, "No such file", ("--folder", "www", "--cert", "nothing", "--key", "pki/http_server.key")),
                (1, "is no PEM certificate", ("--folder", "www", "--cert", "garbage", "--key", "pki/http_server.key")),
                (1, "is not the PEM private key", ("--folder", "www", "--cert", "pki/http_server.crt", "--key", "garbage")),
                (1, "is not the PEM private key", ("--folder", "www", "--cert", "pki/http_server.crt", "--key", "pki/http_ca.key")),
                (1, "is a directory", ("--folder", "www", "--cert", "www", "--key", "www")),
                (1, "is no PEM CA", ("--folder", "www", *pair, "--client-ca", "garbage")),
                (2, "1.2 or 1.3", ("--folder", "www", *pair, "--tls-min", "1.1")),
                (2, "1.2 or 1.3", ("--folder", "www", *pair, "--tls-min", "1.3", "--tls-max", "1.2")),
                (2, "--port", ("--folder", "www", "--port", "70000")),
                (1, "no address of this machine", ("--folder", "www", "--listen", "no such host")),
                (1, "cannot listen", ("--folder", "www", "--listen", "192.0.2.1", "--port", "0")),
                (1, "served folder", ("--folder", "www", "--reports", "www/r.jsonl")),
                (1, "cannot write", ("--folder", "www", "--reports", "nothing/r.jsonl")),
                (2, "not an option", ("--folder", "www", "extra"))):
            with self.subTest(words=words):
                self.refused(code, text, "serve", *words)

    def test_a_port_in_use(self):
        server = self.serve(tls=False)
        self.refused(1, "in use (choose another --port", "serve", "--folder", "www", "--port", server.port)


if __name__ == "__main__":
    unittest.main()
