#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The version of a build: the commit of its sources, whether they differ from it, and the date of the manual."""
import os
import re
import shutil
import subprocess
import tempfile

import tap

SOURCE = os.environ["SOURCE_DIR"]
PROGRAM = os.environ["DISTRIBUTOR"]
IDENTITY = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": "1700000000 +0000",
            "GIT_COMMITTER_DATE": "1700000000 +1400", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") and k != "SOURCE_DATE_EPOCH"}
work = tempfile.mkdtemp(prefix="version-")
tree = os.path.join(work, "tree")


def git(*command):
    return subprocess.run(["git", *command], cwd=tree, check=True, capture_output=True, text=True,
                          env={**ENVIRONMENT, **IDENTITY}).stdout.strip()


def header(source=tree, name="version.h", **env):
    """What a build of `source` would be called, and what cmake had to say."""
    path = os.path.join(work, name)
    done = subprocess.run(["cmake", "-D", f"SOURCE={source}", "-D", "VERSION=1.2.3", "-D", f"HEADER={path}",
                           "-P", os.path.join(SOURCE, "cmake", "Version.cmake")],
                          capture_output=True, text=True, env={**ENVIRONMENT, **env}, check=True)
    with open(path, encoding="utf-8") as file:
        return dict(re.findall(r"#define BUILD_(\w+) +(.*)", file.read())), done.stderr


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


for name in ("CMakeLists.txt", "a.c"):
    write(f"{tree}/{name}", "one\n")
os.utime(f"{tree}/CMakeLists.txt", (1600000000, 1600000000))
PLAIN = {"VERSION": '"1.2.3"', "COMMIT": "NULL", "MODIFIED": "false", "DATE": '"2020-09-13"'}
tap.equal("without a repository the version stands alone, with the date of the files", header(), (PLAIN, ""))
tap.equal("... or the one that packagers set", header(SOURCE_DATE_EPOCH="1500000000")[0],
          {**PLAIN, "DATE": '"2017-07-14"'})
git("init", "-q", ".")
tap.has("a repository without a commit is said", header()[1], "the version names no commit")
tap.equal("... and names none", header()[0]["COMMIT"], "NULL")
git("add", ".")
git("commit", "-q", "-m", "one")
commit = git("rev-parse", "HEAD")
CLEAN = {"VERSION": '"1.2.3"', "COMMIT": f'"{commit}"', "MODIFIED": "false", "DATE": '"2023-11-14"'}
tap.equal("a commit, and its date in UTC", header(), (CLEAN, ""))
tap.equal("... whatever the time zone and SOURCE_DATE_EPOCH", header(TZ="Asia/Tokyo", SOURCE_DATE_EPOCH="1")[0], CLEAN)
other = os.path.join(work, "other")
subprocess.run(["git", "clone", "-q", tree, other], check=True, env={**ENVIRONMENT, **IDENTITY})
tap.equal("another place says the same", header(other)[0], CLEAN)
tap.equal("the environment of a hook of another repository is not followed",
          header(GIT_DIR=f"{work}/nowhere", GIT_WORK_TREE="/", GIT_INDEX_FILE="/dev/null")[0], CLEAN)
before = os.stat(f"{work}/version.h").st_mtime_ns
header()
tap.equal("a header that stays the same is not written", os.stat(f"{work}/version.h").st_mtime_ns, before)
write(f"{tree}/new.c", "x")
tap.equal("a file that git does not know is not a modification", header()[0], CLEAN)
os.utime(f"{tree}/a.c", (1, 1))
tap.equal("nor is another time", header()[0], CLEAN)
write(f"{tree}/a.c", "two\n")
tap.equal("other content is", header()[0], {**CLEAN, "MODIFIED": "true"})
git("add", "a.c")
tap.equal("... also where it was added", header()[0], {**CLEAN, "MODIFIED": "true"})
# A release tarball that somebody unpacks below a repository of their own.
inner = os.path.join(tree, "vendor", "distributor")
write(f"{inner}/CMakeLists.txt", "x")
os.utime(f"{inner}/CMakeLists.txt", (1600000000, 1600000000))
tap.equal("the repository around a tarball is not its own", header(inner), (PLAIN, ""))
os.rename(f"{tree}/.git/HEAD", f"{tree}/.git/HEAD.away")
found, said = header()
tap.ok("a repository that cannot be read is said, and no commit is made up",
       found["COMMIT"] == "NULL" and found["MODIFIED"] == "false" and "the version names no commit" in said, found, said)

# The program of this build
said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
tap.ok("--version: version, commit, modified", re.fullmatch(
    r"distributor \d+\.\d+\.\d+( \(commit [0-9a-f]{40}(, modified)?\))?", said), said)
manual = os.path.join(os.environ["BUILD_DIR"], "distributor", "manual", "man1", "distributor.1")
with open(manual, encoding="utf-8") as file:
    title = file.readline()
tap.ok("the manual has the version and a date",
       re.fullmatch(r'\.TH DISTRIBUTOR 1 \d{4}-\d\d-\d\d "distributor \d+\.\d+\.\d+" "User Commands"\n', title), title)
shutil.rmtree(work)
tap.done()
