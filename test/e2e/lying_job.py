# SPDX-License-Identifier: Apache-2.0
"""lying_job.py - job documents that lie, are broken, are for others, or are only odd."""
import json

from harness import IMAGE, JOB, case, check
from lying import completes, lied, never


def job(name, part="lying-job"):
    return case("lying/job-" + name, part)


def honest(connection, request):
    return connection.write(connection.honest(request))


def serve_text(text):
    """`text` in place of the job document."""
    def lie(connection, request):
        connection.server.files[JOB] = text
        return connection.write(connection.honest(request))
    return lie


BAD_TEXTS = {
    "empty": b"",
    "blank": b"  \r\n ",
    "not-json": b"<html><body>404</body></html>",
    "half": b'{"Version":"1.1.0","Board":"APP_CY8CPROTO_062S2',
    "text-only": b'"1.1.0"',
    "number-only": b"110",
    "array": b'["Version","1.1.0"]',
    "deep": b'{"Version":"1.1.0","X":' + b"[" * 400 + b"]" * 400 + b"}",
    "deep-objects": b'{"a":' * 100 + b"1" + b"}" * 100,
    "deep-unclosed": b"[" * 900,
    "many-keys": b"{" + b",".join(b'"k%d":0' % i for i in range(80)) + b"}",
    "too-long": b'{"Version":"1.1.0","Pad":"' + b"p" * 70000 + b'"}',
    "much-too-long": b'{"Version":"1.1.0","Pad":"' + b"p" * 3000000 + b'"}',
    "zero-byte": b'{"Version":"1.1.0",\0"File":"/app.bin"}',
    "single-quotes": b"{'Version':'1.1.0'}",
    "bare-words": b"{Version:1.1.0}",
    "utf16": '{"Version":"1.1.0"}'.encode("utf-16"),
    "bad-utf8": b'{"Version":"1.1.0","Board":"\xff\xfe"}',
    "control-in-string": b'{"Version":"1.1\n0"}',
    "bad-escape": b'{"Version":"1.1.0\\q"}',
}
for _name, _text in BAD_TEXTS.items():
    def bad_text(name=_name, text=_text):
        @job(name)
        def _(bench):
            lied(bench, serve_text(text), ["bad-job"], path=JOB)
    bad_text()


def edited(bench, edit):
    """The right job document as text, after `edit`."""
    return edit(bench.job(bench.kit.image("1.1.0", 60000)))


def bad_edit(name, edit):
    @job(name)
    def _(bench):
        lied(bench, serve_text(edited(bench, edit)), ["bad-job"], path=JOB)


def adding(text):
    return lambda right: right[:-1] + b"," + text + b"}"


bad_edit("duplicate-version", adding(b'"Version":"9.9.9"'))
bad_edit("duplicate-in-other-case", adding(b'"VERSION":"9.9.9"'))
bad_edit("duplicate-file", adding(b'"File":"/other.bin"'))
bad_edit("trailing-junk", lambda right: right + b"x")
bad_edit("two-documents", lambda right: right + right)
bad_edit("trailing-comma", lambda right: right[:-1] + b",}")

# Values that are of the wrong type or make no sense.
BAD_VALUES = {
    "version-number": {"Version": 1.1}, "version-null": {"Version": [None]}, "version-object": {"Version": {"a": 1}},
    "version-missing": {"Version": None}, "version-empty": {"Version": ""}, "version-junk": {"Version": "1.1.0junk"},
    "version-text": {"Version": "newest"}, "version-too-big": {"Version": "1.256.0"},
    "version-huge": {"Version": "99999999999.0.0"}, "version-negative": {"Version": "1.-1.0"},
    "version-space": {"Version": " 1.1.0"}, "version-four": {"Version": "1.1.0.0.0"},
    "version-trailing-dot": {"Version": "1.1.0."}, "version-long": {"Version": "1.1." + "0" * 300},
    "board-number": {"Board": 7}, "board-array": {"Board": ["APP_CY8CPROTO_062S2_43439"]},
    "file-number": {"File": 5}, "file-missing": {"File": None}, "file-empty": {"File": ""},
    "file-long": {"File": "/" + "f" * 600}, "file-space": {"File": "/app.bin HTTP/1.1"},
    "file-newline": {"File": "/app.bin\r\nX-Evil: 1"}, "file-control": {"File": "/a\u0001"},
    "size-text": {"Size": "large"}, "size-negative": {"Size": -5}, "size-fraction": {"Size": 60000.5},
    "size-huge": {"Size": 2**64 + 60000}, "size-array": {"Size": [1]},
    "digest-short": {"SHA256": "abcd"}, "digest-not-hex": {"SHA256": "z" * 64}, "digest-number": {"SHA256": 5},
    "port-text": {"Port": "https"}, "port-zero": {"Port": "0x1bb"}, "port-large": {"Port": 65536},
    "port-negative": {"Port": -1}, "port-object": {"Port": {}}, "server-number": {"Server": 127},
    "server-space": {"Server": "127.0.0.1 "}, "connection-unknown": {"Connection": "GOPHER"},
    "connection-mqtt": {"Connection": "MQTT"}, "connection-number": {"Connection": 1},
}
UNUSABLE = {"server-space", "connection-mqtt", "connection-unknown"}  # a good document that names what may not be
for _name, _changes in BAD_VALUES.items():
    def bad_value(name=_name, changes=_changes):
        @job(name)
        def _(bench):
            text = bench.job(bench.kit.image("1.1.0", 60000), **changes)
            lied(bench, serve_text(text), ["forbidden" if name in UNUSABLE else "bad-job"], path=JOB)
    bad_value()


# Not for this device, or nothing new.

def not_taken(name, expect, options=(), **changes):
    @job(name)
    def _(bench):
        image = bench.kit.image("1.1.0", 60000)
        fetched = never(bench, expect, bench.job(image, **changes), image, options)
        check(fetched == 0, "the image was fetched")


not_taken("other-board", "not-for-us", Board="APP_CY8CPROTO_062_4343W")
not_taken("board-prefix", "not-for-us", Board="APP_CY8CPROTO_062S2")
not_taken("board-other-case", "not-for-us", Board="app_cy8cproto_062s2_43439")
not_taken("other-product", "not-for-us", ["--product", "PSoC 6"], Product="XMC7200")
not_taken("product-missing", "not-for-us", ["--product", "PSoC 6"], Product=None)
not_taken("other-manufacturer", "not-for-us", ["--manufacturer", "Infineon"], Manufacturer="Other")
not_taken("other-serial", "not-for-us", ["--serial", "ABC213450001"], SerialNumber="ABC213450002")
not_taken("equal-version", "current", Version="1.0.0")
not_taken("older-version", "older", Version="0.9.9")
not_taken("older-revision", "older", Version="0.255.65535")
not_taken("plain-connection", "forbidden", Connection="HTTP")
not_taken("plain-connection-lower", "forbidden", Connection="http")
not_taken("other-host", "forbidden", Server="localhost")
not_taken("other-host-suffix", "forbidden", Server="127.0.0.1.example.invalid")


@job("other-host-on-other-port")
def _(bench):
    """The other server is there and would serve: it is not even connected to."""
    image = bench.kit.image("1.1.0", 60000)
    other = bench.serve(image)
    never(bench, "forbidden", bench.job(image, Server="localhost", Port=str(other.port)), image)
    check(other.connections == 0, "the other host was connected to")


# What is odd but fine.

def taken(name, options=(), edit=None, **changes):
    @job(name)
    def _(bench):
        image = bench.kit.image("1.1.0", 60000)
        text = bench.job(image, **changes)
        completes(bench, honest, image=image, job=edit(text) if edit else text, options=options)


taken("identity-matches", ["--product", "PSoC 6", "--manufacturer", "Infineon", "--serial", "ABC213450001"])
taken("identity-not-configured", Product="Something", Manufacturer="Else", SerialNumber="X")
taken("unknown-keys", Colour="blue", Nested={"a": [1, {"b": None}]}, Flag=True)
taken("no-size-no-digest", Size=None, SHA256=None)
taken("size-zero", Size=0)
taken("size-as-text", edit=lambda t: json.dumps({k: str(v) if k == "Size" else v
                                                 for k, v in json.loads(t).items()}).encode())
taken("keys-upper", edit=lambda t: json.dumps({k.upper(): v for k, v in json.loads(t).items()}).encode())
taken("keys-lower", edit=lambda t: json.dumps({k.lower(): v for k, v in json.loads(t).items()}).encode())
taken("pretty", edit=lambda t: json.dumps(json.loads(t), indent=8).replace("\n", "\r\n").encode())
taken("escapes", edit=lambda t: t.replace(b"/app.bin", b"\\/\\u0061pp.bin"))
taken("server-empty", Server="", Port="", Connection="HTTPS")
taken("digest-upper", edit=lambda t: json.dumps({k: v.upper() if k == "SHA256" else v
                                                 for k, v in json.loads(t).items()}).encode())


def with_port(name, form):
    @job(name)
    def _(bench):
        """The image lies on another port of the same host."""
        image = bench.kit.image("1.1.0", 60000)
        other = bench.serve(image)
        text = bench.job(image, Server="127.0.0.1", Port=form(other.port), Connection="HTTPS")
        server, _ = completes(bench, honest, image=image, job=text)
        check(other.requests(IMAGE) and not server.requests(IMAGE), "the image came from the wrong server")
    return name


with_port("port-as-string", str)
with_port("port-as-number", int)


@job("replaced-system-sample")
def _(bench):
    """The shipped sample of the replaced system, with its address and version filled in."""
    image = bench.kit.image("1.1.0", 60000)
    server_port = {}

    def lie(connection, request):
        server_port["n"] = connection.server.port
        text = json.dumps({
            "Message": "Update Available", "Manufacturer": "Infineon", "ManufacturerId": "ABC", "Product": "PSoC 6",
            "SerialNumber": "ABC213450001", "Board": "APP_CY8CPROTO_062S2_43439", "Version": "1.1.0",
            "Connection": "HTTPS", "Server": "127.0.0.1", "Port": str(connection.server.port),
            "File": "/mtb-example-ota-https.bin", "UniqueTopicName": "replace"}, indent=4).encode()
        connection.server.files[JOB] = text
        connection.server.files["/mtb-example-ota-https.bin"] = bench.kit.bytes(image)
        return connection.write(connection.honest(request))
    completes(bench, lie, path=JOB, image=image)


# The document is right, the image is not what it says.

def bad_image(name, make, digest=False, outcome="bad-image", **changes):
    """`make(bench)` gives the bytes served; the job describes them when `digest`, else the right image."""
    @job(name, "lying-job-image")
    def _(bench):
        image = bench.kit.image("1.1.0", 60000)
        data = make(bench, bytearray(bench.kit.bytes(image)))

        def lie(connection, request):
            connection.server.files[IMAGE] = bytes(data)
            return connection.write(connection.honest(request))
        text = None
        if digest:
            path = bench.folder + "/bad.bin"
            with open(path, "wb") as f:
                f.write(data)
            text = bench.job(path, **changes)
        elif changes:
            text = bench.job(image, **changes)
        lied(bench, lie, [outcome], image=image, job=text)


def flipped(at):
    def make(_bench, data):
        data[at] ^= 1
        return data
    return make


bad_image("image-bit-in-payload", flipped(30000))
bad_image("image-bit-in-payload-digest-right", flipped(30000), digest=True)
bad_image("image-bit-in-signature", flipped(-5), digest=True)
bad_image("image-bit-in-magic", flipped(0), digest=True)
bad_image("image-bit-in-version", flipped(20), digest=True)
bad_image("image-bit-in-size", flipped(14), digest=True)
bad_image("image-other-key", lambda b, _: b.kit.bytes(b.kit.image("1.1.0", 60000, key="stranger")), digest=True)
bad_image("image-zeros", lambda _b, data: bytes(len(data)), digest=True)
bad_image("image-erased", lambda _b, data: b"\xff" * len(data), digest=True)
bad_image("image-other-version", lambda b, _: b.kit.bytes(b.kit.image("1.1.5", 60000)),
          digest=True)
bad_image("image-older-inside", lambda b, _: b.kit.bytes(b.kit.image("0.9.0", 60000)),
          digest=True)
bad_image("image-digest-of-another", lambda _b, data: data, SHA256="00" * 32)
bad_image("image-trailing-bytes", lambda _b, data: data + b"\0" * 64, digest=True)
bad_image("image-for-another-address", lambda b, _: b.kit.bytes(b.kit.image("1.1.0", 60000, extra=("--rom-fixed", "0x10000000"))),
          digest=True, outcome="not-for-us")
bad_image("image-cut", lambda _b, data: data[:-40], digest=True)


@job("rejected-image", "lying-job-image")
def _(bench):
    """An image that hangs is reverted, and not downloaded again."""
    bad = bench.kit.image("1.1.0", 60000, behave="hang")
    server = bench.serve(bad)
    device = bench.device(server)
    primary = device.find_primary()
    device.start("outcome=rejected,count=3", timeout=40).finish(50)
    check(device.holds(primary, device.image), "the old image is not back")
    check(len(server.requests(IMAGE)) == 1, "the bad image was fetched %d times", len(server.requests(IMAGE)))
    good = bench.kit.image("1.2.0", 60000)
    server.files[IMAGE], server.files[JOB] = bench.kit.bytes(good), bench.job(good, "1.2.0")
    device.start("confirmed=1.2.0").finish()
    check(device.holds(primary, good), "the primary does not hold 1.2.0")
