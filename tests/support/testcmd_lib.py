# SPDX-License-Identifier: MIT
"""A release with real emulators for the tests of `distributor test`: few targets, several hosts."""
import json
import os
import re
import shutil
import subprocess

import deb_release
import debian
import register_lib

MACHINE = register_lib.HOST
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64", "s390x": "s390x"}
# This machine, and two others: one of them is big endian.
HOSTS = [MACHINE] + [h for h in ("aarch64", "s390x", "x86_64") if h != MACHINE][:2]
TARGETS = sorted({"aarch64", "arm", "s390x"} | set(HOSTS))
DISTRIBUTOR = os.environ["DISTRIBUTOR"]


# Debian 13's where its mirrors are sure to have them; Debian 12's for the big-endian one, which makes
# it a release with two versions.
PACKAGES = {"x86_64": ("trixie", "qemu-user", ""), "aarch64": ("trixie", "qemu-user", ""),
            "s390x": ("bookworm", "qemu-user-static", "-static")}


def emulator(host, target):
    """The program of Debian."""
    suite, package, suffix = PACKAGES[host]
    return os.path.join(debian.package(suite, DEBIAN[host], package),
                        f"usr/bin/qemu-{target}{suffix}")


def package_version(host=MACHINE):
    """Of the package, as the emulators in it say it."""
    with open(emulator(host, "arm"), "rb") as f:
        said = re.search(rb"qemu-arm version [0-9.]+ \(Debian ([^)]*)\)", f.read())
    return said.group(1).decode()


class Release:
    """DIRECTORY/matrix.json, its lock and cache; out/ is what `tarballs` and `images` make."""

    def __init__(self, directory, hosts=HOSTS, version=None):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        debs = {h: deb_release.make_deb(f"{directory}/{h}.deb", DEBIAN[h], self.programs(h),
                                        version=version or package_version(h), compressor="none")
                for h in hosts}
        matrix, lock = deb_release.write(directory, debs)
        for package in lock["packages"]:
            if package["qemu_version"] + "-1" != lock["version"]:
                matrix["hosts"][package["host"]]["version"] = package["qemu_version"]
        with open(f"{directory}/matrix.json", "w") as f:
            json.dump(matrix, f)

    def programs(self, host):
        """Of each target, its emulator."""
        result = {}
        for target in TARGETS:
            with open(emulator(host, target), "rb") as f:
                result[target] = f.read()
        return result

    def command(self, name, *options, out=None, program=DISTRIBUTOR):
        return [program, name, "--matrix", f"{self.directory}/matrix.json", "--out",
                out or f"{self.directory}/out", *options]

    def run(self, name, *options, env=None, prefix=(), timeout=200, **how):
        """`prefix` stands before the command; `env` is added to the environment."""
        return register_lib.Result(subprocess.run(
            [*prefix, *self.command(name, *options, **how)], text=True, capture_output=True,
            errors="replace", stdin=subprocess.DEVNULL, timeout=timeout,
            env=dict(os.environ, **(env or {}))))

    def cases(self, *options, **how):
        """`test --json`: the result, and its cases as {(host, kind, target): case}."""
        result = self.run("test", "--json", *options, **how)
        report = json.loads(result.out) if result.out else {"hosts": []}
        return result, report, {(h["host"], c["kind"], c.get("target")): c
                                for h in report["hosts"] for c in h["cases"]}

    def copy_out(self, name):
        """OUT again, to be damaged."""
        path = f"{self.directory}/{name}"
        shutil.copytree(f"{self.directory}/out", path, copy_function=os.link)
        return path


def replace(path, data):
    """Another content under a name; other links to the file keep theirs."""
    os.unlink(path)
    with open(path, "wb") as f:
        f.write(data)
