# SPDX-License-Identifier: MIT
"""Manners of real servers, by chance: a proxy on 127.0.0.1 before a server that is too polite.

    with RudeProxy("127.0.0.1:5000", seed) as rude:
        ... talk to rude.host ...
        rude.done       # what it did: {"403": 3, ...}

Each request is answered at last as the server behind it does; before that, by chance, it is refused
for a moment, redirected with a page, cut off, done without an answer, or what was written is not
seen yet. The seed decides, so that a run can be repeated: print it.
"""
import collections
import http.client
import os
import random
import socket
import struct
import time

from oci_registry import Handler, Service

PAGE = b"<!DOCTYPE html>\n<html><body>wait, or go elsewhere</body></html>\n"
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


def seed_of(name):
    """The seed of a run, which is printed: from DISTRIBUTOR_TEST_SEED, else by chance."""
    seed = int(os.environ.get("DISTRIBUTOR_TEST_SEED") or time.time_ns() % 10**6)
    print(f"# {name}: DISTRIBUTOR_TEST_SEED={seed}", flush=True)
    return seed


class RudeProxy(Service):
    """`head`: HEAD is always answered 405 ("none"), by storage that refuses it ("storage") or with a
    length of 0 ("zero"); `polite`: does nothing by chance; `share` of the requests are refused."""

    def __init__(self, behind, seed, head=None, polite=False, port=0, share=0.35):
        self.behind, self.head, self.polite, self.share = behind, head, polite, share
        self.strangers = None     # the Authorization with which who has none reads
        self.challenge = None     # a function of a WWW-Authenticate that gives another
        self.login_refusals = []  # of refuse_login()
        self.done = collections.Counter()
        self.begin(seed)
        super().__init__(ProxyHandler, port=port)

    def begin(self, seed):
        """What was refused before is refused again, by other chances."""
        self.chance = random.Random(seed)
        self.refusals = collections.Counter()  # per method and path
        self.unseen = {}                       # path -> how often it is still not seen

    def choose(self, method, path):
        """What happens to this request, or None; not more than twice to the same."""
        with self.lock:
            # Each upload of the same blob has an address of its own.
            key = (method, path.split("digest=")[1] if "digest=" in path else path.split("?")[0])
            if self.polite or self.refusals[key] >= 2 or self.chance.random() > self.share:
                return None
            ways = ["503", "429", "reset", "502"]
            if method in ("GET", "HEAD"):
                ways += ["page", "page", "lost"]
            else:
                # What was allowed is refused; who reads may be a stranger, and is not asked again.
                ways += ["403", "403", "lost"]
            way = self.chance.choice(ways)
            self.refusals[key] += 1
            self.done[way] += 1
            return way

    def refuse_login(self, status, times=1, methods=("GET", "HEAD", "PUT", "POST"), part="/v2/"):
        """The next requests of these with an Authorization are refused, as if it were a bad one."""
        self.login_refusals.append({"status": status, "times": times, "methods": methods,
                                    "part": part})

    def login_refusal(self, method, path):
        with self.lock:
            for refusal in self.login_refusals:
                if refusal["times"] > 0 and method in refusal["methods"] and \
                        refusal["part"] in path:
                    refusal["times"] -= 1
                    return refusal["status"]
        return None

    def lags(self, method, path):
        """Whether what was just put is not seen yet."""
        with self.lock:
            left = self.unseen.get(path, 0)
            if method not in ("GET", "HEAD") or left == 0:
                return False
            self.unseen[path] = left - 1
            self.done["lag"] += 1
            return True

    def written(self, path):
        with self.lock:
            if not self.polite and path not in self.unseen:
                self.unseen[path] = self.chance.choice([0, 0, 0, 1, 2])


class ProxyHandler(Handler):
    def respond(self):
        service = self.service
        path, _, rude = self.path.partition("?X-Rude=")
        refusal = "Authorization" in self.headers and service.login_refusal(self.command, path)
        if refusal == 401:
            return self.refuse_password(path)
        if refusal:
            return self.send(refusal, [("Retry-After", "0")] if refusal == 429 else (), PAGE)
        way = None if rude else service.choose(self.command, path)
        if service.head and self.command == "HEAD" and service.head != "zero":
            return self.send(405 if service.head == "none" else 403, (), PAGE)
        if way in ("503", "502", "403", "429"):
            return self.send(int(way), [("Retry-After", "0")] if way == "429" else (), PAGE)
        if way == "reset":
            return self.reset()
        if way == "page" and "?" not in path:
            return self.send(307, [("Location", f"{path}?X-Rude=1")], PAGE)
        if service.lags(self.command, path):
            return self.send(404, (), PAGE)
        return self.forward(path, way == "lost")

    def reset(self):
        """Not a clean end: what was not read makes it a reset anyway."""
        self.rfile.read(min(self.body_left, 1000))
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def refuse_password(self, path):
        """The answer of the server behind to who has another password."""
        self.headers.replace_header("Authorization", "Basic bm9ib2R5OndyMG5n")
        self.body()
        del self.headers["Content-Length"]
        return self.forward(path, False)

    def may_read(self, path):
        """Whether a stranger does so by the login of the proxy; /v2/ asks everybody."""
        return self.service.strangers and "Authorization" not in self.headers and \
            self.command in ("GET", "HEAD") and path != "/v2/"

    def forward(self, path, lost):
        connection = http.client.HTTPConnection(self.service.behind, timeout=120)
        headers = {n: v for n, v in self.headers.items() if n.lower() not in HOP_BY_HOP}
        if self.may_read(path):
            headers["Authorization"] = self.service.strangers
        body = self.body()
        if len(body) < int(self.headers.get("Content-Length", 0)):
            return self.reset()  # who sent it has been killed
        if "Content-Length" in self.headers:
            headers["Content-Length"] = str(len(body))
        connection.request(self.command, path, body=body or None, headers=headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if self.command == "PUT" and "/manifests/" in path and answer.status == 201:
            self.service.written(path)
        if lost:
            return self.reset()
        fields = [(n, v) for n, v in answer.getheaders() if n.lower() not in HOP_BY_HOP and
                  not (answer.status == 202 and n.lower() == "range" and not self.service.polite)]
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        if self.service.head == "zero" and self.command == "HEAD":
            length = "0"
        if self.service.challenge:
            fields = [(n, self.service.challenge(v) if n.lower() == "www-authenticate" else v)
                      for n, v in fields]
        if length is not None and answer.status not in (204, 304):
            fields.append(("Content-Length", length))
        self.send_response(answer.status)
        for field in fields:
            self.send_header(*field)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        return None
