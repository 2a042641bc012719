#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian packages: archives made here with dpkg-deb, apt-ftparchive and a throw-away key, served
as file: and by a server on 127.0.0.1; one row for each refusal; and real packages, with dpkg-deb,
bsdtar and gpgv as second opinions. Prints TAP."""

import concurrent.futures
import hashlib
import http.server
import io
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

from tap import finish, skip, that as ok

TOOLS = ["apt-get", "apt-ftparchive", "dpkg-deb", "gpg", "gpgv", "bsdtar", "xz"]
TOOL = os.path.join(os.environ.get("BUILD_DIR", "build/debug"), "tests", "source_tool")
VERSION = "1:10.0.2+ds-1"
OLD = "1:7.2+dfsg-7+b1"
ELF = {"arm64": (2, 1, 183, 0), "amd64": (2, 1, 62, 0), "s390x": (2, 2, 22, 0),
       "armhf": (1, 1, 40, 0x05000400), "armel": (1, 1, 40, 0x05000200),
       "riscv64": (2, 1, 243, 5)}


def must(*command, **kwargs):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)
    if result.returncode != 0:
        raise SystemExit(f"Bail out! {command[0]}: {result.stderr.decode(errors='replace')[-800:]}")
    return result.stdout


def tool(*args, mirror=None, prefix=(), env=None):
    environment = dict(os.environ, **(env or {}))
    if mirror is not None:
        environment["DISTRIBUTOR_APT_MIRROR"] = mirror
    return subprocess.run([*prefix, TOOL, *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment)


def refused(name, result, status, *texts):
    ok(result.returncode == status and all(t in result.stderr for t in texts), name,
       f"exit {result.returncode}, wanted {status}: {result.stderr}")


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def elf(arch, target, version, text, interpreter=False):
    """A program of 64 kB, static unless told otherwise, that says its version."""
    bits, order, machine, flags = ELF[arch]
    e = "<" if order == 1 else ">"
    size = 65536
    wide = bits == 2
    kind = 3 if interpreter else 1
    ident = b"\x7fELF" + bytes([bits, order, 1]) + bytes(9)
    if wide:
        head = ident + struct.pack(e + "HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, flags, 64, 56, 1,
                                   0, 0, 0) + struct.pack(e + "IIQQQQQQ", kind, 5, 0, 0, 0, size,
                                                          size, 4096)
    else:
        head = ident + struct.pack(e + "HHIIIIIHHHHHH", 2, machine, 1, 0, 52, 0, flags, 52, 32, 1,
                                   0, 0, 0) + struct.pack(e + "IIIIIIII", kind, 0, 0, 0, size,
                                                          size, 5, 4096)
    says = f"qemu-{target} version {version} ({text})\n".encode()
    # Not compressible, so that a transfer can be cut in its middle.
    filler = hashlib.shake_256(f"{arch}{target}".encode()).digest(size)
    return (head + bytes(512) + says + bytes(64) + filler)[:size]


class Keys:
    def __init__(self, top):
        self.home = top / "gnupg"
        self.home.mkdir(mode=0o700)
        self.top = top
        self.fingerprints = {}
        for name in ("archive", "other"):
            must("gpg", "--batch", "-q", "--passphrase", "", "--quick-gen-key",
                 f"{name}@example.test", "rsa2048", "sign", "never", env=self.env())
            (top / f"{name}.gpg").write_bytes(
                must("gpg", "-q", "--export", f"{name}@example.test", env=self.env()))
            listing = must("gpg", "--with-colons", "--list-keys", f"{name}@example.test",
                           env=self.env()).decode()
            self.fingerprints[name] = re.search(r"^fpr:+([0-9A-F]+):", listing, re.M).group(1)

    def env(self):
        return dict(os.environ, GNUPGHOME=str(self.home))

    def clearsign(self, source, output, names=("archive",), digest="SHA256"):
        users = [x for n in names for x in ("-u", f"{n}@example.test")]
        output.unlink(missing_ok=True)
        must("gpg", "--batch", "-q", *users, "--digest-algo", digest, "--clearsign", "-o",
             str(output), str(source), env=self.env())


class Archive:
    """A Debian archive of one suite."""

    def __init__(self, top, name, keys, suite="trixie", archs=("arm64",)):
        self.root = top / name
        self.keys, self.suite, self.archs = keys, suite, archs
        self.dist = self.root / "dists" / suite
        (self.root / "pool").mkdir(parents=True)
        self.url = f"file:{self.root}"

    def deb(self, package, arch, files, version=VERSION, depends="", compression="xz",
            fields="Built-Using: glibc (= 2.41-12)\n"):
        with tempfile.TemporaryDirectory(dir=self.root) as work:
            work = pathlib.Path(work)
            work.chmod(0o755)
            (work / "DEBIAN").mkdir()
            (work / "DEBIAN/control").write_text(
                f"Package: {package}\nVersion: {version}\nArchitecture: {arch}\n"
                f"Maintainer: nobody <nobody@example.test>\n"
                + (f"Depends: {depends}\n" if depends else "") + fields + "Description: stand-in\n")
            for name, content in files.items():
                path = work / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, str):
                    path.symlink_to(content)
                else:
                    path.write_bytes(content)
                    path.chmod(0o755)
            plain = version.split(":")[-1]
            deb = self.root / "pool" / f"{package}_{plain}_{arch}.deb"
            must("dpkg-deb", f"-Z{compression}", "-z1", "--root-owner-group", "-b", str(work),
                 str(deb))
            return deb

    def index(self):
        for arch in self.archs:
            directory = self.dist / "main" / f"binary-{arch}"
            directory.mkdir(parents=True, exist_ok=True)
            packages = must("apt-ftparchive", "--arch", arch, "packages", "pool", cwd=self.root)
            (directory / "Packages").write_bytes(packages)
            must("xz", "-kf", "-1", str(directory / "Packages"))

    def release(self, extra="", codename=None, date=None):
        release = self.dist / "Release"
        release.unlink(missing_ok=True)
        options = [f"APT::FTPArchive::Release::Codename={codename or self.suite}",
                   "APT::FTPArchive::Release::Suite=stable",
                   "APT::FTPArchive::Release::Architectures=" + " ".join(self.archs),
                   "APT::FTPArchive::Release::Components=main"]
        text = must("apt-ftparchive", *[x for o in options for x in ("-o", o)], "release",
                    str(self.dist)).decode()
        if date:
            text = re.sub(r"^Date:.*$", f"Date: {date}", text, flags=re.M)
        release.write_text(re.sub(r"^(Date:.*\n)", r"\1" + extra, text, flags=re.M))
        return release

    def sign(self, **kwargs):
        self.keys.clearsign(self.dist / "Release", self.dist / "InRelease", **kwargs)

    def publish(self, **kwargs):
        self.index()
        self.release(**kwargs)
        self.sign()
        return self


def rfc_date(seconds):
    return time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime(seconds))


def new_style(archive, arch="arm64", version=VERSION, **kwargs):
    upstream = version.split(":")[1].split("+")[0]
    files = {f"usr/bin/qemu-{t}": elf(arch, t, upstream, f"Debian {version}")
             for t in ("arm", "x86_64")}
    files["usr/bin/qemu-armhf"] = "qemu-arm"
    files["usr/share/lintian/overrides/qemu-user"] = b"override\n"
    archive.deb("qemu-user", arch, files, version, **kwargs)
    archive.deb("qemu-user-static", arch, {f"usr/bin/qemu-{t}-static": f"qemu-{t}"
                                           for t in ("arm", "x86_64")}, version,
                depends=f"qemu-user (>= {version})", fields="")


def old_style(archive, arch="arm64"):
    files = {f"usr/bin/qemu-{t}-static": elf(arch, t, "7.2.22", f"Debian {OLD}")
             for t in ("arm", "x86_64")}
    archive.deb("qemu-user-static", arch, files, OLD)
    dynamic = {"usr/bin/qemu-arm": elf(arch, "arm", "7.2.22", f"Debian {OLD}", True)}
    archive.deb("qemu-user", arch, dynamic, OLD, depends="libc6 (>= 2.34), zlib1g", fields="")


class Server:
    """Serves a directory; can stall in a .deb, and notes where transfers of them begin."""

    def __init__(self, root):
        outer = self
        self.stall_after = None
        self.stalled, self.go_on = threading.Event(), threading.Event()
        self.ranges = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = root / os.path.normpath(self.path.split("?")[0].replace("%2b", "+")
                                               ).lstrip("/")
                if not path.is_file():
                    self.send_error(404)
                    return
                data, first = path.read_bytes(), 0
                wanted = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
                if wanted and int(wanted.group(1)) < len(data):
                    first = int(wanted.group(1))
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
                else:
                    self.send_response(200)
                self.send_header("Content-Length", str(len(data) - first))
                self.send_header("Last-Modified", "Sat, 01 Jan 2022 00:00:00 GMT")
                self.end_headers()
                if str(path).endswith(".deb"):
                    outer.ranges.append(first)
                    if outer.stall_after is not None:
                        self.wfile.write(data[first:first + outer.stall_after])
                        self.wfile.flush()
                        self.close_connection = True
                        outer.stalled.set()
                        outer.go_on.wait(600)
                        return
                self.wfile.write(data[first:])

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def values(result):
    return dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)


class Test:
    def __init__(self, top):
        self.top = top
        self.keys = Keys(top)
        self.number = 0

    def scratch(self):
        self.number += 1
        return self.top / f"scratch{self.number}"

    def resolve(self, archive, *options, host="aarch64", **kwargs):
        return tool("resolve", host, self.scratch(), f"suite={archive.suite}",
                    f"keyring={self.top / 'archive.gpg'}", *options,
                    mirror=kwargs.pop("mirror", archive.url), **kwargs)

    def fetch(self, archive, out, *options, host="aarch64", directory=None, **kwargs):
        return tool("fetch", host, directory or self.scratch(), out, f"suite={archive.suite}",
                    f"keyring={self.top / 'archive.gpg'}", *options,
                    mirror=kwargs.pop("mirror", archive.url), **kwargs)

    def archive(self, name, style=new_style, **kwargs):
        archive = Archive(self.top, name, self.keys, **kwargs)
        for arch in archive.archs:
            style(archive, arch)
        return archive

    # The normal course

    def test_resolve_and_fetch(self):
        archive = self.archive("new", archs=("arm64", "s390x")).publish()
        deb = archive.root / "pool/qemu-user_10.0.2+ds-1_arm64.deb"
        release = (archive.dist / "Release").read_text()
        date = time.mktime(time.strptime(re.search("^Date: (.*)$", release, re.M).group(1)
                                         .rsplit(" ", 1)[0], "%a, %d %b %Y %H:%M:%S"))
        date -= time.timezone
        result = self.resolve(archive)
        got = values(result)
        wanted = {"name": "qemu-user", "version": VERSION, "arch": "arm64", "host": "aarch64",
                  "file": deb.name, "pool": f"pool/{deb.name}", "size": str(deb.stat().st_size),
                  "sha256": sha256(deb), "qemu": "10.0.2", "suite": "trixie",
                  "source": f"qemu-user (= {VERSION})",
                  "signer": self.keys.fingerprints["archive"], "built_using": "1"}
        ok(all(got.get(k) == v for k, v in wanted.items()), "resolved from file:",
           f"{got}\n{result.stderr}")
        ok(got.get("date") == str(int(date)), "the date of InRelease", got.get("date"))
        ok(values(self.resolve(archive, host="s390x")).get("arch") == "s390x",
           "another architecture of the same archive")
        server = Server(archive.root)
        out = self.scratch()
        result = self.fetch(archive, out, mirror=server.url)
        ok(result.returncode == 0 and sha256(result.stdout.strip()) == sha256(deb),
           "fetched over HTTP", result.stderr)
        sent = len(server.ranges)
        again = self.fetch(archive, out, mirror=server.url)
        ok(again.returncode == 0 and len(server.ranges) == sent, "a complete file is not sent again",
           f"{server.ranges} {again.stderr}")
        server.close()
        inspected = tool("inspect", deb, "aarch64")
        ok(inspected.stdout.startswith(f"qemu-user {VERSION} 10.0.2\narm 65536 ")
           and len(inspected.stdout.splitlines()) == 3 and not inspected.stderr,
           "its members, without the alias and the override", inspected.stdout + inspected.stderr)

    def test_choice(self):
        old = self.archive("old", old_style, suite="bookworm").publish()
        got = values(self.resolve(old))
        ok(got.get("name") == "qemu-user-static" and got.get("qemu") == "7.2",
           "bookworm: qemu-user-static", got)
        refused("bookworm: qemu-user by name is refused",
                self.resolve(old, "package=qemu-user"), 3, f"'qemu-user' {OLD} depends on libc6",
                "'qemu-user-static'")
        inspected = tool("inspect", old.root / "pool/qemu-user-static_7.2+dfsg-7+b1_arm64.deb",
                         "arm64")
        ok(inspected.stdout.startswith(f"qemu-user-static {OLD} 7.2.22\n"),
           "bookworm: the programs say 7.2.22", inspected.stdout + inspected.stderr)
        refused("bookworm: the dynamic package is refused as a file",
                tool("inspect", old.root / "pool/qemu-user_7.2+dfsg-7+b1_arm64.deb", "arm64"), 4,
                "package 'qemu-user'", "not static")
        new = self.archive("choice", new_style).publish()
        refused("trixie: qemu-user-static by name is refused",
                self.resolve(new, "package=qemu-user-static"), 3, "has only links",
                "since Debian 13")
        refused("trixie: the package of links is refused as a file",
                tool("inspect", new.root / "pool/qemu-user-static_10.0.2+ds-1_arm64.deb", "arm64"),
                4, "has only links")
        refused("no such package", self.resolve(new, "package=nothing"), 3,
                "suite 'trixie' has no package 'nothing' for arm64")
        refused("a host that Debian never had", self.resolve(new, host="loongarch64"), 3, "loong64")

    def test_mirrors(self):
        good = self.archive("second").publish()
        empty = self.top / "empty"
        empty.mkdir()
        got = values(self.resolve(good, f"url={good.url}", mirror=f"file:{empty}"))
        ok(got.get("name") == "qemu-user", "the second mirror is tried", got)
        refused("no mirror has the suite", self.resolve(good, mirror=f"file:{empty}"), 5,
                "suite 'trixie' for arm64", "does not have a Release file")
        refused("nothing listens", self.resolve(good, mirror="http://127.0.0.1:9"), 5,
                "suite 'trixie' for arm64")
        refused("a mirror that is no URL", self.resolve(good, mirror="deb [trusted=yes] x:"), 3,
                "DISTRIBUTOR_APT_MIRROR", "must be a base URL")
        refused("a suite that is no name", self.resolve(good, "suite=-oDebug"), 3,
                "'-oDebug' is not a valid suite name")
        blank = self.top / "with blank"
        refused("a directory that apt cannot take",
                tool("resolve", "arm64", blank, "suite=trixie", mirror=good.url), 3,
                "with blank", "spaces")

    # Refusals

    def test_signatures(self):
        fpr = self.keys.fingerprints
        archive = self.archive("signed").publish()
        ok(self.resolve(archive, f"key={fpr['archive']}").returncode == 0, "a pinned key")
        ok(self.resolve(archive, f"key={fpr['other']}",
                        f"key={fpr['archive'].lower()}").returncode == 0, "one of two pinned keys")
        refused("signed by a key that is not pinned", self.resolve(archive, f"key={fpr['other']}"),
                4, f"signed by key {fpr['archive']}, which is not pinned", "suite 'trixie'")
        refused("a keyring without the key",
                self.resolve(archive, f"keyring={self.top / 'other.gpg'}"), 4, "apt: ",
                "is not signed", fpr["archive"][-16:])
        archive.sign(names=("other", "archive"))
        got = values(self.resolve(archive))
        ok(got.get("signer") == fpr["archive"], "one of two signatures is by a known key", got)
        archive.sign(digest="SHA1")
        refused("signed with SHA-1", self.resolve(archive), 4, "apt: ")
        archive.sign()
        text = (archive.dist / "InRelease").read_text()
        (archive.dist / "InRelease").write_text(text.replace("Suite: stable", "Suite: stab1e"))
        refused("InRelease altered", self.resolve(archive), 4, "apt: ")
        (archive.dist / "InRelease").write_text("Extra: text\n\n" + text)
        refused("text before the signed part", self.resolve(archive), 4, "apt: ")
        (archive.dist / "InRelease").unlink()
        refused("not signed", self.resolve(archive), 4, "is not signed")
        must("gpg", "--batch", "-q", "-u", "archive@example.test", "-a", "--detach-sign", "-o",
             str(archive.dist / "Release.gpg"), str(archive.dist / "Release"),
             env=self.keys.env())
        got = values(self.resolve(archive))
        ok(got.get("signer") == fpr["archive"], "a signature in a file of its own", got)
        for name, content, text in (("armoured", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
                                     "gpg --dearmor"), ("empty", b"", "is empty")):
            path = self.top / f"{name}.gpg"
            path.write_bytes(content)
            refused(f"{name} keyring", self.resolve(archive, f"keyring={path}"), 3, text)
        refused("no keyring", self.resolve(archive, "keyring=/nonexistent/k.gpg"), 3, "k.gpg")

    def test_freshness(self):
        archive = self.archive("expired")
        archive.index()
        archive.release(extra=f"Valid-Until: {rfc_date(time.time() - 86400)}\n",
                        date=rfc_date(time.time() - 10 * 86400))
        archive.sign()
        refused("past its Valid-Until", self.resolve(archive), 4, "expired",
                'set "allow_expired": true in the source')
        ok(self.resolve(archive, "allow-expired=yes").returncode == 0,
           "past its Valid-Until, and allowed")
        archive.release(codename="sid")
        archive.sign()
        refused("a signed file of another suite", self.resolve(archive), 4,
                "serves 'sid'", "expected suite 'trixie'")

    def test_contents(self):
        archive = self.archive("altered").publish()
        index = archive.dist / "main/binary-arm64/Packages"
        for path in (index, index.with_suffix(".xz")):
            data = path.read_bytes()
            path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        result = self.resolve(archive)
        refused("Packages altered", result, 4, "apt: ")
        archive.publish()
        deb = archive.root / "pool/qemu-user_10.0.2+ds-1_arm64.deb"
        data = deb.read_bytes()
        deb.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
        out = self.scratch()
        refused("package altered", self.fetch(archive, out), 4, deb.name)
        deb.unlink()
        gone = ("version=1:9.9+ds-1", "pool=pool/qemu-user_9.9+ds-1_arm64.deb")
        for name, serve in (("file:", None), ("HTTP", Server(archive.root))):
            refused(f"a locked version that has vanished, {name}",
                    self.fetch(archive, self.scratch(), *gone,
                               mirror=serve.url if serve else archive.url), 3,
                    "'qemu-user' 1:9.9+ds-1 for arm64 is no longer in the archive",
                    f"whose suite now has {VERSION}", "run 'distributor lock'",
                    "'urls' of source 'test'")
            if serve:
                serve.close()
        deb.write_bytes(data)
        out = self.scratch()
        refused("another file in the place of the locked one",
                self.fetch(archive, out, "sha256=" + "ab" * 32), 4, deb.name)
        ok(not list(out.glob("*")), "it is not kept", list(out.glob("*")))
        server, out = Server(archive.root), self.scratch()
        refused("a file larger than the locked one",
                self.fetch(archive, out, "size=1000", "sha256=" + sha256(deb), mirror=server.url),
                4, deb.name)
        ok(not list(out.glob("*")), "it is not kept", list(out.glob("*")))
        server.close()
        kept = self.archive("kept", lambda a, arch: new_style(a, arch, "1:9.9+ds-1")).publish()
        deb = kept.root / "pool/qemu-user_9.9+ds-1_arm64.deb"
        result = self.fetch(archive, self.scratch(), *gone, "sha256=" + sha256(deb),
                            f"size={deb.stat().st_size}", f"url={kept.url}")
        ok(result.returncode == 0 and sha256(result.stdout.strip()) == sha256(deb),
           "an archive that has kept it", result.stderr)

    def test_members(self):
        """Packages that apt is content with, and that are not what they should be."""
        archive = Archive(self.top, "members", self.keys)
        good = elf("arm64", "arm", "10.0.2", f"Debian {VERSION}")
        rows = [
            ("another host's program",
             {"usr/bin/qemu-arm": elf("amd64", "arm", "10.0.2", f"Debian {VERSION}")}, 4,
             "'usr/bin/qemu-arm'"),
            ("not static",
             {"usr/bin/qemu-arm": elf("arm64", "arm", "10.0.2", f"Debian {VERSION}", True)}, 4,
             "not static"),
            ("twice", {"usr/bin/qemu-arm": good, "usr/bin/qemu-arm-static": good}, 3, "duplicate emulator"),
            ("a dangling link", {"usr/bin/qemu-arm": "qemu-gone"}, 3, "'qemu-gone'"),
            ("outside usr/bin", {"usr/local/bin/qemu-arm": good}, 3, "outside usr/bin"),
            ("none", {"usr/share/doc/x": b"x"}, 4, "no emulator"),
            ("another version",
             {"usr/bin/qemu-arm": elf("arm64", "arm", "10.0.1", f"Debian {VERSION}")}, 4,
             "10.0.1"),
            ("another build",
             {"usr/bin/qemu-arm": elf("arm64", "arm", "10.0.2", f"Debian {VERSION}+b1")}, 4,
             f"{VERSION}+b1"),
        ]
        for name, files, status, text in rows:
            deb = archive.deb("qemu-user", "arm64", files)
            refused(f"member: {name}", tool("inspect", deb, "arm64"), status, text, deb.name)
        deb = archive.deb("qemu-user", "armel", {"usr/bin/qemu-x86_64": elf(
            "armhf", "x86_64", "10.0.2", f"Debian {VERSION}")})
        refused("member: hard-float program in the soft-float port", tool("inspect", deb, "armel"),
                4, "not the ABI of")
        deb = archive.deb("qemu-user", "arm64", {"usr/bin/qemu-arm": good})
        refused("a package for another host", tool("inspect", deb, "x86_64"), 4,
                "is a package for arm64, expected x86_64")

    # What must not happen

    def test_resume(self):
        archive = self.archive("resume").publish()
        server = Server(archive.root)
        out, directory = self.scratch(), self.scratch()
        arguments = ["fetch", "arm64", directory, out, "suite=trixie",
                     f"keyring={self.top / 'archive.gpg'}"]
        server.stall_after = 3000
        child = subprocess.Popen([TOOL, *map(str, arguments)],
                                 stderr=subprocess.PIPE, text=True,
                                 env=dict(os.environ, DISTRIBUTOR_APT_MIRROR=server.url))
        stalled = server.stalled.wait(300)
        arrived = any(f.stat().st_size == 3000 for _ in range(3000) if not time.sleep(0.1)
                      for f in out.glob("*.deb"))
        child.terminate()
        said = child.communicate()[1]
        ok(child.returncode == 1 and len(said.splitlines()) == 1,
           "told to stop, it stops apt and says so", f"{child.returncode} {said}")
        server.stall_after = None
        server.go_on.set()
        before = len(server.ranges)
        result = tool(*arguments, mirror=server.url)
        ok(stalled and arrived and result.returncode == 0 and server.ranges[before:] == [3000],
           "stopped in a transfer, the next call goes on where it stopped",
           f"{server.ranges} {result.stderr}")
        server.close()

    def test_full_disk(self):
        archive = self.archive("full").publish()
        full = self.top / "tmpfs"
        full.mkdir()
        where = f"mount -t tmpfs -o size=64k tmpfs {full}"
        if subprocess.run(["unshare", "-m", "sh", "-c", where], capture_output=True,
                          check=False).returncode:
            skip("a full disk", "no mount namespace")
            return
        server = Server(archive.root)
        server.server.handle_error = lambda *args: None  # apt hangs up
        result = self.fetch(archive, full, mirror=server.url, prefix=(
            "unshare", "-m", "sh", "-c", where + ' && exec "$@"', "sh"))
        refused("a full disk", result, 1, f"no space left on device in '{full}'")
        ok(result.stderr.count("cannot fetch") == 1, "is told once", result.stderr)
        server.close()

    def test_old_state(self):
        """What apt keeps in the private root from earlier, and cannot go on with."""
        archive = self.archive("renamed")
        archive.index()
        archive.release(extra="Origin: One\nLabel: One\n")
        archive.sign()
        root = self.scratch()

        def again():
            return tool("resolve", "arm64", root, f"suite={archive.suite}",
                        f"keyring={self.top / 'archive.gpg'}", mirror=archive.url)
        ok(again().returncode == 0, "an archive, for the first time")
        for field in ("Origin", "Label"):
            release = archive.dist / "Release"
            text = release.read_text()
            release.write_text(re.sub(f"^{field}: .*$", f"{field}: Another", text, flags=re.M))
            ok(f"{field}: Another" in release.read_text(), f"the archive has another {field}")
            archive.sign()
            result = again()
            ok(result.returncode == 0 and "were removed and fetched again" in result.stderr and
               f"changed its '{field}' value" in result.stderr,
               f"another {field}: taken, and said", result.stderr)
            result = again()
            ok(result.returncode == 0 and not result.stderr, "and not again", result.stderr)
        release.write_text(text.replace("Origin: Another", "Origin: Third"))
        archive.sign(names=("other",))
        refused("another Origin by a foreign key", again(), 4, "NO_PUBKEY")
        archive.sign()
        ok(again().returncode == 0, "and by the right one", again().stderr)

    def test_logins(self):
        archive = self.archive("locked").publish()

        class Locked(http.server.SimpleHTTPRequestHandler):
            status = 401

            def __init__(self, *args):
                super().__init__(*args, directory=str(archive.root))

            def log_message(self, *args):
                pass

            def do_GET(self):
                if self.headers.get("Authorization") == "Basic dTpw":
                    return super().do_GET()
                self.send_response(self.status)
                self.send_header("WWW-Authenticate", 'Basic realm="x"')
                self.send_header("Content-Length", "0")
                return self.end_headers()

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Locked)
        url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        refused("a mirror that wants a password", self.resolve(archive, mirror=url), 3,
                "401  Unauthorized", "auth.conf.d")
        Locked.status = 403
        refused("a mirror that forbids it", self.resolve(archive, mirror=url), 3, "403  Forbidden")
        login = self.top / "logins"
        login.mkdir()
        (login / "a.conf").write_text(f"machine {url} login u password p\n")
        for option, value in (("netrc", login / "a.conf"), ("netrcparts", login)):
            config = self.top / "machine.conf"
            config.write_text(f'Dir::Etc::{option} "{value}";\n')
            result = self.resolve(archive, mirror=url, env={"APT_CONFIG": str(config)})
            ok(result.returncode == 0, f"the machine's login, by Dir::Etc::{option}",
               result.stderr)
        server.shutdown()
        files = [f for name in ("apt.conf", "sources.list") for f in self.top.rglob(name)]
        ok(files and not any(f.stat().st_mode & 0o077 for f in files),
           "what may carry a password of the machine is for nobody else to read", files)

    def test_broken_apt(self):
        """An apt that fails has no settings and no sources to tell; nothing is run in its place."""
        archive = self.archive("broken").publish()
        fakes = self.top / "fakes"
        here = self.top / "here"
        for directory in (fakes, here):
            directory.mkdir()
        mark = here / "was-run"
        for name in ("apt-helper", "apt-get", "apt-config", "gpgv"):
            (here / name).write_text(f"#!/bin/sh\n>{mark}\n")
            (here / name).chmod(0o755)
        for label, script, text in (
                ("fails", "echo 'E: Syntax error' >&2; exit 100", "'apt-config' failed: Syntax"),
                ("fails without a word", "exit 100", "'apt-config' failed"),
                ("says a relative path", "echo methods", "expected an absolute path"),
                ("says nothing", "true", "expected an absolute path")):
            (fakes / "apt-config").write_text(f"#!/bin/sh\n{script}\n")
            (fakes / "apt-config").chmod(0o755)
            result = subprocess.run(
                [os.path.abspath(TOOL), "resolve", "arm64", self.scratch(), "suite=trixie",
                 f"keyring={self.top / 'archive.gpg'}"], cwd=here, check=False, text=True,
                capture_output=True, env={**os.environ, "DISTRIBUTOR_APT_MIRROR": archive.url,
                                          "PATH": f"{fakes}:{os.environ['PATH']}"})
            refused(f"apt-config {label}", result, 3, text)
        for path in ("", ".", "relative"):
            result = subprocess.run(
                [os.path.abspath(TOOL), "resolve", "arm64", self.scratch(), "suite=trixie",
                 f"keyring={self.top / 'archive.gpg'}"], cwd=here, check=False, text=True,
                capture_output=True, env={**os.environ, "DISTRIBUTOR_APT_MIRROR": archive.url,
                                          "PATH": f"{path}:{os.environ['PATH']}:{path}"})
            ok(result.returncode == 0 and not mark.exists(),
               f"PATH with '{path}' in it runs nothing of the current directory", result.stderr)

    def test_machine_untouched(self):
        def state():
            found = []
            for root in ("/var/lib/apt", "/var/cache/apt", "/var/lib/dpkg", "/etc/apt"):
                for directory, _, files in os.walk(root):
                    for name in files:
                        path = os.path.join(directory, name)
                        st = os.lstat(path)
                        found.append((path, st.st_size, st.st_mtime_ns))
            return sorted(found)

        archive = self.archive("private").publish()
        before = state()
        result = self.fetch(archive, self.scratch())
        ok(result.returncode == 0 and state() == before, "the machine's own apt is as before",
           result.stderr)
        if os.geteuid() != 0 or shutil.which("setpriv") is None:
            skip("as an ordinary user", "not root, or no setpriv")
            return
        home = self.top / "user"
        home.mkdir()
        os.chown(home, 65534, 65534)
        for path in (self.top, *self.top.parents):
            if not path.stat().st_mode & 0o001:
                path.chmod(path.stat().st_mode | 0o011)
        local = home / "source_tool"
        shutil.copy(TOOL, local)
        result = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(local), "fetch",
             "arm64", str(home / "root"), str(home / "out"), "suite=trixie",
             f"keyring={self.top / 'archive.gpg'}"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, DISTRIBUTOR_APT_MIRROR=archive.url, HOME=str(home)))
        ok(result.returncode == 0, "as an ordinary user", result.stderr)

    def test_compressions(self):
        archive = Archive(self.top, "compressions", self.keys)
        files = {"usr/bin/qemu-arm": elf("arm64", "arm", "10.0.2", f"Debian {VERSION}"),
                 "usr/bin/qemu-armhf": "qemu-arm", "usr/share/doc/a b/c": b"text\n"}
        for compression in ("xz", "gzip", "zstd", "none"):
            deb = archive.deb("qemu-user", "arm64", files, compression=compression)
            ours = sorted(re.match(r"(.) (\d+) (\d+) (\w+) (.*?)/? -> (.*)$", line).groups()
                          for line in tool("list", deb).stdout.splitlines() if " d " not in line)
            ours = [(t, s, n, l) for t, m, s, d, n, l in ours if t != "d"]
            theirs = sorted((e.kind, str(e.size), e.name, e.link) for e in second_listing(deb))
            ok(ours == theirs, f"{compression}: the same files as dpkg-deb sees",
               f"{ours}\n{theirs}")
            data = deb.read_bytes()
            cut = self.top / "cut.deb"
            bad = 0
            for length in range(60, len(data), max(1, len(data) // 12)):
                cut.write_bytes(data[:length])
                bad += tool("list", cut).returncode != 3
            ok(bad == 0, f"{compression}: cut anywhere, it is refused", bad)

    def test_real(self):
        rows = [("trixie", "x86_64", "amd64"), ("trixie", "aarch64", "arm64"),
                ("bookworm", "s390x", "s390x")]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda row: inspect_real(*row[:2]), rows))
        for (suite, host, arch), (path, inspected, why) in zip(rows, results):
            if path is None:
                skip(f"real package of {suite} for {arch}", why)
                continue
            lines = inspected.stdout.splitlines()
            version = must("dpkg-deb", "-f", str(path), "Version").decode().strip()
            ok(inspected.returncode == 0 and lines[0].split()[1] == version and
               len(lines) - 1 == (33 if suite == "trixie" else 35),
               f"{suite} {arch}: every program is static, for its host, and of the version",
               f"{lines[:1]} {len(lines)} {inspected.stderr}")
        if results[1][0] is None:
            skip("dpkg-deb and bsdtar unpack the same", results[1][2])
            return
        path, inspected, _ = results[1]
        deb = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(path)], stdout=subprocess.PIPE)
        where = self.scratch()
        where.mkdir()
        must("bsdtar", "-xf", "-", "-C", str(where), "./usr/bin/qemu-*", stdin=deb.stdout)
        deb.stdout.close()
        deb.wait()
        theirs = {e.name: sha256(e.path) for e in os.scandir(where / "usr/bin")
                  if not e.is_symlink()}
        ours = {line.split()[3].rsplit("/", 1)[1]: line.split()[2]
                for line in inspected.stdout.splitlines()[1:]}
        ok(ours == theirs, "dpkg-deb and bsdtar unpack the same programs of the real package",
           set(ours.items()) ^ set(theirs.items()))


def inspect_real(suite, host):
    path, why = real_package(suite, host)
    return path, tool("inspect", path, host) if path is not None else None, why


class Entry:
    def __init__(self, kind, size, name, link):
        self.kind, self.size, self.name, self.link = kind, size, name, link


def second_listing(deb):
    data = must("dpkg-deb", "--fsys-tarfile", str(deb))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for info in tar:
            if not info.isdir():
                yield Entry("l" if info.issym() else "f", info.size,
                            info.name.removeprefix("./"), info.linkname)


def real_package(suite, host):
    """Through the code itself, once: kept for later runs."""
    cache = os.environ.get("DISTRIBUTOR_TEST_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "distributor-tests")
    directory = pathlib.Path(cache) / "apt" / f"{suite}-{host}"
    kept = list(directory.glob("*.deb"))
    if kept and (directory / "sha256").is_file() and \
            (directory / "sha256").read_text() == sha256(kept[0]):
        return kept[0], None
    shutil.rmtree(directory, ignore_errors=True)
    result = tool("fetch", host, os.path.join(cache, "roots"), directory, f"suite={suite}")
    if result.returncode != 0:
        return None, result.stderr.strip()[:200].replace("\n", " ")
    path = pathlib.Path(result.stdout.strip())
    (directory / "sha256").write_text(sha256(path))
    return path, None


def main():
    missing = [t for t in TOOLS if shutil.which(t) is None]
    if missing:
        print(f"1..0 # SKIP {', '.join(missing)} not installed")
        return 0
    with tempfile.TemporaryDirectory(prefix="apt.") as top:
        test = Test(pathlib.Path(top))
        only = sys.argv[1:]
        for name in [n for n in vars(Test) if n.startswith("test_")]:
            if not only or name in only:
                start = time.monotonic()
                getattr(test, name)()
                print(f"# {name}: {time.monotonic() - start:.1f} s")
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=test.keys.env(),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
