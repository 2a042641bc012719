#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`distributor test` on a small release of real emulators: each binary, the registrars of the
images, and what is told where something is broken, missing or not allowed."""
import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

import debian
import register_lib
import tap
import testcmd_lib
from testcmd_lib import HOSTS, MACHINE, TARGETS, Release, replace

OTHER = HOSTS[1]


def anew(release, out, matrix=None):
    """What makes the images of OUT, as it is advised."""
    return (f"'distributor images --matrix {matrix or release.directory + '/matrix.json'}"
            f" --out {out}'")


work = tempfile.mkdtemp(prefix="testcmd.")
os.environ["TMPDIR"] = f"{work}/tmp"
os.mkdir(os.environ["TMPDIR"])


def check_binaries(release):
    result, report, cases = release.cases()
    tap.equal("every binary of every host works", (result.status, report["failed"]), (0, 0))
    for host in HOSTS:
        tap.ok(f"{host}: each says its version and runs its tiny program",
               all(cases.get((host, kind, t), {}).get("result") == "ok"
                   for kind in ("version", "program") for t in TARGETS), result)
    by = {h["host"]: h["run_by"] for h in report["hosts"]}
    tap.equal("this machine's run by themselves, others by the release's own emulator", by,
              {h: "native" if h == MACHINE else f"qemu-{h}-static" for h in HOSTS})
    result = release.run("test", "--host", OTHER, "--target", "arm", "--target", "s390x")
    tap.ok("a host and targets are chosen", result.status == 0 and
           result.out.splitlines()[2].split()[:4] == [OTHER, f"qemu-{OTHER}-static", "2", "2"] and
           len(result.out.split(OTHER)) == 3, result)
    result, _, cases = release.cases("--host", OTHER, "--target", "arm", "--emulators",
                                     os.path.dirname(testcmd_lib.emulator(MACHINE, OTHER)))
    tap.ok("other emulators can be named", result.status == 0 and
           cases[OTHER, "program", "arm"]["result"] == "ok", result)


def tarball(out, host, target):
    return f"{out}/assets/{host}_qemu-{target}-static.tar.gz"


def check_damage(release):
    out = release.copy_out("damaged")
    with open(tarball(out, OTHER, "arm"), "rb") as f:
        data = bytearray(f.read())
    data[len(data) // 2] ^= 1
    replace(tarball(out, OTHER, "arm"), data)
    shutil.copy(tarball(out, OTHER, "s390x"), f"{out}/x")
    os.unlink(tarball(out, MACHINE, "s390x"))
    os.rename(f"{out}/x", tarball(out, MACHINE, "s390x"))
    os.unlink(tarball(out, OTHER, "aarch64"))
    result, report, cases = release.cases("--host", OTHER, "--host", MACHINE, out=out)
    tap.equal("damage ends with 4", (result.status, report["failed"]), (4, 3))
    tap.has("a damaged tarball is named", cases[OTHER, "version", "arm"]["reason"],
            f"{OTHER}_qemu-arm-static.tar.gz")
    tap.has("a program of another host is named", cases[MACHINE, "version", "s390x"]["reason"],
            f"{MACHINE}_qemu-s390x-static.tar.gz", ", expected ")
    tap.has("a missing tarball is named", cases[OTHER, "version", "aarch64"]["reason"],
            f"{OTHER}_qemu-aarch64-static.tar.gz' is missing; run 'distributor tarballs --matrix "
            f"{release.directory}/matrix.json --out {out}'")
    tap.has("each failure has its line", result.err, f"{OTHER} arm: version: ",
            f"{MACHINE} s390x: version: ", "error: 3 of ")
    tap.ok("what is not damaged is tested all the same",
           cases[MACHINE, "program", "arm"]["result"] == "ok", result)


def check_wrong_version():
    """The package says another version than the programs in it."""
    release = Release(f"{work}/wrong", hosts=[MACHINE], version="1:10.9.1+ds-1")
    release.run("tarballs", "--cache", f"{release.directory}/cache")
    result, _, cases = release.cases()
    reason = cases.get((MACHINE, "version", "arm"), {}).get("reason", "")
    tap.equal("another version ends with 4", result.status, 4)
    tap.has("both versions are told", reason, testcmd_lib.package_version(), "1:10.9.1+ds-1")
    tap.ok("the program runs still", cases[MACHINE, "program", "arm"]["result"] == "ok", result)


def check_images(release):
    result, report, cases = release.cases()
    tap.equal("the images work", (result.status, report["failed"], report["skipped"]), (0, 0, 0))
    for host in HOSTS:
        tap.ok(f"{host}: its registrar writes files, and registers in both images",
               all(cases.get(k, {}).get("result") == "ok" for k in (
                   (host, "files", None), (host, "register", "latest"),
                   (host, "register", "register"))), result)
        tap.equal(f"{host}: each image has the lock's program, and the registrar is this build's",
                  {t for h, kind, t in cases if h == host and kind == "image" and
                   cases[h, kind, t]["result"] == "ok"},
                  set(TARGETS) - {host} | {"latest", "register"})
        family = {"aarch64": {"aarch64", "arm"}}.get(host, {host}) | {MACHINE}
        tap.equal(f"{host}: programs of all other targets run by themselves",
                  {t for h, kind, t in cases if h == host and kind == "itself"},
                  set(TARGETS) - family)
    result, _, cases = release.cases("--host", MACHINE, "--target", OTHER)
    tap.equal("a target is chosen here as well",
              [t for _, kind, t in cases if kind == "itself"], [OTHER])
    tap.equal("also for what is compared", {t for _, kind, t in cases if kind == "image"},
              {OTHER, "latest", "register"})
    out = release.copy_out("zstd")
    shutil.rmtree(f"{out}/images")
    release.run("images", "--zstd", out=out)
    result, report, cases = release.cases("--host", OTHER, "--target", "arm", out=out)
    tap.equal("images with zstd layers work", (result.status, report["failed"], report["skipped"],
              cases[OTHER, "image", "arm"]["result"]), (0, 0, 0, "ok"))


class OlderRelease(Release):
    """The same but for the emulator of arm, which is another one that does the same."""

    def programs(self, host):
        programs = super().programs(host)
        return dict(programs, arm=programs["arm"] + b"older")


def check_stale_images(release):
    """OUT/images was made of other things than OUT/assets."""
    older = OlderRelease(f"{work}/older", hosts=[OTHER])
    older.run("tarballs", "--cache", f"{older.directory}/cache")
    older.run("images")
    out = release.copy_out("stale")
    shutil.rmtree(f"{out}/images")
    os.rename(f"{older.directory}/out/images", f"{out}/images")
    digests = [hashlib.sha256(r.programs(OTHER)["arm"]).hexdigest() for r in (older, release)]
    result, report, cases = release.cases("--host", OTHER, out=out)
    tap.equal("images that are older than the tarballs end with 4: the pair's and the one of all",
              (result.status, report["failed"]), (4, 2))
    for tag in (f"{OTHER}-arm", "latest"):
        tap.has("image, emulator, digests and what to do are told",
                cases[OTHER, "image", tag.replace(f"{OTHER}-", "")]["reason"],
                f"sha256 of qemu-arm-static in the image '{tag}' is {digests[0]}, expected "
                f"{digests[1]} as in the lock; {anew(release, out)} makes it again")
    tap.ok("what is not older is right", cases[OTHER, "image", "s390x"]["result"] == "ok", result)
    result = release.run("test", "--host", OTHER, "--target", "s390x", out=out)
    tap.equal("a target that was not asked for is not compared", result.status, 0)
    release.run("images", out=out)
    result = release.run("test", "--host", OTHER, "--target", "arm", "--strict", out=out)
    tap.equal("then 'distributor images' helps", result.status, 0)

    with open(f"{release.directory}/matrix.json") as f:
        matrix = json.load(f)
    matrix["exclude"] = [{"from": OTHER, "to": "arm", "only": "images"}]
    with open(f"{work}/fewer.json", "w") as f:
        json.dump(matrix, f)
    fewer = ["--matrix", f"{work}/fewer.json", "--lock", f"{release.directory}/matrix.lock.json"]
    result, report, cases = release.cases("--host", OTHER, "--target", "arm", *fewer, out=out)
    tap.equal("images that should not be there end with 4", (result.status, report["failed"]), (4, 2))
    tap.has("a pair's", cases[OTHER, "image", "arm"]["reason"],
            f"image '{OTHER}-arm' belongs to a pair that is not in this release; "
            f"'distributor images --matrix {work}/fewer.json --lock "
            f"{release.directory}/matrix.lock.json --out {out}' removes it")
    tap.has("and the one of all", cases[OTHER, "image", "latest"]["reason"],
            "the image 'latest' has an unexpected /usr/bin/qemu-arm-static; "
            f"'distributor images --matrix {work}/fewer.json --lock ", "' makes it again")
    release.run("images", *fewer, out=out)
    result = release.run("test", "--host", OTHER, "--target", "arm", *fewer, out=out)
    tap.equal("they are gone then", result.status, 0)
    result, report, cases = release.cases("--host", OTHER, "--target", "arm", out=out)
    tap.equal("images that are missing end with 4", (result.status, report["failed"]), (4, 2))
    tap.has("a pair's", cases[OTHER, "image", "arm"]["reason"],
            f"image '{OTHER}-arm' is missing; run {anew(release, out)}")
    tap.has("and what the one of all lacks", cases[OTHER, "image", "latest"]["reason"],
            f"the image 'latest' has no qemu-arm-static; {anew(release, out)} makes it again")


def add_file(layout, tag, name):
    """Another layer for the images of a tag, which has an empty file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))

    def digest(data):
        return "sha256:" + hashlib.sha256(data).hexdigest()

    def put(data, descriptor):
        with open(f"{layout}/blobs/sha256/{digest(data)[7:]}", "wb") as f:
            f.write(data)
        return dict(descriptor, digest=digest(data), size=len(data))

    def read(descriptor):
        with open(f"{layout}/blobs/sha256/{descriptor['digest'][7:]}") as f:
            return json.load(f)

    def changed(descriptor):
        document = read(descriptor)
        if "manifests" in document:
            document["manifests"] = [changed(d) for d in document["manifests"]]
        else:
            config = read(document["config"])
            config["rootfs"]["diff_ids"].append(digest(buffer.getvalue()))
            document["config"] = put(json.dumps(config).encode(), document["config"])
            document["layers"].append(put(gzip.compress(buffer.getvalue()), document["layers"][0]))
        return put(json.dumps(document).encode(), descriptor)

    with open(f"{layout}/index.json") as f:
        index = json.load(f)
    index["manifests"] = [
        changed(d) if d["annotations"]["org.opencontainers.image.ref.name"] == tag else d
        for d in index["manifests"]]
    replace(f"{layout}/index.json", json.dumps(index).encode())


def check_other_files(release):
    """Files in the images that this release does not put there."""
    out = release.copy_out("files")
    for tag, name in (("latest", "usr/bin/qemu-vax-static"), ("register", "usr/bin/qemu-arm-static"),
                      (f"{OTHER}-arm", "etc/passwd"), (f"{OTHER}-s390x", "usr/bin/other")):
        add_file(f"{out}/images", tag, name)
    result, report, cases = release.cases("--host", OTHER, out=out)
    tap.equal("any other file in an image is a failure", (result.status, report["failed"]), (4, 4))
    tap.equal("and named", [cases[OTHER, "image", tag].get("reason") for tag in (
        "latest", "register", "arm", "s390x")],
        [f"the image '{tag}' has an unexpected {path}; {anew(release, out)} makes it again"
         for tag, path in (("latest", "/usr/bin/qemu-vax-static"), ("register", "/usr"),
                           (f"{OTHER}-arm", "/etc"), (f"{OTHER}-s390x", "/usr/bin/other"))])


def check_broken_images(release):
    out = release.copy_out("blob")
    layer = max((f"{out}/images/blobs/sha256/{n}" for n in os.listdir(f"{out}/images/blobs/sha256")),
                key=os.path.getsize)
    with open(layer, "rb") as f:
        data = bytearray(f.read())
    data[len(data) // 2] ^= 1
    replace(layer, data)
    result = release.run("test", "--target", "arm", out=out)
    tap.ok("a damaged layer is named", result.status == 4 and
           f"sha256 of the layer '{layer}' is" in result.err, result)
    os.unlink(layer)
    result = release.run("test", "--target", "arm", out=out)
    tap.ok("a missing layer is named", result.status == 4 and f"'{layer}'" in result.err, result)

    # A registrar that does nothing but end with 42.
    registrars = f"{work}/registrars"
    shutil.copytree(f"{register_lib.BUILD}/register", registrars,
                    ignore=lambda _, names: [n for n in names if not n.startswith("register-")])
    with open(f"{registrars}/register-{OTHER}", "wb") as f:
        f.write(subprocess.run([f"{register_lib.BUILD}/tests/guest_tool", OTHER], check=True,
                               capture_output=True).stdout)
    out = release.copy_out("registrar")
    shutil.rmtree(f"{out}/images")
    release.run("images", "--registrars", registrars, out=out)
    result, _, cases = release.cases(out=out)
    tap.equal("a registrar that fails ends with 4", result.status, 4)
    tap.equal("and its status is told", [cases[OTHER, kind, tag]["reason"] for kind, tag in (
        ("files", None), ("register", "latest"))],
        ["/register --systemd ALL: exited with status 42, expected 0",
         "/register --reset -p yes: exited with status 42, expected 0"])
    tap.ok("other hosts are tested all the same",
           cases[MACHINE, "itself", OTHER]["result"] == "ok", result)
    for tag in ("latest", "register"):
        tap.has(f"{tag}: a registrar that is not this build's is told", cases[
            OTHER, "image", tag]["reason"], f"sha256 of /register in the image '{tag}' is ",
            f"/register-{OTHER}' is ", f"{anew(release, out)} makes it again", "--registrars")
    result, _, cases = release.cases("--host", OTHER, "--target", "arm", "--registrars", registrars,
                                     out=out)
    tap.ok("unless it is named", cases[OTHER, "image", "latest"]["result"] == "ok", result)
    result, _, cases = release.cases("--host", OTHER, "--target", "arm", "--registrars",
                                     f"{work}/nowhere", out=out)
    tap.ok("no registrar to compare with is told", cases[OTHER, "image", "latest"] == {
        "kind": "image", "target": "latest", "result": "skipped",
        "reason": cases[OTHER, "image", "register"]["reason"]} and
        f"no registrar for '{OTHER}'" in result.err, result)

    # One that registers emulators of another name.
    path = f"{registrars}/register-{OTHER}"
    with open(register_lib.program(OTHER), "rb") as f:
        replace(path, f.read().replace(b"-static\0", b"-statik\0"))
    release.run("images", "--registrars", registrars, out=out)
    result, report, cases = release.cases("--host", OTHER, "--registrars", registrars, out=out)
    tap.equal("a registrar that registers something else ends with 4",
              (result.status, report["failed"]), (4, 3))
    reasons = [cases[OTHER, kind, tag].get("reason", "") for kind, tag in (
        ("files", None), ("register", "register"), ("register", "latest"))]
    tap.has("its files are compared", reasons[0], ".conf' is ':qemu-", "-statik:F",
            "', expected ':qemu-")
    tap.has("its entries, too", reasons[1], "entry qemu-", "-statik?flags: ?",
            "', expected it to start with 'enabled")
    tap.has("and it finds no emulators", reasons[2], "exited with status 1, expected 0: ",
            "/register --reset -p yes: ")
    shutil.rmtree(f"{out}/images")
    result, report, cases = release.cases("--target", "arm", out=out)
    tap.ok("no images are told of each host, and no failure",
           (result.status, report["skipped"]) == (0, len(HOSTS)) and
           all(cases.get((host, "image", None)) == {
               "kind": "image", "result": "skipped",
               "reason": f"'{out}/images' does not exist; run {anew(release, out)} first"}
               for host in HOSTS), result)


def check_excluded_images(release):
    """A host whose images the matrix excludes has the registrar alone."""
    for end in ("json", "lock.json"):
        with open(f"{release.directory}/matrix.{end}") as f:
            document = json.load(f)
        if end == "json":
            document["exclude"] = [{"from": OTHER, "only": "images"}]
        with open(f"{release.directory}/few.{end}", "w") as f:
            json.dump(document, f)
    few = ["--matrix", f"{release.directory}/few.json"]
    out = release.copy_out("few")
    result, report, cases = release.cases(*few, "--host", OTHER, "--target", "arm", out=out)
    tap.ok("an image of all emulators that is there from before is a failure",
           (result.status, report["failed"]) == (4, 2) and
           cases[OTHER, "image", "latest"].get("reason") ==
           "image 'latest' belongs to no pair in this release; "
           f"{anew(release, out, release.directory + '/few.json')} removes it" and
           cases[OTHER, "image", "register"]["result"] == "ok", result)
    made = release.run("images", *few, out=out)
    result, report, cases = release.cases(*few, "--host", OTHER, "--target", "arm", out=out)
    seen = sorted(target for _, kind, target in cases if kind == "register")
    tap.ok("where the images of a host are excluded its registrar is tested",
           made.status == result.status == 0 and seen == ["register"], made, result)


# Where there can be no sandbox. LeakSanitizer and strace exclude each other.

def check_forbidden(release):
    def skipped(name, prefix, *parts):
        result, report, cases = release.cases("--host", MACHINE, "--target", "arm", prefix=prefix,
                                              env={"ASAN_OPTIONS": "detect_leaks=0"})
        reasons = {c.get("reason") for (_, kind, _), c in cases.items() if kind == "register"}
        tap.ok(f"told, and the rest is tested: {name}", result.status == 0 and
               report["failed"] == 0 and cases[MACHINE, "files", None]["result"] == "ok" and
               len(reasons) == 1 and all(p in next(iter(reasons)) for p in parts) and
               f"{MACHINE} latest: skipped: register: " in result.err, result)

    skipped("no namespaces", ["unshare", "-Ur", "sh", "-c",
                              'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"', "sh"],
            "user namespaces are disabled (user.max_user_namespaces is 0)")
    if not shutil.which("strace"):
        tap.skip("errors of the kernel", "strace is not installed")
        return

    def inject(what):
        return ["strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=" + what.split(":")[0], "-e",
                "inject=" + what]
    skipped("unshare", inject("unshare:error=EPERM:when=1"), "user namespaces are not permitted",
            "Operation not permitted")
    skipped("no binfmt_misc", inject("fsopen:error=ENODEV"), "modprobe binfmt_misc")
    skipped("mounting", inject("fsmount:error=EPERM"), "cannot mount a private binfmt_misc")
    skipped("attaching", inject("move_mount:error=EACCES"), "cannot mount on '/proc/sys/fs/binfmt_misc'")


def check_root_without_mounts(release):
    """What the image's programs need of this machine is there, or nothing is told of them."""
    tool = os.path.join(os.environ["BUILD_DIR"], "tests", "refuse_tool")
    for place in ("/proc", "/dev"):
        result = release.run("test", "--host", MACHINE, "--target", "arm",
                             prefix=[tool, "mount", "EPERM", "1", f"?*{place}"])
        tap.ok(f"an image's root without {place} fails its case", result.status == 4 and
               "cannot mount '" in result.err and f"{place}': Operation not permitted" in result.err, result)


def check_not_touched(release):
    """This namespace stands for a machine that has entries of its own."""
    machine = ("echo ':mine:E::py::/bin/true:' >$B/register; before=$(ls -l $B; cat $B/mine); ")
    after = '; s=$?; test "$before" = "$(ls -l $B; cat $B/mine)" && echo untouched $s'
    command = release.command("test", "--host", MACHINE, "--target", "arm", "--quiet")
    result = register_lib.private(machine + '"$@"' + after, *command)
    tap.equal("the machine's own entries stay as they are", result.out, "untouched 0\n")
    if shutil.which("strace"):
        # unshare() that does nothing: the instance that is then found is not private.
        result = register_lib.private(
            machine + 'strace -qq -f -o /dev/null -e trace=unshare -e inject=unshare:retval=0 "$@"' +
            after, *command, env={"ASAN_OPTIONS": "detect_leaks=0"})
        tap.ok("what is not certainly private is not written to", result.out == "untouched 0\n" and
               "skipped: register: cannot map the users of the user namespace" in result.err, result)


def check_user(release):
    """As an ordinary user, who is root in the namespace."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        tap.skip("as an ordinary user", "this is not root")
        return
    out = release.copy_out("user")
    shutil.copytree(f"{register_lib.BUILD}/register", f"{work}/home/register",
                    ignore=lambda _, names: [n for n in names if not n.startswith("register-")])
    os.mkdir(f"{work}/home/distributor")
    shutil.copy(testcmd_lib.DISTRIBUTOR, f"{work}/home/distributor/")
    os.mkdir(f"{work}/home/tmp")
    for path in (work, release.directory, f"{release.directory}/out"):
        os.chmod(path, 0o755)
    for path in (out, f"{out}/.lock", f"{work}/home/tmp"):
        os.chown(path, 65534, 65534)
    result = release.run("test", "--host", OTHER, "--strict", out=out, env={
        "TMPDIR": f"{work}/home/tmp", "PATH": "/usr/bin:/bin"}, prefix=[
        "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "env"],
        program=f"{work}/home/distributor/distributor")
    tap.ok("an ordinary user can do all of it", result.status == 0, result)
    tap.equal("and nothing of it is left", os.listdir(f"{work}/home/tmp"), [])


def check_missing(release):
    out = release.copy_out("part")
    for name in os.listdir(f"{out}/assets"):
        if name.startswith(OTHER):
            os.unlink(f"{out}/assets/{name}")
    shutil.rmtree(f"{out}/images", ignore_errors=True)
    result, report, cases = release.cases("--host", OTHER, "--host", MACHINE, out=out)
    tap.ok("a host without tarballs is told and no failure", result.status == 0 and
           f"{OTHER}: skipped: version: no tarballs for this host" in result.err, result)
    result = release.run("test", "--strict", out=out)
    tap.ok("but one with --strict", result.status == 4 and "--strict" in result.err, result)
    result = release.run("test", "--host", OTHER, out=out)
    tap.ok("nothing to test is an error", result.status == 3 and
           f"no tarballs to test in '{out}/assets'; run 'distributor tarballs --matrix {release.directory}/matrix.json"
           f" --out {out}' first" in result.err, result)
    result = release.run("test", "--host", OTHER, env={"PATH": f"{work}/nowhere"},
                         out=only(release, OTHER))
    tap.ok("no emulator is told, with where it was sought", result.status == 0 and
           f"$PATH has no qemu-{OTHER}-static; use --emulators" in result.err, result)
    tap.equal("and nobody is said to have run its binaries",
              result.out.splitlines()[2].split()[:3], [OTHER, "-", "-"])
    result = release.run("test", "--host", OTHER, "--emulators", work)
    tap.has("--emulators without one", result.err, f"'{work}' contains neither qemu-{OTHER}-static")


def only(release, host):
    out = release.copy_out("only")
    for name in os.listdir(f"{out}/assets"):
        if not name.startswith(host):
            os.unlink(f"{out}/assets/{name}")
    shutil.rmtree(f"{out}/images", ignore_errors=True)
    return out


def fake_emulators(script):
    directory = tempfile.mkdtemp(dir=work)
    path = f"{directory}/qemu-{OTHER}-static"
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    return directory


def check_bad_programs(release):
    """An emulator of ours stands for a binary that misbehaves."""
    for name, script, parts in (
            ("a status", "echo why >&2; exit 3", ["exited with status 3, expected 0: why"]),
            ("a signal", "kill -SEGV $$", ["killed by signal 11"]),
            ("no version", "echo hello", ["missing version text"]),
            ("too long", "exec sleep 1000", ["timed out after 1000 ms"]),
            ("another version", "echo 'qemu-arm version 1.2.3 (Debian 1)'", ["1.2.3"])):
        limit = ["--timeout", "1"] if name == "too long" else []
        result = release.run("test", "--host", OTHER, "--target", "arm", *limit,
                             "--emulators", fake_emulators(script))
        tap.ok(f"a binary that misbehaves: {name}", result.status == 4 and
               all(p in result.err for p in parts), result)
    script = 'for a; do [ "$a" != --version ] || exec "$REAL" "$@"; done; echo other; exit 42\n'
    real = testcmd_lib.emulator(MACHINE, OTHER)
    result, _, cases = release.cases("--host", OTHER, "--target", "arm", "--emulators",
                                     fake_emulators(script.replace("$REAL", real)))
    tap.equal("a wrong word is shown", cases[OTHER, "program", "arm"].get("reason"),
              "unexpected output of the program for arm: 'other?'")
    script = "[ $2 = --version ] && echo \"${1##*/} version 7.0 (x)\" || exit 9\n"
    result, _, cases = release.cases("--host", OTHER, "--target", "arm", "--emulators",
                                     fake_emulators(script))
    case = cases[OTHER, "program", "arm"]
    tap.ok("an old emulator may be the reason itself", case["result"] == "skipped" and
           "QEMU before 10 rarely runs under emulation: exited with status 9" in case["reason"],
           result)


def check_usage(release):
    for options, status, part in ((["--target", "arm64"], 2, "did you mean 'aarch64'"),
                                  (["--target", "vax"], 2, "unknown target 'vax'"),
                                  (["--host", "arm65"], 2, "no host 'arm65'"),
                                  (["--timeout", "0"], 2, "--timeout requires")):
        result = release.run("test", *options)
        tap.ok(f"refused: {' '.join(options)}", result.status == status and part in result.err,
               result)


def check_interrupted(release):
    started = f"{work}/started"
    script = f"echo $$ >{started}.new; mv {started}.new {started}; exec sleep 1000\n"
    process = subprocess.Popen(release.command("test", "--emulators", fake_emulators(script),
                                               "--host", OTHER, "--target", "arm"), text=True,
                               stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    while not os.path.exists(started) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    tap.equal("a signal ends it as a shell expects", process.returncode, -signal.SIGTERM)
    with open(started) as f:
        name = f"/proc/{f.read().strip()}/cmdline"
    while os.path.exists(name) and "sleep" in open(name).read():
        time.sleep(0.05)
    tap.ok("... and what it runs ends, too", True)


def check_all_images(release):
    result = release.run("images")
    tap.equal("images", result.status, 0)
    reason = register_lib.why_not_private()
    if reason:
        tap.skip("the images at work", reason)
        return
    check_images(release)
    check_stale_images(release)
    check_other_files(release)
    check_broken_images(release)
    check_excluded_images(release)
    check_forbidden(release)
    check_root_without_mounts(release)
    check_not_touched(release)
    check_user(release)


def main():
    try:
        release = Release(f"{work}/release")
    except debian.Unavailable as e:
        tap.skip("distributor test", f"no emulators of Debian: {e}")
        return
    result = release.run("tarballs", "--cache", f"{release.directory}/cache")
    tap.equal("tarballs", result.status, 0)
    check_binaries(release)
    check_damage(release)
    check_all_images(release)
    check_wrong_version()
    check_missing(release)
    check_bad_programs(release)
    check_usage(release)
    check_interrupted(release)
    tap.equal("nothing is left behind", os.listdir(os.environ["TMPDIR"]), [])


try:
    main()
finally:
    shutil.rmtree(work, ignore_errors=True)
tap.done()
