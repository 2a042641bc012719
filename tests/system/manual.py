#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is installed beside the program: manual pages, read by mandoc, groff and man-db, and the
completions, tried in bash, zsh and fish as somebody types. Prints TAP."""
import glob
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

import tap

SOURCE, BUILD = os.environ["SOURCE_DIR"], os.environ["BUILD_DIR"]
WORK = tempfile.mkdtemp(prefix="manual-")
SHARE = f"{WORK}/usr/share"
MAN = f"{SHARE}/man/man1"


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def options_in_help(command):
    """"--format", ... as the help lists them."""
    return re.findall(r"^  (?:-\w,|   ) (--[a-z-]+)", run(PROGRAM, command, "--help").stdout, re.M)


def check_pages(commands):
    pages = sorted(os.path.basename(p) for p in glob.glob(f"{MAN}/*"))
    tap.equal("a page for the program and for each command", pages,
              sorted(["distributor.1"] + [f"distributor-{c}.1" for c in commands]))
    for judge, command in (("mandoc", ["mandoc", "-T", "lint", "-W", "warning"]),
                           ("groff", ["groff", "-man", "-ww", "-z", "-Tutf8"])):
        if not shutil.which(judge):
            tap.skip(f"{judge} finds nothing wrong in the pages", f"{judge} is not installed")
            continue
        said = {p: text for p in pages
                for text in [run(*command, f"{MAN}/{p}")] if text.stdout + text.stderr}
        tap.equal(f"{judge} finds nothing wrong in the pages", said, {})
    if not shutil.which("mandoc"):
        return
    for command in commands:
        text = run("mandoc", "-T", "ascii", f"{MAN}/distributor-{command}.1").stdout
        text = re.sub(r".\x08", "", text)
        missing = [o for o in options_in_help(command) if not re.search(rf"{o}\b", text)]
        tap.equal(f"distributor-{command}(1) has every option of --help", missing, [])
    text = re.sub(r".\x08", "", run("mandoc", "-T", "ascii", f"{MAN}/distributor.1").stdout)
    statuses = re.search(r"^EXIT STATUS\n(.*?)^\S", text, re.M | re.S).group(1)
    tap.equal("distributor(1) has every exit status of --help", re.findall(r"^ +(\d+) ", statuses, re.M),
              re.findall(r"\b(\d+) [a-z]", run(PROGRAM, "--help").stdout.split("Exit status:")[1]))


def check_names():
    if not shutil.which("lexgrog"):
        tap.skip("apropos finds every page", "man-db is not installed")
        return
    done = run("lexgrog", *glob.glob(f"{MAN}/*"))
    tap.ok("apropos finds every page", done.returncode == 0 and "parse failed" not in done.stdout,
           done.stdout)


def check_environment():
    """Every variable of the environment that the sources name is explained."""
    with open(f"{MAN}/distributor.1") as f:
        page = f.read().split(".SH ENVIRONMENT")[1].split(".SH")[0]
    asked = set()
    for path in glob.glob(f"{SOURCE}/[a-z]*/**/*.c", recursive=True):
        if re.search(r"/(tests|register|build)/", path):
            continue
        with open(path) as f:
            asked |= set(re.findall(
                r'(?:getenv|environment|secret_take_environment)\("([A-Z_]+)"', f.read()))
    missing = sorted(v for v in asked - {"HOME", "PATH"} if not re.search(rf"\b{v}\b", page))
    tap.ok("the program asks for variables", len(asked) > 10, asked)
    tap.equal("each is in distributor(1)", missing, [])


class Terminal:
    """A shell that somebody types in."""

    def __init__(self, shell):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.chdir(f"{WORK}/here")
            os.execvpe(shell[0], shell, {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": WORK, "PS1": "$ "})
        self.output = b""

    def read(self, seconds):
        """What it prints, which is added to `output`; False if it prints nothing for so long."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            self.output += os.read(self.master, 4096)
        except OSError:
            return False
        return True

    def read_until(self, pattern):
        end = time.monotonic() + 30
        while not re.search(pattern, self.output) and time.monotonic() < end:
            self.read(0.1)

    def write(self, text):
        os.write(self.master, text.encode())

    def press_tab(self):
        """And wait for what it does: zsh takes a tab with more behind it for pasted text."""
        self.read(0.2)
        self.write("\t")
        self.read(30)
        while self.read(0.2):
            pass

    def close(self):
        self.write("exit\n")
        os.close(self.master)
        os.waitpid(self.pid, 0)


def type_in(shell, setup, line):
    """The arguments of `distributor` after `line`, with <TAB> in it, was typed in an interactive shell."""
    terminal = Terminal(shell)
    terminal.write(setup + "\necho re''ady\n")
    terminal.read_until(rb"ready\r")
    first, *rest = line.split("<TAB>")
    terminal.write(first)
    for part in rest:
        terminal.press_tab()
        terminal.write(part)
    terminal.write("\n")
    terminal.read_until(rb"\[args.*\]\r")
    terminal.close()
    seen = re.findall(rb"\[args ?(.*)\]\r", terminal.output)
    return (seen[-1] if seen else terminal.output).decode(errors="replace")


def plain(arguments):
    """Whatever way a shell prefers: "--format=json" and "--format json", "directory/" and "directory"."""
    return arguments.strip().replace("=", " ").rstrip("/")


LINES = [  # what is typed, and what becomes of it
    ("distributor repr<TAB>", "reproduce"),
    ("distributor plan --form<TAB>markd<TAB>", "plan --format markdown"),
    ("distributor plan --format=git<TAB>", "plan --format github"),
    ("distributor publish --late<TAB>au<TAB>", "publish --latest auto"),
    ("distributor test --host pp<TAB>--target micro<TAB>", "test --host ppc64le --target microblaze"),
    ("distributor lock --matrix one<TAB>", "lock --matrix one file.json"),
    ("distributor tarballs --out sub<TAB>", "tarballs --out subdirectory"),
    ("distributor verify one<TAB>", "verify one file.json"),
    ("distributor help assem<TAB>", "help assemble"),
    ("distributor --hel<TAB>", "--help"),
]
# Where nothing is to be put in, because nothing fits: another command's name as a value, or a second operand.
NOTHING = ("distributor release --images lock --chec", "distributor help plan assem", "distributor plan assem")


def check_typed(name, shell, setup):
    if not shutil.which(name):
        tap.skip(f"{name} completes", f"{name} is not installed")
        return
    show = 'distributor() { printf "[args %s]\\n" "$*"; }\n'
    for line, wanted in LINES:
        tap.equal(f"{name} completes '{line}'", plain(type_in(shell, show + setup, line)), wanted)


def fish_offers(typed):
    script = f"{SHARE}/fish/vendor_completions.d/distributor.fish"
    done = run("fish", "--no-config", "-c", f"source {script}; complete -C '{typed}'", cwd=f"{WORK}/here",
               env={"PATH": f"{WORK}/usr/bin:{os.environ['PATH']}", "HOME": WORK})
    offers = [line.split("\t")[0] for line in done.stdout.splitlines()]
    # fish 4 lists what only resembles the word as well, and does not take it where something begins so.
    return [o for o in offers if o.startswith(typed.rpartition(" ")[2])] or offers


def check_fish():
    """fish says itself what it would offer; a tab puts in what all of it begins with."""
    if not shutil.which("fish"):
        tap.skip("fish completes", "fish is not installed")
        return
    for line, wanted in LINES:
        first, *rest = line.split("<TAB>")
        typed = first
        for part in rest:
            offers = fish_offers(typed)
            blank = " " if len(offers) == 1 else ""
            typed = typed.rpartition(" ")[0] + " " + os.path.commonprefix(offers) + blank + part
        tap.equal(f"fish completes '{line}'", plain(typed.partition(" ")[2]), wanted)
    for line in NOTHING:
        tap.equal(f"fish has nothing for '{line}'", fish_offers(line), [])


def main():
    done = run("cmake", "--install", BUILD, "--prefix", f"{WORK}/usr")
    if not tap.ok("cmake --install", done.returncode == 0, done.stderr):
        return
    commands = re.findall(r"^  ([a-z]+) ", run(PROGRAM, "--help").stdout, re.M)
    tap.ok("the installed program runs", len(commands) > 10, commands)
    check_pages(commands)
    check_names()
    check_environment()
    os.makedirs(f"{WORK}/here/subdirectory")
    open(f"{WORK}/here/one file.json", "w").close()
    check_typed("bash", ["bash", "--norc", "--noprofile", "-i"],
                f". {SHARE}/bash-completion/completions/distributor")
    check_typed("zsh", ["zsh", "-f", "-i"],
                f"fpath=({SHARE}/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D")
    check_fish()


PROGRAM = f"{WORK}/usr/bin/distributor"
try:
    main()
finally:
    shutil.rmtree(WORK)
tap.done()
