# SPDX-License-Identifier: Apache-2.0
"""test_own_server.py - the server configurations that docs/own-server.md shows, run as they stand.

Only paths, ports and the user that may read a test's folder are put in their place. A server
that is not installed is skipped.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import unittest

from tool import Folder, run

DOC = pathlib.Path(__file__).resolve().parents[2] / "docs" / "own-server.md"
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
BODY = bytes(range(256)) * 300
MODULES = "/usr/lib/apache2/modules"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class OwnServer(Folder):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.otter("certs", "--out", "pki")
        (self.folder / "ota").mkdir()
        (self.folder / "ota/ota_update.json").write_text("{}\n")
        (self.folder / "ota/app-1.0.0-01234567.bin").write_bytes(BODY)
        for path in (self.folder / "ota").iterdir():  # Apache's tags are weak in a file's first second
            os.utime(path, (1700000000, 1700000000))

    def block(self, kind):
        text = re.search(rf"^```{kind}\n(.*?)^```", DOC.read_text(), re.M | re.S).group(1)
        for place, ours in (("/etc/otter", "pki"), ("/srv/ota", "ota"), ("/run/apache2", ".")):
            text = text.replace(place, str(self.folder / ours))
        return text

    def start(self, *words):
        process = subprocess.Popen([str(word) for word in words], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.terminate)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                self.assertIsNone(process.poll(), process.stderr.read() if process.poll() is not None else "")
                time.sleep(0.05)
        self.fail("the server did not start")

    def curl(self, path, *words):
        return run("curl", "-sS", "--noproxy", "*", "--max-time", "10", "--cacert", "pki/http_ca.crt", *words,
                   f"https://localhost:{self.port}/{path}", cwd=self.folder).stdout

    def judge(self):
        name = "app-1.0.0-01234567.bin"
        self.assertEqual(self.curl(name), BODY)
        head = self.curl(name, "-I").decode()
        etag = re.search(r'(?mi)^etag: ("[^"]+")', head)
        self.assertIsNotNone(etag, head)  # strong
        part = self.curl(name, "-r", "1000-1099", "-H", f"If-Range: {etag.group(1)}")
        self.assertEqual(part, BODY[1000:1100])
        same = self.curl("ota_update.json", "-o", "/dev/null", "-w", "%{http_code}", "-H", "If-None-Match: " +
                         re.search(r"(?mi)^etag: (\S+)", self.curl("ota_update.json", "-I").decode()).group(1))
        self.assertEqual(same, b"304")
        two = self.curl(name, "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", f"https://localhost:{self.port}/ota_update.json")
        self.assertEqual(two, b"1 0 ")  # keep-alive
        for version in ("-tls1_2", "-tls1_3"):
            self.resumes(version)

    def resumes(self, version):
        words = ("-connect", f"localhost:{self.port}", "-CAfile", "pki/http_ca.crt", version)
        ask = b"GET /ota_update.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        for session in ("-sess_out", "-sess_in"):
            done = subprocess.run(["openssl", "s_client", "-ign_eof", *words, session, "session.pem"], cwd=self.folder,
                                  input=ask, capture_output=True, timeout=10, check=False).stdout
        self.assertIn(b"Reused, TLSv1", done, version)

    @unittest.skipUnless(shutil.which("nginx", path=PATH), "nginx is not installed")
    def test_nginx(self):
        server = self.block("nginx").replace("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl")
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{user} daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;\n"
            f"events {{}}\nhttp {{ access_log off; client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;\n"
            f"fastcgi_temp_path {self.folder}/fcgi; uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;\n{server}}}\n")
        self.start(shutil.which("nginx", path=PATH), "-e", self.folder / "error.log", "-c", self.folder / "nginx.conf")
        self.judge()

    @unittest.skipUnless(shutil.which("apache2", path=PATH) and os.path.isdir(MODULES), "Apache is not installed")
    def test_apache(self):
        server = self.block("apache").replace("Listen 443", f"Listen 127.0.0.1:{self.port}")
        server = server.replace("*:443", f"*:{self.port}")
        if os.geteuid() == 0:  # its workers are another user then
            self.folder.chmod(0o755)
        modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n"
                          for name in ("mpm_event", "authz_core", "ssl", "socache_shmcb"))
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        (self.folder / "httpd.conf").write_text(f"{modules}{user}ServerRoot {self.folder}\nPidFile {self.folder}/pid\n"
                                                f"ErrorLog {self.folder}/error.log\nDefaultRuntimeDir {self.folder}\n{server}")
        self.start(shutil.which("apache2", path=PATH), "-D", "FOREGROUND", "-f", self.folder / "httpd.conf")
        self.judge()


if __name__ == "__main__":
    unittest.main()
