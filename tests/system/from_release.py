#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`distributor images --from-release`: from a directory and from a web server, the same bytes as
from the tarballs themselves; nothing is taken that is not signed, listed and locked. Prints TAP."""

import functools
import http.server
import os
import shutil
import sys
import tempfile
import threading

from redirecting import Redirecting
from image_release import DISTRIBUTOR, VERSION, done, fixture, images, ok, run, tree

from rude import RudeProxy, seed_of

WORK = tempfile.mkdtemp(prefix="distributor-from-release-")
RELEASE = f"{WORK}/release"


class Handler(Redirecting, http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def from_release(where, out, *args):
    return images(WORK, "--from-release", where, "--keys", f"{WORK}/keys", *args, out=out)


def blobs(out):
    """Without the signatures, which only the signed release has."""
    return {k: v for k, v in tree(f"{WORK}/{out}/images").items()}


def refused(name, where, status, text, *args):
    result = from_release(where, "refused", *args)
    ok(result.returncode == status and text in result.stderr and
       not os.path.exists(f"{WORK}/refused/images/index.json"), name,
       f"{result.returncode} {result.stderr}")
    shutil.rmtree(f"{WORK}/refused", ignore_errors=True)


def changed(name, edit, status, text):
    copy = f"{WORK}/copy"
    shutil.copytree(RELEASE, copy)
    edit(copy)
    refused(name, copy, status, text)
    shutil.rmtree(copy)


def flip(path):
    with open(path, "r+b") as f:
        f.seek(700)
        byte = f.read(1)
        f.seek(700)
        f.write(bytes([byte[0] ^ 1]))


def prepare():
    """A signed release, and the images that were made with it."""
    fixture(WORK, 60000, "x86_64", "aarch64")
    steps = [images(WORK)]
    shutil.copytree(f"{WORK}/out/images", f"{WORK}/first/images")
    for keys in ("keys", "other"):
        steps.append(run(DISTRIBUTOR, "keygen", "--no-passphrase", "--keys", f"{WORK}/{keys}",
                         f"{WORK}/{keys}.pem"))
    steps.append(run(DISTRIBUTOR, "sign", "--matrix", f"{WORK}/matrix.json", "--out",
                     f"{WORK}/out", "--keys", f"{WORK}/keys", "--repo", WORK, "--key",
                     f"{WORK}/keys.pem"))
    shutil.copytree(f"{WORK}/out/assets", RELEASE)
    bad = [s.stderr for s in steps if s.returncode != 0]
    ok(not bad, "a signed release with images", "".join(bad))


def check_same(url):
    result = from_release(RELEASE, "second")
    ok(result.returncode == 0 and blobs("second") == blobs("first"),
       "from a directory: the same bytes", result.stderr)
    result = from_release(url, "third")
    ok(result.returncode == 0 and blobs("third") == blobs("first"), "from a URL: the same bytes",
       result.stderr)
    ok(os.path.exists(f"{WORK}/third/assets/aarch64_qemu-arm-static.tar.gz"),
       "what was fetched is kept")
    result = from_release(url, "third")
    ok(result.returncode == 0 and ", unchanged" in result.stdout, "and not fetched again",
       result.stderr)
    result = from_release(f"{url}/via/github", "redirected")
    ok(result.returncode == 0 and blobs("redirected") == blobs("first"),
       "from a URL that redirects, with a page: the same bytes", result.stderr)
    seed = seed_of("it_from_release, rude")
    with RudeProxy(url.removeprefix("http://"), seed) as rude:
        result = from_release(rude.url, "rude")
        ok(result.returncode == 0 and blobs("rude") == blobs("first"),
           "from a rude server: the same bytes", f"seed {seed} {rude.done} {result.stderr}")
    result = from_release(f"file://{RELEASE}/", "fourth", "--host", "aarch64")
    ok(result.returncode == 0 and not os.path.exists(
        f"{WORK}/fourth/assets/x86_64_qemu-arm-static.tar.gz"), "a part needs its own tarballs only",
       result.stderr)


def check_refusals(url):
    tarball = "aarch64_qemu-arm-static.tar.gz"
    changed("a changed tarball", lambda d: flip(f"{d}/{tarball}"), 4, tarball)
    changed("a missing tarball", lambda d: os.unlink(f"{d}/{tarball}"), 4, tarball)
    changed("a changed list", lambda d: flip(f"{d}/SHA256SUMS"), 4, "SHA256SUMS")
    changed("no signature", lambda d: [os.unlink(f"{d}/SHA256SUMS.{e}") for e in ("sig", "minisig")],
            4, "not verified")
    changed("two tarballs under each other's names", lambda d: (
        os.rename(f"{d}/{tarball}", f"{d}/x"),
        os.rename(f"{d}/x86_64_qemu-arm-static.tar.gz", f"{d}/{tarball}"),
        os.rename(f"{d}/x", f"{d}/x86_64_qemu-arm-static.tar.gz")), 4, "qemu-arm-static.tar.gz")
    result = images(WORK, "--from-release", RELEASE, "--keys", f"{WORK}/other", out="refused")
    ok(result.returncode == 4 and "not verified" in result.stderr, "signed by another key",
       result.stderr)
    refused("no keys at all", RELEASE, 3, f"{WORK}/none", "--keys", f"{WORK}/none")
    refused("nothing there", f"{url}/nothing", 5, "404")
    refused("no such directory", f"{WORK}/nothing", 3, f"directory '{WORK}/nothing' does not exist")
    with open(f"{WORK}/matrix.json") as f:
        text = f.read()
    with open(f"{WORK}/matrix.lock.json") as f:
        lock = f.read()
    for name, old in (("matrix.json", text), ("matrix.lock.json", lock)):
        with open(f"{WORK}/{name}", "w") as f:
            f.write(old.replace(VERSION, "10.0.2-2"))
    refused("another version", RELEASE, 4, "10.0.2-")
    for name, old in (("matrix.json", text), ("matrix.lock.json", lock)):
        with open(f"{WORK}/{name}", "w") as f:
            f.write(old)


def main():
    try:
        prepare()
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Handler, directory=RELEASE))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        check_same(url)
        check_refusals(url)
        server.shutdown()
    finally:
        shutil.rmtree(WORK)
    return done()


sys.exit(main())
