#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""distributor lock, fetch and tarballs from end to end: on Debian archives and on stand-ins for
Koji that are made here, signed with throw-away keys. Prints TAP."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import apt
from apt import Archive, Keys, elf, new_style, ok, rfc_date, skip

PROGRAM = os.environ.get("DISTRIBUTOR", "build/debug/distributor/distributor")
MISSING = [t for t in apt.TOOLS if not any(
    os.access(os.path.join(d, t), os.X_OK) for d in os.environ["PATH"].split(":"))]


class Place:
    """A directory with a matrix, a cache, and the archive that its source reads."""

    def __init__(self, top, keys, name):
        self.top = top / name
        self.top.mkdir()
        self.keys, self.name = keys, name
        self.archive = None
        self.source = "t"
        self.hosts = {"aarch64": {"source": "t", "legacy_names": True}}
        self.extra = {}
        self.version = "10.0.2-1"

    def publish(self, version=apt.VERSION, archs=("arm64",), date=None):
        number = len(list(self.top.glob("archive*")))
        self.archive = Archive(self.top, f"archive{number}", self.keys, archs=archs)
        for arch in archs:
            new_style(self.archive, arch, version)
        self.archive.publish(date=date)

    def matrix(self):
        path = self.top / "m.json"
        path.write_text(json.dumps({
            "name": "q", "version": self.version,
            "sources": {self.source: {"type": "apt", "suite": "trixie", "keyring": "../archive.gpg",
                              "keys": [self.keys.fingerprints["archive"]]}},
            "hosts": self.hosts, **self.extra}))
        return path

    @property
    def lock(self):
        return self.top / "m.lock.json"

    def run(self, command, *args):
        if command != "plan":
            args = ("--cache", self.top / "cache", *args)
        return run(command, "--matrix", self.matrix(), *args, mirror=self.archive.url)


def run(command, *args, mirror=None):
    environment = dict(os.environ, TZ="Asia/Tokyo", LC_ALL="C")
    if mirror:
        environment["DISTRIBUTOR_APT_MIRROR"] = mirror
    return subprocess.run([PROGRAM, command, *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment, check=False)


def said(result):
    return f"status {result.returncode}\n{result.stdout}{result.stderr}"


def fails(result, status, *texts):
    return result.returncode == status and all(t in result.stderr for t in texts)


def test_no_place(place):
    result = place.run("lock", "--lock", place.top / "nowhere/m.lock.json")
    ok(fails(result, 1, "cannot create a file in", "nowhere") and not (place.top / "cache").exists(),
       "a lock that could not be written is not made: nothing is fetched", said(result))


def test_first(place):
    result = place.run("lock")
    ok(result.returncode == 0 and "1 package with 2 emulators" in result.stdout, "lock",
       said(result))
    text = place.lock.read_text()
    lock = json.loads(text)
    package = lock["packages"][0]
    ok(package["version"] == apt.VERSION and package["qemu_version"] == "10.0.2" and
       package["pool_path"] == "pool/qemu-user_10.0.2+ds-1_arm64.deb" and
       package["signer"] == place.keys.fingerprints["archive"], "version, place and signer", text)
    ok([m["target"] for m in package["members"]] == ["arm", "x86_64"], "members, sorted", text)
    ok("file:" not in text and str(place.top) not in text, "no mirror is named", text)
    ok(lock["source_date_epoch"] == package["signed"] > 1.7e9 and lock["serial"] == 1,
       "date and serial", text)
    result = place.run("lock")
    ok(result.returncode == 0 and "is up to date" in result.stdout and
       place.lock.read_text() == text, "again: nothing changes", said(result))
    result = place.run("lock", "--check", "--json")
    ok(result.returncode == 0 and json.loads(result.stdout)[0]["newer"] is False,
       "--check finds nothing newer", said(result))
    result = place.run("plan", "--diff")
    ok("the lock matches the matrix" in result.stdout, "plan --diff agrees", said(result))
    result = place.run("lock", "--check", "--quiet")
    ok(result.returncode == 0 and result.stdout + result.stderr == "", "--check --quiet is silent",
       said(result))


def test_after_lock(place):
    result = place.run("fetch", "--json")
    ok(result.returncode == 0 and json.loads(result.stdout)["present"] == 1,
       "fetch finds it in the cache", said(result))
    result = place.run("tarballs", "--out", place.top / "out")
    names = sorted(os.listdir(place.top / "out/assets"))
    ok(result.returncode == 0 and names == [
        "aarch64_qemu-arm-static.tar.gz", "aarch64_qemu-x86_64-static.tar.gz", "qemu-arm-static",
        "qemu-arm-static.tar.gz", "qemu-x86_64-static", "qemu-x86_64-static.tar.gz"],
       "tarballs", said(result) + str(names))


def test_newer(place):
    place.publish("1:10.0.3+ds-1")
    result = place.run("lock", "--check")
    ok(fails(result, 1, "newer packages are available for 1 host") and "1:10.0.3+ds-1" in result.stdout,
       "--check finds the newer version and ends with 1", said(result))
    before = place.lock.read_bytes()
    result = place.run("lock")
    ok(fails(result, 3, "QEMU 10.0.3 for aarch64, expected 10.0.2", '"version"') and
       place.lock.read_bytes() == before, "another QEMU than the release's is refused",
       said(result))
    result = place.run("fetch", "--cache", place.top / "empty")
    ok(fails(result, 3, "'qemu-user' 1:10.0.2+ds-1 for arm64 is no longer in the archive",
             "whose suite now has 1:10.0.3+ds-1", f"run 'distributor lock --matrix {place.matrix()}' to use the current version"),
       "a version that has gone from the archive is named, and what to run", said(result))
    place.version = "10.0.3-1"
    result = place.run("fetch")
    ok(fails(result, 3, "the lock is for q 10.0.2-1, the matrix for q 10.0.3-1"),
       "a lock of another version is refused", said(result))
    result = place.run("lock")
    lock = json.loads(place.lock.read_text())
    ok(result.returncode == 0 and lock["serial"] == 2 and lock["version"] == "10.0.3-1",
       "with the matrix' version changed it is locked", said(result))


def test_downgrade(place):
    before = place.lock.read_bytes()
    place.publish("1:10.0.2+ds-9")
    place.version = "10.0-1"
    result = place.run("lock")
    ok(fails(result, 4, "downgraded from version 1:10.0.3+ds-1 to 1:10.0.2+ds-9",
             "--allow-downgrade") and place.lock.read_bytes() == before,
       "an older version is refused", said(result))
    place.source, hosts = "u", place.hosts
    place.hosts = {"aarch64": {"source": "u", "legacy_names": True}}
    result = place.run("lock")
    ok(fails(result, 4, "downgraded from version 1:10.0.3+ds-1 to 1:10.0.2+ds-9"),
       "also under another name of the source", said(result))
    place.source, place.hosts = "t", hosts
    result = place.run("lock", "--allow-downgrade", "10.0.3 crashes")
    lock = json.loads(place.lock.read_text())
    ok(result.returncode == 0 and lock["downgrade_reason"] == "10.0.3 crashes",
       "with a reason it is accepted, and the reason kept", said(result))
    place.publish("1:10.0.2+ds-9", date=rfc_date(1_600_000_000))
    before = place.lock.read_bytes()
    result = place.run("lock")
    ok(fails(result, 4, "is older than in the lock (20", "2020-09-13") and
       place.lock.read_bytes() == before, "an older InRelease is refused", said(result))


def at_work(directory):
    """The processes that were told of this directory in their environment, as apt and its methods."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/environ", "rb") as f:
                if str(directory).encode() in f.read():
                    found.append(process)
        except OSError:
            pass
    return found


def test_cut_off(place):
    """fetch is ended in the middle of a transfer that apt does for it."""
    server = apt.Server(place.archive.root)
    server.stall_after = 20000
    cache = place.top / "cut-off"
    seen = {}
    for number in (signal.SIGTERM, signal.SIGKILL):
        server.stalled.clear()
        process = subprocess.Popen(
            [PROGRAM, "fetch", "--matrix", place.matrix(), "--cache", cache], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, DISTRIBUTOR_APT_MIRROR=server.url))
        stalled = server.stalled.wait(300)
        working = at_work(cache)
        process.send_signal(number)
        output = process.communicate(timeout=300)[0]
        seen[number] = (stalled, len(working) > 0, process.returncode, at_work(cache))
        ok(seen[number][:3] == (True, True, -number), f"{number.name} while apt works ends fetch",
           f"{seen[number]} {output}")
    ok(seen[signal.SIGTERM][3] == [], "SIGTERM ends apt as well", seen)
    ok((cache / "sha256").exists() and not os.listdir(cache / "sha256"), "nothing is complete",
       list(cache.rglob("*")))
    server.stall_after = None
    server.go_on.set()
    result = run("fetch", "--matrix", place.matrix(), "--cache", cache, mirror=server.url)
    files = list((cache / "sha256").iterdir())
    ok(result.returncode == 0 and [f.name for f in files] == [apt.sha256(f) for f in files] and
       len(files) == 1, "the next run waits for what SIGKILL left at work, and finishes", said(result))
    ok(at_work(cache) == [], "... and then nothing is at work any more", at_work(cache))
    server.close()


def test_lost_pair(place):
    archive = Archive(place.top, "lost", place.keys)
    archive.deb("qemu-user", "arm64", {
        "usr/bin/qemu-arm": elf("arm64", "arm", "10.0.4", "Debian 1:10.0.4+ds-1")},
        "1:10.0.4+ds-1")
    place.archive = archive.publish()
    result = place.run("lock")
    ok(fails(result, 3, "x86_64 on aarch64 was in the last lock", '"exclude"'),
       "a pair that was there and has gone is an error", said(result))
    place.extra = {"exclude": [{"from": "aarch64", "to": "x86_64"}]}
    result = place.run("lock")
    ok(result.returncode == 0, "until it is excluded", said(result))


def test_one_line_more(place):
    place.publish(archs=("arm64", "s390x"))
    ok(place.run("lock").returncode == 0, "lock with one host")
    before = json.loads(place.lock.read_text())
    place.hosts["s390x"] = {"source": "t"}
    result = place.run("plan", "--diff")
    ok("host added: s390x from t" in result.stdout, "plan --diff shows the line", said(result))
    result = place.run("fetch")
    ok(fails(result, 3, "no package for s390x", "distributor lock"),
       "a host that is not locked is named", said(result))
    result = place.run("lock", "--host", "s390x")
    after = json.loads(place.lock.read_text())
    ok(result.returncode == 0 and before["packages"][0] in after["packages"] and
       [p["host"] for p in after["packages"]] == ["aarch64", "s390x"],
       "lock --host adds it and keeps the other", said(result))
    del place.hosts["s390x"]
    result = place.run("plan", "--diff")
    ok("host removed: s390x from t\n" in result.stdout and "aarch64" not in result.stdout,
       "plan --diff shows a host that is gone", said(result))
    result = place.run("plan", "--diff", "--json")
    ok([(c["change"], c["host"], c["before"]) for c in json.loads(result.stdout)] ==
       [("host removed", "s390x", "t")], "... also as JSON", said(result))
    result = place.run("lock", "--host", "vax")
    ok(fails(result, 2, "vax"), "a host that the matrix has not is a usage error", said(result))


def test_refusals(top, keys):
    place = Place(top, keys, "refusals")
    place.publish()
    deb = next((place.archive.root / "pool").glob("qemu-user_*"))
    data = bytearray(deb.read_bytes())
    data[len(data) // 2] ^= 1
    deb.write_bytes(data)
    result = place.run("lock")
    ok(result.returncode == 4 and not place.lock.exists() and deb.name.split("_")[0] in
       result.stderr, "an altered package is refused and no lock is made", said(result))
    place.publish()
    place.keys.clearsign(place.archive.dist / "Release", place.archive.dist / "InRelease",
                         names=("other",))
    result = place.run("lock")
    ok(result.returncode == 4 and not place.lock.exists(), "another signer is refused",
       said(result))
    place.lock.write_text("{}")
    result = place.run("lock")
    ok(fails(result, 3, "m.lock.json:1:1"), "a damaged lock is named", said(result))
    result = place.run("lock", "--offline")
    ok(fails(result, 3) or fails(result, 2), "--offline does not go to the network", said(result))


def test_nothing_in_vain(top, keys):
    """What cannot end well ends before anything is fetched, with one sentence and a way out."""
    place = Place(top, keys, "vain")
    place.publish()
    place.version = "11.0-1"
    result = place.run("lock")
    packages = place.top / "cache/sha256"
    ok(fails(result, 3, "has QEMU 10.0.2 for aarch64, expected 11.0") and
       not any(packages.iterdir()), "another version is told before the package is fetched",
       said(result))
    matrix = place.top / "f.json"
    fedora = {"type": "fedora", "release": 44, "evr": "2:10.2.2-1.fc44",
              "keys": ["36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6"],
              "koji": ["https://koji.example.invalid/packages"]}
    matrix.write_text(json.dumps({
        "name": "q", "version": "10.2.2-1",
        "sources": {"f": fedora, "t": {"type": "apt", "suite": "trixie",
                                       "keyring": "../archive.gpg"}},
        "hosts": {"aarch64": {"source": "t", "version": "10.0.2"}, "x86_64": {"source": "f"},
                  "s390x": {"source": "f"}, "ppc64le": {"source": "f"}}}))
    for name in ("debian.json", "debian.lock.json"):
        (place.top / name).write_text("{}")
    result = run("lock", "--matrix", matrix, "--cache", place.top / "cache", "--jobs", "2",
                 mirror=place.archive.url)
    errors = [line for line in result.stderr.splitlines() if line.startswith("error")]
    ok(result.returncode == 5 and len(errors) == 1 and not any(packages.iterdir()),
       "a source that is not reached: one sentence, and nothing is fetched", said(result))
    ok(re.match(r"error: source 'f', host ppc64le: '\S+': Could not resolve host: \S+; "
                r"also for s390x, x86_64; '\S+/debian.json' does not need Fedora and has a lock: "
                r"use --matrix \S+/debian.json$", errors[0]), "with the way out", errors)
    again = [line for line in result.stderr.splitlines() if "trying again" in line]
    ok(1 <= len(again) <= 3, "a name without an address is tried a few times for all hosts together", again)
    result = run("fetch", "--matrix", matrix, "--cache", place.top / "cache")
    ok(fails(result, 3, "error: lock '", "run 'distributor lock", "or use --matrix",
             "debian.json, which has one"), "a matrix without a lock names one that has it",
       said(result))
    (place.top / "debian.lock.json").unlink()
    result = run("fetch", "--matrix", matrix, "--cache", place.top / "cache")
    ok(fails(result, 3, "error: lock '") and "debian.json" not in result.stderr,
       "and none where there is none", said(result))
    result = run("lock", "--matrix", matrix, "--cache", place.top / "cache", "--offline")
    ok(fails(result, 2, "--offline") and result.stderr.count("source 'f'") == 1,
       "--offline: one sentence for a source", said(result))


def test_directory(top, keys):
    place = Place(top, keys, "directory")
    archive = Archive(place.top, "made", keys)
    new_style(archive)
    (place.top / "debs").mkdir()
    deb = next((archive.root / "pool").glob("qemu-user_*"))
    (place.top / "debs" / deb.name).write_bytes(deb.read_bytes())
    sums = place.top / "debs/SHA256SUMS"
    sums.write_text(f"{apt.sha256(deb)}  {deb.name}\n")
    matrix = place.top / "d.json"
    matrix.write_text(json.dumps({
        "name": "q", "version": place.version, "hosts": {"aarch64": {"source": "d"}},
        "sources": {"d": {"type": "directory", "path": "debs"}}}))
    args = ["--matrix", matrix, "--cache", place.top / "cache"]
    result = run("lock", "--offline", *args)
    text = (place.top / "d.lock.json").read_text() if result.returncode == 0 else ""
    ok(result.returncode == 0 and str(place.top) not in text, "lock a directory, offline",
       said(result) + text)
    result = run("fetch", "--matrix", matrix, "--cache", place.top / "fresh")
    ok(result.returncode == 0, "fetch from the directory", said(result))
    sums.write_text(f"{'0' * 64}  {deb.name}\n")
    result = run("lock", *args)
    ok(fails(result, 4, deb.name), "a package that SHA256SUMS does not vouch for is refused",
       said(result))


def test_fedora(top):
    import fedora
    import rpm_support
    missing = [t for t in fedora.TOOLS if subprocess.run(
        ["sh", "-c", f"command -v {t}"], capture_output=True, check=False).returncode]
    if missing:
        print(f"# SKIPPED: {missing} not installed")
        skip("lock a Fedora source", f"{missing} not installed")
        return
    top = str(top)
    rpm_support.prepare(top)
    keys = rpm_support.Keys(os.path.join(top, "gnupg"))
    fingerprint = keys.fingerprint("release")
    koji = fedora.Koji(os.path.join(top, "koji"), keys, fingerprint)
    for host in ("x86_64", "aarch64"):
        rpm_support.build(top, host)
        koji.add(top, "10.2.2", "1.fc44", host)
    server, url = fedora.serve(koji.root)
    matrix = pathlib.Path(top) / "f.json"
    matrix.write_text(json.dumps({
        "name": "q", "version": "10.2.2-1",
        "sources": {"f": {"type": "fedora", "release": 44, "evr": rpm_support.EVR,
                          "keys": [fingerprint], "key_files": [keys.path("release.asc")],
                          "koji": [url]}},
        "hosts": {"x86_64": {"source": "f"}, "aarch64": {"source": "f"}}}))
    args = ["--matrix", matrix, "--cache", os.path.join(top, "cache")]
    result = run("lock", *args)
    ok(fails(result, 4, "ELF machine 62, expected aarch64") and
       not (pathlib.Path(top) / "f.lock.json").exists(),
       "signed packages with programs of another host are refused", said(result))
    ok(result.stderr.count("gets 2:10.2.2-1.fc44 from Koji only") == 1 and
       "Koji deletes builds that do not leave testing" in result.stderr,
       "what only Koji has is warned about, once for all hosts", said(result))
    ok(re.search(r"refusing 'qemu-user-static-\S+\.aarch64\.rpm': '+usr/bin/qemu-\S+' in "
                 r"'qemu-user-static-\S+\.aarch64\.rpm'", result.stderr) and
       not re.search("[0-9a-f]{64}", result.stderr),
       "a refused package is called by its name, not by its digest", said(result))
    text = json.loads(matrix.read_text())
    del text["hosts"]["aarch64"]
    matrix.write_text(json.dumps(text))
    result = run("lock", *args)
    ok(result.returncode == 0, "lock a Fedora source from Koji's layout", said(result))
    lock = json.loads((pathlib.Path(top) / "f.lock.json").read_text())
    package = lock["packages"][0]
    ok(package["signer"] == fingerprint and len(package["header_sha256"]) == 64 and
       re.search("/data/signed/", package["urls"][0]) and package["signed"] > 0 and
       package["license"] == "GPL-2.0-or-later", "signer, header and URLs are pinned",
       json.dumps(package, indent=1))
    ok(len(lock["packages"]) == 2 and all(p["members"] for p in lock["packages"]),
       "the empty package is not in the lock")
    result = run("fetch", "--matrix", matrix, "--cache", os.path.join(top, "fresh"))
    ok(result.returncode == 0, "fetch them by the lock alone", said(result))
    os.rename(os.path.join(koji.root, "qemu/10.2.2/1.fc44/data/signed"), os.path.join(top, "gone"))
    result = run("fetch", "--matrix", matrix, "--cache", os.path.join(top, "third"))
    ok(result.returncode == 0 and result.stderr.count("was fetched from another URL") == 1,
       "signed copies that Koji has pruned: one sentence for the build", said(result))
    result = run("tarballs", *args, "--out", os.path.join(top, "out"))
    made = os.listdir(os.path.join(top, "out/assets")) if result.returncode == 0 else []
    ok(len(made) == 3, "tarballs of them", said(result) + str(made))
    server.shutdown()
    subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=keys.env(), check=False)


def main():
    if MISSING:
        print(f"# SKIPPED: {MISSING} not installed")
        skip("lock", f"{MISSING} not installed")
        print("1..1")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        top = pathlib.Path(directory)
        keys = Keys(top)
        place = Place(top, keys, "life")
        place.publish()
        test_no_place(place)
        test_first(place)
        test_after_lock(place)
        test_cut_off(place)
        test_newer(place)
        test_downgrade(place)
        test_lost_pair(place)
        test_one_line_more(Place(top, keys, "hosts"))
        test_refusals(top, keys)
        test_nothing_in_vain(top, keys)
        test_directory(top, keys)
        fedora = top / "fedora"
        fedora.mkdir()
        test_fedora(fedora)
    return apt.finish()


if __name__ == "__main__":
    sys.exit(main())
