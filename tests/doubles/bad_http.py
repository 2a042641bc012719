#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A misbehaving HTTP server for tests, on 127.0.0.1 only.

Prints one line "PORT OTHER_PORT TLS_PORT CA_FILE" and serves until its standard input ends, so that
it never outlives the test that started it. The ports are two origins and an https one.

The path says how to misbehave: /TEST/MODE/ARGUMENT.../SIZE. TEST is any word; counters belong to the
pair (TEST, MODE), so that tests do not disturb each other. The content of SIZE bytes is the byte
(i ^ (i >> 8) * 7) & 255 at each position i.
"""
import collections
import email.utils
import hashlib
import json
import os
import re
import shutil
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time

counters = collections.Counter()
counters_lock = threading.Lock()
ports = {}


def content(size):
    block = bytes((i ^ (i >> 8) * 7) & 255 for i in range(65536))
    whole = block * (size // 65536 + 1)
    return whole[:size]


def count(key):
    with counters_lock:
        counters[key] += 1
        return counters[key]


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            while self.one_request():
                pass
        except (ConnectionError, ssl.SSLError, TimeoutError, ValueError):
            pass

    # reading

    def one_request(self):
        line = self.rfile.readline(65536).decode("latin-1")
        if not line.strip():
            return False
        self.method, self.target, _ = line.split()
        self.headers = []
        while True:
            line = self.rfile.readline(65536).decode("latin-1").rstrip("\r\n")
            if not line:
                break
            name, _, value = line.partition(":")
            self.headers.append((name.strip().lower(), value.strip()))
        self.fields = dict(self.headers)
        # As a proxy it answers for every host.
        path = re.sub("^http://[^/]*", "", self.target)
        self.words = path.split("?")[0].strip("/").split("/")
        self.key = "/".join(self.words[:2])
        if self.words == ["v2"]:
            return self.answer(200)
        mode = getattr(self, "mode_" + self.words[1].replace("-", "_"), None)
        if mode is None:
            return self.answer(404, b"no such mode\n")
        return mode(*self.words[2:])

    def body(self):
        length = int(self.fields.get("content-length", "0"))
        return self.rfile.read(length)

    # writing

    def head(self, status, fields):
        lines = ["HTTP/1.1 %d X" % status] + ["%s: %s" % f for f in fields]
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def answer(self, status, text=b"", fields=()):
        fields = list(fields)
        if status == 204:  # has no body, and would be taken for the next answer
            self.head(status, fields)
            self.wfile.flush()
            return True
        if not any(f[0].lower() == "content-length" for f in fields):
            fields.append(("Content-Length", len(text)))
        self.head(status, fields)
        if self.method != "HEAD":
            self.wfile.write(text)
        self.wfile.flush()
        return True

    def cut(self):
        self.wfile.flush()
        return False

    def range_start(self, size, etag):
        """Where the wanted range begins, None for the whole, -1 for a range that is not there."""
        text = self.fields.get("range", "")
        if not text.startswith("bytes=") or not text.endswith("-"):
            return None
        if "if-range" in self.fields and (self.fields["if-range"] != etag or not etag.startswith('"')):
            return None
        start = int(text[6:-1])
        return start if start < size else -1

    def serve(self, data, etag='"one"', limit=None, ranges=True, extra=()):
        """Data as a careful server sends it; `limit` cuts the connection after so many bytes."""
        size = len(data)
        start = self.range_start(size, etag) if ranges else None
        fields = [("ETag", etag)] if etag else []
        fields += list(extra)
        if start == -1:
            return self.answer(416, b"", [("Content-Range", "bytes */%d" % size)])
        if start is None:
            start, status = 0, 200
        else:
            status = 206
            fields.append(("Content-Range", "bytes %d-%d/%d" % (start, size - 1, size)))
        self.head(status, fields + [("Content-Length", size - start)])
        if self.method == "HEAD":
            return True
        part = data[start:]
        if limit is not None and limit < len(part):
            self.wfile.write(part[:limit])
            return self.cut()
        self.wfile.write(part)
        self.wfile.flush()
        return True

    # modes

    def mode_plain(self, size):
        count(self.key)
        return self.serve(content(int(size)))

    def mode_count(self, *_):
        """How often /TEST/MODE was asked for: /TEST/count/MODE."""
        key = self.words[0] + "/" + self.words[2]
        return self.answer(200, b"%d" % counters[key])

    def mode_norange(self, size):
        return self.serve(content(int(size)), ranges=False)

    def mode_cut(self, limit, size):
        """Each answer stops after `limit` bytes."""
        count(self.key)
        return self.serve(content(int(size)), limit=int(limit))

    def mode_cut_norange(self, limit, size):
        """The first answer stops, ranges are ignored."""
        first = count(self.key) == 1
        return self.serve(content(int(size)), limit=int(limit) if first else None, ranges=False)

    def mode_unannounced(self, limit, size):
        """No length and no chunks: the end of the connection is the end. The first ends early."""
        data = content(int(size))
        start = self.range_start(len(data), '"one"') or 0
        first = count(self.key) == 1
        fields = [("ETag", '"one"'), ("Connection", "close")]
        if start > 0:
            fields.append(("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data))))
        self.head(206 if start > 0 else 200, fields)
        self.wfile.write(data[start:start + int(limit)] if first else data[start:])
        return self.cut()

    def mode_changed(self, limit, size):
        """The first answer stops, and then the file is another one."""
        n = count(self.key)
        data = content(int(size))
        if n == 1:
            return self.serve(bytes(len(data)), etag='"old"', limit=int(limit))
        return self.serve(data, etag='"new"')

    def mode_weak(self, limit, size):
        """The first answer stops; the ETag is weak, which is not good for If-Range."""
        first = count(self.key) == 1
        if "if-range" in self.fields:
            return self.answer(400, b"If-Range with a weak tag\n")
        return self.serve(content(int(size)), etag='W/"one"', limit=int(limit) if first else None)

    def mode_liar_if_range(self, limit, size):
        """As changed, but If-Range is ignored and the new ETag told."""
        n = count(self.key)
        data = content(int(size))
        if n == 1:
            return self.serve(bytes(len(data)), etag='"old"', limit=int(limit))
        self.fields.pop("if-range", None)
        return self.serve(data, etag='"new"')

    def mode_wrong(self, size):
        count(self.key)
        return self.serve(bytes(int(size)))

    def mode_longer(self, size):
        return self.serve(content(int(size) + 10))

    def mode_shorter(self, size):
        return self.serve(content(int(size) - 10))

    def mode_understated(self, size):
        """Announces less than it sends."""
        data = content(int(size))
        self.head(200, [("Content-Length", len(data) - 10), ("Connection", "close")])
        self.wfile.write(data)
        self.wfile.flush()
        return False

    def mode_overstated(self, size):
        """Announces the right length and sends less, each time."""
        count(self.key)
        data = content(int(size))
        self.head(200, [("Content-Length", len(data))])
        self.wfile.write(data[:10])
        return self.cut()

    def mode_endless(self, *_):
        self.head(200, [("Connection", "close")])
        while True:
            self.wfile.write(bytes(65536))

    def mode_endless_refusal(self, status):
        self.head(int(status), [("Connection", "close")])
        while True:
            self.wfile.write(bytes(65536))

    def mode_chunked(self, size):
        """No Content-Length at all."""
        self.head(200, [("Transfer-Encoding", "chunked")])
        data = content(int(size))
        for i in range(0, len(data), 10000):
            piece = data[i:i + 10000]
            self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        return True

    def mode_status(self, status, *_):
        count(self.key)
        self.body()
        return self.answer(int(status), b"an explanation\n")

    def mode_flaky(self, status, times, retry_after, size):
        """`status` for the first `times` requests; Retry-After none, a number, or date+N."""
        n = count(self.key)
        self.body()
        if n > int(times):
            return self.serve(content(int(size)))
        fields = []
        if retry_after.startswith("date+"):
            now = time.time()
            fields.append(("Date", email.utils.formatdate(now, usegmt=True)))
            fields.append(("Retry-After",
                           email.utils.formatdate(now + int(retry_after[5:]), usegmt=True)))
        elif retry_after != "none":
            fields.append(("Retry-After", retry_after))
        return self.answer(int(status), b"not now\n", fields)

    def mode_flaky_cut(self, times, size):
        """Closes without an answer for the first `times` requests."""
        if count(self.key) > int(times):
            return self.serve(content(int(size)))
        return self.cut()

    def mode_always416(self, size):
        count(self.key)
        if "range" in self.fields:
            return self.answer(416)
        return self.serve(content(int(size)))

    def mode_badrange(self, size):
        """Answers a range with another one."""
        count(self.key)
        data = content(int(size))
        if "range" not in self.fields:
            return self.serve(data)
        return self.answer(206, data[:100], [("Content-Range", "bytes 0-99/%d" % len(data))])

    def mode_unasked206(self, size):
        data = content(int(size))
        return self.answer(206, data, [("Content-Range",
                                        "bytes 0-%d/%d" % (len(data) - 1, len(data)))])

    def mode_smallranges(self, size):
        """Sends at most 100,000 bytes for a range, complete."""
        data = content(int(size))
        count(self.key)
        start = self.range_start(len(data), '"one"')
        if start is None:
            return self.serve(data, limit=100000)
        part = data[start:start + 100000]
        return self.answer(206, part, [("Content-Range", "bytes %d-%d/%d" % (
            start, start + len(part) - 1, len(data)))])

    def mode_drip(self, size):
        """Slowly, 200,000 bytes a second, with ranges."""
        count(self.key)
        data = content(int(size))
        start = self.range_start(len(data), '"one"')
        if start is None:
            start = 0
            self.head(200, [("Content-Length", len(data)), ("ETag", '"one"')])
        else:
            self.head(206, [("Content-Length", len(data) - start), ("ETag", '"one"'),
                            ("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1,
                                                                  len(data)))])
        for i in range(start, len(data), 1000):
            self.wfile.write(data[i:i + 1000])
            self.wfile.flush()
            time.sleep(0.005)
        return True

    def mode_stall(self, times, size):
        """The head and some bytes, then nothing until the client gives up, for the first `times`
        requests."""
        data = content(int(size))
        if count(self.key) > int(times):
            return self.serve(data)
        self.head(200, [("Content-Length", len(data)), ("ETag", '"one"')])
        self.wfile.write(data[:10])
        self.wfile.flush()
        self.rfile.read(1)
        return False

    def mode_garbage(self, *_):
        self.wfile.write(b"220 mail.example ESMTP\r\n\r\n")
        self.wfile.flush()
        return False

    def mode_manyheaders(self, *_):
        return self.answer(200, b"", [("X-%d" % i, "v") for i in range(1000)])

    def mode_challenge(self, *_):
        return self.answer(401, b"{}", [("WWW-Authenticate", "Basic realm=\"a\""),
                                        ("www-authenticate", "Bearer realm=\"b\"")])

    def mode_redirect(self, status, times, *rest):
        """`times` redirects, each to itself with one fewer, then to the mode that follows."""
        count(self.key)
        self.body()
        left = int(times) - 1
        words = ["redirect", status, str(left)] if left > 0 else []
        return self.answer(int(status), b"moved\n", [
            ("Location", "/" + "/".join([self.words[0]] + words + list(rest)))])

    def mode_page(self, status, size, *rest):
        """A redirect to the mode that follows, with a page of `size` bytes, or an endless one."""
        count(self.key)
        self.body()
        where = ("Location", "/" + "/".join([self.words[0]] + list(rest)))
        if size != "endless":
            return self.answer(int(status), b"<p>moved</p>"[:int(size)].ljust(int(size)), [where])
        self.head(int(status), [where, ("Connection", "close")])
        while True:
            self.wfile.write(bytes(65536))

    def mode_loop(self, *_):
        count(self.key)
        return self.answer(302, b"moved\n", [("Location", self.target)])

    def mode_to(self, status, origin, *rest):
        """Redirects to the same path on another origin: main, other, tls; or to a bad place."""
        self.body()
        path = "/" + "/".join([self.words[0]] + list(rest))
        places = {
            "main": "http://127.0.0.1:%d" % ports["main"] + path,
            "other": "http://127.0.0.1:%d" % ports["other"] + path,
            "tls": "https://127.0.0.1:%d" % ports["tls"] + path,
            "file": "file:///etc/hostname",
            "ftp": "ftp://127.0.0.1/x",
            "user": "http://user:pass@127.0.0.1:%d" % ports["main"] + path,
            "nowhere": None,
            "malformed": "http://[",
            # Names and addresses of this machine, and what only a proxy reaches.
            "inside": "http://inside.localhost:%d" % ports["main"] + path,
            "zero": "http://0.0.0.0:%d" % ports["main"] + path,
            "mapped": "http://[::ffff:127.0.0.1]:%d" % ports["main"] + path,
            "elsewhere": "http://elsewhere.example" + path,
        }
        place = places[origin]
        return self.answer(int(status), b"moved\n", [("Location", place)] if place else [])

    def mode_echo(self, *_):
        """What was asked, as JSON."""
        n = count(self.key)
        body = self.body()
        text = json.dumps({
            "count": n,
            "method": self.method,
            "target": self.target,
            "headers": self.headers,
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }).encode()
        return self.answer(200, text, [("X-Echo", "yes")])

    def mode_blob(self, size, *_):
        """As a registry: /v2/blob/SIZE/blobs/DIGEST, the same content for every digest."""
        count(self.key)
        return self.serve(content(int(size)))

    def mode_locations(self, kind):
        """202 with a Location, as an upload session has it."""
        self.body()
        where = {"relative": "next?state=1", "rooted": "/up/next",
                 "absolute": "http://127.0.0.1:%d/up/next" % ports["other"]}
        return self.answer(202, b"", [("Location", where[kind])])


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        if os.environ.get("BAD_HTTP_DEBUG"):
            super().handle_error(request, client_address)


class TlsServer(Server):
    context = None

    def finish_request(self, request, client_address):
        try:
            request = self.context.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return
        super().finish_request(request, client_address)


def make_certificate(directory):
    key, cert = os.path.join(directory, "key"), os.path.join(directory, "cert")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days",
                    "30", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                   check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return key, cert


def main():
    directory = tempfile.mkdtemp(prefix="bad_http.")
    try:
        key, cert = make_certificate(directory)
        servers = {"main": Server(("127.0.0.1", 0), Handler),
                   "other": Server(("127.0.0.1", 0), Handler),
                   "tls": TlsServer(("127.0.0.1", 0), Handler)}
        servers["tls"].context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        servers["tls"].context.load_cert_chain(cert, key)
        for name, server in servers.items():
            ports[name] = server.server_address[1]
            threading.Thread(target=server.serve_forever, daemon=True).start()
        print(ports["main"], ports["other"], ports["tls"], cert, flush=True)
        while sys.stdin.buffer.read(4096):
            pass
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
