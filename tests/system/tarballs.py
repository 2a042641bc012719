#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`distributor tarballs`: real .deb packages in, release assets out.

The seed of what is random is printed, and taken from TEST_SEED if that is set.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import time

import deb_release
from tap import finish, skip, that as ok

PROGRAM = os.environ["DISTRIBUTOR"]
BUILD = os.environ.get("BUILD_DIR", "")
SEED = int(os.environ.get("TEST_SEED", random.randrange(1 << 32)))
MACHINE = {"x86_64": 62, "aarch64": 183}
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
TARGETS = ["aarch64", "aarch64_be", "arm", "armeb", "i386", "mips", "mips64", "s390x", "x86_64"]
# Of the names and digests of all assets of the fixture. A change means other bytes for everybody.
GOLDEN = "139f791c7a6d07b01042a8fbd2ae3f28e01443e450c5d0ed9c514c2537a4d1e6"

def same(got, want, name):
    return ok(got == want, name, f"got:    {got!r}\nwanted: {want!r}")


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def digests(out):
    """Name and digest of everything that has a final name in OUT/assets."""
    folder = os.path.join(out, "assets")
    return {name: sha256(os.path.join(folder, name)) for name in sorted(os.listdir(folder))
            if not name.startswith(".")}


def summary(found):
    return hashlib.sha256("".join(f"{d}  {n}\n" for n, d in sorted(found.items())).encode()
                          ).hexdigest()


class Release:
    """A matrix, lock and cache in a directory of their own."""

    def __init__(self, where, programs, **options):
        self.where = where
        os.makedirs(where)
        self.programs = programs
        debs = {}
        for host, binaries in programs.items():
            debs[host] = deb_release.make_deb(f"{where}/{host}.deb", DEBIAN[host], binaries,
                                              **options)
        self.debs = debs
        self.matrix, self.lock = deb_release.write(where, debs)

    def save(self):
        for name, document in (("matrix", self.matrix), ("matrix.lock", self.lock)):
            with open(f"{self.where}/{name}.json", "w") as f:
                json.dump(document, f)

    def command(self, out, *options, program=PROGRAM):
        return [program, "tarballs", "--matrix", f"{self.where}/matrix.json", "--cache",
                f"{self.where}/cache", "--out", out, *options]

    def run(self, out, *options, program=PROGRAM, env=None, **how):
        full = dict(os.environ)
        full.pop("SOURCE_DATE_EPOCH", None)
        full.update(env or {})
        return subprocess.run(self.command(out, *options, program=program), text=True,
                              capture_output=True, env=full, stdin=subprocess.DEVNULL, **how)


def make_programs(targets, size, seed=1):
    return {host: {t: deb_release.make_elf(MACHINE[host], size + 1000 * i, seed + i)
                   for i, t in enumerate(targets)} for host in MACHINE}


def expected_names(programs, legacy="x86_64"):
    names = set()
    for host, binaries in programs.items():
        for t in binaries:
            names.add(f"{host}_qemu-{t}-static.tar.gz")
            if host == legacy:
                names |= {f"qemu-{t}-static.tar.gz", f"qemu-{t}-static"}
    return names


def test_what_is_made(work, release):
    out = f"{work}/out"
    r = release.run(out)
    same(r.returncode, 0, "tarballs succeeds") or print(r.stderr)
    found = digests(out)
    same(set(found), expected_names(release.programs), "exactly the assets of the matrix are made")
    same(summary(found), GOLDEN, "their bytes are the golden ones")
    modes = {stat.S_IMODE(os.stat(f"{out}/assets/{n}").st_mode) for n in found
             if n.endswith(".tar.gz")}
    same(modes, {0o644}, "tarballs have mode 0644")
    modes = {stat.S_IMODE(os.stat(f"{out}/assets/{n}").st_mode) for n in found
             if not n.endswith(".tar.gz")}
    same(modes, {0o755}, "programs have mode 0755")
    ok(all(os.path.samefile(f"{out}/assets/x86_64_qemu-{t}-static.tar.gz",
                            f"{out}/assets/qemu-{t}-static.tar.gz") for t in TARGETS),
       "the legacy tarballs are the same files")
    ok("x86_64" in r.stdout and "18 tarballs built" in r.stdout, "a table says what was made",
       r.stdout)
    same([n for n in os.listdir(out) if n.endswith(".tmp")] +
         [n for n in os.listdir(f"{out}/assets") if n.endswith(".tmp")], [],
         "no temporary file is left")
    return out, found


def tar_of(tree, files):
    """The layer's tar as GNU tar writes it; `files` are paths and programs."""
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(f"{tree}/usr/bin")
    for name, data in files:
        with open(f"{tree}/{name}", "wb") as f:
            f.write(data)
    tar = subprocess.run(["tar", "-C", tree, "--format=ustar", "--owner=0", "--group=0",
                          "--numeric-owner", "--mode=0755", f"--mtime=@{deb_release.EPOCH}",
                          "--no-recursion", "-cf", "-", "usr/", "usr/bin/",
                          *[name for name, _ in files]], check=True, capture_output=True).stdout
    # It fills up to 10240 bytes; two blocks of zeros are what the format asks for.
    size = 1024 + 1024 + sum(512 + (len(d) + 511) // 512 * 512 for _, d in files)
    tar, at = bytearray(tar[:size]), 0
    # Since 1.35 the device numbers of what is no device are left empty; before, they were zeros.
    for length in (0, 0, *(len(d) for _, d in files)):
        if tar[at + 329:at + 345] == bytes(16):
            tar[at + 329:at + 345] = b"0000000\0" * 2
            tar[at + 148:at + 156] = b" " * 8
            tar[at + 148:at + 155] = b"%06o\0" % sum(tar[at:at + 512])
        at += 512 + (length + 511) // 512 * 512
    return bytes(tar)


def test_lists(release, out, found):
    with open(f"{out}/assets.json") as f:
        listed = json.load(f)
    same({a["name"]: a["sha256"] for a in listed["assets"]}, found,
         "assets.json lists every asset with its digest")
    same(listed["lock_sha256"], sha256(f"{release.where}/matrix.lock.json"),
         "assets.json names the lock")
    asset = next(a for a in listed["assets"] if a["name"] == "qemu-arm-static")
    same([asset["host"], asset["target"], asset["package"]["file"], asset["member"]["size"]],
         ["x86_64", "arm", "x86_64.deb", len(release.programs["x86_64"]["arm"])],
         "an asset has its pair, package and program")
    with open(f"{out}/packed.json") as f:
        packed = json.load(f)
    tree = f"{release.where}/tree"
    pairs = layers = True
    for host in packed["hosts"]:
        files = release.programs[host["host"]]
        for member in host["members"]:
            t = member["target"]
            tar = tar_of(tree, [(f"usr/bin/qemu-{t}-static", files[t])])
            pairs &= member["diff_id"] == hashlib.sha256(tar).hexdigest()
        chosen = [t for t in sorted(files) if t != host["host"]]
        tar = tar_of(tree, [(f"usr/bin/qemu-{t}-static", files[t]) for t in chosen])
        layers &= host["all_in_one"]["diff_id"] == hashlib.sha256(tar).hexdigest()
        layers &= host["all_in_one"]["targets"] == chosen
    ok(pairs, "the diff_ids of pair layers are those of GNU tar's layers")
    ok(layers, "the diff_ids of all-in-one layers are those of GNU tar's layers")


def test_readers(release, out, found):
    tarballs = [n for n in found if n.endswith(".tar.gz")]
    readers = {
        "GNU tar": ["tar", "-xOzf"], "GNU tar from a pipe": None, "bsdtar": ["bsdtar", "-xOf"],
        "busybox tar": ["busybox", "tar", "-xOzf"],
    }

    def program_of(name):
        host = name.split("_qemu-")[0] if "_qemu-" in name else "x86_64"
        return release.programs[host][name.split("qemu-")[1][:-len("-static.tar.gz")]]

    for reader, command in readers.items():
        tool = (command or ["tar"])[0]
        if not shutil.which(tool):
            skip(f"{reader} reads them", f"{tool} is not installed")
            continue
        good = True
        for name in tarballs:
            path = f"{out}/assets/{name}"
            if command:
                r = subprocess.run(command + [path], capture_output=True)
            else:
                with open(path, "rb") as f:
                    r = subprocess.run(["tar", "-xOz"], stdin=f, capture_output=True)
            good &= r.returncode == 0 and not r.stderr and r.stdout == program_of(name)
        ok(good, f"{reader} reads them")
    for mode in ("r:gz", "r|gz"):
        good = True
        for name in tarballs:
            with open(f"{out}/assets/{name}", "rb") as f, tarfile.open(fileobj=f, mode=mode) as tar:
                members = []
                for m in tar:
                    members.append((m.name, m.mode, m.uid, m.gid, m.uname, m.gname, m.mtime))
                    good &= tar.extractfile(m).read() == program_of(name)
                base = "qemu-" + name.split("qemu-")[1][:-len(".tar.gz")]
                good &= members == [(base, 0o755, 0, 0, "", "", deb_release.EPOCH)]
        ok(good, f"Python's tarfile reads them, {mode}, with nothing of this machine in them")
    for tool in (["gzip", "-t"], ["pigz", "-t"], ["zcat"]):
        if not shutil.which(tool[0]):
            skip(f"{tool[0]} takes them", f"{tool[0]} is not installed")
            continue
        r = subprocess.run(tool + [f"{out}/assets/{n}" for n in tarballs], capture_output=True)
        ok(r.returncode == 0 and not r.stderr, f"{' '.join(tool)} takes them", r.stderr)


def test_nothing_to_do(release, out, found):
    def state():
        return {n: (os.stat(f"{out}/{n}").st_ino, os.stat(f"{out}/{n}").st_mtime_ns)
                for n in ["assets.json", "packed.json"] + [f"assets/{n}" for n in found]}
    before = state()
    os.rename(f"{release.where}/cache", f"{release.where}/away")
    r = release.run(out)
    shutil.rmtree(f"{release.where}/cache")
    os.rename(f"{release.where}/away", f"{release.where}/cache")
    ok(r.returncode == 0 and r.stdout.startswith("nothing to do: 18 tarballs for 2 hosts"),
       "a second run has nothing to do and says so", r.stdout + r.stderr)
    same(state(), before, "and touches no file, and asks for no package")
    r = release.run(out, "--json")
    report = json.loads(r.stdout)
    same([report["made"], report["unchanged"], report["strays"], report["removed"]],
         [0, 18, [], []], "--json says the same")
    same(release.run(out, "--quiet").stdout, "", "--quiet says nothing")


def test_repair(release, out, found):
    a = f"{out}/assets"
    with open(f"{a}/aarch64_qemu-arm-static.tar.gz", "r+b") as f:
        f.seek(3000)
        f.write(b"\0\0\0\0")
    os.unlink(f"{a}/aarch64_qemu-mips-static.tar.gz")
    os.unlink(f"{a}/qemu-s390x-static.tar.gz")
    os.chmod(f"{a}/qemu-i386-static", 0o700)
    before = open(f"{out}/packed.json").read()
    r = release.run(out, "--json")
    same(json.loads(r.stdout)["made"], 3, "what is damaged, missing or unreadable is made again")
    same(digests(out), found, "and has the same bytes")
    same(open(f"{out}/packed.json").read(), before, "and the digests of layers are still known")
    ok(os.path.samefile(f"{a}/qemu-s390x-static.tar.gz", f"{a}/x86_64_qemu-s390x-static.tar.gz"),
       "a missing legacy name is linked again")
    with open(f"{out}/packed.json", "w") as f:
        f.write('{"format": 1, ')
    r = release.run(out, "--json")
    same(json.loads(r.stdout)["made"], 18, "a damaged packed.json only means to make all again")
    same(open(f"{out}/packed.json").read(), before, "to the same result")


def other_builds():
    folder = os.path.dirname(BUILD)
    for preset in ("debug", "release", "clang", "tsan"):
        path = os.path.join(folder, preset, "distributor", "distributor")
        if os.path.exists(path) and not os.path.samefile(path, PROGRAM):
            yield preset, path


def test_reproducible(work, release, found):
    lists = open(f"{work}/out/assets.json").read(), open(f"{work}/out/packed.json").read()

    def check(name, out, r, exact=True):
        good = r.returncode == 0 and digests(out) == found
        if exact and good:
            good = (open(f"{out}/assets.json").read(), open(f"{out}/packed.json").read()) == lists
        ok(good, f"the same bytes {name}", r.stdout + r.stderr)
        shutil.rmtree(out)

    out = f"{work}/again"
    for jobs in ("1", "2", "7"):
        check(f"with --jobs {jobs}", out, release.run(out, "--jobs", jobs))
    for umask in (0o077, 0):
        check(f"with umask {umask:03o}", out,
              release.run(out, preexec_fn=lambda mask=umask: os.umask(mask)))
    check("in another time zone and locale", out,
          release.run(out, env={"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8",
                                "LANG": "de_DE.ISO-8859-1"}))
    here = f"{work}/elsewhere"
    os.makedirs(here)
    check("from another directory, by a relative name", f"{here}/made",
          release.run("made", cwd=here))
    cached = [f"{release.where}/cache/sha256/{n}" for n in os.listdir(
        f"{release.where}/cache/sha256")]
    for path in cached:
        os.utime(path, (86400 * 365 * 40, 86400 * 365 * 40))
    check("on another day", out, release.run(out))
    if os.geteuid() == 0:
        os.chmod(work, 0o755)
        os.makedirs(here + "/user")
        os.chown(here + "/user", 65534, 65534)
        for folder, _, _ in os.walk(release.where):
            os.chmod(folder, 0o755)
        readable = shutil.copy(PROGRAM, f"{work}/program")
        os.chmod(readable, 0o755)
        check("as another user", here + "/user/out",
              release.run(here + "/user/out", program=readable,
                          user=65534, group=65534, extra_groups=[], env={"HOME": here + "/user"}))
    else:
        skip("the same bytes as another user", "only root can be somebody else")
    builds = list(other_builds())
    for preset, path in builds:
        check(f"by the build '{preset}'", out, release.run(out, program=path))
    if not builds:
        skip("the same bytes by another compiler", "there is no other build beside this one")
    shuffled = Release(f"{work}/shuffled", release.programs, compressor="gzip",
                       order=list(reversed(TARGETS)))
    check("from a package that was put together differently", out, shuffled.run(out), exact=False)
    r = release.run(out, env={"SOURCE_DATE_EPOCH": "86400"})
    ok(r.returncode == 0 and digests(out) != found, "another SOURCE_DATE_EPOCH gives other bytes")
    with tarfile.open(f"{out}/assets/qemu-arm-static.tar.gz") as tar:
        same(tar.getmembers()[0].mtime, 86400, "and is what the tar says")
    check("after going back to the lock's time in the same place", out, release.run(out))
    for value in ("yesterday", "-1", "1e9", " 5", "99999999999999"):
        r = release.run(out, env={"SOURCE_DATE_EPOCH": value})
        ok(r.returncode == 2 and f"'{value}'" in r.stderr, f"SOURCE_DATE_EPOCH='{value}' is refused",
           r.stderr)


def test_killed(work, release):
    """Ended at random moments; what has a final name is always whole."""
    rng = random.Random(SEED)
    want_out = f"{work}/whole"
    started = time.monotonic()
    release.run(want_out)
    length = time.monotonic() - started
    want = digests(want_out)
    out = f"{work}/killed"
    os.makedirs(f"{out}/assets")
    bad, kills = [], 0
    for attempt in range(300):
        process = subprocess.Popen(release.command(out, "-q"), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, length))
        process.kill()
        ended = process.wait() != -signal.SIGKILL
        kills += not ended
        for name, digest in digests(out).items():
            if want.get(name) != digest:
                bad.append(name)
        if kills == 25:
            break
        if ended:
            length *= 0.9  # the machine was slower while this was measured
        if ended or attempt % 4 == 3:
            # From the start again, or soon there is nothing left to interrupt.
            shutil.rmtree(out)
            os.makedirs(f"{out}/assets")
    same(kills, 25, f"killed 25 times (seed {SEED})")
    same(bad, [], "no incomplete file ever has a final name")
    r = release.run(out)
    ok(r.returncode == 0 and digests(out) == want, "the next run finishes with the same bytes",
       r.stderr)
    same([n for n in os.listdir(f"{out}/assets") if n.startswith(".")], [],
         "and sweeps what the killed ones left behind")
    return want, length


def test_signal(work, release, want, length):
    out = f"{work}/stopped"
    for number in (signal.SIGINT, signal.SIGTERM):
        for _ in range(20):  # until it is not at its end by then
            shutil.rmtree(out, ignore_errors=True)
            process = subprocess.Popen(release.command(out), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            while process.poll() is None and not (os.path.isdir(f"{out}/assets") and
                                                  os.listdir(f"{out}/assets")):
                time.sleep(0.002)
            process.send_signal(number)
            _, err = process.communicate()
            if process.returncode != 0:
                break
        same(process.returncode, -number, f"{number.name} ends it as the shell expects")
        ok("interrupted; run" in err, f"{number.name} is told", err)
        same([n for n in os.listdir(f"{out}/assets") if n.startswith(".")], [],
             f"{number.name} leaves no temporary file")
        shutil.rmtree(out)
    # What was complete is not made again.
    process = subprocess.Popen(release.command(out, "--jobs", "1"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not any(n.startswith("x86_64_qemu") for n in
                  (os.listdir(f"{out}/assets") if os.path.isdir(f"{out}/assets") else [])):
        time.sleep(0.002)
        if process.poll() is not None:
            break
    process.send_signal(signal.SIGINT)
    process.wait()
    r = release.run(out, "--json")
    report = json.loads(r.stdout)
    ok(report["unchanged"] > 0 and digests(out) == want,
       "after a signal the next run goes on where it stopped", r.stdout)


def texts_of(paths):
    texts = []
    for path in paths:
        with open(path) as f:
            texts.append(f.read())
    return texts


def test_two_at_once(work, release, want):
    out = f"{work}/two"
    os.makedirs(out)
    runs, paths = [], [f"{work}/two.{i}" for i in range(2)]
    with open(f"{out}/.lock", "w") as f:
        # Both find somebody at work, so that it does not depend on who is quicker.
        fcntl.flock(f, fcntl.LOCK_EX)
        for path in paths:
            with open(path, "w") as said:
                runs.append(subprocess.Popen(release.command(out), stdin=subprocess.DEVNULL,
                                             stdout=said, stderr=subprocess.STDOUT))
        for _ in range(600):
            waiting = ["waiting for another run" in text for text in texts_of(paths)]
            if all(waiting):
                break
            time.sleep(0.1)
    same(waiting, [True, True], "both wait for a third, and say so")
    same([run.wait() for run in runs], [0, 0], "two runs at once both succeed")
    same(sorted("nothing to do" in text for text in texts_of(paths)), [False, True],
         "and one of them has nothing to do any more")
    same(digests(out), want, "and the bytes are right")
    with open(f"{out}/.lock", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        r = release.run(out, "--no-wait")
        ok(r.returncode == 1 and "another run is using" in r.stderr and out in r.stderr,
           "--no-wait refuses", r.stderr)
        process = subprocess.Popen(release.command(out), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        same(process.wait(60), -signal.SIGINT, "a run that waits can be stopped")


def test_full_disk(work, release, want):
    mount = f"{work}/small"
    os.makedirs(mount)
    script = f"""
mount -t tmpfs -o size=3m none {mount} || exit 99
{' '.join(release.command(mount + '/out'))} >{work}/full.out 2>{work}/full.err
echo $? >{work}/full.status
cd {mount}/out/assets && sha256sum * >{work}/full.sums
find {mount} -name '*.tmp' >{work}/full.left
mount -o remount,size=200m {mount} || exit 99
{' '.join(release.command(mount + '/out'))} >{work}/full.again 2>&1
echo $? >>{work}/full.status
sha256sum * >{work}/full.sums2
"""
    namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    r = subprocess.run(namespace + ["sh", "-c", script], capture_output=True, text=True)
    if r.returncode == 99 or not os.path.exists(f"{work}/full.status"):
        return skip("a full disk", f"no private mount here: {r.stderr.strip()}")

    def read(name):
        return open(f"{work}/full.{name}").read()

    def sums(name):
        return {line.split()[1]: line.split()[0] for line in read(name).splitlines()}

    status = read("status").split()
    same(status[0], "1", "a full disk fails the run")
    ok("No space left on device" in read("err") and f"{mount}/out/" in read("err"),
       "the error says which file could not be written, and why", read("err"))
    ok(all(want[n] == d for n, d in sums("sums").items()), "what has a final name is whole")
    same(read("left"), "", "no temporary file is left")
    same([status[1:], sums("sums2")], [["0"], want], "with room again it finishes")


def test_refusals(work, programs):
    """Each row breaks one thing; the run fails with that status and sentence."""
    def alter(key, value):
        def change(release):
            member = next(m for p in release.lock["packages"] if p["host"] == "aarch64"
                          for m in p["members"] if m["target"] == "mips")
            member[key] = value
            release.save()
        return change

    def remove_member(release):
        for p in release.lock["packages"]:
            if p["host"] == "aarch64":
                p["members"].append({"target": "sparc", "path": "usr/bin/qemu-sparc-static",
                                     "size": 70000, "sha256": "0" * 64})
                p["members"].sort(key=lambda m: m["target"])
        release.save()

    def other_program(elf):
        def change(release):
            broken = dict(programs["aarch64"], mips=elf)
            deb = deb_release.make_deb(f"{release.where}/b.deb", "arm64", broken)
            release.matrix, release.lock = deb_release.write(
                release.where, {"x86_64": release.debs["x86_64"], "aarch64": deb})
        return change

    def cached(release):
        sha = next(p["sha256"] for p in release.lock["packages"] if p["host"] == "aarch64")
        return f"{release.where}/cache/sha256/{sha}"

    def damage_cache(release):
        path = cached(release)
        data = bytearray(open(path, "rb").read())
        data[len(data) // 2] ^= 1
        os.unlink(path)
        with open(path, "wb") as f:
            f.write(data)

    elf = deb_release.make_elf
    rows = [
        ("another digest than the lock's", alter("sha256", "a" * 64), 4,
         ["usr/bin/qemu-mips-static", "a" * 64, "aarch64"]),
        ("another size than the lock's", alter("size", 5), 4,
         ["'usr/bin/qemu-mips-static' has 75000 bytes, expected 5 as in the lock", "aarch64.deb"]),
        ("a member that the package has not", remove_member, 3,
         ["'aarch64.deb' does not contain 'usr/bin/qemu-sparc-static'"]),
        ("a program for another host", other_program(elf(62, 70000, 3)), 4,
         ["usr/bin/qemu-mips-static", "machine 62", "b.deb"]),
        ("a 32-bit program", other_program(elf(183, 70000, 3, wide=False)), 4,
         ["usr/bin/qemu-mips-static", "class 1"]),
        ("a program that is not static", other_program(elf(183, 70000, 3, interpreter=True)), 4,
         ["usr/bin/qemu-mips-static", "not static"]),
        ("a script", other_program(b"#!/bin/sh\n" + b"#" * 7000), 4,
         ["usr/bin/qemu-mips-static", "not an ELF file"]),
        ("an empty program", other_program(b""), 4, ["usr/bin/qemu-mips-static"]),
        ("a package that is not there", lambda r: os.unlink(cached(r)), 3,
         ["'aarch64.deb' is not in the cache", "distributor fetch"]),
        ("a damaged package", damage_cache, 4, ["sha256"]),
    ]
    for i, (name, change, status, parts) in enumerate(rows):
        release = Release(f"{work}/refused{i}", programs)
        change(release)
        out = f"{work}/refused{i}/out"
        r = release.run(out)
        ok(r.returncode == status and all(p in r.stderr for p in parts), f"{name} is refused",
           f"status {r.returncode}, wanted {status}\n{r.stderr}")
        wrong = "sparc" if change is remove_member else "mips"
        ok(f"aarch64_qemu-{wrong}-static.tar.gz" not in digests(out)
           and not os.path.exists(f"{out}/assets.json"), f"{name}: nothing of it is made")
        shutil.rmtree(release.where)


def test_strays(work, programs):
    release = Release(f"{work}/strays", programs)
    out = f"{work}/strays/out"
    release.run(out)
    a = f"{out}/assets"
    for name in ("notes.txt", "SHA256SUMS", "SHA256SUMS.minisig", "x.release.json"):
        with open(f"{a}/{name}", "w") as f:
            f.write("mine\n")
    r = release.run(out)
    ok("'" + a + "/notes.txt' is not part of this release" in r.stderr, "a stray file is told",
       r.stderr)
    ok("SHA256SUMS" not in r.stderr and "release.json" not in r.stderr,
       "files of later steps are none", r.stderr)
    with open(f"{a}/aarch64_qemu-arm-static.tar.gz", "ab") as f:
        f.write(b"changed")
    del release.matrix["hosts"]["aarch64"]
    release.lock["packages"] = [p for p in release.lock["packages"] if p["host"] != "aarch64"]
    release.save()
    r = subprocess.run([f"{BUILD}/tests/refuse_tool", "unlink", "EIO", *release.command(out)], text=True,
                       capture_output=True, stdin=subprocess.DEVNULL)
    ok(r.returncode == 1 and "cannot remove '" + a + "/aarch64_qemu-aarch64-static.tar.gz'" in r.stderr,
       "an asset that cannot be removed is an error", f"{r.returncode}\n{r.stderr}")
    r = release.run(out, "--json")
    report = json.loads(r.stdout)
    same(report["removed"], sorted(f"aarch64_qemu-{t}-static.tar.gz" for t in
                                   programs["aarch64"] if t != "arm"),
         "what an earlier run made and this one does not is removed")
    same(report["strays"], ["aarch64_qemu-arm-static.tar.gz", "notes.txt"],
         "but not what somebody has changed since")
    ok(os.path.exists(f"{a}/notes.txt"), "a stray file is kept")


def test_one_host(work, programs):
    release = Release(f"{work}/part", programs)
    out = f"{work}/part/out"
    release.run(out, "--host", "aarch64")
    same(set(digests(out)), {f"aarch64_qemu-{t}-static.tar.gz" for t in programs["aarch64"]},
         "--host makes the assets of that host only")
    r = release.run(out, "--host", "x86_64", "--json")
    same(json.loads(r.stdout)["removed"], [], "--host leaves those of other hosts alone")
    same(set(digests(out)), expected_names(programs), "hosts made one by one are all there")
    whole = f"{work}/part/whole"
    release.run(whole)
    same([open(f"{out}/{n}.json").read() for n in ("assets", "packed")],
         [open(f"{whole}/{n}.json").read() for n in ("assets", "packed")],
         "and the lists are those of one run for all")
    r = release.run(out, "--host", "arm64")
    ok(r.returncode == 2 and "did you mean 'aarch64'" in r.stderr, "an unknown --host is refused",
       r.stderr)


def main():
    work = tempfile.mkdtemp(prefix="tarballs.")
    try:
        release = Release(f"{work}/release", make_programs(TARGETS, 70000))
        out, found = test_what_is_made(work, release)
        test_lists(release, out, found)
        test_readers(release, out, found)
        test_nothing_to_do(release, out, found)
        test_repair(release, out, found)
        test_reproducible(work, release, found)
        large = Release(f"{work}/large", make_programs(TARGETS[:7], 500000, seed=50))
        want, length = test_killed(work, large)
        test_signal(work, large, want, length)
        test_two_at_once(work, large, want)
        test_full_disk(work, large, want)
        few = make_programs(TARGETS[:6], 70000)
        test_refusals(work, few)
        test_strays(work, few)
        test_one_host(work, few)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return finish()


sys.exit(main())
