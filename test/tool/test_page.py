# SPDX-License-Identifier: Apache-2.0
"""test_page.py - the page of `otter serve`: who sees it, who may halt, and that what devices say stays text."""
import html.parser
import http.client
import json
import re
import time
import unittest
import urllib.parse

from fleet_server import FleetServer

EVIL = "<script>alert(1)</script>\"'&"


class Browser:
    """One visitor with a cookie jar of one cookie."""

    def __init__(self, port):
        self.port, self.cookie = port, None

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        if self.cookie:
            headers["Cookie"] = self.cookie
        connection.request(method, path, body, {key.replace("_", "-"): value for key, value in headers.items()})
        answer = connection.getresponse()
        self.headers = {key.lower(): value for key, value in answer.getheaders()}
        self.text = answer.read().decode()
        connection.close()
        if "set-cookie" in self.headers:
            self.cookie = self.headers["set-cookie"].split(";")[0]
        return answer.status

    def form(self, path, **fields):
        return self.request("POST", path, urllib.parse.urlencode(fields), Content_Type="application/x-www-form-urlencoded")

    def sign_in(self, name="ada", password="correct horse"):
        return self.form("/sign-in", name=name, password=password)

    def csrf(self):
        return re.search(r'<meta name="otter-csrf" content="([^"]+)"', self.text).group(1)


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.scripts, self.handlers, self.wrong = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "link", "input", "line", "rect"):
            self.open.append(tag)
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_endtag(self, tag):
        if tag not in ("line", "rect", "meta", "link", "input") and (not self.open or self.open.pop() != tag):
            self.wrong.append(tag)


class Page(FleetServer):
    def operator(self, name="ada", password="correct horse"):
        (self.folder / "password").write_text(password + "\n")
        self.otter("serve", "operator", "add", name, "--database", self.database, "--password-file", "password")

    def signed_job(self, rollout="10%"):
        (self.www / "ota_update.json").unlink()
        self.otter("keygen", "--type", "ecdsa-p256", "image.pem")
        self.otter("keygen", "--type", "ecdsa-p256", "job.pem")
        self.otter("device", "app", "--version", "1.1.0", "-o", "app.bin")
        self.otter("sign", "--key", "image.pem", "--version", "1.1.0", "app.bin", "signed.bin")
        self.otter("publish", "--image", "signed.bin", "--folder", "www", "--job-key", "job.pem", "--board", "kit",
                   "--rollout", rollout)

    def check_markup(self, text):
        tags = Tags(text)
        self.assertEqual((tags.wrong, tags.open), ([], []))
        self.assertEqual((tags.scripts, tags.handlers), (["/page/live.js"], []))

    def test_empty_it_says_what_to_do_first(self):
        visitor = Browser(self.serve().port)
        self.assertEqual(visitor.request("GET", "/"), 200)
        self.assertIn("otter device enrol", visitor.text)
        self.check_markup(visitor.text)
        self.assertIn("default-src 'none'", visitor.headers["content-security-policy"])
        for path in ("/devices", "/rollouts", "/sign-in"):
            self.assertEqual(visitor.request("GET", path), 200)
            self.check_markup(visitor.text)
        self.assertEqual(visitor.request("GET", "/devices/nobody"), 404)
        self.assertEqual(visitor.request("HEAD", "/"), 200)
        self.assertEqual(visitor.text, "")

    def test_what_devices_say_stays_text(self):
        server = self.serve("--open-reports")
        device = self.device(server, EVIL, None)
        self.assertEqual(device.report(1, "reverted", reason=EVIL, to=EVIL, board=EVIL, **{"from": EVIL}), 204)
        visitor = Browser(server.port)
        for path in ("/", "/devices", "/devices/" + urllib.parse.quote(EVIL, safe=""), "/devices?q=" + urllib.parse.quote(EVIL),
                     "/devices?state=reverted&version=" + urllib.parse.quote(EVIL), "/rollouts"):
            self.assertEqual(visitor.request("GET", path), 200, path)
            self.check_markup(visitor.text)
            self.assertNotIn("<script>alert", visitor.text, path)
        self.assertEqual(visitor.request("GET", "/api/devices"), 200)
        self.assertEqual(json.loads(visitor.text)["devices"][0]["device"], EVIL)
        self.assertEqual(visitor.headers["content-type"], "application/json")

    def test_by_patch_or_by_image(self):
        tokens = self.enrol("a", "b", "c")
        server = self.serve()
        for number, (name, via, count) in enumerate((("a", "delta", 300), ("b", "delta", 500), ("c", "image", 90000))):
            self.assertEqual(self.device(server, name, tokens[name]).report(number, "installing", via=via, bytes=count), 204)
        self.assertEqual(self.device(server, "c", tokens["c"]).report(9, "confirmed", via="<b>", bytes=0), 204)
        browser = Browser(server.port)
        self.wait_for(lambda: browser.request("GET", "/api/summary") == 200 and json.loads(browser.text)["deltas"] == 2)
        said = json.loads(browser.text)
        self.assertEqual([said[key] for key in ("delta_bytes", "images", "image_bytes")], [800, 1, 90000])
        browser.request("GET", "/")
        self.assertIn("2 downloads by patch, 400 bytes each; 1 by whole image, 90,000 bytes each: 0.2 MB saved", browser.text)
        browser.request("GET", "/devices/a")
        self.assertIn('<td data-label="Via">delta</td>', browser.text)
        browser.request("GET", "/devices/c")
        self.assertIn('<td data-label="Via">&lt;b&gt;</td>', browser.text)
        browser.request("GET", "/api/devices/c")
        self.assertEqual([report["via"] for report in json.loads(browser.text)["reports"]], ["<b>", "image"])

    def test_pages_of_fifty_in_order(self):
        names = [f"d{i:03}" for i in range(120)]
        self.enrol(*names)
        visitor = Browser(self.serve().port)
        seen, path = [], "/devices"
        while path:
            visitor.request("GET", path)
            seen += re.findall(r'<a href="/devices/([^"]+)">', visitor.text)
            found = re.search(r'<a href="(/devices[^"]+)" rel="next">', visitor.text)
            path = found.group(1).replace("&amp;", "&") if found else None
        self.assertEqual(seen, names)
        visitor.request("GET", "/devices?q=d11")
        self.assertEqual(re.findall(r'<a href="/devices/([^"]+)">', visitor.text), names[110:])
        visitor.request("GET", "/api/devices?limit=7&after=d002")
        answer = json.loads(visitor.text)
        self.assertEqual([one["device"] for one in answer["devices"]], names[3:10])
        self.assertEqual(answer["next"], "d009")

    def test_with_an_operator_only_the_signed_in_see_it(self):
        self.operator()
        visitor = Browser(self.serve().port)
        self.assertEqual(visitor.request("GET", "/"), 303)
        self.assertEqual(visitor.headers["location"], "/sign-in")
        for path in ("/api/summary", "/api/devices", "/api/events", "/api/devices/x"):
            self.assertEqual(visitor.request("GET", path), 401)
        self.assertEqual(visitor.sign_in(password="wrong"), 403)
        self.assertEqual(visitor.sign_in(name="nobody"), 403)
        self.assertIsNone(visitor.cookie)
        self.assertEqual(visitor.sign_in(), 303)
        for word in ("HttpOnly", "SameSite=Strict"):
            self.assertIn(word, visitor.headers["set-cookie"])
        token = visitor.cookie.split("=", 1)[1]
        self.assertEqual(self.rows("SELECT COUNT(*) FROM sessions WHERE hash LIKE '%" + token[:20] + "%'"), [(0,)])
        self.assertEqual(visitor.request("GET", "/"), 200)
        old = visitor.cookie
        self.assertEqual(visitor.form("/sign-out", csrf="x"), 401)
        self.assertEqual(visitor.request("GET", "/"), 200)
        self.assertEqual(visitor.form("/sign-out", csrf=visitor.csrf()), 303)
        visitor.cookie = old
        self.assertEqual(visitor.request("GET", "/"), 303)

    def test_a_password_cannot_be_tried_for_ever(self):
        self.operator()
        visitor = Browser(self.serve().port)
        answers = [visitor.sign_in(password=f"wrong {i}") for i in range(14)]
        self.assertEqual(answers[:5], [403] * 5)
        self.assertIn(429, answers)

    def test_nobody_from_elsewhere_while_there_is_no_operator(self):
        visitor = Browser(self.serve("--behind-proxy").port)
        self.assertEqual(visitor.request("GET", "/", X_Forwarded_For="203.0.113.9"), 403)
        self.assertIn("operator add", visitor.text)
        self.assertEqual(visitor.request("GET", "/api/summary", X_Forwarded_For="203.0.113.9"), 403)
        for host, status in (("localhost", 200), ("127.0.0.1:1", 200), ("[::1]:1", 200), ("evil.example", 403), ("localhost.evil.example", 403)):
            self.assertEqual(visitor.request("GET", "/api/summary", Host=host), status, host)

    def test_halt_raise_resume(self):
        self.signed_job()
        self.operator()
        server = self.serve("--job-key", "job.pem")
        visitor = Browser(server.port)
        visitor.sign_in()

        def job():
            visitor.request("GET", "/api/summary")
            return json.loads(visitor.text)["job"]

        self.wait_for(lambda: job() and job()["permille"] == 100)
        visitor.request("GET", "/")
        csrf = visitor.csrf()
        self.check_markup(visitor.text)
        self.assertEqual(visitor.form("/rollouts", action="halt"), 401)
        self.assertEqual(visitor.form("/rollouts", action="halt", csrf=csrf[:-1] + "-"), 401)
        stranger = Browser(server.port)
        self.assertEqual(stranger.form("/rollouts", action="halt", csrf=csrf), 401)
        self.assertFalse(job()["halted"])
        self.assertEqual(visitor.form("/rollouts", action="halt", csrf=csrf), 303)
        self.wait_for(lambda: job()["halted"])
        visitor.request("GET", "/")
        self.assertIn("Halted.", visitor.text)
        self.assertEqual(visitor.form("/rollouts", action="resume", csrf=csrf), 303)
        self.wait_for(lambda: not job()["halted"])
        self.assertEqual(visitor.request("POST", "/api/rollout", '{"action":"raise","permille":255}', X_Otter_Csrf=csrf), 200)
        self.wait_for(lambda: job()["permille"] == 255)
        for percent in ("-1", "101", "1e1", "12.55", "100.1", "", "0x10", "12."):
            self.assertEqual(visitor.form("/rollouts", action="raise", percent=percent, csrf=csrf), 400, percent)
        self.assertEqual(visitor.form("/rollouts", action="raise", percent="12.5", csrf=csrf), 409)  # less than now
        for body in ("", "{}", "[]", '{"action":"raise"}', '{"action":"raise","permille":1001}', '{"action":"burn"}'):
            self.assertEqual(visitor.request("POST", "/api/rollout", body, X_Otter_Csrf=csrf), 400, body)
        visitor.request("GET", "/rollouts")
        self.assertEqual(re.findall(r'<td data-label="What">(\w+)</td>', visitor.text), ["raise", "resume", "halt", "publish"])
        self.assertIn('<td data-label="Who">ada</td>', visitor.text)

    def test_without_the_key_it_shows_the_command(self):
        self.signed_job()
        visitor = Browser(self.serve().port)
        self.wait_for(lambda: visitor.request("GET", "/") == 200 and "Rollout of 1.1.0" in visitor.text)
        self.assertIn("otter rollout halt --folder FOLDER --job-key JOB.pem", visitor.text)
        self.assertNotIn("<button", visitor.text)

    def test_changes_are_told_while_one_looks(self):
        server = self.serve("--open-reports")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", "/api/events")
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/event-stream"))

        def line():
            while not (text := answer.readline()).startswith(b"data:"):
                self.assertTrue(text)
            return json.loads(text[5:])

        self.assertEqual(line(), {"hello": True})
        time.sleep(1.5)
        device = self.device(server, "d1", None)
        self.assertEqual(device.report(1), 204)
        while line()["report"] == 0:
            pass
        begin = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - begin, 20)
        connection.close()


if __name__ == "__main__":
    unittest.main()
