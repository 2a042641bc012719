#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Releases that earlier versions made verify for ever: tests/data/release-N is one of format N of release.json, as it
was signed by the program of its day. It is never made again; a new format gets a directory more."""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

import tap
from sign_lib import SOURCE, read, run, write

DATA = os.path.join(SOURCE, "tests", "data")
work = tempfile.mkdtemp(prefix="older-")
here = run("--version").splitlines()[0].removeprefix("distributor ")
with open(os.path.join(SOURCE, "distributor", "documents", "release.h"), encoding="utf-8") as f:
    newest = int(re.search(r"^#define RELEASE_FORMAT (\d+)$", f.read(), re.M).group(1))
kept = sorted(os.path.basename(p) for p in glob.glob(f"{DATA}/release-*"))
tap.equal("there is a release of each format", kept, [f"release-{n}" for n in range(newest + 1)])


def verify(where, *options, status=0):
    """The result of `verify --json` and what it said beside it."""
    done = subprocess.run([os.environ["DISTRIBUTOR"], "verify", "--keys", f"{where}/keys", "--json", *options,
                           f"{where}/files"], capture_output=True, text=True, timeout=120)
    tap.equal(f"exit status {status}: {os.path.relpath(where, DATA if where.startswith(DATA) else work)} {options}",
              done.returncode, status)
    return json.loads(done.stdout), done.stderr


for name in kept:
    where = os.path.join(DATA, name)
    page = glob.glob(f"{where}/files/*.release.json")[0]
    document = json.loads(read(page))
    number = int(name.removeprefix("release-"))
    tap.equal(f"{name}: is of its format", document.get("format", 0), number)
    result, said = verify(where, "--tag", document["tag"])
    # Whether a root key was pinned is about the verifier, not about the release.
    tap.equal("... is verified, by each check",
              ({c["check"]: c["status"] for c in result["checks"] if c["check"] != "keys"}, result["tag"]),
              (dict.fromkeys(("signature", "minisign", "version", "files", "names", "provenance"), "ok"), document["tag"]))
    tap.equal("... is said to be of another version where it is",
              f"{document['tag']} was built by a different version: distributor {result['made_by']}; this is {here}" in said,
              result["made_by"] != here)
    tool = document.get("tool", {"version": document.get("distributor"), "commit": None})
    tap.ok("... which is that of its document", result["made_by"].startswith(tool["version"]) and
           (tool["commit"] or "") in result["made_by"], result["made_by"], tool)
    for path in sorted(glob.glob(f"{where}/files/*")):
        copy = os.path.join(work, name)
        shutil.copytree(where, copy)
        data = bytearray(read(path))
        data[len(data) // 2] ^= 1
        write(f"{copy}/files/{os.path.basename(path)}", bytes(data))
        done = subprocess.run([os.environ["DISTRIBUTOR"], "verify", "--keys", f"{copy}/keys", f"{copy}/files"],
                              capture_output=True, text=True, timeout=120)
        tap.ok(f"{name}: one bit of {os.path.basename(path)} is noticed", done.returncode in (3, 4),
               done.returncode, done.stdout, done.stderr)
        shutil.rmtree(copy)
shutil.rmtree(work)
tap.done()
