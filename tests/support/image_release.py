# SPDX-License-Identifier: MIT
"""What the integration scripts about images share: TAP, a small release, and reading a layout."""

import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys
import threading
import traceback

import failed_values
import tap

BUILD = os.path.abspath(os.environ.get("BUILD_DIR", "build/debug"))
DISTRIBUTOR = os.path.abspath(os.environ.get("DISTRIBUTOR", f"{BUILD}/distributor/distributor"))
VERSION = "10.0.2-1"
local = threading.local()  # .results: where parallel() collects those of one thread


def show(good, name, lines):
    tap.result(name, good)
    for line in lines:
        print("# " + line)
    sys.stdout.flush()


def result(good, name, lines):
    if hasattr(local, "results"):
        local.results.append((good, name, lines))
    else:
        show(good, name, lines)


def ok(good, name, detail=""):
    lines = [] if good else [*failed_values.lines("good"), *str(detail).splitlines()[:20]]
    result(good, name, [line[:500] for line in lines])


def skip(name, why):
    result(True, f"{name} # SKIP {why}", [f"SKIPPED: {why}"])


def parallel(checks):
    """Runs functions in threads, most of which wait; shows their results in the given order."""
    def one(check):
        local.results = []
        try:
            check()
        except Exception:
            ok(False, f"{check.__name__} ends", traceback.format_exc())
        return local.results

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for results in pool.map(one, checks):
            for each in results:
                show(*each)


def done():
    return tap.finish()


def run(*args, cwd=None, env=None, umask=-1):
    return subprocess.run(args, cwd=cwd, env={**os.environ, **(env or {})}, text=True,
                          capture_output=True, umask=umask, timeout=120)


def fixture(path, size, *hosts):
    subprocess.run([f"{BUILD}/tests/image_fixture", path, str(size), *hosts], check=True)


def images(path, *args, out="out", **kwargs):
    return run(DISTRIBUTOR, "images", "--matrix", f"{path}/matrix.json", "--out", f"{path}/{out}",
               "--registrars", f"{path}/registrars", *args, **kwargs)


def blob(layout, digest):
    with open(f"{layout}/blobs/sha256/{digest.removeprefix('sha256:')}", "rb") as f:
        return f.read()


def document(layout, digest):
    return json.loads(blob(layout, digest))


def tags(layout):
    with open(f"{layout}/index.json") as f:
        return {m["annotations"]["org.opencontainers.image.ref.name"]: m
                for m in json.load(f)["manifests"]}


def tree(directory):
    """Every file with its content's digest."""
    found = {}
    for root, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, directory)] = hashlib.sha256(f.read()).hexdigest()
    return found
