#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`distributor images` on a small release: what the layout holds, that the bytes depend on nothing
but the input, what umoci and oci-image-tool think of it, and each refusal. Prints TAP."""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

from image_release import (DISTRIBUTOR, VERSION, blob, document, done, fixture, images, ok, run,
                           skip, tags, tree)

HOSTS = ["x86_64", "aarch64", "armv7l"]
TARGETS = ["aarch64", "arm", "s390x", "x86_64"]
OWN = {"x86_64": "x86_64", "aarch64": "aarch64", "armv7l": "arm"}


def members(layout, digest):
    with tarfile.open(fileobj=io.BytesIO(blob(layout, digest))) as tar:
        return {m.name: (m, tar.extractfile(m).read() if m.isfile() else None) for m in tar}


def check_names(layout):
    wanted = {"latest", VERSION, "register", f"register-{VERSION}"}
    for host in HOSTS:
        for target in TARGETS:
            if OWN[host] != target:
                wanted |= {f"{host}-{target}", f"{host}-{target}-{VERSION}",
                           target, f"{target}-{VERSION}"}
    ok(set(tags(layout)) == wanted, "the tags are those of the old images, on every host",
       set(tags(layout)) ^ wanted)
    with open(f"{layout}/oci-layout") as f:
        ok(json.load(f) == {"imageLayoutVersion": "1.0.0"}, "the layout says its version")


def check_pair(work, layout):
    entry = tags(layout)["aarch64-s390x"]
    manifest = document(layout, entry["digest"])
    config = document(layout, manifest["config"]["digest"])
    layer = blob(layout, manifest["layers"][0]["digest"])
    inside = members(layout, manifest["layers"][0]["digest"])
    with tarfile.open(f"{work}/out/assets/aarch64_qemu-s390x-static.tar.gz") as tar:
        program = tar.extractfile("qemu-s390x-static").read()
    ok(sorted(inside) == ["usr", "usr/bin", "usr/bin/qemu-s390x-static"],
       "a pair's layer holds one file", sorted(inside))
    info, content = inside["usr/bin/qemu-s390x-static"]
    ok(content == program and info.mode == 0o755 and info.uid == info.gid == 0,
       "it is the program of the tarball, 0755, of root")
    with open(f"{work}/out/assets/aarch64_qemu-s390x-static.tar.gz", "rb") as f:
        tarball = f.read()
    ok(tarball[527:-60] in layer, "its compressed bytes are those of the tarball")
    ok("sha256:" + hashlib.sha256(gzip.decompress(layer)).hexdigest() ==
       config["rootfs"]["diff_ids"][0], "the diff_id is that of the tar")
    ok((config["architecture"], config.get("variant"), config["os"]) == ("arm64", "v8", "linux"),
       "the platform is the host's")
    ok("Entrypoint" not in config["config"], "a pair has no entrypoint")
    notes = manifest["annotations"]
    ok(notes["org.opencontainers.image.version"] == VERSION and
       notes["org.opencontainers.image.source"] == "https://github.com/owner/repo" and
       notes["distributor.source-package"] == "qemu (= 1:10.0.2+ds-2)" and
       notes["org.opencontainers.image.created"] == "2023-11-14T22:13:20Z",
       "annotations name version, source, source package and the lock's time", notes)
    ok(config["config"]["Labels"] == notes, "the labels are the annotations")


def check_indexes(layout):
    found = tags(layout)
    index = document(layout, found["s390x"]["digest"])
    platforms = [(m["platform"]["architecture"], m["platform"].get("variant"))
                 for m in index["manifests"]]
    ok(platforms == [("amd64", None), ("arm64", "v8"), ("arm", "v7")],
       "a target's index has all hosts", platforms)
    ok([m["digest"] for m in index["manifests"]] ==
       [found[f"{h}-s390x"]["digest"] for h in HOSTS], "its manifests are the pairs'")
    index = document(layout, found["aarch64"]["digest"])
    ok(len(index["manifests"]) == 2, "a host's own architecture is in no index")
    ok(found["latest"]["digest"] == found[VERSION]["digest"] and
       found["register"]["digest"] == found[f"register-{VERSION}"]["digest"],
       "moving and version tags are the same image")


def check_all_in_one(work, layout):
    index = document(layout, tags(layout)["latest"]["digest"])
    manifest = document(layout, index["manifests"][0]["digest"])
    config = document(layout, manifest["config"]["digest"])
    registrar = members(layout, manifest["layers"][0]["digest"])
    programs = members(layout, manifest["layers"][1]["digest"])
    ok(config["config"]["Entrypoint"] == ["/register"] and
       "QEMU_BIN_DIR=/usr/bin" in config["config"]["Env"], "the entrypoint is the registrar")
    with open(f"{work}/registrars/register-x86_64", "rb") as f:
        ok(list(registrar) == ["register"] and registrar["register"][1] == f.read() and
           registrar["register"][0].mode == 0o755, "the first layer is /register")
    ok(list(programs) == ["usr", "usr/bin"] + [f"usr/bin/qemu-{t}-static" for t in TARGETS
                                               if t != "x86_64"],
       "the second has every program but the host's own", list(programs))
    ok(["sha256:" + hashlib.sha256(gzip.decompress(blob(layout, m["digest"]))).hexdigest()
        for m in manifest["layers"]] == config["rootfs"]["diff_ids"], "both diff_ids are right")
    alone = document(layout, document(layout, tags(layout)["register"]["digest"])["manifests"][0]["digest"])
    ok(alone["layers"] == manifest["layers"][:1], "`register` shares that layer and has no other")


def check_labels(layout):
    """What each image and index says of itself, whole."""
    own = "GPL-2.0-or-later AND BSD-3-Clause"     # of the package for aarch64
    usual = {"version": VERSION, "created": "2023-11-14T22:13:20Z",
             "source": "https://github.com/owner/repo", "url": "https://github.com/owner/repo"}

    def wanted(title, description, licenses, host=False):
        notes = {f"org.opencontainers.image.{key}": value for key, value in {
            **usual, "title": title, "description": description, "licenses": licenses}.items()}
        return dict(notes, **{"distributor.qemu-version": "10.0.2",
                              "distributor.source-package": "qemu (= 1:10.0.2+ds-2)"} if host else {})

    name, registrar = "qemu-user-static", "egistrar of static QEMU user emulators"
    emulators = "tatic QEMU user emulators"
    for tag, index, first, second in (
            ("s390x", wanted("qemu-s390x-static", "Runs programs for s390x on other hosts",
                             "GPL-2.0-only"),
             wanted("qemu-s390x-static", "Runs programs for s390x on x86_64 hosts", "GPL-2.0-only",
                    True),
             wanted("qemu-s390x-static", "Runs programs for s390x on aarch64 hosts", own, True)),
            ("latest", wanted(name, f"S{emulators} and their registrar", "(GPL-2.0-only) AND MIT"),
             wanted(name, f"S{emulators} for x86_64 hosts and their registrar",
                    "(GPL-2.0-only) AND MIT", True),
             wanted(name, f"S{emulators} for aarch64 hosts and their registrar",
                    f"({own}) AND MIT", True)),
            ("register", wanted(name, f"R{registrar}", "MIT"),
             wanted(name, f"R{registrar} for x86_64 hosts", "MIT"),
             wanted(name, f"R{registrar} for aarch64 hosts", "MIT"))):
        found = document(layout, tags(layout)[tag]["digest"])
        images = [document(layout, m["digest"]) for m in found["manifests"][:2]]
        ok([found["annotations"], *(i["annotations"] for i in images)] == [index, first, second],
           f"'{tag}' says what it is, its licences and its source", [found["annotations"], *(
               i["annotations"] for i in images)])
        ok([document(layout, i["config"]["digest"])["config"]["Labels"] for i in images] ==
           [first, second], f"'{tag}': so do the labels")


def check_notes(work, layout):
    """With out/packed.json nothing is decompressed; without it, everything: the same bytes."""
    tarball = f"{work}/out/assets/aarch64_qemu-arm-static.tar.gz"
    with open(tarball, "r+b") as f:
        good = f.read()
        f.seek(20000)
        f.write(b"\0\0\0\0")
    result = images(work)
    ok(result.returncode == 4 and "as made by 'distributor tarballs'" in result.stderr,
       "a tarball that is not the noted one is refused", result.stderr)
    with open(tarball, "wb") as f:
        f.write(good)
    result = images(work, env={"SOURCE_DATE_EPOCH": "1600000000"})
    index = document(layout, tags(layout)["latest"]["digest"])
    manifests = [index["manifests"][0]["digest"], tags(layout)["x86_64-arm"]["digest"]]
    wrong = []
    for manifest in (document(layout, digest) for digest in manifests):
        ids = document(layout, manifest["config"]["digest"])["rootfs"]["diff_ids"]
        wrong += [i for i, m in zip(ids, manifest["layers"]) if i != "sha256:" + hashlib.sha256(
            gzip.decompress(blob(layout, m["digest"]))).hexdigest()]
    ok(result.returncode == 0 and not wrong, "nothing is taken from notes of another date",
       f"{wrong} {result.stderr}")
    result = images(work)
    ok(result.returncode == 0, "back to the date of the lock", result.stderr)
    os.unlink(f"{work}/out/packed.json")
    result = images(work)
    ok(result.returncode == 0 and ", unchanged" in result.stdout,
       "without notes the tarballs are read, with the same result", result.stderr)


def check_reproducible(work, layout):
    before = tree(layout)
    stamp = os.stat(f"{layout}/index.json").st_mtime_ns
    again = images(work)
    ok(again.returncode == 0 and ", unchanged" in again.stdout, "a second run says so",
       again.stderr)
    ok(os.stat(f"{layout}/index.json").st_mtime_ns == stamp, "and leaves index.json alone")
    other = f"{work}/other dir"
    os.makedirs(f"{work}/elsewhere/out/assets")
    for name in sorted(os.listdir(f"{work}/out/assets"), reverse=True):
        path = shutil.copy(f"{work}/out/assets/{name}", f"{work}/elsewhere/out/assets")
        os.utime(path, (86400 * 365 * 40, 86400 * 365 * 40))
    for name in ("matrix.json", "matrix.lock.json"):
        shutil.copy(f"{work}/{name}", f"{work}/elsewhere/{name}")
    os.mkdir(other)
    result = run(DISTRIBUTOR, "images", "--matrix", "../elsewhere/matrix.json", "--out",
                 "../elsewhere/out", "--registrars", "../registrars", "-j", "3", cwd=other,
                 umask=0o077, env={"TZ": "Pacific/Chatham", "LC_ALL": "C.UTF-8",
                                   "SOURCE_DATE_EPOCH": "", "HOME": "/nonexistent"})
    ok(result.returncode == 0 and tree(f"{work}/elsewhere/out/images") == before,
       "files of another day and order, another directory, umask, zone, locale and number of "
       "threads give the same bytes", result.stderr)


def check_damage(work, layout):
    victim = tags(layout)["x86_64-arm"]["digest"]
    layer = document(layout, victim)["layers"][0]["digest"].removeprefix("sha256:")
    before = tree(layout)
    for name in (layer, victim.removeprefix("sha256:")):
        with open(f"{layout}/blobs/sha256/{name}", "r+b") as f:
            f.write(b"\xff")
    with open(f"{layout}/blobs/sha256/{'0' * 64}", "wb") as f:
        f.write(b"of an earlier version")
    result = images(work)
    ok(result.returncode == 0 and tree(layout) == before,
       "damaged blobs are mended, those of nobody removed", result.stderr)


def check_variants(work, layout):
    plain, gzipped = tree(layout), shutil.copytree(layout, f"{work}/gzipped")
    result = images(work, "--zstd")
    manifest = document(layout, tags(layout)["x86_64-arm"]["digest"])
    config = document(layout, manifest["config"]["digest"])
    layer = f"{layout}/blobs/sha256/{manifest['layers'][0]['digest'][7:]}"
    ok(result.returncode == 0 and manifest["layers"][0]["mediaType"].endswith("+zstd"),
       "layers in zstd on request", result.stderr)
    marks = {m["annotations"]["io.github.containers.compression.zstd"]
             for tag in tags(layout).values() for m in document(layout, tag["digest"]).get("manifests", [])}
    ok(marks == {"true"} and "containers.compression" not in
       "".join(blob(gzipped, m["digest"]).decode() for m in tags(gzipped).values()),
       "and indexes say so to podman and skopeo, where it is so", marks)
    if shutil.which("zstd"):
        tar = subprocess.run(["zstd", "-dc", layer], capture_output=True).stdout
        ok("sha256:" + hashlib.sha256(tar).hexdigest() == config["rootfs"]["diff_ids"][0],
           "zstd reads them")
    else:
        skip("zstd reads them", "zstd is not installed")
    gz = document(layout, manifest["config"]["digest"])["rootfs"]["diff_ids"]
    result = images(work)
    manifest = document(layout, tags(layout)["x86_64-arm"]["digest"])
    ok(document(layout, manifest["config"]["digest"])["rootfs"]["diff_ids"] == gz,
       "gzip and zstd layers have the same diff_id")
    ok(tree(layout) == plain, "back to gzip are the first bytes")
    commit = "0123456789abcdef0123456789abcdef01234567"
    images(work, "--revision", commit)
    manifest = document(layout, tags(layout)["x86_64-arm"]["digest"])
    ok(manifest["annotations"]["org.opencontainers.image.revision"] == commit,
       "--revision is annotated")
    result = images(work, "--revision", "main")
    ok(result.returncode == 2 and "'main'" in result.stderr, "--revision wants a commit id")
    images(work)


def check_repository(work, layout):
    """HEAD is annotated where it has matrix and lock; a repository that cannot be read is refused."""
    home = {"HOME": work, "XDG_CONFIG_HOME": work}

    def git(*args):
        done = run("git", "-c", "user.name=T", "-c", "user.email=t@example.org", *args, cwd=work, env=home)
        return done.stdout.strip() if done.returncode == 0 else done

    def annotated():
        result = images(work, cwd=work, env=home)
        notes = document(layout, tags(layout)["x86_64-arm"]["digest"])["annotations"]
        return result, notes.get("org.opencontainers.image.revision")

    def none(name, reason):
        result, revision = annotated()
        ok(result.returncode == 0 and revision is None and "no commit is recorded in the images" in result.stderr and
           reason in result.stderr, name, f"{revision}\n{result.stderr}")

    def refused(name, reason):
        result = images(work, cwd=work, env=home)
        ok(result.returncode == 1 and reason in result.stderr and "--revision" in result.stderr, name, result.stderr)

    none("no repository: no commit, and that is said", "no git repository at '.'")
    git("init", "-q")
    none("no commit: the same", "has no commits yet")
    git("add", "matrix.json", "matrix.lock.json")
    git("commit", "-q", "-m", "one")
    result, revision = annotated()
    ok(len(revision or "") == 40 and revision == git("rev-parse", "HEAD") and "commit" not in result.stderr,
       "HEAD is annotated", f"{revision}\n{result.stderr}")
    with open(f"{work}/.git/config") as f:
        config = f.read()
    with open(f"{work}/.git/config", "a") as f:
        f.write("[broken\n")
    refused("refused: a repository that cannot be read", "cannot open the git repository")
    with open(f"{work}/.git/config", "w") as f:
        f.write(config)
    if os.getuid() == 0:
        for root, _, _ in os.walk(f"{work}/.git"):
            os.chown(root, 12345, 12345)
        os.chown(work, 12345, 12345)
        refused("refused: a repository of another user", "belongs to another user")
        os.chown(work, 0, 0)
    else:
        skip("refused: a repository of another user", "only root can make one")
    shutil.rmtree(f"{work}/.git")
    images(work)


def exclude(work, *exclusions):
    with open(f"{work}/matrix.json") as f:
        matrix = json.load(f)
    matrix["exclude"] = list(exclusions)
    with open(f"{work}/matrix.json", "w") as f:
        json.dump(matrix, f)


def check_exclusions(work, layout):
    """What the matrix excludes from images has its tarball still, and is in no image."""
    exclude(work, {"from": "armv7l", "only": "images"}, {"to": "s390x", "only": "images"})
    result = images(work)
    ok(result.returncode == 0 and "4 pair images, 5 for hosts, 5 indexes" in result.stdout,
       "images of pairs and of a host are excluded", result.stdout + result.stderr)
    hosts = {name: [m["platform"]["architecture"] for m in document(layout, tag["digest"])["manifests"]]
             for name, tag in tags(layout).items() if name in ("latest", "register")}
    ok(hosts == {"latest": ["amd64", "arm64"], "register": ["amd64", "arm64", "arm"]},
       "a host without emulators in images has the registrar alone", hosts)
    index = document(layout, tags(layout)["latest"]["digest"])
    layers = document(layout, index["manifests"][0]["digest"])["layers"]
    ok("usr/bin/qemu-arm-static" in members(layout, layers[1]["digest"]) and
       "usr/bin/qemu-s390x-static" not in members(layout, layers[1]["digest"]),
       "the image of all has no excluded one")
    result = run(DISTRIBUTOR, "plan", "--matrix", f"{work}/matrix.json")
    ok("9 images: 4 pairs, 2 all-in-one, 3 register; 5 indexes" in result.stdout,
       "as the plan has said", result.stdout)
    exclude(work, *({"from": host, "only": "images"} for host in HOSTS))
    result = images(work)
    ok(result.returncode == 3 and "the matrix has no images" in result.stderr,
       "no image at all is refused", result.stderr)
    result = run(DISTRIBUTOR, "plan", "--matrix", f"{work}/matrix.json")
    ok("0 images: 0 pairs, 0 all-in-one, 0 register; 0 indexes" in result.stdout,
       "and none is planned", result.stdout)
    exclude(work)


def check_refusals(work):
    def refused(name, status, part, *args):
        result = images(work, *args)
        ok(result.returncode == status and part in result.stderr, name,
           f"{result.returncode} {result.stderr}")

    tarball = f"{work}/out/assets/aarch64_qemu-arm-static.tar.gz"
    index = f"{work}/out/images/index.json"
    with open(tarball, "rb") as f:
        good = f.read()
    with open(index, "rb") as f:
        old = f.read()
    os.unlink(tarball)
    refused("a missing tarball is named, and what makes it", 3,
            f"'{tarball}' is missing; run 'distributor tarballs --matrix {work}/matrix.json "
            f"--out {work}/out'")
    shutil.copy(f"{work}/out/assets/aarch64_qemu-s390x-static.tar.gz", tarball)
    refused("a tarball of another target is refused", 4, "contains qemu-s390x-static, expected qemu-arm")
    shutil.copy(f"{work}/out/assets/x86_64_qemu-arm-static.tar.gz", tarball)
    refused("a tarball of another host is refused", 4, "as in the lock")
    for at, what in ((len(good) // 2, "content"), (len(good) - 5, "check sum"), (530, "header")):
        with open(tarball, "wb") as f:
            f.write(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        refused(f"a tarball with a flipped bit is refused: {what}", 4, "aarch64_qemu-arm-static")
    with open(tarball, "wb") as f:
        f.write(good[:-100])
    refused("a tarball that is cut short is refused", 4, "aarch64_qemu-arm-static")
    with open(tarball, "wb") as f:
        f.write(good)
    registrar = f"{work}/registrars/register-aarch64"
    os.rename(registrar, registrar + "~")
    refused("a missing registrar says which compiler makes it", 3, "gcc-aarch64-linux-gnu")
    shutil.copy(f"{work}/registrars/register-armv7l", registrar)
    refused("a registrar of another host is refused", 4, registrar)
    os.rename(registrar + "~", registrar)
    refused("an unknown --host is refused", 2, "no host 'amd64'", "--host", "amd64")
    with open(index, "rb") as f:
        ok(f.read() == old, "none of it has touched the layout")


def check_skopeo(work, layout):
    """What it takes out for one host is read by tools that know neither indexes nor many tags."""
    single = f"{work}/single"
    wrong = []
    for name in tags(layout):
        result = run("skopeo", "copy", "--all", "--preserve-digests", f"oci:{layout}:{name}",
                     f"dir:{work}/copied")
        if result.returncode != 0:
            wrong.append((name, result.stderr))
        shutil.rmtree(f"{work}/copied", ignore_errors=True)
    ok(not wrong, "skopeo copies every tag, digests and all", wrong)
    result = run("skopeo", "copy", "--override-arch", "arm64", "--override-variant", "v8",
                 "--preserve-digests", f"oci:{layout}:latest", f"oci:{single}:all")
    ok(result.returncode == 0 and tags(single)["all"]["digest"] ==
       document(layout, tags(layout)["latest"]["digest"])["manifests"][1]["digest"],
       "and of an index the image for one host", result.stderr)
    if shutil.which("umoci"):
        result = run("umoci", "unpack", "--rootless", "--image", f"{single}:all", f"{work}/whole")
        found = sorted(os.path.relpath(os.path.join(at, name), f"{work}/whole/rootfs")
                       for at, _, names in os.walk(f"{work}/whole/rootfs") for name in names)
        ok(result.returncode == 0 and found == ["register"] + [
            f"usr/bin/qemu-{t}-static" for t in TARGETS if t != "aarch64"],
           "umoci unpacks the all-in-one image", f"{found}\n{result.stderr}")
    if shutil.which("oci-image-tool"):
        result = run("oci-image-tool", "validate", "--type", "image", "--ref", "name=all", single)
        ok(result.returncode == 0, "oci-image-tool validates it with its layers", result.stderr)


def check_tools(work, layout):
    if shutil.which("umoci"):
        bundle = f"{work}/bundle"
        result = run("umoci", "unpack", "--rootless", "--image", f"{layout}:x86_64-s390x", bundle)
        path = f"{bundle}/rootfs/usr/bin/qemu-s390x-static"
        ok(result.returncode == 0 and os.path.getsize(path) == 100000, "umoci unpacks an image",
           result.stderr)
    else:
        skip("umoci unpacks an image", "umoci is not installed")
    if shutil.which("skopeo"):
        check_skopeo(work, layout)
    else:
        skip("skopeo copies images", "skopeo is not installed")
    if not shutil.which("oci-image-tool"):
        skip("oci-image-tool validates", "oci-image-tool is not installed")
        return
    index = tags(layout)["latest"]["digest"]
    manifest = document(layout, index)["manifests"][0]["digest"]
    config = document(layout, manifest)["config"]["digest"]
    for kind, digest in (("imageIndex", index), ("manifest", manifest), ("config", config)):
        result = run("oci-image-tool", "validate", "--type", kind,
                     f"{layout}/blobs/sha256/{digest[7:]}")
        ok(result.returncode == 0, f"oci-image-tool validates: {kind}", result.stderr)


def main():
    work = tempfile.mkdtemp(prefix="distributor-images-")
    layout = f"{work}/out/images"
    try:
        fixture(work, 100000, *HOSTS)
        result = images(work)
        ok(result.returncode == 0 and "9 pair images, 6 for hosts, 6 indexes" in result.stdout,
           "images of three hosts", result.stdout + result.stderr)
        ok(all(hashlib.sha256(open(f"{layout}/blobs/sha256/{n}", "rb").read()).hexdigest() == n
               for n in os.listdir(f"{layout}/blobs/sha256")), "each blob is what its name says")
        check_names(layout)
        check_pair(work, layout)
        check_indexes(layout)
        check_all_in_one(work, layout)
        check_labels(layout)
        check_notes(work, layout)
        check_reproducible(work, layout)
        check_damage(work, layout)
        check_variants(work, layout)
        check_repository(work, layout)
        check_exclusions(work, layout)
        images(work)
        check_refusals(work)
        check_tools(work, layout)
        result = images(work, "--json")
        ok(len(json.loads(result.stdout)["tags"]) == len(tags(layout)), "--json lists the tags")
    finally:
        shutil.rmtree(work)
    return done()


sys.exit(main())
