#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`distributor publish`: a signed release to a double of GitHub and to a directory."""
import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

if not shutil.which("node"):
    print("# SKIPPED: node is not installed; ./check installs it")
    print("1..1\nok 1 - publish # SKIP no node")
    sys.exit(0)

from github_double import Double
from sign_lib import Release, read, run, sha256, tool, write
from tap import finish, ok as case, skip

root = tempfile.mkdtemp(prefix="publish-")
GIT = ["-c", "user.name=Release Bot", "-c", "user.email=release@example.org"]


def holds(name, text, *patterns):
    missing = [p for p in patterns if not re.search(p, text, re.S)]
    case(name, not missing, f"missing {missing} in:\n{text}")


def commit(directory, message):
    tool("git", *GIT, "add", "-A", cwd=directory)
    tool("git", *GIT, "commit", "-q", "-m", message, cwd=directory)


class Published:
    """A release in a repository whose remote is what the double shows the tags of."""

    def __init__(self, name, version="10.1.0-1"):
        self.root = os.path.join(root, name)
        self.remote = os.path.join(root, name + ".git")
        self.release = Release(self.root, version)
        tool("git", "init", "-q", "-b", "main", self.root)
        tool("git", "init", "-q", "--bare", "-b", "main", self.remote)
        write(os.path.join(self.root, ".gitignore"), "/out/\n*.pem\n")
        self.release.keygen()
        commit(self.root, "First release")
        self.double = None

    def finish(self):
        """Signs, tags and pushes both."""
        self.release.sign()
        tool("git", "push", "-q", self.remote, "main", cwd=self.root)
        run("tag", "--matrix", "matrix.json", "--key", "release.pem", "--push", "--remote",
            self.remote, cwd=self.root)

    def publish(self, *options, status=0, env=None):
        env = {**(self.double.environment() if self.double else {}), **(env or {})}
        return run("publish", "--matrix", "matrix.json", "--pace", "0", *options, cwd=self.root,
                   status=status, env=env)

    def files(self):
        directory = self.release.assets
        return {n: sha256(read(os.path.join(directory, n))) for n in os.listdir(directory)}


def writes(state):
    return [r for r in state["requests"] if r["method"] != "GET"]


p = Published("one")
text = p.publish(status=3)
holds("without SHA256SUMS it says to sign first", text, r"'.*SHA256SUMS' does not exist; .*: "
      r"distributor sign --matrix matrix\.json\n")
p.release.sign()
text = p.publish(status=2)
holds("without a token it says what it needs", text, r"GITHUB_TOKEN is not set.*contents: write")

p.double = Double("--git", p.remote)
text = p.publish(status=3)
holds("without the tag on GitHub nothing is published", text,
      r"has no tag 'v10\.1\.0-1'.*distributor tag --push")
case("and nothing was written", not writes(p.double.state()))
p.finish()

for options in ((), ("-v",), ("-v", "--json")):
    encoded = base64.b64encode(p.double.token.encode()).decode()
    p.double.control("/faults", {"do": "answer", "status": 403, "times": 99, "body": {
        "message": f"No: Bearer {p.double.token} ({encoded})"}})
    text = p.publish(*options, status=3)
    p.double.control("/no-faults", {})
    case(f"GitHub that repeats the token {options}", "No: Bearer ***" in text and
         p.double.token not in text and encoded not in text, text)

text = p.publish("--dry-run")
holds("a dry run says what it would do", text, r"would create a draft", r"would publish",
      r"v10\.1\.0-1 would be published: 11 files to upload")
case("and writes nothing", not writes(p.double.state()))
text = p.publish("--dry-run", env={"GITHUB_TOKEN": ""})
holds("a dry run of a public repository needs no token", text, r"would be published")

answer = json.loads(re.search(r"\{.*\n\}", p.publish("--json", "--quiet"), re.S).group())
case("published, in JSON", answer["published"] and answer["latest"] and answer["uploaded"] == 11
     and not answer["was_there"], answer)
state = p.double.state()
release = state["releases"][0]
if state["judge"] is None:
    skip("every request and answer followed GitHub's description", "no DISTRIBUTOR_TEST_DATA")
else:
    case("every request and answer followed GitHub's description", not state["violations"],
         state["violations"])
case("the assets are those of OUT/assets, whole, before it was published",
     sorted(release["at_publication"]) == sorted(
         f"{n} uploaded {os.path.getsize(p.release.path(n))} {d}" for n, d in p.files().items()),
     release["at_publication"])
case("its tag is the signed one", state["tags"]["v10.1.0-1"]["type"] == "tag")
case("title", release["name"] == "qemu-user-static v10.1.0-1", release["name"])
body = release["body"]
case("the first line of the text is the old one",
     body.splitlines()[0] == "# `qemu-*-static` @ 10.1.0-1", body)
holds("the text has hosts, changes, key, commands and checksums", body,
      r"\| x86_64 \| 10\.1\.0 \| qemu-user-static-aarch64 2:10\.1\.0-1\.fc43 \| fedora-43 \| 1 \|",
      r"This is the first release\.", r"Ed25519 key `SHA256:", r"sha256sum --ignore-missing -c",
      "sha256 of `SHA256SUMS`: `" + sha256(read(p.release.path("SHA256SUMS"))),
      r"[0-9a-f]{64}  qemu-aarch64-static\.tar\.gz")

# The commands on the page, as a reader would paste them, on files as GitHub serves them.
page = os.path.join(root, "page")
os.makedirs(page)
for asset in release["assets"]:
    base = f"{p.double.urls['web']}/{p.double.repository}/releases/download/v10.1.0-1"
    tool("curl", "-fsSL", "-o", os.path.join(page, asset["name"]), f"{base}/{asset['name']}")
commands = re.search(r"```sh\n(.*?)```", body, re.S).group(1)
done = tool("sh", "-e", "-c", commands, cwd=page, check=False) if shutil.which("ssh-keygen") else None
if done is None:
    skip("the commands on the page verify it", "no ssh-keygen")
else:
    case("the commands on the page verify it", done.returncode == 0 and "Good" in done.stdout,
         done.stdout + done.stderr)
text = run("verify", "--keys", "keys", "--tag", "v10.1.0-1",
           f"{p.double.urls['web']}/{p.double.repository}/releases/download/v10.1.0-1", cwd=p.root)
holds("and so does 'distributor verify' from outside", text, r"signature")

holds("the page leads to the keys in the repository that it is in", body, re.escape(
    f"[the repository](https://github.com/{p.double.repository}/tree/v10.1.0-1/keys)"))
p.publish("--dry-run", "--notes", os.path.join(root, "enterprise.md"),
          env={"GITHUB_SERVER_URL": "https://git.example.org"})
holds("on an Enterprise Server in that one", read(os.path.join(root, "enterprise.md")).decode(),
      rf"\(https://git\.example\.org/{p.double.repository}/tree/v10\.1\.0-1/keys\)")
before = len(writes(state))
text = p.publish()
holds("published and identical: nothing to do", text, r"is already published and identical: 11 files")
case("without a write", len(writes(p.double.state())) == before)

# In another place, the same release: what was signed comes back, and no key is needed.
elsewhere = os.path.join(root, "elsewhere")
os.makedirs(elsewhere)
shutil.copytree(p.release.assets, os.path.join(elsewhere, "assets"))
shutil.copy(os.path.join(p.root, "out", "assets.json"), elsewhere)
for name in [n for n in p.files() if "provenance" in n or n.startswith("SHA256SUMS")]:
    os.unlink(os.path.join(elsewhere, "assets", name))
holds("--adopt brings back what was signed", p.publish("--adopt", "--out", elsewhere),
      r"restored 4 signed files")
run("sign", "--matrix", "matrix.json", "--out", elsewhere, cwd=p.root)
case("which is kept by a second 'sign' without the key",
     p.files() == {n: sha256(read(os.path.join(elsewhere, "assets", n)))
                   for n in os.listdir(os.path.join(elsewhere, "assets"))})
holds("and is there already", p.publish("--adopt", "--out", elsewhere), r"no signed files from an earlier run")

# What is there on GitHub is not what is here: refused, before anything is written.
name = p.release.path("x86_64_qemu-aarch64-static.tar.gz")
original = read(name)
write(name, original + b"x")
text = p.publish(status=4)
holds("a changed asset is not published", text,
      r"cannot publish .*x86_64_qemu-aarch64-static\.tar\.gz")
write(name, original)
write(p.release.path("extra"), "x")
text = p.publish(status=4)
holds("nor a file that nobody signed", text, r"cannot publish .*extra")
os.unlink(p.release.path("extra"))
text = p.publish("--target", "nowhere", status=2)
holds("an unknown target", text, r"--target takes github or directory, not 'nowhere'")
text = p.publish("--latest", "maybe", status=2)
holds("an unknown word for --latest", text, r"--latest takes auto, yes or no, not 'maybe'")
template = os.path.join(root, "template.md")
write(template, "# {{version}} {{flavour}}\n")
text = p.publish("--template", template, status=3)
holds("a template with an unknown word", text, r"template\.md': unknown placeholder '\{\{flavour\}\}'")
text = p.publish("--offline", status=2)
holds("--offline", text, r"--offline cannot be used with --target github")

# The next version, with another package and a host less; an older one does not become the latest.
p.double.stop()
q = Published("two", "10.2.0-1")
tool("git", "fetch", "-q", p.remote, "+refs/tags/*:refs/tags/*", cwd=q.root)
q.finish()
tool("git", "-C", q.remote, "fetch", "-q", p.remote, "+refs/tags/*:refs/tags/*")
q.double = Double("--git", q.remote)
q.double.control("/seed", {"releases": [{"tag_name": "v11.0.0-1"}]})
notes = os.path.join(root, "notes.md")
# A candidate of it is older than it.
tool("git", "-C", q.remote, "-c", "user.name=A", "-c", "user.email=a@example.org", "tag", "-a", "-m", "candidate",
     "v10.1.0-rc2-1", "v10.1.0-1^{commit}")
tool("git", "tag", "-d", "v10.1.0-1", cwd=q.root)  # as in a checkout without tags
q.publish("--dry-run", "--notes", notes)
holds("a clone without tags asks GitHub for the release before", read(notes).decode(),
      r"## Changes\n\nPrevious release: v10\.1\.0-1 \(\[changes\]\(\S+/compare/v10\.1\.0-1\.\.\.v10\.2\.0-1\)\)")
tool("git", "fetch", "-q", p.remote, "+refs/tags/*:refs/tags/*", cwd=q.root)
text = q.publish("--notes", notes)
holds("an older version leaves the latest alone, and says so", text,
      r"'v11\.0\.0-1' remains the latest release; use --latest yes to make 'v10\.2\.0-1' the latest")
state = q.double.state()
case("v11.0.0-1 is still the latest", state["latest"] == "v11.0.0-1")
body = next(r["body"] for r in state["releases"] if r["tag_name"] == "v10.2.0-1")
case("--notes has the same text", read(notes).decode() == body)
holds("the text says what changed since the last release", body, r"Since v10\.1\.0-1:",
      r"- x86_64: QEMU 10\.1\.0 → 10\.2\.0", r"- aarch64: package 1:10\.1\.0\+ds-1 → 1:10\.2\.0\+ds-1")
text = q.publish("--latest", "yes")
holds("--latest yes moves it", text, r"already published and identical.*It is the latest release")
case("on GitHub too", q.double.state()["latest"] == "v10.2.0-1")
q.double.control("/seed", {"releases": [{"tag_name": "v10.1.9-1"}]})
before = len(writes(q.double.state()))
text = q.publish()
holds("once it is published, 'latest' stays where somebody has moved it", text,
      r"'v10\.1\.9-1' remains the latest release; use --latest yes to make 'v10\.2\.0-1' the latest",
      r"already published and identical")
case("... without a write", len(writes(q.double.state())) == before and
     q.double.state()["latest"] == "v10.1.9-1")
q.double.stop()

# A GitHub Enterprise Server that the matrix names, where nobody answers.
with socket.socket() as nobody:
    nobody.bind(("127.0.0.1", 0))
    place = f"127.0.0.1:{nobody.getsockname()[1]}"
    matrix = json.loads(read(q.release.matrix))
    matrix["repository"]["server"] = f"https://{place}"
    write(os.path.join(root, "enterprise.json"), json.dumps(matrix))
    asking = subprocess.Popen(
        [os.environ["DISTRIBUTOR"], "publish", "--adopt", "--matrix", os.path.join(root, "enterprise.json"),
         "--lock", "matrix.lock.json", "--out", os.path.join(root, "asked")], cwd=q.root,
        env={**os.environ, "GITHUB_API_URL": "", "GITHUB_TOKEN": "ghs_of_that_server"}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = asking.stdout.readline()
    asking.kill()
    asking.communicate()
holds("the server of the matrix is asked, and no other", text, re.escape(f"https://{place}/api/v3/repos/"))

# A directory.
target = os.path.join(root, "www")
one = lambda *options, status=0: p.publish("--target", "directory", target, *options, status=status)
p.double = q.double = None
text = one("--dry-run")
case("directory: a dry run makes nothing", "would be published" in text and not os.path.exists(target), text)
os.makedirs(os.path.join(target, ".v10.1.0-1.incomplete"))
write(os.path.join(target, ".v10.1.0-1.incomplete", "foreign"), "x")
write(os.path.join(target, ".v10.1.0-1.incomplete", "SHA256SUMS"), "half")
text = one()
holds("directory: published, over what a killed run left", text, r"removing '.*foreign'",
      r"v10\.1\.0-1 is published: 11 files uploaded .*It is the latest release")
there = {n: sha256(read(os.path.join(target, "v10.1.0-1", n)))
         for n in os.listdir(os.path.join(target, "v10.1.0-1"))}
case("directory: the same files", there == p.files(), there)
case("directory: nothing else but text, link and lock", sorted(os.listdir(target)) ==
     [".lock", "latest", "v10.1.0-1", "v10.1.0-1.md"], os.listdir(target))
case("directory: latest", os.readlink(os.path.join(target, "latest")) == "v10.1.0-1")
holds("directory: what was signed comes back", p.publish("--adopt", "--out", os.path.join(root, "third"),
      "--target", "directory", target), r"restored 4 signed files")
holds("directory: again", one(), r"already published and identical")
holds("directory: verified from outside",
      run("verify", "--keys", "keys", "--tag", "v10.1.0-1", f"file://{target}/latest", cwd=p.root), "signature")
# What cannot be read is not a file of other content: exit 1, not 4.
TRACE = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", os.path.join(target, "v10.1.0-1", "SHA256SUMS")]
for call, error in (("openat", "EMFILE"), ("openat", "EACCES"), ("pread64", "EIO"), ("newfstatat,fstat,statx", "EIO")):
    name = f"directory: {error} of {call} is not told as other files"
    done = shutil.which("strace") and subprocess.run(
        [*TRACE, "-e", f"inject={call}:error={error}", os.environ["DISTRIBUTOR"], "publish", "--matrix", "matrix.json",
         "--target", "directory", target], cwd=p.root, capture_output=True, text=True, timeout=120,
        env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    if not done or "ptrace" in done.stderr:
        skip(name, "strace is not installed, or cannot trace here")
        continue
    case(name, done.returncode == 1 and "already published" not in done.stderr and "SHA256SUMS" in done.stderr,
         f"{done.returncode}\n{done.stderr}")
write(os.path.join(target, "v10.1.0-1", "SHA256SUMS"), "x")
holds("directory: other files under that tag", one(status=4),
      r"v10\.1\.0-1' is already published with other files: 'SHA256SUMS': size is 1, expected")
done = tool(os.path.join(os.environ["BUILD_DIR"], "tests", "refuse_tool"), "symlink", "EIO", os.environ["DISTRIBUTOR"],
            "publish", "--matrix", "matrix.json", "--target", "directory", target, cwd=q.root, check=False)
case("directory: a link that cannot be made is an error", done.returncode == 1 and "cannot link" in done.stderr and
     os.readlink(os.path.join(target, "latest")) == "v10.1.0-1", f"{done.returncode}\n{done.stderr}")
q.publish("--target", "directory", target)
case("directory: the next release is the latest", os.readlink(os.path.join(target, "latest")) == "v10.2.0-1")
holds("directory: needs a name", p.publish("--target", "directory", status=2), r"requires a directory")

# The tag that is here, whatever it is: a release under another tag than the one that users verify
# with is not published.
t = Published("tags")
t.release.sign()


def git(*command, **options):
    return tool("git", *GIT, *command, cwd=t.root, **options).stdout.strip()


def make_tag(*options, key="release.pem"):
    """A good tag with this key; returns its object."""
    tool("git", "tag", "-d", t.release.tag, cwd=t.root, check=False)
    run("tag", "--matrix", "matrix.json", "--key", key, *options, cwd=t.root)
    return git("rev-parse", f"refs/tags/{t.release.tag}")


def foreign_tag():
    run("keygen", "--no-passphrase", "--principal", "release@example.org", "--keys",
        os.path.join(root, "foreign"), os.path.join(root, "foreign.pem"), cwd=t.root)
    return make_tag("--keys", os.path.join(root, "foreign"), key=os.path.join(root, "foreign.pem"))


def unsigned_tag():
    git("tag", "-f", "-a", "-m", "unsigned", t.release.tag)
    return git("rev-parse", f"refs/tags/{t.release.tag}")


def other_text(change):
    """The good tag with its text changed, its signature not."""
    text = git("cat-file", "tag", make_tag())
    assert change(text) != text
    return git("hash-object", "-t", "tag", "-w", "--stdin", "--literally", input=change(text) + "\n")


def other_commit():
    git("commit", "-q", "--allow-empty", "-m", "Later")
    made = make_tag()
    git("reset", "-q", "--hard", "HEAD~1")
    return made


def renamed_tag():
    """The good tag of another version."""
    text = read(t.release.matrix).decode()
    lock = read(t.release.lock_path).decode()
    write(t.release.matrix, text.replace("10.1.0-1", "10.1.0-9"))
    write(t.release.lock_path, lock.replace('"10.1.0-1"', '"10.1.0-9"'))
    git("commit", "-q", "-a", "-m", "Another version")
    run("tag", "--matrix", "matrix.json", "--key", "release.pem", cwd=t.root)
    git("reset", "-q", "--hard", "HEAD~1")
    return git("rev-parse", "refs/tags/v10.1.0-9")


def other_sums():
    """A tag that names a SHA256SUMS, and a release that was signed again, by another run."""
    made = make_tag("--sums")
    for name in os.listdir(t.release.assets):
        if "provenance" in name or name.startswith("SHA256SUMS"):
            os.unlink(t.release.path(name))
    t.release.sign("--key", "release.pem", env={
        "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_REPOSITORY": "example/qemu-user-static", "GITHUB_RUN_ID": "7",
        "GITHUB_WORKFLOW_REF": "example/qemu-user-static/.github/workflows/release.yml@refs/heads/main"})
    return made


def revoked_key():
    """The tag is by the old key, the files are signed by the new one."""
    made = make_tag()
    write(os.path.join(root, "old.pub"), read(os.path.join(t.root, "keys", "release.pub")))
    run("key", "--revoke", os.path.join(root, "old.pub"), cwd=t.root)
    t.release.keygen(name="second.pem")
    for name in os.listdir(t.release.assets):
        if "provenance" in name or name.startswith("SHA256SUMS"):
            os.unlink(t.release.path(name))
    t.release.sign("--key", "second.pem")
    return made


place = os.path.join(root, "tagged")
for what, make, *words in (
        ("an unsigned tag", unsigned_tag, "cannot publish", "not signed"),
        ("a lightweight tag", lambda: git("rev-parse", "HEAD"), "lightweight tag"),
        ("a tag by a key that is not published", foreign_tag, "cannot publish"),
        ("a tag whose text was changed", lambda: other_text(
            lambda text: text.replace("tagger ", "tagger x")), "cannot publish"),
        ("a tag of another commit", other_commit, "points to commit"),
        ("the tag of another version", renamed_tag, "cannot publish"),
        ("a tag of another SHA256SUMS", other_sums, "names SHA256SUMS"),
        ("a tag by a revoked key", revoked_key, "cannot publish", "revoked")):
    git("update-ref", f"refs/tags/{t.release.tag}", make())
    for options, where in (((place,), place), (("--dry-run", place), place)):
        text = t.publish("--target", "directory", *options, status=4)
        holds(f"{what} is refused: {' '.join(options[:-1]) or 'for good'}", text, *words)
        case("... and nothing is made", not os.path.exists(where))
make_tag("--sums", key="second.pem")
holds("the tag that belongs to the release is taken", t.publish("--target", "directory", place),
      r"v10\.1\.0-1 is published")

shutil.rmtree(root)
sys.exit(finish())
