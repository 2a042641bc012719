#!/usr/bin/env python3
"""Make a matrix, its lock and a package cache out of .deb files, for tests and the bench.

usage: deb_release.py DIRECTORY HOST=FILE...

Writes DIRECTORY/matrix.json, DIRECTORY/matrix.lock.json and DIRECTORY/cache. The first host gets
the legacy names. What the debs hold is read with dpkg-deb and Python's tarfile, not with the
program under test. Also importable: write(directory, {host: deb, ...}).
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

EPOCH = 1700000000
# Debian's file names carry the architecture of Debian.
MEMBER = re.compile(r"^\./usr/bin/qemu-(.+?)(-static)?$")


def digest_and_size(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for chunk in iter(lambda: f.read(1 << 20), b""):
            h.update(chunk)
    return h.hexdigest(), os.path.getsize(path)


def members_of(deb):
    members = []
    process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
    with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
        for entry in tar:
            match = MEMBER.match(entry.name)
            if not match or not entry.isreg():
                continue
            data = tar.extractfile(entry).read()
            members.append({"target": match.group(1), "path": entry.name[2:], "size": len(data),
                            "sha256": hashlib.sha256(data).hexdigest()})
    process.wait()
    return sorted(members, key=lambda m: m["target"])


def field(deb, name):
    return subprocess.run(["dpkg-deb", "-f", deb, name], check=True, capture_output=True,
                          text=True).stdout.strip()


def package(host, deb):
    sha256, size = digest_and_size(deb)
    version = field(deb, "Version")
    return {"host": host, "source": "debs", "type": "directory", "name": field(deb, "Package"),
            "version": version, "arch": field(deb, "Architecture"),
            "file": os.path.basename(deb).replace("%3a", "_"), "size": size, "sha256": sha256,
            "qemu_version": re.sub(r"^\d+:|[+-].*$", "", version), "members": members_of(deb)}


def write(directory, debs):
    cache = os.path.join(directory, "cache", "sha256")
    os.makedirs(cache, exist_ok=True)
    packages = []
    for host, deb in debs.items():
        entry = package(host, deb)
        packages.append(entry)
        place = os.path.join(cache, entry["sha256"])
        if not os.path.exists(place):
            try:
                os.link(deb, place)
            except OSError:
                shutil.copy(deb, place)
    version = packages[0]["qemu_version"] + "-1"
    matrix = {"name": "qemu-user-static", "version": version,
              "sources": {"debs": {"type": "directory", "path": "."}},
              "hosts": {host: {"source": "debs"} for host in debs}, "targets": "all"}
    matrix["hosts"][next(iter(debs))]["legacy_names"] = True
    lock = {"format": 1, "name": "qemu-user-static", "version": version, "serial": 1,
            "source_date_epoch": EPOCH, "packages": sorted(packages, key=lambda p: p["host"])}
    for name, document in (("matrix.json", matrix), ("matrix.lock.json", lock)):
        with open(os.path.join(directory, name), "w") as f:
            json.dump(document, f, indent=2)
    return matrix, lock


if __name__ == "__main__":
    write(sys.argv[1], dict(a.split("=", 1) for a in sys.argv[2:]))
