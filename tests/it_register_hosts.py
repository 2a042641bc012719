#!/usr/bin/env python3
"""The registrars of all hosts: their files, and each one at work under QEMU; Debian's packages and
the old script as second opinions."""
import glob
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
                          program, run, why_not_private)

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
        for folder in ("base", "register"):
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
    wanted = "".join(BY_NAME[n].entry(emulators, "F")
                     for n in ("s390x", "aarch64") if BY_NAME[n] in left)
    tap.ok(f"{host}: registers in the kernel", result.out.startswith("0\n" + wanted), result)
    tap.has(f"{host}: keeps, removes, shows and fails as it should", str(result),
            f"Keeping {emulators}/qemu-alpha-static", "Removed qemu-sh4\n", "alpha         enabled",
            "none of the emulators is there", f"\n{len(left) - 1}\n")


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
    tap.has(f"{host}: else it is told", result.err, f"NOTE: there is no {few}/qemu-alpha-static: "
            "32-bit machines cannot emulate alpha", "NOTE: there is no " + few + "/qemu-hppa-static")
    tap.has(f"{host}: other missing ones fail still", str(result), "\n1\nSetting", "\n1\nqemu-",
            "ERROR: cannot register sparc: no such file")


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
    confs = os.path.join(debian.package("trixie", debian.architecture(), "qemu-user"),
                         "usr/share/qemu/binfmt.d")
except debian.Unavailable as e:
    tap.skip("the files of Debian 13", str(e))
else:
    compare_confs("trixie", confs, ["i486"])
try:
    old_script = debian.source_file("trixie", "qemu", "scripts/qemu-binfmt-conf.sh")
except debian.Unavailable as e:
    tap.skip("the old script", str(e))
else:
    compare_old_script(old_script)

shutil.rmtree(work)
tap.done()
