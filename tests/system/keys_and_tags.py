#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rotation, revocation and the root key, played through; tags made, pushed, verified and attacked."""
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

import debian
import git_lib
import tap
from port_lib import free_port
from sign_lib import EPOCH, PROGRAM, Release, read, run, sha256, tool, write

work = tempfile.mkdtemp(prefix="trust-")
os.environ.update(HOME=work, GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="A", GIT_AUTHOR_EMAIL="a@example.org",
                  GIT_COMMITTER_NAME="A", GIT_COMMITTER_EMAIL="a@example.org")
for name in ("SOURCE_DATE_EPOCH", "GITHUB_REF_TYPE", "GITHUB_TOKEN"):
    os.environ.pop(name, None)


def ssh_verdict(release, keys="keys", *options):
    with open(release.path("SHA256SUMS")) as sums:
        return tool("ssh-keygen", "-Y", "verify", "-f", f"{release.root}/{keys}/allowed_signers", "-I",
                    "release@example.org", "-n", "file", *options, "-s", release.path("SHA256SUMS.sig"),
                    check=False, stdin=sums)


# making a key
maker = os.path.join(work, "maker")
os.makedirs(maker)
keygen = lambda keys, status, name="k.pem": run("keygen", "--no-passphrase", "--keys", keys, name, cwd=maker,
                                                status=status)
write(f"{maker}/file", "no directory")
for keys in ("file", "file/keys"):
    tap.has(f"refused as bad input: --keys {keys}", keygen(keys, 3),
            "cannot create directory 'file': Not a directory")
tap.equal("... and no key without its public part is left", os.listdir(maker), ["file"])
done = tool("setsid", "-w", PROGRAM, "keygen", "--keys", "keys", "k.pem", cwd=maker, check=False,
            stdin=subprocess.DEVNULL)
tap.ok("without a passphrase, and a terminal to ask on, nothing is made", done.returncode == 2 and
       os.listdir(maker) == ["file"], done.stderr, os.listdir(maker))
keygen("keys", 0)
secret = read(f"{maker}/k.pem")
tap.has("refused: a key file that is there", keygen("keys", 3),
        "'k.pem' exists and is not overwritten; choose another name")
tap.equal("... and it stays", read(f"{maker}/k.pem"), secret)

# one thing at a time, and what is not understood is told
for name, words, status, sentence in (
        ("no root key to endorse with", ("--endorse", "--key", "k.pem"), 3,
         "'keys/root_signers' does not exist; create a root key with 'distributor keygen --root'"),
        ("two things at a time", ("--endorse", "--revoke", "keys/release.pub"), 2, "mutually exclusive"),
        ("an operand of --endorse", ("--endorse", "k.pem"), 2, "--endorse: unexpected argument 'k.pem'"),
        ("an operand of --revoke", ("--revoke", "keys/release.pub", "x"), 2, "unexpected argument 'x'"),
        ("a file for no form", ("--output", "new", "keys/release.pub"), 2, "--output requires --to"),
        ("a secret key as a public one", ("k.pem",), 3, "'k.pem' is a secret key, expected a public key"),
        ("a secret key to revoke", ("--revoke", "k.pem"), 3, "'k.pem' is a secret key, expected a public key"),
        *((f"a secret key on the terminal, {form}", ("--key", "k.pem", "--to", form), 2,
           "secret keys are only written to a file; use --output FILE")
          for form in ("secret-pem", "secret-line", "secret-openssh")),
        ("a form that is not known", ("--to", "secret-rsa", "--key", "k.pem", "--output", "new"), 2, "--to takes ssh,"),
        ("a secret key over a file that is there", ("--to", "secret-pem", "--key", "k.pem", "--output", "k.pem"), 3,
         "'k.pem' exists and a key file is never replaced"),
        ("no key at all", (), 2, "name a public key file, such as 'keys/release.pub' or a signing key with --key FILE"),
        ("a list as a key", ("two",), 3, "'two' is not a public key: it has more than one line")):
    write(f"{maker}/two", "one\ntwo\n")
    tap.has(f"refused by key: {name}", run("key", *words, cwd=maker, status=status), sentence)
tap.equal("... and nothing is revoked or written", sorted(os.listdir(maker) + os.listdir(f"{maker}/keys")),
          [".gitattributes", "allowed_signers", "file", "k.pem", "keys", "minisign.pub", "release.pem", "release.pub", "two"])
said = run("key", "--revoke", "keys/release.pub", cwd=maker)
tap.ok("without a root key nobody is told to sign with it", "revoked_keys" in said and "root" not in said, said)
revoked = json.loads(run("key", "--json", "--revoke", "keys/release.pub", cwd=maker))
tap.equal("--revoke --json says what and where", (revoked["list"], revoked["root_has_to_sign"],
                                                  revoked["revoked"][:7]), ("keys/revoked_keys", False, "SHA256:"))
tap.equal("--to --json has the form", json.loads(run("key", "--json", "--to", "ssh", "keys/release.pub", cwd=maker)),
          {"form": "ssh", "text": run("key", "--to", "ssh", "keys/release.pub", cwd=maker)})
keygen("keys", 0, "k2.pem")
for name in ("allowed_signers", "revoked_keys"):
    write(f"{maker}/keys/{name}", read(f"{maker}/keys/{name}").rstrip(b"\n"))
keygen("keys", 0, "k3.pem")
tap.equal("a last line of allowed_signers without its end keeps its own line",
          len(read(f"{maker}/keys/allowed_signers").splitlines()), 2)
run("key", "--revoke", "keys/release.pub", cwd=maker)
tap.equal("... and one of revoked_keys", len(read(f"{maker}/keys/revoked_keys").splitlines()), 2)
tap.equal("what is revoked is no longer allowed", len(read(f"{maker}/keys/allowed_signers").splitlines()), 1)

# the root key
first = Release(os.path.join(work, "first"), version="10.1.0-1")
first.keygen()
first.keygen("--root", name="root.pem", principal="root@example.org")
text = first.sign(status=4)
tap.has("a root key that has signed nothing yet is not ignored", text, "'keys/allowed_signers' is not signed by the root key: "
        "'keys/allowed_signers.sig' is missing", "distributor key --endorse")
endorsed = json.loads(run("key", "--json", "--endorse", "--key", "root.pem", cwd=first.root))
first.sign()
fingerprint = run("key", "--key", "root.pem", cwd=first.root).split()[1]
tap.equal("--endorse --json says by which key", (endorsed.pop("date")[:2], endorsed),
          ("20", {"keys": "keys", "root": fingerprint, "serial": 1}))
tap.has("verify says which root key signed the list", first.verify(), f"root key {fingerprint}")
first.verify("--root", fingerprint, "out/assets")
tap.has("refused: another root key than the pinned one",
        first.verify("--root", "SHA256:other", "out/assets", status=4), f"by root key {fingerprint}, expected SHA256:other")
with open(f"{first.root}/keys/allowed_signers") as signers:
    done = tool("ssh-keygen", "-Y", "verify", "-f", f"{first.root}/keys/root_signers", "-I", "root@example.org",
                "-n", "keys", "-s", f"{first.root}/keys/allowed_signers.sig", check=False, stdin=signers)
tap.ok("ssh-keygen verifies the root signature", done.returncode == 0, done.stderr)
with open(f"{first.root}/keys/allowed_signers") as signers:
    done = tool("ssh-keygen", "-Y", "verify", "-f", f"{first.root}/keys/root_signers", "-I", "root@example.org",
                "-n", "file", "-s", f"{first.root}/keys/allowed_signers.sig", check=False, stdin=signers)
tap.ok("the root signature is refused in the namespace file", done.returncode != 0)
shutil.copytree(f"{first.root}/keys", f"{work}/forged")
write(f"{work}/forged/allowed_signers", read(f"{first.root}/keys/allowed_signers") + b"# x\n")
tap.has("refused: a list that was changed after the root signed it",
        run("verify", "--keys", f"{work}/forged", first.assets, status=4), "does not verify")
os.unlink(f"{work}/forged/root_signers")
tap.has("refused: a list whose root was taken away, where a root is pinned",
        run("verify", "--keys", f"{work}/forged", "--root", fingerprint, first.assets, status=4),
        "has no root_signers")
write(f"{work}/forged/root_signers", read(f"{first.root}/keys/root_signers").replace(b'"keys"', b'"file"'))
tap.has("refused: a root that may not sign lists", run("verify", "--keys", f"{work}/forged", first.assets, status=4),
        "may not sign in the namespace 'keys'")
tap.has("the root key signs no release", first.sign("--key", "root.pem", "--lock", "matrix.lock.json") if
        not os.path.exists(first.path("SHA256SUMS.sig")) else
        (os.unlink(first.path("SHA256SUMS.sig")), first.sign("--key", "root.pem", status=4))[1],
        "is not in allowed_signers")
first.sign()

# rotation: a second key, both trusted; then the first revoked
os.rename(first.key, first.key + ".old")
shutil.copy(f"{first.root}/keys/release.pub", f"{first.root}/old.pub")
tap.has("a new key asks for the root key's signature", first.keygen(),
        "next, sign both lists with the root key: distributor key --endorse --key ROOT.pem; until then 'keys' is refused")
tap.has("refused: a new key that the root has not signed", first.verify(status=4),
        "'keys/allowed_signers' is not signed by the root key")
run("key", "--endorse", "--key", "root.pem", cwd=first.root)
tap.has("after rotation the old release is still good", first.verify(), "all 8 files")
second = Release(os.path.join(work, "second"), version="10.2.0-1")
shutil.copytree(f"{first.root}/keys", f"{second.root}/keys")
shutil.copy(first.key, second.key)
second.sign()
tap.has("and the new one", second.verify(), "all 8 files")
tap.ok("ssh-keygen takes both", ssh_verdict(first).returncode == 0 and ssh_verdict(second).returncode == 0)
tap.has("a revocation asks for it as well", run("key", "--revoke", "old.pub", cwd=first.root),
        "added to 'keys/revoked_keys', removed from 'keys/allowed_signers'", "distributor key --endorse")
tap.has("refused: a revocation that the root has not signed", first.verify(status=4),
        "'keys/allowed_signers' is not signed by the root key")
run("key", "--endorse", "--key", "root.pem", cwd=first.root)
tap.has("after revocation the old release is refused", first.verify(status=4), "which is revoked")
run("verify", "--keys", f"{first.root}/keys", second.assets)
tap.ok("ssh-keygen -r refuses it too",
       ssh_verdict(first, "keys", "-r", f"{first.root}/keys/revoked_keys").returncode != 0)
tap.ok("and takes the new one",
       ssh_verdict(second, "keys", "-r", f"{first.root}/keys/revoked_keys").returncode == 0)
tap.has("the revoked key signs nothing", (os.unlink(first.path("SHA256SUMS.sig")),
                                         first.sign("--key", "release.pem.old", status=4))[1], "which is revoked")
run("key", "--revoke", "old.pub", cwd=first.root)
tap.equal("revoking twice is once", (len(read(f"{first.root}/keys/revoked_keys").splitlines()),
                                     os.path.exists(f"{first.root}/keys/revoked_keys.sig")), (2, True))
write(f"{work}/forged/root_signers", "")
for name, data, sentence in (
        ("allowed_signers", b"x valid-before=\"2030\" ssh-ed25519 AAAA\n", "OpenSSH before 8.7"),
        ("allowed_signers", b"x cert-authority,namespaces=\"file\" ssh-ed25519 AAAA\n", "no other option is allowed"),
        ("allowed_signers", b"x namespaces=\"file\" ssh-rsa AAAA\n", "has no key of type ssh-ed25519"),
        ("release.pem", read(f"{second.root}/keys/release.pem"), "")):
    broken = os.path.join(work, "broken")
    shutil.rmtree(broken, ignore_errors=True)
    shutil.copytree(f"{second.root}/keys", broken)
    for extra in ("root_signers", "allowed_signers.sig"):
        os.unlink(os.path.join(broken, extra))
    write(os.path.join(broken, name), data)
    if sentence:
        tap.has(f"refused: {sentence}", run("verify", "--keys", broken, second.assets, status=3), sentence)
stranger = Release(os.path.join(work, "stranger"))
stranger.keygen()
shutil.copy(f"{stranger.root}/keys/minisign.pub", os.path.join(broken, "minisign.pub"))
tap.has("refused: minisign.pub holds another key", run("verify", "--keys", broken, second.assets, status=4),
        "minisign.pub' contains key")

# tags
repo = second
git = lambda *a, **o: tool("git", *a, cwd=repo.root, **o)
git("init", "-q", "-b", "main")
git("add", "matrix.json", "matrix.lock.json", "keys")
git("commit", "-q", "-m", "release")
git("config", "user.name", "A")
git("config", "user.email", "a@example.org")
repo.sign()


def tag(*options, status=0, env=None):
    return run("tag", "--matrix", "matrix.json", *options, cwd=repo.root, status=status, env=env)


def git_verdict(name, *options):
    return git("-c", "gpg.ssh.allowedSignersFile=keys/allowed_signers", *options, "verify-tag",
               "--format=%(tag)", name, check=False)


# A tag stands for matrix and lock: its commit has them, to the byte.
for name in ("matrix.json", "matrix.lock.json"):
    committed = read(f"{repo.root}/{name}")
    write(f"{repo.root}/{name}", committed + b"\n")
    for options in ((), ("--dry-run",), ("--push",)):
        tap.has(f"refused: a {name} that is not committed {options}",
                tag("--key", "release.pem", *options, status=3),
                f"'{name}' differs from the committed version; commit it first")
    git("commit", "-q", "-a", "-m", "changed")
    tap.has(f"... and --commit of one with another {name}",
            tag("--key", "release.pem", "--dry-run", "--commit", "HEAD^", status=3), f"'{name}' differs")
    git("reset", "-q", "--hard", "HEAD^")
git("rm", "-q", "--cached", "matrix.lock.json")
git("commit", "-q", "-m", "without the lock")
tap.has("refused: a lock that is in no commit", tag("--key", "release.pem", status=3),
        "'matrix.lock.json' is not committed")
git("reset", "-q", "HEAD^")
tap.equal("no tag was made", git("tag").stdout, "")
tap.has("--dry-run makes no tag", tag("--key", "release.pem", "--dry-run"), "would be created")
tap.equal("really", git("tag").stdout, "")
# What lies in OUT from a trial, or from the release before, is not what the tag is of.
SUMS = ("SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.minisig")
kept = {name: read(repo.path(name)) for name in SUMS}
trial = Release(os.path.join(work, "trial"), version="10.2.0-1")
trial.keygen()
older = Release(os.path.join(work, "older"), version="10.1.9-1")
shutil.copytree(f"{repo.root}/keys", f"{older.root}/keys")
shutil.copy(repo.key, older.key)
for what, other in (("with another key", trial), ("for another version", older)):
    other.sign()
    for name in SUMS:
        shutil.copy(other.path(name), repo.path(name))
    tap.has(f"refused: to name a SHA256SUMS that was signed {what}",
            tag("--key", "release.pem", "--sums", status=3),
            "the tag cannot name 'out/assets/SHA256SUMS'", "not signed for v10.2.0-1",
            "sign the release first: distributor sign --matrix matrix.json")
for name, data in kept.items():
    write(repo.path(name), data)
text = tag("--key", "release.pem")
tap.ok("unasked, a tag names none: a workflow signs its own", "The tag names" not in text and
       "SHA256SUMS" not in git("cat-file", "tag", "v10.2.0-1").stdout)
tap.has("... and is the same that would name one", tag("--sums"), "already exists")
git("tag", "-d", "v10.2.0-1")
# git's lock of the reference is nobody's to remove but its owner's, however old it is.
lock = f"{repo.root}/.git/refs/tags/v10.2.0-1.lock"
write(lock, "")
os.utime(lock, (1, 1))
began = time.monotonic()
tap.has("refused: a tag that another process of git has locked", tag("--key", "release.pem", "--sums", status=1),
        f"'{lock}' is locked by another git process; if none is running, remove that file")
tap.ok("... which was given time to go, and stays", time.monotonic() - began > 3 and os.path.exists(lock))
threading.Timer(1, os.unlink, (lock,)).start()
tap.has("a lock that goes is waited for", tag("--key", "release.pem", "--sums", "v10.2.0-1"),
        "v10.2.0-1 created: ", "The tag names a SHA256SUMS")
done = git_verdict("v10.2.0-1")
tap.ok("git verify-tag", done.returncode == 0 and done.stdout == "v10.2.0-1\n", done.stderr)
done = git("fsck", "--strict", check=False)
tap.ok("git fsck --strict has nothing to say", done.returncode == 0 and done.stderr == "", done.stderr)
body = git("cat-file", "tag", "v10.2.0-1").stdout
tap.has("the message has versions and digests", body, "x86_64: QEMU 10.2.0, 2:10.2.0-1.fc43", "matrix.lock.json: ",
        "SHA256SUMS: ")
tap.has("the time is the lock's", body, f"tagger A <a@example.org> {EPOCH} +0000")
text, armour = body.split("-----BEGIN SSH SIGNATURE-----")
write(f"{work}/tag-text", text)
tool("ssh-keygen", "-q", "-Y", "sign", "-f", repo.openssh_key(), "-n", "git", f"{work}/tag-text")
tap.equal("the signature is what ssh-keygen makes", "-----BEGIN SSH SIGNATURE-----" + armour,
          read(f"{work}/tag-text.sig").decode())
tap.has("the same again needs no key and is success", tag(), "already exists")
tap.has("tag --verify", tag("--verify"), "is verified: signed by allowed key")
bare = os.path.join(work, "bare.git")
tool("git", "clone", "-q", "--bare", repo.root, bare)
tap.has("... in a bare repository, too", tag("--verify", "--repo", bare), "is verified: signed by allowed key "
        + tool("ssh-keygen", "-lf", f"{repo.root}/keys/release.pub").stdout.split()[1] + " from ")
for name in ("matrix.json", "matrix.lock.json"):
    committed = read(f"{repo.root}/{name}")
    write(f"{repo.root}/{name}", committed + b"\n")
    tap.has(f"refused: the tag has another {name}", tag("--verify", status=4),
            f"'{name}' does not match tag 'v10.2.0-1'")
    write(f"{repo.root}/{name}", committed)
tap.has("verify --repo binds tag and files", repo.verify("--repo", ".", "out/assets"), "the tag names this SHA256SUMS")
single = os.path.join(repo.root, "single")
os.makedirs(single)
for name in ("SHA256SUMS", "SHA256SUMS.sig", repo.names[0]):
    shutil.copy(repo.path(name), single)
tap.has("verify --repo does not pass over a tag that it cannot name",
        repo.verify("--repo", ".", f"single/{repo.names[0]}", status=4), "use --tag")
shutil.rmtree(single)
tap.has("verify --tag alone", repo.verify("--tag", "v10.2.0-1"), "v10.2.0-1 is signed by release@example.org")
tap.has("another time is other content, with both", tag("--key", "release.pem", status=1,
                                                        env={"SOURCE_DATE_EPOCH": "1800000000"}),
        f"by A <a@example.org> at {EPOCH}, expected A <a@example.org> at 1800000000")
tap.has("another version than the matrix'", tag("v10.3.0-1", status=3), "the matrix has version 10.2.0-1")
git("commit", "-q", "--allow-empty", "-m", "later")
tap.has("another commit is other content", tag("--key", "release.pem", status=1), ", expected ")
tap.has("refused: the tag is not of HEAD", tag("--verify", status=4), "points to commit")
git("reset", "-q", "--hard", "HEAD^")
os.unlink(repo.path("SHA256SUMS"))
tap.has("one that names a SHA256SUMS stays without it", tag(), "already exists", "The tag names a SHA256SUMS")
provenance = read(repo.path("provenance.sigstore.json"))
os.unlink(repo.path("provenance.sigstore.json"))
repo.sign("--key", "release.pem", env={"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r",
                                       "GITHUB_WORKFLOW_REF": "o/r/w.yml@main", "GITHUB_RUN_ID": "7"})
tap.has("another message is other content, with the lines that differ",
        tag("--key", "release.pem", "--sums", status=1),
        f'with "SHA256SUMS: {sha256(kept["SHA256SUMS"])}"', ', expected "SHA256SUMS: ')
write(repo.path("provenance.sigstore.json"), provenance)
for name, data in kept.items():
    write(repo.path(name), data)

# attacks on the tag
actions = {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v10.2.0-1"}
tap.has("a run that the tag started signs", repo.sign("--key", "release.pem", env=actions), "signed")
git("update-ref", "refs/tags/v10.9.0-1", "refs/tags/v10.2.0-1")
done = git_verdict("v10.9.0-1")
tap.ok("git says Good to a renamed tag", done.returncode == 0)
tap.has("refused: a renamed tag", repo.verify("--tag", "v10.9.0-1", status=4), "the tag was renamed")
tap.has("refused: a run started by a tag of another version",
        repo.sign("--key", "/dev/null/no-key", env=dict(actions, GITHUB_REF_NAME="v10.9.0-1"), status=4),
        "refusing the tag that started this run", "the matrix has version")
good_id = git("rev-parse", "v10.2.0-1").stdout.strip()


def replace_tag(data):
    made = tool("git", "hash-object", "-t", "tag", "-w", "--stdin", cwd=repo.root, input=data)
    git("update-ref", "refs/tags/v10.2.0-1", made.stdout.strip())


for name, data, sentence in (
        ("an altered message", body.replace("QEMU 10.2.0", "QEMU 10.2.1", 1), "does not verify"),
        ("an unsigned tag", text, "is not signed"),
        ("an OpenPGP signature", text + "-----BEGIN PGP SIGNATURE-----\n", "not an SSH signature")):
    replace_tag(data)
    tap.has(f"refused: {name}", repo.verify("--tag", "v10.2.0-1", status=4), sentence)
    tap.has(f"no key is read for {name}", repo.sign("--key", "/dev/null/no-key", env=actions, status=4),
            "refusing the tag that started this run", sentence)
git("update-ref", "refs/tags/v10.2.0-1", "HEAD")
tap.has("refused: a lightweight tag", repo.verify("--tag", "v10.2.0-1", status=4), "is a lightweight tag")
tap.has("a lightweight tag in the way", tag("--key", "release.pem", status=4), "is a lightweight tag")
git("update-ref", "refs/tags/v10.2.0-1", good_id)
tap.has("no such tag", repo.verify("--tag", "v0", status=4), "tag 'v0' not found")
other_key = stranger.openssh_key()
git("-c", "gpg.format=ssh", "-c", f"user.signingkey={other_key}", "tag", "-f", "-s", "v10.2.0-1", "-m", "x")
tap.has("refused: signed by a stranger", repo.verify("--tag", "v10.2.0-1", status=4), "is not in allowed_signers")
git("update-ref", "refs/tags/v10.2.0-1", good_id)
write(f"{work}/revoked", read(f"{repo.root}/keys/release.pub"))
tap.ok("git refuses a revoked key with its revocation file",
       git_verdict("v10.2.0-1", "-c", f"gpg.ssh.revocationFile={work}/revoked").returncode != 0)

# pushing
remote = os.path.join(work, "remote.git")
tool("git", "init", "-q", "--bare", remote)
push = lambda *o, **k: tag("--push", "--remote", remote, *o, **k)
tap.has("--push --dry-run", push("--dry-run"), "would receive the tag")
tap.equal("sends nothing", tool("git", "tag", cwd=remote).stdout, "")
write(f"{remote}/refs/tags/v10.2.0-1.lock", "")
for how, env in (("git", {}), ("libgit2", {"PATH": work})):
    tap.has(f"refused by {how}: --push to a path where the tag is locked", push(status=5 if env == {} else 1, env=env),
            "refs/tags/v10.2.0-1.lock'", f"{remote}/")
tap.ok("... and the lock stays", os.path.exists(f"{remote}/refs/tags/v10.2.0-1.lock"))
os.unlink(f"{remote}/refs/tags/v10.2.0-1.lock")
tap.has("--push to a path", push(), "now has the tag")
tap.equal("the same object is there", tool("git", "rev-parse", "v10.2.0-1", cwd=remote).stdout.strip(), good_id)
tap.has("again is success", push(), "already has the tag")
elsewhere = os.path.join(work, "elsewhere")
tool("git", "clone", "-q", remote, elsewhere)
tool("git", "tag", "-f", "-a", "v10.2.0-1", "-m", "other", "v10.2.0-1^{}", cwd=elsewhere)
tool("git", "push", "-q", "-f", "origin", "v10.2.0-1", cwd=elsewhere)
for how, env in (("git", {}), ("libgit2", {"PATH": work})):
    tap.has(f"another tag there is refused, with both ids ({how})", push(status=3, env=env), f"expected {good_id}",
            tool("git", "rev-parse", "v10.2.0-1", cwd=remote).stdout.strip())
tap.has("a path with nothing", tag("--push", "--remote", f"{work}/nothing", status=3),
        f"cannot push to '{work}/nothing': it is not a remote of this repository, a URL")
tap.has("no remote of that name", tag("--push", status=3), "cannot push to 'origin'")
git("remote", "add", "origin", remote)
tool("git", "tag", "-d", "v10.2.0-1", cwd=remote)
tap.has("a remote by its name", tag("--push"), "origin now has the tag")
tap.has("a URL with a password", tag("--push", "--remote", "https://u:S3cr3t@127.0.0.1/x", status=2), "password")
tap.has("plain http to elsewhere", tag("--push", "--remote", "http://example.org/x", status=2), "over https, ssh")


server = git_lib.serve(work)
url = f"http://127.0.0.1:{server.server_port}/remote.git"
tool("git", "tag", "-d", "v10.2.0-1", cwd=remote)
tool("git", "config", "http.receivepack", "true", cwd=remote)
hook = os.path.join(remote, "hooks", "update")
write(hook, "#!/bin/sh\necho 'tags are closed' >&2\nexit 1\n")
os.chmod(hook, 0o755)
tap.has("a hook's refusal is an error, though the push succeeds",
        tag("--push", "--remote", url, status=3), "the remote rejected it: hook declined", "tags are closed")
tap.has("... also to libgit2", tag("--push", "--remote", url, status=3, env={"PATH": work}),
        "the remote rejected it: hook declined")
os.unlink(hook)
tap.has("over http to this machine", tag("--push", "--remote", url), "now has the tag")
server.shutdown()


def ssh_cases():
    directory = os.path.join(work, "ssh")
    os.makedirs(directory)
    os.makedirs(f"{work}/.ssh", mode=0o700)
    for name in ("host", "user"):
        tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", f"{directory}/{name}")
    port = free_port()
    sshd = git_lib.sshd(directory, port)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", f"{directory}/agent"], stdout=subprocess.DEVNULL)
    try:
        if not any("listening" in line for line in iter(sshd.stderr.readline, "")):
            return tap.skip("--push over ssh with the agent", "sshd cannot be started in a mount namespace here")
        threading.Thread(target=sshd.stderr.read, daemon=True).start()
        env = {"SSH_AUTH_SOCK": f"{directory}/agent"}
        # Without a git to be found. libgit2 1.5 forgets some memory of its own in each handshake of ssh.
        push = lambda status: tag("--push", "--remote", f"ssh://root@127.0.0.1:{port}{remote}", status=status,
                                  env=dict(env, PATH=work, ASAN_OPTIONS="detect_leaks=0"))
        tool("git", "tag", "-d", "v10.2.0-1", cwd=remote)
        tap.has("an ssh host that is not known is refused", push(3), "unknown remote ssh hostkey")
        write(f"{work}/.ssh/known_hosts", f"[127.0.0.1]:{port} " + read(f"{directory}/host.pub").decode())
        tap.has("an agent without a key", push(3), "cannot reach the remote")
        tool("ssh-add", "-q", f"{directory}/user", env=dict(os.environ, **env))
        tap.has("--push over ssh with the agent", push(0), "now has the tag")
        tap.has("and again", push(0), "already has the tag")
    finally:
        for process in (sshd, agent):
            process.terminate()
            process.wait(20)


try:
    if os.geteuid() == 0 and shutil.which("ssh-agent"):
        ssh_cases()
    else:
        tap.skip("--push over ssh with the agent", "needs root, for a mount namespace, and ssh-agent")
except debian.Unavailable as e:
    tap.skip("--push over ssh with the agent", e)

if os.geteuid() == 0:
    write(f"{work}/.gitconfig", "")
    os.chown(repo.root, 12345, 12345)
    os.chown(f"{repo.root}/.git", 12345, 12345)
    tap.has("a repository of another user: what to do about it", tag("--verify", status=1),
            "belongs to another user", f"safe.directory {repo.root}")
    write(f"{work}/.gitconfig", f"[safe]\n\tdirectory = {repo.root}\n")
    tap.has("and then it works", tag("--verify"), "is verified: signed by allowed key")
else:
    tap.skip("a repository of another user: what to do about it", "needs root")
shutil.rmtree(work)
tap.done()
