#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/verify.md: each command of its Linux part is run as it stands. docs/security.md: each test it
names is there."""
import os
import re
import shutil
import subprocess
import tempfile

import debian
import tap
from sign_lib import PROGRAM, SOURCE, Release, read, run, tool

text = read(os.path.join(SOURCE, "docs", "verify.md")).decode()
linux = text[text.index("\n## Linux"):text.index("\n## macOS")]
work = tempfile.mkdtemp(prefix="docs-")
os.environ.update(HOME=work, GIT_CONFIG_NOSYSTEM="1")
release = Release(os.path.join(work, "r"))
release.keygen()
tool("git", "init", "-q", cwd=release.root)
tool("git", "config", "user.name", "A", cwd=release.root)
tool("git", "config", "user.email", "a@example.org", cwd=release.root)
tool("git", "add", "matrix.json", "matrix.lock.json", "keys", cwd=release.root)
tool("git", "commit", "-q", "-m", "x", cwd=release.root)
release.sign()
run("tag", "--matrix", "matrix.json", "--key", "release.pem", cwd=release.root)

# the downloads, with a clone beside them
NOBODY = "http://127.0.0.1:9"  # a proxy that is not there: nothing is asked of the network
tools = os.path.join(work, "bin")
os.makedirs(tools)
os.symlink(PROGRAM, os.path.join(tools, "distributor"))
# cosign 2 and 3; what is written for 2 goes with 3 as well
for suite in ("trixie", "sid"):
    os.makedirs(os.path.join(tools, suite))
    try:
        cosign = os.path.join(debian.package(suite, debian.architecture(), "cosign"), "usr/bin/cosign")
        os.symlink(cosign, os.path.join(tools, suite, "cosign"))
    except debian.Unavailable as e:
        tap.skip(f"cosign of {suite} is there for its commands", e)


def suites(block):
    """Where the cosign of a block is from."""
    if "cosign " not in block:
        return [""]
    return ["trixie", "sid"] if "--new-bundle-format" in block else ["sid"]


def search_path(suite):
    return ":".join([os.path.join(tools, suite), tools, os.environ["PATH"]])


blocks = re.findall(r"```sh\n(.*?)```", linux, re.S)
tap.ok("the Linux part has commands", len(blocks) >= 11)
GET_KEYS = blocks.pop(0)
tap.ok("the first of them gets the keys", "git clone" in GET_KEYS and "KEYS=" in GET_KEYS, GET_KEYS)


def play(block, tag, suite, change=None):
    """A block after the one that gets the keys, beside the downloads; `change` is made to the clone."""
    shutil.rmtree(os.path.join(work, "d"), ignore_errors=True)
    downloads = os.path.join(work, "d", "downloads")
    shutil.copytree(release.assets, downloads)
    environment = dict(os.environ, TAG=tag, REPOSITORY=release.root, PATH=search_path(suite), HTTPS_PROXY=NOBODY)
    script = f"{GET_KEYS}\n{change or ':'}\n{block}"
    done = subprocess.run(["sh", "-euc", script], cwd=downloads, capture_output=True, text=True, timeout=120,
                          env=environment)
    return done.returncode == 0, done.stdout + done.stderr


runs = [(block, suite, " ".join([block.splitlines()[0], *([f"({suite})"] if suite else [])]))
        for block in blocks for suite in suites(block)]
for block, suite, name in runs:
    missing = [p for p in ("cosign", "minisign") if p + " " in block and
               not shutil.which(p, path=search_path(suite))]
    if missing:
        tap.skip(name, f"{missing[0]} is not here")
        continue
    good, said = play(block, "v10.1.0-1", suite)
    tap.ok(f"runs: {name}", good, said)
    if "$TAG" in block:
        good, said = play(block, "v9.9.9-9", suite)
        tap.ok(f"refuses another tag: {name}", not good, said)

# revoked keys: another one changes nothing, that of the release is refused by all that take the list
run("keygen", "--no-passphrase", "--keys", "other", "other.pem", cwd=release.root)
other, ours = (f'cut -d" " -f1,2 {release.root}/{d}/release.pub >"$KEYS/revoked_keys"' for d in ("other", "keys"))
for block, suite, name in runs:
    if "revoked_keys" in block or "distributor " in block:
        for what, change, wanted in (("another key", other, True), ("the release's key", ours, False)):
            good, said = play(block, "v10.1.0-1", suite, change)
            tap.ok(f"{what} is revoked: {name}", good == wanted, said)

# keys that lie among the downloads are not taken, and a list that nobody named is not looked for
good, said = play('cp -R "$KEYS" keys && distributor verify --keys keys --tag "$TAG" .', "v10.1.0-1", "")
tap.ok("keys among the files prove nothing", not good and "is among the files" in said, said)
good, said = play('cp -R "$KEYS/.." ../x && cd ../x && distributor verify --tag "$TAG" ../downloads', "v10.1.0-1", "")
tap.ok("nor does a clone that one stands in", not good and all(
    w in said for w in ("--keys DIR", "--root SHA256:", "--repo DIR", "clone the project's repository")), said)
good, said = play('distributor verify --keys "$KEYS" --tag "$TAG" .', "v10.1.0-1", "")
fingerprint = tool("ssh-keygen", "-lf", os.path.join(release.root, "keys", "release.pub")).stdout.split()[1]
tap.equal("it ends with one sentence, as the page says", said.splitlines()[-1],
          f"v10.1.0-1 is verified, signed by {fingerprint} from ../repository/keys/allowed_signers")
tap.has("... which stands there", text, "v10.2.2-1 is verified, signed by SHA256:... from ../repository/keys/allowed_signers")

# a file that was changed is noticed by each way that looks at it
tampered = os.path.join(release.assets, "x86_64_qemu-aarch64-static.tar.gz")
with open(tampered, "r+b") as f:
    f.seek(50)
    f.write(b"changed")
for block, suite, name in runs:
    if any(word in block for word in ("sha256sum", "cosign ", "distributor ")):
        if "cosign " in block and not os.path.exists(os.path.join(tools, suite, "cosign")):
            continue
        good, said = play(block, "v10.1.0-1", suite)
        tap.ok(f"notices a changed file: {name}", not good, said)

security = read(os.path.join(SOURCE, "docs", "security.md")).decode()
rows = [line for line in security.splitlines() if re.match(r"\| \d+ \|", line)]
missing = []
for row in rows:
    proofs = re.findall(r"`([\w./]+)`: ([^;|]+)", row.split(" | ")[-1])
    if not proofs:
        missing.append(row)
    for name, words in proofs:
        path = os.path.join(SOURCE, "tests", name)
        if not os.path.exists(path) or words.strip() not in read(path).decode():
            missing.append(f"{name}: {words.strip()}")
tap.equal(f"each of {len(rows)} threats names tests that are there", missing, [])
pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", *(f"docs/{n}" for n in sorted(os.listdir(os.path.join(SOURCE, "docs"))) if n.endswith(".md"))]
written = {page: read(os.path.join(SOURCE, page)).decode() for page in pages}
links = {n for page in written.values() for n in re.findall(r"\b(docs/[\w-]+\.md)\b", page)}
tap.equal("the documents that are named exist", sorted(links - set(pages)), [])
lost = [f"{page}: {target}" for page, words in written.items() for target in re.findall(r"\]\(([\w./-]+)[)#]", words)
        if not os.path.exists(os.path.join(SOURCE, os.path.dirname(page), target))]
tap.equal("the links between documents lead somewhere", lost, [])
anchors = [f"{page}: {to}" for page, words in written.items() for file, to in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", words)
           if to not in {re.sub(r"[^\w -]", "", h).replace(" ", "-").lower()
                         for h in re.findall(r"^#+ (.*)$", written[os.path.normpath(os.path.join(os.path.dirname(page), file)) if file else page],
                                              re.M)}]
tap.equal("and so do those into their sections", anchors, [])
# a secret key that a document writes into the repository is nothing that "git add" takes
secrets = set()
for name, page in written.items():
    secrets |= set(re.findall(r"distributor keygen(?: --[a-z]+(?: \S+@\S+)?)* (\w[\w.-]*\.pem)\b", page))
    secrets |= set(re.findall(r"--to\s+secret-\w+ --output (\w[\w.-]*)", page))
tap.ok("documents write secret keys", {"release.pem", "release-2.pem", "release.line"} <= secrets, secrets)
tool("git", "init", "-q", os.path.join(work, "ignoring"))
shutil.copy(os.path.join(SOURCE, ".gitignore"), os.path.join(work, "ignoring"))
ignored = tool("git", "check-ignore", *sorted(secrets), cwd=os.path.join(work, "ignoring"), check=False)
tap.equal("... which git ignores", ignored.stdout.split(), sorted(secrets))
public = tool("git", "check-ignore", "keys/release.pem", "keys/release.pub", "matrix/debian.json",
              cwd=os.path.join(work, "ignoring"), check=False)
tap.equal("... and not the public ones", public.stdout, "")

# docs/dependencies.md: each library once, with the files that include it
headers = {"libcurl": "curl/", "OpenSSL libcrypto": "openssl/", "librnp": "rnp/", "expat": "expat.h",
           "libarchive": "archive(?:_entry)?.h", "libdeflate": "libdeflate.h", "liblzma": "lzma.h", "zlib": "zlib.h", "zstd": "zstd.h",
           "libgit2": "git2.h"}
rows = re.findall(r"^\| ([\w ]+) \| \S+-dev \| .* \| (.*) \|$", written["docs/dependencies.md"], re.M)
names = [name for name, _ in rows]
tap.equal("each library is listed once", sorted(names), sorted({*headers, "jansson", "cmocka"}))
includes = {}
for folder in ("base", "model", "net", "pack", "sign", "sources", "images", "publish", "matrix", "distributor", "register"):
    for where, _, files in os.walk(os.path.join(SOURCE, folder)):
        for name in files:
            if name.endswith((".c", ".h")):
                path = os.path.join(where, name)
                includes[os.path.relpath(path, SOURCE)] = read(path).decode()
for library, header in headers.items():
    users = {n for n, code in includes.items() if re.search(rf"^#include <{header}", code, re.M)}
    tap.equal(f"{library} is included where docs/dependencies.md says",
              set(re.findall(r"`([a-z]+(?:/\w+)+\.c)`", dict(rows)[library])), users)
tree = written["docs/design.md"].partition("## The tree\n")[2].partition("\n\nIncludes point")[0]
rooms = {n for n in re.findall(r"^    (?:distributor/)?(\w+)/ ", tree, re.M) if n not in ("tests", "bench", "docs", "cmake")}
picture = read(os.path.join(SOURCE, "docs", "rooms.svg")).decode()
tap.equal("docs/rooms.svg has each room of docs/design.md", sorted(n for n in rooms if not re.search(rf">{n}\b", picture)), [])
tap.ok("... which has several", len(rooms) > 15, rooms)
place = written["README.md"].partition("### The project's public key\n")[2].partition("\n## ")[0]
public = os.path.join(SOURCE, "keys", "release.pub")
tap.has("README.md has the fingerprint of the project's key, or says that there is none", place,
        tool("ssh-keygen", "-lf", public).stdout.split()[1] if os.path.exists(public) else "none yet")
shutil.rmtree(work)
tap.done()
