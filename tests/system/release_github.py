#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`distributor release` as a maintainer uses it: from a Debian archive that is signed here, to a
double of GitHub and a real registry; then riscv64 is added to the matrix by one line and released,
and both releases are made again from their tags. Prints TAP."""
import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import apt
import tap
from deb_release import make_elf
from github_double import Double
from registry_lib import DockerRegistry
from release_lib import (IDENTITY, MACHINE, PROGRAM, environment, sha256, tool,
                         tree)

WORK = tempfile.mkdtemp(prefix="release-github-")
PATH = "octo-org/qemu-user-static"
STEPS = ["lock", "fetch", "tarballs", "images", "sign", "tag", "draft", "push", "publish",
         "latest", "read back"]
MISSING = [t for t in [*apt.TOOLS, "node", "git", "curl"] if not shutil.which(t)]
if not DockerRegistry.available():
    MISSING.append("docker-registry")
if MISSING:
    tap.skip("release to GitHub", f"{', '.join(MISSING)} not installed; ./check does that")
    tap.done()

MATRIX = """{
  "name": "qemu-user-static",
  "version": "10.0.2-1",
  "repository": {"github": "%s", "images": ["%s"]},
  "sources": {
    "trixie": {"type": "apt", "suite": "trixie", "keyring": "archive.gpg", "keys": ["%s"]}
  },
  "hosts": {
    "x86_64": {"source": "trixie", "legacy_names": true},
    "aarch64": {"source": "trixie"}
  },
  "targets": "all"
}
"""


class Maintainer:
    """A repository with a matrix and keys, its remote, GitHub and a registry."""

    def __init__(self):
        top = pathlib.Path(WORK)
        keys = apt.Keys(top)
        archs = ("amd64", "arm64", "riscv64")
        archive = apt.Archive(top, "archive", keys, archs=archs)
        for arch in archs:
            apt.new_style(archive, arch)
        archive.publish()
        self.mirror = archive.url
        self.root, self.home, self.remote = (f"{WORK}/{n}" for n in ("own", "home", "remote.git"))
        for folder in (self.root, self.home, f"{WORK}/registrars"):
            os.makedirs(folder)
        for host, machine in MACHINE.items():
            with open(f"{WORK}/registrars/register-{host}", "wb") as f:
                f.write(make_elf(machine, 9000, 7))
            os.chmod(f.name, 0o755)
        self.registry = DockerRegistry(f"{WORK}/registry")
        self.registry.start()
        self.double = None
        shutil.copy(f"{WORK}/archive.gpg", self.root)
        self.write("matrix.json", MATRIX % (PATH, f"{self.registry.host}/{PATH}",
                                            keys.fingerprints["archive"]))
        self.write(".gitignore", "/out/\n/again/\n")
        self.run("keygen", "--no-passphrase", "--principal", "release@example.org",
                 f"{self.home}/release.pem")
        self.git("init", "-q", "-b", "main", ".")
        tool("git", "init", "-q", "--bare", "-b", "main", self.remote)
        self.git("remote", "add", "origin", self.remote)
        self.double = Double("--git", self.remote, "--repository", PATH)

    def stop(self):
        self.double.stop()
        self.registry.stop()

    def read(self, name):
        with open(f"{self.root}/{name}") as f:
            return f.read()

    def write(self, name, text):
        with open(f"{self.root}/{name}", "w") as f:
            f.write(text)

    def git(self, *command):
        return tool("git", *command, cwd=self.root, env=environment(self.home, **IDENTITY)).stdout

    def push(self, message):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "origin", "main")

    def run(self, command, *arguments, cwd=None, env=None, status=0):
        takes_cache = command in ("lock", "fetch", "tarballs", "release", "reproduce")
        cache = ["--cache", f"{WORK}/cache"] if takes_cache else []
        matrix = [] if command in ("keygen", "verify") else ["--matrix", "matrix.json"]
        more = {"DISTRIBUTOR_APT_MIRROR": self.mirror}
        if self.double is not None:
            more.update(self.double.environment(), GITHUB_SERVER_URL=self.double.urls["web"])
        done = tool(PROGRAM, command, *matrix, *cache, *arguments, cwd=cwd or self.root, check=False,
                    stdin=subprocess.DEVNULL, env=environment(self.home, **{**more, **(env or {})}))
        if status is not None and done.returncode != status:
            raise AssertionError(f"{command} {arguments}: exit {done.returncode}, not {status}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def release(self, *arguments, **options):
        return self.run("release", "--key", f"{self.home}/release.pem", "--pace", "0",
                        "--registrars", f"{WORK}/registrars", *arguments, **options)

    def writes(self):
        return [r for r in self.double.state()["requests"] if r["method"] != "GET"]

    def page(self, tag):
        """The assets of the published release of a tag, and its text."""
        release = next(r for r in self.double.state()["releases"]
                       if r["tag_name"] == tag and not r["draft"])
        return {a["name"]: a["sha256"] for a in release["assets"]}, release["body"]

    def hosts_of(self, image):
        return sorted(m["platform"]["architecture"]
                      for m in self.registry.manifest(PATH, image)["manifests"])


def states(done):
    document = json.loads(done.stdout)
    return {s["step"]: (s["state"], s["detail"]) for s in document["steps"]}, document


def test_dry_run(m):
    """Before anything is anywhere, it goes as far as GitHub and the registry and writes nothing."""
    m.run("lock")
    m.push("A release")
    done = m.release("--dry-run")
    tap.ok("dry run: what would be pushed is counted and not listed", "tags to push" in done.stdout and
           "sha256:" not in done.stdout, done.stdout)
    found, document = states(m.release("--dry-run", "--json"))
    tap.equal("dry run: every step is reached", [s for s in found if found[s][0] == "not-reached"], [])
    tap.equal("dry run: the tag would be made and pushed", found["tag"],
              ("would-do", "v10.0.2-1 would be created and pushed"))
    tap.has("dry run: the files are compared with GitHub", found["draft"][1], "files to upload")
    tap.equal("dry run: and would be published", found["publish"], ("would-do", "would be published"))
    tap.has("dry run: tags are compared with the registry", found["push"][1], "tags to push")
    tap.equal("dry run: none of it is called done", {s for s in found if found[s][0] == "would-do"},
              {"tag", "draft", "push", "publish", "latest"})
    tap.ok("dry run: it is not complete", document["dry_run"] and not document["complete"])
    tap.equal("dry run: nothing is written to GitHub", m.writes(), [])
    tap.equal("dry run: nor to the registry", m.registry.tags(PATH), {})
    tap.equal("dry run: nor to a repository", (m.git("tag"), m.git("ls-remote", "--tags", "origin")),
              ("", ""))
    m.write("template.md", "{{flavour}}\n")
    done = m.release("--dry-run", "--template", "template.md", status=3)
    tap.has("dry run: a mistake in the text is found", done.stderr, "error: draft: ",
            "unknown placeholder '{{flavour}}'")
    os.unlink(f"{m.root}/template.md")
    done = m.release("--dry-run", env={"GITHUB_TOKEN": "ghs_wrong_token_value"}, status=3)
    tap.has("dry run: and so is a token that is no good", done.stderr,
            "draft:", "GITHUB_TOKEN is missing, wrong or has expired")


def test_release(m):
    done = m.release("-v", env={"GITHUB_STEP_SUMMARY": f"{WORK}/summary.md"})
    url = f"{m.double.urls['web']}/{PATH}/releases/tag/v10.0.2-1"
    tap.has("released", done.stdout, *STEPS, f"v10.0.2-1 is released: {url}")
    tap.has("read back from outside", done.stdout, "releases/download/v10.0.2-1 was downloaded again and verified")
    state = m.double.state()
    if state["judge"] is None:
        tap.skip("every request and answer followed GitHub's description", "no DISTRIBUTOR_TEST_DATA")
    else:
        tap.equal("every request and answer followed GitHub's description", state["violations"], [])
    tap.equal("created, then published, then the latest",
              [e for e in state["events"] if not e.startswith(("upload", "update"))],
              ["create v10.0.2-1", "publish v10.0.2-1", "latest v10.0.2-1 true"])
    out = {n: sha256(f"{m.root}/out/assets/{n}") for n in os.listdir(f"{m.root}/out/assets")}
    tap.equal("the files are those of OUT", m.page("v10.0.2-1")[0], out)
    tap.equal("... and were there when it was published", sorted(
        line.split()[0] for line in state["releases"][0]["at_publication"]), sorted(out))
    tap.equal("the tag is at the remote", m.git("ls-remote", "origin", "refs/tags/v10.0.2-1").split()[0],
              m.git("rev-parse", "refs/tags/v10.0.2-1").strip())
    tap.equal("images are there for both hosts", m.hosts_of("latest"), ["amd64", "arm64"])
    with open(f"{WORK}/summary.md") as f:
        summary = f.read()
    tap.has("the summary of the workflow run has the address", summary,
            "## qemu-user-static v10.0.2-1", f"Released: {url}")
    seen = [n for n, text in [("output", done.stdout + done.stderr), ("summary", summary)]
            if m.double.token in text]
    for folder in (m.root, m.remote, m.home, f"{WORK}/cache"):
        for name in tree(folder):
            path = os.path.join(folder, name)
            if not os.path.islink(path) and m.double.token.encode() in pathlib.Path(path).read_bytes():
                seen.append(name)
    tap.equal("the token is nowhere", seen, [])
    before = len(m.writes())
    found, document = states(m.release("--json", "--quiet"))
    tap.ok("again: complete, nothing changed", document["complete"] and not document["changed"],
           document)
    tap.equal("... and nothing was written", len(m.writes()), before)


def test_one_line(m):
    """docs/maintainers.md, "Add a host", as it stands there."""
    old_matrix, old_lock = m.read("matrix.json"), m.read("matrix.lock.json")
    old_assets, _ = m.page("v10.0.2-1")
    m.write("matrix.json", old_matrix.replace(
        '  "hosts": {\n', '  "hosts": {\n    "riscv64": {"source": "trixie"},\n'))
    tap.has("plan --diff shows the host", m.run("plan", "--diff").stdout,
            "host added: riscv64 from trixie")
    m.write("matrix.json", m.read("matrix.json").replace("10.0.2-1", "10.0.2-2"))
    m.run("lock")
    lines = list(difflib.ndiff(old_matrix.splitlines(), m.read("matrix.json").splitlines()))
    tap.equal("the matrix has one line more, and another version",
              [line for line in lines if line[0] in "+-"],
              ['-   "version": "10.0.2-1",', '+   "version": "10.0.2-2",',
               '+     "riscv64": {"source": "trixie"},'])
    removed = [line[2:].strip() for line in difflib.ndiff(
        old_lock.splitlines(), m.read("matrix.lock.json").splitlines()) if line.startswith("- ")]
    tap.ok("the lock gains a package and loses nothing", len(removed) <= 2 and all(
        line.startswith(('"version": "10.0.2-1"', '"serial": 1')) for line in removed), removed)
    done = m.release(status=3)
    tap.has("what is not committed is not released", done.stderr, "differs from the committed version")
    m.push("riscv64")
    done = m.release()
    tap.has("it is released", done.stdout, "v10.0.2-2 is released: ")
    assets, text = m.page("v10.0.2-2")
    new = {"riscv64_qemu-arm-static.tar.gz", "riscv64_qemu-x86_64-static.tar.gz"}
    tap.equal("with the tarballs of the new host",
              {n for n in assets if n.endswith(".tar.gz")} - set(old_assets), new)
    tap.equal("the other hosts' tarballs are the same bytes",
              {n: d for n, d in assets.items() if n.endswith(("-static", ".tar.gz")) and n not in new},
              {n: d for n, d in old_assets.items() if n.endswith(("-static", ".tar.gz"))})
    folder = f"{WORK}/unpacked"
    os.makedirs(folder)
    tool("tar", "-xzf", f"{m.root}/out/assets/riscv64_qemu-arm-static.tar.gz", "-C", folder)
    with open(f"{folder}/qemu-arm-static", "rb") as f:
        tap.equal("what is in them runs on riscv64", int.from_bytes(f.read(20)[18:], "little"), 243)
    tap.equal("its images are in every index", (m.hosts_of("latest"), m.hosts_of("arm"), m.hosts_of(
        "register"), m.hosts_of("x86_64-10.0.2-2")),
        (["amd64", "arm64", "riscv64"], ["amd64", "arm64", "riscv64"], ["amd64", "arm64", "riscv64"],
         ["arm64", "riscv64"]))
    tap.ok("and under their own names", {"riscv64-arm", "riscv64-x86_64-10.0.2-2"} <=
           set(m.registry.tags(PATH)), sorted(m.registry.tags(PATH)))
    tap.equal("the version before stays as it was", m.hosts_of("10.0.2-1"), ["amd64", "arm64"])
    tap.has("the page says what is new", text, "Since v10.0.2-1:\n\n- riscv64: new host, QEMU 10.0.2 "
            "from trixie\n\n", "| riscv64 | 10.0.2 | qemu-user 1:10.0.2+ds-1 | trixie | 2 |")
    tap.equal("it is the latest", m.double.state()["latest"], "v10.0.2-2")


def test_reproduce(m):
    """From a clone, by nothing but the name of the tag; the files come from the release page."""
    clone = f"{WORK}/clone"
    tool("git", "clone", "-q", m.remote, clone, env=environment(m.home, **IDENTITY))
    with open(f"{clone}/matrix.lock.json", "w") as f:
        f.write("not the lock of any tag\n")
    for tag, host in (("v10.0.2-2", True), ("v10.0.2-1", False)):
        done = m.run("reproduce", "--registrars", f"{WORK}/registrars", tag, "--json", cwd=clone)
        document = json.loads(done.stdout)
        names = {r["name"] for r in document["files"]}
        tap.ok(f"{tag} is made again from its commit", document["reproduced"] and
               document["tag"] == tag and ("riscv64_qemu-arm-static.tar.gz" in names) == host and
               ("image riscv64-arm" in names) == host, document)


def test_back(m):
    """docs/maintainers.md, "Move `latest` back"."""
    assets, _ = m.page("v10.0.2-1")
    images = m.registry.tags(PATH)
    m.git("switch", "-q", "--detach", "v10.0.2-1")
    os.makedirs(f"{m.root}/out/old/assets")
    for name in assets:
        tool("curl", "-fsSL", "-o", f"{m.root}/out/old/assets/{name}",
             f"{m.double.urls['web']}/{PATH}/releases/download/v10.0.2-1/{name}")
    done = m.run("publish", "--latest", "yes", "--pace", "0", "--out", "out/old")
    tap.has("the release before is made the latest", done.stdout, "already published and identical",
            "It is the latest release")
    tap.equal("... for GitHub too", m.double.state()["latest"], "v10.0.2-1")
    for command in (["fetch"], ["tarballs", "--out", "again"],
                    ["images", "--out", "again", "--registrars", f"{WORK}/registrars"],
                    ["push", "--unsigned", "--out", "again"]):
        m.run(*command)
    tap.equal("its images are made again and are what 'latest' leads to", m.hosts_of("latest"),
              ["amd64", "arm64"])
    fixed = lambda tags: {n: d for n, d in tags.items() if "10.0.2" in n}
    tap.equal("tags of versions stay as they were", fixed(m.registry.tags(PATH)), fixed(images))
    m.write("matrix.lock.json", m.read("matrix.lock.json") + "\n")  # no commit has it now
    m.run("images", "--from-release", "out/old/assets", "--out", "out/third", "--registrars",
          f"{WORK}/registrars")
    tap.equal("from the published tarballs they are the same, with the commit that the release names",
              tree(f"{m.root}/out/third/images"), tree(f"{m.root}/again/images"))
    m.git("checkout", "-q", "matrix.lock.json")
    m.git("switch", "-q", "main")


def test_options(m):
    """Each step alone: silent with --quiet, one document with --json."""
    key, images = f"{m.home}/release.pem", ["--registrars", f"{WORK}/registrars"]
    commands = [["lock"], ["fetch"], ["tarballs"], ["images", *images], ["sign", "--key", key],
                ["tag", "--key", key, "--push"], ["tag", "--verify"], ["push"],
                ["publish", "--pace", "0"], ["publish", "--adopt"],
                ["reproduce", "v10.0.2-2", *images]]
    before = {n: tree(f"{m.root}/out/{n}") for n in ("assets", "images")}
    for command in commands:
        name = " ".join(w for w in command if "/" not in w and w not in ("--registrars", "--key"))
        done = m.run(*command, "--quiet")
        tap.equal(f"{name} --quiet says nothing", done.stdout + done.stderr, "")
        done = m.run(*command, "--json", "--quiet")
        try:
            tap.ok(f"{name} --json is a document", isinstance(json.loads(done.stdout), (dict, list)))
        except json.JSONDecodeError:
            tap.ok(f"{name} --json is a document", False, done.stdout)
    tap.equal("step by step it is the same release",
              {n: tree(f"{m.root}/out/{n}") for n in ("assets", "images")}, before)
    for command in ("plan", "lock", "fetch", "tarballs", "images", "assemble", "sign", "tag", "push",
                    "publish", "test", "verify", "reproduce", "release", "keygen", "key"):
        text = tool(PROGRAM, command, "--help").stdout
        tap.ok(f"{command} --help teaches by example", text.startswith("usage: ") and
               re.search(rf"\nExamples:\n(  .*\n)*  .*distributor {command} ?.*\n", text) and
               max(map(len, text.splitlines())) <= 80, text)


MAINTAINER = Maintainer()
try:
    test_dry_run(MAINTAINER)
    test_release(MAINTAINER)
    test_one_line(MAINTAINER)
    test_reproduce(MAINTAINER)
    test_options(MAINTAINER)
    test_back(MAINTAINER)
finally:
    MAINTAINER.stop()
shutil.rmtree(WORK)
tap.done()
