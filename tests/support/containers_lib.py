# SPDX-License-Identifier: MIT
"""skopeo and podman of Debian 13 on a Debian that is older: Debian 12's know no signature policies.

They run with a root of their own, made of unpacked packages, in which /etc, /tmp, /run and /var are
directories of the test. That is also why the files of a policy can be where users have them.
"""
import os
import subprocess

import debian

PACKAGES = ["skopeo", "podman", "libc6", "libgpgme11t64", "libassuan9", "libgpg-error0",
            "libsqlite3-0", "libseccomp2",
            # what podman's libsubid5 needs
            "libsubid5", "libaudit1", "libselinux1", "libsemanage2", "libcrypt1", "libacl1",
            "libattr1", "libpam0g", "libbsd0", "libcap-ng0", "libpcre2-8-0", "libsepol2",
            "libbz2-1.0", "libmd0"]

# All of it ends with the program: mounts are those of its own namespace.
ENTER = """set -e
root=$1 state=$2
shift 2
mount --bind "$root" "$root"
cd "$root"
for d in proc dev sys; do mount --rbind "/$d" "$d"; done
for d in etc tmp run var; do mount --bind "$state/$d" "$d"; done
exec env -i PATH=/usr/bin HOME=/tmp TMPDIR=/tmp "$(command -v chroot)" . "$@"
"""

# podman looks for the programs that it would run a container with, even if it only pulls.
CONTAINERS_CONF = """[engine]
conmon_path = ["/usr/bin/podman"]
helper_binaries_dir = ["/etc/containers/helpers"]
runtime = "none"
[engine.runtimes]
none = ["/usr/bin/podman"]
"""


class Containers:
    """`directory` is for the test's own files; `insecure` are registries that speak plain http."""

    def __init__(self, directory, *insecure):
        self.root = debian.root("trixie", debian.architecture(), "containers", PACKAGES)
        self.directory = directory
        for place in ("etc/containers/helpers", "tmp", "run", "var/tmp"):
            os.makedirs(os.path.join(directory, place))
        self.write("/etc/containers/containers.conf", CONTAINERS_CONF)
        self.write("/etc/containers/helpers/netavark", "")
        os.chmod(os.path.join(directory, "etc/containers/helpers/netavark"), 0o755)
        self.write("/etc/containers/registries.conf", "".join(
            f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' for host in insecure))
        result = self.run("skopeo", "--version")
        if result.returncode != 0:
            raise debian.Unavailable(f"no root of its own for skopeo: {result.stderr.strip()}")

    def path(self, path):
        """What is `path` for them."""
        return os.path.join(self.directory, path.lstrip("/"))

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w") as f:
            f.write(text)

    def run(self, *command):
        return subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", ENTER,
                               "sh", self.root, self.directory, *command],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)

    def podman(self, *command):
        return self.run("podman", "--root", "/tmp/store", "--runroot", "/run/store",
                        "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
                        "--events-backend", "none", *command)
