#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Repositories of git as they are: damaged, of other formats, shallow; and remotes of every kind."""
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import debian
import git_lib
import tap
from port_lib import free_port
from sign_lib import PROGRAM, Release, read, run, tool, write

work = os.path.realpath(tempfile.mkdtemp(prefix="git-"))
os.chmod(work, 0o755)
for name in [n for n in os.environ if n.startswith(("GIT_", "GITHUB_", "SSH_")) or n.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ.update(HOME=work, GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="A", GIT_AUTHOR_EMAIL="a@example.org",
                  GIT_COMMITTER_NAME="A", GIT_COMMITTER_EMAIL="a@example.org",
                  ASAN_OPTIONS="detect_leaks=0")  # of libgit2, and not possible under strace
for name in ("SOURCE_DATE_EPOCH", "DISTRIBUTOR_KEY"):
    os.environ.pop(name, None)
TAG, REF = "v10.1.0-1", "refs/tags/v10.1.0-1"
WITHOUT_GIT = {"PATH": work}

# One repository with the inputs of a release and its assets beside it.
release = Release(os.path.join(work, "r"))
release.keygen()
git = lambda *a, cwd=release.root, **o: tool("git", *a, cwd=cwd, **o)
write(f"{release.root}/.gitignore", "/out\n/*.pem\n")
git("init", "-q", "-b", "main")
git("commit", "-q", "--allow-empty", "-m", "zero")
git("add", ".")
git("commit", "-q", "-m", "one")
head = git("rev-parse", "HEAD").stdout.strip()
key = os.path.join(work, "r", "release.pem")


def tag(where, *options, status=0, env=None, **more):
    return run("tag", "--matrix", "matrix.json", "--key", key, *options, cwd=where, status=status, env=env, **more)


def copy(name):
    path = os.path.join(work, name)
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(release.root, path, symlinks=True)
    return path


def object_path(where, revision):
    name = git("rev-parse", revision, cwd=where).stdout.strip()
    return f"{where}/.git/objects/{name[:2]}/{name[2:]}"


# Reading: what is damaged is not taken for what is absent
def commits(where):
    """What the documents say that the release was made from, None if there are none."""
    path = f"{where}/out/assets/qemu-user-static-10.1.0-1.release.json"
    return json.loads(read(path))["commit"] or "null" if os.path.exists(path) else None


def truncate(path):
    write(path, "")


def empty(path):
    shutil.rmtree(path)
    os.makedirs(path)


def append(path, text):
    write(path, read(path) + text.encode())


DAMAGES = (
    ("a branch that is empty, as after a power cut", lambda w: truncate(f"{w}/.git/refs/heads/main")),
    ("a branch that is not an id", lambda w: write(f"{w}/.git/refs/heads/main", "x" * 40 + "\n")),
    ("packed-refs that are cut",
     lambda w: (git("pack-refs", "--all", cwd=w), write(f"{w}/.git/packed-refs", "# pack-refs with: peeled\nx"))),
    ("no objects", lambda w: empty(f"{w}/.git/objects")),
    ("the commit is missing", lambda w: os.unlink(object_path(w, "HEAD"))),
    ("the commit is empty", lambda w: (os.chmod(object_path(w, "HEAD"), 0o644), truncate(object_path(w, "HEAD")))),
    ("HEAD is missing", lambda w: os.unlink(f"{w}/.git/HEAD")),
    ("HEAD is empty", lambda w: truncate(f"{w}/.git/HEAD")),
    (".git is an empty directory", lambda w: empty(f"{w}/.git")),
    (".git leads nowhere", lambda w: (shutil.rmtree(f"{w}/.git"), write(f"{w}/.git", "gitdir: /nowhere\n"))),
    ("a configuration that cannot be parsed", lambda w: append(f"{w}/.git/config", "[broken\n")))
for name, damage in DAMAGES:
    where = copy("damaged")
    damage(where)
    text = run("sign", "--matrix", "matrix.json", "--key", key, cwd=where, status=1)
    tap.ok(f"sign refuses a repository: {name}", commits(where) is None and "error: " in text, text)
where = copy("damaged")
os.unlink(object_path(where, "HEAD:matrix.json"))
tap.has("a file of the commit whose bytes are missing is not 'not committed'", tag(where, "--dry-run", status=1),
        "cannot read 'matrix.json'")
where = copy("damaged")
os.unlink(object_path(where, "HEAD^{tree}"))
tap.has("the same of its tree", tag(where, "--dry-run", status=1), "cannot read 'matrix.json'")
where = copy("damaged")
write(f"{where}/.git/{REF}", "broken\n")
tap.has("a tag that cannot be read is not a name that is free", tag(where, status=1), f"cannot read '{REF}'")
tap.has("... nor a bad one", run("verify", "--keys", "keys", "--repo", ".", "--tag", TAG, cwd=where, status=1),
        f"cannot read '{REF}'")

# ... and the two that are told
plain = copy("plain")
shutil.rmtree(f"{plain}/.git")
for name, make, words in (("no repository", lambda: None, "no git repository at '.'"),
                          ("no commit", lambda: git("init", "-q", cwd=plain), "has no commits yet")):
    make()
    shutil.rmtree(f"{plain}/out")
    shutil.copytree(f"{release.root}/out", f"{plain}/out")
    text = run("sign", "--matrix", "matrix.json", "--key", key, cwd=plain)
    tap.has(f"sign: {name} is told", text, words, "no commit is recorded in the release")
    tap.equal("... and the document names none", commits(plain), "null")
tap.has("refused: a --repo that is not there", run("sign", "--matrix", "matrix.json", "--key", key, "--repo", "nowhere",
                                                   cwd=plain, status=3), "directory 'nowhere' not found")


# As another user, to whom permissions mean something
def as_nobody():
    where = copy("nobody")
    home = os.path.join(work, "nobody-home")
    os.makedirs(home, exist_ok=True)
    for path in (where, home):
        tool("chown", "-R", "65534:65534", path)
    nobody = dict(user=65534, group=65534, extra_groups=[])
    for name, path in (("its branch", ".git/refs/heads/main"), ("its HEAD", ".git/HEAD"), (".git", ".git"),
                       ("its objects", ".git/objects"), ("its references", ".git/refs")):
        mode = os.stat(f"{where}/{path}").st_mode
        os.chmod(f"{where}/{path}", 0)
        text = run("sign", "--matrix", "matrix.json", "--key", "release.pem", cwd=where, status=1,
                   env={"HOME": home}, **nobody)
        tap.ok(f"sign refuses a repository when {name} cannot be read", commits(where) is None, text)
        os.chmod(f"{where}/{path}", mode)
    text = run("sign", "--matrix", "matrix.json", "--key", "release.pem", cwd=where, env={"HOME": home}, **nobody)
    tap.equal("... and names the commit when all can be", commits(where), head)
    shutil.rmtree(f"{where}/out")
    shutil.copytree(f"{release.root}/out", f"{where}/out")
    tap.has("sign refuses a repository of another user",
            run("sign", "--matrix", "matrix.json", "--key", key, cwd=where, status=1), "belongs to another user",
            f"safe.directory {where}")


if os.geteuid() == 0:
    try:
        as_nobody()
    except (PermissionError, subprocess.SubprocessError) as e:
        tap.skip("as another user", f"the program cannot be run as another user: {e}")
else:
    tap.skip("as another user", "needs root")


# Errors of the machine, each in the place of one file of git
def under_strace(where, path, fault, command):
    shutil.rmtree(f"{where}/out")
    shutil.copytree(f"{release.root}/out", f"{where}/out")
    return subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-P", path, "-e", f"inject={fault}", PROGRAM,
                           *command], cwd=where, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)


def inject():
    where = copy("faulty")
    sign = ["sign", "--matrix", "matrix.json", "--key", key]
    try_tag = ["tag", "--dry-run", "--matrix", "matrix.json", "--key", key]
    dot = f"{where}/.git"
    rows = [(sign, path, fault) for fault in ("%file:error=EIO", "openat:error=EMFILE:when=1")
            for path in (dot, f"{dot}/HEAD", f"{dot}/config", f"{dot}/refs/heads/main", object_path(where, "HEAD"))]
    rows += [(sign, f"{dot}/refs/heads/main", "%%stat:error=EIO:when=1"), (sign, dot, "%%stat:error=EIO:when=1"),
             (try_tag, object_path(where, "HEAD:matrix.json"), "%file:error=EIO"),
             (try_tag, object_path(where, "HEAD^{tree}"), "%file:error=EIO"),
             (try_tag, f"{dot}/packed-refs", "%file:error=EIO")]
    for command, path, fault in rows:
        done = under_strace(where, path, fault, command)
        said = done.stdout + done.stderr
        # One fault that passes may be got over; then the commit is named.
        good = (done.returncode == 1 and commits(where) is None) or \
            (done.returncode == 0 and "when=1" in fault and "no commit is recorded" not in said)
        tap.ok(f"{command[0]} with {fault} at {os.path.relpath(path, dot)[:30]}", good, done.returncode, said)


if shutil.which("strace") and subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"]).returncode == 0:
    inject()
else:
    tap.skip("errors of the machine", "strace cannot trace here")

# Formats
git("config", "uploadpack.allowFilter", "true")
partial = os.path.join(work, "partial")
git("clone", "-q", "--filter=blob:none", "--sparse", f"file://{release.root}", partial)
git("sparse-checkout", "set", "--no-cone", "/*", cwd=partial)
tap.ok("a partial clone has format 1 and a configuration of its worktree",
       git("config", "extensions.worktreeConfig", cwd=partial).stdout == "true\n" and
       git("config", "core.repositoryFormatVersion", cwd=partial).stdout == "1\n")
tap.has("... and is tagged", tag(partial, "--dry-run"), "would be created")
git("config", "--worktree", "user.name", "Worktree", cwd=partial)
git("config", "--worktree", "user.email", "w@example.org", cwd=partial)
tag(partial)
tap.has("... by whom the worktree is configured to", git("cat-file", "tag", TAG, cwd=partial).stdout,
        "tagger Worktree <w@example.org>")
for extension, value, status, words in (
        ("relativeWorktrees", "true", 0, "would be created"), ("preciousObjects", "true", 0, "would be created"),
        ("refStorage", "reftable", 3, "git refs migrate --ref-format=files"),
        ("objectFormat", "sha256", 3, "git init --object-format=sha1"), ("somethingNew", "1", 1, "extensions.")):
    where = copy("format")
    append(f"{where}/.git/config", f"[core]\n\trepositoryformatversion = 1\n[extensions]\n\t{extension} = {value}\n")
    tap.has(f"extensions.{extension}", tag(where, "--dry-run", status=status), words)
where = copy("format")
git("update-ref", REF, "HEAD", cwd=where)
tap.has("a lightweight tag names the fetch that brings the signed one", tag(where, "--verify", status=4),
        f"git fetch --force origin {REF}:{REF}")
where = copy("linked")
git("worktree", "add", "-q", "--detach", f"{work}/worktree", cwd=where)
tap.has("a worktree of another place", tag(f"{work}/worktree", "--dry-run"), "would be created")


# Pushing
def fresh(name="clone", *options, source=None):
    """New bare repositories `up` and `mine`, and a clone of the first."""
    for bare in ("up.git", "mine.git"):
        shutil.rmtree(f"{work}/{bare}", ignore_errors=True)
        git("clone", "-q", "--bare", release.root, f"{work}/{bare}")
        git("config", "http.receivepack", "true", cwd=f"{work}/{bare}")
        git("config", "uploadpack.allowFilter", "true", cwd=f"{work}/{bare}")
    path = os.path.join(work, name)
    shutil.rmtree(path, ignore_errors=True)
    git("clone", "-q", *options, source or f"{work}/up.git", path)
    return path


def has(bare):
    done = git("rev-parse", "-q", "--verify", REF, cwd=f"{work}/{bare}", check=False)
    return done.stdout.strip() or None


def where_it_went(name, words, up, mine, status=0, env=None, clone=None, **more):
    text = tag(clone or f"{work}/clone", "--push", status=status, env=env, **more)
    tap.has(name, text, *words)
    got = [has("up.git") is not None, has("mine.git") is not None]
    tap.equal("... to the place where git would push it, and no other", got, [up, mine])
    return text


for how, env in (("git", {}), ("libgit2", WITHOUT_GIT)):
    config = lambda *a: git("config", *a, cwd=f"{work}/clone")
    fresh()
    config("remote.origin.pushurl", f"{work}/mine.git")
    where_it_went(f"{how}: a pushurl", ["origin now has the tag"], False, True, env=env)
    tap.has(f"{how}: again", tag(f"{work}/clone", "--push", env=env), "origin already has the tag")
    fresh()
    config("remote.origin.pushurl", "no_push")
    where_it_went(f"{how}: a pushurl that is no_push", ["'no_push' does not appear to be a git repository"],
                  False, False, 3, env=env)
    fresh()
    config("--add", "remote.origin.url", f"{work}/mine.git")
    where_it_went(f"{how}: two URLs", ["origin now has the tag"], True, True, env=env)
    fresh()
    config("remote.origin.url", "up:up.git")
    config(f"url.{work}/.insteadOf", "up:")
    where_it_went(f"{how}: insteadOf with a path", ["origin now has the tag"], True, False, env=env)
    fresh()
    config("remote.origin.url", "up:up.git")
    config(f"url.{work}/u.insteadOf", "up:u")
    config(f"url.{work}/nowhere/.insteadOf", "up:")
    config(f"url.{work}/mine.git.pushInsteadOf", "up:up.git")
    where_it_went(f"{how}: pushInsteadOf, and the longest of several", ["origin now has the tag"], False, True, env=env)
    fresh()
    config("remote.origin.url", "../up.git")
    where_it_went(f"{how}: a relative path is one from the top", ["origin now has the tag"], True, False, env=env)
    fresh()
    os.makedirs(f"{work}/clone/deep")
    text = run("tag", "--matrix", "../matrix.json", "--key", key, "--push", "--remote", "../../mine.git",
               "--keys", "../keys", cwd=f"{work}/clone/deep", env=env)
    tap.has(f"{how}: a path that is typed is one from here", text, "../../mine.git now has the tag")
    # A push of which one half failed.
    fresh()
    config("--add", "remote.origin.url", f"{work}/mine.git")
    os.rename(f"{work}/mine.git", f"{work}/away.git")
    tag(f"{work}/clone", "--push", status=3, env=env)
    os.rename(f"{work}/away.git", f"{work}/mine.git")
    where_it_went(f"{how}: a push that failed for one URL is run again", ["origin now has the tag"], True, True, env=env)
    fresh()
    git("tag", "-a", TAG, "-m", "other", cwd=f"{work}/mine.git")
    config("--add", "remote.origin.url", f"{work}/mine.git")
    there = has("mine.git")
    where_it_went(f"{how}: another tag at the second URL: nothing is sent to the first", [f"as {there}, expected "],
                  False, True, 3, env=env)
    tap.equal("... and nothing there is changed", has("mine.git"), there)

# push.* of the user changes nothing of what is sent
fresh()
git("tag", "-a", "v0.1", "-m", "another", cwd=f"{work}/clone")
for setting in ("push.followTags", "push.default=matching", "push.recurseSubmodules=only"):
    git("config", *f"{setting}=true".split("=")[:2], cwd=f"{work}/clone")
git("commit", "-q", "--allow-empty", "-m", "two", cwd=f"{work}/clone")
tag(f"{work}/clone", "--push")
tap.equal("the tag is sent and nothing else", git("for-each-ref", "--format=%(refname)", cwd=f"{work}/up.git").stdout,
          f"refs/heads/main\n{REF}\n")

# Hooks
fresh()
hook = f"{work}/clone/.git/hooks/pre-push"
write(hook, "#!/bin/sh\necho 'no releases on Fridays' >&2\nexit 1\n")
os.chmod(hook, 0o755)
where_it_went("a pre-push hook that refuses", ["no releases on Fridays"], False, False, 1)
tap.has("--dry-run runs no hook", tag(f"{work}/clone", "--push", "--dry-run"), "would receive the tag")
SECRET = "0123456789abcdefTOKEN"
write(hook, f"#!/bin/sh\n{{ env; tr '\\0' '\\n' </proc/$PPID/environ; ls -l /proc/$$/fd; }} >{work}/hook 2>&1\n")
where_it_went("a pre-push hook that agrees", ["origin now has the tag"], True, False,
              env={"GITHUB_TOKEN": SECRET, "DISTRIBUTOR_KEY": SECRET, "DISTRIBUTOR_KEY_PASSPHRASE": SECRET,
                   "ACTIONS_RUNTIME_TOKEN": SECRET})
text = read(f"{work}/hook").decode(errors="replace")
tap.ok("... gets no secret of this program", "PATH=" in text and SECRET not in text, text)
text = where_it_went("without git it is said that the hook does not run", ["the pre-push hook"], True, False,
                     env=WITHOUT_GIT)

# Shallow and partial clones
for how, options in (("over file://", ("--depth=1",)), ("detached", ("--depth=1", "--branch=main")),
                     ("partial", ("--filter=blob:none",)), ("partial and sparse", ("--filter=blob:none", "--sparse"))):
    fresh("clone", *options, source=f"file://{work}/up.git")
    git("sparse-checkout", "set", "--no-cone", "/*", cwd=f"{work}/clone") if "sparse" in how else None
    git("checkout", "-q", "--detach", cwd=f"{work}/clone") if how == "detached" else None
    where_it_went(f"from a clone that is {'shallow ' if 'depth' in options[0] else ''}{how}", ["origin now has the tag"],
                  True, False)
fresh("clone", "--depth=1", source=f"file://{work}/up.git")
where_it_went("libgit2: a shallow clone is named", ["shallow clone", "git fetch --unshallow"], False, False, 3,
              env=WITHOUT_GIT)
process, port = git_lib.daemon(work)
try:
    fresh("clone", "--depth=1", source=f"git://127.0.0.1:{port}/up.git")
    where_it_went("git daemon, from a shallow clone of it", ["origin now has the tag"], True, False)
    fresh("clone", source=f"git://127.0.0.1:{port}/up.git")
    where_it_went("libgit2: git daemon", ["origin now has the tag"], True, False, env=WITHOUT_GIT)
finally:
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(20)
fresh("clone")
git("config", "remote.origin.url", f"git://127.0.0.1:{port}/up.git", cwd=f"{work}/clone")
where_it_went("a server that is gone may be there later", ["cannot push tag"], False, False, 5)

# Over http, behind a proxy that asks
server = git_lib.serve(work, proxy_login="p:q")
proxy = f"http://p:q@127.0.0.1:{server.server_port}"
remote = f"http://127.0.0.1:{free_port()}/up.git"
for how, env, setting in (("git: http.proxy", {}, proxy), ("git: http_proxy", {"http_proxy": proxy}, None)):
    fresh()
    git("config", "remote.origin.url", remote, cwd=f"{work}/clone")
    if setting:
        git("config", "http.proxy", setting, cwd=f"{work}/clone")
    server.proxied.clear()
    where_it_went(f"{how}, which asks for a login", ["origin now has the tag"], True, False, env=env)
    tap.ok("... and is used", len(server.proxied) > 2, server.proxied)
for how, env, setting in (("git: https_proxy", {"https_proxy": proxy}, None),
                          ("libgit2: https_proxy", {**WITHOUT_GIT, "https_proxy": proxy}, None),
                          ("libgit2: http.proxy", WITHOUT_GIT, proxy)):
    fresh()
    git("config", "remote.origin.url", "https://git.example.invalid/o/r.git", cwd=f"{work}/clone")
    if setting:
        git("config", "http.proxy", setting, cwd=f"{work}/clone")
    server.proxied.clear()
    tag(f"{work}/clone", "--push", env=env, status=5)
    tap.ok(f"{how} for https", "git.example.invalid:443" in server.proxied, server.proxied)
server.shutdown()

# Credentials, as git finds them
server = git_lib.serve(work, login="me:secret")
url = f"http://127.0.0.1:{server.server_port}/up.git"
helper = os.path.join(work, "helper")
write(helper, f"#!/bin/sh\necho \"$1\" >>{work}/helped\n[ $1 = get ] && printf 'username=me\\npassword=secret\\n'\n")
os.chmod(helper, 0o755)


def with_remote(address, *settings):
    fresh()
    git("config", "remote.origin.url", address, cwd=f"{work}/clone")
    for setting in settings:
        git("config", *setting, cwd=f"{work}/clone")


with_remote(url)
began = time.monotonic()
where_it_went("credentials that nobody has", ["could not read Username", "gh auth setup-git", "GITHUB_TOKEN",
                                              f"git push origin {REF}"], False, False, 3, start_new_session=True)
tap.ok("... without a terminal nobody is asked", time.monotonic() - began < 60)
with_remote(url, ("credential.helper", helper))
where_it_went("a credential helper", ["origin now has the tag"], True, False, start_new_session=True)
with_remote(url, ("credential.helper", "!printf 'username=me\\npassword=wrong\\n'; true"))
where_it_went("credentials that are refused", ["Authentication failed"], False, False, 3)
with_remote(url, ("http.extraHeader", "Authorization: Basic bWU6c2VjcmV0"))
where_it_went("http.extraHeader, as actions/checkout leaves it", ["origin now has the tag"], True, False)
with_remote(url)
where_it_went("the token goes to https only", ["GITHUB_TOKEN is for https://github.com"], False, False, 3,
              env={"GITHUB_TOKEN": SECRET}, start_new_session=True)
tap.ok("... and was not sent", "TOKEN" not in str(server.seen), server.seen)
server.login, server.status = None, 403
with_remote(url)
where_it_went("a remote that forbids it", ["403"], False, False, 3)
server.status = 503
where_it_went("a remote that is busy", ["503"], False, False, 5)
server.status, server.login = None, "me:secret"


def typed(answers):
    """Runs the push at a terminal, and types the answer to each question."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(f"{work}/clone")
        os.execv(PROGRAM, [PROGRAM, "tag", "--matrix", "matrix.json", "--key", key, "--push"])
    said, deadline = b"", time.monotonic() + 60
    try:
        while time.monotonic() < deadline and select.select([fd], [], [], 10)[0]:
            said += os.read(fd, 1000)
            for question in [q for q in answers if q in said]:
                os.write(fd, answers.pop(question))
    except OSError:
        pass
    for _ in range(50):  # it has ended, or asks once more
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.1)
    else:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    return status, said.decode(errors="replace")


with_remote(url)
status, text = typed({b"Username for": b"me\n", b"Password for": b"secret\n"})
tap.ok("at a terminal git asks, once", status == 0 and "origin now has the tag" in text and has("up.git"), status, text)
server.shutdown()

# The token: over https, to the server of the matrix, and no helper keeps it
files = git_lib.certificate(work)
server = git_lib.serve(work, login=f"x-access-token:{SECRET}", certificate=files)
url = f"https://localhost:{server.server_port}/up.git"
env = {"GITHUB_TOKEN": SECRET, "GIT_SSL_CAINFO": files[0], "SSL_CERT_FILE": files[0],
       "GITHUB_SERVER_URL": f"https://localhost:{server.server_port}"}
for how, more in (("git", {}), ("libgit2", WITHOUT_GIT)):
    with_remote(url)
    where_it_went(f"{how}: GITHUB_TOKEN", ["origin now has the tag"], True, False, env={**env, **more})
    with_remote(url)
    server.seen.clear()
    where_it_went(f"{how}: GITHUB_TOKEN for another server", ["GITHUB_TOKEN is for"], False, False, 3,
                  env={**env, **more, "GITHUB_SERVER_URL": "https://localhost"})
    tap.ok("... is not sent", not server.seen, server.seen)
store = os.path.join(work, "store")
with_remote(url, ("credential.helper", f"store --file={store}"))
where_it_went("GITHUB_TOKEN, where a helper would keep it", ["origin now has the tag"], True, False, env=env)
tap.ok("... which it does not", not os.path.exists(store) or not read(store), os.path.exists(store) and read(store))
write(f"{work}/helped", "")
with_remote(url, ("credential.helper", helper))
where_it_went("GITHUB_TOKEN, where a helper's credentials are refused", ["origin now has the tag"], True, False, env=env)
tap.ok("... after the helper was asked", read(f"{work}/helped").startswith(b"get"), read(f"{work}/helped"))
hook = f"{work}/clone/.git/hooks/pre-push"
with_remote(url)
write(hook, f"#!/bin/sh\n{{ env; tr '\\0' '\\n' </proc/$PPID/environ; tr '\\0' ' ' </proc/$PPID/cmdline; "
      f"timeout 2 cat <&5; }} >{work}/hook 2>&1\n")
os.chmod(hook, 0o755)
where_it_went("GITHUB_TOKEN, with a hook", ["origin now has the tag"], True, False, env=env)
text = read(f"{work}/hook").decode(errors="replace")
tap.ok("... which finds it in no environment, argument or pipe", "PATH=" in text and SECRET not in text, text)
for what, second in (("two URLs of its server", url.replace("up.git", "mine.git")), ("a URL of its server and a path", f"{work}/mine.git")):
    with_remote(url, ("--add", "remote.origin.pushurl", url), ("--add", "remote.origin.pushurl", second))
    write(f"{work}/hook", "")
    write(hook, f"#!/bin/sh\n{{ echo to $2; timeout 2 cat <&5; }} >>{work}/hook 2>/dev/null; true\n")
    os.chmod(hook, 0o755)
    where_it_went(f"GITHUB_TOKEN for {what}", ["origin now has the tag"], True, True, env=env)
    text = read(f"{work}/hook").decode(errors="replace")
    tap.equal("... each with its hook, and without the token", text, f"to {url}\nto {second}\n")
    tap.has("... and again", tag(f"{work}/clone", "--push", env=env), "origin already has the tag")
done = subprocess.run([PROGRAM, "Password for 'https://x@github.com': "], capture_output=True, text=True,
                      env=dict(os.environ, DISTRIBUTOR_ASKPASS="5 https://github.com:443"))
tap.ok("asked without the pipe, it answers nothing", done.returncode != 0 and not done.stdout, done)
server.shutdown()


# ssh: a Host of ssh_config, and commands that are configured
def ssh_cases():
    directory = os.path.join(work, "ssh")
    os.makedirs(directory)
    for name in ("host", "user"):
        tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", f"{directory}/{name}")
    port = free_port()
    sshd = git_lib.sshd(directory, port)
    try:
        if not any("listening" in line for line in iter(sshd.stderr.readline, "")):
            return tap.skip("an alias of ssh_config", "sshd cannot be started in a mount namespace here")
        threading.Thread(target=sshd.stderr.read, daemon=True).start()
        write(f"{directory}/known", f"[127.0.0.1]:{port} " + read(f"{directory}/host.pub").decode())
        write(f"{directory}/config", f"Host work\n  HostName 127.0.0.1\n  Port {port}\n  User root\n"
              f"  IdentityFile {directory}/user\n  IdentitiesOnly yes\n  UserKnownHostsFile {directory}/known\n")
        command = ("core.sshCommand", f"ssh -F {directory}/config")
        with_remote(f"work:{work}/up.git", command)
        where_it_went("an alias of ssh_config", ["origin now has the tag"], True, False, start_new_session=True)
        with_remote(f"ssh://work{work}/up.git")
        where_it_went("GIT_SSH_COMMAND", ["origin now has the tag"], True, False, env={"GIT_SSH_COMMAND": command[1]})
        write(f"{directory}/known", "")
        with_remote(f"work:{work}/up.git", command)
        where_it_went("a host that is not known", ["Host key verification failed"], False, False, 3,
                      start_new_session=True)
    finally:
        sshd.terminate()
        sshd.wait(20)


try:
    if os.geteuid() == 0 and shutil.which("ssh"):
        ssh_cases()
    else:
        tap.skip("an alias of ssh_config", "needs root, for a mount namespace, and ssh")
except debian.Unavailable as e:
    tap.skip("an alias of ssh_config", e)

# What a page says of the release before: nothing that nobody has looked up
git("tag", "-a", "v9.0.0-1", "-m", "before", "HEAD^")
for name, options, words, warned in (
        ("a repository of its own", None, "The previous release has no lock to compare with.", False),
        ("a clone", ("--no-local",), "The previous release has no lock to compare with.", False),
        ("a shallow clone", ("--depth=1",), "Not compared with the previous release.", True),
        ("a clone without tags", ("--no-tags",), "Not compared with the previous release.", True)):
    where = release.root
    if options:
        where = os.path.join(work, "page")
        shutil.rmtree(where, ignore_errors=True)
        git("clone", "-q", *options, f"file://{release.root}", where)
    if not os.path.exists(f"{release.root}/out/assets/SHA256SUMS.sig"):
        run("sign", "--matrix", "matrix.json", "--key", key, cwd=release.root)
    if where != release.root:
        shutil.copytree(f"{release.root}/out", f"{where}/out")
    shutil.rmtree(f"{work}/pages", ignore_errors=True)
    text = run("publish", "--matrix", "matrix.json", "--target", "directory", f"{work}/pages", cwd=where)
    page = read(f"{work}/pages/{TAG}.md").decode()
    tap.has(f"the page from {name}", page.split("## Changes")[1].split("##")[0], words)
    tap.equal("... warns where it does not know", "no earlier tag found" in text, warned)
git("tag", "-d", "v9.0.0-1")
shutil.rmtree(f"{work}/pages")
run("publish", "--matrix", "matrix.json", "--target", "directory", f"{work}/pages", cwd=release.root)
tap.has("a repository without a remote knows that it is the first", read(f"{work}/pages/{TAG}.md").decode(),
        "This is the first release.")

# A repository whose configuration names programs: only a push runs them
where = fresh()
trap = os.path.join(work, "trap")
write(trap, f"#!/bin/sh\necho \"$0 $*\" >>{work}/trapped\nexit 1\n")
os.chmod(trap, 0o755)
for name in ("core.fsmonitor", "core.sshCommand", "core.askPass", "core.pager", "core.editor", "core.gitProxy",
             "credential.helper", "gpg.ssh.program", "gpg.program", "diff.external", "uploadpack.packObjectsHook",
             "filter.x.smudge", "filter.x.process"):
    git("config", name, trap, cwd=where)
git("config", "alias.push", f"!{trap}", cwd=where)
for name in ("pre-push", "reference-transaction", "post-index-change"):
    shutil.copy(trap, f"{where}/.git/hooks/{name}")
# A program git in PATH that tells when it is started.
os.makedirs(f"{work}/bin")
write(f"{work}/bin/git", f"#!/bin/sh\necho git \"$@\" >>{work}/trapped\nexit 1\n")
os.chmod(f"{work}/bin/git", 0o755)
env = {"PATH": f"{work}/bin:{os.environ['PATH']}"}
shutil.copytree(f"{release.root}/out", f"{where}/out")
tag(where, env=env)
run("sign", "--matrix", "matrix.json", "--key", key, cwd=where, env=env)
for command in (["tag", "--matrix", "matrix.json", "--verify"],
                ["verify", "--keys", "keys", "--repo", ".", "--tag", TAG, "out/assets"],
                ["publish", "--matrix", "matrix.json", "--target", "directory", f"{work}/published"],
                ["reproduce", "--matrix", "matrix.json", "--offline", TAG]):
    run(*command, cwd=where, env=env, status=None)
tap.ok("no command but a push runs git or what git is configured to", not os.path.exists(f"{work}/trapped"),
       os.path.exists(f"{work}/trapped") and read(f"{work}/trapped"))
tag(where, "--push", env=env, status=None)
tap.has("... and a push does", read(f"{work}/trapped").decode(), "git push --porcelain")

shutil.rmtree(work)
tap.done()
