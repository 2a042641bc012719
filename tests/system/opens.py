#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How often `release` with nothing to do opens each file: what one step has read, the next one gets.
Prints TAP."""
import collections
import os
import re
import shutil
import sys
import tempfile

import tap
from release_lib import IDENTITY, PROGRAM, Tree, environment, tool

WORK = tempfile.mkdtemp(prefix="opens-")
# LeakSanitizer and strace exclude each other.
ASAN = {"ASAN_OPTIONS": "detect_leaks=0"}
OPENED = re.compile(r"= \d+<(.*)>$")


def opens(t, *command):
    """How often each file below the tree was opened, by its path there."""
    trace = f"{WORK}/trace"
    done = tool("strace", "-f", "-qq", "-y", "-e", "trace=openat,open", "-o", trace, *command,
                cwd=t.root, env=environment(t.home, **IDENTITY, **ASAN), check=False)
    tap.ok(f"{command[1]}: succeeds", done.returncode == 0, done.stdout + done.stderr)
    found = collections.Counter()
    for line in open(trace):
        match = OPENED.search(line)
        if match and match[1].startswith(t.root + "/"):
            found[os.path.relpath(match[1], t.root)] += 1
    return done, found


def more_than(found, most):
    """Those that were opened more often than that, with how often; a file that was never seen too."""
    return {name: found[name] for name in most if not 1 <= found[name] <= most[name]}


def below(found, folder, allowed):
    return {name: n for name, n in found.items() if name.startswith(folder + "/") and n > allowed}


def test_nothing_to_do(name, t, *arguments):
    command = t.command("--target", "directory", *arguments)
    tool(*command, cwd=t.root, env=environment(t.home, **IDENTITY))
    done, found = opens(t, *command)
    tap.has(f"{name}: there is nothing to do", done.stdout, "there was nothing to do")
    most = {"matrix.json": 1, "matrix.lock.json": 1, "out/packed.json": 1}
    tap.equal(f"{name}: matrix, lock and packlist are read once", more_than(found, most), {})
    # Layers are put together anew, and compared.
    found = {n: c - 1 if re.search("_qemu-.*-static.tar.gz", n) and n.startswith("out/assets") else c
             for n, c in found.items()}
    tap.equal(f"{name}: no file of OUT/assets is read twice", below(found, "out/assets", 1), {})
    # Once to be compared, once as anybody would read it from outside, who hashes the provenance with
    # all other files and reads it then.
    found[f"out/releases/{t.tag}/provenance.sigstore.json"] -= 1
    tap.equal(f"{name}: no published file is read more than twice",
              below(found, f"out/releases/{t.tag}", 2), {})


def main():
    if not shutil.which("strace") or tool("strace", "-qq", "-o", "/dev/null", "true",
                                          check=False).returncode != 0:
        tap.skip("files are opened once", "strace is not installed, or cannot trace here")
        return
    root = os.path.realpath(WORK)
    test_nothing_to_do("without key and repository", Tree(f"{root}/trial"))
    t = Tree(f"{root}/own", hosts=("x86_64",))
    t.keygen()
    t.commit()
    test_nothing_to_do("with both", t, "--key", "home/release.pem")


try:
    main()
finally:
    shutil.rmtree(WORK)
sys.exit(tap.finish())
