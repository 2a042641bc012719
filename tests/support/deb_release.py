#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a matrix, its lock and a package cache out of .deb files, for tests and the bench.

usage: deb_release.py DIRECTORY HOST=FILE...

Writes DIRECTORY/matrix.json, DIRECTORY/matrix.lock.json and DIRECTORY/cache. The first host gets
the legacy names. What the debs hold is read with dpkg-deb and Python's tarfile, not with the
program under test. Also importable: write(directory, {host: deb, ...}), make_elf() and make_deb().
"""
import hashlib
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

EPOCH = 1700000000
ELF_FLAGS = {243: 5}  # riscv64: compressed instructions, doubles in registers
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


def make_elf(machine, size, seed, wide=True, interpreter=False):
    """A static program by its headers; what follows them is made by rule and compresses a bit."""
    word = "Q" if wide else "I"
    body = bytearray(random.Random(seed).randbytes(size))
    text = (b"emulator for the machine %d, " % machine) * (size // 20)
    for start in range(0, size - 8192, 8192):
        body[start:start + 5000] = text[start:start + 5000]
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    header = struct.pack(f"<HHI3{word}IHHHHHH", 2, machine, 1, 0x400000, 64 if wide else 52, 0,
                         ELF_FLAGS.get(machine, 0), 64 if wide else 52, 56 if wide else 32, 1, 0, 0, 0)
    kind = 3 if interpreter else 1
    if wide:
        segment = struct.pack("<IIQQQQQQ", kind, 5, 0, 0x400000, 0x400000, size, size, 4096)
    else:
        segment = struct.pack("<IIIIIIII", kind, 0, 0x400000, 0x400000, size, size, 5, 4096)
    head = ident + header + segment
    body[:len(head)] = head
    return bytes(body)


def make_deb(path, architecture, programs, version="1:8.1.0+ds-1", order=None, compressor="xz"):
    """A package with usr/bin/qemu-TARGET-static for each of `programs`, by the real dpkg-deb."""
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(f"{root}/DEBIAN")
        os.makedirs(f"{root}/usr/bin")
        with open(f"{root}/DEBIAN/control", "w") as f:
            f.write(f"Package: qemu-user-static\nVersion: {version}\n"
                    f"Architecture: {architecture}\nMaintainer: none <none@example.org>\n"
                    "Description: a package for tests\n")
        for target in order or programs:
            with open(f"{root}/usr/bin/qemu-{target}-static", "wb") as f:
                f.write(programs[target])
            os.chmod(f.name, 0o755)
        for directory, _, names in os.walk(root):
            for name in [directory] + [f"{directory}/{n}" for n in names]:
                os.utime(name, (EPOCH, EPOCH))
        subprocess.run(["dpkg-deb", "--root-owner-group", f"-Z{compressor}", "-b", root, path],
                       check=True, stdout=subprocess.DEVNULL)
    return path


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
