# SPDX-License-Identifier: MIT
"""A small release to sign, and the program, for the tests of trust."""
import base64
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile

PROGRAM = os.environ["DISTRIBUTOR"]
SOURCE = os.environ["SOURCE_DIR"]
EPOCH = 1756252800
os.environ["LSAN_OPTIONS"] = f"print_suppressions=0:suppressions={SOURCE}/tests/lsan.supp"
# In front of a command; root needs no user namespace, which not every container allows.
WITHOUT_NETWORK = ["unshare", "-n" if os.geteuid() == 0 else "-rn"]
RPM = "qemu-user-static-aarch64-10.1.0-1.fc43.x86_64.rpm"
DEB = "qemu-user_10.1.0+ds-1_arm64.deb"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def openssh_key(pem):
    """A copy of an unprotected PEM key, beside it, as a file for ssh-keygen and git; made by hand."""
    def string(data):
        return len(data).to_bytes(4, "big") + data

    seed = base64.b64decode(read(pem).decode().splitlines()[1])[-32:]
    public = base64.b64decode(json.loads(run("key", "--json", "--key", pem))["minisign"])[10:]
    kind = string(b"ssh-ed25519") + string(public)
    secret = b"samesame" + kind + string(seed + public) + string(b"") + bytes(range(1, 6))
    blob = (b"openssh-key-v1\0" + string(b"none") + string(b"none") + string(b"") + (1).to_bytes(4, "big") +
            string(kind) + string(secret))
    path = pem + ".ssh"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.encodebytes(blob) +
                   b"-----END OPENSSH PRIVATE KEY-----\n")
    return path


def run(*command, status=0, env=None, cwd=None, stdin=None, **options):
    """Runs the program; returns what it printed, standard error last, checking its exit status."""
    done = subprocess.run([PROGRAM, *command], capture_output=True, text=True, errors="backslashreplace", cwd=cwd,
                          env=dict(os.environ, **(env or {})), input=stdin, timeout=120,
                          stdin=subprocess.DEVNULL if stdin is None else None, **options)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}, not {status}\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def tool(*command, cwd=None, check=True, **options):
    """Runs somebody else's program; returns its result."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done


def write(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def read(path):
    with open(path, "rb") as f:
        return f.read()


def _tarball(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), 1, mtime=0)


def ed25519(key, data):
    """What the key in a PEM file without a passphrase signs, by openssl: any bytes."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(data)
        f.flush()
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", f.name],
                              check=True, capture_output=True, timeout=120).stdout


class Release:
    """A directory with matrix, lock, key directory and assets; nothing is signed yet."""

    def __init__(self, root, version="10.1.0-1", epoch=EPOCH):
        self.root, self.version, self.tag = root, version, "v" + version
        self.matrix = os.path.join(root, "matrix.json")
        self.assets = os.path.join(root, "out", "assets")
        self.key = os.path.join(root, "release.pem")
        self.programs = {("x86_64", "aarch64"): b"\x7fELF one " + version.encode() * 99,
                         ("aarch64", "s390x"): b"\x7fELF two " + version.encode() * 77}
        os.makedirs(self.assets)
        self._write_matrix()
        self._write_lock(epoch)
        self._write_assets(epoch)

    def _write_matrix(self):
        write(self.matrix, json.dumps({
            "name": "qemu-user-static", "version": self.version,
            "repository": {"github": "example/qemu-user-static"},
            "sources": {"fedora-43": {"type": "fedora", "release": 43, "package": "qemu",
                                      "keys": ["C6E7F081CF80E13146676E88829B606631645531"]},
                        "trixie": {"type": "apt", "suite": "trixie"}},
            "hosts": {"x86_64": {"source": "fedora-43", "legacy_names": True},
                      "aarch64": {"source": "trixie"}},
            "targets": "all"}, indent=2))

    def _member(self, host, target, suffix):
        data = self.programs[host, target]
        return {"target": target, "path": f"usr/bin/qemu-{target}{suffix}", "size": len(data),
                "sha256": sha256(data)}

    def _write_lock(self, epoch):
        qemu = self.version.split("-")[0]
        self.lock = {
            "format": 1, "name": "qemu-user-static", "version": self.version, "serial": 7,
            "source_date_epoch": epoch,
            "packages": [
                {"host": "aarch64", "source": "trixie", "type": "apt", "name": "qemu-user",
                 "version": f"1:{qemu}+ds-1", "arch": "arm64", "file": DEB, "size": 10,
                 "sha256": sha256(b"deb"), "qemu_version": qemu, "suite": "trixie",
                 "pool_path": f"pool/main/q/qemu/{DEB}",
                 "signer": "4CB50190207B4758A3F73A796ED0E7B82643E131", "signed": epoch - 100,
                 "source_package": f"qemu (= 1:{qemu}+ds-1)",
                 "built_using": ["glibc (= 2.41-12)", "zlib (= 1:1.3.dfsg+really1.3.1-1)"],
                 "members": [self._member("aarch64", "s390x", "")]},
                {"host": "x86_64", "source": "fedora-43", "type": "fedora",
                 "name": "qemu-user-static-aarch64", "version": f"2:{qemu}-1.fc43",
                 "arch": "x86_64", "file": RPM, "size": 11, "sha256": sha256(b"rpm"),
                 "qemu_version": qemu,
                 "urls": [f"https://example.org/{RPM}"], "header_sha256": sha256(b"header"),
                 "signer": "C6E7F081CF80E13146676E88829B606631645531", "signed": epoch,
                 "source_package": f"qemu-{qemu}-1.fc43.src.rpm",
                 "license": "GPL-2.0-or-later AND (MIT OR BSD-3-Clause)",
                 "members": [self._member("x86_64", "aarch64", "-static")]}]}
        self.lock_path = os.path.join(self.root, "matrix.lock.json")
        write(self.lock_path, json.dumps(self.lock, indent=2) + "\n")

    def _asset(self, name, kind, data, host, target):
        write(os.path.join(self.assets, name), data)
        package = next(p for p in self.lock["packages"] if p["host"] == host)
        program = self.programs[host, target]
        return {"name": name, "kind": kind, "size": len(data), "sha256": sha256(data),
                "host": host, "target": target,
                "package": {"file": package["file"], "sha256": package["sha256"]},
                "member": {"size": len(program), "sha256": sha256(program)}}

    def _write_assets(self, epoch):
        assets = []
        for (host, target), program in self.programs.items():
            tarball = _tarball(f"qemu-{target}-static", program)
            assets.append(self._asset(f"{host}_qemu-{target}-static.tar.gz", "tarball", tarball,
                                      host, target))
            if host == "x86_64":
                assets.append(self._asset(f"qemu-{target}-static.tar.gz", "legacy-tarball",
                                          tarball, host, target))
                assets.append(self._asset(f"qemu-{target}-static", "legacy-binary", program, host,
                                          target))
        assets.sort(key=lambda a: a["name"])
        write(os.path.join(self.root, "out", "assets.json"), json.dumps({
            "name": "qemu-user-static", "version": self.version, "source_date_epoch": epoch,
            "lock_sha256": sha256(read(self.lock_path)), "assets": assets}))
        self.names = [a["name"] for a in assets]

    def keygen(self, *options, name="release.pem", principal="release@example.org"):
        return run("keygen", "--no-passphrase", "--principal", principal, *options, name,
                   cwd=self.root)

    def sign(self, *options, status=0, env=None):
        if not options and env is None:
            options = ("--key", "release.pem")
        return run("sign", "--matrix", "matrix.json", *options, cwd=self.root, status=status,
                   env=env)

    def verify(self, *options, status=0):
        return run("verify", "--keys", "keys", *(options or ("out/assets",)), cwd=self.root, status=status)

    def path(self, *parts):
        return os.path.join(self.assets, *parts)

    def document(self, kind):
        return self.path(f"qemu-user-static-{self.version}.{kind}.json")

    def openssh_key(self, name="release.pem"):
        """The signing key as a file for ssh-keygen and git."""
        return openssh_key(os.path.join(self.root, name))

    def minisign_key(self, name="release.pem"):
        """The signing key as a file for minisign, without a passphrase; made by hand."""
        pem = read(os.path.join(self.root, name)).decode().splitlines()
        seed = base64.b64decode(pem[1])[-32:]
        public = base64.b64decode(json.loads(
            run("key", "--json", "--key", name, cwd=self.root))["minisign"])[10:]
        number = hashlib.sha256(public).digest()[:8]
        checksum = hashlib.blake2b(b"Ed" + number + seed + public, digest_size=32).digest()
        blob = b"Ed\0\0B2" + bytes(48) + number + seed + public + checksum
        path = os.path.join(self.root, name + ".minisign")
        write(path, "untrusted comment: test\n" + base64.b64encode(blob).decode() + "\n")
        return path
