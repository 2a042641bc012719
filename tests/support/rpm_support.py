# SPDX-License-Identifier: MIT
"""Helpers of the scripts that build RPM packages: TAP, stand-ins for QEMU's packages, keys."""

import os
import struct
import subprocess
import sys

from tap import finish, that as ok  # for those who use this

RPM_TOOL = os.path.join(os.environ.get("BUILD_DIR", "build/debug"), "tests", "rpm_tool")
EVR = "2:10.2.2-1.fc44"
TARGETS = ("s390x", "arm", "armeb")

SPEC = """
Name: qemu
Epoch: 2
Version: %{qemu_version}
Release: %{qemu_release}
Summary: stand-in
License: GPL-2.0-or-later
AutoReqProv: no
%global debug_package %{nil}
%global __os_install_post %{nil}
%define _build_id_links none
%description
Stand-in.
%package user-static
Summary: empty
Requires: qemu-user-static-s390x
%description user-static
Empty.
%package user-static-s390x
Summary: one
%description user-static-s390x
One.
%package user-static-arm
Summary: two
%description user-static-arm
Two.
%install
mkdir -p %{buildroot}%{_bindir} %{buildroot}/usr/lib/binfmt.d
cp %{_sourcedir}/qemu-* %{buildroot}%{_bindir}/
echo conf >%{buildroot}/usr/lib/binfmt.d/qemu-s390x-static.conf
%files user-static
%if 0%{?single_package}
%{_bindir}/qemu-*-static
/usr/lib/binfmt.d/qemu-s390x-static.conf
%else
%files user-static-s390x
%{_bindir}/qemu-s390x-static
/usr/lib/binfmt.d/qemu-s390x-static.conf
%files user-static-arm
%{_bindir}/qemu-arm*-static
%endif
"""

PROGRAM = r"""
#include <stdio.h>
int main(void) { puts("qemu-%s version %s (qemu-%s-%s)"); return 0; }
"""

def run(*command, **kwargs):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          **kwargs)


def must(*command, **kwargs):
    result = run(*command, **kwargs)
    if result.returncode != 0:
        raise SystemExit(f"Bail out! {command[0]}: {result.stdout[-500:]}{result.stderr[-500:]}")
    return result.stdout


def tool(*args):
    return run(RPM_TOOL, *args)


def refused(result, *texts):
    return result.returncode in (3, 4) and all(t in result.stderr for t in texts)


def parts(package):
    """Offsets: end of the signature header, begin and end of the main header; and signatures."""
    def header(at):
        il, dl = struct.unpack(">II", package[at + 8:at + 16])
        entries = [struct.unpack(">IIiI", package[at + 16 + 16 * i:at + 32 + 16 * i])
                   for i in range(il)]
        return entries, at + 16 + 16 * il, at + 16 + 16 * il + dl
    entries, data, end = header(96)
    main = (end + 7) & ~7
    _, _, main_end = header(main)
    found = {tag: package[data + offset:data + offset + n] for tag, _, offset, n in entries}
    return end, main, main_end, found


def signature_header(inside, behind=(), trailer=62):
    """A signature header of (tag, type, count, bytes) entries within its region and behind it."""
    data = b""
    index = []
    size = 16 * (len(inside) + 1)
    end = struct.pack(">IIiI", trailer, 7, -size, 16)
    for tag, kind, count, value in inside:
        index.append((tag, kind, len(data), count))
        data += value
    index.insert(0, (62, 7, len(data), 16))
    data += end
    for tag, kind, count, value in behind:
        index.append((tag, kind, len(data), count))
        data += value
    header = (b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", len(index), len(data)) +
              b"".join(struct.pack(">IIII", *entry) for entry in index) + data)
    return header + bytes(-len(header) % 8)


class Keys:
    def __init__(self, home):
        self.home = home
        os.mkdir(home, 0o700)
        for name in ("release", "other"):
            must("gpg", "--batch", "-q", "--passphrase", "", "--quick-gen-key",
                 f"{name}@example.test", "rsa2048", "sign", "never", env=self.env())
            self.write(name, "--armor", f"{name}.asc")
            self.write(name, "--no-armor", f"{name}.gpg")

    def env(self):
        return dict(os.environ, GNUPGHOME=self.home)

    def write(self, name, armor, file):
        must("gpg", "-q", armor, "--export", "-o", self.path(file), f"{name}@example.test",
             env=self.env())

    def path(self, file):
        return os.path.join(os.path.dirname(self.home), file)

    def fingerprint(self, name):
        listing = must("gpg", "--with-colons", "--list-keys", f"{name}@example.test",
                       env=self.env())
        return [line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr")][0]

    def sign(self, package, name="release", digest=None):
        extra = ["--define", f"_gpg_sign_cmd_extra_args --digest-algo {digest}"] if digest else []
        must("rpmsign", "--define", "__gpg /usr/bin/gpg", "--define",
             f"_gpg_name {name}@example.test", *extra, "--addsign", package, env=self.env())


def build(top, arch, compression="w3.zstdio", version="10.2.2", release="1.fc44", what="-bb",
          single=False):
    must("rpmbuild", what, "--quiet", "--target", arch, "--define", f"_topdir {top}",
         "--define", f"qemu_version {version}", "--define", f"qemu_release {release}",
         "--define", f"single_package {int(single)}", "--define",
         f"_binary_payload {compression}", "--define", "_buildhost reproducible",
         "--define", "use_source_date_epoch_as_buildtime 1", os.path.join(top, "qemu.spec"),
         env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000"))


def prepare(top):
    os.mkdir(os.path.join(top, "SOURCES"))
    with open(os.path.join(top, "qemu.spec"), "w") as f:
        f.write(SPEC)
    for target in TARGETS:
        program(top, target)


def program(top, target, version="10.2.2", release="1.fc44"):
    source = os.path.join(top, "p.c")
    with open(source, "w") as f:
        f.write(PROGRAM % (target, version, version, release))
    must("cc", "-static", "-O1", "-o", os.path.join(top, "SOURCES", f"qemu-{target}-static"),
         source)
