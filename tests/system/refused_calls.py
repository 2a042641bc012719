#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each call of a command on one of its files fails, one at a time: what the program makes of it.

faults.py tries any fault; here the place is chosen, and what is said is compared as well. An error that
somebody forgets to look at shows as exit status 0 or as another error than the one that came. Prints TAP.

usage: refused_calls.py [COMMAND]...    these commands alone
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(os.environ["BUILD_DIR"])
os.environ["PROGRAM"] = os.environ["DISTRIBUTOR"]
import faults  # noqa: E402
import tap  # noqa: E402
from release_lib import environment  # noqa: E402

REFUSE = os.path.join(BUILD, "tests", "refuse_tool")
ERRORS = {"openat": "EACCES", "mkdir": "ENOSPC", "write": "ENOSPC", "rename": "ENOSPC", "fsync": "ENOSPC"}
SAID = {"EACCES": "Permission denied", "EIO": "Input/output error", "ENOSPC": "No space left on device"}
# libarchive's and libcurl's words for whatever came.
BY_LIBRARIES = r"Can't stat fd \d|Error reading fd \d|cannot read (all of )?'file://"
# refuse_tool's exit status. A command may come to look at a file less often.
NEVER_MADE = 124
# A file system on which bytes are copied by hand.
BY_HAND = (REFUSE, "copy_file_range", "EXDEV")

# The command, the file, and for each kind of call the exit status when the first, second, ... of them fails. 1 comes
# with that error's text, and each file is as before or complete; 0 comes with the complete result: what is
# looked at there is for tidying up, or to save work.
PLAN = [
    ("lock", "*SHA256SUMS", "openat:11 pread64:11"),
    ("lock", "*aarch64.deb", "openat:11111 newfstatat:11 pread64:11 read:11"),
    ("lock", "cache/partial", "mkdir:1"),
    ("lock", "matrix.lock.json", "openat:11"),
    ("lock", "*.matrix.lock.json.*.tmp", "openat:1 fchmod:1 fsync:1 write:1 rename:1 unlink:0"),
    ("fetch", "aarch64.deb", "openat:1 newfstatat:0 read:10"),
    ("fetch", "cache/partial/*", "openat:1 flock:1 ftruncate:1 rename:1"),
    ("fetch", "cache/sha256/*", "openat:11 fchmod:1 newfstatat:10"),
    ("fetch", "matrix.lock.json", "openat:1 newfstatat:1 pread64:1"),
    ("tarballs", "cache/sha256/*", "openat:111 newfstatat:111 pread64:11 read:10"),
    ("tarballs", "out", "mkdir:11 newfstatat:10 getdents64:0"),
    ("tarballs", "out/.lock", "openat:1 flock:1"),
    ("tarballs", "out/.assets.json.*.tmp", "openat:1 write:1 rename:1"),
    ("tarballs", "out/.packed.json.*.tmp", "openat:11 write:11 rename:11"),
    ("tarballs", "out/assets", "openat:01 getdents64:0011"),
    ("tarballs", "out/assets/.aarch64_qemu-arm-static.tar.gz.*.tmp", "openat:1 fchmod:1 write:111 rename:1"),
    ("tarballs", "out/assets/.qemu-arm-static.tar.gz.link.tmp", "rename:1 unlink:0"),
    ("tarballs", "out/assets/.qemu-arm-static.*.tmp", "openat:1 write:1 rename:11"),
    ("images", "out/.images.lock", "openat:1 flock:1"),
    ("images", "out/assets/aarch64_qemu-arm-static.tar.gz", "openat:1 newfstatat:1 pread64:111"),
    ("images", "out/images", "mkdir:1"),
    ("images", "out/images/blobs", "mkdir:1"),
    ("images", "out/images/blobs/sha256", "mkdir:1 openat:0 getdents64:0"),
    ("images", "out/images/blobs/sha256/.blob.*.tmp", "openat:1 write:111 rename:1"),
    ("images", "out/images/blobs/sha256/*", "openat:11"),
    ("images", "out/images/.index.json.*.tmp", "openat:1 write:1 rename:1"),
    ("images", "out/images/.oci-layout.*.tmp", "openat:1 write:1"),
    ("images", "out/images/index.json", "openat:11 pread64:1"),
    ("images", "registrars/register-aarch64", "openat:1 newfstatat:11 pread64:1"),
    ("keygen", "home/.new.pem.*.tmp", "openat:1 fchmod:1 fsync:1 write:1 link:1 unlink:0"),
    ("keygen", "home", "openat:1 fsync:1"),
    ("keygen", "new", "mkdir:11 newfstatat:1"),
    ("keygen", "new/.allowed_signers.*.tmp", "openat:11 write:1 rename:1"),
    ("keygen", "new/.release.pub.*.tmp", "openat:1 rename:1"),
    ("keygen", "new/.minisign.pub.*.tmp", "openat:1 rename:1"),
    ("keygen", "new/..gitattributes.*.tmp", "openat:1 rename:1"),
    ("keygen", "new/allowed_signers.sig", "unlink:1"),
    ("keygen", "new/revoked_keys.sig", "unlink:1"),
    ("sign", "home/release.pem", "openat:1 newfstatat:1 read:11"),
    ("sign", "keys/release.pub", "openat:1 newfstatat:1 pread64:1"),
    ("sign", "out/assets", "openat:011 getdents64:0011"),
    ("sign", "out/assets.json", "openat:1 pread64:1"),
    ("sign", "out/assets/SHA256SUMS", "openat:0"),
    ("sign", "out/assets/SHA256SUMS.sig", "openat:10"),
    ("sign", "out/assets/qemu-arm-static", "openat:1 newfstatat:010 pread64:11"),
    ("sign", "out/assets/.SHA256SUMS.*.tmp", "openat:111 write:111 rename:111"),
    ("sign", "out/assets/.provenance.sigstore.json.*.tmp", "openat:1 write:1 rename:1"),
    ("sign", "out/assets/.qemu-user-static-*.release.json.*.tmp", "openat:1 rename:1"),
    ("sign", "out/images", "mkdir:1 newfstatat:10"),
    ("sign", "out/images/index.json", "openat:11 newfstatat:111"),
    ("sign", "out/images/oci-layout", "openat:1 pread64:1"),
    ("sign", "out/images/blobs/sha256/*", "openat:111 newfstatat:11"),
    ("sign", "out/images/blobs/sha256/.*.tmp", "write:111 rename:1"),
    ("sign", "out/images/.index.json.*.tmp", "openat:1 rename:1"),
    ("tag", "home/release.pem", "openat:1 read:1"),
    ("tag", "keys/allowed_signers", "openat:1 pread64:1"),
    ("tag", "matrix.json", "openat:11 pread64:11"),
    ("publish", "keys/allowed_signers", "openat:1 pread64:1"),
    ("publish", "out/assets", "openat:1 getdents64:1"),
    ("publish", "out/assets/SHA256SUMS", "openat:11111 newfstatat:01000 copy_file_range:1"),
    ("publish", "out/assets/SHA256SUMS.sig", "openat:1111"),
    ("publish", "out/assets/provenance.sigstore.json", "openat:1111"),
    ("publish", "www", "mkdir:11 newfstatat:11"),
    ("publish", "www/.lock", "openat:11 flock:11"),
    ("publish", "www/.v8.1.0-1.incomplete", "mkdir:1 openat:111 newfstatat:11 rename:1"),
    ("publish", "www/.v8.1.0-1.incomplete/.SHA256SUMS.sig.*.tmp", "openat:1 rename:1"),
    ("publish", "www/.v8.1.0-1.incomplete/.SHA256SUMS.sig.*.tmp", "write:1", BY_HAND),
    ("publish", "out/assets/SHA256SUMS.sig", "read:1", BY_HAND),
    ("publish", "www/.v8.1.0-1.incomplete/SHA256SUMS.sig", "openat:1111 pread64:11"),
    ("publish", "www/.v8.1.0-1.md.*.tmp", "openat:1 write:1 rename:1"),
    ("publish", "www/.latest.v8.1.0-1", "symlink:1 rename:1"),
    ("publish", "www/latest", "readlink:111"),
    ("publish", "www/v8.1.0-1", "openat:1 newfstatat:111"),
    ("publish", "www/v8.1.0-1/SHA256SUMS.sig", "openat:1"),
    ("verify", "keys/allowed_signers", "openat:1 newfstatat:1 pread64:1"),
    ("verify", "keys/revoked_keys", "openat:1"),
    ("verify", "keys/root_signers", "openat:1"),
    ("verify", "out/assets", "openat:1 newfstatat:11 getdents64:11"),
    ("verify", "out/assets/SHA256SUMS", "openat:1 newfstatat:11 pread64:1"),
    ("verify", "out/assets/SHA256SUMS.sig", "openat:1 newfstatat:1 pread64:1"),
    ("verify", "out/assets/qemu-arm-static.tar.gz", "openat:1 newfstatat:01 pread64:1"),
    ("verify", "out/assets/provenance.sigstore.json", "openat:11 newfstatat:01"),
    ("assemble", "p_aarch64", "openat:1 getdents64:1"),
    ("assemble", "p_aarch64/assets", "openat:1 newfstatat:11"),
    ("assemble", "p_aarch64/assets.json", "openat:1 newfstatat:11"),
    ("assemble", "p_aarch64/packed.json", "openat:1 pread64:1"),
    ("assemble", "p_aarch64/assets/aarch64_qemu-arm-static.tar.gz", "openat:11 newfstatat:111 pread64:11 link:0"),
    ("assemble", "p_aarch64/images", "openat:11"),
    ("assemble", "p_aarch64/images/index.json", "openat:1 pread64:1"),
    ("assemble", "p_aarch64/images/blobs/sha256/*", "openat:11 pread64:1"),
    ("assemble", "joined", "mkdir:111"),
    ("assemble", "joined/images", "mkdir:1"),
    ("assemble", "joined/images/blobs", "mkdir:1"),
    ("assemble", "joined/images/.oci-layout.*.tmp", "openat:1"),
    ("assemble", "joined/images/blobs/sha256/.*.tmp", "openat:11 rename:1"),
    ("assemble", "joined/.assets.json.*.tmp", "openat:1 rename:1"),
    ("assemble", "joined/assets/.qemu-arm-static.link.tmp", "rename:1 unlink:0"),
    ("assemble", "registrars/register-aarch64", "openat:1"),
]


class Refused(faults.Case):
    """A command that is known by its files alone."""

    def learn(self, folder):
        return self.run(self.tree.root)


def refuse(case, place, call, error, number, before):
    """What is wrong, or None."""
    root = os.path.join(tempfile.mkdtemp(dir=os.path.dirname(case.base)), "tree")
    shutil.copytree(case.base, root, symlinks=True)
    try:
        done = case.run(root, *before, REFUSE, call, error, str(number), f"{root}/{place}")
        files = faults.snapshot(root)
        if done.returncode == 0:
            return done.returncode, [f"another result: {path}" for path in faults.same(case, files)[:5]]
        wrong = []
        if not re.search(f"{SAID[error]}|{BY_LIBRARIES}", done.stdout + done.stderr):
            wrong.append(f"'{SAID[error]}' is not told")
        try:
            faults.check_files(case, files)
        except faults.Violation as violation:
            wrong.append(str(violation))
        return done.returncode, wrong + [done.stdout, done.stderr] if wrong else []
    finally:
        shutil.rmtree(os.path.dirname(root))


def check(case, place, plan, before=()):
    wrong = []
    for call, statuses in re.findall(r"(\w+):(\d+)", plan):
        error = ERRORS.get(call, "EIO")
        for number, status in enumerate(map(int, statuses), 1):
            got, details = refuse(case, place, call, error, number, before)
            if got == NEVER_MADE and number > 1:
                break
            if got != status or details:
                wrong += [f"{call} {number}: exit status {got}, not {status}" if got != status else f"{call} {number}",
                          *details]
    tap.ok(f"{case.name}: {'by hand ' if before else ''}{place} {plan}", not wrong, *wrong)


def main():
    probe = subprocess.run([REFUSE, "openat", "EACCES", "1", "/dev/full", "cat", "/dev/full"], capture_output=True,
                           text=True, check=False)
    if SAID["EACCES"] not in probe.stderr:
        tap.skip("calls that fail", f"no call can be refused here: {probe.stderr.strip()}")
        return
    folder = tempfile.mkdtemp(prefix="refused-")
    try:
        cases = faults.make_cases(folder, list(faults.COMMANDS), Refused)
        for name, *row in PLAN:
            if not sys.argv[1:] or name in sys.argv[1:]:
                check(cases[name], *row)
    finally:
        shutil.rmtree(folder)


main()
tap.done()
