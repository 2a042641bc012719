#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`distributor assemble`: parts made for one host each give the bytes of one run for all, whatever
their order; everything that does not belong together is refused. Prints TAP."""

import hashlib
import json
import os
import shutil
import sys
import tempfile

from image_release import DISTRIBUTOR, VERSION, done, fixture, images, ok, run, tags, tree
from part_attacks import (change, evil_images, evil_layer, poison_tarball, put_blob, rewrite, sha256,
                          write)
from registry_lib import no_credentials

from oci_registry import Registry

REF = "org.opencontainers.image.ref.name"
HOSTS = ["x86_64", "aarch64", "armv7l"]
WORK = tempfile.mkdtemp(prefix="distributor-assemble-")


def assemble(out, *parts, args=()):
    return run(DISTRIBUTOR, "assemble", "--matrix", f"{WORK}/matrix.json", "--out", f"{WORK}/{out}",
               "--registrars", f"{WORK}/registrars", *args, *[f"{WORK}/{p}" for p in parts])


def make_part(host, name, *args):
    """What `tarballs --host` and `images --host` leave on another machine."""
    part = f"{WORK}/{name}"
    os.makedirs(f"{part}/assets")
    for asset in os.listdir(f"{WORK}/out/assets"):
        if asset.startswith(f"{host}_"):
            shutil.copy(f"{WORK}/out/assets/{asset}", f"{part}/assets/{asset}")
    for file in ("packed.json", "assets.json"):
        shutil.copy(f"{WORK}/out/{file}", f"{part}/{file}")
    change(f"{part}/packed.json", lambda d: d.update(hosts=[
        h for h in d["hosts"] if h["host"] == host]))
    change(f"{part}/assets.json", lambda d: d.update(assets=[
        a for a in d["assets"] if a["host"] == host]))
    result = images(WORK, "--host", host, *args, out=name)
    if result.returncode != 0:
        raise RuntimeError(result.stderr)
    return result


def refused(name, status, text, *parts, args=()):
    result = assemble("refused", *parts, args=args)
    ok(result.returncode == status and text in result.stderr and
       not os.path.exists(f"{WORK}/refused/images/index.json"), name,
       f"{result.returncode} {result.stderr}{result.stdout}")
    shutil.rmtree(f"{WORK}/refused", ignore_errors=True)


def damaged(name, text, victim, edit, status=4):
    """A copy of the part aarch64, changed by `edit`, is refused."""
    copy = f"{WORK}/copy"
    shutil.copytree(f"{WORK}/aarch64", copy)
    edit(f"{copy}/{victim}")
    refused(name, status, text, "x86_64", "copy", "armv7l")
    shutil.rmtree(copy)


def flip(path):
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) // 2)
        byte = f.read(1)
        f.seek(-1, 1)
        f.write(bytes([byte[0] ^ 1]))


def check_same():
    whole = {k: v for k, v in tree(f"{WORK}/out").items() if not k.startswith(".")}
    result = assemble("joined", *HOSTS)
    ok(result.returncode == 0 and "joined 3 parts (x86_64,aarch64,armv7l)" in result.stdout,
       "three parts are joined", result.stderr)
    joined = {k: v for k, v in tree(f"{WORK}/joined").items() if not k.startswith(".")}
    ok(joined == whole, "to the bytes of one run", set(joined.items()) ^ set(whole.items()))
    result = assemble("reversed", *reversed(HOSTS))
    reverse = {k: v for k, v in tree(f"{WORK}/reversed").items() if not k.startswith(".")}
    ok(result.returncode == 0 and reverse == whole, "in any order", result.stderr)
    os.unlink(f"{WORK}/joined/images/index.json")
    shutil.rmtree(f"{WORK}/joined/assets")
    result = assemble("joined", *HOSTS)
    joined = {k: v for k, v in tree(f"{WORK}/joined").items() if not k.startswith(".")}
    ok(result.returncode == 0 and joined == whole, "a run that was cut off is done again",
       result.stderr)


def check_parts():
    result = run(DISTRIBUTOR, "push", "--layout", f"{WORK}/aarch64/images", "localhost:1/a/b")
    ok(result.returncode == 3 and "only some of the hosts (aarch64)" in result.stderr,
       "a part is not pushed by mistake", result.stderr)
    refused("a host that is missing is named", 3, "no part contains the hosts aarch64", "x86_64", "armv7l")
    result = assemble("two", "x86_64", "armv7l", args=["--part"])
    ok(result.returncode == 0 and len(tags(f"{WORK}/two/images")) == 24,
       "--part joins what is there", result.stderr)
    result = assemble("one", "x86_64", args=["--part"])
    ok("joined 1 part (x86_64)" in result.stdout, "one part is one", result.stdout + result.stderr)
    result = run(DISTRIBUTOR, "push", "--layout", f"{WORK}/two/images", "localhost:1/a/b")
    ok(result.returncode == 3 and "(x86_64,armv7l)" in result.stderr, "to a part")
    refused("a host in two parts is refused", 3, "duplicate host x86_64", "x86_64", "x86_64",
            "armv7l")
    refused("a directory that is no part", 3, "registrars' is not a part of a release", "x86_64",
            "registrars")


def without_platform(path):
    """The index 'latest' of a layout, whose first manifest is for nobody then."""
    def change_tag(index):
        for tag in index["manifests"]:
            if tag["annotations"]["org.opencontainers.image.ref.name"] != "latest":
                continue
            with open(f"{os.path.dirname(path)}/blobs/sha256/{tag['digest'][7:]}") as f:
                document = json.load(f)
            del document["manifests"][0]["platform"]
            text = json.dumps(document).encode()
            tag.update(digest=f"sha256:{hashlib.sha256(text).hexdigest()}", size=len(text))
            with open(f"{os.path.dirname(path)}/blobs/sha256/{tag['digest'][7:]}", "wb") as f:
                f.write(text)
    change(path, change_tag)


def check_own_part():
    """What is written into the output directory would be written into the part."""
    shutil.copytree(f"{WORK}/x86_64", f"{WORK}/own")
    os.symlink("own", f"{WORK}/own-link")
    before = tree(f"{WORK}/own")
    for out, parts in (("own", ["own"]), ("own-link", ["own"]), ("own", ["aarch64", "own-link"])):
        result = assemble(out, *parts, args=["--part"])
        ok(result.returncode == 3 and f"'{WORK}/{parts[-1]}' is the output directory; use a different "
           "--out" in result.stderr and tree(f"{WORK}/own") == before,
           f"the part {parts[-1]} is not joined into {out}", f"{result.returncode} {result.stderr}")


def check_refusals():
    layer = max(os.listdir(f"{WORK}/aarch64/images/blobs/sha256"),
                key=lambda n: os.path.getsize(f"{WORK}/aarch64/images/blobs/sha256/{n}"))
    manifest = tags(f"{WORK}/aarch64/images")["aarch64-arm"]["digest"][7:]
    tarball = "assets/aarch64_qemu-arm-static.tar.gz"
    damaged("a damaged layer", layer, f"images/blobs/sha256/{layer}", flip)
    damaged("a damaged manifest", manifest, f"images/blobs/sha256/{manifest}", flip)
    damaged("a missing layer", layer, f"images/blobs/sha256/{layer}", os.unlink, status=3)
    damaged("a damaged tarball", tarball, tarball, flip)
    damaged("a missing tarball", tarball, tarball, os.unlink, status=3)
    damaged("a part of another lock", "a different lock", "assets.json",
            lambda p: change(p, lambda d: d.update(lock_sha256="0" * 64)), status=3)
    damaged("a part by another compressor", "copy' was compressed by 'other 1'", "packed.json",
            lambda p: change(p, lambda d: d.update(compressor="other 1")), status=3)
    damaged("a part of another date", "has a different date", "packed.json",
            lambda p: change(p, lambda d: d.update(source_date_epoch=1)), status=3)

    damaged("a manifest without a platform", "manifests[0].platform is missing",
            "images/index.json", without_platform)

    def other_program(path):
        change(path, lambda d: d["hosts"][0]["members"][0].update(sha256="0" * 64))
    damaged("a list that says something else", "packed.json' does not match the tarballs next to it: "
            "hosts[0].members[0].sha256", "packed.json", other_program)
    damaged("another list of the assets", "assets.json' does not match the tarballs next to it: "
            "assets[0].package", "assets.json",
            lambda p: change(p, lambda d: d["assets"][0]["package"].update(file="other.deb")))
    damaged("a host that is not the matrix'", "which is not in the matrix", "packed.json",
            lambda p: change(p, lambda d: d["hosts"][0].update(host="s390x")), status=3)
    for name, args, status, text in (
            ("zstd", ["--zstd"], 3, "use '--zstd' for all parts"),
            ("commit", ["--revision", "0" * 40], 4,
             f'config.Labels["org.opencontainers.image.revision"] is "{"0" * 40}", expected none')):
        make_part("aarch64", name, *args)
        refused(f"a part made with other options: {name}", status, text, "x86_64", name, "armv7l")
        result = assemble(f"joined-{name}", name, args=["--part", *args])
        ok(result.returncode == 0 and tree(f"{WORK}/joined-{name}/images") == tree(f"{WORK}/{name}/images"),
           f"and taken with the same: {name}", result.stderr)


def check_attacks():
    """What a machine that makes a part can do when nobody looks into it."""
    copy = f"{WORK}/copy"

    def attack(name, text, edit, status=4):
        shutil.copytree(f"{WORK}/aarch64", copy)
        edit(copy)
        refused(f"an attack: {name}", status, text, "x86_64", "copy", "armv7l")
        shutil.rmtree(copy)

    attack("another program of the same size, with lists to match",
           "sha256 of the program in", poison_tarball)

    def images_of(part, **how):
        rewrite(f"{part}/images", **how)

    def entrypoint(config):
        if "Entrypoint" in config["config"]:
            config["config"]["Entrypoint"] = ["/evil"]
    attack("other layers and another entry point, with right digests", "in the part", evil_images)
    attack("an entry point", 'config.Entrypoint[0] is "/evil", expected "/register"',
           lambda p: images_of(p, config=entrypoint))
    attack("other layers", "rootfs.diff_ids[0] is", lambda p: images_of(p, layer=evil_layer))
    for name, edit, text in (
            ("environment", lambda c: c["config"].update(Env=["LD_PRELOAD=/x"]), "config.Env"),
            ("label", lambda c: c["config"]["Labels"].update(more="x"), 'config.Labels.more is "x", expected none'),
            ("user", lambda c: c["config"].update(User="0"), 'config.User is "0", expected none'),
            ("history", lambda c: c["history"][0].update(created_by="x"), 'history[0].created_by is "x"'),
            ("time", lambda c: c.update(created="2020-01-01T00:00:00Z"), 'created is "2020-'),
            ("field that nobody knows", lambda c: c.update(extra={}), "extra is {}, expected none")):
        attack(f"a config with another {name}", text, lambda p, edit=edit: images_of(p, config=edit))
    attack("another annotation of a manifest", 'annotations.x is "y", expected none',
           lambda p: images_of(p, manifest=lambda m: m.setdefault("annotations", {}).update(x="y")))
    attack("another annotation of an index", 'annotations.x is "y", expected none',
           lambda p: images_of(p, index=lambda i: i["annotations"].update(x="y")))
    attack("an index with one more image", "manifests[1] is", lambda p: images_of(
        p, index=lambda i: i["manifests"].append(dict(i["manifests"][0], platform={
            "architecture": "s390x", "os": "linux"}))))

    def tag(part, name, old="register"):
        def edit(top):
            new = json.loads(json.dumps(next(t for t in top["manifests"] if REF in t["annotations"] and
                                             t["annotations"][REF] == old)))
            if name is None:
                del new["annotations"]
            else:
                new["annotations"][REF] = name
            top["manifests"].append(new)
        change(f"{part}/images/index.json", edit)
    attack("one more name", "has image 'evil', which is not for one of its hosts", lambda p: tag(p, "evil"))
    attack("a name of another host", "has image 'x86_64-arm'", lambda p: tag(p, "x86_64-arm", "aarch64-arm"))
    attack("the name of a signature", "has image 'sha256-",
           lambda p: tag(p, f"sha256-{'0' * 64}.sig"))
    attack("an image without a name", "index.json in the part", lambda p: tag(p, None))
    attack("a name is missing", "has no image 'register'", lambda p: change(
        f"{p}/images/index.json", lambda top: top.update(manifests=[
            t for t in top["manifests"] if t["annotations"][REF] != "register"])))
    for name, place in (("at the top", ""), ("among the assets", "assets/"), ("in the layout", "images/"),
                        ("beside the blobs", "images/blobs/"), ("among the blobs", "images/blobs/sha256/")):
        attack(f"one more file {name}", "evil' does not belong to the part",
               lambda p, place=place: write(f"{p}/{place}evil", b"evil"))
    attack("one more directory", "evil' does not belong to the part", lambda p: os.mkdir(f"{p}/evil"))
    attack("one more blob, by its digest", f"{sha256(b'evil')}' does not belong to the part",
           lambda p: put_blob(f"{p}/images", b"evil"))

    def link(path):
        where = tempfile.mkdtemp(dir=WORK)
        os.rename(path, f"{where}/elsewhere")
        os.symlink(f"{where}/elsewhere", path)
    layer = sorted(os.listdir(f"{WORK}/aarch64/images/blobs/sha256"))[0]
    for name in ("packed.json", "assets.json", "assets/aarch64_qemu-arm-static.tar.gz", "images/index.json",
                 f"images/blobs/sha256/{layer}"):
        attack(f"a symbolic link: {name[:40]}", f"{name}' does not belong to the part",
               lambda p, name=name: link(f"{p}/{name}"))
    for name in ("assets", "images", "images/blobs", "images/blobs/sha256"):
        attack(f"a symbolic link: {name}", f"{name}' does not belong to the part",
               lambda p, name=name: link(f"{p}/{name}"))
    attack("no images", "no images in", lambda p: shutil.rmtree(f"{p}/images"), status=3)
    result = assemble("plain", *HOSTS, args=["--no-images"])
    ok(result.returncode == 0 and not os.path.exists(f"{WORK}/plain/images"), "tarballs alone are joined",
       result.stderr)


def check_host_without_images():
    """One part then has no image of all emulators, and no index of them."""
    change(f"{WORK}/matrix.json", lambda d: d.update(exclude=[{"from": "armv7l", "only": "images"}]))
    for name in ("out", "armv7l"):
        change(f"{WORK}/{name}/packed.json", lambda d: [
            h.pop("all_in_one") for h in d["hosts"] if h["host"] == "armv7l"])
    ok(images(WORK).returncode == 0, "one run where a host's images are excluded")
    whole = {k: v for k, v in tree(f"{WORK}/out").items() if not k.startswith(".")}
    parts = [f"few-{host}" for host in HOSTS]
    for host, part in zip(HOSTS, parts):
        make_part(host, part)
    result = assemble("few", *parts)
    joined = {k: v for k, v in tree(f"{WORK}/few").items() if not k.startswith(".")}
    for files, out in ((joined, "few"), (whole, "out")):
        with open(f"{WORK}/{out}/packed.json") as f:
            files["packed.json"] = repr(json.load(f))
    ok(result.returncode == 0 and joined == whole and "latest" not in tags(f"{WORK}/few-armv7l/images"),
       "parts give the same", f"{result.stderr}{set(joined.items()) ^ set(whole.items())}")
    with Registry() as registry:
        def push(*args):
            return run(DISTRIBUTOR, "push", "--unsigned", "--part", "--layout",
                       f"{WORK}/few-armv7l/images", f"{registry.host}/a/b", *args,
                       env=no_credentials(WORK))
        result = push("--matrix", f"{WORK}/matrix.json", "--hold-moving")
        ok(result.returncode == 0 and list(registry.tags) == [f"register-{VERSION}"],
           "the part without one knows its version", f"{result.stderr}{registry.tags}")
        other = "sha256:" + "0" * 64
        registry.manifests[other] = registry.manifests[registry.tags[f"register-{VERSION}"]]
        registry.tags[f"register-{VERSION}"] = other
        result = push()
        ok(result.returncode == 4 and f"'register-{VERSION}' is already published" in result.stderr,
           "and does not move what is published under it", result.stderr)


def main():
    try:
        fixture(WORK, 50000, *HOSTS)
        ok(images(WORK).returncode == 0, "one run for all hosts")
        for host in HOSTS:
            make_part(host, host)
        check_same()
        check_parts()
        check_own_part()
        check_refusals()
        check_attacks()
        check_host_without_images()
    finally:
        shutil.rmtree(WORK)
    return done()


sys.exit(main())
