#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""RPM packages built and signed here by rpmbuild and rpmsign, judged by the project's reader and
verifier, with rpmkeys, gpgv and bsdtar as second opinions. Prints TAP."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode

from rpm_support import (EVR, Keys, build, finish, must, ok, parts, prepare, program, refused, run,
                         signature_header, tool)

TOOLS = ["rpmbuild", "rpmsign", "rpmkeys", "rpm", "gpg", "gpgv", "bsdtar", "cc"]
COMPRESSIONS = ["w3.zstdio", "w2.xzdio", "w2.lzdio", "w9.gzdio", "w9.bzdio", "w.ufdio"]

def test_compressions(top, keys, fingerprint):
    """Every compression: same members as bsdtar sees, signature accepted, inspected."""
    name = "qemu-user-static-s390x"
    for compression in COMPRESSIONS:
        build(top, "x86_64", compression)
        package = os.path.join(top, f"RPMS/x86_64/{name}-10.2.2-1.fc44.x86_64.rpm")
        keys.sign(package)
        result = tool("verify", package, keys.path("release.asc"), fingerprint, name, EVR,
                      "x86_64")
        ok(result.returncode == 0 and result.stdout.startswith(fingerprint),
           f"{compression}: accepted", result.stderr)
        listing = tool("list", package).stdout.split("\n")
        wanted = subprocess.check_output(["bsdtar", "-xOf", package,
                                          "./usr/bin/qemu-s390x-static"])
        digest = hashlib.sha256(open(os.path.join(top, "SOURCES/qemu-s390x-static"),
                                     "rb").read()).hexdigest()
        ok(any(digest in line and "usr/bin/qemu-s390x-static" in line for line in listing) and
           hashlib.sha256(wanted).hexdigest() == digest,
           f"{compression}: same bytes as bsdtar", "\n".join(listing))
        result = tool("inspect", package, "x86_64")
        ok(result.stdout.startswith("s390x 10.2.2 ") and digest in result.stdout,
           f"{compression}: one emulator of the right host", result.stdout + result.stderr)


def rpmkeys(db, package):
    return run("rpmkeys", "--dbpath", db, "--define", "_pkgverify_level all", "-K", package)


def test_second_opinions(top, keys, package, fingerprint):
    db = os.path.join(top, "db")
    os.mkdir(db)
    must("rpmkeys", "--dbpath", db, "--import", keys.path("release.asc"))
    ok(rpmkeys(db, package).returncode == 0, "rpmkeys agrees that the signed package is good")
    data = open(package, "rb").read()
    _, main, main_end, found = parts(data)
    with open(os.path.join(top, "sig.pgp"), "wb") as f:
        f.write(found[268])
    with open(os.path.join(top, "hdr.bin"), "wb") as f:
        f.write(data[main:main_end])
    status = run("gpgv", "--keyring", keys.path("release.gpg"), "--status-fd", "1",
                 os.path.join(top, "sig.pgp"), os.path.join(top, "hdr.bin"))
    valid = [line.split() for line in status.stdout.splitlines() if " VALIDSIG " in line]
    ours = tool("verify", package, keys.path("release.asc"), fingerprint).stdout.split()
    ok(valid and valid[0][2] == ours[0] and valid[0][4] == ours[1],
       "gpgv sees the same signer and time", status.stdout + " ".join(ours))
    ok(ours[2] == hashlib.sha256(data[main:main_end]).hexdigest(), "sha256 of the main header")
    return db


def test_tampering(top, keys, package, fingerprint, db):
    data = open(package, "rb").read()
    end, main, main_end, _ = parts(data)
    copy = os.path.join(top, "copy.rpm")
    rows = [
        ("signature header, entry", 96 + 16 + 16 + 9), ("signature header, region", end - 5),
        ("main header, index", main + 16 + 20), ("main header, data", (main + main_end) // 2),
        ("main header, last string", main_end - 20), ("payload, first byte", main_end),
        ("payload, middle", (main_end + len(data)) // 2), ("payload, last byte", len(data) - 1),
    ]
    for label, at in rows:
        with open(copy, "wb") as f:
            f.write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        ours = tool("verify", copy, keys.path("release.asc"), fingerprint)
        theirs = rpmkeys(db, copy)
        ok(refused(ours, "copy.rpm") and theirs.returncode != 0, f"altered: {label}",
           f"{ours.returncode} {ours.stderr} rpmkeys: {theirs.returncode}")
    for label, length in (("payload", len(data) - 1), ("all of the payload", main_end),
                          ("main header", main_end - 1), ("signature header", end - 1),
                          ("lead", 95)):
        with open(copy, "wb") as f:
            f.write(data[:length])
        ours = tool("verify", copy, keys.path("release.asc"), fingerprint)
        ok(refused(ours, "copy.rpm") and rpmkeys(db, copy).returncode != 0,
           f"cut short: {label}", ours.stderr)


def test_signatures(top, keys, unsigned, fingerprint, db):
    """Unsigned, another key, weak hashes; each with its own sentence."""
    copy = os.path.join(top, "copy.rpm")
    asc = keys.path("release.asc")
    shutil.copy(unsigned, copy)
    ok(refused(tool("verify", copy, asc, fingerprint), "'copy.rpm' is not signed", "signed copy"),
       "unsigned")
    ok(rpmkeys(db, copy).returncode != 0, "rpmkeys agrees about the unsigned one")

    keys.sign(copy, "other")
    other = keys.fingerprint("other")
    result = tool("verify", copy, asc, fingerprint)
    ok(refused(result, "which is not pinned", other[-16:], fingerprint), "signed by another key",
       result.stderr)
    result = tool("verify", copy, keys.path("other.asc"), fingerprint)
    ok(result.returncode != 0 and "no key has the fingerprint " + fingerprint in result.stderr,
       "pinned key is not in the file", result.stderr)
    both = keys.path("both.asc")
    with open(both, "w") as f:
        f.write("Words before.\n" + open(keys.path("other.asc")).read() + "\nand between\n" +
                open(asc).read())
    result = tool("verify", copy, both, fingerprint)
    ok(refused(result, "which is not pinned"), "a key that is known, but not pinned", result.stderr)
    ok(tool("verify", copy, both, other).returncode == 0, "the same, pinned")

    shutil.copy(unsigned, copy)
    keys.sign(copy, digest="SHA1")
    result = tool("verify", copy, asc, fingerprint)
    ok(refused(result, "'copy.rpm' is weak", "SHA1"), "signed with SHA-1", result.stderr)
    for digest in ("SHA256", "SHA384"):
        shutil.copy(unsigned, copy)
        keys.sign(copy, digest=digest)
        result = tool("verify", copy, asc, fingerprint)
        ok(result.returncode == 0, f"signed with {digest}", result.stderr)


def test_signature_headers(top, keys, unsigned, fingerprint):
    """The same signature, in the other places where rpm 6 and signing servers put it."""
    asc = keys.path("release.asc")
    copy = os.path.join(top, "copy.rpm")
    shutil.copy(unsigned, copy)
    keys.sign(copy)
    data = open(copy, "rb").read()
    _, main, main_end, found = parts(data)
    shutil.copy(unsigned, copy)
    keys.sign(copy, "other")
    foreign = parts(open(copy, "rb").read())[3][268]
    good = found[268]
    sha256 = (273, 6, 1, hashlib.sha256(data[main:main_end]).hexdigest().encode() + b"\0")

    def base64(*packets):
        return (278, 8, len(packets), b"".join(b64encode(p) + b"\0" for p in packets))

    def rsa(packet):
        return (268, 7, len(packet), packet)

    for label, inside, behind, trailer, text in (
            ("tag 278 alone", [sha256, base64(good)], [], 62, None),
            ("two in tag 278, the second pinned", [sha256, base64(foreign, good)], [], 62, None),
            ("tag 278 by another key", [sha256, base64(foreign)], [], 62, "which is not pinned"),
            ("tag 278 by another key, tag 268 by the pinned one",
             [sha256, base64(foreign), rsa(good)], [], 62, None),
            ("tag 278 without base64", [sha256, (278, 8, 1, b"!!!!\0")], [], 62, "is not base64"),
            ("behind the region", [sha256], [rsa(good)], 62, None),
            ("behind the region, old trailer", [sha256], [rsa(good)], 61, None),
            ("behind the region, by another key", [sha256], [rsa(foreign)], 61, "which is not pinned"),
            ("both inside and behind", [sha256, rsa(good)], [rsa(foreign)], 61, "duplicate tag 268"),
            ("no signature", [sha256], [], 62, "is not signed")):
        with open(copy, "wb") as f:
            f.write(data[:96] + signature_header(inside, behind, trailer) + data[main:])
        result = tool("verify", copy, asc, fingerprint)
        good_result = (result.returncode == 0 and result.stdout.startswith(fingerprint)
                       if text is None else refused(result, "copy.rpm", text))
        ok(good_result, f"signature header: {label}", f"{result.returncode} {result.stderr}")


def test_identity(top, keys, package, fingerprint):
    asc = keys.path("release.asc")
    name = "qemu-user-static-s390x"
    for label, args, text in (
            ("name", ("qemu-user-static-arm", EVR, "x86_64"), "is package 'qemu-user-static-s390x'"),
            ("epoch", (name, "10.2.2-1.fc44", "x86_64"), "has version 2:10.2.2-1.fc44"),
            ("release", (name, "2:10.2.2-2.fc44", "x86_64"), "expected 2:10.2.2-2.fc44"),
            ("architecture", (name, EVR, "aarch64"), "is for x86_64, expected aarch64")):
        result = tool("verify", package, asc, fingerprint, *args)
        ok(refused(result, text), f"another {label} than asked for", result.stderr)
    build(top, "x86_64", "w.ufdio", what="-bs")
    source = os.path.join(top, "SRPMS/qemu-10.2.2-1.fc44.src.rpm")
    keys.sign(source)
    result = tool("verify", source, asc, fingerprint)
    ok(refused(result, "is a source package"), "a source package", result.stderr)


def test_splice(top, unsigned, package):
    data = open(package, "rb").read()
    end, main, _, _ = parts(data)
    signature = os.path.join(top, "qemu.sig")
    output = os.path.join(top, "spliced.rpm")
    for label, stop in (("padded", main), ("not padded", end)):
        with open(signature, "wb") as f:
            f.write(data[96:stop])
        result = tool("splice", unsigned, signature, output)
        ok(result.returncode == 0 and open(output, "rb").read() == data,
           f"unsigned build and signature header ({label}) make the signed copy", result.stderr)
    result = tool("splice", os.path.join(top, "RPMS/x86_64/qemu-user-static-arm-10.2.2-1.fc44"
                                              ".x86_64.rpm"), signature, output + ".2")
    ok(refused(result, "does not belong to package") and not os.path.exists(output + ".2"),
       "the signature header of another package", result.stderr)
    with open(signature, "wb") as f:
        f.write(b"404 not found\n" * 10)
    result = tool("splice", unsigned, signature, output)
    ok(refused(result, "qemu.sig") and open(output, "rb").read() == data,
       "no signature header at all", result.stderr)


def test_inspection(top):
    """Members that are wrong for their package."""
    rpms = os.path.join(top, "RPMS")
    result = tool("inspect", os.path.join(rpms, "x86_64/qemu-user-static-10.2.2-1.fc44.x86_64.rpm"),
                  "x86_64")
    ok(result.returncode == 0 and result.stdout == "", "the metapackage has no emulator",
       result.stderr)
    build(top, "aarch64", "w3.zstdio")
    result = tool("inspect", os.path.join(rpms, "aarch64/qemu-user-static-s390x-10.2.2-1.fc44"
                                                ".aarch64.rpm"), "aarch64")
    ok(refused(result, "usr/bin/qemu-s390x-static", "qemu-user-static-s390x-10.2.2"),
       "a member of another host", result.stderr)
    program(top, "armeb", "9.9.9")
    build(top, "x86_64", "w3.zstdio")
    arm = os.path.join(rpms, "x86_64/qemu-user-static-arm-10.2.2-1.fc44.x86_64.rpm")
    result = tool("inspect", arm, "x86_64")
    ok(refused(result, "qemu-armeb-static", "9.9.9", "10.2.2"), "a member of another version",
       result.stderr)
    program(top, "armeb", "")
    build(top, "x86_64", "w3.zstdio")
    result = tool("inspect", arm, "x86_64")
    ok(refused(result, "qemu-armeb-static", "no version after"),
       "a member that does not say its version", result.stderr)


def test_versions():
    words = ["1", "1.0", "1.0.0", "1.00", "1.a", "1a", "1.0~rc1", "1.0~", "1.0^", "1.0^git1",
             "1.0^git1~x", "10", "9", "9.2.4", "10.2.2", "010", "a", "b", "A", "1.fc43", "1.fc44",
             "1.fc44.1", "1..2", "fc", "20240101", "5.0~~", "5.0^^"]
    listing = ", ".join(f'"{word}"' for word in words)
    theirs = must("rpm", "--eval", "%{lua: w = {" + listing + "} for _, a in ipairs(w) do "
                  "for _, b in ipairs(w) do print(rpm.vercmp(a, b) .. ' ') end end}").split()
    pairs = [(a, b) for a in words for b in words]
    ours = tool("compare", *[word for pair in pairs for word in pair]).stdout.split()
    different = [f"{pair}: rpm says {order}" for pair, order, own in zip(pairs, theirs, ours)
                 if order != own]
    ok(len(theirs) == len(ours) == len(pairs) and not different, "versions compare as in rpm",
       "\n".join(different[:10]))


def main():
    missing = [t for t in TOOLS if shutil.which(t) is None]
    if missing:
        print(f"1..0 # SKIP {', '.join(missing)} not installed")
        return 0
    with tempfile.TemporaryDirectory(prefix="it_rpm.") as top:
        prepare(top)
        keys = Keys(os.path.join(top, "gnupg"))
        fingerprint = keys.fingerprint("release")
        test_compressions(top, keys, fingerprint)

        build(top, "x86_64", "w3.zstdio")
        package = os.path.join(top, "RPMS/x86_64/qemu-user-static-s390x-10.2.2-1.fc44.x86_64.rpm")
        unsigned = os.path.join(top, "unsigned.rpm")
        shutil.copy(package, unsigned)
        keys.sign(package)
        db = test_second_opinions(top, keys, package, fingerprint)
        test_tampering(top, keys, package, fingerprint, db)
        test_signatures(top, keys, unsigned, fingerprint, db)
        test_signature_headers(top, keys, unsigned, fingerprint)
        test_identity(top, keys, package, fingerprint)
        test_splice(top, unsigned, package)
        test_inspection(top)
        test_versions()
        run("gpgconf", "--kill", "gpg-agent", env=keys.env())
    return finish()


if __name__ == "__main__":
    sys.exit(main())
