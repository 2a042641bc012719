#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`distributor release --target directory`: every step in order, twice; what it makes is verified
with the tools of others; what it refuses, and what it says then. Prints TAP."""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tap
from release_lib import IDENTITY, PROGRAM, Tree, environment, sha256, tool, tree

BUILD = os.environ.get("BUILD_DIR", "build/debug")
WORK = tempfile.mkdtemp(prefix="release-")
STEPS = ["lock", "fetch", "tarballs", "images", "sign", "tag", "draft", "push", "publish",
         "latest", "read back"]


def states(done):
    """The states of the steps, from --json."""
    document = json.loads(done.stdout)
    return {s["step"]: s["state"] for s in document["steps"]}, document


def stamps(root):
    """When every file was last written. git touches objects that it needs again, and images are
    put together anew, compared, and then the old ones stay."""
    return {os.path.join(f, n): os.lstat(os.path.join(f, n)).st_mtime_ns
            for f, _, names in os.walk(root) for n in names if not n.endswith(".lock") and
            "/objects/" not in f and "/images" not in f}


def changes(before, after):
    """What differs between two dictionaries, for a message."""
    return {k: (before.get(k), after.get(k)) for k in before.keys() | after.keys()
            if before.get(k) != after.get(k)}


def fails(name, done, status, *parts):
    tap.ok(name, done.returncode == status and all(p in done.stderr for p in parts),
           f"exit {done.returncode}\n{done.stdout}{done.stderr}", f"wanted {status} {parts}")


def from_outside(t, out, keys, repository):
    """Nothing of this program is used here, but for one look with `verify`."""
    page = t.path(out, "releases", t.tag)
    done = tool("sha256sum", "--quiet", "-c", "SHA256SUMS", cwd=page, check=False)
    tap.ok("sha256sum accepts SHA256SUMS", done.returncode == 0, done.stdout + done.stderr)
    listed = {line.split()[1] for line in open(f"{page}/SHA256SUMS")}
    tap.equal("it lists everything but itself and its signatures",
              set(os.listdir(page)) - listed, {"SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.minisig"})
    who = open(t.path(keys, "allowed_signers")).read().split()[0]
    with open(f"{page}/SHA256SUMS") as sums:
        done = tool("ssh-keygen", "-Y", "verify", "-f", t.path(keys, "allowed_signers"), "-I", who,
                    "-n", "file", "-s", f"{page}/SHA256SUMS.sig", stdin=sums, check=False)
    tap.ok("ssh-keygen accepts the signature", "Good" in done.stdout, done.stdout + done.stderr)
    done = tool("git", "-c", f"gpg.ssh.allowedSignersFile={t.path(keys, 'allowed_signers')}",
                "verify-tag", t.tag, cwd=repository, env=environment(t.home, **IDENTITY),
                check=False)
    tap.ok("git verify-tag accepts the tag", done.returncode == 0 and "Good" in done.stderr,
           done.stdout + done.stderr)
    text = tool("git", "cat-file", "tag", t.tag, cwd=repository).stdout
    tap.has("the tag names the digest of SHA256SUMS", text, sha256(f"{page}/SHA256SUMS"))
    done = tool("git", "fsck", "--strict", cwd=repository, check=False)
    tap.ok("git fsck has no complaint", done.returncode == 0, done.stderr)
    done = t.run("verify", "--keys", keys, "--tag", t.tag, "--repo", repository, page)
    tap.ok("distributor verify accepts it", done.returncode == 0, done.stdout + done.stderr)
    if not shutil.which("skopeo"):
        tap.skip("skopeo reads the images", "skopeo is not installed")
        return
    done = tool("skopeo", "inspect", "--raw", f"oci:{t.path(out, 'images')}:latest", check=False)
    platforms = [m["platform"]["architecture"] for m in json.loads(done.stdout)["manifests"]]
    tap.equal("skopeo finds both hosts under latest", sorted(platforms), ["amd64", "arm64"])


def advice_works(name, t, text):
    """The commands are taken as they are printed, by a shell that has the program in no PATH."""
    commands = re.findall(r"^  (.*)$", text.split("Verify it:")[1], re.M)
    shown = tool("sh", "-e", "-c", "\n".join(commands), cwd=t.root, env=environment(t.home), check=False)
    tap.ok(name, shown.returncode == 0 and len(commands) == 3, *commands, shown.stdout + shown.stderr)


def read(t, *parts):
    with open(t.path(*parts)) as f:
        return f.read()


def named_otherwise(t, name, *arguments, keys="keys"):
    """The same files by other paths give the same release: there is nothing to do."""
    whole = lambda *parts: t.path(*parts)
    os.makedirs(whole("other", "deep"), exist_ok=True)
    for how, place, matrix, at in [
            ("./", "", "./matrix.json", ""), ("an absolute path", "", whole("matrix.json"), ""),
            ("a detour", "", "keys/../matrix.json", ""), ("a path from elsewhere", "other/deep", "../../matrix.json", "../../"),
            ("an absolute path from elsewhere", "/", whole("matrix.json"), t.root + "/")]:
        done = tool(PROGRAM, "release", "--matrix", matrix, "--cache", f"{at}cache", "--out", f"{at}out", "--keys",
                    f"{at}{keys}", "--registrars", f"{at}registrars",
                    *(a.replace("@", at) for a in arguments), check=False,
                    cwd=whole(place), env=environment(t.home, **IDENTITY))
        tap.ok(f"{name}: {how} names the same files", done.returncode == 0 and
               "there was nothing to do" in done.stdout, done.stdout + done.stderr)


def test_failing_steps():
    """A step that fails ends the run there, whatever the next one would make of it."""
    t = Tree(f"{WORK}/failing", hosts=("x86_64",), targets=["aarch64", "arm"], size=20000,
             edit=lambda matrix, lock: matrix["repository"].update(images=["localhost:5000/a/qemu"]))
    t.keygen()
    t.commit()
    places = [t.debs["x86_64"], t.path("cache", "sha256", sha256(t.debs["x86_64"]))]
    for place in places:
        os.rename(place, f"{place}.away")
    done = t.release("--target", "directory", "--key", "home/release.pem", "--offline", "--json")
    found, document = states(done)
    tap.equal("a package that cannot be had: the step that fails is 'fetch'",
              (done.returncode != 0, found["fetch"], found["tarballs"]), (True, "failed", "not-reached"))
    for place in places:
        os.rename(f"{place}.away", place)
    shared = ("--matrix", "matrix.json", "--keys", "keys")
    for command in (("tarballs", "--cache", "cache"), ("images", "--registrars", "registrars")):
        t.run(*command, "--matrix", "matrix.json", status=0)
    blobs = t.path("out/images/blobs/sha256")
    before = set(os.listdir(blobs))
    shutil.copytree(t.path("out"), t.path("alone"))
    t.run("sign", *shared, "--key", "home/release.pem", status=0)
    made = sorted(set(os.listdir(blobs)) - before)
    went_on = []
    for name in made:
        shutil.rmtree(t.path("other"), ignore_errors=True)
        shutil.copytree(t.path("alone"), t.path("other"))
        os.makedirs(t.path("other/images/blobs/sha256", name, "in the way"))
        done = t.run("sign", *shared, "--key", "home/release.pem", "--out", "other")
        if done.returncode != 1 or name not in done.stderr:
            went_on.append((name, done.returncode, done.stderr))
    tap.ok("no signature of an image is left out: each file that cannot be written is an error",
           len(made) > 10 and not went_on, len(made), *went_on)


def test_throw_away():
    """What quickstart does: nobody has provided a key or a repository."""
    t = Tree(f"{WORK}/trial")
    done = t.release("--target", "directory")
    tap.ok("a release without key and repository succeeds", done.returncode == 0,
           done.stdout + done.stderr)
    tap.has("the throw-away key is said loudly", done.stderr, "THROW-AWAY KEY",
            "out/throw-away-key/release.pem", "distributor keygen")
    tap.has("the table has every step", done.stdout, *STEPS, f"{t.tag} is released")
    tap.equal("the key is private", oct(os.stat(t.path("out/throw-away-key/release.pem")).st_mode),
              "0o100600")
    from_outside(t, "out", "out/throw-away-key/keys", t.path("out/repository.git"))
    show = tool("git", "ls-tree", "-r", "--name-only", t.tag, cwd=t.path("out/repository.git"))
    tap.equal("the tag's tree has matrix, lock and keys", show.stdout.split(),
              ["keys/allowed_signers", "matrix.json", "matrix.lock.json"])
    advice_works("the commands that it prints verify it", t, done.stdout)
    place = f"{WORK}/it's out"
    advice_works("... and those with a path that has to be quoted", t, t.release(
        "--target", "directory", "--out", place, status=0).stdout)
    before, files = stamps(t.path("out")), tree(t.path("out"))
    done = t.release("--target", "directory")
    tap.ok("run again it says that there was nothing to do", done.returncode == 0 and
           "there was nothing to do" in done.stdout, done.stdout + done.stderr)
    tap.equal("... and wrote nothing", changes(before, stamps(t.path("out"))), {})
    tap.equal("... and changed nothing", changes(files, tree(t.path("out"))), {})
    os.makedirs(t.path("keys"), exist_ok=True)
    named_otherwise(t, "a repository of its own", "--target", "directory")
    tap.equal("... and nothing changes", changes(files, tree(t.path("out"))), {})
    t.run("release", "--target", "directory", "--matrix", t.path("matrix.json"), "--cache", "cache",
          "--registrars", "registrars", "--out", "out3", status=0)
    page = f"releases/{t.tag}/qemu-user-static-{t.version}.release.json"
    inputs = [[json.loads(read(t, out, page))[n]["file"] for n in ("matrix", "lock")] for out in ("out", "out3")]
    tap.equal("the release names them by their paths in the tree, whichever way they were given", inputs,
              [["matrix.json", "matrix.lock.json"]] * 2)
    found, document = states(t.release("--target", "directory", "--json", "--quiet", status=0))
    tap.ok("--json: complete, unchanged", document["complete"] and not document["changed"] and
           document["tag"] == t.tag and document["error"] is None, document)
    tap.equal("--json: the steps in order", list(found), STEPS)
    tap.equal("--json: their states", set(found.values()), {"done", "nothing-to-do", "skipped"})
    # Lost files are made again, to the byte.
    os.unlink(t.path("out/assets/x86_64_qemu-arm-static.tar.gz"))
    shutil.rmtree(t.path("out/images/blobs"))
    done = t.release("--target", "directory")
    tap.ok("what was lost is made again", done.returncode == 0, done.stdout + done.stderr)
    found = changes(files, tree(t.path("out")))
    found.pop("packed.json", None)  # notes that save time; what is not noted is found out
    tap.equal("... with the same bytes everywhere", found, {})
    with open(t.path(f"out/releases/{t.tag}/SHA256SUMS"), "a") as f:
        f.write("x")
    done = t.release("--target", "directory")
    fails("a published release that differs is refused", done, 4,
          "error: draft: ", "SHA256SUMS")
    tap.has("... and the table says where it stopped", done.stdout, "FAILED", "not reached")
    tap.ok("... so that the error does not", "missing" not in done.stderr, done.stderr)
    done = t.release("--target", "directory", "--quiet")
    fails("without the table the error says it", done, 4, f"error: {t.tag} is not released; steps left: draft, "
          "push, publish, latest, read back; draft:", "SHA256SUMS")
    done = t.release("--target", "directory", "--quiet", "--json")
    tap.equal("in --json the steps say it", ("missing: " in done.stderr, json.loads(done.stdout)["error"][:7]),
              (False, "draft: "))


def test_mistake():
    """One mistake with an OUT that has a release does not spoil it."""
    t = Tree(f"{WORK}/mistake")
    t.release("--target", "directory", status=0)
    commits = lambda: sorted(tool("git", "rev-list", "--all",
                                  cwd=t.path("out/repository.git")).stdout.split())
    first = commits()
    matrix = json.loads(open(t.path("matrix.json")).read())
    matrix["version"] = "9.9.9-1"
    with open(t.path("other.json"), "w") as f:
        json.dump(matrix, f)
    wrong = ["--target", "directory", "--matrix", "other.json", "--lock", "matrix.lock.json"]
    fails("a matrix of another version than the lock", t.release(*wrong), 3, "error: lock: ")
    tap.equal("... is not committed", commits(), first)
    again = t.release("--target", "directory")
    tap.ok("... and the next run finds all as it was", again.returncode == 0 and
           "there was nothing to do" in again.stdout, again.stdout + again.stderr)
    # The same tree in a later commit: the one that is tagged is the one that counts.
    git = lambda *command: tool("git", *command, cwd=t.path("out/repository.git"),
                                env=environment(t.home, **IDENTITY)).stdout.strip()
    git("update-ref", "HEAD", git("commit-tree", "-p", "HEAD", "-m", "later", "HEAD^{tree}"))
    again = t.release("--target", "directory")
    tap.ok("a later commit of the same files is passed over", again.returncode == 0 and
           "there was nothing to do" in again.stdout, again.stdout + again.stderr)
    tap.equal("... and HEAD is what is tagged", git("rev-parse", "HEAD"),
              git("rev-parse", f"{t.tag}^{{commit}}"))
    with open(t.path("matrix.json"), "a") as f:
        f.write("\n")
    fails("another matrix under a version that is tagged", t.release("--target", "directory"), 3,
          f"error: lock: {t.tag} is tagged with a different matrix or lock: increase the release number in "
          '"version", or start with a new --out')
    tap.equal("... is not committed either", commits(), first)
    done = t.release("--target", "directory", out="out2")
    tap.ok("a new --out takes it", done.returncode == 0, done.stdout + done.stderr)
    t.write()
    t.run("keygen", "--no-passphrase", "--keys", "others", "home/other.pem", status=0)
    fails("another list of keys under a version that is tagged", t.release(
        "--target", "directory", "--keys", "others", "--key", "home/other.pem"), 3,
        f"error: lock: {t.tag} is tagged with a different list of keys: increase the release number in")
    tap.equal("... is no more committed", commits(), first)

    def raised(matrix, lock):
        matrix["version"] = lock["version"] = "8.1.0-9"

    t.write(raised)
    done = t.release("--target", "directory")
    tap.ok("so does a raised version", done.returncode == 0, done.stdout + done.stderr)
    second = commits()
    tap.equal("... with one more commit", len(second), len(first) + 1)
    with open(t.path("out/releases/v8.1.0-9.md")) as f:
        tap.has("... compared with the release before", f.read(),
                f"Since {t.tag.replace('-9', '-1')}, no packages have changed.")
    t.write()
    done = t.release("--target", "directory")
    tap.ok("back at the first version, its commit is taken again", done.returncode == 0 and
           "already published and identical" in done.stdout, done.stdout + done.stderr)
    tap.equal("... and no other is made", commits(), second)


def test_real_registrars():
    folder = os.path.join(BUILD, "register")
    if not all(os.path.exists(f"{folder}/register-{h}") for h in ("x86_64", "aarch64")):
        tap.skip("the registrars of this build are in the images", "a cross compiler is missing")
        return
    t = Tree(f"{WORK}/real")
    done = t.release("--target", "directory", registrars=False)
    tap.ok("the registrars of this build are in the images", done.returncode == 0,
           done.stdout + done.stderr)


def make_maintained(name):
    t = Tree(f"{WORK}/{name}")
    t.keygen()
    t.commit()
    return t


def test_enterprise_server():
    """What is made says of itself that it is from there, and nothing says github.com."""
    server = "https://git.example.org"
    t = Tree(f"{WORK}/enterprise", edit=lambda m, _: m["repository"].update(server=server))
    t.release("--target", "directory", status=0)
    say = {}
    for folder, _, names in os.walk(t.path("out")):
        for name in names:
            with open(f"{folder}/{name}", "rb") as f:
                text = f.read()
            if name == "provenance.sigstore.json":
                text = base64.b64decode(json.loads(text)["dsseEnvelope"]["payload"])
            for word in (f"{server}/example/qemu-user-static", "https://github.com/"):
                if word.encode() in text:
                    say.setdefault(word, set()).add(os.path.relpath(f.name, t.path("out")))
    tap.equal("nothing is said to be on github.com", say.get("https://github.com/", set()), set())
    place = f"releases/{t.tag}"
    tap.equal("the documents and the page say where it is", {
        f"{place}.md", f"{place}/provenance.sigstore.json",
        f"{place}/qemu-user-static-{t.version}.spdx.json"} - say[f"{server}/example/qemu-user-static"], set())
    tap.ok("... and so do images", any("images/blobs" in n for n in say[f"{server}/example/qemu-user-static"]),
           say)


def test_own_repository():
    t = make_maintained("own")
    # An older copy, perhaps: a path is the file's own, and not any with these bytes.
    os.mkdir(t.path("archive"))
    for name in ("matrix.json", "matrix.lock.json"):
        shutil.copy(t.path(name), t.path("archive", name))
    t.commit("Keep a copy")
    key = ["--key", "home/release.pem"]
    fails("a key list without a key asks for the key",
          t.release("--directory", "www"), 2, "error: sign: no signing key")
    os.symlink("loop", t.path("loop"))
    fails("a key list that cannot be looked at is not missing: no throw-away key takes its place",
          t.release("--directory", "www", "--keys", "loop"), 1, "cannot access 'loop/allowed_signers'")
    with open(t.path("matrix.lock.json"), "a") as f:
        f.write("\n")
    fails("a lock that is not committed is refused", t.release("--directory", "www", *key), 3,
          "lock: 'matrix.lock.json' differs from the committed version", "commit it first")
    t.git("checkout", "-q", "matrix.lock.json")
    fails("a version that the matrix does not have", t.release("9.9.9-1", "--directory", "www",
                                                               *key), 3,
          f"'matrix.json' has version {t.version}, not 9.9.9-1")
    done = t.release("--directory", "www", "--dry-run", *key)
    tap.ok("a dry run makes everything in OUT", done.returncode == 0 and
           os.path.exists(t.path("out/assets/SHA256SUMS")), done.stdout + done.stderr)
    found, document = states(t.release("--directory", "www", "--dry-run", "--json", *key))
    tap.equal("... says what it would do elsewhere",
              {s for s in found if found[s] == "would-do"}, {"tag", "draft", "publish"})
    tap.has("... in the table, too", done.stdout, "would do", "would be published")
    tap.ok("... and neither tag nor release", not os.path.exists(t.path("www")) and
           t.git("tag").stdout == "", os.listdir(t.root))
    summary = t.path("home/summary.md")
    done = t.release(t.tag, "--directory", "www", *key, env={"GITHUB_STEP_SUMMARY": summary})
    tap.ok("released, with the version named", done.returncode == 0, done.stdout + done.stderr)
    tap.has("the tag is in the repository that was there", t.git("tag").stdout, t.tag)
    tap.ok("... and no other was made", not os.path.exists(t.path("out/repository.git")) and
           not os.path.exists(t.path("out/throw-away-key")))
    text = open(summary).read()
    tap.has("the summary of a workflow run is Markdown", text,
            f"## qemu-user-static {t.tag}", "| step", "| publish", f"Released: www/{t.tag}")
    lock = os.open(t.path("out/.release.lock"), os.O_RDWR)
    import fcntl
    fcntl.flock(lock, fcntl.LOCK_EX)
    fails("two releases at once in one OUT", t.release("--directory", "www", *key), 1,
          "another release is using 'out'")
    os.close(lock)
    # OUT is gone, nothing else is: the same bytes come out, so there is nothing to publish.
    shutil.rmtree(t.path("out"))
    done = t.release("--directory", "www", *key)
    tap.ok("with another OUT it is the same release", done.returncode == 0 and
           "already published and identical" in done.stdout, done.stdout + done.stderr)
    before = tree(t.path("www"))
    named_otherwise(t, "a maintained repository", "--directory", "@www", "--key", "@home/release.pem",
                    "--repo", "@.")
    tap.equal("... and nothing changes", changes(before, tree(t.path("www"))), {})
    # A tag of something else under this name.
    t.git("commit", "-q", "--allow-empty", "-m", "later")
    fails("a tag of another commit is refused", t.release("--directory", "www", *key, out="out2"),
          4, "error: lock: ", f"tag '{t.tag}' points to commit ")
    tap.ok("... before anything is made", not os.path.exists(t.path("out2/assets")))
    return t


def test_versions(t):
    """The next version becomes the latest; an older one does not."""
    key = ["--key", "home/release.pem"]

    def version(text):
        def edit(matrix, lock):
            matrix["version"] = lock["version"] = text
        return edit

    t.write(version("8.1.0-3"))
    t.commit("Third")
    done = t.release("--directory", "www", *key)
    tap.ok("the next version over the same OUT", done.returncode == 0, done.stdout + done.stderr)
    tap.equal("is the latest", os.readlink(t.path("www/latest")), "v8.1.0-3")
    t.write(version("8.1.0-2"))
    t.commit("Second, late")
    done = t.release("--directory", "www", *key)
    tap.ok("an older version is released too", done.returncode == 0 and
           os.path.isdir(t.path("www/v8.1.0-2")), done.stdout + done.stderr)
    tap.equal("and leaves the latest alone", os.readlink(t.path("www/latest")), "v8.1.0-3")
    found = [states(t.release("--directory", "www", "--latest", "yes", "--json", *key)) for _ in range(2)]
    tap.equal("made the latest by hand, and again", [(s["publish"], d["changed"]) for s, d in found],
              [("done", True), ("nothing-to-do", False)])

    def candidate(matrix, lock):
        matrix["version"] = lock["version"] = "8.2-rc1-1"
        for package in lock["packages"]:
            package["qemu_version"] = "8.2-rc1"

    t.write(candidate)
    t.commit("A candidate")
    done = t.release("--directory", "www", *key)
    tap.ok("a candidate of the next version is released", done.returncode == 0 and
           os.path.isdir(t.path("www/v8.2-rc1-1")), done.stdout + done.stderr)
    tap.equal("... and is not the latest by itself", os.readlink(t.path("www/latest")), "v8.1.0-2")


def test_trigger():
    """In a run that a tag started, that tag is looked at before anything secret is."""
    t = make_maintained("trigger")
    run = {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": t.tag}
    secret = ["--key", "home/no-such-key"]
    fails("a run by a tag that is not there", t.release("--directory", "www", *secret, env=run),
          3, "lock: refusing the tag that started this run", t.tag)
    t.git("tag", "-a", "-m", "unsigned", t.tag)
    fails("a run by an unsigned tag", t.release("--directory", "www", *secret, env=run), 4,
          "lock: refusing the tag that started this run")
    t.git("tag", "-d", t.tag)
    fails("a run by a tag of another version", t.release(
        "--directory", "www", *secret, env={**run, "GITHUB_REF_NAME": "v1.0-1"}), 4,
        "the tag is 'v1.0-1', but the matrix has version")
    t.run("tag", "--matrix", "matrix.json", "--out", "nothing", "--key", "home/release.pem",
          status=0)
    text = t.git("cat-file", "tag", t.tag).stdout
    fails("with a good tag the key is what is missing",
          t.release("--directory", "www", *secret, env=run), 3, "sign:", "no-such-key")
    done = t.release("--directory", "www", "--key", "home/release.pem", env=run)
    tap.ok("a run by a good tag", done.returncode == 0 and
           f"{t.tag} started this run, verified" in done.stdout, done.stdout + done.stderr)
    tap.equal("leaves the tag as it is", t.git("cat-file", "tag", t.tag).stdout, text)
    done = t.release("--directory", "www", "--key", "home/release.pem", out="out2")
    tap.ok("a run by hand accepts that tag as well", done.returncode == 0,
           done.stdout + done.stderr)


def stopped(t):
    """A release that SIGTERM ends while it works, and what it said; not one that had come to its last
    step when the signal was sent."""
    for attempt in range(20):
        shutil.rmtree(t.path("out"), ignore_errors=True)
        process = subprocess.Popen(t.command("--target", "directory"), cwd=t.root,
                                   env=environment(t.home), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        while not os.path.exists(t.path("out/assets")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=120)
        if process.returncode != 0 and "not reached" in stdout:
            break
    return process.returncode, stdout, stderr


def test_signal():
    t = Tree(f"{WORK}/signal", size=3000000)
    status, stdout, stderr = stopped(t)
    tap.ok("SIGTERM ends it by that signal", status == -signal.SIGTERM, status, stdout + stderr)
    tap.has("it says how to go on", stderr, "run the same command again to resume")
    tap.has("the table says where it was", stdout, "FAILED", "not reached")
    leftovers = [f for f in tree(t.path("out")) if f.endswith(".tmp")]
    tap.equal("no temporary file is left", leftovers, [])
    done = t.release("--target", "directory")
    tap.ok("the next run finishes it", done.returncode == 0, done.stdout + done.stderr)


def test_usage():
    t = Tree(f"{WORK}/usage")
    for name, arguments, text in [
            ("an unknown target", ["--target", "cloud"], "--target takes github or directory"),
            ("a directory for GitHub", ["--target", "github", "--directory", "d"],
             "--directory requires --target directory"),
            ("an unknown word for --latest", ["--latest", "maybe"], "--latest takes auto, yes or"),
            ("GitHub and --offline", ["--offline"], "--offline cannot be used with --target github")]:
        fails(name, t.release(*arguments), 2, text)
    empty = f"{WORK}/empty"
    os.makedirs(empty)
    for arguments in ([], ["--target", "directory"]):
        done = subprocess.run([os.environ["DISTRIBUTOR"], "release", *arguments], cwd=empty, text=True,
                              capture_output=True, env=environment(t.home))
        fails("a directory without a matrix", done, 3, "error: ", "matrix/qemu-user-static.json")
        tap.equal("... no table, and nothing is made", (done.stdout, os.listdir(empty)), ("", []))
    os.makedirs(t.path("held/.release.lock"))
    done = t.release("--target", "directory", out="held")
    fails("an OUT that cannot be locked", done, 1, "error: ", ".release.lock")
    tap.equal("... has no table of nothing", done.stdout, "")
    fails("GitHub needs a repository", t.release(), 3, "is not a git repository with a commit")
    t.commit()
    fails("GitHub needs keys", t.release(), 3, "'keys/allowed_signers' not found", "--keys")
    t.keygen()
    fails("GitHub needs a token before anything is made", t.release(), 2,
          "error: lock: GITHUB_TOKEN is not set")
    tap.ok("nothing was made", not os.path.exists(t.path("out/assets")))


test_failing_steps()
test_throw_away()
test_mistake()
test_real_registrars()
test_enterprise_server()
test_versions(test_own_repository())
test_trigger()
test_signal()
test_usage()
shutil.rmtree(WORK)
tap.done()
