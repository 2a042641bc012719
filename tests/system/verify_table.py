#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`verify` with every combination of what it can be given: which checks are made, with what result, and
which it says that it did not make. Prints TAP."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

import tap
from image_release import DISTRIBUTOR, VERSION, fixture
from sign_lib import read, write

from oci_registry import Registry

WORK = tempfile.mkdtemp(prefix="distributor-table-")
TAG = "v" + VERSION
TARBALL = "x86_64_qemu-arm-static.tar.gz"
ENV = {**os.environ, "HOME": WORK, "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": WORK, "DOCKER_CONFIG": WORK,
       "XDG_RUNTIME_DIR": WORK, "HTTPS_PROXY": "http://127.0.0.1:9"}


def done(*command, cwd=WORK, status=0):
    result = subprocess.run(command, cwd=cwd, env=ENV, capture_output=True, text=True, timeout=120)
    if status is not None and result.returncode != status:
        raise AssertionError(f"{command}: {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def distributor(*command, **options):
    return done(DISTRIBUTOR, *command, **options)


def prepare(registry):
    """A release whose images are in that registry, in a repository with its tag; and others."""
    fixture(WORK, 20000, "x86_64", "aarch64")
    with open(f"{WORK}/matrix.json") as f:
        matrix = json.load(f)
    matrix["repository"]["images"] = [f"{registry.host}/owner/repo"]
    write(f"{WORK}/matrix.json", json.dumps(matrix))
    own = ["--matrix", "matrix.json"]
    distributor("images", *own, "--registrars", f"{WORK}/registrars")
    shutil.copytree(f"{WORK}/out", f"{WORK}/unsigned")
    for keys in ("keys", "rooted"):
        distributor("keygen", "--no-passphrase", "--principal", "release@example.org", "--keys", keys, f"{keys}.pem")
    distributor("keygen", "--root", "--no-passphrase", "--principal", "root@example.org", "--keys", "rooted", "root.pem")
    shutil.copy(f"{WORK}/keys/allowed_signers", f"{WORK}/rooted/allowed_signers")
    for name in ("release.pub", "minisign.pub", "release.pem"):
        shutil.copy(f"{WORK}/keys/{name}", f"{WORK}/rooted/{name}")
    distributor("key", "--endorse", "--key", "root.pem", "--keys", "rooted")
    distributor("keygen", "--no-passphrase", "--keys", "strange", "strange.pem")
    git = ["git", "-C", "clone"]
    for command in (["git", "init", "-q", "clone"], [*git, "config", "user.name", "A"],
                    [*git, "config", "user.email", "a@example.org"]):
        done(*command)
    for name in ("matrix.json", "matrix.lock.json"):
        shutil.copy(f"{WORK}/{name}", f"{WORK}/clone/{name}")
    shutil.copytree(f"{WORK}/keys", f"{WORK}/clone/keys")
    done(*git, "add", "-A")
    done(*git, "commit", "-q", "-m", "x")
    # a release, the tag that names it, and another of the same files, signed at another time
    here = ["--key", f"{WORK}/keys.pem", "--out", f"{WORK}/out"]
    distributor("sign", *own, *here, cwd=f"{WORK}/clone")
    distributor("tag", *own, *here, "--sums", cwd=f"{WORK}/clone")
    shutil.copytree(f"{WORK}/out/assets", f"{WORK}/release")
    for name, options in (("plain", []), ("other", ["--sums"])):
        shutil.copytree(f"{WORK}/clone", f"{WORK}/{name}")
        done("git", "tag", "-d", TAG, cwd=f"{WORK}/{name}")
        if options:
            shutil.copytree(f"{WORK}/unsigned", f"{WORK}/resigned")
            done("git", "-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "-q", "--allow-empty", "-m", "y",
                 cwd=f"{WORK}/{name}")
            here[3] = f"{WORK}/resigned"
            distributor("sign", *own, *here, cwd=f"{WORK}/{name}")
        distributor("tag", *own, *here, *options, cwd=f"{WORK}/{name}")
    distributor("push", *own, "--keys", "keys", "--out", "out")
    distributor("push", *own, "--keys", "keys", "--out", "out", "--unsigned", f"{registry.host}/mirror")
    # what people download
    os.mkdir(f"{WORK}/single")
    for name in (TARBALL, "SHA256SUMS", "SHA256SUMS.sig"):
        shutil.copy(f"{WORK}/release/{name}", f"{WORK}/single")
    shutil.copytree(f"{WORK}/single", f"{WORK}/told")
    shutil.copy(f"{WORK}/release/qemu-user-static-{VERSION}.release.json", f"{WORK}/told")
    for name in ("release", "single"):
        shutil.copytree(f"{WORK}/{name}", f"{WORK}/{name}-keys")
        shutil.copytree(f"{WORK}/keys", f"{WORK}/{name}-keys/keys")
    shutil.copytree(f"{WORK}/release-keys", f"{WORK}/release-git")
    shutil.copytree(f"{WORK}/single", f"{WORK}/single-list")
    shutil.copytree(f"{WORK}/keys", f"{WORK}/single-list", dirs_exist_ok=True)
    shutil.copytree(f"{WORK}/single", f"{WORK}/single-link")
    os.symlink("../keys", f"{WORK}/single-link/keys")
    shutil.copytree(f"{WORK}/clone/.git", f"{WORK}/release-git/.git")
    shutil.copytree(f"{WORK}/release", f"{WORK}/release-rooted")
    shutil.copytree(f"{WORK}/rooted", f"{WORK}/release-rooted/keys")
    shutil.copytree(f"{WORK}/release", f"{WORK}/damaged")
    data = read(f"{WORK}/damaged/SHA256SUMS")
    write(f"{WORK}/damaged/SHA256SUMS", data.replace(b"0", b"1", 1))


# The checks of a directory, a URL, a file, an image that are good.
SIGNED = "signature minisign version files names provenance"
SERVED = "signature minisign version files -names provenance"
SINGLE = "signature -minisign -version files -provenance"
TOLD = "signature -minisign version files -provenance"
IMAGE = "image signature signature signature bundle"
OF_TAG = IMAGE.replace(" bundle", " version bundle")
KEYS, CLONE = ["--keys", "keys"], ["--repo", "clone"]
NAMED = "tag tag"  # the signature of the tag, and that it names these files


def rows(registry, root):
    """(what, arguments, exit status, checks in their order: "-x" was not made, "!x" failed, sentences)"""
    image = ["--image", f"{registry.host}/owner/repo:latest"]
    versioned = ["--image", f"{registry.host}/owner/repo:{VERSION}"]
    by_digest = f"{registry.host}/owner/repo@{registry.tags['latest']}"
    mirror = ["--image", f"{registry.host}/mirror:latest"]
    origin = ["--signed-as", f"{registry.host}/owner/repo"]
    rooted = ["--keys", "rooted"]
    url = f"file://{WORK}/release"
    yield "nothing", [], 2, "", "nothing to verify"
    for what, words in (("a directory", ["release"]), ("a URL", [url]), ("a file", [f"single/{TARBALL}"]),
                        ("a tag", ["--tag", TAG]), ("an image", image), ("all of them", ["release", *image, "--tag", TAG]),
                        ("a directory and a root key", ["release", "--root", root])):
        yield f"{what}, and no keys", words, 2, "", "--keys DIR", "--root SHA256:", "--repo DIR", "clone the project's repository"
    # a list of keys
    yield "a directory", [*KEYS, "release"], 0, f"-keys {SIGNED}", "is trusted without a root key"
    yield "... the wrong keys", ["--keys", "strange", "release"], 4, "-keys !signature !minisign", "not in allowed_signers"
    yield "... a root key, not named", [*rooted, "release"], 0, f"-keys {SIGNED}", "use --root to require that key", "serial 1 dated 20"
    yield "... named", [*rooted, "--root", root, "release"], 0, f"keys {SIGNED}", f"signed by root key {root}"
    yield "... another", [*rooted, "--root", "SHA256:x", "release"], 4, "", f"{root}, expected SHA256:x"
    yield "... and none there", [*KEYS, "--root", root, "release"], 4, "", "has no root_signers"
    yield "... no keys there", ["--keys", "release", "release"], 3, "", "'release/allowed_signers' does not exist", "clone the project's repository"
    yield "... the directory above them", ["--keys", "clone", "release"], 3, "", "did you mean --keys clone/keys?"
    yield "... the list itself", ["--keys", "keys/allowed_signers", "release"], 3, "", "is a file", "--keys keys"
    yield "... a fingerprint without its kind", [*rooted, "--root", root[7:], "release"], 2, "", "SHA256:..., not"
    yield "the page of a release", [*KEYS, f"https://127.0.0.1:1/o/r/releases/tag/{TAG}"], 2, "", f".../releases/download/{TAG}"
    # where the keys lie
    yield "keys among the files", ["--keys", "release-keys/keys", "release-keys"], 4, f"-keys !keys {SIGNED}", "is among the files"
    yield "... by another spelling", ["--keys", "./release/../release-keys/keys/", "release-keys/."], 4, \
        f"-keys !keys {SIGNED}", "is among the files"
    yield "... of a file:// URL", ["--keys", "release-keys/keys", f"file://{WORK}/release-keys"], 4, \
        f"-keys !keys {SERVED}", "is among the files"
    yield "... of a file", ["--keys", "single-keys/keys", f"single-keys/{TARBALL}"], 4, f"-keys !keys {SINGLE}", "is among the files"
    for what, begin in (("that names this machine", "file://localhost"), ("in capitals", "FILE://")):
        yield f"... of a file:// URL {what}", ["--keys", "release-keys/keys", f"{begin}{WORK}/release-keys"], 4, \
            f"-keys !keys {SERVED}", "is among the files"
    yield "... of a file:// URL that is encoded", ["--keys", "release-keys/keys", f"{url[:-7]}%72elease-keys"], 4, \
        f"-keys !keys {SERVED}", "is among the files"
    yield "... as files", ["--keys", "single-list", f"single-list/{TARBALL}"], 4, f"-keys !keys {SINGLE}", "is among the files"
    for keys in ("single-link/keys", "single-link/keys//"):
        yield f"... by a link, {keys}", ["--keys", keys, f"single-link/{TARBALL}"], 4, f"-keys !keys {SINGLE}", "is among the files"
    yield "... in a repository that is the files", ["--repo", "release-git", "release-git"], 4, \
        f"-keys !keys {SIGNED.replace('names', '!names')} {NAMED}", "is among the files", "'.git' is not listed"
    yield "... under a root key", ["--keys", "release-rooted/keys", "--root", root, "release-rooted"], 0, f"keys {SIGNED}"
    yield "... under a root key that nobody named", ["--keys", "release-rooted/keys", "release-rooted"], 4, \
        f"-keys !keys {SIGNED}", "or name their root key with --root SHA256:FINGERPRINT"
    # other operands
    yield "a URL", [*KEYS, url], 0, f"-keys {SERVED}", "a URL does not list its files"
    yield "a file", [*KEYS, f"single/{TARBALL}"], 0, f"-keys {SINGLE}", ".release.json does not exist", "SHA256SUMS.minisig does not exist"
    yield "a file with release.json", [*KEYS, f"told/{TARBALL}"], 0, f"-keys {TOLD}"
    # --tag without a repository: which release it is
    for what, words, checks in (("a directory", ["release"], SIGNED), ("a URL", [url], SERVED), ("a file", [f"told/{TARBALL}"], TOLD)):
        yield f"{what} of a tag", [*KEYS, "--tag", TAG, *words], 0, f"-keys {checks}"
        yield f"{what} of another", [*KEYS, "--tag", "v9-9", *words], 4, f"-keys {checks.replace('version', '!version')}", "a different release"
    yield "a file that nothing binds to a tag", [*KEYS, "--tag", TAG, f"single/{TARBALL}"], 4, \
        "-keys signature -minisign -version !version files -provenance", "cannot confirm that this is"
    yield "a version for a tag", [*KEYS, "--tag", VERSION, "release"], 2, "", f"--tag {TAG}"
    # --repo: the tag, and the files that it names; its keys
    for what, words, checks in (("a directory", ["release"], SIGNED), ("a URL", [url], SERVED), ("a file", [f"told/{TARBALL}"], TOLD)):
        yield f"{what} and a clone", [*CLONE, *words], 0, f"-keys {checks} {NAMED}", "the tag names this SHA256SUMS"
        yield f"{what} and a clone, other keys", [*CLONE, "--keys", "strange", *words], 4, None, "not in allowed_signers"
        yield f"{what} and a tag that names none", ["--repo", "plain", *words], 0, f"-keys {checks} tag -tag", "does not name a SHA256SUMS"
        yield f"{what} and a tag of others", ["--repo", "other", *words], 4, f"-keys {checks} tag !tag", "which does not match"
        yield f"{what} and a tag that is not there", [*CLONE, "--tag", "v9-9", *words], 4, None, "v9-9"
    yield "a file and a clone, no word of the tag", [*CLONE, f"single/{TARBALL}"], 4, f"-keys {SINGLE} !tag", "use --tag"
    yield "a damaged list and a clone", [*CLONE, "--tag", TAG, "damaged"], 4, "-keys !signature !minisign tag -tag", \
        "the signature of SHA256SUMS is not valid"
    yield "a clone with a root key", [*CLONE, "--root", root, "release"], 4, "", "has no root_signers"
    yield "no clone there", ["--repo", "nowhere", "release"], 3, "", "'nowhere/keys/allowed_signers' does not exist"
    yield "no repository there", [*KEYS, "--repo", "/", "release"], 3, None, "/"
    # --tag alone
    yield "a tag alone", [*CLONE, "--tag", TAG], 0, "-keys tag -tag", "no files given"
    yield "... of a repository whose keys are others'", [*CLONE, "--keys", "strange", "--tag", TAG], 4, "-keys !tag", "not in allowed_signers"
    yield "... that names nothing", ["--repo", "plain", "--tag", TAG], 0, "-keys tag -tag", "does not name a SHA256SUMS"
    yield "a clone alone", [*CLONE], 2, "", "nothing to verify"
    # images
    yield "an image", [*KEYS, *image], 0, f"-keys {IMAGE}"
    yield "... the wrong keys", ["--keys", "strange", *image], 4, "-keys image !signature -signature -bundle", "not signed by an allowed key"
    yield "... of a tag", [*KEYS, "--tag", TAG, *image], 0, f"-keys {OF_TAG.replace(' v', ' -v')}", "does not name a release"
    yield "... by its version", [*KEYS, "--tag", TAG, *versioned], 0, f"-keys {OF_TAG}", f"is an image of {TAG}"
    yield "... by its version, behind another letter", [*KEYS, "--tag", f"x{VERSION}", *versioned], 4, \
        f"-keys {OF_TAG.replace('version', '!version')}", f"not of x{VERSION}"
    yield "... of another", [*KEYS, "--tag", "v9-9", *versioned], 4, f"-keys {OF_TAG.replace('version', '!version')}", \
        f"is an image of {TAG}, not of v9-9"
    yield "... the wrong keys and a tag", ["--keys", "strange", "--tag", TAG, *versioned], 4, \
        "-keys image !signature -signature -bundle", "not signed by an allowed key"
    yield "... by its digest, of a tag", [*KEYS, "--tag", TAG, "--image", by_digest], 0, \
        f"-keys {OF_TAG.replace(' v', ' -v')}", "does not name a release"
    yield "... and a clone", [*CLONE, *image], 0, f"-keys {IMAGE} -tag", "use --tag"
    yield "... and its tag", [*CLONE, "--tag", TAG, *image], 0, f"-keys {OF_TAG.replace(' v', ' -v')} tag -tag", "no files given"
    yield "... and files", [*KEYS, *image, "release"], 0, f"-keys {SIGNED} {IMAGE}"
    yield "... and files of a clone", [*CLONE, *image, "release"], 0, f"-keys {SIGNED} {IMAGE} {NAMED}"
    yield "... and damaged files", [*KEYS, *image, "damaged"], 4, f"-keys !signature !minisign {IMAGE}"
    yield "... under a root key", [*rooted, "--root", root, *image], 0, f"keys {IMAGE}"
    yield "a mirror", [*KEYS, *mirror], 4, "-keys image !signature -signature bundle", "was signed as"
    yield "... of that image", [*KEYS, *mirror, *origin], 0, f"-keys {IMAGE}"
    yield "two images", [*KEYS, *image, *image], 0, f"-keys {IMAGE} {IMAGE}"
    yield "an image without the network", [*KEYS, *image, "--offline"], 2, "", "--offline cannot be used with --image"
    for option in (origin, ["--plain-http"], ["--anonymous"], ["--ca", "x"], ["--auth-file", "x"], ["--token-server", "x"]):
        yield f"{option[0]} without an image", [*KEYS, *option, "release"], 2, "", f"{option[0]} requires --image"


def checks_of(document):
    marks = {"ok": "", "failed": "!", "skipped": "-"}
    return " ".join(marks[c["status"]] + c["check"] for c in document["checks"])


def look(row):
    """The result of a row as a document, and in words where it is good."""
    _, arguments, status, *_ = row
    return row, distributor("verify", *arguments, "--json", status=None), \
        distributor("verify", *arguments, status=None).stdout if status == 0 else ""


def judge(row, result, words, fingerprint):
    what, _, status, checks, *sentences = row
    good = result.returncode == status and all(s in result.stdout + result.stderr for s in sentences)
    found = ""
    if result.stdout:
        document = json.loads(result.stdout)
        found = checks_of(document)
        # what is signed is signed by the one key there is, and nothing else says that it is
        signed = {"signature", "minisign", "provenance", "bundle"}
        good = good and document["verified"] == (status == 0) and \
            document["keys"]["path"].endswith("/allowed_signers") and \
            set(document["signers"]) <= {fingerprint} and \
            all(c["signer"] == (fingerprint if c["status"] == "ok" else None)
                for c in document["checks"] if c["check"] in signed)
    if checks is not None:
        good = good and found == checks
    if status == 0:
        good = good and f" verified, signed by {fingerprint} from " in words.splitlines()[-1]
    tap.ok(f"{what}: exit {status}", good, f"exit {result.returncode}", f"wanted: {checks}", f"found:  {found}",
           result.stdout, result.stderr, words)


def main():
    with Registry() as registry:
        prepare(registry)
        root = distributor("key", "--key", "root.pem").stdout.split()[1]
        fingerprint = done("ssh-keygen", "-lf", "keys/release.pub").stdout.split()[1]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for result in pool.map(look, rows(registry, root)):
                judge(*result, fingerprint)


try:
    main()
finally:
    shutil.rmtree(WORK)
tap.done()
