#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""distributor fetch as a user meets it, against doubles/bad_http.py. Prints TAP."""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.environ["DISTRIBUTOR"]
DOUBLES = os.path.join(os.environ["SOURCE_DIR"], "tests", "doubles")
sys.dont_write_bytecode = True
from bad_http import content
from tap import finish, ok, skip


class Result:
    def __init__(self, process, out, err):
        self.status, self.out, self.err = process.returncode, out, err

    def __str__(self):
        return "status %s\n%s%s" % (self.status, self.out, self.err)


class Place:
    """A matrix with its lock and a cache, in a directory of its own."""

    def __init__(self, work, server, name):
        self.server, self.name = server, name
        self.directory = os.path.join(work, name)
        self.cache = os.path.join(self.directory, "cache")
        os.mkdir(self.directory)
        self.matrix_path = os.path.join(self.directory, "m.json")
        self.source = {"type": "fedora", "release": 44, "keys": ["0" * 40],
                       "koji": ["https://example.invalid/packages"]}
        self.packages = []

    def url(self, path, tls=False):
        if tls:
            return "https://127.0.0.1:%d/%s/%s" % (self.server.tls_port, self.name, path)
        return "http://127.0.0.1:%d/%s/%s" % (self.server.port, self.name, path)

    def add(self, host, size, *urls, data=None, **more):
        data = content(size) if data is None else data
        target = ["arm", "armeb", "m68k", "ppc", "sh4", "hexagon"][len(self.packages) % 6]
        package = {
            "host": host, "source": "s", "type": self.source["type"],
            "name": "p%d" % size, "version": "2:10.2.2-1.fc44", "arch": host,
            "file": "p%d-%s.rpm" % (size, host), "size": size,
            "sha256": hashlib.sha256(data).hexdigest(), "qemu_version": "10.2.2",
            "header_sha256": "0" * 64, "signer": "0" * 40, "signed": 1700000000,
            "members": [{"target": target, "path": "usr/bin/qemu-%s-static" % target,
                         "size": 1, "sha256": "0" * 64}],
        }
        if urls:
            package["urls"] = list(urls)
        package.update(more)
        self.packages.append(package)
        return package

    def write(self):
        hosts = sorted({p["host"] for p in self.packages})
        matrix = {"name": "q", "version": "10.2.2-1", "sources": {"s": self.source},
                  "hosts": {h: {"source": "s"} for h in hosts}, "targets": "all"}
        lock = {"format": 1, "name": "q", "version": "10.2.2-1", "serial": 1,
                "source_date_epoch": 1700000000,
                "packages": sorted(self.packages, key=lambda p: (p["host"], p["name"]))}
        with open(self.matrix_path, "w") as f:
            json.dump(matrix, f)
        with open(os.path.join(self.directory, "m.lock.json"), "w") as f:
            json.dump(lock, f)

    def command(self, *options):
        return [PROGRAM, "fetch", "--matrix", self.matrix_path, "--cache", self.cache, *options]

    def start(self, *options, env=None, prefix=()):
        return subprocess.Popen([*prefix, *self.command(*options)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, **(env or {})})

    def run(self, *options, env=None, prefix=()):
        process = self.start(*options, env=env, prefix=prefix)
        out, err = process.communicate(timeout=120)
        return Result(process, out, err)

    def files(self, part):
        directory = os.path.join(self.cache, part)
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def complete(self):
        """Each package is there under its digest, which is right, and nothing else is."""
        names = sorted({p["sha256"] for p in self.packages})
        for name in names:
            path = os.path.join(self.cache, "sha256", name)
            if not os.path.exists(path):
                return False
            with open(path, "rb") as f:
                if hashlib.sha256(f.read()).hexdigest() != name:
                    return False
        return self.files("sha256") == names and self.files("partial") == []

    def hits(self, mode):
        url = "http://127.0.0.1:%d/%s/count/%s" % (self.server.port, self.name, mode)
        import urllib.request
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return int(opener.open(url).read())


class Server:
    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(DOUBLES, "bad_http.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        self.port, self.other_port, self.tls_port = map(int, words[:3])
        self.ca_file = words[3]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def check_normal(place):
    for i, host in enumerate(["aarch64", "s390x", "x86_64"]):
        for k in range(2):
            size = 200000 + 2 * i + k
            place.add(host, size, place.url("plain/%d" % size))
    place.write()
    r = place.run("--host", "s390x")
    ok("--host fetches that host's packages", r.status == 0 and len(place.files("sha256")) == 2, r)
    r = place.run("--host", "arm64")
    ok("a Docker spelling is corrected", r.status == 2 and "did you mean 'aarch64'?" in r.err, r)
    r = place.run("--host", "riscv64")
    ok("a host outside the matrix is refused", r.status == 2 and "'riscv64'" in r.err, r)
    r = place.run("--offline")
    ok("--offline names what is missing",
       r.status == 3 and "4 of 6 packages are missing" in r.err and
       "'p200004-x86_64.rpm'" in r.err and "s390x" not in r.err, r)
    r = place.run("--jobs", "4")
    ok("everything is fetched", r.status == 0 and place.complete(), r)
    ok("each fetched package has a line",
       r.err.count("fetched p20000") == 4 and "plain/200004" in r.err, r)
    ok("the table says what came and what was there",
       r.out.count("fetched in") == 4 and r.out.count("present") == 2 and
       "4 of 6 packages fetched" in r.out, r)
    r = place.run()
    ok("the same run again does nothing and says so",
       r.status == 0 and "nothing to fetch: 6 packages (1.2 MB) in " in r.out and
       r.err == "", r)
    ok("... without a request", place.hits("plain") == 6)
    victim = os.path.join(place.cache, "sha256", place.packages[0]["sha256"])
    os.chmod(victim, 0o644)
    with open(victim, "r+b") as f:
        f.write(b"!")
    r = place.run()
    ok("... and without reading what it has once read: that is for --rehash",
       r.status == 0 and "nothing to fetch: 6 packages" in r.out and r.err == "", r)
    with open(victim, "r+b") as f:
        f.write(content(1))
    r = place.run("--offline", "--rehash", "--json")
    answer = json.loads(r.out)
    ok("--json tells the same",
       answer["present"] == 6 and answer["fetched"] == 0 and len(answer["packages"]) == 6 and
       all(os.path.exists(p["path"]) and p["result"] == "present" for p in answer["packages"]), r)
    r = place.run("--quiet")
    ok("--quiet is quiet", r.status == 0 and r.out == "" and r.err == "", r)
    with open(victim, "r+b") as f:
        f.write(b"!")
    r = place.run("--rehash")
    ok("a damaged file is set aside, named, and fetched again",
       r.status == 0 and victim in r.err and "/quarantine/" in r.err and place.complete() and
       len(place.files("quarantine")) == 1, r)


def check_failures(place):
    place.add("x86_64", 5000, place.url("wrong/5000"))
    place.add("x86_64", 5001, place.url("status/404/x?token=s3cr3t&name=n"))
    place.add("x86_64", 5002, place.url("status/404"), place.url("plain/5002"))
    place.write()
    r = place.run("-v")
    ok("a wrong digest ends with 4", r.status == 4, r)
    ok("each failure is told with its URL and the quarantined file",
       "cannot fetch 'p5000-x86_64.rpm': '%s': sha256 is " % place.url("wrong/5000") in r.err and
       os.path.join(place.cache, "quarantine", hashlib.sha256(bytes(5000)).hexdigest()) in r.err
       and "cannot fetch 'p5001-x86_64.rpm'" in r.err and "status 404" in r.err, r)
    ok("secrets of a URL are not shown",
       "s3cr3t" not in r.err + r.out and "token=***&name=n" in r.err, r)
    ok("a URL that fails is reported when the next one works",
       "'p5002-x86_64.rpm' was fetched from another URL" in r.err, r)
    ok("nothing wrong gets a name in the cache",
       place.files("sha256") == [place.packages[2]["sha256"]] and place.files("partial") == [])
    r = place.run("--json")
    answer = json.loads(r.out)
    ok("--json has the errors, and the status stays",
       r.status == 4 and sorted(p["result"] for p in answer["packages"]) ==
       ["failed", "failed", "present"] and
       "status 404" in answer["packages"][1]["error"], r)


def check_missing(place):
    place.add("x86_64", 5000, place.url("status/404"))
    place.write()
    r = place.run()
    ok("a 404 ends with 5", r.status == 5 and "status/404': status 404, not found" in r.err, r)
    os.unlink(os.path.join(place.directory, "m.lock.json"))
    r = place.run()
    ok("without a lock it says how to make one", r.status != 0 and "distributor lock" in r.err, r)


def check_tls(place):
    place.add("x86_64", 5000, place.url("plain/5000", tls=True))
    place.write()
    r = place.run()
    ok("an unknown certificate ends with 4", r.status == 4 and "certificate" in r.err, r)
    r = place.run(env={"SSL_CERT_FILE": "/nonexistent"})
    ok("a missing certificate file is named", r.status == 1 and "'/nonexistent'" in r.err, r)
    r = place.run(env={"SSL_CERT_FILE": place.server.ca_file})
    ok("$SSL_CERT_FILE is trusted", r.status == 0 and place.complete(), r)


def check_directory(place):
    place.source = {"type": "directory", "path": "pack ages"}
    os.mkdir(os.path.join(place.directory, "pack ages"))
    package = place.add("x86_64", 5000)
    with open(os.path.join(place.directory, "pack ages", package["file"]), "wb") as f:
        f.write(content(5000))
    place.write()
    r = place.run("--offline")
    ok("a directory beside the matrix is a source, offline too",
       r.status == 0 and place.complete(), r)


def check_old_pool(place):
    """A mirror that has no such suite any more; the base URL in the matrix has the file."""
    place.source = {"type": "apt", "suite": "trixie",
                    "urls": ["http://127.0.0.1:%d/%s" % (place.server.port, place.name)]}
    place.add("x86_64", 5000, suite="trixie", pool_path="plain/5000", file="p_5000_amd64.deb")
    place.write()
    r = place.run(env={"DISTRIBUTOR_APT_MIRROR": place.url("gone")})
    ok("apt finds the file below the matrix's URLs",
       r.status == 0 and place.complete() and "from apt" in r.err, r)
    shutil.rmtree(place.cache)
    r = place.run(env={"PATH": "/nonexistent"})
    ok("without apt it is fetched from there all the same",
       r.status == 0 and place.complete() and "from " + place.url("plain/5000") in r.err and
       "was fetched from another URL: apt: " in r.err, r)
    shutil.rmtree(os.path.join(place.cache, "sha256"))
    r = place.run("--offline")
    ok("apt is not asked with --offline", r.status == 3 and "apt is not available with --offline" in r.err, r)


def check_killed(place):
    """Killed again and again, each run goes on where the last one stopped."""
    for i in range(3):
        place.add("x86_64", 200000 + i, place.url("drip/%d" % (200000 + i)))
    place.write()
    kills = 0
    seen = []
    for attempt in range(100):
        process = place.start("--jobs", "2")
        try:
            # Longer each time, so that a busy machine gets there as well.
            process.communicate(timeout=0.15 + 0.03 * attempt)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            whole = [p["sha256"] for p in place.packages]
            for name in place.files("sha256"):
                with open(os.path.join(place.cache, "sha256", name), "rb") as f:
                    if name not in whole or hashlib.sha256(f.read()).hexdigest() != name:
                        seen.append(name)
    ok("killed %d times it finishes" % kills, process.returncode == 0 and kills >= 3 and
       place.complete(), kills)
    ok("nothing incomplete ever had its final name", seen == [], seen)


def check_signal(place):
    place.add("x86_64", 3000000, place.url("drip/3000000"))
    place.write()
    process = place.start()
    partial = os.path.join(place.cache, "partial", place.packages[0]["sha256"])
    for _ in range(1000):
        time.sleep(0.05)
        if os.path.exists(partial) and os.path.getsize(partial) > 10000:
            break
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    ok("SIGTERM ends it by that signal, in the middle of a file, and says how to go on",
       process.returncode == -signal.SIGTERM and "run the same command again" in err,
       (process.returncode, err))
    ok("what had arrived stays", os.path.getsize(partial) > 10000 and
       place.files("sha256") == [])


def check_two(place):
    for i in range(4):
        place.add("x86_64", 300000 + i, place.url("drip/%d" % (300000 + i)))
    place.write()
    runs = [place.start("--jobs", "2") for _ in range(3)]
    outputs = [run.communicate(timeout=120) for run in runs]
    ok("three runs at once on one cache all succeed",
       all(run.returncode == 0 for run in runs) and place.complete(), outputs)
    ok("... and fetch each package once", place.hits("drip") == 4, place.hits("drip"))
    ok("... and those that wait say so",
       any("waiting for another run to fetch" in err for _, err in outputs), outputs)


FULL_DISK = """
set -e
mount -t tmpfs -o size=512k,mode=700 none "$1"
shift
status=0
"$@" || status=$?
echo "first: $status"
ls "$CACHE/sha256"
echo "then:"
mount -o remount,size=16m "$CACHE"
"$@"
ls "$CACHE/sha256"
"""


def check_full_disk(place):
    probe = subprocess.run(["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"],
                           capture_output=True)
    if probe.returncode != 0:
        skip("a full disk", "no private mount namespace here")
        return
    place.add("x86_64", 900000, place.url("plain/900000"))
    place.write()
    os.mkdir(place.cache)
    r = place.run(env={"CACHE": place.cache},
                  prefix=("unshare", "-rm", "sh", "-c", FULL_DISK, "sh", place.cache))
    first, _, then = r.out.partition("then:")
    ok("a full disk is a clear error, with status 1",
       "first: 1" in first and "No space left on device" in r.err and
       "cannot write '" + place.cache in r.err, r)
    digest = place.packages[0]["sha256"]
    ok("... it leaves nothing under a final name", digest not in first.split("first: 1")[-1], r)
    ok("... and with room again the rest is fetched", r.status == 0 and digest in then and
       "remaining " in r.err, r)


def main():
    work = tempfile.mkdtemp(prefix="it_fetch.")
    server = Server()
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("SSL_CERT_"):
            del os.environ[name]
    try:
        for check in (check_normal, check_failures, check_missing, check_tls, check_directory,
                      check_old_pool, check_killed, check_signal, check_two, check_full_disk):
            check(Place(work, server, check.__name__))
    finally:
        server.stop()
        shutil.rmtree(work, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
