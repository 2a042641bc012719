#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`distributor reproduce`: a release is made again from its tag and compared; whatever was changed
in it is found, and said where. Prints TAP."""
import glob
import gzip
import hashlib
import json
import os
import shutil
import sys
import tempfile

import debian
import tap
from release_lib import PROGRAM, Tree, environment, sha256, tool

WORK = tempfile.mkdtemp(prefix="reproduce-")
TMP = os.path.join(WORK, "tmp")
os.makedirs(TMP)
PROVENANCE = "provenance.sigstore.json"


def reproduce(t, *arguments, where=None):
    return t.run("reproduce", "--cache", "cache", "--registrars", "registrars", *arguments,
                 env={"TMPDIR": where or TMP, "TZ": "Pacific/Chatham", "SOURCE_DATE_EPOCH": "7"})


def rows(done):
    document = json.loads(done.stdout)
    return {r["name"]: (r["state"], r["detail"]) for r in document["files"]}, document


def fails(name, done, status, *parts):
    tap.ok(name, done.returncode == status and all(p in done.stderr for p in parts),
           f"exit {done.returncode}\n{done.stdout}{done.stderr}", f"wanted {status} {parts}")


def test_same(t):
    done = reproduce(t, "www/latest", "--json")
    found, document = rows(done)
    tap.ok("a release is reproduced from its tag", done.returncode == 0 and document["reproduced"],
           done.stdout + done.stderr)
    states = {name: state for name, (state, _) in found.items()}
    tap.equal("only the provenance is not rebuilt",
              {n for n, s in states.items() if s != "same"}, {PROVENANCE})
    files = set(os.listdir(t.path("www/latest"))) - {"SHA256SUMS", "SHA256SUMS.sig",
                                                     "SHA256SUMS.minisig"}
    images = {n for n in states if n.startswith("image ")}
    tap.equal("every file is compared", set(states) - images, files)
    tap.ok("and every image", {"image latest", f"image {t.version}", "image register",
                               "image aarch64-s390x"} <= images, images)
    tap.equal("nothing is left behind", os.listdir(TMP), [])
    done = reproduce(t, f"file://{t.path('www/latest')}")
    tap.ok("from a URL", done.returncode == 0 and "release reproduced" in done.stdout,
           done.stdout + done.stderr)
    done = reproduce(t, t.tag, "--against", "www/latest", "--no-images")
    tap.ok("by the name of the tag", done.returncode == 0, done.stdout + done.stderr)
    done = reproduce(t, "www/latest", "--keep", "kept")
    tap.ok("--keep leaves what was made", done.returncode == 0 and
           sha256(t.path("kept/out/assets/qemu-arm-static.tar.gz")) ==
           sha256(t.path("www/latest/qemu-arm-static.tar.gz")), done.stdout + done.stderr)


def changed(t, name, edit):
    """A copy of OUT in which one file was changed, with a SHA256SUMS that agrees."""
    copy = t.path("out-changed")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(t.path("out"), copy)
    path = f"{copy}/assets/{name}"
    with open(path, "rb") as f:
        data = edit(f.read())
    if data is None:
        os.unlink(path)
        return copy
    with open(path, "wb") as f:
        f.write(data)
    with open(f"{copy}/assets/SHA256SUMS") as f:
        lines = [line for line in f if line.split()[1] != name]
    lines.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
    with open(f"{copy}/assets/SHA256SUMS", "w") as f:
        f.writelines(sorted(lines, key=lambda line: line.split()[1]))
    return copy


def at(offset, value):
    def edit(data):
        data = bytearray(data)
        data[offset] = value
        return bytes(data)
    return edit


def repacked(edit):
    """The same file compressed by a different program, after a change to what is in it."""
    return lambda data: data[:10] + gzip.compress(edit(gzip.decompress(data)), mtime=0)[10:]


def test_differences(t):
    tarball = "aarch64_qemu-s390x-static.tar.gz"
    for what, name, edit, state, detail in [
            ("another time in a tar header", tarball, repacked(at(140, 0x37)), "differs",
             "time of 'qemu-s390x-static'"),
            ("another byte of a program", tarball, repacked(at(5000, 0)), "differs",
             "byte 4488 of 'qemu-s390x-static'"),
            ("another compressor", tarball, repacked(bytes), "differs",
             "the unpacked content is the same"),
            ("a header of gzip with a time", tarball, at(4, 1), "differs",
             "at byte 4 of "),
            ("a program under its legacy name", "qemu-arm-static", at(7777, 0), "differs",
             "at byte 7777 of "),
            ("a shorter file", "qemu-arm-static", lambda d: d[:100], "differs",
             "it ends after 100 bytes"),
            ("a line of a document", f"qemu-user-static-{t.version}.spdx.json",
             lambda d: d.replace(b"SPDX-2.3", b"SPDX-2.2"), "differs", ": line "),
            ("a file that is not there", tarball, lambda d: None, "missing", "listed in SHA256SUMS but missing"),
            ("a file that nobody makes", "README", lambda d: b"x", "extra", "not produced by the rebuild")]:
        if name == "README":
            with open(t.path("out/assets/README"), "w"):
                pass
        done = reproduce(t, changed(t, name, edit), "--json", "--no-images")
        if name == "README":
            os.unlink(t.path("out/assets/README"))
        found, document = rows(done)
        got = found.get(name, ("", ""))
        tap.ok(f"found: {what}", done.returncode == 4 and document["different"] == 1 and
               got[0] == state and detail in got[1], done.returncode, got, done.stderr)
        tap.equal(f"... and whether that is all: {what}",
                  (document["recompressed"], "compressed by a different program" in done.stderr),
                  (1, True) if what == "another compressor" else (0, False))
    fails("... and the exit status is 4", done, 4, f"{t.tag} is not reproduced: 1 of ")


def test_compressor(t):
    """The compressor of another distribution, for real: the same streams, or it is told apart."""
    name = "with the compressor of Debian 13"
    try:
        library = debian.package("trixie", debian.architecture(), "libdeflate0")
    except debian.Unavailable as e:
        tap.skip(name, e)
        return
    folder = os.path.dirname(glob.glob(f"{library}/usr/lib/*/libdeflate.so.0")[0])
    done = t.run("reproduce", "--cache", "cache", "--registrars", "registrars", "--json", "out",
                 env={"TMPDIR": TMP, "LD_LIBRARY_PATH": folder})
    found, document = rows(done)
    tarballs = {n for n in found if n.endswith(".tar.gz")}
    other = document["compressor"] != json.loads(reproduce(t, "out", "--json").stdout)["compressor"]
    tap.equal(f"{name}: what differs was compressed otherwise, all of it or nothing",
              (document["recompressed"], document["reproduced"], done.returncode),
              (len(tarballs), False, 4) if other else (0, True, 0))
    tap.equal(f"{name}: plain files are the same", found["qemu-arm-static"][0], "same")


def test_images(t):
    """Another registrar: the layers of all-in-one images and of `register` differ, pairs do not."""
    other = t.path("other")
    shutil.copytree(t.path("registrars"), other)
    with open(f"{other}/register-aarch64", "r+b") as f:
        f.seek(3000)
        f.write(b"changed")
    found, _ = rows(t.run("reproduce", "--cache", "cache", "--registrars", "other", "--json", "out",
                          env={"TMPDIR": TMP}))
    different = {n for n, (s, _) in found.items() if s == "differs"}
    tap.equal("another registrar is in these images", different, {
        "image latest", f"image {t.version}", "image register", f"image register-{t.version}",
        f"qemu-user-static-{t.version}.release.json"})
    tap.has("... in that layer of that image, in that file", found["image latest"][1] or "",
            "image 2 of the index: layer, at byte ", "byte 3000 of 'register'")


def test_layout(t):
    """OUT has images too: each blob of them is read, and a name is not believed."""
    copy = t.path("out-changed")
    index = json.load(open(t.path("out/images/index.json")))
    manifests = {m["annotations"]["org.opencontainers.image.ref.name"]: m for m in index["manifests"]
                 if "annotations" in m}

    def blob(descriptor):
        return f"{copy}/images/blobs/{descriptor['digest'].replace(':', '/')}"

    def first(tag, kind, image=0):
        document = json.load(open(blob(manifests[tag])))
        while "manifests" in document:
            document = json.load(open(blob(document["manifests"][image])))
        return blob(document["config"] if kind == "config" else document["layers"][-1])

    def edit_index(change):
        edited = json.load(open(f"{copy}/images/index.json"))
        change({m["annotations"]["org.opencontainers.image.ref.name"]: m for m in edited["manifests"]
                if "annotations" in m}, edited["manifests"])
        with open(f"{copy}/images/index.json", "w") as f:
            json.dump(edited, f)

    def flip(path):
        os.chmod(path, 0o644)
        with open(path, "r+b") as f:
            f.seek(77)
            byte = f.read(1)
            f.seek(77)
            f.write(bytes([byte[0] ^ 1]))

    def swap(named, _):
        named["register"]["digest"], named["register"]["size"] = \
            named["latest"]["digest"], named["latest"]["size"]

    def drop(named, manifests):
        manifests.remove(named["register"])

    def add(named, manifests):
        more = json.loads(json.dumps(named["register"]))
        more["annotations"]["org.opencontainers.image.ref.name"] = "stray"
        manifests.append(more)

    for what, change, names, detail in [
            ("a layer", lambda: flip(first("aarch64-s390x", "layer")),
             ["image aarch64-s390x", "image s390x"], "a blob is missing or corrupt, at byte 77 of "),
            ("a config", lambda: flip(first("aarch64-s390x", "config")),
             ["image aarch64-s390x"], "a blob is missing or corrupt, at byte 77 of "),
            ("a manifest", lambda: flip(blob(manifests["aarch64-s390x"])),
             ["image aarch64-s390x"], "'"),
            ("a blob that is gone", lambda: os.unlink(first("aarch64-s390x", "layer")),
             ["image aarch64-s390x"], "a blob is missing or corrupt"),
            ("another image under a name", lambda: edit_index(swap), ["image register"],
             "has sha256:"),
            ("a name that is gone", lambda: edit_index(drop), ["image register"], "missing in '"),
            ("a name that nobody published", lambda: edit_index(add), ["image stray"],
             "not listed in release.json")]:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(t.path("out"), copy)
        change()
        done = reproduce(t, copy, "--json")
        found, document = rows(done)
        tap.ok(f"images: found {what}", done.returncode == 4 and not document["reproduced"] and all(
            found[n][0] in ("differs", "extra") and detail in (found[n][1] or "") for n in names),
            done.returncode, {n: r for n, r in found.items() if r[0] != "same"}, done.stderr)


    # Root reads everything, unless it gives that up.
    drop = "-dac_override,-dac_read_search"
    plain = [] if os.getuid() != 0 else ["setpriv", "--bounding-set", drop, "--inh-caps", drop]
    for what, registrars, tag, image in [("to be compared", "registrars", "aarch64-s390x", 0),
                                         ("to be explained", "other", "register", 1)]:
        name = f"images: a layer {what} that cannot be read is no difference"
        if plain and not shutil.which("setpriv"):
            tap.skip(name, "root, and no setpriv")
            continue
        shutil.rmtree(copy)
        shutil.copytree(t.path("out"), copy)
        victim = first(tag, "layer", image)
        os.chmod(victim, 0)
        done = tool(*plain, PROGRAM, "reproduce", "--cache", "cache", "--registrars", registrars, copy,
                    check=False, cwd=t.root, env=environment(t.home, TMPDIR=TMP))
        fails(name, done, 1, f"cannot open '{victim}': Permission denied")


def made_by(t):
    """What a release says of the program that made it is taken over, and told where it is another one."""
    copy = t.path("elsewhere")
    for commit in ("1" * 40, None):
        shutil.copytree(t.path("www/latest"), copy)
        page = f"{copy}/qemu-user-static-{t.version}.release.json"
        claim = json.load(open(page))
        if commit:
            claim["tool"]["commit"] = commit
        old = sha256(page)
        with open(page, "w") as f:
            f.write(json.dumps(claim, indent=2) + "\n")
        with open(f"{copy}/SHA256SUMS") as f:
            sums = f.read()
        with open(f"{copy}/SHA256SUMS", "w") as f:
            f.write(sums.replace(old, sha256(page)))
        done = reproduce(t, "elsewhere", "--no-images", "--json")
        state = {r["name"]: r["state"] for r in json.loads(done.stdout)["files"]}[os.path.basename(page)]
        tap.equal(f"release.json by {'another' if commit else 'the same'} program is made again", state, "same")
        if commit:
            tap.has("... is told to be of another version", done.stderr,
                    f"warning: {t.tag} was built by a different version: distributor ", f"(commit {commit}", "different bytes")
        else:
            tap.ok("... and nothing of another version", "different version" not in done.stderr, done.stderr)
        shutil.rmtree(copy)


def test_inputs(t):
    fails("a tag that is not there", reproduce(t, "v0.1-1"), 3,
          "'v0.1-1' is neither a directory nor a known tag")
    fails("a directory that is not there", reproduce(t, f"{WORK}/nothing"), 3,
          f"directory '{WORK}/nothing' does not exist")
    fails("a tag whose tree has another matrix", t.run("reproduce", t.tag), 3,
          f"'matrix/qemu-user-static.json' does not exist in '{t.tag}'", "--matrix")
    plain = t.run("reproduce", "--offline", t.tag, "--matrix", "matrix.json")
    named = tool(PROGRAM, "reproduce", "--offline", t.tag, "--repo", t.root, "--matrix", t.path("matrix.json"),
                 check=False, cwd="/", env=environment(t.home))
    tap.ok("a matrix by its whole path is the one of the tag's tree", "does not exist in" not in plain.stderr and
           (plain.returncode, plain.stderr) == (named.returncode, named.stderr), plain.stderr, named.stderr)
    fails("a directory without a release", reproduce(t, "keys"), 3, "SHA256SUMS")
    copy = t.path("altered")
    shutil.copytree(t.path("www/latest"), copy)
    with open(f"{copy}/qemu-user-static-{t.version}.release.json", "r+b") as f:
        text = f.read()
        f.seek(0)
        f.write(text.replace(b'"serial": ', b'"serial": 9'))
    fails("a release.json that SHA256SUMS does not list", reproduce(t, copy), 4,
          f"'qemu-user-static-{t.version}.release.json' does not match SHA256SUMS")
    made_by(t)
    fails("files of another tag", reproduce(t, "v1-1", "--against", "www/latest"), 4,
          f"these are the files of '{t.tag}', not of 'v1-1'")
    shutil.copytree(t.path("www/latest"), t.path("alone"))
    empty = f"{WORK}/nowhere"
    with open(t.path("matrix.json"), "a") as f:
        f.write("\n")
    fails("another matrix and no tag", reproduce(t, "alone", "--repo", empty, "--matrix",
                                                 "matrix.json"), 3,
          "the 'matrix.json' that v8.1.0-1 was built from", "'matrix.json' does not match")
    t.git("checkout", "-q", "matrix.json")
    done = reproduce(t, "alone", "--repo", empty, "--matrix", "matrix.json", "--no-images")
    tap.ok("matrix and lock from files with the right digests", done.returncode == 0,
           done.stdout + done.stderr)
    done = t.run("reproduce", "--cache", "nothing", "--offline", "www/latest", env={"TMPDIR": TMP})
    fails("packages that cannot be had", done, 3, f"cannot rebuild {t.tag}")
    tap.equal("nothing is left behind after failures", os.listdir(TMP), [])


TREE = Tree(f"{WORK}/tree")
TREE.keygen()
TREE.commit()
TREE.release("--directory", "www", "--key", "home/release.pem", status=0)
test_same(TREE)
test_differences(TREE)
test_compressor(TREE)
test_images(TREE)
test_layout(TREE)
test_inputs(TREE)
shutil.rmtree(WORK)
tap.done()
