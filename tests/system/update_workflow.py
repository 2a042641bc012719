#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays update.yml: upstream is asked, and what is newer becomes a pull request with a verified lock.
Upstream is a Debian archive and a stand-in for Koji's directories, gh writes down what it is asked."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import apt
import fedora
import rpm_support
from tap import done, equal, has, ok, skip

SOURCE, BUILD = os.environ["SOURCE_DIR"], os.environ["BUILD_DIR"]
PROGRAM = os.environ["DISTRIBUTOR"]
FEDORA = os.uname().machine  # its programs are made by this machine's compiler
DEBIAN, DEB = ("aarch64", "arm64") if FEDORA != "aarch64" else ("x86_64", "amd64")
missing = [t for t in {*apt.TOOLS, *fedora.TOOLS, "node", "git", "cmake"} if not shutil.which(t)]
if not os.path.isdir(f"{SOURCE}/tests/node_modules/yaml"):
    missing.append("tests/node_modules")
if FEDORA not in ("x86_64", "aarch64", "ppc64le", "s390x"):
    missing.append(f"a Fedora for {FEDORA}")
if missing:
    skip("update.yml", f"{', '.join(sorted(missing))} not here; ./check installs what it needs")
    sys.exit(done())

from workflow_player import Failed, Player

GH = r"""
printf '%s\n' "$*" >>"$GH_CALLS"
[ -n "$GH_TOKEN" ] || exit 4
case "$1 $2" in
  "pr list") cat "$GH_CALLS.open" ;;
  "pr create") [ ! -e "$GH_CALLS.refusal" ] || { cat "$GH_CALLS.refusal" >&2; exit 1; } ;;
esac
case "$1 $2" in
  "pr list") ;;
  *) while [ $# -gt 1 ]; do [ "$1" = --body-file ] && cp "$2" "$GH_CALLS.body"; shift; done ;;
esac
"""


def git(repository, *arguments):
    return subprocess.run(["git", "-c", "user.name=Release Bot", "-c", "user.email=release@example.org",
                           *arguments], cwd=repository, check=True, capture_output=True,
                          text=True).stdout


class World:
    """The two upstreams and the repository, of which people see the bare one."""

    def __init__(self, top):
        self.top, self.plays = pathlib.Path(top), 0
        self.remote = self.top / "remote.git"
        self.calls = self.top / "gh"
        self.apt_keys = apt.Keys(self.top)
        self.rpms = self.top / "rpms"
        self.rpms.mkdir()
        rpm_support.prepare(str(self.rpms))
        self.rpm_keys = rpm_support.Keys(str(self.rpms / "gnupg"))
        self.fingerprint = self.rpm_keys.fingerprint("release")
        self.koji = fedora.Koji(str(self.top / "koji"), self.rpm_keys, self.fingerprint)
        self.archives = 0
        self.open_requests(0)

    def fedora(self, version, release):
        for target in rpm_support.TARGETS:
            rpm_support.program(str(self.rpms), target, version, release)
        rpm_support.build(str(self.rpms), FEDORA, version=version, release=release)
        self.koji.add(str(self.rpms), version, release, FEDORA)

    def debian(self, version):
        self.archives += 1
        archive = apt.Archive(self.top, f"archive{self.archives}", self.apt_keys, archs=(DEB,))
        apt.new_style(archive, DEB, version)
        self.mirror = archive.publish().url

    def environment(self):
        return {**os.environ, "DISTRIBUTOR_APT_MIRROR": self.mirror,
                "XDG_CACHE_HOME": str(self.top / "cache")}

    def make_repository(self, koji):
        work = self.top / "work"
        shutil.copytree(f"{SOURCE}/.github", work / ".github")
        for name in (".ci", "cmake"):
            shutil.copytree(f"{SOURCE}/{name}", work / name)
        (work / "matrix").mkdir()
        shutil.copy(f"{SOURCE}/.gitignore", work)
        shutil.copy(self.top / "archive.gpg", work / "matrix")
        shutil.copy(self.rpms / "release.asc", work / "matrix")
        (work / "matrix/qemu-user-static.json").write_text(json.dumps({
            "name": "qemu-user-static", "version": "10.2.2-1",
            "sources": {"fedora": {"type": "fedora", "release": 44, "evr": "2:10.2.2-1.fc44",
                                   "keys": [self.fingerprint], "key_files": ["release.asc"],
                                   "koji": [koji]},
                        "debian": {"type": "apt", "suite": "trixie", "keyring": "archive.gpg",
                                   "keys": [self.apt_keys.fingerprints["archive"]]}},
            "hosts": {FEDORA: {"source": "fedora"},
                      DEBIAN: {"source": "debian", "version": "10.0.2"}}}, indent=2) + "\n")
        git(work, "init", "-q", "-b", "main", ".")
        git(work, "init", "-q", "--bare", "-b", "main", str(self.remote))
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", "A matrix without a lock")
        git(work, "push", "-q", str(self.remote), "main")

    def merge(self):
        """What people do with a request that they like."""
        git(self.remote, "update-ref", "refs/heads/main", "update")
        git(self.remote, "branch", "-D", "update")

    def open_requests(self, count):
        pathlib.Path(f"{self.calls}.open").write_text(f"{count}\n")

    def play(self):
        """The workflow, from its start; returns what gh was asked to do."""
        self.plays += 1
        self.calls.write_text("")
        runner = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo-org/qemu-user-static",
                  "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REF_NAME": "main",
                  "GITHUB_REF": "refs/heads/main", "GITHUB_REF_TYPE": "branch",
                  "GITHUB_EVENT_NAME": "schedule",
                  "PROGRAM_BUILD": BUILD, "GH_CALLS": str(self.calls),
                  "XDG_CACHE_HOME": str(self.top / f"cache{self.plays}"),
                  "DISTRIBUTOR_APT_MIRROR": self.mirror,
                  "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", "")}
        self.player = Player(f"{SOURCE}/.github/workflows/update.yml",
                             str(self.top / f"play{self.plays}"), str(self.remote),
                             {"github": {"token": "ghs_of_the_run"}}, runner, programs={"gh": GH})
        try:
            self.player.play()
        except Failed as error:
            return [f"failed: {error}"]
        return self.calls.read_text().splitlines()

    def branches(self):
        return git(self.remote, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()

    def show(self, name, branch="update"):
        return git(self.remote, "show", f"{branch}:matrix/qemu-user-static{name}.json")

    def locked(self):
        """The versions in the proposed lock, by host."""
        return {p["host"]: p["version"] for p in json.loads(self.show(".lock"))["packages"]}

    def body(self):
        return pathlib.Path(f"{self.calls}.body").read_text()

    def finish(self):
        for env in (self.apt_keys.env(), self.rpm_keys.env()):
            subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=env, check=False)


CREATE = "pr create --head update --title matrix: {} --body-file body.md"
EDIT = "pr edit update --title matrix: {} --body-file body.md"
LIST = "pr list --head update --state open --json number --jq length"


def test_first_lock(world):
    calls = world.play()
    equal("a matrix without a lock: its first lock is proposed", calls,
          [LIST, CREATE.format("10.2.2-1")])
    equal("... of the matrix as it is", world.show(""), world.show("", "main"))
    equal("... with the packages of both upstreams", world.locked(),
          {FEDORA: "2:10.2.2-1.fc44", DEBIAN: "1:10.0.2+ds-1"})
    world.merge()


def test_nothing_newer(world):
    equal("nothing newer: nothing is asked of gh", world.play(), [])
    equal("... the second job does not run", world.player.skipped, ["propose"])
    equal("... nothing is pushed", world.branches(), ["main"])
    has("... and the summary says so", (world.top / "play2/lock/summary").read_text(),
        "Nothing newer upstream")


def test_newer(world):
    world.fedora("10.2.2", "2.fc44")
    world.debian("1:10.0.3+ds-1")
    main = git(world.remote, "rev-parse", "main")
    equal("something newer: a request is opened", world.play(), [LIST, CREATE.format("10.2.2-2")])
    equal("its branch is one commit on main", git(world.remote, "rev-parse", "update^"), main)
    equal("... nothing else is pushed", world.branches(), ["main", "update"])
    equal("... by the workflow's own name", git(world.remote, "log", "-1", "--format=%an|%s", "update"),
          "github-actions[bot]|matrix: 10.2.2-2\n")
    equal("... which changes matrix and lock only",
          git(world.remote, "diff", "--name-only", "main", "update").split(),
          ["matrix/qemu-user-static.json", "matrix/qemu-user-static.lock.json"])
    wanted = world.show("", "main").replace("10.2.2-1", "10.2.2-2").replace('"10.0.2"', '"10.0.3"')
    equal("... the matrix in its versions", world.show(""), wanted)
    equal("... the lock to the newer packages", world.locked(),
          {FEDORA: "2:10.2.2-2.fc44", DEBIAN: "1:10.0.3+ds-1"})
    has("the request says what is newer", world.body(),
        f"| {FEDORA} | fedora | 2:10.2.2-1.fc44 | 2:10.2.2-2.fc44 |\n",
        f"| {DEBIAN} | debian | 1:10.0.2+ds-1 | 1:10.0.3+ds-1 |\n", "tag `v10.2.2-2`")
    equal("no token is in what was handed on", [p for p in world.player.artifacts.values() if any(
        b"ghs_of_the_run" in f.read_bytes() for f in pathlib.Path(p).iterdir())], [])
    ok("the rest of the program works with it", checked_out(world, "plan", "--diff") ==
       (0, "the lock matches the matrix\n"))
    ok("... and finds nothing newer", checked_out(world, "lock", "--check")[0] == 0)


# What gh prints where the setting is off, as it is in every new repository.
FORBIDDEN = ("pull request create failed: GraphQL: GitHub Actions is not permitted to create or approve "
             "pull requests (createPullRequest)\n")


def test_forbidden(world):
    """The branch is there all the same: people open the request, and the run is no failure."""
    refusal = pathlib.Path(f"{world.calls}.refusal")
    refusal.write_text(FORBIDDEN)
    equal("GitHub forbids the request: no failure", world.play(), [LIST, CREATE.format("10.2.2-2")])
    equal("... the branch is pushed", world.branches(), ["main", "update"])
    page = "https://github.com/octo-org/qemu-user-static/compare/main...update?expand=1"
    has("... a warning names the setting and the way", world.player.log[-1][2], FORBIDDEN, "::warning::",
        "Allow GitHub Actions to create and approve pull requests", page)
    has("... and the summary has both the text and the address",
        (world.top / f"play{world.plays}/propose/summary").read_text(), f"[Open the pull request]({page})",
        "tag `v10.2.2-2`")
    refusal.write_text("HTTP 502: Bad Gateway\n")
    calls = world.play()
    ok("another failure of gh is one", len(calls) == 1 and calls[0].startswith("failed: propose: Open or renew") and
       "HTTP 502" in calls[0], *calls)
    refusal.unlink()


def checked_out(world, command, *arguments):
    """A command of the program in a clone of the proposed branch."""
    clone = str(world.top / f"clone{command}")
    git(world.top, "clone", "-q", "-b", "update", str(world.remote), clone)
    run = subprocess.run([PROGRAM, command, *arguments], cwd=clone, env=world.environment(),
                         capture_output=True, text=True, check=False)
    return run.returncode, run.stdout


def test_renewed(world):
    """The request is still open, and upstream has moved on."""
    world.open_requests(1)
    world.debian("1:10.0.4+ds-1")
    main = git(world.remote, "rev-parse", "main")
    equal("an open request is renewed, not doubled", world.play(), [LIST, EDIT.format("10.2.2-2")])
    equal("... on the one branch", world.branches(), ["main", "update"])
    equal("... again one commit on main", git(world.remote, "rev-parse", "update^"), main)
    equal("... with what is newest now", world.locked(),
          {FEDORA: "2:10.2.2-2.fc44", DEBIAN: "1:10.0.4+ds-1"})
    has("... and says so", world.body(), f"| {DEBIAN} | debian | 1:10.0.2+ds-1 | 1:10.0.4+ds-1 |\n")


def test_refused(world):
    """A package that does not verify is not proposed."""
    before = git(world.remote, "rev-parse", "update")
    world.debian("1:10.0.5+ds-1")
    deb = next((world.top / f"archive{world.archives}/pool").glob("qemu-user_*"))
    data = bytearray(deb.read_bytes())
    data[len(data) // 2] ^= 1
    deb.write_bytes(data)
    calls = world.play()
    ok("an altered package ends the run", len(calls) == 1 and calls[0].startswith(
        "failed: lock: Ask upstream, and lock what is newer: exit"), *calls)
    equal("... and proposes nothing", (git(world.remote, "rev-parse", "update"),
                                       world.calls.read_text()), (before, ""))
    world.mirror = f"file:{world.top}/none"
    calls = world.play()
    ok("so does an upstream that cannot be asked", len(calls) == 1 and
       "error: upstream could not be asked" in calls[0], *calls)


def main():
    with tempfile.TemporaryDirectory(prefix="update-") as top, contextlib.ExitStack() as ends:
        world = World(top)
        ends.callback(world.finish)
        world.fedora("10.2.2", "1.fc44")
        world.debian("1:10.0.2+ds-1")
        server, url = fedora.serve(world.koji.root)
        ends.callback(server.shutdown)
        world.make_repository(url)
        for test in (test_first_lock, test_nothing_newer, test_newer, test_forbidden, test_renewed, test_refused):
            test(world)


main()
sys.exit(done())
