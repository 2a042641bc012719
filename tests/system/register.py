#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The registrar of this machine: what it writes into files and into a kernel of its own."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import tap
from register_lib import (BARE, BINFMT, BY_NAME, HOST, ROWS, foreign, private, program, run,
                          why_not_private)

work = tempfile.mkdtemp(prefix="register.")
R = program()
if not os.path.exists(R):
    tap.skip("registrar", f"there is no registrar for {HOST}: its compiler is missing")
    tap.done()


def fresh(name):
    path = os.path.join(work, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def read_dir(path):
    files = {}
    for name in sorted(os.listdir(path)):
        with open(os.path.join(path, name)) as f:
            files[name] = f.read()
    return files


def export(*arguments, host="s390x", directory=None, **environment):
    """Write files for another machine. Returns the result and the files."""
    directory = directory or fresh("export")
    result = run([R, "-e", directory, *arguments],
                 env=dict(os.environ, HOST_ARCH=host, **environment))
    return result, read_dir(directory)


# Files for systemd, whole.

result, files = export("--systemd", "ALL")
tap.equal("--systemd ALL writes every file exactly", files,
          {f"qemu-{r.name}.conf": r.line("/usr/bin") + "\n" for r in foreign("s390x")})
tap.equal("--systemd ALL prints one line for each", result.out, "".join(
    f"Setting /usr/bin/qemu-{r.emulator}-static as binfmt interpreter for {r.name}"
    " for systemd-binfmt.service\n" for r in foreign("s390x")))
tap.equal("--systemd ALL succeeds", result.status, 0)

hosts = {"x86_64": "x86_64", "amd64": "x86_64", "i686": "i386", "aarch64": "aarch64",
         "arm64": "aarch64", "armv7l": "arm", "armv5tel": "arm", "armeb": "armeb",
         "ppc64le": "ppc64le", "ppc64": "ppc64", "s390x": "s390x", "riscv64": "riscv64",
         "loongarch64": "loongarch64", "mips64el": "mips64el", "mipsel": "mipsel",
         "sparc64": "sparc64", "m68k": "m68k"}
for host, target in hosts.items():
    for family in ("no", "yes"):
        result, files = export("--systemd=ALL", "-i", family, host=host)
        tap.equal(f"for {host} with --ignore-family {family}", sorted(files),
                  sorted(f"qemu-{r.name}.conf" for r in foreign(target, family == "yes")))

for flags, arguments in {"": [], "F": ["-p", "yes"], "OC": ["-c", "yes"], "P": ["-g", "yes"],
                         "OCF": ["-p", "yes", "-c", "yes"], "FP": ["-p", "yes", "-g", "yes"],
                         "OCP": ["-c", "yes", "-g", "yes"],
                         "OCFP": ["-cyes", "-pyes", "-gyes"]}.items():
    result, files = export("-s", "arm64", *arguments)
    tap.equal(f"{arguments} writes the flags '{flags}'", files,
              {"qemu-aarch64.conf": BY_NAME["aarch64"].line("/usr/bin", flags) + "\n"})
result, _ = export("-s", "arm", "-c", "yes")
tap.has("--credential yes is warned about", result.err, "WARNING: with --credential yes", "setuid")

result, files = export("--systemd", "ALL", "i486", "mipsn32el", QEMU_BIN_DIR="/opt/q")
tap.equal("QEMU_BIN_DIR and named targets", files,
          {f"qemu-{n}.conf": BY_NAME[n].line("/opt/q") + "\n" for n in ("i486", "mipsn32el")})
result, files = export("-s", "arm", "-Q", "/o", "-F", ".q", QEMU_BIN_DIR="/opt/q")
tap.equal("--qemu-path and --qemu-suffix", files,
          {"qemu-arm.conf": BY_NAME["arm"].line("/o", suffix=".q") + "\n"})
result, files = export("--systemd", "arm", host="aarch64")
tap.equal("a target of the host's family writes nothing", (result.status, files), (0, {}))
result, files = export("--systemd", "vax")
tap.equal("an unknown CPU ends with 1 and writes nothing", (result.status, files), (1, {}))
tap.has("an unknown CPU is named", result.err, 'ERROR: unknown CPU "vax"\n')
tap.has("and the usage follows on standard output", result.out, "Usage: ", "loongarch64")
result = run(["sh", "-c", f"{R} --systemd vax 2>&1"])
tap.ok("in this order", result.out.startswith('ERROR: unknown CPU "vax"\nUsage: '), result)
result, files = export("--systemd", "ALL", host="vax")
tap.equal("an unknown host", (result.status, result.err, files),
          (1, "INTERNAL ERROR: unknown host cpu vax\n", {}))

# Templates for update-binfmts.

result, files = export("--debian", "-p", "yes")
row = BY_NAME["hppa"]
tap.equal("--debian writes every file", sorted(files), sorted(f"qemu-{r.name}" for r in foreign("s390x")))
tap.equal("a template, whole", files["qemu-hppa"],
          "package qemu-hppa\ninterpreter /usr/bin/qemu-hppa-static\n"
          "magic \\x7f\\x45\\x4c\\x46\\x01\\x02\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
          "\\x00\\x02\\x00\\x0f\n"
          "mask \\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff"
          "\\xff\\xfe\\xff\\xff\ncredentials no\npreserve no\nfix_binary yes\n")
tap.equal("--debian prints nothing", (result.status, result.out), (0, ""))
result, files = export("-d", "-c", "yes", "-g", "yes", "arm")
tap.has("the switches of a template", files["qemu-arm"],
        "credentials yes\npreserve yes\nfix_binary no\n")

# Failures of files.

result, _ = export("-s", "ALL", directory=fresh("gone"))
result = run([R, "-s", "ALL", "-e", os.path.join(work, "absent")])
tap.equal("a missing directory ends with 1", result.status, 1)
tap.has("a missing directory is named", result.err,
        f"ERROR: cannot write to {work}/absent: no such file", "--exportdir")
reason = why_not_private()
if reason:
    tap.skip("a full disk", reason)
else:
    result = private(f'mount -t tmpfs -o size=16k none {fresh("full")}; $R -e {work}/full -s ALL;'
                     f' echo $?; ls -A {work}/full', mount=False)
    tap.has("a full disk is told", result.err, "ERROR: cannot write", "no space left on device")
    tap.ok("a full disk ends with 1 and leaves no half a file",
           "\n1\n" in result.out and ".part" not in result.out and len(
               [1 for n in result.out.split("\n1\n")[1].split() if n.endswith(".conf")]) > 0, result)

    # Which tools of the system are there is told; in a root of our own it is known.
    unit = "systemd/system/systemd-binfmt.service"
    for action, there, warning in (
            ("-s arm", [], "WARNING: systemd-binfmt.service is missing or disabled\n"),
            ("-s arm", [f"usr/lib/{unit}"], ""), ("-s arm", [f"lib/{unit}"], ""),
            ("-s arm", [f"etc/{unit}"], ""),
            ("-d arm", [], "WARNING: your system is not a Debian based distro\n"),
            ("-d arm", ["etc/debian_version"], "WARNING: package binfmt-support is needed\n"),
            ("-d arm", ["etc/debian_version", "usr/sbin/update-binfmts"], ""),
            ("-d arm", ["etc/debian_version", "var/lib/dpkg/info/binfmt-support.list"], "")):
        root = fresh("root")
        shutil.copy(R, f"{root}/register")
        for name in ["out/x", *there]:
            os.makedirs(os.path.dirname(f"{root}/{name}"), exist_ok=True)
            with open(f"{root}/{name}", "w"):
                pass
        result = private(f"HOST_ARCH=s390x chroot {root} /register {action} -e /out", mount=False)
        tap.equal(f"{action} where there is {there}", (result.status, result.err, len(os.listdir(
            f"{root}/out"))), (0, warning, 2))

directory = fresh("link")
with open(f"{work}/victim", "w") as f:
    f.write("untouched")
os.symlink(f"{work}/victim", f"{directory}/qemu-arm.conf.part")
result, _ = export("-s", "arm", directory=directory)
with open(f"{work}/victim") as f:
    tap.equal("what a link of the temporary name leads to is not written", f.read(), "untouched")
tap.has("and that is told", str(result), "status 1", "ERROR: cannot write '",
        "too many symbolic links")


# The command line.

result = run([R, "--help"])
tap.equal("--help succeeds, on standard output", (result.status, result.err), (0, ""))
tap.has("--help names options and targets", result.out, "--preserve-argv0 yes|no", "--uninstall",
        "i386 i486 alpha", "Exit status")
tap.ok("--help fits 100 columns", max(map(len, result.out.splitlines())) <= 100)
for arguments, part in ((["--rest"], "unknown option '--rest'"),
                        (["vax"], "unknown target 'vax'"),
                        (["rsicv64"], "did you mean 'riscv64'?"),
                        (["--status", "--reset"], "--reset cannot be used with"),
                        (["-Q", "bin"], "'bin' is not absolute"),
                        (["-Q", "/" + "x" * 128], "too long")):
    result = run([R, *arguments])
    tap.equal(f"{arguments[0]} {part}: ends with 2, prints nothing", (result.status, result.out), (2, ""))
    tap.has(f"{arguments[0]} {part}: is explained", result.err, "ERROR: ", part)
with open("/dev/full", "w") as full:
    status = subprocess.run([R, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
tap.equal("output that cannot be written is a failure", (status.returncode, status.stderr),
          (1, b"ERROR: cannot write to standard output\n"))

# The kernel.

if reason:
    tap.skip("registering", reason)
    shutil.rmtree(work)
    tap.done()

bin_dir = fresh("bin")
for row in ROWS:
    # A static program of this machine, for the kernel to open.
    shutil.copy(R, f"{bin_dir}/qemu-{row.emulator}-static")
env = {"QEMU_BIN_DIR": bin_dir, "HERE": work}
dump = 'for f in $B/qemu-*; do [ ! -e $f ] || { echo "== ${f##*/qemu-}"; cat $f; }; done'


def kernel(script, **options):
    return private(script, env=dict(env, **options.pop("env", {})), **options)


def entries(result):
    """What `dump` printed, as a dictionary."""
    parts = result.out.split("== ")[1:]
    return dict(part.split("\n", 1) for part in parts)


def natural():
    """The rows that a run without targets registers here: a failing probe adds some."""
    me = {"armv7l": "arm", "armv5tel": "arm", "i686": "i386"}.get(HOST, HOST)
    probed = run([R, "-e", fresh("export"), "-s", "ALL"]).err
    return [r for r in ROWS if r in foreign(me) or f"does not run {r.name} programs" in probed]


def setting(rows, verb="Setting"):
    return "".join(f"{verb} {bin_dir}/qemu-{r.emulator}-static as binfmt interpreter for {r.name}\n"
                   for r in rows)


rows = natural()
for script, flags in (("$R --reset -p yes", "F"), ("$R --reset", ""), ("$R -p yes --reset", "F"),
                      ("$R -c yes", "OC"), ("$R -c yes -p yes", "OCF"), ("$R -g yes", "P"),
                      ("$R -p yes -g yes", "FP"), ("$R -c yes -p yes -g yes", "OCFP")):
    result = kernel(f"{script} >$HERE/out; s=$?; {dump}; exit $s")
    with open(f"{work}/out") as f:
        printed = f.read()
    tap.equal(f"{script}: every entry, exactly", entries(result),
              {r.name: r.entry(bin_dir, flags) for r in rows})
    tap.equal(f"{script}: succeeds and prints a line for each, in order", (result.status, printed),
              (0, setting(rows)))

gone = "(trap '' PIPE; while echo; do sleep 0.1; done) 2>/dev/null"
result = kernel(f"{{ {gone}; $R --reset -p yes; echo $? >$HERE/out; }} | true; {dump}")
with open(f"{work}/out") as f:
    status = f.read()
tap.equal("a reader that has gone away stops nothing, and is told of",
          (set(entries(result)), status, "cannot write to standard output" in result.err),
          ({r.name for r in rows}, "1\n", True))

result = kernel("$R --reset -p yes >/dev/null; grep -c '^flags: F$' $B/qemu-aarch64 $B/qemu-s390x;"
                "$R --reset >/dev/null; grep -c '^flags: $' $B/qemu-aarch64 $B/qemu-s390x")
tap.ok("the checks of the old test script", result.out.count(":1\n") >= 3, result)

result = kernel("$R -p yes >/dev/null; $R -p yes")
tap.equal("a second time nothing is new, and that is success", (result.status, result.out),
          (0, setting(rows, "Keeping")))
result = kernel("$R -p yes arm >/dev/null; echo 0 >$B/qemu-arm; $R -p yes arm; head -n 1 $B/qemu-arm")
tap.equal("an entry that is switched off is switched on", result.out.splitlines()[-1], "enabled")
result = kernel(f"$R -p yes arm >/dev/null; $R arm s390x; s=$?; {dump}; exit $s")
tap.equal("another entry of the name is a failure", result.status, 1)
tap.has("the other entry is shown, and --reset offered", result.err,
        f"ERROR: qemu-arm is already registered differently: interpreter '{bin_dir}/qemu-arm-static',"
        " flags 'F'\n", "--reset", "--uninstall")
tap.equal("it is left alone, and the others are registered", entries(result), {
    "arm": BY_NAME["arm"].entry(bin_dir, "F"), "s390x": BY_NAME["s390x"].entry(bin_dir)})
result = kernel(f"echo ':qemu-arm:M::x:y:{bin_dir}/qemu-arm-static:' >$B/register; $R arm")
tap.has("so is another magic", result.err, "other magic or mask")

other = "echo ':python:E::py::/bin/true:' >$B/register; "
result = kernel(other + "$R arm >/dev/null; $R --reset s390x; ls $B")
tap.equal("--reset removes entries of QEMU only", result.out.splitlines()[1:],
          ["python", "qemu-s390x", "register", "status"])

# More entries than one listing holds.

many = ('for i in $(seq 300); do echo ":qemu-x$i:E::x$i::/bin/true:" >$B/register; done; '
        "$R s390x >/dev/null; ")
result = kernel(many + "$R --reset arm >/dev/null; ls $B")
tap.equal("--reset removes them all", result.out, "qemu-arm\nregister\nstatus\n")
result = kernel(many + "$R --uninstall 'x*' >/dev/null; ls $B")
tap.equal("--uninstall removes all that are meant", result.out, "qemu-s390x\nregister\nstatus\n")
result = kernel(many + "$R --uninstall 'nothing*'; echo $?; $R --status >/dev/null")
tap.has("what cannot be looked for is told, and a failure", str(result), "\n1\n",
        "ERROR: more than 256 QEMU entries exist, too many to search for 'nothing*'")
tap.has("and --status tells that it does not show all", result.err,
        "WARNING: more than 256 entries exist; the rest is not shown\n")

# Removing.

result = kernel(other + "$R >/dev/null; $R --uninstall arm64; $R --uninstall 'mips*' "
                "--uninstall qemu-s390x; echo $?; ls $B")
tap.has("--uninstall removes by name and by glob", result.out, "Removed qemu-aarch64\n",
        "Removed qemu-mipsn32el\n", "Removed qemu-s390x\n0\n")
tap.ok("--uninstall removes nothing else", "qemu-arm\n" in result.out and
       "python\n" in result.out and result.out.count("mips") == 6, result)
result = kernel(other + "$R arm >/dev/null; $R --uninstall '*'; ls $B")
tap.has("'*' means the entries of QEMU", result.out, "Removed qemu-arm\npython\nregister\n")
result = kernel("$R --uninstall arm --uninstall 'x*'")
tap.equal("what is not there is no failure", (result.status, result.out), (0, ""))
tap.has("but is told", result.err, "nothing to remove", "'arm'", "'x*'")
result = kernel(other + "$R --uninstall python; echo $?; $R --uninstall vax; ls $B")
tap.has("an unknown name is a failure", result.err, "ERROR: 'python' is neither", "ERROR: 'vax'")
tap.has("and nothing is removed", result.out, "1\npython\n")

# Looking.

result = kernel("$R -p yes arm s390x >/dev/null; $R --status")
tap.has("--status shows entries in the table's order", result.out, "binfmt_misc: mounted, enabled",
        f"arm           enabled   F     {bin_dir}/qemu-arm-static\n"
        f"s390x         enabled   F     {bin_dir}/qemu-s390x-static\nnot registered: ")
result = kernel("$R arm >/dev/null; echo ':qemu-wo\"w:E::py::/bin/t\\x\x01:' >$B/register;"
                "echo 0 >$B/qemu-arm; $R --status --json")
seen = json.loads(result.out)
tap.equal("--status --json", seen["entries"][0],
          {"name": "qemu-arm", "target": "arm", "enabled": False,
           "interpreter": f"{bin_dir}/qemu-arm-static", "flags": "", "offset": 0,
           "magic": BY_NAME["arm"].magic, "mask": BY_NAME["arm"].mask, "standard": True})
tap.equal("--status --json escapes", (seen["entries"][1]["name"], seen["entries"][1]["standard"],
                                      seen["entries"][1]["interpreter"]),
          ('qemu-wo"w', False, "/bin/t\\x\x01"))
tap.equal("--status --json tells the rest", (seen["binfmt_misc"]["mounted"], seen["host"],
                                            "s390x" in seen["unregistered"],
                                            "arm" in seen["unregistered"]),
          (True, "x86_64" if HOST == "x86_64" else seen["host"], HOST != "s390x", False))
result = kernel("$R arm >/dev/null; $R --status arm64 >/dev/null; echo $?; $R --status arm; "
                "echo 0 >$B/qemu-arm; $R --status arm")
tap.ok("--status TARGET fails unless it is registered and enabled",
       result.out.startswith("1\n") and result.status == 1, result)
result = kernel(f"$R --status {HOST}")
tap.ok("--status of the machine's own architecture: not needed, and no failure", result.status == 0 and
       "needs no emulator on this machine" in result.err and "not registered" not in result.out, result)
result = kernel("mount --make-shared /proc; $R --status; echo $?; ls $B", mount=False)
tap.ok("--status mounts for itself alone, also where mounts are passed on",
       "binfmt_misc: mounted, enabled" in result.out and result.out.endswith("\n0\n"), result)
result = kernel("setpriv --bounding-set=-all --inh-caps=-all $R --status", mount=False)
tap.has("--status without the right to look", str(result), "status 1", "not mounted here",
        "ERROR: cannot mount", "sudo")
result = kernel("mkdir -p $HERE/mnt; mount -t binfmt_misc none $HERE/mnt; "
                f"echo ':qemu-arm:M::x:y:{bin_dir}/qemu-arm-static:' >$HERE/mnt/register;"
                "$R --status; echo $?; $R --uninstall arm; ls $HERE/mnt $B", mount=False)
tap.has("--status and --uninstall reach what is mounted elsewhere", result.out,
        f"{bin_dir}/qemu-arm-static  (other magic or mask)\n", "0\nRemoved qemu-arm\n")
tap.ok("and leave no mount behind", result.out.endswith("/mnt:\nregister\nstatus\n") and
       f"{BINFMT}:\n\n{work}/mnt:" in result.out, result)

# Failures, one by one.

result = kernel("$R -p yes arm >/dev/null; $R --reset -p yes -Q /nowhere; echo $?; ls $B")
tap.has("no emulator at all ends with 1 and changes nothing", result.out, "1\nqemu-arm\n")
tap.has("no emulator at all is explained", result.err, "no emulator found"
        " (/nowhere/qemu-...-static)", "':register' has none")
broken = fresh("broken")
for name in ("arm", "s390x"):
    shutil.copy(f"{bin_dir}/qemu-{name}-static", broken)
os.mkdir(f"{broken}/qemu-hppa-static")
shutil.copyfile(R, f"{broken}/qemu-sh4-static")
result = kernel(f"$R -p yes -Q {broken} arm hppa sh4 alpha s390x; echo $?; ls $B")
tap.has("one missing emulator fails and is named", result.err,
        "ERROR: cannot register alpha: no such file or directory\n"
        f"  '{broken}/qemu-alpha-static', which --persistent yes opens now, does not exist")
tap.has("a directory is no emulator", result.err, "cannot register hppa: ",
        f"'{broken}/qemu-hppa-static', which --persistent yes opens now, is not an executable file")
tap.has("nor is a file that may not be executed", result.err, "cannot register sh4: permission denied",
        f"'{broken}/qemu-sh4-static'")
tap.has("the others are registered all the same", result.out, "1\nqemu-arm\nqemu-s390x\nregister\n")

# Files that the kernel opens, and containers cannot use.

unfit = fresh("unfit")


def put(name, data):
    with open(f"{unfit}/qemu-{name}-static", "wb") as f:
        f.write(data)
    os.chmod(f.name, 0o755)


with open("/bin/true", "rb") as f:
    dynamic = f.read()
with open(R, "rb") as f:
    static = f.read()
STRANGER = "s390x" if HOST != "s390x" else "hppa"
UNFIT = {
    "arm": (dynamic, f"'{unfit}/qemu-arm-static' is dynamically linked: it needs '/lib"),
    "hppa": (b"", f"'{unfit}/qemu-hppa-static' is not a program\n"),
    "sh4": (b"some text\n" * 20, f"'{unfit}/qemu-sh4-static' is not a program\n"),
    "alpha": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
              f"'{unfit}/qemu-alpha-static' is a Git LFS pointer instead of the program; run: git lfs pull\n"),
    "sparc": (b"#!/bin/sh\nexec qemu-sparc\n", f"'{unfit}/qemu-sparc-static' is a script, whose"),
    "ppc": (bytes.fromhex(BY_NAME[STRANGER].magic) + bytes(100),
            f"'{unfit}/qemu-ppc-static' is a program for {STRANGER}, which this machine cannot run\n"),
    # An object file, by its type.
    "sparc64": (static[:16] + b"\1\0" + static[18:], f"'{unfit}/qemu-sparc64-static' is not a program\n"),
    "m68k": (static[:40], f"'{unfit}/qemu-m68k-static' is not a program\n"),
}
for name, (data, _) in UNFIT.items():
    put(name, data)
put("s390x", static)
result = kernel(f"$R -p yes -Q {unfit} {' '.join(UNFIT)} s390x; echo $?; ls $B")
tap.equal("only what can work in containers is registered for them", result.out.splitlines()[-4:],
          ["1", "qemu-s390x", "register", "status"])
for name, (_, sentence) in UNFIT.items():
    tap.has(f"what is wrong with the file for {name} is told", result.err,
            f"ERROR: cannot register {name}: {sentence}")
result = kernel(f"$R -p yes -Q {bin_dir} arm >/dev/null; $R --reset -p yes -Q {unfit} arm ppc; echo $?; ls $B")
tap.has("where no emulator can work nothing is changed", result.out, "1\nqemu-arm\nregister\n")
tap.has("... and that is explained", result.err, "ERROR: --persistent yes requires static emulators for "
        f"this machine, but there are none:\n  '{unfit}/qemu-arm-static' is dynamically linked",
        "Nothing was changed.")
result = kernel(f"$R -Q {unfit} {' '.join(UNFIT)} s390x; echo $?; ls $B | wc -l")
tap.equal("without --persistent yes each container has its own, and they are registered",
          result.out.splitlines()[-2:], ["0", str(len(UNFIT) + 3)])
tap.has("... with one warning", result.err, f"WARNING: {next(r.name for r in ROWS if r.name in UNFIT)}: '",
        f"WARNING: {len(UNFIT) - 1} other emulators cannot work either\n")
result = kernel("$R -Q /nowhere arm; echo $?")
tap.ok("... and none about what is not here", "/nowhere" not in result.err and
       result.out.endswith("0\n"), result)
result = kernel(f"$R sh4 >/dev/null 2>&1; $R -p yes -Q {broken} arm sh4 alpha s390x 2>&1")
tap.equal("what goes well and what fails is told in its order",
          [line.split()[0] + line.split()[-1] for line in result.out.splitlines()
           if line[0] != " " and not line.startswith("WARNING")],
          ["Settingalpha", "ERROR:directory", "Settingarm", "ERROR:''", "Settings390x"])
tap.ok("and the advice comes last", result.out.endswith("with --uninstall.\n"), result)
result = kernel("mount -o remount,bind,ro $B; $R -p yes arm")
tap.equal("a read-only /proc/sys ends with 1", result.status, 1)
tap.has("a read-only /proc/sys is explained", result.err,
        f"ERROR: cannot write to {BINFMT}/register: read-only file system", "--privileged")
result = kernel("setpriv --bounding-set=-all --inh-caps=-all $R arm", mount=False)
tap.equal("no right to mount ends with 1", result.status, 1)
tap.has("no right to mount is explained", result.err,
        f"ERROR: cannot mount binfmt_misc on {BINFMT}: operation not permitted", "sudo")
result = kernel("mount -t tmpfs none /proc/sys/fs; $R arm", mount=False)
tap.equal("a kernel without binfmt_misc", (result.status, result.out),
          (1, "No binfmt support in the kernel.\n"
              "  Try: '/sbin/modprobe binfmt_misc' from the host\n"))
result = kernel("mount -t tmpfs none /proc/sys/fs; $R -s arm -e $HERE/export; echo $?", mount=False)
tap.equal("files need no binfmt_misc", result.out.splitlines()[-1], "0")
result = kernel("$R arm >/dev/null; $R --reset -s s390x -e $HERE/export; echo $?; ls $B")
tap.has("--reset before files removes the entries", result.out, "service\n0\nregister\nstatus\n")
os.unlink(f"{work}/export/qemu-s390x.conf")
result = kernel("mount -o remount,bind,ro $B; $R --reset -s s390x -e $HERE/export; echo $?; "
                "ls $HERE/export")
tap.has("where it cannot there are files all the same, and a failure", str(result), "\n1\nqemu-",
        f"ERROR: cannot write to {BINFMT}/register: read-only")
result = kernel("echo 0 >$B/status; $R arm; echo $?; ls $B")
tap.equal("a binfmt_misc that is switched off ends with 1: no entry takes effect",
          result.out.splitlines()[-4:], ["1", "qemu-arm", "register", "status"])
tap.has("... and is explained", result.err,
        "ERROR: binfmt_misc is disabled as a whole", f"echo 1 > {BINFMT}/status")
result = kernel("$R arm; unshare -U $R arm")
tap.equal("a user namespace is told, also one without any ids",
          result.err.count("WARNING: this is a user namespace"), 2)

# Errors that this kernel does not make, put in by strace.

def injected(what, script, before="", **options):
    return kernel(f"{before} strace -qq -f -o /dev/null {what} $R {script}; echo $?; {dump}", **options)


if injected("-e trace=none", "--help").status != 0 or not shutil.which("strace"):
    tap.skip("errors put in by strace", "strace cannot trace here")
else:
    write = f"-P {BINFMT}/register -e inject=write:error="
    for error, part in (("EPERM", "operation not permitted"), ("ENOMEM", "out of memory"),
                        ("EINVAL", f"does not accept this entry: interpreter '{bin_dir}/qemu-arm"),
                        ("ENOSPC", "no space left on device"), ("EEXIST", "see --status"),
                        ("EROFS", "mounted read-only")):
        result = injected(write + error, "-p yes arm")
        tap.has(f"{error} on register is explained", str(result), "status 0\n",
                "Setting ", "\n1\n", "ERROR: cannot register arm: ", part)
    result = injected(write + "EINVAL:when=1", "-p yes --fallback arm s390x")
    tap.equal("--fallback registers without F", entries(result), {
        "arm": BY_NAME["arm"].entry(bin_dir), "s390x": BY_NAME["s390x"].entry(bin_dir, "F")})
    tap.has("--fallback succeeds and warns", str(result), "\n0\n",
            "WARNING: the kernel does not support --persistent yes: arm is registered without")
    result = injected(write + "EINVAL", "-p yes --fallback arm", before="$R arm >/dev/null;")
    tap.has("an entry without F that is there is kept, and that is warned about", str(result),
            "\n0\n", "Keeping ", "WARNING: arm is registered without --persistent yes, so every "
            f"container needs {bin_dir}/qemu-arm-static\n")
    old = "setarch --uname-2.6"     # the kernel tells the program that it is an old one
    result = injected(write + "EINVAL", "-p yes arm", before=old)
    tap.has("a kernel without F is explained", str(result), "\n1\n",
            "does not support --persistent yes (4.8 does)", "--fallback")
    for error, part in (("ENODEV", "modprobe binfmt_misc"), ("EROFS", "/proc/sys is mounted read-only"),
                        ("EPERM", "with sudo to register for all"), ("ENOMEM", "out of memory")):
        result = injected(f"-e inject=mount:error={error}", "arm", mount=False)
        tap.has(f"{error} on mount is explained", str(result), "status 0\n1\n",
                f"ERROR: cannot mount binfmt_misc on {BINFMT}: ", part)
    result = injected("-e inject=mount:error=EPERM", "arm", before=old, mount=False)
    tap.has("a rootless container before Linux 6.7 is explained", str(result), "\n1\n",
            "allows binfmt_misc for real root only")
    result = injected("-e inject=mount:error=EBUSY", "arm", mount=False)
    tap.has("another mount that is in the way is explained", str(result), "\n1\n",
            f"cannot write to {BINFMT}/register: no such file", "is not mounted there")
    result = injected(f"-P {BINFMT}/register -e inject=openat:error=EACCES", "arm")
    tap.has("no right to write is explained", str(result), "\n1\n",
            f"ERROR: cannot write to {BINFMT}/register: permission denied", "--privileged")
    result = injected(f"-P {BINFMT}/qemu-arm -e inject=read:error=EIO", "arm")
    tap.has("an entry that cannot be read back is a failure", str(result), "\n1\n",
            "ERROR: qemu-arm was registered, but the kernel shows input/output error")
    for change, part in (("echo 0 >$B/qemu-arm", "it as disabled"),
                         ("echo -1 >$B/qemu-arm; echo ':qemu-arm:E::x::/x:' >$B/register",
                          "another entry in its place")):
        # Stopped when it has written, until the other one is done.
        result = kernel(f"{{ until [ -e $B/qemu-arm ]; do sleep 0.1; done; {change};"
                        "while kill -CONT $(cat $HERE/pid) 2>/dev/null; do sleep 0.1; done; }& "
                        "strace -qq -f -o /dev/null -P $B/register -e inject=write:signal=SIGSTOP "
                        f"sh -c 'echo $$ >$HERE/pid; exec $R arm'; echo $?; {dump}")
        tap.has(f"so is one that another process has changed: {part}", str(result), "\n1\n",
                f"ERROR: qemu-arm was registered, but the kernel shows {part}\n")
    result = injected(f"-P {BINFMT}/qemu-arm -e inject=read:error=EIO", "--status",
                      before="$R arm sh4 >/dev/null;")
    tap.has("--status shows the others when one cannot be read, and fails", str(result), "\n1\n",
            "ERROR: cannot read qemu-arm: input/output error", "sh4           enabled")
    result = injected(f"-P {BINFMT}/qemu-arm -e inject=write:error=EPERM", "arm",
                      before="$R arm >/dev/null; echo 0 >$B/qemu-arm;")
    tap.has("an entry that cannot be switched on is a failure", str(result), "\n1\n",
            "ERROR: cannot enable qemu-arm: operation not permitted")
    directory = fresh("export")
    result = injected(f"-P {directory}/qemu-arm.conf.part -e inject=close:error=ENOSPC",
                      f"-s arm -e {directory}")
    tap.has("a file that cannot be closed is not there, and that is a failure", str(result),
            "\n1\n", f"ERROR: cannot write '{directory}/qemu-arm.conf': no space left on device")
    tap.equal("nor is anything else", os.listdir(directory), [])
    result = kernel(f"$R arm >/dev/null; strace -qq -f -o /dev/null -P $B/qemu-arm "
                    "-e inject=write:error=EPERM $R --uninstall arm --uninstall s390x")
    tap.has("an entry that cannot be removed is a failure", str(result), "status 1",
            "ERROR: cannot remove qemu-arm: operation not permitted")
    result = kernel(f"$R arm sh4 >/dev/null; strace -qq -f -o /dev/null -P $B/qemu-arm "
                    "-e inject=write:error=EPERM $R --reset s390x; echo $?; ls $B")
    tap.has("--reset goes on after a failure, which counts", str(result), "\n1\nqemu-arm\nqemu-s390x\n",
            "ERROR: cannot remove qemu-arm")

# How long entries last.

result = kernel("$R arm; cat $B/qemu-arm", mount=False)
tap.has("it mounts binfmt_misc itself, and warns that entries may vanish", str(result), "status 0",
        "flags: \n", f"WARNING: {BINFMT} was mounted by this program and by nobody else", "--temporary")
result = kernel("$R --temporary arm", mount=False)
tap.ok("--temporary says that this is meant", result.status == 0 and "vanish" not in result.err, result)
result = kernel("mkdir -p $HERE/mnt; mount -t binfmt_misc none $HERE/mnt; sleep 0.1; $R arm", mount=False)
tap.ok("no warning where somebody else has it mounted",
       result.status == 0 and "vanish" not in result.err, result)
result = kernel("mount --make-shared /proc; $R arm", mount=False)
tap.ok("nor where the mount is passed on to others",
       result.status == 0 and "vanish" not in result.err, result)
result = run([*BARE, "setarch", "--uname-2.6", R, "-Q", bin_dir, "arm"])
tap.has("a container's first process warns only where the kernel is an older one", str(result),
        "status 0", "WARNING: ", "may vanish")
for extra, status in (([], 1), (["--temporary"], 0)):
    result = run([*BARE, R, "-Q", bin_dir, *extra, "arm"])
    tap.equal(f"as a container's first process it ends with {status} {extra}", result.status, status)
    tap.ok("and says so", ("ERROR: " in result.err and "vanish" in result.err) == (status == 1), result)

# What the machine runs itself.

result = kernel(f"$R {HOST} s390x riscv64; echo $?; ls $B")
tap.has("its own architecture is never registered", str(result), f"NOTE: {HOST} needs no emulator", "0\nqemu-")
result = kernel("$R -i yes >/dev/null; ls $B | grep -c qemu-; /bin/true; echo $?")
tap.has("not even with --ignore-family", result.out, "33\n0\n" if HOST not in ("i686",) else "32\n0\n")
result = kernel("HOST_ARCH=m68k $R >/dev/null; ls $B | grep -c qemu-; /bin/true; echo $?")
tap.has("nor with a mistaken HOST_ARCH", result.out, "32\n0\n")
tap.has("which is warned about", result.err, f"was built for m68k: use the image for {HOST}")

# A sibling of the family is tried; here it fails to run in the ways in which it can.

sibling = {"x86_64": "i386", "aarch64": "arm", "riscv64": "riscv32"}.get(HOST)
if sibling is None or injected("-e trace=none", "--help").status != 0:
    tap.skip("what the machine may run itself", "nothing to try, or strace cannot trace here")
else:
    told = f"NOTE: this machine does not run {sibling} programs natively\n"
    for why in ("error=ENOEXEC", "signal=ILL"):
        result = injected(f"-e inject=execveat:{why}", f"-p yes {sibling}")
        tap.has(f"what ends with {why} is registered, and that is told", str(result), told, "\n0\n",
                f"== {sibling}\nenabled\n")
    for why in ("execveat:error=ENOSYS", "memfd_create:error=EMFILE", "clone:error=EAGAIN"):
        result = injected(f"-e inject={why}", sibling)
        tap.ok(f"where it cannot be tried ({why}) the family decides",
               f"NOTE: {sibling} needs no emulator" in result.err and "==" not in result.out and
               result.out == "0\n", result)
    result = kernel(f"$R -i yes {sibling}; $R {sibling}")
    tap.has("an entry of its own is kept", result.out,
            setting([BY_NAME[sibling]]) + setting([BY_NAME[sibling]], "Keeping"))
    if sibling == "i386":
        result = kernel("$R -i yes i486; $R i486")
        tap.has("so is that of i486, which differs from i386 in the header alone", result.out,
                setting([BY_NAME["i486"]], "Keeping"))

shutil.rmtree(work)
sys.stdout.flush()
tap.done()
