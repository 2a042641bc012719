#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
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
    ("jq", shutil.which("jq")),
    ("tests/node_modules", os.path.isdir(f"{SOURCE}/tests/node_modules/yaml")),
    *((f"register-{host}", os.path.exists(f"{BUILD}/register/register-{host}")) for host in HOSTS))
    if not there]
if missing:
    skip("release.yml", f"{', '.join(missing)} not here; ./check installs what it needs")
    sys.exit(done())

import deb_release
from github_double import Double
from part_attacks import evil_images, poison_tarball
from oci_registry import Registry
from workflow_player import Failed, Player

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


def player(double, registry, name, tag, event="push", variables=None, branch=None, private=False):
    """Of the tag, or where somebody has chosen a branch of that."""
    with open(os.path.join(ROOT, "release.line"), encoding="utf-8") as file:
        key = file.read()
    head = command("git", "rev-parse", "HEAD").strip()
    ref = f"refs/heads/{branch}" if branch else f"refs/tags/{tag}"
    payload = {"ref": ref, "repository": {"default_branch": "main", "private": private,
                                          "full_name": double.repository}}
    context = {"github": {"ref_name": branch or tag, "ref": ref, "ref_type": "branch" if branch else "tag",
                          "event_name": event, "token": double.token, "actor": "octocat",
                          "event": payload},
               "vars": variables, "secrets": {"DISTRIBUTOR_KEY": key}}
    with open(os.path.join(ROOT, f"{name}.event"), "w", encoding="utf-8") as file:
        json.dump(payload, file)
    runner = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": double.urls["web"],
              "GITHUB_API_URL": double.urls["api"], "GITHUB_REPOSITORY": double.repository,
              "GITHUB_SHA": head, "GITHUB_RUN_ID": "1", "GITHUB_RUN_ATTEMPT": "1",
              "GITHUB_REF": ref, "GITHUB_REF_NAME": context["github"]["ref_name"],
              "GITHUB_REF_TYPE": context["github"]["ref_type"], "GITHUB_EVENT_NAME": event,
              "GITHUB_EVENT_PATH": file.name, "GITHUB_ACTOR": "octocat",
              "GITHUB_WORKFLOW_REF": f"{double.repository}/.github/workflows/release.yml@{ref}",
              "PROGRAM_BUILD": BUILD, "XDG_CACHE_HOME": ENV["XDG_CACHE_HOME"],
              "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", "")}
    assert registry.host
    return Player(os.path.join(REPOSITORY, ".github/workflows/release.yml"),
                  os.path.join(ROOT, name), REMOTE, context, runner,
                  # The double has no limits.
                  rewrite=[("distributor publish", "distributor publish --pace 0")])


def fails(played, job, needs=()):
    """The text of a job that has to fail."""
    try:
        played.play_job(job, played.workflow["jobs"][job], needs)
    except Failed as error:
        return str(error)
    return "it did not fail"


def check_refusal(double, registry, tag):
    played = player(double, registry, "branch", tag, "workflow_dispatch", branch="main")
    text = fails(played, "plan")
    has("by hand from a branch is refused, and the way is told", text, "plan: Refuse what is not a tag: exit 1",
        "::error::'main' is not a tag.", "gh workflow run release --ref vX.Y.Z-R")
    equal("... before anything else", [step for _, step, _ in played.log], ["Refuse what is not a tag"])


def check_build_fails(double, registry, tag):
    """Each step that hands a value on fails by itself, and not the one that takes it."""
    for name, program, step in (
            ("a build", ("cmake", "echo 'no compiler' >&2; exit 1\n"), "plan: Build the program: exit 1"),
            ("a plan", ("git", "case $1 in rev-parse) exit 3 ;; esac\nexec " + shutil.which("git") + ' "$@"\n'),
             "plan: Plan: exit 3")):
        played = player(double, registry, f"fails-{program[0]}", tag)
        with open(os.path.join(played.shims, program[0]), "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{program[1]}")
        os.chmod(file.name, 0o755)
        has(f"{name} that fails fails its own step", fails(played, "plan"), step)


def check_outside(played, registry, double, tag):
    """Images that only those who are logged in can pull; and a repository where that is meant."""
    registry.auth = "basic"
    shutil.rmtree(os.path.join(played.scratch, "verify"))
    text = fails(played, "verify", ["plan", "publish"])
    has("images that strangers cannot pull make the last job red", text, "verify: Verify from outside: exit 1",
        f"::error::strangers cannot pull '{registry.host}/octo-org/qemu-user-static': make "
        "'octo-org/qemu-user-static' public")
    hidden = player(double, registry, "private", tag, private=True)
    hidden.artifacts, hidden.context["needs"] = played.artifacts, played.context["needs"]
    hidden.play_job("verify", hidden.workflow["jobs"]["verify"], ["plan", "publish"])
    has("of a private repository it says that strangers see nothing", hidden.log[-1][2],
        "::notice::This repository is private")
    registry.auth = None
    with open(os.path.join(ROOT, "ghcr.json"), "w", encoding="utf-8") as file:
        json.dump({"repository": {"images": ["ghcr.io/Octo-Org/a/b", "docker.io/octo/q"]}}, file)
    run = subprocess.run([os.path.join(SOURCE, ".ci/images"), "verify", tag], text=True, check=False,
                         capture_output=True, env={**ENV, "MATRIX": file.name, "DISTRIBUTOR": "false",
                                                   "GITHUB_SERVER_URL": "https://github.com"})
    has("what is not verified for another reason is not called private", run.stdout,
        "the image 'ghcr.io/Octo-Org/a/b:", "is not verified from outside (exit status 1)")
    with open(os.path.join(ROOT, "three"), "w", encoding="utf-8") as refusing:
        refusing.write("#!/bin/sh\nexit 3\n")
    os.chmod(refusing.name, 0o755)
    run = subprocess.run([os.path.join(SOURCE, ".ci/images"), "verify", tag], text=True, check=False,
                         capture_output=True, env={**ENV, "MATRIX": file.name, "DISTRIBUTOR": refusing.name,
                                                   "GITHUB_SERVER_URL": "https://github.com"})
    has("where the setting is, is told for each registry", run.stdout,
        "https://github.com/users/Octo-Org/packages/container/a%2Fb/settings",
        "https://hub.docker.com/repository/docker/octo/q/settings")
    equal("... and it is a failure", run.returncode, 1)
    run = subprocess.run([os.path.join(SOURCE, ".ci/images"), "verify", tag], text=True, check=False,
                         capture_output=True, env={**ENV, "MATRIX": f"{file.name}.gone", "DISTRIBUTOR": "true"})
    equal("a matrix that cannot be read is not one without images", (run.returncode != 0, run.stdout), (True, ""))


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
        equal("attested by the one action that is not played", played.passed_over,
              ["actions/attest"] * 2)
        with open(os.path.join(played.artifacts["checksums"], "images"), encoding="utf-8") as file:
            listed = [line.rstrip("\n").split("  ") for line in file]
        has("the page says how to ask GitHub for it", release["body"],
            f"gh attestation verify FILE --repo {double.repository}\n",
            f"gh attestation verify oci://{registry.host}/octo-org/qemu-user-static:{tag[1:]} --repo",
            f"gh release verify-asset {tag} FILE --repo {double.repository} ")
        equal("every index and image is attested, by its digest and once",
              sorted(f"sha256:{digest}" for digest, _ in listed), sorted(set(images.values())))
        ok("... under a name that the registry has it by", all(
            name.startswith(f"{registry.host}/octo-org/qemu-user-static:") and
            registry.tags[name.rpartition(":")[2]] == f"sha256:{digest}" for digest, name in listed), listed)
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
            "restored 4 signed files", "is already published and identical")
        equal("without a write", len([r for r in double.state()["requests"] if r["method"] != "GET"]),
              writes)
        check_outside(again, registry, double, tag)
        check_refusal(double, registry, tag)
        check_build_fails(double, registry, tag)
        check_parts(again)
        check_keys(double, registry, tag)
        double.stop()


try:
    main()
finally:
    shutil.rmtree(ROOT)
sys.exit(done())
