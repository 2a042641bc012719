#!/usr/bin/env python3
"""Plays release.yml: a pushed tag becomes a release on a double of GitHub and a registry. Compared
with a release made on one machine."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

from tap import done, equal, has, ok, skip

SOURCE, BUILD = os.environ["SOURCE_DIR"], os.environ["BUILD_DIR"]
PROGRAM = os.environ["DISTRIBUTOR"]
HOSTS = {"x86_64": ("amd64", 62), "aarch64": ("arm64", 183)}
missing = [what for what, there in (
    ("node", shutil.which("node")), ("dpkg-deb", shutil.which("dpkg-deb")),
    ("tests/node/node_modules", os.path.isdir(f"{SOURCE}/tests/node/node_modules/yaml")),
    *((f"register-{host}", os.path.exists(f"{BUILD}/register/register-{host}")) for host in HOSTS))
    if not there]
if missing:
    skip("release.yml", f"{', '.join(missing)} not here; ./check installs what it needs")
    sys.exit(done())

sys.path.insert(0, os.path.join(SOURCE, "tests", "servers"))
import deb_release  # noqa: E402
from github_double import Double  # noqa: E402
from part_attacks import evil_images, poison_tarball  # noqa: E402
from oci_registry import Registry  # noqa: E402
from workflow_player import Failed, Player  # noqa: E402

ROOT = tempfile.mkdtemp(prefix="workflow-")
REPOSITORY = os.path.join(ROOT, "repository")
REMOTE = os.path.join(ROOT, "remote.git")
ENV = {**os.environ, "HOME": ROOT, "XDG_CACHE_HOME": os.path.join(ROOT, "cache")}
GIT = ["git", "-c", "user.name=Release Bot", "-c", "user.email=release@example.org"]


def command(*arguments, cwd=REPOSITORY, env=None):
    run = subprocess.run(arguments, cwd=cwd, env={**ENV, **(env or {})}, text=True,
                         capture_output=True, timeout=300)
    if run.returncode != 0:
        raise AssertionError(f"{arguments}: exit {run.returncode}\n{run.stdout}{run.stderr}")
    return run.stdout


def make_repository(registry, extra_hosts=()):
    """The files of this project that the jobs use, with a matrix of two small packages."""
    hosts = dict(HOSTS, **dict(extra_hosts))
    debs = {}
    for host, (debian, machine) in hosts.items():
        programs = {target: deb_release.make_elf(machine, 40000, f"{host} {target}")
                    for target in ("aarch64", "s390x")}
        debs[host] = deb_release.make_deb(os.path.join(ROOT, f"qemu_{debian}.deb"), debian, programs)
    matrix, lock = deb_release.write(os.path.join(ROOT, "fixture"), debs)
    matrix["repository"] = {"github": "octo-org/qemu-user-static",
                            "images": [f"{registry.host}/octo-org/qemu-user-static"]}
    os.makedirs(ENV["XDG_CACHE_HOME"], exist_ok=True)
    os.rename(os.path.join(ROOT, "fixture", "cache"), os.path.join(ENV["XDG_CACHE_HOME"], "distributor"))
    os.makedirs(os.path.join(REPOSITORY, "matrix"))
    for name, document in (("", matrix), (".lock", lock)):
        with open(os.path.join(REPOSITORY, "matrix", f"qemu-user-static{name}.json"), "w",
                  encoding="utf-8") as file:
            json.dump(document, file, indent=2)
    for name in (".ci", "cmake", ".github"):
        shutil.copytree(os.path.join(SOURCE, name), os.path.join(REPOSITORY, name))
    shutil.copy(os.path.join(SOURCE, ".gitignore"), REPOSITORY)
    command("git", "init", "-q", "-b", "main", ".")
    command("git", "init", "-q", "--bare", "-b", "main", REMOTE)
    command(PROGRAM, "keygen", "--no-passphrase", "--principal", "release@example.org",
            os.path.join(ROOT, "release.pem"))
    command(PROGRAM, "key", "--key", os.path.join(ROOT, "release.pem"), "--to", "secret-line",
            "--output", os.path.join(ROOT, "release.line"))
    command(PROGRAM, "keygen", "--root", "--no-passphrase", "--principal", "root@example.org",
            os.path.join(ROOT, "root.pem"))
    command(PROGRAM, "key", "--endorse", "--key", os.path.join(ROOT, "root.pem"))
    command(*GIT, "add", "-A")
    command(*GIT, "commit", "-q", "-m", "A release")
    command("git", "push", "-q", REMOTE, "main")
    return "v" + matrix["version"]


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def one_machine():
    """The same release without a workflow; returns digests of its assets and its images' tags."""
    out = os.path.join(ROOT, "one")
    command(PROGRAM, "release", "--target", "directory", "--key",
            os.path.join(ROOT, "release.pem"), "--out", out)
    assets = {name: sha256(os.path.join(out, "assets", name))
              for name in os.listdir(os.path.join(out, "assets"))}
    with open(os.path.join(out, "images", "index.json"), encoding="utf-8") as file:
        index = json.load(file)
    return assets, {m["annotations"]["org.opencontainers.image.ref.name"]: m["digest"]
                    for m in index["manifests"] if "annotations" in m}


def player(double, registry, name, tag, event="push", variables=None):
    with open(os.path.join(ROOT, "release.line"), encoding="utf-8") as file:
        key = file.read()
    head = command("git", "rev-parse", "HEAD").strip()
    context = {"github": {"ref_name": tag if event == "push" else "main", "token": double.token,
                          "actor": "octocat",
                          "event": {"repository": {"default_branch": "main"}}},
               "inputs": {} if event == "push" else {"tag": tag}, "vars": variables,
               "secrets": {"DISTRIBUTOR_KEY": key}}
    runner = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": double.urls["web"],
              "GITHUB_API_URL": double.urls["api"], "GITHUB_REPOSITORY": double.repository,
              "GITHUB_SHA": head, "GITHUB_RUN_ID": "1", "GITHUB_RUN_ATTEMPT": "1",
              "GITHUB_REF_NAME": context["github"]["ref_name"],
              "GITHUB_REF_TYPE": "tag" if event == "push" else "branch",
              "GITHUB_WORKFLOW_REF": f"{double.repository}/.github/workflows/release.yml@refs/tags/{tag}",
              "PROGRAM_BUILD": BUILD, "XDG_CACHE_HOME": ENV["XDG_CACHE_HOME"],
              "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", "")}
    assert registry.host
    return Player(os.path.join(REPOSITORY, ".github/workflows/release.yml"),
                  os.path.join(ROOT, name), REMOTE, context, runner,
                  # The double has no limits.
                  rewrite=[("distributor publish", "distributor publish --pace 0")])


def check_parts(played):
    """A job that makes a part is not believed: its part is refused before the key is read."""
    kept = os.path.join(played.artifacts["part-aarch64"], "part-aarch64.tar")
    os.rename(kept, f"{kept}.good")
    for name, attack, *texts in (
            ("a part with another program", lambda p: poison_tarball(p, target="s390x"),
             "sha256 of the program in", "aarch64_qemu-s390x-static.tar.gz"),
            ("a part with other images", evil_images, "in the part 'parts/part-aarch64/' does not match")):
        part = tempfile.mkdtemp(dir=ROOT)
        command("tar", "-xf", f"{kept}.good", "-C", part)
        attack(part)
        command("tar", "-cf", kept, "-C", part, ".")
        shutil.rmtree(os.path.join(played.scratch, "publish"))
        played.log.clear()
        try:
            played.play_job("publish", played.workflow["jobs"]["publish"], ["plan", "build"])
            text = "it was published"
        except Failed as error:
            text = str(error)
        has(f"{name} is refused", text, "publish: Join the parts: exit 4", *texts)
        os.unlink(kept)
    os.rename(f"{kept}.good", kept)


def check_keys(double, registry, tag):
    """The tag stays, main gets another key: only the root key can vouch for the tag's keys then."""
    with open(os.path.join(REPOSITORY, "keys", "root_signers"), encoding="utf-8") as file:
        line = file.read().split()
    with open(os.path.join(ROOT, "root.pub"), "w", encoding="utf-8") as file:
        file.write(" ".join(line[-2:]))
    fingerprint = command("ssh-keygen", "-lf", os.path.join(ROOT, "root.pub")).split()[1]
    command(PROGRAM, "keygen", "--no-passphrase", "--principal", "other@example.org",
            os.path.join(ROOT, "other.pem"))
    command(*GIT, "add", "-A")
    command(*GIT, "commit", "-q", "-m", "Another key")
    command("git", "push", "-q", REMOTE, "main")
    for name, variables, passes, *texts in (
            ("keys that are not the default branch's are refused", None, False,
             "-other@example.org", "keys/ of this tag differs from keys/ of main"),
            ("the root key of the variable vouches for them", {"ROOT_KEY": fingerprint}, True,
             "-other@example.org", f"the root key {fingerprint} must have signed it"),
            ("another root key does not", {"ROOT_KEY": "SHA256:" + "A" * 43}, False, "SHA256:" + "A" * 43)):
        played = player(double, registry, f"keys-{passes}-{len(texts)}", tag, "workflow_dispatch", variables)
        try:
            played.play_job("plan", played.workflow["jobs"]["plan"], [])
            ended, text = True, "".join(text for _, _, text in played.log)
        except Failed as error:
            ended, text = False, str(error)
        ok(name, ended == passes, text)
        has(f"{name}: it says what differs", text, *texts)


def main():
    with Registry() as registry:
        tag = make_repository(registry)
        command(PROGRAM, "tag", "--key", os.path.join(ROOT, "release.pem"), "--push", "--remote", REMOTE)
        double = Double("--git", REMOTE)
        played = player(double, registry, "first", tag)
        try:
            played.play()
            ok("a pushed tag is released by the workflow", True)
        except Failed as error:
            ok("a pushed tag is released by the workflow", False, str(error))
            return
        state = double.state()
        release = state["releases"][0]
        assets, images = one_machine()
        # The run is named in the provenance, which SHA256SUMS lists.
        own = {name for name in assets if "provenance" in name or name.startswith("SHA256SUMS")}
        there = {a["name"]: a["sha256"] for a in release["assets"]}
        equal("the same files as on one machine", sorted(there), sorted(assets))
        equal("with the same bytes, but for what names the run",
              {n: d for n, d in there.items() if n not in own},
              {n: d for n, d in assets.items() if n not in own})
        equal("the same images and indexes", {n: registry.tags.get(n) for n in images}, images)
        order = [e for e in state["events"] if not e.startswith(("upload", "update"))]
        equal("published once, after the last upload, and then the latest", order,
              [f"create {tag}", f"publish {tag}", f"latest {tag} true"])
        ok("requests and answers followed GitHub's description", not state["violations"],
           *state["violations"])
        equal("attested by the one action that is not played", played.passed_over, ["actions/attest"])
        jobs = [job for job, _, _ in played.log]
        equal("one job for each host", jobs.count("build"),
              len(HOSTS) * sum("run" in s for s in played.workflow["jobs"]["build"]["steps"]))
        text = "".join(text for _, _, text in played.log)
        with open(os.path.join(ROOT, "release.line"), encoding="utf-8") as file:
            key = file.read().strip()
        ok("neither key nor token is in the log", key not in text and double.token not in text)
        has("verified from outside, in the end", played.log[-1][2], "signature", tag)

        writes = len([r for r in state["requests"] if r["method"] != "GET"])
        registry.requests.clear()
        again = player(double, registry, "again", tag, event="workflow_dispatch")
        try:
            again.play()
            ok("the same again, by hand and from nothing", True)
        except Failed as error:
            ok("the same again, by hand and from nothing", False, str(error))
        has("finds it published and identical", "".join(text for _, _, text in again.log),
            "brought back 4 signed files", "is published already, and identical")
        equal("without a write", len([r for r in double.state()["requests"] if r["method"] != "GET"]),
              writes)
        check_parts(again)
        check_keys(double, registry, tag)
        double.stop()


try:
    main()
finally:
    shutil.rmtree(ROOT)
sys.exit(done())
