# SPDX-License-Identifier: MIT
"""Real packages of Debian for the tests, through apt-get, without a change to this machine's apt.

They are kept in build/downloads, shared by all build directories, and fetched once.
"""
import contextlib
import fcntl
import glob
import os
import shutil
import subprocess

CACHE = os.path.join(os.environ["SOURCE_DIR"], "build", "downloads")


class Unavailable(Exception):
    """There is no apt-get, or no package from it; the reason is the text."""


def _run(command, **options):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=240, check=True,
                              **options).stdout
    except FileNotFoundError as e:
        raise Unavailable(f"{e.filename} is not installed") from e
    except subprocess.TimeoutExpired as e:
        raise Unavailable(f"{command[0]} took too long") from e
    except subprocess.CalledProcessError as e:
        raise Unavailable((e.stderr.strip().splitlines() or ["apt-get failed"])[-1]) from e


def _mirror():
    lines = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
                  "Component: main"]).splitlines()
    if not lines:
        raise Unavailable("apt has no package lists; run apt-get update")
    return lines[0]


@contextlib.contextmanager
def _locked():
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _root(suite, arch):
    """A private root of apt, as an environment."""
    root = os.path.join(CACHE, f"apt-{suite}-{arch}")
    config = os.path.join(root, "apt.conf")
    environment = dict(os.environ, APT_CONFIG=config)
    if os.path.exists(os.path.join(root, "ready")):
        return environment
    os.makedirs(os.path.join(root, "lists", "partial"), exist_ok=True)
    os.makedirs(os.path.join(root, "cache", "archives", "partial"), exist_ok=True)
    open(os.path.join(root, "status"), "w").close()
    signed = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
    with open(os.path.join(root, "sources.list"), "w") as f:
        f.write(f"deb [arch={arch} {signed}] {_mirror()} {suite} main\n")
        f.write(f"deb-src [{signed}] {_mirror()} {suite} main\n")
    with open(config, "w") as f:
        f.write(f'Dir::Etc::sourcelist "{root}/sources.list";\nDir::Etc::sourceparts "-";\n'
                f'Dir::State::lists "{root}/lists";\nDir::State::status "{root}/status";\n'
                f'Dir::Cache "{root}/cache";\nAPT::Sandbox::User "root";\n'
                f'Acquire::Languages "none";\nAPT::Architecture "{arch}";\n'
                f'APT::Architectures:: "{arch}";\n')
    _run(["apt-get", "-q", "update"], env=environment)
    open(os.path.join(root, "ready"), "w").close()
    return environment


def package(suite, arch, name):
    """The directory that holds the unpacked package. It is never installed."""
    directory = os.path.join(CACHE, f"{name}-{suite}-{arch}")
    with _locked():
        if not os.path.isdir(directory):
            environment = _root(suite, arch)
            _run(["apt-get", "-q", "download", f"{name}:{arch}"], env=environment, cwd=CACHE)
            deb = (glob.glob(os.path.join(CACHE, f"{name}_*_{arch}.deb")) +
                   glob.glob(os.path.join(CACHE, f"{name}_*_all.deb")))[0]
            _run(["dpkg-deb", "-x", deb, directory + ".part"])
            os.unlink(deb)
            os.rename(directory + ".part", directory)
    return directory


def root(suite, arch, name, packages):
    """A directory to change the root into, made of these packages; what they depend on has to be
    among them. Nothing is installed: no script of a package is run."""
    directory = os.path.join(CACHE, f"{name}-{suite}-{arch}")
    part = directory + ".part"
    with _locked():
        if not os.path.isdir(directory):
            environment = _root(suite, arch)
            shutil.rmtree(part, ignore_errors=True)
            for place in ("debs", "etc", "tmp", "run", "var", "proc", "dev", "sys"):
                os.makedirs(os.path.join(part, place))
            for place in ("bin", "lib", "lib64", "sbin"):
                os.makedirs(os.path.join(part, "usr", place))
                os.symlink(f"usr/{place}", os.path.join(part, place))
            debs = os.path.join(part, "debs")
            _run(["apt-get", "-q", "download", *(f"{p}:{arch}" for p in packages)],
                 env=environment, cwd=debs)
            for deb in glob.glob(os.path.join(debs, "*.deb")):
                _run(["dpkg-deb", "-x", deb, part])
            shutil.rmtree(debs)
            os.rename(part, directory)
    return directory


def source_file(suite, package_name, path):
    """One file of a source package's upstream tree."""
    result = os.path.join(CACHE, f"{package_name}-{suite}-{os.path.basename(path)}")
    with _locked():
        if not os.path.exists(result):
            arch = _run(["dpkg", "--print-architecture"]).strip()
            _run(["apt-get", "-q", "source", "--download-only", package_name],
                 env=_root(suite, arch), cwd=CACHE)
            archive = glob.glob(os.path.join(CACHE, f"{package_name}_*.orig.tar.xz"))[0]
            text = _run(["tar", "-xJOf", archive, "--wildcards", f"*/{path}"])
            for part in glob.glob(os.path.join(CACHE, f"{package_name}_*")):
                os.unlink(part)
            with open(result, "w") as f:
                f.write(text)
    return result


def architecture():
    return _run(["dpkg", "--print-architecture"]).strip()
