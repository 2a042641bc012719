#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`verify` on releases that somebody has changed: each change has a sentence of its own."""
import base64
import concurrent.futures
import functools
import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import tap
from redirecting import PAGES, Redirecting
from sign_lib import WITHOUT_NETWORK, Release, ed25519, read, run, sha256, tool, write

work = tempfile.mkdtemp(prefix="verify-")
good = Release(os.path.join(work, "good"))
good.keygen()
good.sign()
TARBALL = "x86_64_qemu-aarch64-static.tar.gz"
OTHER = "aarch64_qemu-s390x-static.tar.gz"
keys = os.path.join(good.root, "keys")
FINGERPRINT = tool("ssh-keygen", "-lf", os.path.join(keys, "release.pub")).stdout.split()[1]
counter = 0


def changed(change, source=good):
    """A copy of a signed release directory after a change."""
    global counter
    counter += 1
    directory = os.path.join(work, f"c{counter}")
    shutil.copytree(source.assets, directory)
    change(directory)
    return directory


def verify(directory, *options, status=4, keys_directory=keys):
    return run("verify", "--keys", keys_directory, *options, directory, status=status)


def refused(name, change, *sentences, options=(), source=good):
    tap.has(f"refused: {name}", verify(changed(change, source), *options), *sentences)


def document(text):
    """The result of --json, with lines for people around it."""
    return json.JSONDecoder().raw_decode(text[text.index("{"):])[0]


def put(name, data):
    return lambda d: write(os.path.join(d, name), data)


def edit(name, old, new):
    return lambda d: write(os.path.join(d, name), read(os.path.join(d, name)).replace(old, new, 1))


def move(*pairs):
    def act(directory):
        for old, _ in pairs:
            os.rename(os.path.join(directory, old), os.path.join(directory, old + ".moved"))
        for old, new in pairs:
            os.rename(os.path.join(directory, old + ".moved"), os.path.join(directory, new))
    return act


tap.has("a good release", verify(good.assets, "--tag", "v10.1.0-1", status=0),
        "all 8 files match their signed digests", "no unexpected files", "covers all files")
tap.equal("--quiet says nothing of it", verify(good.assets, "-q", status=0), "")
quiet = verify(changed(lambda d: os.unlink(os.path.join(d, OTHER))), "-q")
tap.ok("--quiet says what failed, and that alone", f"'{OTHER}' is missing" in quiet and "ok" not in quiet.split(),
       quiet)
result = json.loads(run("verify", "--json", "--keys", keys, good.assets))
tap.equal("--json says the same", (result["verified"], result["tag"], {c["status"] for c in result["checks"] if c["check"] != "keys"}),
          (True, "v10.1.0-1", {"ok"}))
tap.ok("without a network", "all 8 files" in tool(
    *WITHOUT_NETWORK, os.environ["DISTRIBUTOR"], "verify", "--keys", keys, good.assets,
    env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0")).stdout)

# a directory that cannot be read to its end is not one without other files
broken = os.path.join(os.environ["BUILD_DIR"], "tests", "refuse_tool")
listing = tool(broken, "getdents64", "EIO", os.environ["DISTRIBUTOR"], "verify", "--keys", keys, good.assets,
               check=False)
if listing.returncode == 125:
    tap.skip("verify: a directory that cannot be read", "no system call can be refused here")
else:
    tap.equal("verify: a directory that cannot be read is exit 1", listing.returncode, 1)
    tap.has("and the message says which", listing.stdout + listing.stderr, "Input/output error", good.assets)

# one sentence for each thing that can have happened
refused("a missing file", lambda d: os.unlink(os.path.join(d, OTHER)), f"'{OTHER}' is missing")
refused("a foreign file", put("surprise.tar.gz", "x"), "'surprise.tar.gz' is not listed in SHA256SUMS")
refused("a hidden file", put(".x", "x"), "'.x' is not listed")
refused("a directory", lambda d: os.mkdir(os.path.join(d, "sub")), "'sub' is not listed")
refused("a directory of other keys than those that --keys names", lambda d: os.mkdir(os.path.join(d, "keys")),
        "'keys' is not listed")
odd = document(run("verify", "--json", "--keys", keys,
                   changed(lambda d: write(os.path.join(os.fsencode(d), b"evil\xff\xc3\xa4name"), "x")), status=4))
tap.equal("--json keeps the row of a file whose name is not UTF-8",
          [c["detail"] for c in odd["checks"] if c["status"] == "failed"],
          ["'evil?\u00e4name' is not listed in SHA256SUMS and is not signed"])
latin = os.path.join(os.fsencode(work), b"keys\xff")
shutil.copytree(os.fsencode(keys), latin)
odd = document(run("verify", "--json", "--keys", latin, good.assets))
tap.equal("--json escapes a path that is not UTF-8", odd["keys"]["path"],
          os.path.join(work, "keys\\xff", "allowed_signers"))
tap.equal("--json says by which keys, and each check by which", (odd["signers"], odd["keys"]["allowed"], {
    c["check"]: c["signer"] for c in odd["checks"]}), (
        [FINGERPRINT], [{"principal": "release@example.org", "fingerprint": FINGERPRINT}],
        {"keys": None, "signature": FINGERPRINT, "minisign": FINGERPRINT, "version": None, "files": None,
         "names": None, "provenance": FINGERPRINT}))
refused("a renamed file", move((OTHER, "s390x.tar.gz")), f"'{OTHER}' is missing",
        f"'s390x.tar.gz' is not listed but has the content of '{OTHER}': it was renamed")
refused("two swapped files", move((OTHER, TARBALL), (TARBALL, OTHER)),
        f"'{TARBALL}' has the content of '{OTHER}': the files were swapped")
refused("a truncated file", lambda d: os.truncate(os.path.join(d, OTHER), 100),
        f"'{OTHER}' is truncated: got 100 of")
refused("a changed file", edit(OTHER, b"\x00", b"\x01"), f"'{OTHER}' was modified: sha256 is")
refused("a longer file", lambda d: write(os.path.join(d, OTHER), read(os.path.join(d, OTHER)) + b"x"),
        f"'{OTHER}' was modified")
refused("a file behind a link",
        lambda d: (os.rename(os.path.join(d, OTHER), os.path.join(work, "target")),
                   os.symlink(os.path.join(work, "target"), os.path.join(d, OTHER))), OTHER)
refused("no signatures", lambda d: [os.unlink(os.path.join(d, "SHA256SUMS" + s)) for s in (".sig", ".minisig")],
        "'SHA256SUMS.sig' is missing", "'SHA256SUMS.minisig' is missing")
refused("one signature less", lambda d: os.unlink(os.path.join(d, "SHA256SUMS.minisig")),
        "'SHA256SUMS.minisig' is missing")
refused("no list", lambda d: os.unlink(os.path.join(d, "SHA256SUMS")), "'SHA256SUMS' is missing")
refused("a list with another digest", edit("SHA256SUMS", b"0", b"1"), "the signature of 'SHA256SUMS' by key SHA256:")

# signed again by somebody else
thief = Release(os.path.join(work, "thief"))
thief.keygen()
thief.sign()
text = verify(thief.assets)
tap.has("refused: signed again by another key", text, "the signature of SHA256SUMS is by key SHA256:",
        "which is not in allowed_signers",
        "the minisign signature is by a key that is not in allowed_signers")
refused("minisign's signature of another key", lambda d: shutil.copy(thief.path("SHA256SUMS.minisig"), d),
        "the minisign signature is by a key that is not in allowed_signers")

# what a thief of the key, or a mistake, could sign: the parts do not belong together
def resigned(change):
    """A copy whose SHA256SUMS is made and signed again, with the right key, after a change."""
    def act(directory):
        change(directory)
        names = sorted(n for n in os.listdir(directory) if not n.startswith("SHA256SUMS"))
        sums = "".join(f"{sha256(read(os.path.join(directory, n)))}  {n}\n" for n in names)
        for name in ("SHA256SUMS.sig", "SHA256SUMS.minisig"):
            os.unlink(os.path.join(directory, name))
        write(os.path.join(directory, "SHA256SUMS"), sums)
        tool("ssh-keygen", "-q", "-Y", "sign", "-f", good.openssh_key(), "-n", "file", "SHA256SUMS",
             cwd=directory)
        tool("minisign", "-S", "-s", good.minisign_key(), "-m", "SHA256SUMS", "-t",
             "qemu-user-static v10.1.0-1\tfile:SHA256SUMS", cwd=directory)
    return act


RELEASE = "qemu-user-static-10.1.0-1.release.json"
if shutil.which("minisign"):
    refused("a signed file that the provenance does not know", resigned(put("extra", "x")),
            f"SHA256SUMS lists 'extra', which '{RELEASE}' does not", "subject 'extra' is missing")
    refused("a signed list without provenance",
            resigned(lambda d: os.unlink(os.path.join(d, "provenance.sigstore.json"))),
            "SHA256SUMS does not list provenance.sigstore.json")
    refused("a signed list without release.json", resigned(lambda d: os.unlink(os.path.join(d, RELEASE))),
            "expected one NAME-VERSION.release.json in SHA256SUMS but got 0")
    refused("another version inside", resigned(edit(RELEASE, b'"version": "10.1.0-1"', b'"version": "10.2.0-1"')),
            f"'{RELEASE}' does not match its content, which is for qemu-user-static 10.2.0-1")
    refused("another tag inside", resigned(edit(RELEASE, b'"tag": "v10.1.0-1"', b'"tag": "v9"')), "tag v9 does not match version")
    refused("another digest inside", resigned(edit(RELEASE, b'"sha256": "0', b'"sha256": "1')
                                              if b'"sha256": "0' in read(good.path(RELEASE)) else
                                              edit(RELEASE, sha256(read(good.path(OTHER))).encode(), b"0" * 64)),
            "differ for '")
    legacy = lambda d: (tool("minisign", "-S", "-l", "-s", good.minisign_key(), "-m", "SHA256SUMS", cwd=d))
    refused("a legacy minisign signature", legacy, "legacy minisign signature", "-H")
    refused("a trusted comment of another release",
            lambda d: tool("minisign", "-S", "-s", good.minisign_key(), "-m", "SHA256SUMS", "-t",
                           "qemu-user-static v9\tfile:SHA256SUMS", cwd=d), "the minisign signature is for")
else:
    tap.skip("parts that do not belong together", "minisign is not installed")

# The same where the outer digests hide nothing: the document is edited, and what is above it is made and
# signed again with the right key, the provenance as well. One check is left, and it alone fails.
PROVENANCE = "provenance.sigstore.json"
PAYLOAD = "application/vnd.in-toto+json"


def attest(directory, edit=None, key=good.key):
    """Signs a provenance of the files that are there; `edit` changes the statement before."""
    path = os.path.join(directory, PROVENANCE)
    bundle = json.loads(read(path))
    envelope = bundle["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["subject"] = [
        {"name": n, "digest": {"sha256": sha256(read(os.path.join(directory, n)))}}
        for n in sorted(os.listdir(directory)) if n != PROVENANCE and not n.startswith("SHA256SUMS")]
    if edit:
        edit(statement)
    body = json.dumps(statement).encode()
    signature = ed25519(key, b"DSSEv1 %d %s %d %s" % (len(PAYLOAD), PAYLOAD.encode(), len(body), body))
    envelope.update(payload=base64.b64encode(body).decode(),
                    signatures=[{"sig": base64.b64encode(signature).decode()}])
    write(path, json.dumps(bundle))


def claimed(edit):
    """release.json after `edit`, in a release that is else whole."""
    def act(directory):
        path = os.path.join(directory, RELEASE)
        claim = json.loads(read(path))
        edit(claim)
        write(path, json.dumps(claim))
        attest(directory)
    return act


def first(claim, key, value):
    """Sets or drops a member of the first asset."""
    claim["assets"][0].pop(key)
    if value is not None:
        claim["assets"][0][key] = value


def only(name, change, check, *sentences, options=()):
    """Exactly one check fails, with these words."""
    result = document(verify(changed(resigned(change)), "--json", *options))
    failed = [c for c in result["checks"] if c["status"] == "failed"]
    tap.ok(f"refused by one check: {name}", [c["check"] for c in failed] == [check] and
           all(s in failed[0]["detail"] for s in sentences), failed)


if shutil.which("minisign") and shutil.which("openssl"):
    tap.has("a release that is signed again by hand is good",
            verify(changed(resigned(lambda d: attest(d))), status=0), "all 8 files match their signed digests")
    for name, edit, sentence in (
            ("a subject with another digest", lambda s: s["subject"][0]["digest"].update(sha256="0" * 64),
             f"subject '{OTHER}' does not match SHA256SUMS"),
            ("the last subject with another digest",
             lambda s: s["subject"][-1]["digest"].update(sha256=s["subject"][0]["digest"]["sha256"]),
             "does not match SHA256SUMS"),
            ("a subject more", lambda s: s["subject"].append({"name": "more", "digest": {"sha256": "0" * 64}}),
             "subject 'more' does not match SHA256SUMS"),
            ("a subject less", lambda s: s["subject"].pop(), "is missing"),
            ("another tag", lambda s: s["predicate"]["buildDefinition"]["externalParameters"].update(tag="v9.9-1"),
             "it is for v9.9-1"),
            ("no tag", lambda s: s["predicate"]["buildDefinition"]["externalParameters"].pop("tag"),
             "it is for an unknown tag"),
            ("a tag that is not text",
             lambda s: s["predicate"]["buildDefinition"]["externalParameters"].update(tag=1), "it is for an unknown tag"),
            ("no parameters", lambda s: s["predicate"].pop("buildDefinition"), "it is for an unknown tag"),
            ("another predicate", lambda s: s.update(predicateType="https://example.org/x"),
             "expected SLSA provenance but got 'https://example.org/x'")):
        only(f"provenance with {name}", lambda d, e=edit: attest(d, e), "provenance", sentence)
    only("provenance by another key", lambda d: attest(d, key=thief.key), "provenance", "does not verify")
    only("release.json and provenance of another tag than the version", lambda d: (
        claimed(lambda c: c.update(tag="v9"))(d),
        attest(d, lambda s: s["predicate"]["buildDefinition"]["externalParameters"].update(tag="v9"))),
         "version", "tag v9 does not match version 10.1.0-1")
    for name, edit, sentence in (
            ("an asset with another digest", lambda c: first(c, "sha256", "0" * 64),
             f"'{RELEASE}' and SHA256SUMS differ for '{OTHER}'"),
            ("an asset less", lambda c: c["assets"].pop(), "SHA256SUMS lists '"),
            ("a document less", lambda c: c["documents"].pop(), "SHA256SUMS lists '"),
            ("an asset more", lambda c: c["assets"].append({**c["assets"][0], "name": "more"}),
             "SHA256SUMS differ for 'more'"),
            ("an asset twice", lambda c: c["assets"].append(c["assets"][0]), f"'{OTHER}' is listed twice"),
            ("a malformed asset at the end", lambda c: c["assets"].append(None), "assets[4]: must be an object"),
            ("a malformed document at the beginning", lambda c: c["documents"].insert(0, {}),
             "documents[0].sha256: missing name or digest"),
            ("an asset without a size", lambda c: first(c, "size", None), "missing size"),
            ("a digest that is not one", lambda c: first(c, "sha256", "x"), "missing name or digest"),
            ("no list of documents", lambda c: c.pop("documents"), "documents: must be an array"),
            ("a later format and no list of assets", lambda c: (c.update(format=7), c.pop("assets")),
             "assets: must be an array"),
            ("a format that is not a number", lambda c: c.update(format="1"), "format: must be a non-negative integer"),
            ("a tool that is not an object", lambda c: c.update(tool="0.1.0"), "tool: must be an object")):
        only(f"release.json with {name}", claimed(edit), "version", sentence)
    # formats: earlier, later, and keys that nobody knows yet
    for name, edit, sentence in (
            ("of a version without a number", lambda c: (c.pop("format"), c.pop("tool"), c.update(distributor="0.0.9")),
             "v10.1.0-1 was built by a different version: distributor 0.0.9; this is "),
            ("of another commit", lambda c: c["tool"].update(commit="1" * 40),
             f"was built by a different version: distributor {json.loads(read(good.path(RELEASE)))['tool']['version']} "
             f"(commit {'1' * 40}"),
            ("of a later format", lambda c: c.update(format=7, news={"a": []}),
             "release.json of v10.1.0-1 has format 7, and this version knows 1 and earlier ones"),
            ("that names no tool", lambda c: c.pop("tool"), "all 8 files match their signed digests")):
        tap.has(f"release.json {name} is verified", verify(changed(resigned(claimed(edit))), status=0),
                sentence, "v10.1.0-1 is verified")
    alike = verify(changed(resigned(claimed(lambda c: c.update(news=[1])))), status=0)
    tap.ok("a key that is not known is nothing to speak of, nor is the same version", "different version" not in alike and
           "later" not in alike, alike)
    size = os.path.getsize(good.path(OTHER))
    for wrong in (size - 1, size + 1):
        only(f"release.json with the size {wrong} for {size}", claimed(lambda c, w=wrong: first(c, "size", w)),
             "files", f"'{OTHER}' has {size} bytes, but release.json lists {wrong}")
    # a document of exactly as many bytes as are read, and one more
    for more in (0, 1):
        pad = lambda d, m=more: (write(os.path.join(d, RELEASE), read(os.path.join(d, RELEASE)).ljust((4 << 20) + m)),
                                 attest(d))
        text = verify(changed(resigned(pad)), status=3 + more if more else 0)
        tap.ok(f"release.json of 4 MiB and {more} bytes", ("at most 4194304 are allowed" in text) == bool(more), text)
else:
    tap.skip("documents that do not belong together, signed again", "minisign or openssl is not installed")

# no file is read that has more bytes than any of the release
for name, where in ((OTHER, f"'{OTHER}' has 4398046511104 bytes, expected at most 4194304"),
                    ("more", "'more' is not listed in SHA256SUMS")):
    started = time.monotonic()
    refused(f"4 TiB called {name}", lambda d, n=name: (write(os.path.join(d, n), "x"),
                                                       os.truncate(os.path.join(d, n), 4 << 40)), where)
    tap.ok("... at once", time.monotonic() - started < 30)


def interrupted(directory, *files):
    """What `verify` says when it is interrupted while it reads a file of 2 GiB."""
    process = subprocess.Popen([os.environ["DISTRIBUTOR"], "verify", "--keys", keys, *files], cwd=directory,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end and not any(
            files[0] in os.readlink(f"/proc/{process.pid}/fd/{n}") for n in os.listdir(f"/proc/{process.pid}/fd")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=120)[0], process.returncode


slow = changed(lambda d: (os.unlink(os.path.join(d, RELEASE)), os.truncate(os.path.join(d, OTHER), 2 << 30)))
said, status = interrupted(slow, OTHER, TARBALL)
tap.ok("the first signal ends the reading of a file, and nothing else is looked at",
       status == -signal.SIGINT and said.count("FAILED") == 1 and "interrupted; run" in said and TARBALL not in said, status, said)

# stale: an old release under a new name
old = Release(os.path.join(work, "old"), version="9.2.0-1")
shutil.rmtree(os.path.join(old.root, "keys"), ignore_errors=True)
shutil.copytree(keys, os.path.join(old.root, "keys"))
shutil.copy(good.key, old.key)
old.sign()
tap.has("the old release is good as what it is", verify(old.assets, "--tag", "v9.2.0-1", status=0), "v9.2.0-1")
tap.has("refused: the old release as the new one", verify(old.assets, "--tag", "v10.1.0-1"),
        "these are the files of v9.2.0-1, not of v10.1.0-1: a different release is offered under this name")
refused("the old one with its documents renamed",
        lambda d: [os.rename(os.path.join(d, n), os.path.join(d, n.replace("9.2.0", "10.1.0")))
                   for n in os.listdir(d)], "is missing", "it was renamed", options=("--tag", "v10.1.0-1"),
        source=old)
refused("the old signature over the new list", lambda d: shutil.copy(old.path("SHA256SUMS.sig"), d),
        "the signature of 'SHA256SUMS' by key")
refused("the old list with its signatures among the new files",
        lambda d: [shutil.copy(old.path("SHA256SUMS" + s), d) for s in ("", ".sig", ".minisig")],
        "was modified")
refused("the old provenance", lambda d: shutil.copy(old.path("provenance.sigstore.json"), d),
        "'provenance.sigstore.json' does not match SHA256SUMS")

# one file, as a user downloads it
single = os.path.join(work, "single")
os.makedirs(single)
for name in (TARBALL, "SHA256SUMS", "SHA256SUMS.sig"):
    shutil.copy(good.path(name), single)
tap.has("a single tarball with the signed list", verify(os.path.join(single, TARBALL), status=0),
        f"'{TARBALL}' matches its signed digest")
tap.has("it cannot be bound to a version by that alone",
        verify(os.path.join(single, TARBALL), "--tag", "v10.1.0-1"), "cannot confirm that this is")
shutil.copy(good.path("SHA256SUMS.minisig"), single)
tap.has("but with the trusted comment it can",
        verify(os.path.join(single, TARBALL), "--tag", "v10.1.0-1", status=0), "from the trusted comment")
tap.has("a version in place of a tag: what the tag is",
        verify(good.assets, "--tag", "10.1.0-1", status=2), "begin with 'v'; use --tag v10.1.0-1")
tap.has("an OUT directory: where the release is in it", verify(os.path.join(good.root, "out"), status=3),
        f"out' has no SHA256SUMS; the release is in '{good.root}/out/assets'")
tap.has("refused: as another version", verify(os.path.join(single, TARBALL), "--tag", "v11"), "not of v11")
tap.has("their directory is no release, and the advice is to name them", verify(single),
        f"'{OTHER}' is missing", "to check only the files that you have, name them: distributor verify")
os.rename(os.path.join(single, TARBALL), os.path.join(single, "arm.tar.gz"))
tap.has("refused: a single file under another name", verify(os.path.join(single, "arm.tar.gz")),
        f"'arm.tar.gz' is not listed but has the content of 'qemu-aarch64-static.tar.gz'")
shutil.copy(good.path(OTHER), os.path.join(single, TARBALL))
tap.has("refused: a single file with another's content", verify(os.path.join(single, TARBALL)), "were swapped")
for name in ("SHA256SUMS.sig", "SHA256SUMS.minisig"):
    os.unlink(os.path.join(single, name))
tap.has("refused: a single file without a signature", verify(os.path.join(single, TARBALL)), "SHA256SUMS is not signed")
tap.has("no operand", run("verify", status=2), "nothing to verify")
tap.has("no keys", verify(good.assets, keys_directory=work, status=3),
        f"'{work}/allowed_signers' does not exist", "clone the project's repository", "--keys")
write(os.path.join(work, "allowed_signers"), "# nobody\n")
tap.has("an empty list of keys", verify(good.assets, keys_directory=work, status=3), "has no key")
tap.has("a mistyped name", verify(os.path.join(work, "nosuch"), status=3), f"'{work}/nosuch' does not exist")

# over a URL
tap.has("file://", verify("file://" + good.assets, status=0), "all 8 files match their signed digests",
        "a URL does not list its files")


class Quiet(Redirecting, http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Busy(Quiet):
    """Not now, and then no. Whether a registry speaks plain http is asked once and not waited for."""
    asked = []

    def do_GET(self):
        self.send_error(503 if self.asked.count(self.path) < 2 else 403)
        self.asked.append(self.path)


served = changed(lambda d: None)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=served))
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
tap.has("a web server", verify(url + "/", status=0), "all 8 files match their signed digests")
for kind in PAGES:
    tap.has(f"a web server that redirects, with the page '{kind}'", verify(f"{url}/via/{kind}/", status=0),
            "all 8 files match their signed digests")
write(os.path.join(served, OTHER), b"x")
os.unlink(os.path.join(served, "qemu-aarch64-static"))
tap.has("refused: a web server that changes files", verify(url), f"'{OTHER}' is truncated",
        "'qemu-aarch64-static' is missing")
tap.has("--offline keeps off the network", verify(url, "--offline", status=2), "--offline cannot be used with the URL")
server.shutdown()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()
busy = f"127.0.0.1:{server.server_port}"
done = verify(good.assets, "--json", "--image", f"{busy}/q/a:b", "--image", f"{busy}/q/c:d", status=3)
tap.equal("a registry that refuses leaves what is known of the files, and the other image",
          [c["status"] for c in document(done)["checks"]
           if c["check"] in ("files", "image")], ["ok", "failed", "failed"])
tap.has("... and what it was waited for is told", done, "trying again")
tap.has("the same of a server with the files", verify(f"http://{busy}", status=3), "trying again")
server.shutdown()
tap.has("http to elsewhere is refused", verify("http://example.org/x", status=3), "http")


# every field of every file
def leaves(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, path + (key,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, path + (index,))
    else:
        yield path


def flip(value, path):
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    old = inner[path[-1]]
    inner[path[-1]] = (not old if isinstance(old, bool) else old + 1 if isinstance(old, int) else
                       "x" if old is None else ("y" if old[:1] == "x" else "x") + old[1:])
    return value


def mutations():
    """(what, file, bytes) for each field of each document, and each line of the text files."""
    for name in sorted(os.listdir(good.assets)):
        data = read(good.path(name))
        if name.endswith(".json"):
            for path in leaves(json.loads(data)):
                yield f"{name} {path}", name, json.dumps(flip(json.loads(data), path)).encode()
        elif name.startswith("SHA256SUMS"):
            lines = data.split(b"\n")
            for i, line in enumerate(lines[:-1]):
                if name.endswith(".minisig") and i == 0:
                    continue  # the untrusted comment says of itself that nothing depends on it
                for at in {0, len(line) // 2, len(line) - 1}:
                    bad = lines[:i] + [line[:at] + bytes([line[at] ^ 1]) + line[at + 1:]] + lines[i + 1:]
                    yield f"{name}:{i + 1}:{at}", name, b"\n".join(bad)
        else:
            for at in (0, len(data) // 2, len(data) - 1):
                yield f"{name}@{at}", name, data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
    bundle = json.loads(read(good.path("provenance.sigstore.json")))
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    for path in leaves(statement):
        body = json.dumps(flip(json.loads(json.dumps(statement)), path)).encode()
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(body).decode()
        yield f"statement {path}", "provenance.sigstore.json", json.dumps(bundle).encode()


def survives(case):
    what, name, data = case
    directory = tempfile.mkdtemp(dir=work)
    for entry in os.listdir(good.assets):
        if entry != name:
            os.link(good.path(entry), os.path.join(directory, entry))
    write(os.path.join(directory, name), data)
    status = run("verify", "--quiet", "--keys", keys, directory, status=None)
    shutil.rmtree(directory)
    return what if "not verified" not in status else None


cases = list(mutations())
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    survivors = [s for s in pool.map(survives, cases) if s]
tap.equal(f"each of {len(cases)} changed fields is noticed", survivors, [])
shutil.rmtree(work)
tap.done()
