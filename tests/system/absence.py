#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What cannot be looked at is not missing: one error of the machine at one file, put in by strace, ends
each command with status 1, that file's name, and everything as it was. Prints TAP."""
import os
import shutil
import subprocess
import tempfile

import tap
from sign_lib import PROGRAM, Release, run, tool, write

TRACE = ("strace", "-f", "-qq", "-o", "/dev/null")
LOOK = "newfstatat,lstat,stat,access,faccessat,faccessat2,statx"
if not shutil.which("strace") or tool(*TRACE, "true", check=False).returncode != 0:
    tap.skip("files that cannot be looked at", "strace is not installed, or cannot trace here")
    tap.done()

work = tempfile.mkdtemp(prefix="absence-")
release = Release(f"{work}/release")
release.keygen()
root = release.root
SHARED = ("--matrix", "matrix.json", "--keys", "keys")
run("keygen", "--root", "--no-passphrase", "--principal", "root@example.org", "--keys", "keys", "root.pem", cwd=root)
run("key", "--endorse", "--key", "root.pem", "--keys", "keys", cwd=root)
run("sign", *SHARED, "--key", "release.pem", cwd=root)
run("publish", *SHARED, "--target", "directory", f"{root}/web", cwd=root)
run("keygen", "--no-passphrase", "--keys", "elsewhere", "gone.pem", cwd=root)
os.makedirs(f"{root}/loose/assets")
write(f"{root}/loose/assets/SHA256SUMS", "")


def contents():
    found = {}
    for folder, _, names in os.walk(root):
        for path in (os.path.join(folder, n) for n in names if not n.endswith(".lock")):
            with open(path, "rb") as f:
                found[path] = f.read()
    return found


# The command, the file, the calls that fail there.
PLAN = [
    ("key --endorse", ("key", "--endorse", "--key", "root.pem", "--keys", "keys"), "keys/root_signers", LOOK),
    ("keygen", ("keygen", "--no-passphrase", "--keys", "keys", "new.pem"), "keys/root_signers", LOOK),
    ("key --revoke", ("key", "--revoke", "elsewhere/release.pub", "--keys", "keys"), "keys/root_signers", LOOK),
    ("key --retire", ("key", "--retire", "keys/release.pub", "--last", "v10.1.0-1", "--keys", "keys"),
     "keys/root_signers", LOOK),
    ("sign", ("sign", *SHARED, "--key", "release.pem"), "out/assets/provenance.sigstore.json", "openat"),
    ("sign", ("sign", *SHARED, "--key", "release.pem"), "out/assets/SHA256SUMS.sig", "openat"),
    ("sign", ("sign", *SHARED, "--key", "release.pem"), "out/assets/SHA256SUMS.minisig", "openat"),
    ("verify DIR", ("verify", "--keys", "keys", "out/assets"), "out/assets", LOOK),
    ("verify OUT", ("verify", "--keys", "keys", "loose"), "loose/SHA256SUMS", LOOK),
    ("verify FILE", ("verify", "--keys", "keys", "out/assets/SHA256SUMS"), "out/assets/SHA256SUMS", LOOK),
    ("publish", ("publish", *SHARED, "--target", "directory", f"{root}/web"), f"{root}/web/latest", "readlink,readlinkat"),
    ("test", ("test", "--matrix", "matrix.json"), "out/assets/x86_64_qemu-aarch64-static.tar.gz", LOOK),
    ("reproduce", ("reproduce", "--matrix", "matrix.json", "out"), "out/images", LOOK),
    ("reproduce", ("reproduce", "--matrix", "matrix.json", "out"), "out/assets", LOOK),
    ("reproduce", ("reproduce", "--matrix", "matrix.json", "out"), "out", LOOK),
    ("release", ("release", *SHARED, "--target", "directory", f"{root}/web"), "keys/allowed_signers", LOOK),
    ("images --from-release", ("images", "--matrix", "matrix.json", "--from-release", "web/v10.1.0-1"), "web/v10.1.0-1", LOOK),
]

for name, command, path, calls in PLAN:
    before = contents()
    calls = ",".join("?" + call for call in calls.split(","))
    done = subprocess.run([*TRACE, "-P", path, "-e", f"inject={calls}:error=EIO", PROGRAM, *command], cwd=root,
                          capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    tap.ok(f"{name}: {os.path.basename(path)} cannot be looked at", done.returncode == 1 and
           os.path.basename(path) in done.stderr + done.stdout, done.returncode, done.stdout, done.stderr)
    after = contents()
    tap.equal("... and all is as it was", sorted(k for k in {**before, **after} if before.get(k) != after.get(k)), [])
shutil.rmtree(work)
tap.done()
