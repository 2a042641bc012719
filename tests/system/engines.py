#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The images under real podman and real dockerd, in namespaces of their own: the commands of the old
README, from a real registry that `distributor push` filled, and `distributor test --engine`."""
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

import debian
import namespace_lib
import register_lib
import tap
import testcmd_lib
from registry_lib import DockerRegistry

MACHINE = testcmd_lib.MACHINE
TARGET = "aarch64" if MACHINE != "aarch64" else "x86_64"
GOARCH = {"aarch64": "arm64", "x86_64": "amd64"}[TARGET]
PORT = 5000
REPOSITORY = f"127.0.0.1:{PORT}/q/qemu-user-static"
BUSYBOX = f"127.0.0.1:{PORT}/q/busybox"
ENTRY = f"{register_lib.BINFMT}/qemu-{TARGET}"
# A path that could not be the name of an image.
work = tempfile.mkdtemp(prefix="Engines_.", suffix="_")
os.environ["TMPDIR"] = f"{work}/tmp"
os.mkdir(os.environ["TMPDIR"])


# What ./check took out of packages; a dockerd from there finds its helpers on the PATH.
TOOLS = f"{register_lib.SOURCE}/build/tools/usr"
os.environ["PATH"] = f"/usr/sbin:/usr/bin:{os.environ['PATH']}:{TOOLS}/sbin:{TOOLS}/bin"
PROGRAMS = {n: shutil.which(n) for n in ("docker-registry", "podman", "docker", "dockerd",
                                         "skopeo")}


class FullRelease(testcmd_lib.Release):
    """An emulator for every target, or else the registrar fails. But for a few they are tiny
    programs of the host, for none of them is ever run."""

    def programs(self, host):
        tool = f"{register_lib.BUILD}/tests/guest_tool"
        tiny = subprocess.run([tool, host], check=True, capture_output=True).stdout
        result = {row.emulator: tiny for row in register_lib.ROWS}
        for target in testcmd_lib.TARGETS:
            with open(testcmd_lib.emulator(host, target), "rb") as f:
                result[target] = f.read()
        return result


def busybox_layout(path):
    """An OCI layout with a busybox of the target, as anybody's foreign image."""
    program = os.path.join(debian.package("bookworm", GOARCH, "busybox-static"), "bin/busybox")
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        directory = tarfile.TarInfo("bin")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(directory)
        archive.add(program, "bin/busybox")
        for name in ("sh", "uname"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    os.makedirs(f"{path}/blobs/sha256")

    def blob(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        with open(f"{path}/blobs/sha256/{digest}", "wb") as f:
            f.write(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}",
                "size": len(data)}

    layer = blob(gzip.compress(tar.getvalue(), 1), "layer.v1.tar+gzip")
    config = {"architecture": GOARCH, "os": "linux", "config": {"Cmd": ["/bin/sh"],
              "Env": ["PATH=/bin"]}, "rootfs": {"type": "layers", "diff_ids": [
                  "sha256:" + hashlib.sha256(tar.getvalue()).hexdigest()]}}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": blob(json.dumps(config).encode(), "config.v1+json"), "layers": [layer]}
    image = dict(blob(json.dumps(manifest).encode(), "manifest.v1+json"),
                 annotations={"org.opencontainers.image.ref.name": "latest"})
    for name, document in (("oci-layout", {"imageLayoutVersion": "1.0.0"}),
                           ("index.json", {"schemaVersion": 2, "manifests": [image]})):
        with open(f"{path}/{name}", "w") as f:
            json.dump(document, f)


# Everything below runs in the namespaces.

def emulator_mount():
    """The option that mounts this machine's emulator into a container."""
    return ["-v", f"{testcmd_lib.emulator(MACHINE, TARGET)}:/usr/bin/qemu-{TARGET}-static"]


def run(*command, env=None, timeout=240):
    return register_lib.Result(subprocess.run(
        command, text=True, capture_output=True, errors="replace", stdin=subprocess.DEVNULL,
        timeout=timeout, env=dict(os.environ, **(env or {}))))


def wait_until(what, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.3)
    return False


def start(name, *command, cwd=None):
    # dockerd lets a slow containerd dump its stacks into TMPDIR: that is not the program's.
    os.makedirs(f"{work}/{name}.tmp", exist_ok=True)
    with open(f"{work}/{name}.log", "w") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                                env=dict(os.environ, TMPDIR=f"{work}/{name}.tmp"))


def log_of(name):
    with open(f"{work}/{name}.log", errors="replace") as f:
        return f.read()[-3000:]


def start_registry():
    """What is wrong with it, if anything. It ends with the namespaces."""
    try:
        DockerRegistry(f"{work}/registry", port=PORT).start()
    except RuntimeError as e:
        return str(e)
    return None


def fill_registry(release):
    result = release.run("push", "--unsigned", REPOSITORY)
    tap.ok("distributor push fills a real registry", result.status == 0, result)
    result = run(PROGRAMS["skopeo"], "--insecure-policy", "copy", "--dest-tls-verify=false",
                 f"oci:{work}/busybox:latest", f"docker://{BUSYBOX}:latest")
    tap.ok("so does skopeo with a foreign image", result.status == 0, result)


class Podman:
    name = "podman"
    run_options = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--network=none",
                   "--cgroups=disabled"]

    def start(self):
        os.makedirs(f"{work}/podman")
        with open(f"{work}/podman/registries.conf", "w") as f:
            f.write(f'[[registry]]\nlocation = "127.0.0.1:{PORT}"\ninsecure = true\n')
        os.environ["CONTAINERS_REGISTRIES_CONF"] = f"{work}/podman/registries.conf"
        self.command = [PROGRAMS["podman"], "--root", f"{work}/podman/root", "--runroot",
                        f"{work}/podman/run", "--tmpdir", f"{work}/podman/tmp",
                        "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
                        "--events-backend", "file"]
        result = run(*self.command, "info")
        return None if result.status == 0 else str(result)

    def stop(self):
        pass


class Docker:
    name = "docker"
    run_options = ["--network=none"]

    def start(self):
        directory = f"{work}/docker"
        os.makedirs(directory)
        self.command = [PROGRAMS["docker"], "-H", f"unix://{directory}/socket"]
        self.daemon = start("dockerd", PROGRAMS["dockerd"], "--data-root", f"{directory}/root",
                            "--exec-root", f"{directory}/run", "--pidfile", f"{directory}/pid",
                            "-H", f"unix://{directory}/socket", "--iptables=false",
                            "--ip6tables=false", "--bridge=none", "--storage-driver", "vfs",
                            "--insecure-registry", f"127.0.0.1:{PORT}")
        up = wait_until(lambda: run(*self.command, "version").status == 0 or
                        self.daemon.poll() is not None)
        return None if up and self.daemon.poll() is None else log_of("dockerd")

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait()


def entry():
    if not os.path.exists(ENTRY):
        return ""
    with open(ENTRY) as f:
        return f.read()


def entries():
    return sorted(set(os.listdir(register_lib.BINFMT)) - {"register", "status"})


def in_container(engine, *arguments, privileged=False):
    return run(*engine.command, "run", "--rm", *engine.run_options,
               *(["--privileged"] if privileged else []), *arguments)


def check_readme(engine):
    """What the README has always told users to type."""
    def container(*arguments, **how):
        return in_container(engine, *arguments, **how)

    name = engine.name
    run(*engine.command, "pull", "-q", "--platform", f"linux/{GOARCH}", BUSYBOX)
    foreign = ["--platform", f"linux/{GOARCH}", BUSYBOX, "uname", "-m"]
    result = container(*foreign)
    tap.ok(f"{name}: a foreign container does not run before", result.status != 0 and
           "exec format error" in str(result).lower(), result)
    result = container(REPOSITORY, "--reset", "-p", "yes", privileged=True)
    tap.ok(f"{name}: IMAGE --reset -p yes", result.status == 0 and
           f"Setting /usr/bin/qemu-{TARGET}-static as binfmt interpreter for {TARGET}\n"
           in result.out, result)
    tap.ok(f"{name}: the kernel has it",
           entry().startswith(f"enabled\ninterpreter /usr/bin/qemu-{TARGET}-static\nflags: F\n"),
           entry())
    result = container(*foreign)
    tap.ok(f"{name}: then it runs, with nothing mounted into it",
           (result.status, result.out) == (0, f"{TARGET}\n"), result)
    result = container("-t", *foreign)
    tap.ok(f"{name}: with a terminal as well", (result.status, result.out.strip()) ==
           (0, TARGET), result)
    result = container(f"{REPOSITORY}:register", "--reset", privileged=True)
    tap.ok(f"{name}: IMAGE:register --reset", result.status == 0 and "\nflags: \n" in entry(),
           f"{result}\n{entry()}")
    result = container(*foreign)
    tap.ok(f"{name}: then a container without an emulator does not run", result.status != 0, result)
    result = container(*emulator_mount(), *foreign)
    tap.ok(f"{name}: and one with the emulator mounted into it does",
           (result.status, result.out) == (0, f"{TARGET}\n"), result)
    for tag in (TARGET, f"{MACHINE}-{TARGET}"):
        result = container(f"{REPOSITORY}:{tag}", f"/usr/bin/qemu-{TARGET}-static", "--version")
        tap.ok(f"{name}: IMAGE:{tag} --version", result.status == 0 and
               result.out.startswith(f"qemu-{TARGET} version "), result)
    result = container(REPOSITORY, "--uninstall", "*", privileged=True)
    tap.ok(f"{name}: IMAGE --uninstall '*'", result.status == 0 and not entry(), result)


def check_options(engine):
    """The options of the old registrar, each alone, and what the new one adds."""
    name = engine.name
    every = {f"qemu-{row.name}" for row in register_lib.foreign(MACHINE)}
    mips = {n for n in every if n.startswith("qemu-mips")}

    def registrar(what, good, *arguments, image=REPOSITORY, before=(), privileged=True):
        result = in_container(engine, *before, image, *arguments, privileged=privileged)
        tap.ok(f"{name}: {what}", good(result), result, entries(), entry())

    registrar("without --privileged it says what is missing", lambda r: r.status == 1 and
              "--privileged" in r.err and not entries(), "--reset", "-p", "yes", privileged=False)
    registrar("IMAGE --help", lambda r: r.status == 0 and "--persistent" in r.out, "--help",
              privileged=False)
    registrar("IMAGE --reset", lambda r: r.status == 0 and every <= set(entries()) and
              "\nflags: \n" in entry(), "--reset")
    registrar("IMAGE -p yes does not touch what others have registered", lambda r:
              r.status == 1 and "--reset" in r.err and "\nflags: \n" in entry(), "-p", "yes")
    registrar("IMAGE --reset -p yes --credential yes, and its warning", lambda r:
              r.status == 0 and "\nflags: OCF\n" in entry() and "setuid" in r.err.lower(),
              "--reset", "-p", "yes", "--credential", "yes")
    registrar("IMAGE --uninstall by a pattern", lambda r: r.status == 0 and
              {n for n in entries() if n in every} == every - mips,
              "--uninstall", "mips*")
    registrar("... and of all", lambda r: r.status == 0 and entries() == [], "--uninstall", "*")
    registrar("IMAGE -p yes", lambda r: r.status == 0 and every <= set(entries()) and
              "\nflags: F\n" in entry(), "-p", "yes")
    registrar("IMAGE -p yes, again", lambda r: r.status == 0 and "\nflags: F\n" in entry(),
              "-p", "yes")
    registrar("IMAGE --reset -p yes with the names of some targets", lambda r: r.status == 0 and
              entries() == sorted([f"qemu-{TARGET}", "qemu-m68k"]), "--reset", "-p", "yes",
              f"linux/{GOARCH}", "m68k")
    registrar("IMAGE --status", lambda r: r.status == 0 and f"qemu-{TARGET}" in r.out, "--status")
    registrar("IMAGE --status --json", lambda r: r.status == 0 and f"qemu-{TARGET}" in
              json.dumps(json.loads(r.out)), "--status", "--json")
    registrar("IMAGE --status of what is not registered", lambda r: r.status == 1,
              "--status", "riscv64")
    registrar("IMAGE:register with an emulator mounted into it", lambda r: r.status == 0 and
              entries() == [f"qemu-{TARGET}"] and "\nflags: F\n" in entry(), "--reset", "-p",
              "yes", TARGET, image=f"{REPOSITORY}:register", before=emulator_mount())
    result = in_container(engine, "--platform", f"linux/{GOARCH}", BUSYBOX, "uname", "-m")
    tap.ok(f"{name}: then a foreign container runs", (result.status, result.out) ==
           (0, f"{TARGET}\n"), result)
    registrar("IMAGE --uninstall by Docker's name", lambda r: r.status == 0 and entries() == [],
              "--uninstall", f"linux/{GOARCH}")


def check_command(engine, release):
    """`distributor test --engine`, with images from the registry and from the layout."""
    def test(*options):
        return release.run("test", "--json", "--engine", engine.name, "--engine-command",
                           " ".join(engine.command), *(f"--run-option={o}" for o in
                                                       engine.run_options), *options)

    def images():
        listed = run(*engine.command, "images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}")
        return sorted(listed.out.splitlines())

    before = images()
    with open(f"{register_lib.BINFMT}/register", "w") as f:
        f.write(f":qemu-{TARGET}:M::x::/bin/true:")
    result = test("--image", REPOSITORY, "--foreign-image", BUSYBOX)
    report = json.loads(result.out or "{}")
    tap.ok(f"test --engine {engine.name}: six checks, images from the registry",
           (result.status, report.get("failed"), len(report.get("checks", []))) == (0, 0, 6), result)
    tap.has("where an entry was, the images' is left", entry(), "flags: F\n", "/usr/bin/qemu-")
    for name in entries():
        with open(f"{register_lib.BINFMT}/{name}", "w") as f:
            f.write("-1")
    result = test()
    report = json.loads(result.out or "{}")
    tap.ok(f"test --engine {engine.name}: images of OUT/images",
           (result.status, report.get("failed"), len(report.get("checks", []))) == (0, 0, 6), result)
    tap.equal("where no entry was, none is left", entries(), [])
    tap.equal("the images that were loaded are gone, under any name", images(), before)
    result = test("--image", f"{REPOSITORY}-missing")
    report = json.loads(result.out or "{}")
    tap.ok(f"test --engine {engine.name}: images that are not there", result.status == 4 and
           f"{report.get('failed')} of 6 checks failed" in result.err and
           "IMAGE --reset -p yes: flags: F: '" in result.err, result)
    tap.equal("nothing is left behind", os.listdir(os.environ["TMPDIR"]), [])


def check_broken(engine, release):
    """Engines that do not do what they say."""
    def test(script, *options):
        path = f"{work}/fake"
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
        return release.run("test", "--engine", "podman", "--engine-command", f"{path} --opt",
                           "--image", "x/y", *options)

    result = test("exit 0\n")
    tap.ok("an engine that does nothing", result.status == 4 and
           f"the engine registered and there is no '{ENTRY}' here" in result.err and
           "6 of 6 checks failed" in result.err, result)
    result = test('echo "$@" >>' + f"{work}/calls; echo cannot do it >&2; exit 125\n",
                  "--foreign-image", "z", "--run-option", "--a b")
    with open(f"{work}/calls") as f:
        calls = f.read()
    tap.has("its own words are passed on", result.err,
            f"'{work}/fake' ended with status 125, not 0: cannot do it")
    tap.has("commands and options are as they were given", calls,
            "--opt run --rm --a b --privileged x/y:latest --reset -p yes\n",
            "--opt run --rm --a b --privileged x/y:register --reset\n", "--opt run --rm --a b z uname -m\n",
            f"--opt run --rm --a b x/y:{TARGET} /usr/bin/qemu-{TARGET}-static --version\n")
    result = release.run("test", "--engine", "podman", out=f"{work}/empty")
    tap.ok("no images", result.status == 3 and f"'{work}/empty/images' is not there; 'distributor "
           f"images --matrix {release.directory}/matrix.json --out {work}/empty' makes it"
           in result.err, result)
    result = release.run("test", "--engine", "podman", "--engine-command", f"{work}/none")
    tap.ok("no engine", result.status != 0 and f"no program '{work}/none'" in result.err, result)


def in_namespaces(release):
    wrong = start_registry()
    if not tap.ok("a registry", not wrong, wrong):
        return tap.finish()
    fill_registry(release)
    for engine in (Podman(), Docker()):
        missing = [n for n in {"podman": ["podman"], "docker": ["docker", "dockerd"]}[engine.name]
                   if not PROGRAMS[n]]
        reason = f"no {missing[0]}" if missing else engine.start()
        if reason:
            tap.skip(f"{engine.name}", reason.strip().splitlines()[-1])
            continue
        check_readme(engine)
        check_options(engine)
        check_command(engine, release)
        engine.stop()
    check_broken(None, release)
    return tap.finish()


def main():
    for name in ("docker-registry", "skopeo"):
        if not PROGRAMS[name]:
            tap.skip("the images under real engines", f"{name} is not installed")
            return tap.finish()
    reason = register_lib.why_not_private()
    if reason:
        tap.skip("the images under real engines", reason)
        return tap.finish()
    try:
        release = FullRelease(f"{work}/release", hosts=testcmd_lib.HOSTS[:2])
        busybox_layout(f"{work}/busybox")
    except debian.Unavailable as e:
        tap.skip("the images under real engines", f"no packages of Debian: {e}")
        return tap.finish()
    for command in (["tarballs", "--cache", f"{release.directory}/cache"], ["images"]):
        result = release.run(*command)
        if not tap.ok(command[0], result.status == 0, result):
            return tap.finish()
    result = release.run("test", "--engine", "docker")
    tap.ok("the machine's own entries are not replaced unasked", result.status == 2 and
           "say --machine-wide" in result.err, result)
    for options, part in ((["--engine", "lxc"], "docker or podman, not 'lxc'"),
                          (["--image", "x"], "say --engine"),
                          (["--engine", "docker", "--target", "arm"], "do not go with --engine")):
        result = release.run("test", *options)
        tap.ok(f"refused: {' '.join(options)}", result.status == 2 and part in result.err, result)
    status = namespace_lib.run(lambda: in_namespaces(release))
    if status == 77:
        tap.skip("the images under real engines", "no namespaces for them (the reason is above)")
        return tap.finish()
    return status


try:
    STATUS = main()
finally:
    shutil.rmtree(work, ignore_errors=True)
sys.exit(STATUS)
