# SPDX-License-Identifier: MIT
"""What the programs of bench/ share: running and measuring, the packages of a lock, and the steps of
the shell pipeline that `distributor` replaces."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# unpack PACKAGE... into tree/
UNPACK = r"""set -e
unpack() {
  for package; do
    case $(head -c 7 "$package") in
      '!<arch>') dpkg-deb -x "$package" tree ;;
      *) mkdir -p tree && bsdtar -C tree -xf "$package" ;;
    esac
  done
}
"""

# $PACKAGES to out/: for each program a tarball, and a copy under the second name.
OLD_TARBALLS = UNPACK + r"""
unpack $PACKAGES
mkdir out
cd tree/usr/bin
for file in qemu-*; do
  [ -f "$file" ] && [ ! -L "$file" ] || continue
  $TAR ../../../out/"$HOST"_"$file".tar.gz "$file"
  cp ../../../out/"$HOST"_"$file".tar.gz ../../../out/"$file".tar.gz
done
"""


def run(command, **options):
    """Runs it; returns wall seconds, CPU seconds and the bytes of its largest process."""
    with tempfile.TemporaryFile() as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=errors, **options)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"status {process.returncode}: {' '.join(command)}\n"
                     f"{errors.read().decode(errors='replace')}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss * 1024}


def parser(description):
    """The options that all have."""
    result = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--matrix", default=f"{ROOT}/matrix/quickstart.json")
    result.add_argument("--lock", help="default: beside the matrix")
    result.add_argument("--cache", default=os.path.join(
        os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "distributor"))
    result.add_argument("--repeat", type=int, default=5)
    result.add_argument("--work", help="where to write, some GB (default: the system's)")
    result.add_argument("--program", default=f"{ROOT}/build/release/distributor/distributor")
    result.add_argument("--json", metavar="FILE")
    return result


class Packages:
    """The packages of a lock, in the cache, and a directory to work in."""

    def __init__(self, options):
        self.options = options
        self.lock = options.lock or options.matrix[:-len(".json")] + ".lock.json"
        with open(self.lock) as f:
            self.packages = json.load(f)["packages"]
        self.hosts = sorted({p["host"] for p in self.packages})
        self.cache = os.path.abspath(options.cache)
        self.work = os.path.realpath(tempfile.mkdtemp(prefix="bench.", dir=options.work))

    def files(self, host):
        return [os.path.join(self.cache, "sha256", p["sha256"])
                for p in self.packages if p["host"] == host]

    def distributor(self, command, out, hosts, *words):
        return run([self.options.program, command, "--matrix", self.options.matrix, "--lock",
                    self.lock, "--out", out, "--quiet", *words,
                    *[word for host in hosts for word in ("--host", host)]])

    def tarballs(self, out, hosts):
        return self.distributor("tarballs", out, hosts, "--cache", self.cache)

    def old_tarballs(self, place, host, tar="tar -czf"):
        """The same by the old steps: tarballs in PLACE/out, programs in PLACE/tree/usr/bin."""
        os.makedirs(place)
        return run(["sh", "-c", OLD_TARBALLS], cwd=place,
                   env=dict(os.environ, PACKAGES=" ".join(self.files(host)), HOST=host, TAR=tar))


def write_json(path, result):
    if path:
        with open(path, "w") as f:
            json.dump(result, f, indent=2)
