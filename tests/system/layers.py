#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An include against the order of docs/design.md does not compile: each room tries a header of every
room that it may not see, with the flags that its own sources are compiled with. Prints TAP."""
import json
import os
import shlex
import subprocess
import sys

import tap

SOURCE, BUILD = os.environ["SOURCE_DIR"], os.environ["BUILD_DIR"]

# From the lowest row to the highest; a room sees the rows below its own, and itself.
ROWS = [
    ["base"],
    ["model"],
    ["pack", "net"],
    ["images", "publish", "sources", "sign/check", "matrix"],
    ["distributor/documents", "distributor/workspace"],
    ["distributor/verify"],
    ["distributor/steps", "distributor/acceptance", "distributor/cli"],
    ["distributor/commands"],
]
# sign/make, the secret keys: for what makes a release alone.
SIGNS = "sign/make"
ALSO = {SIGNS: ["base", "model", "pack", "net", "sign/check"]}
SEES_SIGNS = ["distributor/steps", "distributor/commands"]


def headers(room):
    """All of a room that is a folder by itself, and of the folders in it that are no rooms."""
    rooms = {r for row in ROWS for r in row} | {SIGNS}
    found = []
    for directory, folders, files in os.walk(os.path.join(SOURCE, room)):
        folders[:] = [f for f in folders if os.path.relpath(os.path.join(directory, f), SOURCE) not in rooms]
        found += [os.path.relpath(os.path.join(directory, f), SOURCE) for f in files if f.endswith(".h")]
    return sorted(found)


def flags_of_rooms():
    """The compiler with the flags of one source of each room, without the file itself."""
    with open(os.path.join(BUILD, "compile_commands.json")) as f:
        commands = json.load(f)
    flags = {}
    for entry in sorted(commands, key=lambda e: e["file"]):
        directory = os.path.dirname(os.path.relpath(entry["file"], SOURCE))
        words = shlex.split(entry["command"])
        cut = next(i for i, word in enumerate(words) if word in ("-o", "-MD", "-c"))
        words = [w for w in words[:cut] if os.path.basename(w) != "ccache"]
        while directory:
            flags.setdefault(directory, (words, entry["directory"]))
            directory = os.path.dirname(directory)
    return flags


def included(flags, header):
    """None where the compiler finds the header, else what it says."""
    words, directory = flags
    done = subprocess.run([*words, "-fsyntax-only", "-x", "c", "-"], cwd=directory, text=True,
                          input=f'#include "{header}"\n', capture_output=True)
    missing = "No such file" in done.stderr or "file not found" in done.stderr
    return done.stderr if missing else None


def main():
    flags = flags_of_rooms()
    rooms = [r for row in ROWS for r in row] + [SIGNS]
    below = {}
    for i, row in enumerate(ROWS):
        for room in row:
            below[room] = {r for lower in ROWS[:i] for r in lower} | {room}
    below[SIGNS] = {SIGNS, *ALSO[SIGNS]}
    for room in SEES_SIGNS:
        below[room].add(SIGNS)
    for room in rooms:
        seen = [h for other in rooms if other not in below[room]
                for h in headers(other)[:1] if included(flags[room], h) is None]
        tap.equal(f"{room}: sees no header of the rooms beside or above it", seen, [])
        own = headers(room)[0]
        tap.equal(f"{room}: sees its own headers", included(flags[room], own), None)
    known = set(rooms) | {"register", "tests", "bench", "docs", "cmake", "build", "keys", "out"}
    unknown = [d for d in sorted(flags) if "/" not in d and d not in known and d not in {r.split("/")[0] for r in rooms}]
    tap.equal("each folder with sources has its row", unknown, [])
    tap.done()


sys.exit(main())
