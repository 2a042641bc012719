#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images signed and pushed to a real docker-registry: plain, over TLS with a password, with tokens;
then read by skopeo and podman. Prints TAP."""

import base64
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from image_release import (DISTRIBUTOR, VERSION, blob, document, done, fixture, images, ok,
                           parallel, run, skip, tags)
from port_lib import free_port
from registry_lib import DockerRegistry, no_credentials

from rude import RudeProxy, seed_of
from signed_tokens import SignedTokens

WORK = tempfile.mkdtemp(prefix="distributor-push-")
LAYOUT = f"{WORK}/out/images"
UNSIGNED = f"{WORK}/unsigned"  # the same without signatures, for what they do not matter to
PATH = "owner/repo"
ENV = no_credentials(WORK)


def push(registry, *args, path=PATH, layout=UNSIGNED, **env):
    return run(DISTRIBUTOR, "push", "--unsigned", "--layout", layout, f"{registry.host}/{path}",
               *args, env={**ENV, **env})


def same_tags(registry, path=PATH, names=None, skopeo=()):
    """The tags whose digest in the registry, as skopeo gets it, is not that of the layout."""
    wrong = []
    for name in names or ["latest", VERSION, "aarch64", "x86_64-aarch64", "register"]:
        raw = subprocess.run(["skopeo", "inspect", "--raw", *(skopeo or ["--tls-verify=false"]),
                              f"docker://{registry.host}/{path}:{name}"], capture_output=True)
        if "sha256:" + hashlib.sha256(raw.stdout).hexdigest() != tags(LAYOUT)[name]["digest"]:
            wrong.append((name, raw.stderr.decode()))
    return wrong


def check_plain():
    with DockerRegistry(f"{WORK}/plain") as registry:
        result = push(registry, layout=LAYOUT)
        ok(result.returncode == 0, "a push to docker-registry", result.stderr)
        wrong = same_tags(registry)
        ok(not wrong, "skopeo reads the digests of the layout", wrong)
        result = push(registry, layout=LAYOUT)
        ok(result.returncode == 0 and "nothing pushed" in result.stdout,
           "a second push sends nothing", result.stdout + result.stderr)
        result = push(registry, path="other/name")
        ok(result.returncode == 0 and not same_tags(registry, "other/name"),
           "another repository gets the same", result.stderr)
        result = run("skopeo", "inspect", "--tls-verify=false", "--override-arch", "arm64",
                     "--override-variant", "v8", f"docker://{registry.host}/{PATH}:latest")
        seen = json.loads(result.stdout or "{}")
        ok(seen.get("Architecture") == "arm64" and "QEMU_BIN_DIR=/usr/bin" in seen.get("Env", []),
           "an arm64 client gets the arm64 image", result.stderr)
        result = run("skopeo", "copy", "--all", "--preserve-digests", "--src-tls-verify=false",
                     f"docker://{registry.host}/{PATH}:latest", f"oci:{WORK}/pulled:latest")
        with open(f"{WORK}/pulled/index.json") as f:
            pulled = json.load(f)["manifests"][0]["digest"]
        ok(result.returncode == 0 and pulled == tags(LAYOUT)["latest"]["digest"] and
           all(blob(f"{WORK}/pulled", m["digest"]) == blob(LAYOUT, m["digest"])
               for m in document(LAYOUT, pulled)["manifests"]),
           "skopeo pulls the index with all its images", result.stderr)
        check_verify(registry)
        check_podman(registry)


def check_verify(registry):
    def verify(name, *args, keys="keys"):
        return run(DISTRIBUTOR, "verify", "--keys", f"{WORK}/{keys}", "--image",
                   f"{registry.host}/{name}", *args, env=ENV)

    as_signed = ["--signed-as", "localhost:5000/owner/repo"]
    result = verify(f"{PATH}:latest", *as_signed)
    ok(result.returncode == 0 and "the index is signed" in result.stdout and
       "the image for linux/arm64/v8 is signed" in result.stdout and
       "sigstore bundle, signed by " in result.stdout,
       "verify checks an index and what is in it", result.stdout + result.stderr)
    result = verify(f"{PATH}:x86_64-aarch64@{tags(LAYOUT)['x86_64-arm']['digest']}", *as_signed)
    ok(result.returncode == 4 and "is sha256:" in result.stderr, "a name with another digest",
       result.stderr)
    child = document(LAYOUT, tags(LAYOUT)["latest"]["digest"])["manifests"][1]["digest"]
    for what, digest in (("an index", tags(LAYOUT)["latest"]["digest"]), ("one of its images", child),
                         ("an image", tags(LAYOUT)["x86_64-arm"]["digest"])):
        result = verify(f"{PATH}@{digest}", *as_signed)
        ok(result.returncode == 0 and f"the registry has {digest}" in result.stdout and
           "is signed as 'localhost:5000/owner/repo'" in result.stdout, f"{what} by its digest alone",
           result.stdout + result.stderr)
    result = verify(f"{PATH}@{child}", "--signed-as", "localhost:5000/owner/rep")
    ok(result.returncode == 4 and "not as 'localhost:5000/owner/rep'" in result.stdout,
       "a digest that was signed in another repository", result.stdout + result.stderr)
    result = verify(f"{PATH}@sha256:{'0' * 64}", *as_signed)
    ok(result.returncode == 3 and "the registry has no 'sha256:0000" in result.stdout,
       "a digest that is not there", result.stderr)
    result = verify(f"{PATH}:latest")
    ok(result.returncode == 4 and "was signed as 'localhost:5000" in result.stdout,
       "an image under a name that nobody signed", result.stdout)
    result = verify(f"{PATH}:latest", *as_signed, keys="other")
    ok(result.returncode == 4, "an image signed by another key", result.stdout)
    result = verify("other/name:latest", *as_signed)
    ok(result.returncode == 4 and "has no signature" in result.stdout, "an unsigned image",
       result.stdout)
    # The signature of one image put at another's place.
    victim = tags(LAYOUT)["x86_64-arm"]["digest"].replace(":", "-") + ".sig"
    other = tags(LAYOUT)["x86_64-aarch64"]["digest"].replace(":", "-") + ".sig"
    run("skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false",
        f"docker://{registry.host}/{PATH}:{other}", f"docker://{registry.host}/swapped/x:{victim}")
    run("skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--preserve-digests",
        f"docker://{registry.host}/{PATH}:x86_64-arm",
        f"docker://{registry.host}/swapped/x:x86_64-arm")
    result = verify("swapped/x:x86_64-arm", *as_signed)
    ok(result.returncode == 4 and "is for a different image" in result.stdout,
       "a signature of another image", result.stdout + result.stderr)
    result = verify(f"{PATH}:nothing", *as_signed)
    ok(result.returncode == 3 and "the registry has no 'nothing'" in result.stdout,
       "an image that is not there", result.stdout + result.stderr)


def check_podman(registry):
    if not shutil.which("podman") or os.getuid() != 0:
        return skip("podman pulls an image", "podman is not installed, or this is not root")
    result = run("podman", "--root", f"{WORK}/podman", "--runroot", f"{WORK}/podman-run",
                 "--storage-driver", "vfs", "pull", "--tls-verify=false",
                 f"{registry.host}/{PATH}:latest", env={"HOME": WORK})
    if result.returncode != 0 and "operation not permitted" in result.stderr.lower():
        return skip("podman pulls an image", result.stderr.strip().splitlines()[-1])
    ok(result.returncode == 0, "podman pulls an image", result.stderr)


def check_killed():
    """A push that is killed again and again, and then left alone."""
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    chance = random.Random(seed)
    port = free_port()
    with DockerRegistry(f"{WORK}/killed", port=port) as registry:
        for _ in range(6):
            process = subprocess.Popen([DISTRIBUTOR, "push", "--unsigned", "--layout", LAYOUT,
                                        f"{registry.host}/{PATH}"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env={**os.environ, **ENV})
            time.sleep(chance.uniform(0.05, 1.2))
            process.send_signal(signal.SIGKILL)
            process.wait()
    with DockerRegistry(f"{WORK}/killed", port=port) as registry:
        result = push(registry, layout=LAYOUT)
        wrong = same_tags(registry)
        ok(result.returncode == 0 and not wrong,
           f"six pushes that were killed, then one that was not (seed {seed})",
           result.stderr + str(wrong))


def certificates():
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, cwd=WORK, capture_output=True)

    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj",
            "/CN=ca", "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", *ec, "-keyout", "srv.key", "-out", "srv.csr", "-subj", "/CN=localhost")
    with open(f"{WORK}/ext", "w") as f:
        f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "srv.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "srv.crt")


def login(name, host):
    auth = base64.b64encode(b"alice:s3cret").decode()
    with open(f"{WORK}/{name}.auth", "w") as f:
        json.dump({"auths": {host: {"auth": auth}}}, f)
    return "--auth-file", f"{WORK}/{name}.auth"


def check_tls():
    if not shutil.which("htpasswd"):
        return skip("TLS and a password", "htpasswd is not installed")
    entry = run("htpasswd", "-Bbn", "alice", "s3cret").stdout
    with open(f"{WORK}/htpasswd", "w") as f:
        f.write(entry)
    with DockerRegistry(f"{WORK}/tls", "  tls:", f"    certificate: {WORK}/srv.crt",
                        f"    key: {WORK}/srv.key", "auth:",
                        f"  htpasswd: {{realm: r, path: {WORK}/htpasswd}}") as registry:
        result = push(registry, "--ca", f"{WORK}/ca.crt", *login("tls", registry.host))
        ok(result.returncode == 0, "TLS with an own CA, and a password", result.stderr)
        os.makedirs(f"{WORK}/certs", exist_ok=True)
        shutil.copy(f"{WORK}/ca.crt", f"{WORK}/certs/ca.crt")
        wrong = same_tags(registry, skopeo=["--cert-dir", f"{WORK}/certs", "--creds",
                                            "alice:s3cret"], names=["latest"])
        ok(not wrong, "skopeo finds it there", wrong)
        result = push(registry, *login("tls", registry.host))
        ok(result.returncode == 4 and "certificate" in result.stderr,
           "a certificate that nobody vouches for is refused", result.stderr)
        result = push(registry, "--ca", f"{WORK}/ca.crt")
        ok(result.returncode == 3 and "requires credentials and none" in result.stderr,
           "no credentials", result.stderr)


def check_token():
    with SignedTokens(WORK) as tokens, \
            DockerRegistry(f"{WORK}/token", *tokens.lines()) as registry:
        result = push(registry, *login("token", registry.host))
        ok(result.returncode == 0, "a push with tokens", result.stderr)
        wrong = same_tags(registry)
        ok(not wrong, "anybody may pull it", wrong)
        result = push(registry, path="other/name")
        ok(result.returncode == 3 and "without credentials" in result.stderr,
           "nobody may push without credentials", result.stderr)


def check_two():
    with DockerRegistry(f"{WORK}/one") as one, \
            DockerRegistry(f"{WORK}/two", "  relativeurls: true") as two:
        result = run(DISTRIBUTOR, "push", "--unsigned", "--layout", UNSIGNED, f"{one.host}/{PATH}",
                     f"{two.host}/x", "--json", env=ENV)
        out = json.loads(result.stdout)["repositories"]
        ok(result.returncode == 0 and [r["done"] for r in out] == [True, True] and
           not same_tags(one, names=["latest"]) and not same_tags(two, "x", names=["latest"]),
           "two registries get the same digests, one has relative URLs", result.stderr)


def check_refusals():
    """What is not pushed, and that nobody is asked before: nothing listens at port 1."""
    def refused(name, status, *args, parts=()):
        for more in ((), ("--dry-run",)):
            result = run(DISTRIBUTOR, "push", *args, *more, env=ENV)
            ok(result.returncode == status and all(p in result.stderr for p in parts),
               f"{name} {more}", f"{result.returncode} {result.stdout}{result.stderr}")

    keys = ["--keys", f"{WORK}/keys"]
    signed, elsewhere = "localhost:5000/owner/repo", "localhost:1/owner/repo"
    refused("images without signatures", 4, *keys, "--layout", UNSIGNED, elsewhere,
            parts=(f"'{UNSIGNED}' is not signed for '{elsewhere}'", "has no signature",
                   "'distributor sign'", "--unsigned"))
    refused("images that are signed under another name", 4, *keys, "--layout", LAYOUT, elsewhere,
            parts=(f"is not signed for '{elsewhere}'", f"was signed as '{signed}"))
    refused("... one of two names is enough", 4, *keys, "--layout", LAYOUT, signed, elsewhere,
            parts=(f"is not signed for '{elsewhere}'",))
    refused("images signed by another key", 4, "--keys", f"{WORK}/other", "--layout", LAYOUT,
            signed, parts=(f"is not signed for '{signed}'",))
    refused("no keys to verify them with", 3, "--keys", f"{WORK}/nothing", "--layout", LAYOUT,
            signed, parts=("cannot verify the signatures", "--unsigned"))
    with open(f"{WORK}/matrix.json") as f:
        matrix = json.load(f)
    with open(f"{WORK}/raised.json", "w") as f:
        json.dump({**matrix, "version": "99.9-1"}, f)
    for name, more in (("its own repositories", ()), ("another repository", (elsewhere,))):
        refused(f"images of another version than the matrix', to {name}", 3, *keys, "--unsigned",
                "--matrix", f"{WORK}/raised.json", "--layout", LAYOUT, *more,
                parts=(f"'{LAYOUT}' has version {VERSION}, but the matrix has 99.9-1; run 'distributor images "
                       f"--matrix {WORK}/raised.json'",))
    shutil.copytree(UNSIGNED, f"{WORK}/nameless")
    with open(f"{WORK}/nameless/index.json") as f:
        index = json.load(f)
    for what, manifests in (("whose images have no name", [
            {k: v for k, v in m.items() if k != "annotations"} for m in index["manifests"]]), ("without an image", [])):
        with open(f"{WORK}/nameless/index.json", "w") as f:
            json.dump({**index, "manifests": manifests}, f)
        refused(f"a layout {what}", 3, "--unsigned", "--layout", f"{WORK}/nameless", elsewhere,
                parts=(f"'{WORK}/nameless' contains no tagged images",))
    out = ["--matrix", f"{WORK}/matrix.json", "--out", f"{WORK}/stale out"]
    advice = f"--matrix {WORK}/matrix.json --out '{WORK}/stale out''"
    refused("no images", 3, *keys, *out, parts=(f"run 'distributor images {advice} to make them",))
    shutil.copytree(UNSIGNED, f"{WORK}/stale out/images")
    refused("unsigned images of OUT", 4, *keys, *out,
            parts=(f"'distributor sign {advice} signs for",))


def check_part():
    """A part is signed only after it is joined with the others."""
    shutil.copytree(f"{WORK}/out/assets", f"{WORK}/part/assets")
    made = images(WORK, "--host", "aarch64", out="part")
    with DockerRegistry(f"{WORK}/parts") as registry:
        result = run(DISTRIBUTOR, "push", "--part", "--matrix", f"{WORK}/matrix.json", "--keys",
                     f"{WORK}/keys", "--layout", f"{WORK}/part/images", f"{registry.host}/{PATH}",
                     env=ENV)
        ok(made.returncode == result.returncode == 0, "a part is pushed with --part alone",
           made.stderr + result.stderr)


def check_rude():
    """docker-registry behind a proxy with the manners of real ones: the same result in the end."""
    seed = seed_of("it_push, rude")
    with DockerRegistry(f"{WORK}/rude") as registry, \
            RudeProxy(registry.host, seed) as rude:
        result = push(rude)
        wrong = same_tags(registry, names=["latest"])
        ok(result.returncode == 0 and not wrong and sum(rude.done.values()) > 20,
           "a push through a rude proxy", f"seed {seed} {rude.done} {wrong} {result.stderr}")
        rude.refusals.clear()
        result = push(rude)
        ok(result.returncode == 0 and "up to date" in result.stdout,
           "a second one finds all of it there", f"seed {seed} {result.stdout} {result.stderr}")
        for how in ("none", "storage", "zero"):
            with RudeProxy(registry.host, seed, head=how, polite=True) as front:
                registry.reset()
                first, second = push(front), push(front)
                wrong = same_tags(registry, names=["latest"])
                ok(first.returncode == second.returncode == 0 and not wrong and
                   "up to date" in second.stdout,
                   f"a front end where HEAD is '{how}'", f"{wrong} {first.stderr}{second.stderr}{second.stdout}")


def media_types(value):
    if isinstance(value, dict):
        own = [value["mediaType"]] if "mediaType" in value else []
        return own + [t for v in value.values() for t in media_types(v)]
    return [t for v in value for t in media_types(v)] if isinstance(value, list) else []


def check_zstd():
    """Images with zstd layers, as skopeo brings them back from a registry."""
    with DockerRegistry(f"{WORK}/zstd-registry") as registry:
        shutil.copytree(f"{WORK}/out/assets", f"{WORK}/zstd/assets")
        made = images(WORK, "--zstd", out="zstd")
        sent = push(registry, path="zstd", layout=f"{WORK}/zstd/images")
        pulled = f"{WORK}/zstd.pulled"
        result = run("skopeo", "copy", "--all", "--preserve-digests", "--src-tls-verify=false",
                     f"docker://{registry.host}/zstd:latest", f"dir:{pulled}")
        types = set()
        for name in os.listdir(pulled) if os.path.isdir(pulled) else []:
            if name.endswith("manifest.json"):
                with open(f"{pulled}/{name}") as f:
                    types.update(media_types(json.load(f)))
        ok(made.returncode == sent.returncode == result.returncode == 0 and len(types) == 4 and
           all(t.startswith("application/vnd.oci.") for t in types) and
           any(t.endswith("layer.v1.tar+zstd") for t in types),
           "skopeo pulls an index of images with zstd layers",
           f"{made.stderr}{sent.stderr}{result.stderr}")


def prepare():
    """A signed release; its repository in the matrix is not the one that it is pushed to."""
    fixture(WORK, 100000, "x86_64", "aarch64")
    steps = [images(WORK)]
    shutil.copytree(LAYOUT, UNSIGNED)
    for keys, key in (("keys", "key.pem"), ("other", "other.pem")):
        steps.append(run(DISTRIBUTOR, "keygen", "--no-passphrase", "--keys", f"{WORK}/{keys}",
                         f"{WORK}/{key}"))
    sign = [DISTRIBUTOR, "sign", "--matrix", f"{WORK}/matrix.json", "--out", f"{WORK}/out",
            "--keys", f"{WORK}/keys", "--repo", WORK]
    steps += [run(*sign, "--key", f"{WORK}/key.pem"), run(*sign)]
    bad = [s.stderr for s in steps if s.returncode != 0]
    ok(not bad and "16 newly signed" in steps[-2].stdout, "images are made and signed",
       "".join(bad) + steps[-2].stdout)
    ok("0 newly signed" in steps[-1].stdout, "signed once, no key is needed again",
       steps[-1].stdout)
    before = tags(LAYOUT)
    ok(images(WORK).returncode == 0 and tags(LAYOUT) == before,
       "making the same images again keeps their signatures")


def main():
    try:
        if not DockerRegistry.available() or not shutil.which("skopeo"):
            skip("docker-registry", "docker-registry or skopeo is not installed; see ./check")
            return done()
        prepare()
        certificates()
        parallel([check_plain, check_killed, check_tls, check_token, check_two, check_zstd,
                  check_refusals, check_part, check_rude])
    finally:
        shutil.rmtree(WORK)
    return done()


sys.exit(main())
