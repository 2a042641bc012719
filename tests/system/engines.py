#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The images under real podman and real dockerd, in namespaces of their own: the commands of the old
README, with images from a real registry that `distributor push` filled and with those of OUT/images,
and the recipe of docs/testing-images.md."""
import gzip
import hashlib
import io
import json
import os
import re
import shlex
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
LOADED = "localhost/distributor-test"
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


class Foreign:
    """A container of another architecture: the arguments of `run`, and what it says."""

    def __init__(self, image, arguments, status, out):
        self.image, self.arguments, self.says = image, arguments, (status, out)


def busybox(engine):
    result = run(*engine.command, "pull", "-q", "--platform", f"linux/{GOARCH}", BUSYBOX)
    tap.equal(f"{engine.name}: pull of a foreign image", result.status, 0)
    return Foreign(BUSYBOX, ["--platform", f"linux/{GOARCH}", BUSYBOX, "uname", "-m"], 0,
                   f"{TARGET}\n")


def tiny_program(engine):
    """An image with nothing but the tiny program of the target; it writes its name, and ends with
    42."""
    path, image = f"{work}/{engine.name}-foreign.tar", f"{LOADED}:foreign"
    program = subprocess.run([f"{register_lib.BUILD}/tests/guest_tool", TARGET], check=True,
                             capture_output=True).stdout
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("program")
        member.mode, member.size = 0o755, len(program)
        archive.addfile(member, io.BytesIO(program))
    result = run(*engine.command, "import", path, image)
    tap.equal(f"{engine.name}: import of an image with a tiny program", result.status, 0)
    return Foreign(image, [image, "/program"], 42, f"{TARGET:15}\n")


def load_images(engine, release):
    """Those of OUT/images. Docker before 25 cannot load a layout, so that skopeo makes archives."""
    for tag in ("latest", "register", TARGET, f"{MACHINE}-{TARGET}"):
        archive = f"{work}/{engine.name}-{tag}.tar"
        copied = run(PROGRAMS["skopeo"], "--insecure-policy", "copy", "-q",
                     f"oci:{release.directory}/out/images:{tag}",
                     f"docker-archive:{archive}:{LOADED}:{tag}")
        loaded = run(*engine.command, "load", "-q", "-i", archive)
        tap.equal(f"{engine.name}: load of OUT/images, {tag}", (copied.status, loaded.status), (0, 0))


def check_readme(engine, images, foreign):
    """What the README has always told users to type."""
    def container(*arguments, **how):
        return in_container(engine, *arguments, **how)

    name = f"{engine.name}, {images}"
    result = container(*foreign.arguments)
    tap.ok(f"{name}: a foreign container does not run before", result.status != 0 and
           "exec format error" in str(result).lower(), result)
    result = container(images, "--reset", "-p", "yes", privileged=True)
    tap.equal(f"{name}: IMAGE --reset -p yes", result.status, 0)
    tap.has(f"{name}: IMAGE --reset -p yes says what it sets", result.out,
            f"Setting /usr/bin/qemu-{TARGET}-static as binfmt interpreter for {TARGET}\n")
    tap.equal(f"{name}: the kernel has it", entry().splitlines()[:3],
              ["enabled", f"interpreter /usr/bin/qemu-{TARGET}-static", "flags: F"])
    result = container(*foreign.arguments)
    tap.equal(f"{name}: then it runs, with nothing mounted into it", (result.status, result.out),
              foreign.says)
    result = container("-t", *foreign.arguments)
    tap.equal(f"{name}: with a terminal as well", (result.status, result.out.strip()),
              (foreign.says[0], TARGET))
    result = container(f"{images}:register", "--reset", privileged=True)
    tap.equal(f"{name}: IMAGE:register --reset", result.status, 0)
    tap.has(f"{name}: it registers without flag F", entry(), "\nflags: \n")
    result = container(*foreign.arguments)
    tap.ok(f"{name}: then a container without an emulator does not run",
           result.status not in (0, foreign.says[0]), result)
    result = container(*emulator_mount(), *foreign.arguments)
    tap.equal(f"{name}: and one with the emulator mounted into it does",
              (result.status, result.out), foreign.says)
    for tag in (TARGET, f"{MACHINE}-{TARGET}"):
        result = container(f"{images}:{tag}", f"/usr/bin/qemu-{TARGET}-static", "--version")
        tap.ok(f"{name}: IMAGE:{tag} --version", result.status == 0 and
               result.out.startswith(f"qemu-{TARGET} version "), result)
    check_copy(engine, name, images, foreign)
    result = container(images, "--uninstall", "*", privileged=True)
    tap.equal(f"{name}: IMAGE --uninstall '*'", (result.status, entry()), (0, ""))


def check_copy(engine, name, images, foreign):
    """Without flag F the kernel takes the emulator that is in the container."""
    directory = tempfile.mkdtemp(dir=work)
    with open(f"{directory}/Dockerfile", "w") as f:
        f.write(f"FROM {foreign.image}\nCOPY --from={images}:{MACHINE}-{TARGET} "
                f"/usr/bin/qemu-{TARGET}-static /usr/bin/\n")
    result = run(*engine.command, "build", "-q", "-t", f"{LOADED}:copied", directory)
    tap.ok(f"{name}: build with COPY --from=IMAGE:{MACHINE}-{TARGET}", result.status == 0, result)
    arguments = [f"{LOADED}:copied" if a == foreign.image else a for a in foreign.arguments]
    result = in_container(engine, *arguments)
    tap.equal(f"{name}: and the container of that image runs", (result.status, result.out),
              foreign.says)


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


def recipe():
    """The commands of docs/testing-images.md, for this machine and without the public registry."""
    with open(f"{register_lib.SOURCE}/docs/testing-images.md", encoding="utf-8") as f:
        text = "".join(re.findall(r"^```sh\n(.*?)^```$", f.read(), re.M | re.S))
    here = "arm64" if GOARCH == "amd64" else "amd64"
    for old, new in (("FROM=x86_64 HERE=linux/amd64", f"FROM={MACHINE} HERE=linux/{here}"),
                     ("TO=aarch64 THERE=linux/arm64", f"TO={TARGET} THERE=linux/{GOARCH}"),
                     ("docker.io/library/busybox", BUSYBOX)):
        assert old in text, old
        text = text.replace(old, new)
    return text


def check_recipe(engine, release):
    def images():
        listed = run(*engine.command, "images", "--format", "{{.Repository}}:{{.Tag}}").out
        return sorted(line for line in listed.splitlines() if line.startswith(LOADED))

    run(*engine.command, "rmi", "-f", *images())
    functions = f"""docker() {{
      if [ "$1" = run ]; then shift; set -- run {shlex.join(engine.run_options)} "$@"; fi
      {shlex.join(engine.command)} "$@"
    }}
    skopeo() {{ {PROGRAMS["skopeo"]} --insecure-policy "$@"; }}
    """
    result = register_lib.Result(subprocess.run(
        ["sh", "-euc", functions + recipe()], text=True, capture_output=True, errors="replace",
        stdin=subprocess.DEVNULL, timeout=600, cwd=release.directory))
    tap.ok(f"{engine.name}: the recipe of docs/testing-images.md ends well", result.status == 0,
           re.sub("^Setting .*\n", "", str(result), flags=re.M))
    said = [re.sub(" version .*", " version", line) for line in result.out.splitlines()
            if re.match(f"flags: |{TARGET}$|qemu-.* version ", line)]
    tap.equal(f"{engine.name}: its six checks say what the page says", said,
              ["flags: F", TARGET, "flags: ", *[f"qemu-{TARGET} version"] * 2, TARGET])
    tap.has(f"{engine.name}: and it leaves persistent entries", entry(), "\nflags: F\n")
    tap.equal(f"{engine.name}: and none of its images", images(), [])
    for name in entries():
        with open(f"{register_lib.BINFMT}/{name}", "w") as f:
            f.write("-1")


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
        check_readme(engine, REPOSITORY, busybox(engine))
        load_images(engine, release)
        check_readme(engine, LOADED, tiny_program(engine))
        check_options(engine)
        check_recipe(engine, release)
        engine.stop()
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
