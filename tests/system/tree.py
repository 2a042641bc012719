#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a reader relies on: files include each other in one direction."""
import os
import re

import tap

SOURCE = os.environ["SOURCE_DIR"]
FOLDERS = ("base", "distributor", "images", "matrix", "model", "net", "pack", "publish", "register", "sign", "sources")


def sources():
    """The path of each file below the top of the tree, and its text."""
    for folder in FOLDERS:
        for directory, _, names in os.walk(os.path.join(SOURCE, folder)):
            for name in names:
                if name.endswith((".c", ".h")):
                    path = os.path.join(directory, name)
                    with open(path, encoding="utf-8") as file:
                        yield os.path.relpath(path, SOURCE), file.read()


def unit(path):
    """A module is x.c and x.h."""
    return path.rsplit(".", 1)[0]


def circles(texts):
    """Groups of modules that include each other, each as one line."""
    uses = {}
    for path, text in texts.items():
        mine = uses.setdefault(unit(path), set())
        for name in re.findall(r'^#include "([^"]+)"', text, re.M):
            # What the sources of x share lies in x_internal.h, on top of what x.h shows to all.
            if name in texts and unit(name) not in (unit(path), unit(path).removesuffix("_internal")):
                mine.add(unit(name))
    reach = {}
    for start in uses:
        seen, todo = set(), list(uses[start])
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += uses.get(at, ())
        reach[start] = seen
    groups = {frozenset(b for b in reach if a in reach[b] and b in reach[a]) for a in reach if a in reach[a]}
    return sorted(" <-> ".join(sorted(group)) for group in groups)


texts = dict(sources())
tap.ok("there is something to look at", len(texts) > 300, len(texts))
tap.equal("no files include each other in a circle", circles(texts), [])
tap.done()
