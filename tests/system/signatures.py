#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signatures of images, as those verify them who have never heard of this program: skopeo and
podman with a policy, cosign 2 and 3, oras; from registries with and without the referrers API. The
files and commands of docs/images.md are taken as they stand there. Prints TAP."""

import base64
import json
import os
import re
import shutil
import sys
import tempfile

import debian
from containers_lib import Containers
from sign_lib import ed25519
from image_release import (DISTRIBUTOR, VERSION, document, done, fixture, images, ok, parallel,
                           run, skip, tags)
from port_lib import free_port
from registry_lib import SOURCE, CraneRegistry, DockerRegistry, no_credentials

from oci_registry import Registry, TokenServer, digest_of

WORK = tempfile.mkdtemp(prefix="distributor-signatures-")
LAYOUT = f"{WORK}/out/images"
PATH = "owner/repo"
PORT = free_port()
REPOSITORY = f"127.0.0.1:{PORT}/{PATH}"  # a signature is over the name, too
# No proxy is there, so that whatever asks elsewhere than at 127.0.0.1 gets no answer.
ENV = {**no_credentials(WORK), **{n: "http://127.0.0.1:9" for n in ("HTTP_PROXY", "HTTPS_PROXY")}}
PAIR, OTHER = "x86_64-arm", "x86_64-aarch64"
KEY, WRONG = f"{WORK}/keys/release.pem", f"{WORK}/other/release.pem"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

with open(f"{SOURCE}/docs/images.md") as file:
    DOCUMENT = file.read()


def digest(name):
    return tags(LAYOUT)[name]["digest"]


def child():
    """The image for another host in the index."""
    return document(LAYOUT, digest("latest"))["manifests"][1]["digest"]


def push(registry, path=PATH, *args):
    name = f"{registry.host}/{path}"
    # Elsewhere than under the name that is signed, it is a mirror.
    how = ["--keys", f"{WORK}/keys"] if name == REPOSITORY else ["--unsigned"]
    return run(DISTRIBUTOR, "push", *how, "--layout", LAYOUT, name, *args, env=ENV)


def verify(registry, name, *args):
    return run(DISTRIBUTOR, "verify", "--keys", f"{WORK}/keys", "--image",
               f"{registry.host}/{PATH}{name}", *args, env=ENV)


def copy(registry, source, target, *options):
    """What somebody with the right to write does: tags an image by another name."""
    result = run("skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", *options,
                 f"docker://{registry.host}/{source}", f"docker://{registry.host}/{target}")
    if result.returncode != 0:
        raise RuntimeError(result.stderr)


def program(suite, name):
    return os.path.join(debian.package(suite, debian.architecture(), name), "usr/bin", name)


# docs/images.md

def documented(registry, text):
    return text.replace("REPOSITORY", f"{registry.host}/{PATH}") \
        .replace("MIRROR", f"{registry.host}/mirror/qemu").replace(":V", f":{VERSION}")


def documented_files(registry):
    found = re.findall(r"`(/etc/containers/[\w./]+)`[^\n]*\n\n```\w+\n(.*?)```", DOCUMENT, re.S)
    return {name: documented(registry, text) for name, text in found}


def documented_command(registry, start):
    command, = [b for b in re.findall(r"```sh\n(.*?)\n```", DOCUMENT, re.S) if b.startswith(start)]
    return documented(registry, command).split()


# Policies of skopeo and podman

def check_policy(registry):
    try:
        clients = Containers(f"{WORK}/containers", registry.host)
    except debian.Unavailable as e:
        return skip("policies of skopeo and podman", str(e))
    files = documented_files(registry)
    ok(sorted(files) == ["/etc/containers/policy.json", "/etc/containers/registries.d/qemu.yaml"],
       "docs/images.md has the two files of a policy", files)
    for name, text in files.items():
        clients.write(name, text)
    shutil.copy(KEY, clients.path("/etc/containers/release.pem"))
    copies = iter(range(100))

    def skopeo(name, *options):
        return clients.run("skopeo", "copy", "--remove-signatures", *options,
                           f"docker://{registry.host}/{name}", f"oci:/tmp/copy{next(copies)}:x")

    def podman(name):
        return clients.podman("pull", "-q", f"{registry.host}/{name}")

    def both(what, name, *parts):
        """Accepted without `parts`, else refused with them as the reason."""
        for client, pull in (("skopeo", skopeo), ("podman", podman)):
            result = pull(name)
            ok((result.returncode != 0) == bool(parts) and all(p in result.stderr for p in parts),
               f"{client} {'refuses' if parts else 'accepts'} {what}", result.stderr)

    both("an index", f"{PATH}:latest")
    both("the image of a pair", f"{PATH}:{PAIR}")
    both("an index by its digest", f"{PATH}@{digest('latest')}")
    both("a manifest in an index by its digest", f"{PATH}@{child()}")
    result = skopeo(f"{PATH}:latest", "--all")
    ok(result.returncode == 0, "skopeo accepts an index with all that is in it", result.stderr)
    result = clients.run(*documented_command(registry, "skopeo "))
    ok(result.returncode == 0, "the command of docs/images.md for skopeo", result.stderr)
    both("a mirror, with the names mapped", f"mirror/qemu:{VERSION}")
    both("what nobody has asked to be signed", f"elsewhere/x:{PAIR}")
    identity = f"{registry.host}/{PATH}:{PAIR}"
    both("an image that is signed under another tag", f"{PATH}:swapped", "rejected", identity)
    both("the same at a mirror", "mirror/qemu:swapped", "rejected", identity)
    both("an image without a signature", f"{PATH}:unsigned", "rejected", "no signature exists")
    both("an image with the signature of another", f"{PATH}:{OTHER}", "rejected", digest(PAIR))
    shutil.copy(WRONG, clients.path("/etc/containers/release.pem"))
    both("an image signed by another key", f"{PATH}:latest", "rejected",
         "cryptographic signature verification failed")


# cosign

def cosign(path, key, reference):
    return run(path, "verify", "--key", key, "--insecure-ignore-tlog=true", reference, env=ENV)


def signed_names(result):
    """The names in the signatures that cosign has accepted, and the kinds of them."""
    found = [s["critical"] for s in json.loads(result.stdout or "[]")]
    return {s["identity"]["docker-reference"] for s in found}, {s["type"] for s in found}


def check_cosign(registry, suite, name, kind):
    try:
        path = program(suite, "cosign")
    except debian.Unavailable as e:
        return skip(name, str(e))
    at = f"{registry.host}/{PATH}"
    for what, reference in (("an index", f"{at}:latest"), ("the image of a pair", f"{at}:{PAIR}"),
                            ("a manifest in an index", f"{at}@{child()}")):
        result = cosign(path, KEY, reference)
        ok(result.returncode == 0 and signed_names(result)[1] == {kind}, f"{name} accepts {what}",
           result.stdout + result.stderr)
        result = cosign(path, WRONG, reference)
        ok(result.returncode != 0, f"{name} refuses another key for {what}", result.stdout)
    result = cosign(path, KEY, f"{at}:unsigned")
    ok(result.returncode != 0 and "no signatures found" in result.stderr,
       f"{name} refuses an image without a signature", result.stdout + result.stderr)
    result = cosign(path, KEY, f"{at}:swapped")
    ok(result.returncode == 0, f"{name} does not compare names, as docs/images.md says",
       result.stderr)
    command = documented_command(registry, "cosign ")
    result = run(path, *command[1:], cwd=WORK, env=ENV)
    ok(result.returncode == 0, f"the command of docs/images.md for {name}", result.stderr)
    return None


def check_joined(registry):
    """Somebody else signs our images with cosign, before and after we push them."""
    try:
        path = program("trixie", "cosign")
    except debian.Unavailable as e:
        return skip("signatures of others", str(e))
    at, env = f"{registry.host}/joined/x", {**ENV, "COSIGN_PASSWORD": ""}
    run(path, "generate-key-pair", "--output-key-prefix", f"{WORK}/third", env=env)

    def sign(place):
        result = run(path, "sign", "--key", f"{WORK}/third.key", "--tlog-upload=false", "--yes",
                     f"{place}@{digest('latest')}", env=env)
        ok(result.returncode == 0, f"cosign signs {place}", result.stderr)

    def accepted(what, *keys):
        bad = [r.stderr for r in (cosign(path, k, f"{at}:latest") for k in keys) if r.returncode]
        ok(not bad, what, "\n".join(bad))

    run(DISTRIBUTOR, "push", "--unsigned", "--layout", f"{WORK}/second/images", at, env=ENV)
    sign(at)
    third = f"{WORK}/third.pub"
    accepted("what others have signed", WRONG, third)
    result = push(registry, "joined/x")
    ok(result.returncode == 0, "the same, signed by ours", result.stderr)
    accepted("cosign accepts it by each of three keys", KEY, WRONG, third)
    result = push(registry, "joined/x")
    ok(result.returncode == 0 and "nothing pushed" in result.stdout,
       "a second push beside signatures of others sends nothing", result.stdout + result.stderr)
    # The images that the policies are about, with ours first.
    sign(f"{registry.host}/{PATH}")
    result = push(registry)
    ok(result.returncode == 0 and "nothing pushed" in result.stdout,
       "nor does one after they were added to ours", result.stdout + result.stderr)
    return None


# A real registry without the referrers API

def check_commands(registry):
    for start in ("distributor verify --keys keys --image REPOSITORY", "distributor verify --keys keys --image MIRROR"):
        command = documented_command(registry, start)
        result = run(DISTRIBUTOR, *command[1:], cwd=WORK, env=ENV)
        ok(result.returncode == 0, f"the command of docs/images.md: {start}", result.stderr)


def check_real():
    if not DockerRegistry.available() or not shutil.which("skopeo"):
        return skip("docker-registry", "docker-registry or skopeo is not installed; see ./check")
    with DockerRegistry(f"{WORK}/docker", port=PORT) as registry:
        return check_docker_registry(registry)


def check_docker_registry(registry):
    for path in (PATH, "mirror/qemu", "elsewhere/x"):
        result = push(registry, path)
        ok(result.returncode == 0, f"signed images are pushed to {path}", result.stderr)
    # Somebody with the right to write tags an image as another, or puts one there of his own.
    for path in (PATH, "mirror/qemu"):
        copy(registry, f"{path}:{PAIR}", f"{path}:swapped", "--preserve-digests")
    copy(registry, f"{PATH}:{PAIR}", f"{PATH}:unsigned", "--format", "v2s2")
    check_joined(registry)
    check_commands(registry)
    check_cosign(registry, "trixie", "cosign 2", "cosign container image signature")
    check_cosign(registry, "sid", "cosign 3", "https://sigstore.dev/cosign/sign/v1")
    victim, thief = (f"{PATH}:{digest(n).replace(':', '-')}.sig" for n in (OTHER, PAIR))
    copy(registry, thief, victim, "--preserve-digests")
    check_policy(registry)


# Registries with and without the referrers API

def is_fallback(tag):
    return re.fullmatch("sha256-[0-9a-f]{64}", tag)


def fallback_tag(name):
    return digest(name).replace(":", "-")


def writes(registry):
    return [(m, p) for m, p, _ in registry.requests if m not in ("GET", "HEAD")]


def check_discover(registry, how, count=1, bundles=1):
    try:
        path = program("trixie", "oras")
    except debian.Unavailable as e:
        return skip(f"oras discover: {how}", str(e))
    result = run(path, "discover", "--plain-http", "--format", "json",
                 f"{registry.host}/{PATH}:latest", env=ENV)
    found = json.loads(result.stdout or "{}").get("manifests") or []
    kinds = [m["artifactType"] for m in found]
    ok(len(kinds) == count and kinds.count(BUNDLE) == bundles, f"oras discover: {how}",
       result.stdout + result.stderr)
    return None


def check_bundle(registry, how, asked):
    """cosign 3 and what it has asked of a scripted registry."""
    try:
        path = program("sid", "cosign")
    except debian.Unavailable as e:
        return skip(f"cosign 3: {how}", str(e))
    registry.requests.clear()
    result = cosign(path, KEY, f"{registry.host}/{PATH}:latest")
    bundles = [digest_of(data) for data in registry.blobs.values() if BUNDLE.encode() in data]
    got = [p for m, p, _ in registry.requests if m == "GET"]
    ok(result.returncode == 0 and any(asked in p for p in got) and
       any(p.endswith(b) for p in got for b in bundles) and not any(".sig" in p for p in got),
       f"cosign 3: {how}", result.stderr + "\n".join(got))
    return None


def check_referrers_api():
    with Registry() as registry:
        registry.referrers = True
        result = push(registry)
        ok(result.returncode == 0 and not any(map(is_fallback, registry.tags)) and
           any(t.endswith(".sig") for t in registry.tags),
           "no fallback tag where the referrers API is", f"{result.stderr}{sorted(registry.tags)}")
        registry.requests.clear()
        result = push(registry)
        ok(result.returncode == 0 and "nothing pushed" in result.stdout and not writes(registry),
           "a second push sends nothing", f"{result.stdout}{result.stderr}{writes(registry)}")
        result = verify(registry, ":latest", "--signed-as", REPOSITORY)
        ok(result.returncode == 0 and "sigstore bundle, signed by " in result.stdout,
           "verify finds the bundle by the API", result.stdout + result.stderr)
        check_discover(registry, "by the API")
        check_bundle(registry, "a bundle by the API", f"/referrers/{digest('latest')}")


def referrer(registry, name, text):
    """Somebody else's artifact about an image, in a scripted registry; its entry in lists."""
    config, layer = b"{}", text.encode()
    for data in (config, layer):
        registry.blobs[digest_of(data)] = data
    document = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example.note",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "size": len(config),
                   "digest": digest_of(config)},
        "layers": [{"mediaType": "text/plain", "size": len(layer), "digest": digest_of(layer)}],
        "subject": {"mediaType": INDEX, "digest": digest(name), "size": tags(LAYOUT)[name]["size"]},
    }).encode()
    registry.manifests[digest_of(document)] = (MANIFEST, document)
    return {"mediaType": MANIFEST, "digest": digest_of(document), "size": len(document),
            "artifactType": "application/vnd.example.note"}


def check_pages():
    with Registry() as registry:
        registry.referrers, registry.page = True, 1
        notes = [referrer(registry, "latest", text)["digest"] for text in ("one", "two")]
        result = push(registry)
        ok(result.returncode == 0, "a list of referrers in pages is read to its end", result.stderr)
        result = verify(registry, ":latest", "--signed-as", REPOSITORY)
        ok(result.returncode == 0 and "sigstore bundle, signed by " in result.stdout,
           "verify finds the bundle on the last page", result.stdout + result.stderr)
        ok(not any(registry.count("GET", n) for n in notes), "... and gets nothing but bundles")
        check_discover(registry, "pages", 3)
        registry.page_url = f"/v2/{PATH}/referrers/{digest('latest')}?from=0"
        result = verify(registry, ":latest", "--signed-as", REPOSITORY)
        ok(result.returncode == 5 and "too many pages" in result.stderr, "pages without end",
           result.stdout + result.stderr)
        entry = {"mediaType": MANIFEST, "digest": notes[0], "size": 1}
        listed = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] * 10001})
        registry.fault("GET", "/referrers/", 200, body=listed.encode(), headers=[
            ("Content-Type", INDEX)])
        result = verify(registry, ":latest", "--signed-as", REPOSITORY)
        ok(result.returncode == 5 and "has more than 10000 entries" in result.stderr,
           "a list without measure", result.stdout + result.stderr)
        registry.fault("GET", "/referrers/", 200, body=json.dumps({
            "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] * 300}).encode())
        registry.requests.clear()
        result = verify(registry, ":latest", "--signed-as", REPOSITORY)
        ok(result.returncode == 0 and "none of the first 256 sigstore bundles is signed by an allowed key" in result.stdout and
           registry.count("GET", f"/manifests/{notes[0]}") == 256,
           "bundles without measure", result.stdout + result.stderr)
        with Registry() as other:
            registry.page_url = f"{other.url}/v2/{PATH}/referrers/{digest('latest')}"
            result = verify(registry, ":latest", "--signed-as", REPOSITORY)
            ok(result.returncode == 5 and other.host in result.stderr and not other.requests,
               "a next page at another server", result.stdout + result.stderr)


def check_unlisted():
    """Registries that have the API, and whose lists lack what was put."""
    listed = document(LAYOUT, tags(LAYOUT)[fallback_tag("latest")]["digest"])["manifests"]
    bundle = listed[0]["digest"]
    with Registry() as registry:
        registry.referrers, registry.subject_header = True, False
        registry.unlisted[bundle] = 2
        result = push(registry)
        ok(result.returncode == 0 and not any(map(is_fallback, registry.tags)) and
           registry.count("PUT", f"/manifests/{bundle}") == 2,
           "a referrer that is not listed is put again", result.stderr)
    with Registry() as registry:
        registry.referrers = True
        registry.unlisted[bundle] = 100
        result = push(registry)
        ok(result.returncode == 4 and f"does not list the referrers of '{fallback_tag('latest')}'" in
           result.stderr and "latest" not in registry.tags, "no tag leads to an image whose bundle "
           "the registry does not list", result.stderr)
    with Registry() as registry:
        registry.referrers = True
        result = push(registry, PATH, "--dry-run")
        ok(result.returncode == 0 and f"tag {fallback_tag('latest')}.sig ->" in result.stdout and
           f"tag {fallback_tag('latest')} ->" not in result.stdout and not writes(registry),
           "--dry-run announces no fallback tag where the referrers API is", result.stdout)


def check_lists():
    """The list under the fallback tag, which is everybody's."""
    with Registry() as registry:
        entry = referrer(registry, "latest", "one")
        entry["annotations"] = {"who": "somebody"}
        # Of a type that nobody asks for, which the registry then says it does not have.
        hidden = referrer(registry, "latest", "two")
        hidden["mediaType"] = "application/vnd.oci.artifact.manifest.v1+json"
        data = registry.manifests[hidden["digest"]][1]
        registry.manifests[hidden["digest"]] = (hidden["mediaType"], data)
        text = json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                           "manifests": [entry, hidden]}).encode()
        registry.manifests[digest_of(text)] = (INDEX, text)
        registry.tags[fallback_tag("latest")] = digest_of(text)
        registry.fault("PUT", f"/manifests/{fallback_tag('latest')}", 201)
        result = push(registry)
        kept = json.loads(registry.manifests[registry.tags[fallback_tag("latest")]][1])["manifests"]
        puts = [p for m, p in writes(registry) if p.endswith(fallback_tag("latest"))]
        ok(result.returncode == 0 and kept[:2] == [entry, hidden] and len(kept) == 3 and
           len(puts) == 2, "others' entries are kept, and a lost one of ours is written again",
           f"{result.stderr}{kept}{puts}")
        check_discover(registry, "with others' entries", 3)
    with Registry() as registry:
        registry.fault("PUT", f"/manifests/{fallback_tag('latest')}", 201, times=99)
        result = push(registry)
        ok(result.returncode == 4 and "does not store the list of referrers" in result.stderr and
           "latest" not in registry.tags, "a registry that keeps no list", result.stderr)


def check_others():
    """The signatures under cosign's tag, which are everybody's."""
    name = fallback_tag("latest") + ".sig"
    ours = document(LAYOUT, tags(LAYOUT)[name]["digest"])
    with Registry() as registry:
        def theirs(*layers, kind=MANIFEST, document=None):
            text = json.dumps(document or {**ours, "layers": layers}).encode()
            registry.manifests[digest_of(text)] = (kind, text)
            registry.tags[name] = digest_of(text)

        def signature(text, **more):
            data = text.encode()
            registry.blobs[digest_of(data)] = data
            return {**ours["layers"][0], "digest": digest_of(data), "size": len(data), **more}

        def kept():
            return json.loads(registry.manifests[registry.tags[name]][1])

        one, two = (signature(t, annotations={"dev.cosignproject.cosign/signature": "AAAA",
                                              "dev.sigstore.cosign/bundle": t}) for t in "ab")
        note = signature("c", mediaType="text/plain")
        gone = {**one, "digest": digest_of(b"gone")}
        large = {**one, "size": 1 << 30}
        theirs(one, note, gone, ours["layers"][0], large, two, one)
        dry = push(registry, PATH, "--dry-run")
        registry.fault("PUT", f"/manifests/{name}", 201)
        result = push(registry)
        found, moved = kept(), f"would move tag {name} -> {registry.tags[name]}"
        config = json.loads(registry.blobs[found["config"]["digest"]])
        ok(result.returncode == 0 and found["layers"] == [*ours["layers"], one, two] and
           config["rootfs"]["diff_ids"] == [m["digest"] for m in found["layers"]] and
           registry.count("PUT", f"/manifests/{name}") == 2,
           "others' signatures are kept behind ours, and a lost write is repeated",
           f"{result.stderr}{found}{config}")
        ok(moved in dry.stdout, "--dry-run knows what comes of it", f"{moved}\n{dry.stdout}")
        registry.requests.clear()
        result = push(registry)
        ok(result.returncode == 0 and "nothing pushed" in result.stdout and not writes(registry),
           "and then nothing is sent", f"{result.stdout}{result.stderr}{writes(registry)}")
        for what, broken in (("no manifest", {"document": {"layers": 1}}),
                             ("an index", {"kind": INDEX, "document": {
                                 "schemaVersion": 2, "mediaType": INDEX, "manifests": []}})):
            theirs(**broken)
            result = push(registry)
            ok(result.returncode == 0 and kept() == ours, f"{what} under the tag is replaced",
               f"{result.stderr}{kept()}")
        theirs(*(signature(f"{i}") for i in range(257)))
        result = push(registry)
        ok(result.returncode == 5 and f"'{name}' has 257 signatures by others" in result.stderr and
           len(kept()["layers"]) == 257, "too many to keep are not thrown away", result.stderr)
    with Registry() as registry:
        registry.fault("PUT", f"/manifests/{name}", 201, times=99)
        result = push(registry)
        ok(result.returncode == 4 and f"does not store the signatures '{name}'" in result.stderr and
           "latest" not in registry.tags, "a registry that keeps no signatures", result.stderr)


def check_no_signatures():
    """A layout of others, with something under cosign's tag that has no signatures."""
    name, layout = fallback_tag("latest") + ".sig", f"{WORK}/none"
    shutil.copytree(LAYOUT, layout)
    text = json.dumps({**document(LAYOUT, tags(LAYOUT)[name]["digest"]), "layers": []}).encode()
    with open(f"{layout}/blobs/sha256/{digest_of(text)[7:]}", "wb") as f:
        f.write(text)
    with open(f"{layout}/index.json") as f:
        index = json.load(f)
    for entry in index["manifests"]:
        if entry["annotations"]["org.opencontainers.image.ref.name"] == name:
            entry.update(digest=digest_of(text), size=len(text))
    with open(f"{layout}/index.json", "w") as f:
        json.dump(index, f)
    with Registry() as registry:
        result = run(DISTRIBUTOR, "push", "--unsigned", "--layout", layout,
                     f"{registry.host}/{PATH}", env=ENV)
        ok(result.returncode == 0 and registry.tags[name] == digest_of(text),
           "what has no signatures is pushed as it is", result.stderr)


def check_broken():
    """What others have put beside our signatures, and does not hold together."""
    with Registry() as registry:
        def put(media_type, data):
            registry.manifests[digest_of(data)] = (media_type, data)
            return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}

        def bundle(size):
            layer = {"mediaType": BUNDLE, "size": size, "digest": digest_of(b"it is not there")}
            return put(MANIFEST, json.dumps({"schemaVersion": 2, "mediaType": MANIFEST,
                                             "layers": [layer]}).encode())

        entries = [put(MANIFEST, b"{}"), bundle(100), bundle(1 << 40)]
        entries.append({**entries[0], "digest": digest_of(b"nor is this")})
        listed = put(INDEX, json.dumps({"schemaVersion": 2, "mediaType": INDEX,
                                        "manifests": entries}).encode())
        registry.tags[fallback_tag("latest")] = listed["digest"]
        result = push(registry)
        kept = json.loads(registry.manifests[registry.tags[fallback_tag("latest")]][1])["manifests"]
        ok(result.returncode == 0 and kept[:-1] == entries[:-1],
           "images are pushed beside what others have broken; what is gone is no longer listed",
           f"{result.stderr}{kept}")
        name = registry.tags[fallback_tag("latest") + ".sig"]
        signature = json.loads(registry.manifests[name][1])
        large = {**signature["layers"][0], "size": 4 << 20, "digest": digest_of(b"large")}
        signature["layers"].insert(0, large)
        registry.tags[fallback_tag("latest") + ".sig"] = \
            put(MANIFEST, json.dumps(signature).encode())["digest"]
        result = verify(registry, ":latest", "--signed-as", REPOSITORY)
        ok(result.returncode == 0 and "sigstore bundle, signed by " in result.stdout and
           "the index is signed" in result.stdout, "verify finds our own behind it",
           result.stdout + result.stderr)
        ok(not registry.count("GET", large["digest"]), "... and fetches nothing that is too large")


def check_two_keys():
    """Bundles of another key came first, as after a change of keys."""
    with Registry() as registry:
        result = run(DISTRIBUTOR, "push", "--unsigned", "--layout", f"{WORK}/second/images",
                     f"{registry.host}/{PATH}", env=ENV)
        ok(result.returncode == 0, "images that another key has signed", result.stderr)
        result = push(registry)
        ok(result.returncode == 0, "the same, signed by ours", result.stderr)
        result = verify(registry, ":latest", "--signed-as", REPOSITORY)
        ok(result.returncode == 0 and "sigstore bundle, signed by " in result.stdout,
           "verify finds our bundle among others", result.stdout + result.stderr)
        result = verify(registry, ":latest", "--signed-as", REPOSITORY, "--keys", f"{WORK}/other")
        ok(result.returncode == 0 and "the index is signed" in result.stdout,
           "the signatures of the other key are still there", result.stdout + result.stderr)
        check_discover(registry, "bundles of two keys", 2, 2)
        check_bundle(registry, "our bundle among others", f"/manifests/{fallback_tag('latest')}")


def check_lies():
    """What verify is told by a registry in somebody else's hands."""
    with Registry() as registry:
        push(registry)
        signature = registry.tags[fallback_tag("latest") + ".sig"]
        layer = json.loads(registry.manifests[signature][1])["layers"][0]["digest"]
        bundle = document(LAYOUT, tags(LAYOUT)[fallback_tag("latest")]["digest"])["manifests"][0]
        for what, path in (("a signature", f"/blobs/{layer}"),
                           ("a bundle's manifest", f"/manifests/{bundle['digest']}")):
            registry.fault("GET", path, 200, body=b"{}", headers=[("Content-Type", MANIFEST)])
            result = verify(registry, ":latest", "--signed-as", REPOSITORY)
            ok(result.returncode == 4 and "with another digest" in result.stderr,
               f"{what} that is not what its digest says", result.stdout + result.stderr)
        kind, index = registry.manifests[digest("latest")]
        changed = index.replace(child().encode(), digest(PAIR).encode())
        registry.fault("GET", "/manifests/latest", 200, body=changed, headers=[
            ("Content-Type", kind), ("Docker-Content-Digest", digest("latest"))])
        result = verify(registry, ":latest", "--signed-as", REPOSITORY)
        ok(result.returncode == 4 and f"'latest' is {digest_of(changed)}" in result.stdout and
           f"the index: '{REPOSITORY}:latest' has no signature" in result.stdout,
           "an index that is said to have the digest of the signed one", result.stdout)


def signed_index(registry, count):
    """The name of an index of so many images, signed with the key, but none of the images is."""
    entries = [{"mediaType": MANIFEST, "digest": digest_of(f"{i}".encode()), "size": 1,
                "platform": {"os": "linux", "architecture": "amd64"}} for i in range(count)]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    claim = json.dumps({"critical": {
        "identity": {"docker-reference": f"{REPOSITORY}:many"},
        "image": {"docker-manifest-digest": digest_of(index)},
        "type": "cosign container image signature"}, "optional": None}).encode()
    signature = base64.b64encode(ed25519(f"{WORK}/key.pem", claim)).decode()
    layers = [{"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
               "digest": digest_of(claim), "size": len(claim),
               "annotations": {"dev.cosignproject.cosign/signature": signature}}]
    config = b"{}"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers, "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(config),
        "size": len(config)}}).encode()
    for data in (claim, config):
        registry.blobs[digest_of(data)] = data
    for kind, data, tag in ((INDEX, index, "many"),
                            (MANIFEST, manifest, digest_of(index).replace(":", "-") + ".sig")):
        registry.manifests[digest_of(data)] = (kind, data)
        registry.tags[tag] = digest_of(data)
    return ":many"


def check_many():
    """Each image in an index costs a request: for one that is signed, and for so many."""
    with Registry() as registry:
        for count in (128, 129):
            name = signed_index(registry, count)
            registry.requests.clear()
            result = verify(registry, name, "--signed-as", REPOSITORY)
            asked = sum(p.endswith(".sig") for m, p, _ in registry.requests if m == "GET")
            ok(result.returncode == 4 and "the index is signed" in result.stdout and
               ("at most 128 are supported" in result.stdout) == (count > 128) and
               asked == (1 if count > 128 else 129), f"a signed index of {count} images",
               f"{asked} requests\n{result.stdout[-900:]}{result.stderr}")
        del registry.tags[registry.tags["many"].replace(":", "-") + ".sig"]
        registry.requests.clear()
        result = verify(registry, name, "--signed-as", REPOSITORY)
        asked = sum(p.endswith(".sig") for m, p, _ in registry.requests if m == "GET")
        ok(result.returncode == 4 and asked == 1 and
           "129 images were not verified: their index has no valid signature" in result.stdout,
           "of an index without a signature no image is asked for", f"{asked}\n{result.stdout}")


def check_revoked():
    """Signatures by a key that is no longer to be believed."""
    keys = f"{WORK}/revoked"
    shutil.copytree(f"{WORK}/keys", keys)
    result = run(DISTRIBUTOR, "key", "--keys", keys, "--revoke", f"{keys}/release.pub")
    ok(result.returncode == 0, "the key is revoked", result.stderr)
    with Registry() as registry:
        push(registry)
        result = run(DISTRIBUTOR, "verify", "--keys", keys, "--signed-as", REPOSITORY, "--image",
                     f"{registry.host}/{PATH}:latest", env=ENV)
        ok(result.returncode == 4 and result.stdout.count("which is revoked") == 2 and
           "is signed" not in result.stdout and "sigstore bundle, signed by" not in result.stdout,
           "verify believes neither its signatures nor its bundle", result.stdout + result.stderr)
    result = run(DISTRIBUTOR, "push", "--keys", keys, "--layout", LAYOUT, REPOSITORY, env=ENV)
    ok(result.returncode == 4 and "which is revoked" in result.stderr, "push sends no such images",
       result.stderr)


def check_retired():
    """Signatures by a key that is good for this release only, and then for the one before. Its bundle
    says of no release that it is of it, and is never believed."""
    keys = f"{WORK}/retired"
    shutil.copytree(f"{WORK}/keys", keys)
    with Registry() as registry:
        push(registry)
        for last, name, status, sentence in ((VERSION, VERSION, 0, "is signed as"),
                                             (VERSION, "latest", 4, "does not name its release"),
                                             ("1.0-1", VERSION, 4, "was retired after v1.0-1")):
            run(DISTRIBUTOR, "key", "--keys", keys, "--retire", f"{keys}/release.pub", "--last", last)
            result = run(DISTRIBUTOR, "verify", "--keys", keys, "--signed-as", REPOSITORY, "--image",
                         f"{registry.host}/{PATH}:{name}", env=ENV)
            ok(result.returncode == status and sentence in result.stdout and
               "sigstore bundle, signed by" not in result.stdout,
               f"an image under {name} by a key that was retired after {last}", result.stdout + result.stderr)


def check_login():
    """An image that not everybody may pull; the token server is not obviously the registry's."""
    with Registry() as registry, TokenServer() as tokens:
        push(registry)
        server = f"localhost:{tokens.port}"
        registry.auth, registry.tokens, registry.realm = "bearer", tokens, f"http://{server}/token"
        with open(f"{WORK}/login.json", "w") as f:
            auth = base64.b64encode(b"alice:s3cret").decode()
            json.dump({"auths": {registry.host: {"auth": auth}}}, f)
        login = [":latest", "--signed-as", REPOSITORY, "--auth-file", f"{WORK}/login.json"]
        result = verify(registry, *login)
        ok(result.returncode == 4 and f"use --token-server {server}" in result.stderr and
           not tokens.requests, "verify shows the password to no other server", result.stderr)
        result = verify(registry, *login, "--token-server", server)
        ok(result.returncode == 0 and tokens.requests, "... unless it is named, as for push",
           result.stdout + result.stderr)


def login_file(name, host, password):
    """A config.json with a password for the host, in a directory of its own."""
    os.makedirs(f"{WORK}/{name}", exist_ok=True)
    with open(f"{WORK}/{name}/config.json", "w") as f:
        auth = base64.b64encode(f"alice:{password}".encode()).decode()
        json.dump({"auths": {host: {"auth": auth}}}, f)
    return {"DOCKER_CONFIG": f"{WORK}/{name}"}


def helper_file(name, script):
    os.makedirs(f"{WORK}/{name}", exist_ok=True)
    with open(f"{WORK}/{name}/config.json", "w") as f:
        json.dump({"credsStore": "t"}, f)
    if script:
        with open(f"{WORK}/{name}/docker-credential-t", "w") as f:
            f.write("#!/bin/sh\ncat >/dev/null\n" + script)
        os.chmod(f"{WORK}/{name}/docker-credential-t", 0o755)
    return {"DOCKER_CONFIG": f"{WORK}/{name}", "PATH": f"{WORK}/{name}:{os.environ['PATH']}"}


def check_reading():
    """Who looks at what is public needs no working login; who has one uses it."""
    with Registry() as registry, TokenServer() as tokens:
        push(registry)
        name = f"{registry.host}/{PATH}:latest"

        def look(*args, **env):
            tokens.requests.clear()
            return run(DISTRIBUTOR, "verify", "--keys", f"{WORK}/keys", "--signed-as", REPOSITORY,
                       "--image", name, *args, env={**ENV, **env})

        def logins():
            return ["Authorization" in h for _, _, h in tokens.requests]

        registry.auth, registry.tokens = "bearer", tokens
        good = login_file("good", registry.host, "s3cret")
        stale = login_file("stale", registry.host, "stale-pw")
        result = look(**good)
        ok(result.returncode == 0 and logins() and all(logins()) and "without" not in result.stderr,
           "verify uses a login that works", result.stdout + result.stderr)
        result = look("--anonymous", **good)
        ok(result.returncode == 0 and logins() and not any(logins()) and "without" not in result.stderr,
           "... and none with --anonymous", f"{logins()} {result.stdout}{result.stderr}")
        for status in (401, 403, 429):
            tokens.refuse_logins = status
            result = look(**(good if status != 401 else stale))
            seen = logins()
            ok(result.returncode == 0 and seen[0] and not seen[-1] and seen == sorted(seen, reverse=True)
               and result.stderr.count("continuing without credentials") == 1 and "stale-pw" not in result.stderr,
               f"a login that the token server answers with {status} is given up, with one warning",
               f"{seen} {result.stdout}{result.stderr}")
        tokens.refuse_logins = None
        # It lives for 0.75 s, and the answer after which the next one is needed takes a second.
        tokens.tokens.clear()
        tokens.refuse_later, tokens.expires_in = 401, 1
        registry.fault("GET", "/manifests/latest", 503, logged_in=True, delay=1, headers=[("Retry-After", "0")])
        result = look(**good)
        tokens.refuse_later, tokens.expires_in = None, 300
        ok(result.returncode == 0 and logins()[0] and not logins()[-1] and
           result.stderr.count("continuing without credentials") == 1,
           "so is one that is refused when its token is renewed", result.stdout + result.stderr)
        for status in (403, 429):
            registry.fault("GET", "/manifests/latest", status, times=6 if status == 429 else 1, logged_in=True,
                           headers=[("Retry-After", "0")] if status == 429 else ())
            result = look(**good)
            ok(result.returncode == 0 and logins()[0] and not logins()[-1] and
               result.stderr.count("continuing without credentials") == 1,
               f"so is one that the registry answers with {status}", result.stdout + result.stderr)
        for what, env, why in (
                ("is not installed", helper_file("gone", None), "'docker-credential-t'"),
                ("knows nobody", helper_file("none", 'echo \'{"Username":"","Secret":""}\'\n'), ""),
                ("fails", helper_file("sick", "echo s3cret; exit 3\n"), "failed"),
                ("talks nonsense", helper_file("odd", "echo s3cret\n"), "invalid output of the credential helper")):
            result = look(**env)
            ok(result.returncode == 0 and not any(logins()) and why in result.stderr and
               result.stderr.count("continuing without") == bool(why) and "s3cret" not in result.stderr,
               f"an image is verified where the helper {what}", result.stdout + result.stderr)
        for what, text in (("empty", ""), ("no JSON", "s3cret")):
            os.makedirs(f"{WORK}/file {what}", exist_ok=True)
            with open(f"{WORK}/file {what}/config.json", "w") as f:
                f.write(text)
            result = look(DOCKER_CONFIG=f"{WORK}/file {what}")
            ok(result.returncode == 0 and not any(logins()) and "s3cret" not in result.stderr,
               f"... and where config.json is {what}", result.stdout + result.stderr)
        result = look("--auth-file", f"{WORK}/nothing.json")
        ok(result.returncode == 3 and "nothing.json" in result.stderr + result.stdout and not logins(),
           "a file that is named has to be there", result.stdout + result.stderr)
        tokens.anybody = True
        registry.tags.clear()
        tokens.requests.clear()
        result = run(DISTRIBUTOR, "push", "--unsigned", "--layout", LAYOUT, f"{registry.host}/{PATH}",
                     env={**ENV, **stale})
        ok(result.returncode == 3 and all(logins()) and not registry.tags and
           "rejected the credentials" in result.stderr,
           "push does not go on without a login that is refused", result.stderr)
    with Registry() as registry:
        push(registry)
        name = f"{registry.host}/{PATH}:latest"
        registry.auth, registry.strangers_read = "basic", True
        stale = login_file("stale-basic", registry.host, "stale-pw")
        registry.fault("GET", "/manifests/latest", 401, headers=[
            ("WWW-Authenticate", 'Basic realm="r"')])
        result = run(DISTRIBUTOR, "verify", "--keys", f"{WORK}/keys", "--signed-as", REPOSITORY,
                     "--image", name, env={**ENV, **stale})
        ok(result.returncode == 0 and result.stderr.count("continuing without credentials") == 1,
           "a password that the registry itself refuses is given up as well",
           result.stdout + result.stderr)


def check_fallback():
    with Registry() as registry:
        result = push(registry)
        ok(result.returncode == 0 and all(fallback_tag(n) in registry.tags for n in
                                          ("latest", PAIR, "register")),
           "fallback tags where the referrers API is not", result.stderr)
        push(registry)
        got = [p for m, p, _ in registry.requests if m == "GET" and "/manifests/" in p]
        ok(not got, "what is there is asked for and not got, which registries count", got)
        result = verify(registry, ":latest", "--signed-as", REPOSITORY)
        ok(result.returncode == 0 and "sigstore bundle, signed by " in result.stdout,
           "verify finds the bundle by the fallback tag", result.stdout + result.stderr)
        registry.redirects = True
        redirected = verify(registry, ":latest", "--signed-as", REPOSITORY)
        registry.redirects = False
        ok(redirected.returncode == 0 and redirected.stdout == result.stdout,
           "... and sees the same where reading is redirected, with a page",
           redirected.stdout + redirected.stderr)
        check_discover(registry, "by the fallback tag")
        check_bundle(registry, "a bundle by the fallback tag",
                     f"/manifests/{fallback_tag('latest')}")
        registry.tags[fallback_tag(OTHER)] = registry.tags[fallback_tag(PAIR)]
        del registry.tags[fallback_tag(OTHER) + ".sig"]
        check_stolen(registry)


def check_stolen(registry):
    """The list of one image's referrers at another's place."""
    result = verify(registry, f":{OTHER}", "--signed-as", REPOSITORY)
    ok(result.returncode == 4 and "sigstore bundle, signed by" not in result.stdout,
       "verify refuses the bundle of another image", result.stdout)
    try:
        result = cosign(program("sid", "cosign"), KEY, f"{registry.host}/{PATH}:{OTHER}")
        ok(result.returncode != 0, "so does cosign 3", result.stdout)
    except debian.Unavailable as e:
        skip("so does cosign 3", str(e))


def check_crane():
    """A second real registry; that of go-containerregistry 0.20 has no referrers API either."""
    try:
        crane = program("sid", "crane")
    except debian.Unavailable as e:
        return skip("the registry of crane", str(e))
    with CraneRegistry(f"{WORK}/crane", crane) as registry:
        result = push(registry)
        ok(result.returncode == 0, "a push to crane's registry", result.stderr)
        listed = fallback_tag("latest")
        wrong = [n for n in ("latest", PAIR, listed, listed + ".sig")
                 if run(crane, "digest", f"{registry.host}/{PATH}:{n}").stdout.strip() != digest(n)]
        ok(not wrong, "crane reads the digests of the layout", wrong)
        result = push(registry)
        ok(result.returncode == 0 and "nothing pushed" in result.stdout,
           "a second push to it sends nothing", result.stdout + result.stderr)
        result = run(crane, "validate", "--remote", f"{registry.host}/{PATH}:latest")
        ok(result.returncode == 0, "crane finds nothing wrong with the index", result.stderr)
        result = verify(registry, ":latest", "--signed-as", REPOSITORY)
        ok(result.returncode == 0 and "sigstore bundle, signed by " in result.stdout,
           "verify reads it there", result.stdout + result.stderr)
        check_discover(registry, "at crane's registry")
    return None


def prepare():
    """A release that is signed for that repository."""
    fixture(WORK, 100000, "x86_64", "aarch64")
    with open(f"{WORK}/matrix.json") as f:
        matrix = json.load(f)
    matrix["repository"]["images"] = [REPOSITORY]
    with open(f"{WORK}/matrix.json", "w") as f:
        json.dump(matrix, f)
    steps = [images(WORK)]
    for keys, key in (("keys", "key.pem"), ("other", "other.pem")):
        steps.append(run(DISTRIBUTOR, "keygen", "--no-passphrase", "--keys", f"{WORK}/{keys}",
                         f"{WORK}/{key}"))
    shutil.copytree(f"{WORK}/out", f"{WORK}/second")
    shutil.copytree(f"{WORK}/out", f"{WORK}/unsigned")
    for out, keys, key in (("out", "keys", "key.pem"), ("second", "other", "other.pem")):
        steps.append(run(DISTRIBUTOR, "sign", "--matrix", f"{WORK}/matrix.json", "--out",
                         f"{WORK}/{out}", "--keys", f"{WORK}/{keys}", "--repo", WORK, "--key",
                         f"{WORK}/{key}"))
    bad = [s.stderr for s in steps if s.returncode != 0]
    ok(not bad, "images are made and signed", "".join(bad))


def check_unwritten():
    """Each document of a signature that cannot be written ends `sign`: no image goes out without one."""
    def sign(out):
        return run(DISTRIBUTOR, "sign", "--matrix", f"{WORK}/matrix.json", "--out", out, "--keys",
                   f"{WORK}/keys", "--repo", WORK, "--key", f"{WORK}/key.pem")

    cosign = tags(LAYOUT)[f"{fallback_tag('latest')}.sig"]["digest"]
    bundle = document(LAYOUT, tags(LAYOUT)[fallback_tag("latest")]["digest"])["manifests"][0]["digest"]
    for what, blocked in (("payload", document(LAYOUT, cosign)["layers"][0]["digest"]),
                          ("cosign manifest", cosign), ("bundle's manifest", bundle)):
        out = f"{WORK}/unwritten"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(f"{WORK}/unsigned", out)
        os.mkdir(f"{out}/images/blobs/sha256/{blocked.removeprefix('sha256:')}")
        result = sign(out)
        ok(result.returncode == 1 and blocked.removeprefix("sha256:") in result.stderr and
           not any(n.endswith(".sig") for n in tags(f"{out}/images")),
           f"a {what} that cannot be written: sign fails", result.stderr)


def main():
    try:
        prepare()
        parallel([check_real, check_referrers_api, check_pages, check_unlisted, check_fallback,
                  check_lists, check_two_keys, check_lies, check_login, check_reading, check_broken,
                  check_others, check_no_signatures, check_many, check_revoked, check_retired,
                  check_crane, check_unwritten])
    finally:
        shutil.rmtree(WORK)
    return done()


sys.exit(main())
