# SPDX-License-Identifier: MIT
"""A container registry in this process that can misbehave on command.

    with Registry() as registry:
        registry.fault("PUT", "/blobs/uploads/", times=1, action="cut")
        ... push to registry.host ...
        registry.requests   # [(method, path, headers), ...]

It implements the OCI distribution API as strictly as the specification allows: Content-Range is
checked, sessions end with an error, children of a manifest have to be there. What real registries
do besides is switched on by attributes; single answers are replaced by fault().
"""
import base64
import contextlib
import hashlib
import http.server
import json
import re
import secrets
import socket
import threading
import time
import urllib.parse

INDEXES = ("application/vnd.oci.image.index.v1+json",
           "application/vnd.docker.distribution.manifest.list.v2+json")


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass  # cut connections are what this is for


class Server6(Server):
    address_family = socket.AF_INET6


class Service:
    """An HTTP server on this port of this machine, or on a free one, in a thread."""

    def __init__(self, handler, ipv6=False, port=0):
        self.server = (Server6 if ipv6 else Server)(("::1" if ipv6 else "127.0.0.1", port), handler)
        self.server.service = self
        self.port = self.server.server_address[1]
        self.host = f"{'[::1]' if ipv6 else '127.0.0.1'}:{self.port}"
        self.url = f"http://{self.host}"
        self.lock = threading.RLock()
        self.requests = []
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def count(self, method, part=""):
        with self.lock:
            return sum(m == method and part in p for m, p, _ in self.requests)


class Meeting:
    """`with` it, requests wait for each other until `count` are there at once, which then no other
    has to wait for; or until it is clear that they will not come."""

    def __init__(self, count):
        self.count = count
        self.here = self.most = 0
        self.over = False
        self.changed = threading.Condition()

    def __enter__(self):
        with self.changed:
            self.here += 1
            self.most = max(self.most, self.here)
            self.over = self.over or self.here >= self.count
            self.changed.notify_all()
            self.over = self.changed.wait_for(lambda: self.over, 100) or True

    def __exit__(self, *_):
        with self.changed:
            self.here -= 1


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def service(self):
        return self.server.service

    def log_message(self, *_):
        pass

    def handle_any(self):
        self.body_left = int(self.headers.get("Content-Length", 0))
        with self.service.lock:
            self.service.requests.append((self.command, self.path, dict(self.headers)))
        self.respond()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = handle_any

    def body(self):
        data = self.rfile.read(self.body_left)
        self.body_left = 0
        return data

    def send(self, status, headers=(), body=b""):
        self.body()
        if 300 <= status < 400 and not body:  # as every redirect of Go's http package has
            body = b'<a href="/elsewhere">Redirect</a>.\n\n'
        self.send_response(status)
        names = [n for n, _ in headers]
        for name, value in headers:
            self.send_header(name, value)
        if "Content-Length" not in names:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self):
        """Reads a part of the body and drops the connection."""
        self.rfile.read(min(self.body_left, 1000))
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def error(self, status, code, message="no", headers=()):
        if getattr(self.service, "echo", False):  # what it refuses, in all forms
            given = self.headers.get("Authorization", "nothing")
            message = f"refused {given} {base64.b64decode(given[6:] if given[:6] == 'Basic ' else '')}"
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.send(status, [("Content-Type", "application/json"), *headers], body)


class TokenServer(Service):
    """Answers every request with a new token; `lives` is how many requests one is good for."""

    def __init__(self, user="alice", password="s3cret"):
        super().__init__(TokenHandler)
        self.basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.tokens = {}  # token -> [scopes, uses left]
        self.lives = 10**9
        self.expires_in = 300
        self.answer = None  # (status, body) instead
        self.grants = None  # scopes instead of those asked for
        self.refresh_token = None
        self.refusals = 0        # how many are answered 403 first
        self.later_refusals = 0  # how many are answered 401 after the first token
        self.anybody = False     # may write without a password
        self.refuse_logins = None  # the status for everybody who has one
        self.refuse_later = None   # the same after the first token


class TokenHandler(Handler):
    def passing_refusal(self):
        service = self.service
        with service.lock:
            if service.refusals > 0:
                service.refusals -= 1
                return 403
            if service.tokens and service.later_refusals > 0:
                service.later_refusals -= 1
                return 401
        return None

    def respond(self):
        service = self.service
        refusal = self.passing_refusal()
        if refusal:
            self.body()
            return self.error(refusal, "DENIED")
        query = urllib.parse.urlparse(self.path).query
        form = self.body().decode()
        asked = urllib.parse.parse_qs(form or query)
        if service.answer:
            return self.send(service.answer[0], body=service.answer[1])
        refused = service.refuse_logins or (service.tokens and service.refuse_later)
        if refused and "Authorization" in self.headers:
            return self.send(refused, [("Retry-After", "0")] if refused == 429 else (), b"not you")
        if self.command == "POST":
            if asked.get("refresh_token") != [service.refresh_token]:
                return self.send(401, body=b"no")
        elif self.headers.get("Authorization") not in (None, service.basic):
            return self.send(401, body=b"wrong password")
        scopes = asked.get("scope", [])
        if self.command == "GET" and self.headers.get("Authorization") is None and \
                not service.anybody:
            scopes = [s.rsplit(":", 1)[0] + ":pull" for s in scopes]
        if service.grants is not None:
            scopes = service.grants
        with service.lock:
            token = f"t0ken-{len(service.tokens)}-{secrets.token_hex(20)}"
            service.tokens[token] = [scopes, service.lives]
        self.send(200, body=json.dumps({"token": token, "expires_in": service.expires_in}).encode())


class Storage(Service):
    """Where uploads are redirected to: takes PUT and hands the bytes to the registry."""

    def __init__(self, registry):
        super().__init__(StorageHandler)
        self.registry = registry


class StorageHandler(Handler):
    def respond(self):
        registry = self.service.registry
        data = self.body()
        digest = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)["digest"][0]
        if digest_of(data) != digest:
            return self.error(400, "DIGEST_INVALID")
        registry.blobs[digest] = data
        self.send(201, [("Docker-Content-Digest", digest)])


class Registry(Service):
    def __init__(self, ipv6=False):
        super().__init__(RegistryHandler, ipv6)
        self.blobs = {}
        self.manifests = {}     # digest -> (type, data)
        self.tags = {}          # tag -> digest
        self.sessions = {}      # id -> bytes so far
        self.faults = []
        self.auth = None        # None, "basic", "bearer"
        self.basic = "Basic " + base64.b64encode(b"alice:s3cret").decode()
        self.tokens = None      # a TokenServer
        self.realm = None       # instead of the token server's URL
        self.location = "relative"  # or "absolute", "query", "storage"
        self.storage = None
        self.max_put = None     # bytes in one PUT, else `too_large`
        self.max_patch = None
        self.too_large = 413
        self.range_lie = None   # function of the true end of the range
        self.range_text = None  # instead of it
        self.referrers = False  # the API
        self.subject_header = True
        self.page = None        # referrers in one answer
        self.page_url = None    # where the list goes on instead
        self.unlisted = {}      # digest of a referrer -> how often it has to be put to be listed
        self.digest_header = True
        self.redirects = False  # what is read is somewhere else, at an address with a signature
        self.head = None        # how HEAD is answered instead: "storage" (403), "none" (405), "zero", "blind"
        self.scope = None       # in the challenge, instead of the one that is needed
        self.service = "test"   # in the challenge
        self.challenge = 'Basic realm="r"'
        self.echo = False  # repeats in its errors what it was sent as Authorization
        self.strangers_read = False  # without a password, but not with a wrong one
        self.forgets = set()    # digests that are "created" and not kept
        self.lenient = False    # an index is taken without what it lists
        self.name_unknown = False  # says so until the first blob is there
        self.strangers = contextlib.nullcontext()  # a Meeting of requests without credentials
        self.uploads = contextlib.nullcontext()    # of blobs that are being received
        self.chunk_min = None   # OCI-Chunk-Min-Length
        self.serial = 0

    def fault(self, method, part, action, times=1, **more):
        """action: "cut", "lost" (it is done, and the answer does not arrive), or a status. more:
        headers, body, code, delay; after: a method that a path has to have been asked with, so that
        each is answered so once; logged_in: of those that have Authorization."""
        self.faults.append({"method": method, "part": part, "action": action, "times": times,
                            **more})

    def take_fault(self, method, path, logged_in=False):
        with self.lock:
            for fault in self.faults:
                if fault["times"] <= 0 or method != fault["method"] or fault["part"] not in path:
                    continue
                if fault.get("logged_in") and not logged_in:
                    continue
                if "after" in fault:
                    done = fault.setdefault("done", set())
                    if path in done or not any(m == fault["after"] and p == path
                                               for m, p, _ in self.requests):
                        continue
                    done.add(path)
                fault["times"] -= 1
                return fault
        return None


class RegistryHandler(Handler):
    lost = False

    def send(self, *args):
        if not self.lost:
            return super().send(*args)
        self.body()
        return self.cut()

    def respond(self):
        fault = self.service.take_fault(self.command, self.path, "Authorization" in self.headers)
        self.lost = bool(fault) and fault["action"] == "lost"
        if fault and not self.lost:
            return self.play(fault)
        if not self.authorized():
            return None
        if self.service.name_unknown and not self.service.blobs and \
                self.command in ("GET", "HEAD") and self.path != "/v2/":
            return self.error(404, "NAME_UNKNOWN", "repository name not known to registry")
        parts = urllib.parse.urlparse(self.path)  # without the host that a proxy is told
        self.query = urllib.parse.parse_qs(parts.query)
        if parts.path == "/v2/":
            return self.send(200)
        m = re.fullmatch(r"/v2/(.+?)/(blobs/uploads|blobs|manifests|referrers)/(.*)", parts.path)
        if not m:
            return self.send(404, [("Content-Type", "text/plain")], b"404 page not found\n")
        self.repo, kind, self.name = m.groups()
        return getattr(self, {"blobs/uploads": "uploads"}.get(kind, kind))()

    def play(self, fault):
        if "delay" in fault:
            time.sleep(fault["delay"])
        if fault["action"] == "cut":
            return self.cut()
        if "code" in fault:
            return self.error(fault["action"], fault["code"], headers=fault.get("headers", ()))
        return self.send(fault["action"], fault.get("headers", ()), fault.get("body", b""))

    def authorized(self):
        service, given = self.service, self.headers.get("Authorization")
        if service.auth is None:
            return True
        if service.auth == "basic":
            if given == service.basic or \
                    (given is None and service.strangers_read and self.command in ("GET", "HEAD")):
                return True
            if given is None and self.path != "/v2/":
                with service.strangers:
                    pass
            self.error(401, "UNAUTHORIZED", headers=[("WWW-Authenticate", service.challenge)])
            return False
        error = self.token_error(given)
        if error is None:
            return True
        realm = service.realm or f"{service.tokens.url}/token"
        scope = self.wanted_scope() if service.scope is None else service.scope
        self.error(401, "UNAUTHORIZED", headers=[(
            "WWW-Authenticate", f'Bearer realm="{realm}",service="{service.service}"' +
            (f',scope="{scope}"' if scope or service.scope is not None else "") + (f',error="{error}"' if error else ""))])
        return False

    def wanted_scope(self):
        m = re.match(r"/v2/(.+?)/(blobs|manifests|referrers)/", self.path)
        if not m:
            return ""
        write = self.command in ("POST", "PUT", "PATCH", "DELETE")
        return f"repository:{m.group(1)}:pull{',push' if write else ''}"

    def token_error(self, given):
        tokens = self.service.tokens
        if not given or not given.startswith("Bearer "):
            return ""
        with tokens.lock:
            entry = tokens.tokens.get(given[7:])
            if not entry or entry[1] <= 0:
                return "invalid_token"
            entry[1] -= 1
        wanted = self.wanted_scope()
        if not wanted:
            return None
        name, actions = wanted.rsplit(":", 1)
        for scope in entry[0]:
            n, a = scope.rsplit(":", 1)
            if n == name and set(actions.split(",")) <= set(a.split(",")):
                return None
        return "insufficient_scope"

    def moved(self):
        """Sends a reader on to where the content is."""
        there = "X-Sig" in self.query or self.command not in ("GET", "HEAD")
        moved = self.service.redirects or self.service.head == "storage"
        if moved and not there:
            self.send(307, [("Location", f"{self.path}?X-Sig=x")])
            return True
        return self.refuses_to_be_looked_at()

    def refuses_to_be_looked_at(self):
        """Registries and storage where HEAD does not say what GET would."""
        how, head = self.service.head, self.command == "HEAD"
        if how == "none" and head:
            self.error(405, "UNSUPPORTED")
        elif how == "storage" and head:
            self.send(403, [("Content-Type", "application/xml")], b"<Error>SignatureDoesNotMatch</Error>")
        elif how == "blind" and "/blobs/" in self.path and self.command in ("HEAD", "GET"):
            self.error(403, "DENIED")
        else:
            return False
        return True

    def blobs(self):
        if self.moved():
            return None
        data = self.service.blobs.get(self.name)
        if data is None or self.name in self.service.forgets:
            return self.error(404, "BLOB_UNKNOWN")
        if self.headers.get("Range") == "bytes=0-0" and data and not self.service.redirects:
            return self.send(206, [("Content-Range", f"bytes 0-0/{len(data)}")], data[:1])
        headers = [("Content-Length", self.length_of(data))]
        if self.service.digest_header:
            headers.append(("Docker-Content-Digest", self.name))
        return self.send(200, headers, data)

    def length_of(self, data):
        return "0" if self.service.head == "zero" and self.command == "HEAD" else str(len(data))

    def location(self, session):
        service = self.service
        with service.lock:
            service.serial += 1
        path = f"/v2/{self.repo}/blobs/uploads/{session}"
        kind = service.location
        if kind == "storage":
            return f"{service.storage.url}/put/{session}?sig=secret"
        if kind == "query":
            path += f"?_state=s{service.serial}"
        return path if kind == "relative" else service.url + path

    def uploads(self):
        service = self.service
        if self.command == "POST":
            with service.lock:
                service.serial += 1
                session = f"u{service.serial}"
            service.sessions[session] = b""
            least = [("OCI-Chunk-Min-Length", str(service.chunk_min))] if service.chunk_min else []
            return self.send(202, [("Location", self.location(session)), *least])
        if self.name not in service.sessions:
            return self.error(404, "BLOB_UPLOAD_UNKNOWN")
        return {"PUT": self.put_blob, "PATCH": self.patch_blob}[self.command]()

    def put_blob(self):
        service = self.service
        if service.max_put is not None and self.body_left > service.max_put:
            return self.error(service.too_large, "SIZE_INVALID", "exceeds the maximum")
        with service.uploads:
            data = service.sessions.pop(self.name) + self.body()
        digest = self.query["digest"][0]
        if digest_of(data) != digest:
            return self.error(400, "DIGEST_INVALID")
        service.blobs[digest] = data
        return self.send(201, [("Docker-Content-Digest", digest)])

    def patch_blob(self):
        service = self.service
        held = len(service.sessions[self.name])
        status = [("Range", f"0-{max(held - 1, 0)}"), ("Location", self.location(self.name))]
        if service.max_patch is not None and self.body_left > service.max_patch:
            return self.error(416, "SIZE_INVALID", "exceeds the maximum permissible limit", status)
        m = re.fullmatch(r"(\d+)-(\d+)", self.headers.get("Content-Range", ""))
        if not m or int(m.group(1)) != held or int(m.group(2)) - held + 1 != self.body_left:
            return self.error(416, "BLOB_UPLOAD_INVALID", headers=status)
        data = self.body()
        end = held + len(data)
        if service.range_lie:
            end = service.range_lie(held, end)
            data = data[:end - held]
        service.sessions[self.name] += data
        said = f"0-{max(end - 1, 0)}" if service.range_text is None else service.range_text
        return self.send(202, [("Range", said), ("Location", self.location(self.name))])

    def manifests(self):
        if self.moved():
            return None
        return self.put_manifest() if self.command == "PUT" else self.get_manifest()

    def get_manifest(self):
        service = self.service
        digest = service.tags.get(self.name, self.name)
        if digest not in service.manifests:
            return self.error(404, "MANIFEST_UNKNOWN")
        kind, data = service.manifests[digest]
        if kind not in self.headers.get("Accept", ""):
            return self.error(404, "MANIFEST_UNKNOWN", "the client does not accept it")
        headers = [("Content-Type", kind), ("Content-Length", self.length_of(data))]
        if service.digest_header:
            headers.append(("Docker-Content-Digest", digest))
        return self.send(200, headers, data)

    def put_manifest(self):
        service = self.service
        data = self.body()
        document, digest = json.loads(data), digest_of(data)
        kind = self.headers["Content-Type"]
        if kind != document.get("mediaType", kind):
            return self.error(400, "MANIFEST_INVALID")
        if kind in INDEXES:
            missing = [m["digest"] for m in document["manifests"]
                       if m["digest"] not in service.manifests]
        else:
            missing = [b["digest"] for b in [document["config"], *document["layers"]]
                       if b["digest"] not in service.blobs]
        if missing and not service.lenient:
            return self.error(400, "MANIFEST_BLOB_UNKNOWN", missing[0])
        if self.name.startswith("sha256:") and self.name != digest:
            return self.error(400, "DIGEST_INVALID")
        if digest not in service.forgets:
            service.manifests[digest] = (kind, data)
        service.unlisted[digest] = service.unlisted.get(digest, 1) - 1
        if not self.name.startswith("sha256:"):
            service.tags[self.name] = digest
        headers = [("Docker-Content-Digest", digest)] if service.digest_header else []
        if service.referrers and service.subject_header and "subject" in document:
            headers.append(("OCI-Subject", document["subject"]["digest"]))
        return self.send(201, headers)

    def referrers(self):
        service = self.service
        if not service.referrers:
            return self.send(404, [("Content-Type", "text/plain")], b"404 page not found\n")
        found = []
        for digest, (kind, data) in service.manifests.items():
            document = json.loads(data)
            if document.get("subject", {}).get("digest") == self.name and \
                    service.unlisted.get(digest, 0) <= 0:
                found.append({"mediaType": kind, "digest": digest, "size": len(data),
                              "artifactType": document.get("artifactType", "")})
        first, headers = int(self.query.get("from", ["0"])[0]), [("Content-Type", INDEXES[0])]
        if service.page:
            there = f"/v2/{self.repo}/referrers/{self.name}?from={first + service.page}"
            if first + service.page < len(found) or service.page_url:
                headers.append(("Link", f'<{service.page_url or there}>; rel="next"'))
            found = found[first:first + service.page]
        index = {"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": found}
        return self.send(200, headers, json.dumps(index).encode())
