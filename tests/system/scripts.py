#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The scripts that people meet first, ./check, ./quickstart and tests/run, as somebody does who has
neither root nor sudo, asks for help, or breaks a test. Nothing is installed."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from tap import done, equal, has, ok

SOURCE = pathlib.Path(os.environ["SOURCE_DIR"])


def bin_with(top, *programs, **scripts):
    """A PATH of these programs of the machine and these scripts."""
    path = top / "bin"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    for name in programs:
        (path / name).symlink_to(shutil.which(name))
    for name, text in scripts.items():
        (path / name.replace("_", "-")).write_text(f"#!/bin/sh\n{text}\n")
        (path / name.replace("_", "-")).chmod(0o755)
    return str(path)


BASE = ("sh", "cat", "sed", "grep", "dirname", "env", "head", "mkdir", "rm", "tee", "true", "uname", "tr")


def run(command, top, path, **env):
    done_ = subprocess.run(command, cwd=top / "src", env={"PATH": path, "HOME": str(top), **env},
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return done_.returncode, done_.stdout, done_.stderr


def copy_tree(top):
    source = top / "src"
    source.mkdir()
    for name in ("check", "quickstart"):
        shutil.copy(SOURCE / name, source)
    for name in ("cmake", "tests"):
        (source / name).mkdir()
    shutil.copy(SOURCE / "cmake/install-packages.sh", source / "cmake")
    shutil.copy(SOURCE / "tests/run", source / "tests")


def no_root(top):
    """Of Debian and of Fedora: the sentence, and nothing else."""
    apt = {"apt_get": "echo no root >&2; exit 100", "dpkg_query": "exit 1", "id": "echo 1000",
           "dpkg": "echo amd64"}
    dnf = {"dnf": "echo no root >&2; exit 1", "rpm": "exit 1", "id": "echo 1000"}
    for what, scripts, names in (("apt-get", apt, ("./quickstart", "./check")), ("dnf", dnf, ("./check",))):
        path = bin_with(top, *BASE, **scripts)
        for script in names:
            status, out, err = run([script], top, path)
            equal(f"{script} without root or sudo, {what}: ends", status, 1)
            has("... and says what is missing and why nothing is installed", err,
                "error: these packages are missing, and neither root nor sudo is here to install them: ",
                "libgit2-devel" if what == "dnf" else "libgit2-dev")
            ok("... before it says that it installs anything", "installing" not in out, out)


def elsewhere(top):
    path = bin_with(top, *BASE, dnf="echo installing >&2; exit 9", rpm="exit 9", id="echo 0")
    status, out, err = run(["./quickstart"], top, path)
    ok("./quickstart where there is no apt says so, and installs nothing", (status, out) == (1, "") and
       err.startswith("error: there is no apt-get here: ./quickstart is for Debian 12 and 13"), status, out, err)


def sudo_refuses(top):
    path = bin_with(top, *BASE, apt_get="exit 100", dpkg_query="exit 1", id="echo 1000",
                    dpkg="echo amd64", sudo="echo 'sudo: a password is required' >&2; exit 1")
    status, _, err = run(["./quickstart"], top, path)
    ok("what sudo says is seen", status == 1 and err == "sudo: a password is required\n", status, err)


def help_only_helps(top):
    path = bin_with(top, *BASE, "python3",
                    **{t: f'echo "{t} was run" >&2; exit 9' for t in ("apt_get", "dpkg_query", "cmake", "id")})
    for script in ("./check", "./quickstart"):
        for option in ("--help", "-h"):
            status, out, err = run([script, option], top, path)
            ok(f"{script} {option} does nothing else", status == 0 and err == "" and "usage: " in out,
               status, out, err)


def quick_installs_little(top):
    path = bin_with(top, *BASE, id="echo 0", dpkg="echo amd64", dpkg_query="exit 1",
                    apt_get='echo "$@" >>"$HOME/asked"; exit 100')
    for options, wanted in (((), True), (("--quick",), False)):
        run(["./check", *options], top, path)
        asked = (top / "asked").read_text().split()
        equal(f"./check {' '.join(options)}: what system tests need is installed or not",
              [p in asked for p in ("podman", "skopeo", "clang", "rpm", "gcc-s390x-linux-gnu")], [wanted] * 5)
        equal("... and what unit tests need", [p in asked for p in ("libcmocka-dev", "libgit2-dev", "git", "cmake")],
              [True] * 4)
        (top / "asked").unlink()


def building_is_told_once(top):
    """The builds of a stand-in for cmake: nothing to do, two files, and one that fails."""
    for name, prints, status, wanted in (
            ("nothing to do", "[0/1] Re-running CMake...\nninja: no work to do.", 0, 0),
            ("two files", "[1/3] Building C object a.o\n[2/3] Building C object b.o\n[3/3] Linking d", 0, 1),
            ("a file that fails", "[1/3] Building C object a.o\nFAILED: a.o", 1, 1)):
        path = bin_with(top, *BASE, id="echo 0", dpkg="echo amd64", apt_get="exit 0",
                        dpkg_query="echo installed",
                        cmake=f"case $1 in --build) printf '%s\\n' '{prints}'; exit {status} ;; esac")
        program = top / "src/build/release/distributor"
        program.mkdir(parents=True, exist_ok=True)
        (program.parent / "build.ninja").touch()
        (program / "distributor").write_text("#!/bin/sh\necho ran $1\n")
        (program / "distributor").chmod(0o755)
        code, out, err = run(["./quickstart"], top, path)
        equal(f"quickstart, {name}: exit status", code, status)
        equal("... says that it builds when it does", out.count("building ("), wanted)
        equal("... goes on if that worked", "ran release" in out, status == 0)
        ok("... or shows why not", status == 0 or "FAILED: a.o" in out, out, err)


def failures_stand_at_the_end(top):
    build = top / "build"
    build.mkdir()
    tests = {"good": "echo ok 1 - fine", "bad": "echo 'not ok 1 - the thing'; seq 30; exit 1",
             "last": "sleep 1; echo ok 1 - late"}
    (build / "CTestTestfile.cmake").write_text("".join(
        f'add_test({name} "sh" "-c" "{script}")\n' for name, script in tests.items()))
    status, out, _ = run([sys.executable, "tests/run", str(build)], top, os.environ["PATH"])
    equal("tests/run ends with 1 where a case failed", status, 1)
    equal("... and its last lines name it again", out.splitlines()[-2:],
          ["FAILED: bad: the thing", "2 passed, 1 failed, 0 skipped"])


def failures_show_values(top):
    """What a failed case of the Python tests says; the condition is not run again."""
    script = top / "values.py"
    script.write_text(f"""import sys
sys.path.insert(0, {str(SOURCE / "tests/support")!r})
import tap
calls = []
class Result:
    status, out = 4, "no such thing"
def call():
    calls.append(1)
    return 5
def holds(name, good):
    return tap.ok(name, good)
result = Result()
tap.ok("both", result.status == 0 and "thing" in result.out, "more")
tap.that(not result.out.startswith("no"), "first")
holds("handed on", len(result.out) == 7)
holds("called once", call() == 4 and result.status == 4 or
      all(c in result.out for c in "xyz"))
tap.ok("called twice", len(calls) == 2)
tap.equal("equal", result.status, 5)
tap.has("has", result.out, "any", "thing")
tap.ok("good", result.status == 4)
sys.exit(tap.finish())
""")
    status, out, err = run([sys.executable, str(script)], top, os.environ["PATH"])
    equal("a failed case shows the values of its condition", (status, err, out.splitlines()), (1, "", [
        "not ok 1 - both", "# value:  result.status: 4", "# got:    more",
        "not ok 2 - first", "# value:  result.out: 'no such thing'",
        "not ok 3 - handed on", "# value:  len(result.out): 13",
        "not ok 4 - called once", "# value:  all((c in result.out for c in 'xyz')): False",
        "not ok 5 - called twice", "# value:  len(calls): 1",
        "not ok 6 - equal", "# got:    4", "# wanted: 5",
        "not ok 7 - has", "# got:    no such thing", "# lacks:  any",
        "ok 8 - good", "1..8"]))


def skips_may_be_failures(top):
    build = top / "skips"
    build.mkdir()
    tests = {"cmocka": "echo '# SKIPPED: no DATA here'; echo 'ok 1 - # SKIP test_a'; echo 'ok 2 - fine'",
             "python": "echo '# SKIPPED: no network'; echo 'ok 1 - b # SKIP no network'",
             "node": "echo 'ok 1 - c # SKIP no DATA'; echo 'ok 2 - d # SKIP'"}
    for name, text in tests.items():
        (build / f"{name}.sh").write_text(text)
    (build / "CTestTestfile.cmake").write_text("".join(
        f'add_test({name} "sh" "{build}/{name}.sh")\n' for name in tests))
    for options, wanted in (
            ([], ([], 0)), (["--no-skips"], (["# SKIP test_a", "b # SKIP no network", "c # SKIP no DATA", "d # SKIP"], 1)),
            (["--no-skips", "--may-skip", "DATA"], (["b # SKIP no network", "d # SKIP"], 1)),
            (["--no-skips", "--may-skip", "DATA", "--may-skip", "network|^d "], ([], 0))):
        status, out, _ = run([sys.executable, "tests/run", str(build), "--jobs", "1", *options], top,
                             os.environ["PATH"])
        equal(f"tests/run {' '.join(options)}: the skipped ones that fail it", (sorted(
            line.split(": ", 2)[2].removesuffix(" (skipped)") for line in out.splitlines()
            if line.startswith("FAILED: ")), status), wanted)


def fuzzing_is_dealt_out(top):
    source = top / "src"
    (source / ".ci").mkdir()
    shutil.copy(SOURCE / ".ci/fuzz", source / ".ci")
    targets = source / "build/fuzz/tests"
    targets.mkdir(parents=True)
    (source / "tests/fuzz/corpus/t3").mkdir(parents=True)
    for i in range(1, 8):
        status = 77 if i == 5 else 0
        (targets / f"fuzz_t{i}").write_text(f"#!/bin/sh\necho t{i} \"$@\" >>{top}/fuzzed\nexit {status}\n")
        (targets / f"fuzz_t{i}").chmod(0o755)
    (targets / "fuzz_t1.log").write_text("not a target\n")
    statuses = [run([".ci/fuzz", "600", str(shard), "3"], top, os.environ["PATH"]) for shard in (1, 2, 3)]
    lines = (top / "fuzzed").read_text().splitlines()
    equal("every fuzz target is in one of the jobs", sorted(line.split()[0] for line in lines),
          [f"t{i}" for i in range(1, 8)])
    ok("... for the time that it is given", all("-max_total_time=600" in line for line in lines), lines)
    has("... from its corpus, if it has one", next(line for line in lines if line.startswith("t3")),
        " build/fuzz/new/t3 tests/fuzz/corpus/t3")
    equal("one that finds something fails its job", [s[0] for s in statuses], [0, 1, 0])
    has("... and is named", statuses[1][1], "::error::fuzz_t5 has found something")
    shutil.rmtree(targets)
    targets.mkdir()
    status, _, err = run([".ci/fuzz", "600"], top, os.environ["PATH"])
    equal("a build without a fuzz target is a failure", (status, err), (1, "::error::there are no fuzz targets in build/fuzz/tests\n"))


def layout_of_no_file_is_a_failure(top):
    source = top / "src"
    shutil.copy(SOURCE / ".ci/lint", source / ".ci")
    # Fails where git does, as in a checkout of another user.
    tools = bin_with(top, "sh", "dirname", "grep", "xargs", "nproc", git="echo dubious >&2; exit 128",
                     clang_format_19="exit 0", clang_tidy_19="exit 0")
    status, _, err = run([".ci/lint"], top, tools)
    equal("a lint that sees no file is a failure", (status, err), (128, "dubious\n"))


def lint_reads_what_has_changed(top):
    """clang-format sees every C file, clang-tidy those of the branch, of its last commit, or none."""
    tree = top / "linted"
    home = {"HOME": str(top), "GIT_CONFIG_NOSYSTEM": "1"}
    tools = bin_with(top, "sh", "dirname", "grep", "xargs", "git", "sed", "sort",
                     nproc="echo 1", clang_format_19='[ ! -e ../badly ] || exit 1', clang_tidy_19='shift 3; echo "tidy $*"; [ ! -e ../wrong ]')

    def git(*command):
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *command], cwd=tree, check=True,
                       capture_output=True, env={**os.environ, **home})

    def change(*names):
        for name in names:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            with open(tree / name, "a", encoding="utf-8") as file:
                file.write("x\n")

    def commit(*names):
        change(*names)
        git("add", ".")
        git("commit", "-q", "-m", "x")

    def lint(*options):
        got = subprocess.run([".ci/lint", *options], cwd=tree, env={"PATH": tools, **home}, capture_output=True, text=True,
                             stdin=subprocess.DEVNULL, timeout=60)
        lines = got.stdout.splitlines()
        return got.returncode, sorted(" ".join(lines).replace("tidy ", "").split()) if "no commit" not in got.stdout else lines

    (tree / ".ci").mkdir(parents=True)
    shutil.copy(SOURCE / ".ci/lint", tree / ".ci")
    git("init", "-q", "-b", "main", ".")
    commit("base/a.c", "base/b.c", "register/c.c", "tests/d.c", "base/a.h")
    equal("lint reads the whole program", lint(), (0, ["base/a.c", "base/b.c"]))
    equal("lint --changed of a first commit has nothing to compare with", lint("--changed"),
          (0, ["clang-tidy: no commit to compare with; .ci/lint reads all files"]))
    commit("base/b.c", "tests/d.c")
    equal("... else reads what the last commit has changed", lint("--changed"), (0, ["base/b.c"]))
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    equal("... which is what is new on the default branch", lint("--changed"), (0, ["base/b.c"]))
    change("base/a.c")
    equal("... but for what is not committed yet", lint("--changed"), (0, ["base/a.c"]))
    commit("base/e.c")
    commit("base/a.h", "register/c.c")
    git("rm", "-q", "base/b.c")
    equal("... and of a branch all that it has changed and still has", lint("--changed"), (0, ["base/a.c", "base/e.c"]))
    (top / "wrong").touch()
    equal("what clang-tidy finds is a failure", lint("--changed"), (1, ["base/a.c", "base/e.c"]))
    (top / "wrong").unlink()
    (top / "badly").touch()
    equal("what clang-format would change is one too, and clang-tidy is run all the same", lint("--changed"),
          (1, ["base/a.c", "base/e.c"]))


with tempfile.TemporaryDirectory(prefix="scripts-") as directory:
    TOP = pathlib.Path(directory)
    copy_tree(TOP)
    for case in (no_root, elsewhere, sudo_refuses, help_only_helps, quick_installs_little, building_is_told_once, failures_stand_at_the_end,
                 failures_show_values,
                 skips_may_be_failures, fuzzing_is_dealt_out, layout_of_no_file_is_a_failure,
                 lint_reads_what_has_changed):
        case(TOP)
sys.exit(done())
