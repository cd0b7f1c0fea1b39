# SPDX-License-Identifier: Apache-2.0
"""test_certs.py - `otter certs` and `otter cert-string`, judged by openssl and a C compiler."""
import os
import shutil
import subprocess
import unittest

from tool import OTTER, Folder, run

SET = ["http_ca.crt", "http_ca.key", "http_client.crt", "http_client.key", "http_server.crt", "http_server.key"]


class Certs(Folder):
    def text(self, name):
        return run("openssl", "x509", "-in", name, "-noout", "-text", cwd=self.folder).stdout.decode()

    def verifies(self, purpose, name, *words):
        done = run("openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "pki/http_ca.crt", *words,
                   "pki/" + name, cwd=self.folder, ok=False)
        return done.returncode == 0

    def test_a_first_call_makes_the_whole_set(self):
        self.otter("certs", "--out", "pki")
        self.assertEqual(self.files("pki"), SET)
        for name in SET:
            mode = (self.folder / "pki" / name).stat().st_mode & 0o777
            self.assertEqual(mode, 0o600 if name.endswith(".key") else 0o644, name)
        self.assertTrue(self.verifies("sslserver", "http_server.crt", "-verify_hostname", "localhost"))
        self.assertTrue(self.verifies("sslserver", "http_server.crt", "-verify_ip", "127.0.0.1"))
        self.assertTrue(self.verifies("sslclient", "http_client.crt"))
        self.assertFalse(self.verifies("sslserver", "http_client.crt"))
        self.assertFalse(self.verifies("sslclient", "http_server.crt"))

    def test_hosts_are_named_by_their_kind(self):
        self.otter("certs", "--server", "192.168.0.10", "--server", "ota.example", "--server", "2001:db8::1", "--out", "pki")
        text = self.text("pki/http_server.crt")
        self.assertIn("IP Address:192.168.0.10, DNS:ota.example, IP Address:2001:DB8:0:0:0:0:0:1", text)
        self.assertIn("Subject: CN = http_server", text)
        self.assertTrue(self.verifies("sslserver", "http_server.crt", "-verify_ip", "192.168.0.10"))
        self.assertFalse(self.verifies("sslserver", "http_server.crt", "-verify_ip", "192.168.0.11"))
        self.assertFalse(self.verifies("sslserver", "http_server.crt", "-verify_hostname", "192.168.0.10.example"))

    def test_extensions(self):
        self.otter("certs", "--out", "pki")
        ca, server = self.text("pki/http_ca.crt"), self.text("pki/http_server.crt")
        self.assertIn("X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0", ca)
        self.assertIn("X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign", ca)
        self.assertIn("X509v3 Basic Constraints: critical\n                CA:FALSE", server)
        self.assertIn("X509v3 Key Usage: critical\n                Digital Signature\n", server)
        self.assertIn("TLS Web Server Authentication", server)
        self.assertIn("TLS Web Client Authentication", self.text("pki/http_client.crt"))
        self.assertIn("prime256v1", server)

    def test_rsa(self):
        self.otter("certs", "--rsa", "--out", "pki")
        text = self.text("pki/http_server.crt")
        self.assertIn("Public-Key: (2048 bit)", text)
        self.assertIn("Digital Signature, Key Encipherment", text)
        self.assertTrue(self.verifies("sslserver", "http_server.crt"))

    def test_an_existing_ca_is_used_and_kept(self):
        self.otter("certs", "--out", "pki")
        ca = (self.folder / "pki/http_ca.key").read_bytes()
        server = (self.folder / "pki/http_server.key").read_bytes()
        self.refused(1, "has a CA already", "certs", "--out", "pki")
        self.otter("certs", "--client", "device-7", "--client", "device-8", "--days", "30", "--out", "pki")
        self.assertTrue(self.verifies("sslclient", "device-7.crt"))
        self.assertTrue(self.verifies("sslclient", "device-8.crt"))
        self.assertIn("Subject: CN = device-8", self.text("pki/device-8.crt"))
        self.assertEqual((self.folder / "pki/http_ca.key").read_bytes(), ca)
        self.assertEqual((self.folder / "pki/http_server.key").read_bytes(), server)
        self.otter("certs", "--server", "other.example", "--out", "pki")
        self.assertTrue(self.verifies("sslserver", "http_server.crt", "-verify_hostname", "other.example"))
        self.otter("certs", "--force", "--out", "pki")
        self.assertNotEqual((self.folder / "pki/http_ca.key").read_bytes(), ca)

    def test_serials_differ(self):
        self.otter("certs", "--out", "pki")
        serials = {run("openssl", "x509", "-in", "pki/" + name, "-noout", "-serial", cwd=self.folder).stdout
                   for name in SET if name.endswith(".crt")}
        self.assertEqual(len(serials), 3)

    def test_refusals(self):
        self.otter("certs", "--out", "pki")
        self.refused(2, "--server 'https://x' is neither", "certs", "--server", "https://x", "--out", "pki")
        self.refused(2, "cannot be a name", "certs", "--client", "../evil", "--out", "pki")
        self.refused(2, "cannot be a name", "certs", "--client", "http_ca", "--out", "pki")
        self.refused(2, "cannot be a name", "certs", "--client", "x" * 65, "--out", "pki")
        self.refused(2, "--days", "certs", "--days", "-1", "--out", "pki")
        (self.folder / "pki/http_ca.key").write_text("garbage")
        self.refused(1, "is no PEM private key", "certs", "--client", "a", "--out", "pki")
        shutil.copy(self.folder / "pki/http_client.key", self.folder / "pki/http_ca.key")
        self.refused(1, "is not the CA certificate of", "certs", "--client", "a", "--out", "pki")
        self.assertEqual(self.files("pki"), SET)


class CertString(Folder):
    def test_output_is_that_of_the_replaced_script(self):
        (self.folder / "a.crt").write_bytes(b"-----BEGIN X-----\nAAAA\n-----END X-----\n")
        (self.folder / "b.key").write_bytes(b"-----BEGIN Y-----\r\nBB==\r\n-----END Y-----")
        expected = ("String format of a.crt file:\n"
                    "\"-----BEGIN X-----\\n\"\\\n\"AAAA\\n\"\\\n\"-----END X-----\\n\"\n\n"
                    "String format of b.key file:\n"
                    "\"-----BEGIN Y-----\\n\"\\\n\"BB==\\n\"\\\n\"-----END Y-----\\n\"\n\n")
        self.assertEqual(self.otter("cert-string", "a.crt", "b.key").stdout.decode(), expected)

    def test_a_c_compiler_reads_it_back(self):
        self.otter("certs", "--out", ".")
        text = self.otter("cert-string", "http_ca.crt").stdout.decode().split("\n", 1)[1]
        program = "#include <stdio.h>\nint main(void)\n{\n    fputs(" + text.strip() + ", stdout);\n    return 0;\n}\n"
        (self.folder / "show.c").write_text(program)
        run(os.environ.get("CC", "cc"), "-o", "show", "show.c", cwd=self.folder)
        shown = subprocess.run([self.folder / "show"], capture_output=True, check=True).stdout
        self.assertEqual(shown, (self.folder / "http_ca.crt").read_bytes())

    def test_a_closed_output_is_an_error_and_no_other_file(self):
        self.otter("certs", "--out", ".")
        done = subprocess.run(["sh", "-c", '"$0" cert-string http_ca.crt >&-', OTTER], cwd=self.folder, capture_output=True,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot write", done.stderr)

    def test_refusals(self):
        (self.folder / "a.txt").write_text("x")
        (self.folder / "a.pem").write_text("x")
        (self.folder / "good.pem").write_text("-----BEGIN X-----\n")
        self.refused(2, "ends in .crt, .pem or .key", "cert-string", "good.pem", "a.txt")
        self.refused(1, "is not PEM", "cert-string", "good.pem", "a.pem")
        self.refused(1, "No such file", "cert-string", "good.pem", "b.pem")
        self.refused(2, "is needed", "cert-string")


if __name__ == "__main__":
    unittest.main()
