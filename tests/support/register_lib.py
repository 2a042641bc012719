# SPDX-License-Identifier: MIT
"""What the tests of the registrar share: the program, the table, and a kernel of their own."""
import functools
import os
import struct
import subprocess
import tempfile

BUILD = os.environ["BUILD_DIR"]
SOURCE = os.environ["SOURCE_DIR"]
BINFMT = "/proc/sys/fs/binfmt_misc"
MACHINE = os.uname().machine
# The 32-bit machines go by several names.
HOST = {"armv8l": "armv7l", "i386": "i686", "i586": "i686"}.get(MACHINE, MACHINE)


def program(host=HOST):
    return os.path.join(BUILD, "register", f"register-{host}")


def escape(hexadecimal):
    return "".join(f"\\x{hexadecimal[i:i + 2]}" for i in range(0, len(hexadecimal), 2))


class Row:
    def __init__(self, line):
        self.name, self.family, self.emulator, self.magic, self.mask = line.split("\t")

    def magic_text(self):
        """Upstream's form: the letters of the ELF magic stand for themselves, but for hppa's."""
        if self.name == "hppa":
            return escape(self.magic)
        return "\\x7fELF" + escape(self.magic[8:])

    def line(self, directory, flags="", suffix="-static"):
        return (f":qemu-{self.name}:M::{self.magic_text()}:{escape(self.mask)}:"
                f"{directory}/qemu-{self.emulator}{suffix}:{flags}")

    def entry(self, directory, flags=""):
        """What the kernel shows."""
        shown = "".join(f for f in "POCF" if f in flags)
        return (f"enabled\ninterpreter {directory}/qemu-{self.emulator}-static\nflags: {shown}\n"
                f"offset 0\nmagic {self.magic}\nmask {self.mask}\n")


with open(os.path.join(SOURCE, "tests/data/register/targets.tsv")) as table:
    ROWS = [Row(line.rstrip("\n")) for line in table if not line.startswith("#")]
BY_NAME = {row.name: row for row in ROWS}


def foreign(host, ignore_family=False):
    """The rows that a host does not run itself, going by names."""
    family = BY_NAME[host].family
    return [r for r in ROWS if (r.emulator != host if ignore_family else r.family != family)]


# Programs that end with 0: the machine code for `exit(0)`, by the architecture.
EXITS = {"i386": (3, "31db 6a01 58 cd80"), "arm": (40, "0000a0e3 0170a0e3 000000ef")}


@functools.lru_cache(maxsize=None)
def runs_here(name):
    """Whether this machine runs 32-bit programs of its family itself. Kernels may be built or started
    without them, and not every processor has them. Nothing of the registrar is asked."""
    if name not in EXITS:
        return True
    machine, code = EXITS[name][0], bytes.fromhex(EXITS[name][1])
    base, flags = 0x10000, 0x05000000 if name == "arm" else 0
    size = 84 + len(code)
    image = b"\x7fELF\1\1\1" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH" "IIIIIIII", 2, machine, 1, base + 84, 52, 0, flags, 52, 32, 1, 0, 0, 0,
        1, 0, base, base, size, size, 5, 4096) + code
    with tempfile.NamedTemporaryFile(prefix="exits-", delete=False) as f:
        f.write(image)
    try:
        os.chmod(f.name, 0o755)
        return subprocess.run([f.name]).returncode == 0
    except OSError:
        return False
    finally:
        os.unlink(f.name)


class Result:
    def __init__(self, process):
        self.status, self.out, self.err = process.returncode, process.stdout, process.stderr

    def __str__(self):
        return f"status {self.status}\n{self.out}{self.err}"


def run(command, **options):
    return Result(subprocess.run(command, capture_output=True, text=True, errors="replace",
                                 stdin=subprocess.DEVNULL, timeout=120, **options))


# A user namespace with a binfmt_misc of its own, since Linux 6.7. Nothing outside sees it.
NAMESPACE = ["unshare", "-Urm", "--propagation", "private"]
MOUNT = f"mount -t binfmt_misc none {BINFMT}; "

# The same without one. The machine's own must not be seen, for it could be written: a new /proc has
# an empty directory there. A script makes sure of that before it does anything.
BARE = ["unshare", "-Urmpf", "--mount-proc", "--propagation", "private"]
GUARD = f"test ! -e {BINFMT}/register; "


def private(script, *arguments, mount=True, **options):
    """Run a script of sh in a private instance; $R is the registrar, $B the directory."""
    environment = dict(os.environ, B=BINFMT)
    environment.setdefault("R", program())
    environment.update(options.pop("env", {}))
    text = "set -eu; " + (MOUNT if mount else GUARD) + "set +e; " + script
    return run((NAMESPACE if mount else BARE) + ["sh", "-c", text, "sh", *arguments],
               env=environment, **options)


def why_not_private():
    """None, or why this machine cannot have a private instance."""
    result = private(f"test -e {BINFMT}/register && ls {BINFMT}")
    if result.status != 0:
        return f"no private binfmt_misc (Linux 6.7 or later): {result.err.strip()}"
    if result.out.split() != ["register", "status"]:
        return "the private binfmt_misc is not empty"
    return None
