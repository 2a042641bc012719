#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`distributor push` against a registry that misbehaves on command: every way in which a registry
refuses, loses, limits, redirects and lies, and what must not leave this machine. Prints TAP."""

import base64
import email.utils
import json
import os
import re
import shutil
import sys
import tempfile
import time

from image_release import (DISTRIBUTOR, VERSION, blob, document, done, fixture, images, ok,
                           parallel, run, skip, tags)
from port_lib import free_port
from registry_lib import no_credentials

from oci_registry import (Handler, Meeting, Registry, Service, Storage, TokenServer,
                          digest_of)
from rude import RudeProxy, seed_of

PATH = "owner/repo"
WORK = tempfile.mkdtemp(prefix="distributor-registry-")
LAYOUT = f"{WORK}/out/images"
ENV = no_credentials(WORK)


def push(registry, *args, path=PATH, layout=LAYOUT, **env):
    return run(DISTRIBUTOR, "push", "--unsigned", "--layout", layout, f"{registry.host}/{path}",
               *args, env={**ENV, **env})


def login(host, user="alice", password="s3cret", **more):
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    path = f"{WORK}/{host.replace(':', '_')}.auth.json"
    with open(path, "w") as f:
        json.dump({"auths": {host: {"auth": auth, **more}}}, f)
    return "--auth-file", path


def complete(registry):
    """The registry has exactly what the layout has."""
    wanted = {name: entry["digest"] for name, entry in tags(LAYOUT).items()}
    return registry.tags == wanted and \
        all(digest_of(data) == digest for digest, data in registry.blobs.items()) and \
        all(blob(LAYOUT, digest) == data for digest, (_, data) in registry.manifests.items())


def pushed(name, registry, result, *checks):
    ok(result.returncode == 0 and complete(registry) and all(checks), name,
       f"{result.returncode} {checks}\n{result.stderr}{result.stdout}")


def refused(name, result, status, *parts):
    ok(result.returncode == status and all(p in result.stderr for p in parts) and
       "s3cret" not in result.stderr + result.stdout, name,
       f"{result.returncode} {result.stderr}{result.stdout}")


def largest_layer():
    return max((os.path.getsize(f"{LAYOUT}/blobs/sha256/{n}"), "sha256:" + n)
               for n in os.listdir(f"{LAYOUT}/blobs/sha256"))


def check_order():
    with Registry() as registry:
        result = push(registry, "--dry-run")
        ok(result.returncode == 0 and not registry.tags and not registry.blobs and
           all(m in ("GET", "HEAD") for m, _, _ in registry.requests) and
           "would push tag latest ->" in result.stdout,
           "--dry-run writes nothing and says what it would", result.stderr)
        result = push(registry, "--dry-run", "--json")
        effects = json.loads(result.stdout)["repositories"][0]["effects"]
        ok(len([e for e in effects if e["kind"] == "tag" and e["effect"] == "new"]) ==
           len(tags(LAYOUT)), "--dry-run --json lists every effect")
        registry.requests.clear()
        result = push(registry)
        puts = [p.split("/")[-1] for m, p, _ in registry.requests
                if m == "PUT" and "/manifests/" in p]
        ranks = [0 if p.startswith("sha256:") else 3 if p == "latest" else
                 1 if p.endswith(VERSION) else 2 for p in puts]
        last_blob = max(i for i, (m, p, _) in enumerate(registry.requests)
                        if m == "PUT" and "/uploads/" in p)
        first_manifest = min(i for i, (m, p, _) in enumerate(registry.requests)
                             if m == "PUT" and "/manifests/" in p)
        pushed("a push is complete", registry, result)
        ok(last_blob < first_manifest and ranks == sorted(ranks) and puts[-1] == "latest",
           "blobs, manifests, tags of the version, moving tags, latest", puts)
        ok(registry.count("HEAD", "/manifests/latest") == 2, "tags are read back")
        registry.requests.clear()
        result = push(registry)
        ok(result.returncode == 0 and "nothing pushed" in result.stdout and
           all(m in ("GET", "HEAD") for m, _, _ in registry.requests),
           "a second push sends nothing and says so", result.stdout)
        registry.tags["latest"] = moved = registry.tags["register"]
        result = push(registry, "--hold-moving")
        ok(result.returncode == 0 and "nothing pushed" in result.stdout and
           registry.tags["latest"] == moved, "--hold-moving leaves it where it is",
           result.stdout + result.stderr)
        result = push(registry)
        pushed("a moving tag is moved back", registry, result, "1 moved tag (" in result.stdout)
        registry.tags[VERSION] = registry.tags["register"]
        registry.requests.clear()
        result = push(registry)
        refused("a version's tag with other content is not moved", result, 4, f"'{VERSION}'",
                "--replace-version")
        ok(all(m in ("GET", "HEAD") for m, _, _ in registry.requests), "and nothing else is sent")
        result = push(registry, "--replace-version")
        pushed("it is with --replace-version", registry, result)
    with Registry() as registry:
        result = push(registry, "--hold-moving")
        ok(result.returncode == 0 and VERSION in registry.tags and
           sorted(registry.tags) == [t for t in sorted(tags(LAYOUT)) if t.endswith(VERSION)],
           "with --hold-moving there are only tags of the version at first",
           f"{result.stderr}{sorted(registry.tags)}")
        pushed("... and the others without it", registry, push(registry))


def check_uploads():
    _, largest = largest_layer()
    for kind in ("relative", "absolute", "query"):
        with Registry() as registry:
            registry.location = kind
            result = push(registry)
            asked = [p for m, p, _ in registry.requests if m == "PUT" and "/uploads/" in p]
            pushed(f"an upload's Location is {kind}", registry, result,
                   kind != "query" or all("_state=s" in p and "&digest=" in p for p in asked))
    with Registry() as registry, Storage(registry) as storage:
        registry.location, registry.storage, registry.auth = "storage", storage, "basic"
        result = push(registry, *login(registry.host))
        pushed("uploads go to another host, without credentials", registry, result,
               storage.requests, all("Authorization" not in h for _, _, h in storage.requests))
    with Registry() as registry, Storage(registry) as storage:
        registry.auth = "basic"
        registry.fault("PUT", "/uploads/", 307, times=1, headers=[
            ("Location", f"{storage.url}/put/x?digest={largest}")])
        result = push(registry, "--connections", "1", *login(registry.host))
        body = [h for m, _, h in storage.requests if m == "PUT"]
        ok(len(body) == 1 and "Authorization" not in body[0] and int(body[0]["Content-Length"]) > 0,
           "a redirected PUT sends its body again, and no credentials", storage.requests)
    with Registry() as registry:
        registry.fault("POST", "/uploads/", 201, times=99)
        refused("201 to a request that brought nothing", push(registry), 5,
                "cannot start an upload", "201")
    with Registry() as registry, Storage(registry) as storage:
        registry.auth = "basic"
        registry.fault("PUT", f"/manifests/{tags(LAYOUT)['register']['digest']}", 308, headers=[
            ("Location", f"{registry.url}/v2/{PATH}/manifests/register")])
        result = push(registry, *login(registry.host))
        pushed("a manifest is redirected within the registry", registry, result)
    with Registry() as registry:
        registry.uploads = Meeting(4)
        pushed("so many blobs are sent at once as there are connections", registry,
               push(registry, "--connections", "4"), registry.uploads.most == 4)


def check_failures():
    with Registry() as registry:
        registry.fault("PUT", "/uploads/", "cut", times=2)
        result = push(registry)
        pushed("an upload that is cut off is begun anew", registry, result)
    with Registry() as registry:
        registry.fault("PUT", "/uploads/", "lost", times=2)
        pushed("one whose answer alone was lost is asked for, and not sent again", registry,
               push(registry), registry.count("POST") == len(registry.blobs),
               sum(int(h["Content-Length"]) for m, p, h in registry.requests
                   if m == "PUT" and "/uploads/" in p) == sum(map(len, registry.blobs.values())))
    with Registry() as registry:
        registry.fault("PUT", "/uploads/", 404, times=1, code="BLOB_UPLOAD_UNKNOWN")
        registry.fault("PUT", "/uploads/", 400, times=1, code="DIGEST_INVALID")
        registry.fault("PUT", "/uploads/", 503, times=1)
        result = push(registry)
        pushed("so are lost, damaged and refused ones", registry, result)
    with Registry() as registry:
        for action in (500, 502, 504, "cut"):
            registry.fault("POST", "/uploads/", action)
        pushed("so are those that cannot begin at first", registry, push(registry))
    with Registry() as registry:
        registry.fault("POST", "/uploads/", 503, times=5, headers=[("Retry-After", "0")])
        pushed("... and for longer than there are sessions", registry,
               push(registry, "--connections", "1"))
    with Registry() as registry:
        registry.max_put = 100000
        registry.fault("PATCH", "/uploads/", "cut", times=2)
        registry.fault("PATCH", "/uploads/", 404, code="BLOB_UPLOAD_UNKNOWN")
        pushed("and those that go in pieces", registry, push(registry))
    with Registry() as registry:
        registry.fault("PUT", "/uploads/", 400, times=99, code="DIGEST_INVALID")
        result = push(registry)
        refused("a registry that never takes it is given up", result, 5, "DIGEST_INVALID")
        ok(not registry.tags, "and no tag is made")
    with Registry() as registry:
        registry.fault("POST", "/uploads/", 429, times=2, headers=[("Retry-After", "1")])
        registry.fault("HEAD", "/blobs/", 429, times=1, headers=[
            ("Retry-After", email.utils.formatdate(time.time() + 2, usegmt=True))])
        registry.fault("HEAD", "/blobs/", 429, times=1, body=b"slow down")
        result = push(registry)
        waits = re.findall(r"/uploads/'.*429.* in 1\.[0-2] s \((\d) of", result.stderr)
        pushed("429 is waited for as long as it says", registry, result, len(waits) == 2,
               "2" in waits)
    with Registry() as registry:
        for status in (500, 502, 503, 504):
            registry.fault("HEAD", "/manifests/", status)
            registry.fault("PUT", "/manifests/", status)
        registry.fault("HEAD", "/blobs/", "cut")
        pushed("passing failures are tried again", registry, push(registry))


def check_pieces():
    for status in (413, 416):
        with Registry() as registry:
            registry.max_put, registry.max_patch, registry.too_large = 100000, 200000, status
            result = push(registry)
            pushed(f"{status} on a whole blob: it goes on in pieces, smaller and smaller", registry,
                   result, registry.count("PATCH") > 0)
    with Registry() as registry:
        lies = [1]

        def half(held, end):
            if lies and end - held > 1000:
                lies.pop()
                return held + (end - held) // 2
            return end
        registry.max_put, registry.range_lie = 100000, half
        pushed("a registry that keeps half a piece is sent the rest", registry, push(registry))
    with Registry() as registry:
        registry.max_put, registry.range_lie = 100000, lambda held, end: held
        refused("one that keeps nothing is given up", push(registry), 5, "keeps losing")
    with Registry() as registry:
        registry.max_put, registry.range_lie = 100000, lambda held, end: end + 1000
        refused("one that counts what nobody sent is given up", push(registry), 5,
                "more bytes than were uploaded")
    for text in ("", "bytes=0-5", "5-7"):
        with Registry() as registry:
            registry.max_put, registry.max_patch, registry.range_text = 100000, 100000, text
            pushed(f"a Range of '{text}' after a piece says nothing", registry, push(registry))
    with Registry() as registry:
        registry.max_put, registry.max_patch, registry.chunk_min = 100000, 200000, 300000
        refused("pieces do not get smaller than OCI-Chunk-Min-Length", push(registry), 5,
                "SIZE_INVALID")
    with Registry() as registry:
        registry.max_put, registry.max_patch = 100000, 1000
        refused("pieces do not get absurdly small", push(registry), 5, "SIZE_INVALID")


def check_lies():
    size, largest = largest_layer()
    with Registry() as registry:
        registry.digest_header = False
        pushed("a registry that names no digests is asked for content", registry, push(registry),
               registry.count("GET", "/manifests/") >= len(tags(LAYOUT)))
    with Registry() as registry:
        registry.digest_header, registry.redirects = False, True
        pushed("... and redirects to it, with a page", registry, push(registry),
               registry.count("GET", "X-Sig") >= len(tags(LAYOUT)))
    with Registry() as registry:
        registry.fault("HEAD", f"/blobs/{largest}", 200, headers=[("Content-Length", "7")])
        pushed("a blob of the wrong length counts as missing", registry, push(registry))
    with Registry() as registry:
        registry.fault("HEAD", f"/blobs/{largest}", 200, headers=[
            ("Content-Length", str(size)), ("Docker-Content-Digest", "sha256:" + "0" * 64)])
        pushed("so does one of another digest", registry, push(registry))
    with Registry() as registry:
        registry.forgets.add(largest)
        refused("a blob that is accepted and not kept", push(registry), 5,
                f"accepted blob '{largest}' but does not have it")
        ok(not registry.tags, "no tag is made then")
    index = document(LAYOUT, tags(LAYOUT)["latest"]["digest"])
    children = [m["digest"] for m in index["manifests"]]
    with Registry() as registry:
        registry.lenient = True
        registry.forgets.add(children[1])
        refused("an index that is accepted without what it lists", push(registry), 5,
                f"accepted '{children[1]}' but does not have it")
        ok(not registry.tags, "no tag is made then either")
    with Registry() as registry:
        size = len(blob(LAYOUT, children[1]))
        for _ in range(2):
            registry.fault("HEAD", f"/manifests/{children[1]}", 200, headers=[
                ("Content-Length", str(size)), ("Docker-Content-Digest", children[1])])
        pushed("an image that was said to be there is sent after all", registry, push(registry))
    with Registry() as registry:
        push(registry)
        registry.fault("HEAD", f"/manifests/{children[1]}", 200, headers=[
            ("Content-Length", "7"), ("Docker-Content-Digest", children[1])])
        pushed("an image of the wrong length counts as missing", registry, push(registry),
               registry.count("PUT", children[1]) == 2)
    with Registry() as registry:
        registry.fault("PUT", "/manifests/sha256:", 201, headers=[
            ("Docker-Content-Digest", "sha256:" + "0" * 64)])
        refused("a manifest that is stored as something else", push(registry), 4,
                "the registry stored 'sha256:")
    with Registry() as registry:
        registry.fault("PUT", "/manifests/latest", 201)
        refused("a tag that is accepted and not made", push(registry), 5,
                "tag 'latest' was pushed but is missing when read back")
        ok(registry.count("HEAD", "/manifests/latest") == 5, "it is looked for four times")
    with Registry() as registry:
        registry.fault("HEAD", "/manifests/latest", 404, times=4)
        pushed("a tag that is seen a while later", registry, push(registry))
    with Registry() as registry:
        push(registry)
        del registry.tags["latest"]
        registry.fault("PUT", "/manifests/latest", 201)
        registry.fault("HEAD", "/manifests/latest", 404)
        other = registry.tags["latest"] = registry.tags["register"]
        refused("a tag that somebody else moves at the same time", push(registry), 4,
                f"tag 'latest' was pushed but reads back as {other}")
    with Registry() as registry:
        registry.fault("PUT", "/manifests/sha256:", 400, times=2, code="MANIFEST_BLOB_UNKNOWN")
        pushed("a blob that is unknown for a moment", registry, push(registry))
    with Registry() as registry:
        registry.fault("PUT", "/manifests/", 400, times=2, code="DIGEST_INVALID")
        pushed("a registry that trips over itself", registry, push(registry))
    with Registry() as registry:
        push(registry)
        lost = document(LAYOUT, tags(LAYOUT)["x86_64-arm"]["digest"])["layers"][0]["digest"]
        registry.manifests.clear()
        registry.tags.clear()
        registry.fault("HEAD", f"/blobs/{lost}", 200,
                       headers=[("Content-Length", str(len(registry.blobs.pop(lost))))])
        pushed("a blob that was said to be there is sent after all", registry, push(registry))


def check_looks():
    """Registries whose HEAD does not say what a GET would."""
    for how in ("storage", "none", "zero", "blind"):
        with Registry() as registry:
            registry.head = how
            result = push(registry)
            registry.head = None
            pushed(f"a registry where HEAD is '{how}'", registry, result)
            registry.head = how
            sent = registry.count("PUT", "/manifests/")
            again = push(registry)
            ok(again.returncode == 0 and registry.count("PUT", "/manifests/") == sent and
               (how == "blind" or "nothing pushed" in again.stdout),
               "... and a second push finds what is there", again.stdout + again.stderr)
    with Registry() as registry:
        registry.head, registry.redirects = "storage", True
        pushed("... where ranges are not done either", registry, push(registry))
    _, largest = largest_layer()
    with Registry() as registry:
        registry.head = "blind"
        registry.fault("PUT", largest.replace(":", "%3A"), 201,
                       headers=[("Docker-Content-Digest", "sha256:" + "0" * 64)])
        refused("a blob that nobody may look at, and that is stored as something else",
                push(registry), 4, f"stored blob '{largest}' as sha256:000")
    with Registry() as registry:
        result = push(registry)
        registry.requests.clear()
        result = push(registry)
        ok(registry.count("GET", "/blobs/") == registry.count("GET", "/manifests/") == 0,
           "nothing is got where HEAD does", registry.requests)


def check_passing():
    """GHCR refuses a request now and then with 403, and takes the same a moment later."""
    for method, part in (("PUT", "/manifests/sha256:"), ("PUT", "/manifests/latest"),
                         ("POST", "/uploads/"), ("PUT", "/uploads/")):
        with Registry() as registry:
            registry.fault(method, part, 403, code="DENIED", times=2)
            pushed(f"403 to a {method} of {part} for a moment", registry, push(registry))
    with Registry() as registry, TokenServer() as tokens:
        registry.auth, registry.tokens, tokens.refusals = "bearer", tokens, 2
        pushed("403 to the first who asks for a token", registry,
               push(registry, *login(registry.host)), len(tokens.requests) > 2)
    with Registry() as registry, TokenServer() as tokens:
        registry.auth, registry.tokens = "bearer", tokens
        tokens.lives, tokens.later_refusals = 7, 1
        pushed("401 to a password that has been taken before", registry,
               push(registry, "--connections", "1", *login(registry.host)))
    with Registry() as registry:
        registry.auth = "basic"
        registry.fault("PUT", "/manifests/", 401, code="UNAUTHORIZED")
        pushed("... and the same by the registry itself", registry,
               push(registry, *login(registry.host)))
    with Registry() as registry:
        registry.fault("HEAD", "/manifests/sha256:", 404, times=40, after="PUT")
        pushed("404 to what has just been put", registry, push(registry, "--connections", "8"))


def check_addresses_of_proxies():
    """A front end that does not tell the registry how it was reached."""
    with Registry() as registry:
        registry.fault("POST", "/uploads/", 202, times=99, headers=[
            ("Location", f"http://127.0.0.1:{free_port()}/v2/{PATH}/blobs/uploads/x")])
        started = time.monotonic()
        result = push(registry)
        refused("an upload's Location that lacks the port", result, 5,
                f"to another port than '{registry.host}'", "Host with the port")
        ok(time.monotonic() - started < 20 and result.stderr.count("(2 of 2)") <= 8 and
           "of 6)" not in result.stderr, "is told soon", result.stderr)


def check_refusals():
    with Registry() as registry:
        for method in ("HEAD", "GET"):
            registry.fault(method, "/manifests/", 403, code="DENIED", times=99)
        refused("403 to the first that is asked is final", push(registry), 3, "403", "DENIED")
        ok(registry.count("HEAD") < 10 and registry.count("GET", "/manifests/") < 10,
           "and is not tried again")
    with Registry() as registry:
        registry.fault("PUT", "/manifests/", 403, code="DENIED", times=99)
        result = push(registry, "--connections", "1")
        refused("403 to what was allowed a moment ago is asked again", result, 3, "403", "DENIED",
                "trying again")
        ok(registry.count("PUT", "/manifests/") == 4, "four times",
           registry.count("PUT", "/manifests/"))
    with Registry() as registry:
        registry.fault("POST", "/uploads/", 404, times=99, body=b"404 page not found\n",
                       headers=[("Content-Type", "text/plain")])
        refused("404 in plain text", push(registry), 5, "cannot start an upload", "404")
    with Registry() as registry:
        registry.name_unknown = True
        pushed("404 NAME_UNKNOWN, because nothing was ever pushed there", registry, push(registry))
    with Registry() as registry:
        registry.fault("POST", "/uploads/", 404, code="NAME_UNKNOWN", times=99)
        refused("404 NAME_UNKNOWN to an upload", push(registry), 5, "NAME_UNKNOWN")
        ok(registry.count("POST") < 20, "is not tried again")
    with Registry() as registry:
        registry.fault("POST", "/uploads/", 202, times=99)
        refused("202 without a Location", push(registry), 5, "without a Location")
    with Registry() as registry:
        registry.fault("PUT", "/manifests/", 405, code="UNSUPPORTED", times=99)
        refused("a registry that is read-only", push(registry), 5, "UNSUPPORTED")
    with Registry() as registry:
        registry.fault("GET", "/v2/", 404, times=9)
        refused("a server that is no registry", push(registry), 3, "not a container registry")
    with Registry() as one, Registry() as two:
        one.fault("POST", "/uploads/", 403, code="DENIED", times=99)
        result = run(DISTRIBUTOR, "push", "--unsigned", "--layout", LAYOUT, f"{one.host}/a",
                     f"{two.host}/b", "--json", env=ENV)
        out = json.loads(result.stdout)["repositories"]
        ok(result.returncode == 3 and complete(two) and not one.tags and
           [r["done"] for r in out] == [False, True] and "DENIED" in out[0]["error"],
           "one registry fails, the other is complete, each has its result", result.stdout)
    damaged = f"{WORK}/damaged"
    shutil.copytree(LAYOUT, damaged)
    path = f"{damaged}/blobs/sha256/{largest_layer()[1][7:]}"
    with open(path, "r+b") as f:
        f.write(b"\xff")
    with Registry() as registry:
        refused("a damaged blob of the layout is not sent", push(registry, layout=damaged), 4, path)
    with Registry() as registry:
        result = push(registry, path="Owner/Repo")
        refused("a name that cannot be a repository", result, 3, "/Owner/Repo'")
        result = run(DISTRIBUTOR, "push", "--unsigned", "--layout", f"{WORK}/nothing",
                     f"{registry.host}/a")
        refused("a layout that is not there", result, 3, "run 'distributor images' to make them")
    aside = f"{WORK}/aside"
    shutil.copytree(LAYOUT, aside)
    with open(f"{aside}/index.json") as f:
        index = json.load(f)
    index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = \
        "../../../other/repo/manifests/latest"
    with open(f"{aside}/index.json", "w") as f:
        json.dump(index, f)
    with Registry() as registry:
        refused("a name that leads to another repository", push(registry, layout=aside), 3,
                f"'{aside}/index.json'", "has the invalid tag")
        ok(not registry.requests, "nothing is sent", registry.requests)


def check_silence():
    closed = Registry()
    closed.__exit__()
    refused("nobody answers", push(closed), 5, closed.host)


def check_addresses():
    """Where a registry may be, and what it is talked to in."""
    try:
        registry = Registry(ipv6=True)
    except OSError as e:
        skip("a registry with an IPv6 address", e)
    else:
        with registry:
            pushed("a registry with an IPv6 address", registry, push(registry))
    # A registry that is no part of this machine: the proxy answers in its place.
    with Registry() as registry:
        example = (DISTRIBUTOR, "push", "--unsigned", "--layout", LAYOUT,
                   f"registry.example:5000/{PATH}", "--plain-http")
        proxied = {**ENV, "http_proxy": registry.url}
        result = run(*example, env=proxied)
        pushed("plain http when told so, by the proxy of the environment", registry, result,
               all(p.startswith("http://registry.example:5000/v2/")
                   for _, p, _ in registry.requests))
        # What it sends elsewhere does not come to this machine.
        with Storage(registry) as storage, TokenServer() as tokens:
            registry.blobs.clear()
            registry.manifests.clear()
            registry.tags.clear()
            registry.location, registry.storage = "storage", storage
            result = run(*example, env=proxied)
            refused("an upload to this machine, by a registry elsewhere", result, 5,
                    "redirects to this machine itself")
            ok(not storage.requests, "does not get there", storage.requests)
            registry.location = "relative"
            registry.auth, registry.tokens = "bearer", tokens
            result = run(*example, env=proxied)
            refused("a token server on this machine, for a registry elsewhere", result, 4,
                    f"'{tokens.host}', which is this machine itself", "--token-server")
            ok(not tokens.requests, "is not asked", tokens.requests)
            result = run(*example, "--token-server", tokens.host, *login("registry.example:5000"),
                         env=proxied)
            pushed("it is with --token-server", registry, result, tokens.requests)
    with Registry() as registry:
        result = run(DISTRIBUTOR, "push", "--unsigned", "--layout", LAYOUT,
                     f"127.0.0.1.example/{PATH}", env={**ENV, "http_proxy": registry.url, "https_proxy": registry.url})
        ok(result.returncode == 5 and registry.requests and
           all(m == "CONNECT" for m, _, _ in registry.requests),
           "other hosts are spoken to over https", f"{result.stderr}{registry.requests}")


def check_basic():
    with Registry() as registry:
        registry.auth = "basic"
        pushed("Basic", registry, push(registry, *login(registry.host)))
        refused("Basic without credentials", push(registry), 3, "requires credentials and none",
                "--auth-file")
        registry.requests.clear()
        registry.strangers = Meeting(4)
        result = push(registry, "--connections", "4", *login(registry.host, password="wr0ng"))
        refused("Basic with wrong ones", result, 3, "rejected the credentials from", "auth.json")
        ok("wr0ng" not in result.stderr, "the password is not shown")
        tried = [p for _, p, h in registry.requests if "Authorization" in h]
        ok(registry.strangers.most == 4 and len(tried) == 1,
           "a password that is wrong is sent once, by however many", tried)
        registry.tags.clear()
        registry.strangers = Meeting(4)
        result = push(registry, "--connections", "4", *login(registry.host))
        pushed("one that is right serves all of them", registry, result)
        os.makedirs(f"{WORK}/bin", exist_ok=True)
        helper = f"{WORK}/bin/docker-credential-test"
        with open(helper, "w") as f:
            f.write(f'#!/bin/sh\nread -r host || :\n[ "$host" = {registry.host} ] || exit 1\n'
                    '[ "$NEEDED" = 1 ] && ! env | grep -q ^DISTRIBUTOR_KEY || exit 1\n'
                    'echo \'{"Username":"alice","Secret":"s3cret"}\'\n')
        os.chmod(helper, 0o755)
        # A folder of its own: the other checks, at the same time, are to find no credentials.
        with open(f"{WORK}/bin/config.json", "w") as f:
            json.dump({"credsStore": "test"}, f)
        registry.tags.clear()
        result = push(registry, PATH=f"{WORK}/bin:{os.environ['PATH']}", NEEDED="1",
                      DOCKER_CONFIG=f"{WORK}/bin", DISTRIBUTOR_KEY="s3cret")
        pushed("a credential helper, which is told of everything but our key", registry, result)


def check_bearer():
    def both():
        registry, tokens = Registry(), TokenServer()
        registry.auth, registry.tokens = "bearer", tokens
        return registry, tokens

    registry, tokens = both()
    with registry, tokens:
        result = push(registry, *login(registry.host))
        pushed("Bearer", registry, result)
        ok(len(tokens.requests) <= 3, "tokens are used again", tokens.requests)
        ok(all("alice" not in p and "s3cret" not in p for _, p, _ in tokens.requests) and
           all(not h.get("Authorization", "").startswith("Basic")
               for _, _, h in registry.requests), "the password goes to the token server alone")
        registry.tags.clear()
        refused("Bearer without credentials: pull is allowed, push is not", push(registry), 3,
                "does not allow 'repository:owner/repo:pull,push' without credentials")
        tokens.requests.clear()
        result = push(registry, *login(registry.host, password="wr0ng"))
        refused("Bearer with wrong credentials", result, 3, "rejected the credentials from")
        ok(len(tokens.requests) == 1, "they are tried once, by however many", tokens.requests)
        ok("wr0ng" not in result.stderr, "the password is not shown")
    registry, tokens = both()
    with registry, tokens:
        tokens.lives = 7
        result = push(registry, "--connections", "2", *login(registry.host))
        pushed("tokens that expire in the middle are renewed", registry, result,
               len(tokens.requests) > 5)
    registry, tokens = both()
    with registry, tokens:
        tokens.expires_in = 1
        result = push(registry, *login(registry.host))
        pushed("a short life is no reason to stop", registry, result)
    registry, tokens = both()
    with registry, tokens:
        tokens.grants = ["repository:owner/repo:pull"]
        result = push(registry, *login(registry.host))
        refused("a server that grants less than it was asked", result, 3,
                "with the credentials from", "auth.json")
        ok(len(tokens.requests) < 8, "is not asked for ever", len(tokens.requests))
    for answer, status, part in (((200, b"<html>"), 5, "contains no token"),
                                 ((200, b'{"token":"a\\nb"}'), 5, "contains no token"),
                                 ((200, b"{}"), 5, "contains no token"),
                                 ((403, b""), 3, "rejected the credentials"),
                                 ((503, b""), 5, "503")):
        registry, tokens = both()
        with registry, tokens:
            tokens.answer = answer
            refused(f"the token server answers {answer}", push(registry, *login(registry.host)),
                    status, part)
    registry, tokens = both()
    with registry, tokens:
        tokens.refresh_token = "refresh s3cret&more"
        result = push(registry, *login(registry.host, identitytoken=tokens.refresh_token))
        pushed("an identity token is traded in by POST", registry, result,
               all(m == "POST" and "refresh" not in p for m, p, _ in tokens.requests))
    registry, tokens = both()
    with registry, tokens:
        registry.realm = "https://evil.example/token"
        result = push(registry, *login(registry.host))
        refused("a token server of somebody else gets no password", result, 4, "evil.example",
                "--token-server")
        registry.realm = f"https:/evil.example/x://{registry.host}/token"
        result = push(registry, *login(registry.host))
        refused("nor does one whose URL looks like our own", result, 4,
                "'evil.example'", "--token-server")
        registry.realm = "http://evil.example/token"
        result = push(registry, *login(registry.host))
        refused("nor does one over plain http", result, 4, "plain http")


class Forward(Handler):
    def respond(self):
        self.send(307, [("Location", self.service.to)])


class Stranger(Handler):
    def respond(self):
        self.send(401, [("WWW-Authenticate", 'Basic realm="x"')])


def check_rude():
    """All of it by chance, with a token server that is no better."""
    seed = seed_of("it_registry, rude")
    for turn in range(2):
        with Registry() as registry, TokenServer() as tokens, \
                RudeProxy(registry.host, seed + turn) as rude, \
                RudeProxy(tokens.host, seed + turn) as rude_tokens:
            registry.auth, registry.tokens = "bearer", tokens
            registry.realm, tokens.expires_in = f"{rude_tokens.url}/token", 1
            result = push(rude, *login(rude.host))
            pushed(f"a rude registry and a rude token server, {turn + 1}", registry, result,
                   sum(rude.done.values()) > 20, f"seed {seed} {rude.done} {rude_tokens.done}")
            result = push(rude, *login(rude.host))
            ok(result.returncode == 0 and "nothing pushed" in result.stdout,
               "... the second time nothing is sent", f"seed {seed} {result.stdout}{result.stderr}")


def check_echo():
    """
    Registries that repeat in an error what they were sent. The name is not a multiple of three bytes with
    its colon: the password alone, encoded, is not a part of the pair.
    """
    password = "s3cret-of-bob"
    pair = base64.b64encode(f"bob:{password}".encode()).decode()
    for scheme in ("basic", "bearer"):
        with Registry() as registry, TokenServer("bob", password) as tokens:
            registry.auth, registry.tokens, registry.echo = scheme, tokens, True
            registry.basic = f"Basic {pair}"
            registry.fault("POST", "/uploads/", 403, code="DENIED", times=999)
            for more in ((), ("-v",), ("-v", "--json")):
                result = push(registry, *login(registry.host, "bob", password), *more)
                text = result.stdout + result.stderr
                ok(result.returncode == 3 and "DENIED: refused " in text and "***" in text and
                   not any(s in text for s in (password, pair, base64.b64encode(
                       password.encode()).decode(), *tokens.tokens)),
                   f"a registry that repeats what it was sent: {scheme} {more}", text)


def check_redirects():
    """Servers that send on what they get, and where they send it."""
    with Registry() as registry, Service(Stranger) as stranger:
        registry.fault("HEAD", "/blobs/", 307, times=99, headers=[
            ("Location", f"{stranger.url}/x")])
        result = push(registry, *login(registry.host))
        refused("the 401 of a server that the registry redirects to", result, 3, "status 401")
        ok(stranger.requests and all("Authorization" not in h for _, _, h in
                                     registry.requests + stranger.requests),
           "is no reason to log in anywhere", stranger.requests)
    tokens, other = TokenServer(), TokenServer()
    forward = Service(Forward)
    registry = Registry()
    with registry, tokens, other, forward:
        forward.to = f"{other.url}/token"
        registry.auth, registry.tokens, registry.realm = "bearer", tokens, f"{forward.url}/token"
        push(registry, *login(registry.host))
        ok(all("Authorization" not in h for _, _, h in other.requests),
           "a redirected token request carries no password", other.requests)
        other.requests.clear()
        push(registry, *login(registry.host, identitytoken="s3cret"))
        ok(not other.requests, "a redirected refresh token is not sent on", other.requests)


def main():
    try:
        fixture(WORK, 400000, "x86_64", "aarch64")
        result = images(WORK)
        ok(result.returncode == 0, "images to push", result.stderr)
        parallel([check_order, check_uploads, check_failures, check_pieces, check_lies,
                  check_refusals, check_silence, check_addresses, check_basic, check_bearer,
                  check_redirects, check_looks, check_passing, check_addresses_of_proxies,
                  check_echo, check_rude])
    finally:
        shutil.rmtree(WORK)
    return done()


sys.exit(main())
