# SPDX-License-Identifier: MIT
"""A whole small release for the tests of `release` and `reproduce`: packages, matrix, lock, cache,
keys, a git repository, registrars. Nothing of it needs a network or a compiler."""
import hashlib
import json
import os
import subprocess

import deb_release

PROGRAM = os.environ["DISTRIBUTOR"]
MACHINE = {"x86_64": 62, "aarch64": 183, "riscv64": 243}
DEBIAN = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64"}
TARGETS = ["aarch64", "arm", "s390x", "x86_64"]
IDENTITY = {"GIT_AUTHOR_NAME": "Release Bot", "GIT_AUTHOR_EMAIL": "release@example.org",
            "GIT_COMMITTER_NAME": "Release Bot", "GIT_COMMITTER_EMAIL": "release@example.org",
            "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
# What a workflow run would set, and keys: none of it may leak into a test from outside.
FOREIGN = ["SOURCE_DATE_EPOCH", "DISTRIBUTOR_KEY", "DISTRIBUTOR_KEY_PASSPHRASE", "GITHUB_TOKEN",
           "GITHUB_REF_TYPE", "GITHUB_REF_NAME", "GITHUB_API_URL", "GITHUB_REPOSITORY",
           "GITHUB_STEP_SUMMARY", "GITHUB_SERVER_URL", "GITHUB_WORKFLOW_REF", "GITHUB_RUN_ID"]


def environment(home, **more):
    base = {k: v for k, v in os.environ.items() if k not in FOREIGN}
    return {**base, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_RUNTIME_DIR": home,
            "XDG_CACHE_HOME": home, "DOCKER_CONFIG": home, "REGISTRY_AUTH_FILE": "", **more}


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def tree(root, ignore=()):
    """Every file below with its digest, every link with its end; locks left out."""
    found = {}
    for folder, directories, names in os.walk(root):
        directories[:] = [d for d in directories if d not in ignore]
        for name in names + [d for d in directories if os.path.islink(os.path.join(folder, d))]:
            path = os.path.join(folder, name)
            if name.endswith(".lock") or name in ignore:
                continue
            found[os.path.relpath(path, root)] = \
                os.readlink(path) if os.path.islink(path) else sha256(path)
    return found


def tool(*command, check=True, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done


class Tree:
    """What a maintainer has: a folder with matrix, lock and public keys in git, and a key."""

    def __init__(self, root, hosts=("x86_64", "aarch64"), targets=TARGETS, size=40000,
                 version="1:8.1.0+ds-1", edit=None, seed=1):
        self.root, self.hosts = str(root), list(hosts)
        self.home = os.path.join(self.root, "home")
        os.makedirs(self.home)
        self.debs = {}
        for host in self.hosts:
            self.debs[host] = self._deb(host, targets, size, version, seed)
        self.write(edit)

    def _deb(self, host, targets, size, version, seed):
        programs = {}
        for i, t in enumerate(targets):
            body = bytearray(deb_release.make_elf(MACHINE[host], size + 1000 * i, seed * 100 + i))
            number = version.split(":")[-1].split("+")[0]
            says = f"qemu-{t} version {number} (Debian {version})\n\0".encode()
            body[200:200 + len(says)] = says
            programs[t] = bytes(body)
        return deb_release.make_deb(f"{self.root}/{host}.deb", DEBIAN[host], programs, version)

    def write(self, edit=None):
        """Matrix and lock of the packages; `edit` may change both before they are written."""
        matrix, lock = deb_release.write(self.root, self.debs)
        matrix["repository"] = {"github": "example/qemu-user-static"}
        if edit:
            edit(matrix, lock)
        self.version = matrix["version"]
        self.tag = "v" + self.version
        for name, document in (("matrix", matrix), ("matrix.lock", lock)):
            with open(f"{self.root}/{name}.json", "w") as f:
                json.dump(document, f, indent=2)
        folder = f"{self.root}/registrars"
        os.makedirs(folder, exist_ok=True)
        for host in self.hosts:
            with open(f"{folder}/register-{host}", "wb") as f:
                f.write(deb_release.make_elf(MACHINE[host], 9000, 7))
            os.chmod(f.name, 0o755)

    def keygen(self):
        self.run("keygen", "--no-passphrase", "--principal", "release@example.org", "--keys",
                 "keys", "home/release.pem")

    def git(self, *command, **options):
        return tool("git", *command, cwd=self.root,
                    env=environment(self.home, **IDENTITY), **options)

    def commit(self, message="A release"):
        if not os.path.isdir(f"{self.root}/.git"):
            self.git("init", "-q", "-b", "main", ".")
            with open(f"{self.root}/.gitignore", "w") as f:
                f.write("/out*/\n/kept/\n/alone/\n/other/\n/home/\n/cache/\n*.deb\n/registrars/\n/www*/\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def command(self, *arguments, out="out", registrars=True):
        shared = ["--matrix", "matrix.json", "--cache", "cache", "--out", out]
        if registrars:
            shared += ["--registrars", "registrars"]
        return [PROGRAM, "release", *shared, *arguments]

    def run(self, *arguments, env=None, status=None, **options):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                              cwd=self.root, stdin=subprocess.DEVNULL, timeout=120,
                              env=environment(self.home, **(env or {})), **options)
        if status is not None and done.returncode != status:
            raise AssertionError(f"{arguments}: exit {done.returncode}, not {status}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def release(self, *arguments, out="out", registrars=True, **options):
        return self.run(*self.command(*arguments, out=out, registrars=registrars)[1:], **options)

    def path(self, *parts):
        return os.path.join(self.root, *parts)
