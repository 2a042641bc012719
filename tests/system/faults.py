#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Faults of the machine: one system call or one allocation of the release build fails, for a sample of
(command, call, error, N). Whatever fails, exit status 0 comes with the complete and right result only, no
other file than a complete one has a final name, nothing is lost, and the same command run again finishes.
Prints TAP.

usage: faults.py [COMMAND CALL ERROR N]     one fault, as a violation names it
       FAULTS=2500 TEST_SEED=7 COMMANDS=sign,tag faults.py
FAULTS is how many are tried, TEST_SEED chooses them; without FAULTS they are few, and those of the same seed
each time. PROGRAM is the program. What a library makes of a failed allocation of its own: see FORGIVEN.
"""
import collections
import concurrent.futures
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

BUILD = os.path.abspath(os.environ.get("BUILD_DIR", "build/debug"))
PROGRAM = os.environ["DISTRIBUTOR"] = os.environ.get(
    "PROGRAM", os.path.join(os.path.dirname(BUILD), "release", "distributor", "distributor"))
import tap
from release_lib import Tree, environment, sha256

PRELOAD = os.path.join(BUILD, "tests", "fail_malloc.so")
FAULTS_BY_DEFAULT = 200
FAULTS = int(os.environ.get("FAULTS", "0"))
# A test among others is the same each day; whoever asks for many gets others each time.
SEED = int(os.environ.get("TEST_SEED", "0")) or (random.randrange(1, 10 ** 6) if FAULTS else 1)
LONGEST = 60  # seconds that a run may take
ALLOCATION = "malloc"

# Errors that the kernel gives, by call. Not here: brk (glibc aborts), futex, execve.
ERRORS = {
    "access": "EIO EACCES ENOMEM", "close": "EIO ENOSPC", "copy_file_range": "EIO ENOSPC EXDEV",
    "clone3": "EAGAIN ENOMEM", "fchmod": "EIO EPERM", "fchmodat": "EIO EPERM", "fcntl": "EIO EMFILE",
    "fdatasync": "EIO ENOSPC", "flock": "EIO ENOLCK", "fstat": "EIO", "fsync": "EIO ENOSPC", "ftruncate": "EIO ENOSPC",
    "getcwd": "EACCES ENOMEM", "getdents64": "EIO", "getrandom": "EINTR", "ioctl": "EIO ENOTTY EOPNOTSUPP",
    "link": "EIO EMLINK EPERM ENOSPC", "linkat": "EIO EMLINK EPERM ENOSPC", "lseek": "EIO", "lstat": "EIO EACCES",
    "madvise": "EIO", "mkdir": "EIO ENOSPC EACCES", "mkdirat": "EIO ENOSPC", "mlock": "ENOMEM EPERM",
    "mmap": "ENOMEM", "mprotect": "ENOMEM", "munmap": "ENOMEM",
    "newfstatat": "EIO ENOMEM EACCES", "openat": "EIO EMFILE EACCES ENOSPC ENFILE", "pipe2": "EMFILE",
    "prctl": "EPERM", "pread64": "EIO", "prlimit64": "EPERM", "pwrite64": "EIO ENOSPC", "read": "EIO",
    "readlink": "EIO EACCES", "rename": "EIO ENOSPC EACCES", "renameat": "EIO ENOSPC", "renameat2": "EIO ENOSPC",
    "rmdir": "EIO", "sched_getaffinity": "EPERM", "statfs": "EIO", "statx": "EIO EACCES", "symlink": "EIO ENOSPC",
    "symlinkat": "EIO ENOSPC", "unlink": "EIO EACCES", "unlinkat": "EIO EACCES", "write": "EIO ENOSPC", "writev": "EIO"}

# What libraries do when an allocation of their own fails, which no caller can tell or keep off: the library
# that asked for it, the exit status, and where it crashed or what is said. All else is a violation.
# libarchive 3.6 frees a filter of xz that it could not make, and follows the NULL; a filter that fails before
# the first block hides its reason, so that no format is recognised.
FORGIVEN = (
    ("libarchive.so", -signal.SIGSEGV, r"^crashed libarchive\.so"),
    ("libarchive.so", 3, "Unrecognized archive format"), ("libarchive.so", 4, "Unrecognized archive format"),
)
# Frames of these are on behalf of whoever called them.
HELPERS = ("fail_malloc.so", "libc.so", "ld-linux", "liblzma.so", "libz.so", "libzstd.so", "libbz2.so")

SHARED = ("--matrix", "matrix.json")
ALONE = ("--jobs", "1")  # the N-th call is the same one in each run
# What is run, in this order: each begins where the one before has ended. `random`: files that are
# others each time; of those only the names are compared.
Command = collections.namedtuple("Command", "arguments made random", defaults=((), None))
COMMANDS = {
    "lock": Command(("lock", *SHARED, *ALONE, "--cache", "cache"), ("matrix.lock.json",)),
    "fetch": Command(("fetch", *SHARED, *ALONE, "--cache", "cache"), ("cache",)),
    "tarballs": Command(("tarballs", *SHARED, *ALONE, "--cache", "cache"), ("out",)),
    "images": Command(("images", *SHARED, *ALONE, "--registrars", "registrars")),
    "keygen": Command(("keygen", "--no-passphrase", "--principal", "release@example.org", "--keys", "new",
                       "home/new.pem"), (), r"(new|home)/"),
    "sign": Command(("sign", *SHARED, "--keys", "keys", "--key", "home/release.pem")),
    "tag": Command(("tag", *SHARED, "--keys", "keys", "--key", "home/release.pem")),
    "publish": Command(("publish", *SHARED, "--keys", "keys", "--target", "directory", "www")),
    "verify": Command(("verify", "--keys", "keys", "--repo", ".", "out/assets")),
    "assemble": Command(("assemble", *SHARED, *ALONE, "--registrars", "registrars", "--out", "joined", "p_x86_64",
                         "p_aarch64")),
}


def without_git(path):
    """Of a repository what is meant: the references; git itself judges the objects."""
    return not path.startswith(".git/") or path.startswith(".git/refs/")


def snapshot(root):
    """Every file, link and its content, but for locks."""
    found = {}
    for folder, directories, names in os.walk(root):
        for name in names + [d for d in directories if os.path.islink(os.path.join(folder, d))]:
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, root)
            if name.endswith(".lock") or not without_git(inside):
                continue
            if os.path.islink(path):
                found[inside] = "link " + os.readlink(path)
            else:
                with open(path, "rb") as file:
                    content = file.read()
                # The one file whose content is looked at: see is_list_so_far().
                found[inside] = content if name == "packed.json" else hashlib.sha256(content).hexdigest()
    return found


def temporary(path):
    """Not a final name: it may hold anything, and is swept or gone on with."""
    return path.endswith(".tmp") or ".incomplete" in path or path.startswith(("cache/partial/", "www/.latest."))


def without_all_in_one(document):
    """What a run that goes on with the work of another cannot know without reading all of it."""
    return re.sub(rb'"all_in_one": \{.*?\},?\s*', b"", document, flags=re.S)


def hosts(document):
    return {host["host"]: host for host in json.loads(without_all_in_one(document))["hosts"]}


def is_list_so_far(path, now, complete):
    """Whether OUT/packed.json of a run that failed is a part of the complete one."""
    if os.path.basename(path) != "packed.json" or complete is None:
        return False
    wanted = hosts(complete)
    return all(name in wanted and all(member in wanted[name]["members"] for member in host["members"])
               for name, host in hosts(now).items())


class Case:
    """One command with what it is run on, what it leaves, and the calls that it makes."""

    def __init__(self, name, command, tree, folder):
        self.name, self.command, self.tree = name, command, tree
        self.base = os.path.join(folder, name)
        shutil.copytree(tree.root, self.base, symlinks=True)
        self.before = snapshot(self.base)
        done = self.learn(folder)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        self.complete, self.output = snapshot(tree.root), done.stdout

    def learn(self, folder):
        """Runs the command to its end, and counts what may fail."""
        trace = os.path.join(folder, f"{self.name}.trace")
        self.allocations = self.count_allocations(folder)
        done = self.run(self.tree.root, "strace", "-f", "-qq", "-o", trace)
        self.first, self.last = self.count(trace)
        return done

    @property
    def has_stable_output(self):
        return self.name == "verify"

    def run(self, root, *before, **more):
        return subprocess.run([*before, PROGRAM, *self.command.arguments, "--quiet"], cwd=root, text=True,
                              errors="backslashreplace", stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=LONGEST, env=environment(self.tree.home, **more))

    @staticmethod
    def count(trace):
        """How many calls of each kind the loader has made, and how many there are in the busiest thread."""
        first, main, loaded = collections.Counter(), None, False
        threads = collections.defaultdict(collections.Counter)
        with open(trace, encoding="utf-8", errors="replace") as file:
            for line in file:
                match = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)\(", line)
                if not match:
                    continue
                main = main or match.group(1)
                call = match.group(2)
                threads[match.group(1)][call] += 1
                if match.group(1) != main:
                    continue
                if not loaded:
                    first[call] += 1
                # The loader ends by giving back its cache of libraries.
                loaded = loaded or call == "munmap"
        last = {call: max(thread[call] for thread in threads.values())
                for call in {call for thread in threads.values() for call in thread}}
        return first, last

    def count_allocations(self, folder):
        place, file = os.path.join(folder, f"{self.name}.copy"), os.path.join(folder, f"{self.name}.count")
        shutil.copytree(self.base, place, symlinks=True)
        self.run(place, LD_PRELOAD=PRELOAD, COUNT_ALLOCATIONS=file)
        shutil.rmtree(place)
        with open(file, encoding="ascii") as text:
            return int(text.read())

    def faults(self, rng):
        """
        What is tried, in the order of trying: ends of each row of calls, or any. What is drawn does not
        depend on how many there are: with other libraries the sample is about the same.
        """
        rows = [(call, error) for call, errors in sorted(ERRORS.items()) for error in errors.split()]
        while True:
            rng.shuffle(rows)
            for row, (call, error) in enumerate(rows):
                place, end, allocation = rng.random(), rng.random() < 0.3, rng.random()
                numbers = range(self.first[call] + 1, self.last.get(call, 0) + 1)
                ends = sorted({*numbers[:3], *numbers[-2:]}) if end else numbers
                if ends:
                    yield call, error, ends[int(place * len(ends))]
                if row % 8 == 0:
                    yield ALLOCATION, "ENOMEM", 1 + int(allocation * self.allocations)


class Violation(Exception):
    pass


def same(case, files, healed=False):
    """What differs from the complete result, for a message; `healed` when it took a second run."""
    random_names = case.command.random and re.compile(case.command.random)

    def content(tree):
        return {path: "random" if random_names and random_names.match(path) else
                without_all_in_one(value) if healed and isinstance(value, bytes) else value
                for path, value in tree.items() if not temporary(path)}
    found, wanted = content(files), content(case.complete)
    return sorted(path for path in found.keys() | wanted.keys() if found.get(path) != wanted.get(path))


def module(frames):
    """Where the frames that fail_malloc.so has noted come from, helpers aside."""
    return next((frame for frame in frames if not frame.startswith(HELPERS)), "")


def is_forgiven(done, notes):
    """Whether a library that asked for the memory did what it is known for."""
    lines = [line.split() for line in notes.splitlines()]
    asked = next((module(frames) for what, *frames in lines if what == "asked"), "")
    crashed = next((f"crashed {module(frames)}" for what, *frames in lines if what == "crashed"), "")
    return any(asked.startswith(library) and done.returncode == status and
               re.search(pattern, crashed if status < 0 else done.stdout + done.stderr)
               for library, status, pattern in FORGIVEN)


def check_status(call, done, notes):
    text = done.stdout + done.stderr
    if is_forgiven(done, notes):
        pass
    elif done.returncode < 0 or done.returncode >= 128:
        if not re.search(r"out of memory|not enough memory|cannot allocate", text):
            raise Violation(f"it crashed: {done.returncode}")
    elif done.returncode not in (0, 1):
        raise Violation(f"a fault of this machine is exit status {done.returncode}")
    elif done.returncode == 1 and not done.stderr.strip() and call not in ("write", "writev"):
        raise Violation("exit status 1 without a word")


def check_files(case, files):
    """Of a run that failed: each file is as it was or as it will be."""
    for path in files.keys() | case.before.keys() | case.complete.keys():
        was, will, now = case.before.get(path), case.complete.get(path), files.get(path)
        if temporary(path) or now in (was, will):
            continue
        if now is None and (was is None or will is None):
            continue
        if now is not None and (is_list_so_far(path, now, will) or
                                case.command.random and re.match(case.command.random, path)):
            continue
        raise Violation(f"'{path}' is " + ("lost" if now is None else "neither as before nor complete"))


def check_key(root):
    """keygen's result belongs together."""
    pem = subprocess.run([PROGRAM, "key", "--key", "home/new.pem", "--to", "ssh"], cwd=root, text=True,
                         stdin=subprocess.DEVNULL, capture_output=True, check=False).stdout.split()
    with open(os.path.join(root, "new", "allowed_signers"), encoding="utf-8") as file:
        if not pem or pem[1] not in file.read():
            raise Violation("the public key is not the secret one's")


def check_again(case, call, failed, root):
    again = case.run(root)
    if again.returncode != 0:
        raise Violation(f"the second run ends with {again.returncode}: {again.stderr[-600:]}")
    files = snapshot(root)
    wrong = same(case, files, healed=failed)
    if wrong:
        raise Violation(f"the second run has another result: {wrong[:5]}")
    left = [path for path in files if temporary(path)]
    # What could not be removed beside a lock or key is in nobody's way, and no directory of ours to sweep.
    if left and not call.startswith("unlink"):
        raise Violation(f"the second run leaves {left[:5]}")


def read_text(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def injected(trace):
    return "".join(line for line in read_text(trace).splitlines(True) if "INJECTED" in line)


def try_fault(case, call, error, number, folder):
    """Whether the fault came; raises Violation."""
    root = tempfile.mkdtemp(dir=folder)
    place, trace, notes = (os.path.join(root, name) for name in ("tree", "trace", "notes"))
    shutil.copytree(case.base, place, symlinks=True)
    try:
        if call == ALLOCATION:
            done = case.run(place, LD_PRELOAD=PRELOAD, FAIL_ALLOCATION=str(number), FAIL_NOTES=notes)
        else:
            done = case.run(place, "strace", "-f", "-qq", "-o", trace, "-e", f"trace={call}", "-e",
                            f"inject={call}:error={error}:when={number}")
        files = snapshot(place)
        try:
            check_status(call, done, read_text(notes))
            if done.returncode == 0:
                wrong = same(case, files)
                if wrong:
                    raise Violation(f"exit status 0 with another result: {wrong[:5]}")
                if case.has_stable_output and done.stdout != case.output:
                    raise Violation("exit status 0 with another output")
            else:
                check_files(case, files)
            # A key is made once.
            if case.name != "keygen" or done.returncode != 0:
                check_again(case, call, done.returncode != 0, place)
            if case.name == "keygen":
                check_key(place)
            if case.name == "tag":
                fsck = subprocess.run(["git", "fsck", "--strict"], cwd=place, capture_output=True, text=True,
                                      env=environment(case.tree.home), check=False)
                if fsck.returncode != 0:
                    raise Violation(f"git fsck: {fsck.stderr}")
        except Violation as violation:
            shown = injected(trace)[:600] + read_text(notes)[:1500]
            raise Violation(f"{violation}\n{shown}exit {done.returncode}: {done.stdout[-600:]}"
                            f"{done.stderr[-900:]}") from None
        came = read_text(notes) if call == ALLOCATION else injected(trace)
        return done.returncode if came else None
    except subprocess.TimeoutExpired:
        raise Violation("it hangs") from None
    finally:
        shutil.rmtree(root, ignore_errors=True)


def make_parts(tree):
    for host in tree.hosts:
        for command in (("tarballs", "--cache", "cache"), ("images", "--registrars", "registrars")):
            tree.run(command[0], *SHARED, *command[1:], "--host", host, "--out", f"p_{host}", "--quiet", status=0)


def make_cases(folder, wanted, kind=Case):
    """The commands one after the other on one tree; each has the tree before it kept."""
    tree = Tree(os.path.join(folder, "tree"), targets=["arm", "s390x"], size=12000, edit=lambda matrix, lock:
                matrix["repository"].update(images=["localhost:5000/a/qemu"]))
    with open(tree.path("SHA256SUMS"), "w", encoding="ascii") as file:
        file.writelines(f"{sha256(deb)}  {os.path.basename(deb)}\n" for deb in tree.debs.values())
    os.unlink(tree.path("matrix.lock.json"))
    tree.run("lock", *SHARED, "--cache", "cache", status=0)
    tree.keygen()
    tree.commit()
    make_parts(tree)
    cases = {}
    for name, command in COMMANDS.items():
        for made in command.made:
            path = tree.path(made)
            (shutil.rmtree if os.path.isdir(path) else os.unlink)(path) if os.path.lexists(path) else None
        case = kind(name, command, tree, folder)
        if name in wanted:
            cases[name] = case
    return cases


def sample(cases):
    """The faults of all commands by turns; the same for the same seed."""
    rows = [(case, case.faults(random.Random(f"{SEED} {name}"))) for name, case in cases.items()]
    tried = set()
    misses = 0
    while misses < 1000:
        for case, faults in rows:
            fault = (case, *next(faults))
            misses = misses + 1 if fault in tried else 0
            if fault not in tried:
                tried.add(fault)
                yield fault


def campaign(cases, folder):
    """Tries faults until there are enough; returns counters and violations by command."""
    statuses = collections.defaultdict(collections.Counter)
    violations = collections.defaultdict(list)
    faults, lock = sample(cases), threading.Lock()
    left = FAULTS or FAULTS_BY_DEFAULT

    def worker():
        nonlocal left
        while True:
            with lock:
                fault = next(faults, None) if left > 0 else None
                left -= 1
            if fault is None:
                return
            case, call, error, number = fault
            if left % 250 == 0:
                print(f"# {left} are left", flush=True)
            try:
                status = try_fault(case, call, error, number, folder)
                with lock:
                    statuses[case.name]["not reached" if status is None else f"exit {status}"] += 1
            except Violation as violation:
                with lock:
                    statuses[case.name]["violation"] += 1
                    violations[case.name].append(f"{case.name} {call} {error} {number}: {violation}")
                    print(f"# violation: {case.name} {call} {error} {number}", flush=True)

    workers = len(os.sched_getaffinity(0))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(worker) for _ in range(workers)]:
            future.result()
    return statuses, violations


def missing():
    if not os.path.exists(PROGRAM):
        return f"there is no {PROGRAM}: ./check builds it"
    if not os.path.exists(PRELOAD):
        return f"there is no {PRELOAD}"
    if not shutil.which("strace"):
        return "strace is not installed"
    if not shutil.which("dpkg-deb"):
        return "dpkg-deb is not installed"
    probe = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return None if probe.returncode == 0 else f"strace does not work here: {probe.stderr.strip()}"


def main():
    reason = missing()
    if reason:
        tap.skip("faults of the machine", reason)
        return
    one = sys.argv[1:]
    wanted = one[:1] or [n for n in os.environ.get("COMMANDS", ",".join(COMMANDS)).split(",") if n]
    folder = tempfile.mkdtemp(prefix="faults-")
    try:
        cases = make_cases(folder, wanted)
        if one:
            try:
                print("exit", try_fault(cases[one[0]], one[1], one[2], int(one[3]), folder))
            except Violation as violation:
                print(violation)
            return
        print(f"# seed {SEED}: TEST_SEED={SEED} FAULTS=... {sys.argv[0]}")
        statuses, violations = campaign(cases, folder)
        for name in cases:
            summary = ", ".join(f"{count} {what}" for what, count in sorted(statuses[name].items()))
            print(f"# {name}: {summary}")
            tap.ok(f"{name}: whatever fails, what is there is complete and right", not violations[name],
                   *violations[name])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
    tap.done()
