#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""put.py - `otter publish --to` onto real servers: nginx with WebDAV, and an S3 server that checks signatures.

nginx runs with the two configurations that docs/own-server.md shows, one for publishers and one for
devices, over the same folder; devices' headers are looked at. The S3 server is moto from PyPI, told to
check who asks: it works out each request's signature with botocore, which is Amazon's own code for it.

Environment: OTTER, OTTER_CACHE. One line per case; the last is "N passed, N failed".
"""
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "images"), os.path.join(os.path.dirname(HERE), "e2e")]
from images import install  # noqa: E402
from vectors import Tally, run  # noqa: E402
from web import Skipped, free_port, program  # noqa: E402

MOTO = "moto[s3,iam,server]==5.1.4"
IMAGE_SIZE = 3 << 20  # more than a client sends without asking first


class Bench:
    def __init__(self, otter, folder):
        self.otter, self.folder = otter, folder
        self.processes = []
        for name in ("image", "job"):
            self.good("keygen", "--type", "ecdsa-p256", name + ".pem")
        with open(self.path("p.bin"), "wb") as file:
            file.write(os.urandom(IMAGE_SIZE))
        for version in ("1.0.0", "1.1.0"):
            self.good("sign", "--key", "image.pem", "--pad-header", "--version", version, "p.bin", "app-%s.bin" % version)
        self.good("certs", "--server", "127.0.0.1", "--out", "pki")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def run(self, *words, **environment):
        return subprocess.run([self.otter, *words], cwd=self.folder, env=dict(os.environ, **environment), capture_output=True,
                              text=True, check=False)

    def good(self, *words, **environment):
        done = self.run(*words, **environment)
        if done.returncode != 0:
            raise RuntimeError("otter %s: %s" % (" ".join(words), done.stderr.strip()))
        return done.stdout

    def publish(self, version, place, **environment):
        return self.run("publish", "--image", "app-%s.bin" % version, "--job-key", "job.pem", "--board", "B", "--rollout", "1%",
                        *place, **environment)

    def start(self, words, port, **environment):
        with open(self.path("server.log"), "ab") as log:
            self.processes.append(subprocess.Popen(words, cwd=self.folder, stdout=log, stderr=log, env=dict(os.environ, **environment)))
        for _ in range(400):
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
                return
            except OSError:
                time.sleep(0.05)
        with open(self.path("server.log"), encoding="utf-8", errors="replace") as log:
            raise RuntimeError("no server: %s" % log.read()[-500:])

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()


def story(tally, bench, name, place, look, **environment):
    """Publish, raise, halt, resume, publish the next; `look` gives what is there: {name: (size, headers)}."""
    first = bench.publish("1.0.0", place, **environment)
    tally.add(name + "/publish", first.returncode == 0, first.stderr.strip())
    for words in (["raise", "10%"], ["halt"], ["resume"], ["renew"]):
        done = bench.run("rollout", *words, "--job-key", "job.pem", *place, **environment)
        tally.add("%s/%s" % (name, words[0]), done.returncode == 0, done.stderr.strip())
    again = bench.publish("1.1.0", place, **environment)
    tally.add(name + "/publish-again", again.returncode == 0, again.stderr.strip())
    status = json.loads(bench.good("rollout", "status", "--json", "--job-key", "job.pem", *place, **environment))
    tally.add(name + "/status", (status["sequence"], status["version"], status["verified"]) == (6, "1.1.0", True), str(status))
    seen = look()
    images = [found for found in seen if found.endswith(".bin")]
    sizes = {os.path.getsize(bench.path("app-%s.bin" % version)) for version in ("1.0.0", "1.1.0")}
    tally.add(name + "/images-are-whole", len(images) == 2 and {seen[image][0] for image in images} == sizes, str(images))
    tally.add(name + "/images-may-be-kept", all("immutable" in seen[image][1] for image in images))
    tally.add(name + "/job-is-asked-for", seen["ota_update.jws"][1] == "no-cache", seen["ota_update.jws"][1])


def nginx_blocks():
    with open(os.path.join(ROOT, "docs", "own-server.md"), encoding="utf-8") as file:
        devices, publishers = re.findall(r"^```nginx\n(.*?)^```$", file.read(), re.M | re.S)
    return devices, publishers


NGINX = """daemon off;
master_process off;
%(user)s
pid %(folder)s/nginx.pid;
error_log %(folder)s/error.log;
events {}
http {
    access_log off;
    proxy_temp_path %(folder)s/t2;
    fastcgi_temp_path %(folder)s/t3;
    uwsgi_temp_path %(folder)s/t4;
    scgi_temp_path %(folder)s/t5;
    client_body_temp_path %(folder)s/t1;
    %(blocks)s
}
"""


def start_nginx(bench):
    """The blocks of the documentation, with paths and ports of this test. Returns (port for devices, for publishers)."""
    binary, ports = program("nginx"), (free_port(), free_port())
    os.makedirs(bench.path("srv"))
    hashed = run("openssl", "passwd", "-6", "correct horse").stdout.strip()
    bench.write("publishers", "anna:%s\n" % hashed)
    blocks = []
    for block, port, was in zip(nginx_blocks(), ports, ("443", "8444")):
        block = block.replace("listen %s ssl;" % was, "listen 127.0.0.1:%d ssl;" % port)
        block = block.replace("/etc/otter/publishers", bench.path("publishers")).replace("/etc/otter", bench.path("pki"))
        blocks.append(block.replace("/srv/ota-uploads", bench.path("uploads")).replace("/srv/ota;", bench.path("srv") + ";"))
    assert "443 ssl" not in "".join(blocks) and "8444" not in "".join(blocks)
    user = "user root root;" if os.geteuid() == 0 else ""
    config = bench.write("nginx.conf", NGINX % {"folder": bench.folder, "blocks": "\n".join(blocks), "user": user})
    bench.start([binary, "-p", bench.folder, "-e", bench.path("error.log"), "-c", config], ports[1])
    return ports


def check_nginx(tally, bench):
    devices, publishers = start_nginx(bench)
    bench.write("password", "correct horse\n")
    bench.write("wrong", "battery staple\n")
    base = ["--to", "https://127.0.0.1:%d/" % publishers, "--history", "nginx.jsonl", "--ca", "pki/http_ca.crt"]
    context = ssl.create_default_context(cafile=bench.path("pki", "http_ca.crt"))

    def look():
        seen = {}
        for name in os.listdir(bench.path("srv")):
            with urllib.request.urlopen("https://127.0.0.1:%d/%s" % (devices, name), context=context) as answer:
                seen[name] = (len(answer.read()), answer.headers["Cache-Control"])
        return seen
    for name, words in (("nobody", []), ("wrong-password", ["--user", "anna", "--password-file", "wrong"])):
        done = bench.publish("1.0.0", base + words)
        tally.add("nginx/%s-is-refused" % name, done.returncode == 1 and "status 401" in done.stderr and not os.listdir(bench.path("srv")),
                  done.stderr.strip())
    done = bench.publish("1.0.0", ["--to", "https://127.0.0.1:%d/" % devices, "--history", "no.jsonl", "--ca", "pki/http_ca.crt"])
    tally.add("nginx/devices-port-takes-nothing", done.returncode == 1 and "status 4" in done.stderr and not os.listdir(bench.path("srv")),
              done.stderr.strip())
    story(tally, bench, "nginx", base + ["--user", "anna", "--password-file", "password"], look)


MAKE_BUCKET = """
import boto3, json, sys
other = dict(endpoint_url=sys.argv[1], region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="y")
boto3.client("s3", **other).create_bucket(Bucket="ota", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
iam = boto3.client("iam", **other)
iam.create_user(UserName="anna")
key = iam.create_access_key(UserName="anna")["AccessKey"]
allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_user_policy(UserName="anna", PolicyName="all", PolicyDocument=json.dumps(allow))
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]))
"""
LOOK = """
import boto3, json, sys
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="eu-central-1")
seen = {}
for item in s3.list_objects_v2(Bucket="ota")["Contents"]:
    head = s3.head_object(Bucket="ota", Key=item["Key"])
    seen[item["Key"].rpartition("/")[2]] = (item["Size"], head["CacheControl"])
print(json.dumps(seen))
"""


def check_s3(tally, bench):
    programs, said = install(MOTO)
    tally.add("install/" + MOTO, programs is not None, said)
    if not programs:
        return
    port = free_port()
    url = "http://127.0.0.1:%d" % port
    # the first requests make the user; every later one must be signed by it
    bench.start([os.path.join(programs, "moto_server"), "-H", "127.0.0.1", "-p", str(port)], port, INITIAL_NO_AUTH_ACTION_COUNT="4")
    python = os.path.join(programs, "python")
    made = run(python, "-c", MAKE_BUCKET, url)
    if made.returncode != 0:
        raise RuntimeError(made.stderr.strip().splitlines()[-1])
    name, secret = json.loads(made.stdout)
    keys = {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": secret}
    place = ["--to", url + "/ota/products/x", "--history", "s3.jsonl", "--s3-region", "eu-central-1"]
    for case, wrong in (("another-secret", {"AWS_SECRET_ACCESS_KEY": "x" * 40}), ("another-user", {"AWS_ACCESS_KEY_ID": "AKIA" + "A" * 16})):
        done = bench.publish("1.0.0", place, **dict(keys, **wrong))
        tally.add("s3/%s-is-refused" % case, done.returncode == 1 and "status 403" in done.stderr, done.stderr.strip())
    done = bench.publish("1.0.0", place[:-2])
    tally.add("s3/unsigned-is-refused", done.returncode == 1 and "status" in done.stderr, done.stderr.strip())

    def look():
        done = subprocess.run([python, "-c", LOOK, url], env=dict(os.environ, **keys), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)
    story(tally, bench, "s3", place, look, **keys)


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="otter-interop-") as folder:
        bench = Bench(os.path.abspath(os.environ.get("OTTER", "build/host/otter")), folder)
        try:
            check_nginx(tally, bench)
        except Skipped as why:
            print("skip nginx: %s" % why)
        try:
            check_s3(tally, bench)
        finally:
            bench.stop()
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
