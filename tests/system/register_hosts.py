#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The registrars of all hosts: their files, and each one at work under QEMU; Debian's packages and
the old script as second opinions."""
import glob
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import debian
import tap
from register_lib import (BUILD, BY_NAME, HOST, MACHINE, ROWS, SOURCE, escape, foreign, private,
                          program, run, runs_here, why_not_private)

work = tempfile.mkdtemp(prefix="register.")
# from_arch: target, ELF class, data, machine, and of the flags what tells it from its siblings
HOSTS = {"x86_64": ("x86_64", 2, 1, 62, 0, 0), "aarch64": ("aarch64", 2, 1, 183, 0, 0),
         "ppc64le": ("ppc64le", 2, 1, 21, 3, 2), "s390x": ("s390x", 2, 2, 22, 0, 0),
         "riscv64": ("riscv64", 2, 1, 243, 0, 0), "loongarch64": ("loongarch64", 2, 1, 258, 0, 0),
         "armv7l": ("arm", 1, 1, 40, 0xff000600, 0x05000400),
         "armv5tel": ("arm", 1, 1, 40, 0xff000600, 0x05000200), "i686": ("i386", 1, 1, 3, 0, 0),
         "mips64el": ("mips64el", 2, 1, 8, 0, 0), "mipsel": ("mipsel", 1, 1, 8, 0x20, 0)}
built = [host for host in HOSTS if os.path.exists(program(host))]
print(f"# no compiler, no registrar: {' '.join(set(HOSTS) - set(built)) or 'none'}")
for matrix in sorted(glob.glob(f"{SOURCE}/matrix/*.json")):
    if matrix.endswith((".lock.json", ".schema.json")):
        continue
    with open(matrix) as file:
        wanted = json.load(file)["hosts"]
    tap.equal(f"a registrar for every host of {os.path.basename(matrix)}",
              [host for host in wanted if host not in built], [])


def segments(data):
    """(type, flags) of each program header, and e_flags."""
    order = "<" if data[5] == 1 else ">"
    wide = data[4] == 2
    offset = struct.unpack_from(order + ("Q" if wide else "I"), data, 32 if wide else 28)[0]
    flags = struct.unpack_from(order + "I", data, 48 if wide else 36)[0]
    size, count = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    result = []
    for i in range(count):
        at = offset + i * size
        result.append((struct.unpack_from(order + "I", data, at)[0],
                       struct.unpack_from(order + "I", data, at + (4 if wide else 24))[0]))
    return result, flags


for host in built:
    target, elf_class, elf_data, machine, mask, wanted = HOSTS[host]
    with open(program(host), "rb") as f:
        data = f.read()
    parts, flags = segments(data)
    tap.equal(f"{host}: an executable for it", (
        data[4], data[5], struct.unpack_from("<HH" if elf_data == 1 else ">HH", data, 16), flags & mask),
        (elf_class, elf_data, (2, machine), wanted))
    tap.ok(f"{host}: static, and nothing is both written and executed",
           all(kind not in (2, 3) for kind, _ in parts) and all(f & 3 != 3 for _, f in parts), parts)
    tap.ok(f"{host}: below 100 KB", len(data) < 100_000, len(data))
    tap.ok(f"{host}: no path of the building machine", SOURCE.encode() not in data)


def rebuilt(host):
    """The bytes that the same compiler makes of a copy of the tree elsewhere."""
    command = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", program(host)], check=True,
                             capture_output=True, text=True).stdout.strip().splitlines()[-1]
    copy = os.path.join(work, "an other", "tree")
    if not os.path.isdir(copy):
        os.makedirs(copy)
        for folder in ("base", "model", "register"):
            shutil.copytree(os.path.join(SOURCE, folder), os.path.join(copy, folder))
    result = os.path.join(work, "rebuilt")
    command = command.replace(program(host), result).replace(SOURCE + "/", "")
    command = command.replace(f"-I{SOURCE} ", "-I. ")
    subprocess.run(["sh", "-c", command.split("&& ", 1)[-1]], check=True, cwd=copy,
                   env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "Asia/Tokyo"})
    with open(result, "rb") as f:
        return f.read()


for host in [h for h in ("s390x", "aarch64", HOST) if h in built][:2]:
    with open(program(host), "rb") as f:
        tap.ok(f"{host}: the same bytes from another directory", rebuilt(host) == f.read())



def configure(name, compilers):
    """What CMake says of register/ where PATH has these compilers, which have no headers, only."""
    tools, project = os.path.join(work, name, "bin"), os.path.join(work, name, "project")
    os.makedirs(tools)
    os.makedirs(project)
    for compiler in compilers:
        with open(os.path.join(tools, compiler), "w") as f:
            f.write("#!/bin/sh\nexit 1\n")
        os.chmod(os.path.join(tools, compiler), 0o755)
    with open(os.path.join(project, "CMakeLists.txt"), "w") as f:
        f.write("cmake_minimum_required(VERSION 3.22)\nproject(registrars NONE)\n"
                "set(CMAKE_INSTALL_LIBEXECDIR libexec)\nfunction(dist_layer)\nendfunction()\n"
                f"add_subdirectory({SOURCE}/register register)\n")
    return run([shutil.which("cmake"), "-S", project, "-B", os.path.join(project, "build"), "-G",
                "Ninja", f"-DCMAKE_MAKE_PROGRAM={shutil.which('ninja')}",
                "-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF"], env=dict(os.environ, PATH=tools))


result = configure("none", [])
tap.equal("a host whose compiler is missing is named, with its package",
          [line for line in result.out.splitlines() if "No registrar" in line],
          [f"-- No registrar for {host}: {triplet}-gcc is missing (package gcc-{package})"
           for host, triplet, package in (
               ("x86_64", "x86_64-linux-gnu", "x86-64-linux-gnu"),
               *((h, t, t) for h, t in (
                   ("aarch64", "aarch64-linux-gnu"), ("ppc64le", "powerpc64le-linux-gnu"),
                   ("s390x", "s390x-linux-gnu"), ("riscv64", "riscv64-linux-gnu"),
                   ("loongarch64", "loongarch64-linux-gnu"), ("armv7l", "arm-linux-gnueabihf"),
                   ("armv5tel", "arm-linux-gnueabi"), ("i686", "i686-linux-gnu"),
                   ("mips64el", "mips64el-linux-gnuabi64"), ("mipsel", "mipsel-linux-gnu"))))])
result = configure("headers", ["aarch64-linux-gnu-gcc"])
tap.has("so is one whose kernel headers are missing", result.out, "No registrar for aarch64: "
        "aarch64-linux-gnu-gcc has no kernel headers (package libc6-dev-arm64-cross)")
tap.equal("and CMake goes on", result.status, 0)

# The files that Debian's packages register at boot. Its maintainers accept fewer OS ABIs (mask byte
# 7), and have other masks for the x86 family and alpha: these are the only differences.

OTHER_MASK = {"alpha": "ffffffffffffff00", "i386": "fffffffffffefefc", "x86_64": "fffffffffffefefc",
              "m68k": "ffffffffffffff00"}
NARROW = ("sparc sparc32plus sparc64 ppc ppc64 ppc64le sh4 sh4eb s390x").split()


def expected_mask(name):
    mask = BY_NAME[name].mask
    if name in NARROW:
        return mask[:14] + "fc" + mask[16:]
    return OTHER_MASK.get(name, mask[:16]) + mask[16:]


def compare_confs(suite, directory, most_missing):
    names = []
    for path in sorted(glob.glob(f"{directory}/*.conf")):
        with open(path) as f:
            fields = f.read().strip().split(":")
        name = fields[1].replace("qemu-", "", 1)
        if name == "cris":      # gone since QEMU 9.2
            continue
        names.append(name)
        row = BY_NAME[name]
        magic = fields[4].replace("ELF", "\\x45\\x4c\\x46").replace("\\x", "")
        mask = fields[5].replace("\\x", "")
        wanted_magic, wanted_mask = row.magic, expected_mask(name)
        if suite == "bookworm" and name.startswith("mips"):
            # byte 8 may be 1, the version is not looked at, and what no bit asks for is left out
            wanted_mask = wanted_mask[:16] + "fe" + wanted_mask[18:40] + "0" * 8 * (
                len(mask) > 40) + wanted_mask[48:len(mask)]
            wanted_magic = wanted_magic[:40] + "0" * 8 * (
                len(mask) > 40) + wanted_magic[48:len(mask)]
        tap.equal(f"{suite}: {name} as Debian has it", (magic, mask), (wanted_magic, wanted_mask))
    missing = [r.name for r in ROWS if r.name not in names]
    tap.equal(f"{suite}: nothing else is missing", missing, most_missing)


def compare_old_script(script):
    """The same files and lines as QEMU's own script, for every host, but for microblaze."""
    def both(host, arguments):
        seen = []
        for command in (["sh", script, "--qemu-suffix", "-static", "--qemu-path", "/usr/bin"],
                        [program()]):
            directory = os.path.join(work, "both")
            shutil.rmtree(directory, ignore_errors=True)
            os.mkdir(directory)
            result = run([*command, "--exportdir", directory, *arguments],
                         env=dict(os.environ, HOST_ARCH=host))
            files = {}
            for name in os.listdir(directory):
                with open(os.path.join(directory, name)) as f:
                    files[name] = re.sub(r".*microblaze.*|(magic|mask) .*baab.*", "", f.read()) \
                        if name.startswith("qemu-microblaze.") or name == "qemu-microblaze" else f.read()
            seen.append((result.status, result.out, files))
        return seen
    for host in ("x86_64", "aarch64", "armv7l", "i686", "ppc64le", "s390x", "riscv64",
                 "loongarch64", "mips64el", "sparc64"):
        for arguments in (["--systemd", "ALL", "-p", "yes"], ["-s", "ALL", "-i", "yes"]):
            old, new = both(host, arguments)
            tap.equal(f"{host} {' '.join(arguments)}: as the old script", new, old)
    for arguments in (["-s", "ALL"], ["-s", "ALL", "-p", "yes", "-c", "yes", "-g", "yes"],
                      ["-s", "arm", "-c", "yes"], ["-s", "i386"], ["-s", "ALL", "-p", "maybe"],
                      ["-s", "ALL", "-i", "maybe"], ["-s", "ALL", "-Q", "/o", "-F", "x"]):
        old, new = both("x86_64", arguments)
        tap.equal(f"x86_64 {' '.join(arguments)}: as the old script", new, old)
    old, new = both("s390x", ["--debian", "--persistent=yes", "--cred", "yes"])
    drop = "qemu-microblaze"
    tap.equal("--debian: as the old script", {k: v for k, v in new[2].items() if k != drop},
              {k: v for k, v in old[2].items() if k != drop})


def compare_in_kernel(script):
    """The same entries and lines as the old wrapper, which passes its words on to that script;
    but for what microblaze's entry says."""
    bin_dir = os.path.join(work, "bin")
    os.mkdir(bin_dir)
    for row in ROWS:
        shutil.copy(program(), f"{bin_dir}/qemu-{row.emulator}-static")
    wrapper = f"sh {script} --qemu-suffix -static --qemu-path {bin_dir}"
    dump = "for f in $B/qemu-*; do echo ${f##*/}; cat $f; done"
    for words in ("", "-p yes", "-pyes", "--persistent yes", "--persistent=yes", "--pers=yes",
                  "-p=yes", "-p YES", "-p yes -p no", "-c yes", "--credential=yes -p yes",
                  "-g yes", "--preserve-argv0 yes -p yes", "-gyes -cyes -pyes", "-i yes",
                  "--ignore-family=maybe", "-i no", "-Q / --qemu-suffix=x", "--"):
        seen = []
        for command in (wrapper, program()):
            result = private(f"{command} {words}; echo $?; {dump}", env={"QEMU_BIN_DIR": bin_dir})
            text = re.sub(r"(?<=qemu-microblaze\n)(.*\n){6}", "", result.out)
            if not runs_here("i386"):   # where it needs an emulator, the script does not notice
                text = re.sub(r"Setting .* for i[34]86\n|qemu-i[34]86\n(.*\n){6}", "", text)
            seen.append(text)
        tap.equal(f"in the kernel as by the old script: '{words}'", seen[1], seen[0])


# Each one under the emulator of its own architecture, and then a foreign program by itself.

def try_under_qemu(host, emulators):
    target = HOSTS[host][0]
    command = [program(host)]
    if host != HOST:
        command.insert(0, f"{emulators}/qemu-{target}-static")
    result = run([*command, "--help"])
    tap.ok(f"{host}: runs", result.status == 0 and "loongarch64" in result.out, result)
    directory = os.path.join(work, "export")
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory)
    result = run([*command, "-s", "ALL", "-e", directory, "-p", "yes"],
                 env=dict(os.environ, HOST_ARCH=host))
    seen = {}
    for name in os.listdir(directory):
        with open(os.path.join(directory, name)) as f:
            seen[name] = f.read()
    tap.equal(f"{host}: writes every file exactly", seen,
              {f"qemu-{r.name}.conf": r.line("/usr/bin", "F") + "\n" for r in foreign(target)})
    if not_private:
        tap.skip(f"{host}: registers", not_private)
        return
    result = private('"$@" --reset -p yes >/dev/null; echo $?; cat $B/qemu-s390x $B/qemu-aarch64;'
                     '"$@" -p yes sh4 alpha; "$@" --uninstall sh4; "$@" --status alpha; echo $?;'
                     '"$@" --reset -Q /none -p yes; ls $B | grep -c qemu-', *command,
                     env={"QEMU_BIN_DIR": emulators})
    # Where the registrar is emulated, the machine's own architecture is left out as well.
    left = [r for r in foreign(target) if r.name != MACHINE]
    if host == "x86_64" == HOST and not runs_here("i386"):
        left += [BY_NAME["i386"], BY_NAME["i486"]]
    wanted = "".join(BY_NAME[n].entry(emulators, "F")
                     for n in ("s390x", "aarch64") if BY_NAME[n] in left)
    tap.ok(f"{host}: registers in the kernel", result.out.startswith("0\n" + wanted), result)
    tap.has(f"{host}: keeps, removes, shows and fails as it should", str(result),
            f"Keeping {emulators}/qemu-alpha-static", "Removed qemu-sh4\n", "alpha         enabled",
            "no emulator found", f"\n{len(left) - 1}\n")


def try_32_bit_host(host, emulators):
    """It has no emulators of 64-bit targets, which is no failure unless one is named."""
    few = os.path.join(work, "few")
    if not os.path.isdir(few):
        os.mkdir(few)
        for name in ("arm", "mips", "sh4"):
            os.symlink(f"{emulators}/qemu-{name}-static", f"{few}/qemu-{name}-static")
    command = [program(host)]
    if host != HOST:
        command.insert(0, f"{emulators}/qemu-{HOSTS[host][0]}-static")
    result = private('"$@" -p yes mips sh4; "$@" -p yes alpha mips; echo $?; "$@" -p yes; echo $?; ls $B',
                     *command, env={"QEMU_BIN_DIR": few})
    tap.has(f"{host}: a 64-bit target that is named fails", result.err,
            "ERROR: cannot register alpha: no such file")
    tap.has(f"{host}: else it is told", result.err, f"NOTE: {few}/qemu-alpha-static not found: "
            "32-bit machines cannot emulate alpha", "NOTE: " + few + "/qemu-hppa-static not found")
    tap.has(f"{host}: other missing ones fail still", str(result), "\n1\nSetting", "\n1\nqemu-",
            "ERROR: cannot register sparc: no such file")


# Of the host's family: what it may or may not run itself. QEMU 10 runs programs from memory.
SIBLINGS = {"x86_64": "i386", "aarch64": "arm", "riscv64": "riscv32", "armv7l": "aarch64",
            "i686": "x86_64"}


def try_probe_program(host, sibling, command, emulators):
    """What the registrar writes into memory to be tried, run where such programs do run."""
    trace, path = os.path.join(work, "trace"), os.path.join(work, "tried")
    private('strace -qq -f -xx -s 1000 -e trace=write -o "$TRACE" "$@"', *command, sibling,
            env={"TRACE": trace})
    with open(trace) as f:
        found = re.findall(r'write\(\d+, "(\\x7f\\x45\\x4c\\x46[^"]*)"', f.read())
    with open(path, "wb") as f:
        f.write(bytes.fromhex("".join(found).replace("\\x", "")))
    os.chmod(path, 0o755)
    result = run([f"{emulators}/qemu-{sibling}", path])
    tap.equal(f"{host}: the {sibling} program that is tried runs under qemu-{sibling}",
              (len(found), result.status), (1, 42))


def try_probe(host, emulators):
    sibling = SIBLINGS[host]
    row = BY_NAME[sibling]
    command = [program(host), "-Q", "/none"]
    if host != HOST:
        command.insert(0, f"{emulators}/qemu-{HOSTS[host][0]}")
    if shutil.which("strace"):
        try_probe_program(host, sibling, command, emulators)
    else:
        tap.skip(f"{host}: the program that is tried", "strace is not installed")
    result = private('"$@"; ls $B; "$@"; $R --uninstall "*" >/dev/null;'
                     'printf %s "$OTHER" >$B/register; "$@"; ls $B', *command, sibling,
                     env={"OTHER": f":other:M::{row.magic_text()}:{escape(row.mask)}:/bin/true:"})
    native = f"NOTE: {sibling} needs no emulator"
    if row.family == BY_NAME[HOSTS[HOST][0]].family and runs_here(sibling):
        tap.equal(f"{host}: {sibling} runs here, so it is left out",
                  ("qemu-" in result.out, result.err.count(native)), (False, 3))
        return
    line = f"/none/qemu-{sibling}-static as binfmt interpreter for {sibling}\n"
    tap.equal(f"{host}: {sibling} does not run here, so it is registered, and kept; but not where "
              "an entry that is not ours takes its programs", result.out,
              f"Setting {line}qemu-{sibling}\nregister\nstatus\nKeeping {line}"
              "other\nregister\nstatus\n")
    tap.equal(f"{host}: each is told once",
              (result.err.count(f"NOTE: this machine does not run {sibling} programs natively\n"),
               result.err.count(native)), (1, 1))


def try_foreign_program(emulators):
    """What all of this is for. The busybox of arm64 (or of amd64, on arm64) prints its machine."""
    arch, machine = ("arm64", "aarch64") if MACHINE != "aarch64" else ("amd64", "x86_64")
    busybox = os.path.join(debian.package("bookworm", arch, "busybox-static"), "bin/busybox")
    root = os.path.join(work, "root")
    os.makedirs(root)
    shutil.copy(busybox, os.path.join(root, "busybox"))
    result = private('"$1/busybox" uname -m; echo $?; $R --reset -p yes >/dev/null;'
                     'chroot "$1" /busybox uname -m; $R --reset >/dev/null; "$1/busybox" uname -m;'
                     'chroot "$1" /busybox uname -m; echo $?', root,
                     env={"QEMU_BIN_DIR": emulators})
    tap.has("a foreign program does not run before", str(result), "\n126\n", "xec format error")
    tap.has("with -p yes it runs, also where no emulator is; without only where one is", result.out,
            f"126\n{machine}\n{machine}\n127\n")


not_private = why_not_private()
try:
    emulators = os.path.join(debian.package("bookworm", debian.architecture(), "qemu-user-static"),
                             "usr/bin")
except debian.Unavailable as e:
    tap.skip("registrars at work under QEMU", f"no qemu-user-static: {e}")
else:
    for host in built:
        if host == "loongarch64":       # QEMU 7.2 is too old for today's programs of it
            continue
        try_under_qemu(host, emulators)
        if HOSTS[host][1] == 1 and not not_private:
            try_32_bit_host(host, emulators)
    if not_private:
        tap.skip("a foreign program", not_private)
    else:
        try_foreign_program(emulators)
    compare_confs("bookworm", os.path.join(emulators, "../lib/binfmt.d"),
                  "i386 i486 aarch64_be microblazeel or1k x86_64".split())
try:
    newer = os.path.join(debian.package("trixie", debian.architecture(), "qemu-user"), "usr")
except debian.Unavailable as e:
    tap.skip("the files of Debian 13, and its QEMU", str(e))
else:
    compare_confs("trixie", os.path.join(newer, "share/qemu/binfmt.d"), ["i486"])
    for host in SIBLINGS if not not_private else ():
        # The machine's own architecture is never tried.
        if host in built and SIBLINGS[host] != MACHINE:
            try_probe(host, os.path.join(newer, "bin"))
try:
    old_script = debian.source_file("trixie", "qemu", "scripts/qemu-binfmt-conf.sh")
except debian.Unavailable as e:
    tap.skip("the old script", str(e))
else:
    compare_old_script(old_script)
    # The script goes by names alone, which is the same where the machine runs its whole family.
    if not_private or MACHINE != "x86_64":
        tap.skip("the old script at work", not_private or "compared on x86_64")
    else:
        compare_in_kernel(old_script)

shutil.rmtree(work)
tap.done()
