#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The lists of keys: by which root key, for which list, how old, and as ssh-keygen reads them."""
import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile

import tap
from sign_lib import PROGRAM, Release, openssh_key, read, run, tool, write

work = tempfile.mkdtemp(prefix="keys-")
os.environ.update(HOME=work)
os.environ.pop("SOURCE_DATE_EPOCH", None)
LISTS = ("allowed_signers", "revoked_keys")


def keygen(keys, name, *options, principal="release@example.org"):
    run("keygen", "-q", "--no-passphrase", "--principal", principal, "--keys", f"{work}/{keys}", *options,
        f"{work}/{name}")


def key(keys, *options, status=0):
    return run("key", "--keys", f"{work}/{keys}", *options, cwd=work, status=status)


def fingerprint(name):
    return run("key", "--key", name, cwd=work).split()[1]


# Two projects with a root key each. Whoever serves a directory can put any file of either into it.
release = Release(f"{work}/release")
for project in ("own", "genuine"):
    keygen(project, f"{project}.pem")
    keygen(project, f"{project}-root.pem", "--root", principal="root@example.org")
    keygen(f"{project}-old", f"{project}-old.pem")
    key(project, "--revoke", f"{work}/{project}-old/release.pub")
    key(project, "--endorse", "--key", f"{project}-root.pem")
shutil.copytree(f"{work}/own", f"{release.root}/keys")
shutil.copy(f"{work}/own.pem", release.key)
release.sign()
roots = {project: fingerprint(f"{project}-root.pem") for project in ("own", "genuine")}


def verify(keys, *options, status=0):
    return run("verify", "--keys", f"{work}/{keys}", *options, release.assets, status=status)


for allowed, revoked, pin in itertools.product(roots, roots, (None, "own", "genuine")):
    mixed = f"{work}/mixed"
    shutil.rmtree(mixed, ignore_errors=True)
    shutil.copytree(f"{work}/own", mixed)
    for name, project in zip(LISTS, (allowed, revoked)):
        for suffix in ("", ".sig"):
            shutil.copy(f"{work}/{project}/{name}{suffix}", mixed)
    for name in ("release.pub", "minisign.pub", "release.pem"):
        os.unlink(f"{mixed}/{name}")
    write(f"{mixed}/root_signers", read(f"{work}/own/root_signers") + read(f"{work}/genuine/root_signers"))
    # The release is by the owner of the first list: with the genuine one it is by nobody.
    good = allowed == revoked == "own" and pin != "genuine"
    said = verify("mixed", *(("--root", roots[pin]) if pin else ()), status=0 if good else 4)
    wanted = (f"root key {roots['own']}" if good else
              f"is signed by root key {roots[allowed]}, expected {roots[pin]}" if pin and allowed != pin else
              f"is signed by root key {roots[revoked]}, expected {roots[pin]}" if pin and revoked != pin else
              f"by root key {roots[revoked]}, but allowed_signers by {roots[allowed]}" if allowed != revoked else
              "is not in allowed_signers")
    tap.has(f"allowed_signers by the {allowed} root, revoked_keys by the {revoked} one, "
            f"{f'the {pin} one pinned' if pin else 'no pin'}: {'good' if good else 'refused'}", said, wanted)


# Both lists and both signatures are required: a revocation is not undone by leaving files away.
keygen("keys", "first.pem")
keygen("keys", "root.pem", "--root", principal="root@example.org")
root = fingerprint("root.pem")
SHAPE = re.compile(rb"# (\w+) serial (\d+) (\d{4}-\d\d-\d\d)\n")


def endorse(keys="keys", **environment):
    os.environ.update(environment)
    said = key(keys, "--endorse", "--key", "root.pem")
    for name in environment:
        del os.environ[name]
    return said


def stamps(keys="keys"):
    return [SHAPE.match(read(f"{work}/{keys}/{name}")).groups() for name in LISTS]


def ssh_keygen(keys, signers, principal, name_space, signature, data, *options):
    with open(data, "rb") as stdin:
        done = subprocess.run(["ssh-keygen", "-Y", "verify", "-f", f"{work}/{keys}/{signers}", "-I", principal, "-n",
                               name_space, "-s", signature, *options], stdin=stdin, capture_output=True, timeout=60)
    return done.returncode == 0


def ssh_release(of, keys="keys", *options):
    return ssh_keygen(keys, "allowed_signers", "release@example.org", "file", of.path("SHA256SUMS.sig"),
                      of.path("SHA256SUMS"), *options)


tap.has("--endorse names keys, serial and date", endorse(SOURCE_DATE_EPOCH="1000000000"),
        f"signed both lists in '{work}/keys' with root key {root}, serial 1 dated 2001-09-09", "commit")
tap.equal("... which begin both lists, one of them made for it", stamps(),
          [(b"allowed_signers", b"1", b"2001-09-09"), (b"revoked_keys", b"1", b"2001-09-09")])
for name in LISTS:
    path = f"{work}/keys/{name}"
    tap.ok(f"ssh-keygen verifies {name}.sig", ssh_keygen("keys", "root_signers", "root@example.org", "keys",
                                                         f"{path}.sig", path))
one = Release(f"{work}/one", version="10.1.0-1")
shutil.copytree(f"{work}/keys", f"{one.root}/keys")
shutil.copy(f"{work}/first.pem", one.key)
one.sign()
tap.ok("ssh-keygen takes such lists", ssh_release(one) and ssh_release(one, "keys", "-r", f"{work}/keys/revoked_keys"))
pins = ((), ("--root", root))


def refused(name, *sentences, keys="changed", pins=pins):
    for pin in pins:
        tap.has(f"refused: {name}{', pinned' if pin else ''}",
                run("verify", "--keys", f"{work}/{keys}", *pin, one.assets, status=4), *sentences)


def changed(*actions):
    shutil.rmtree(f"{work}/changed", ignore_errors=True)
    shutil.copytree(f"{work}/keys", f"{work}/changed")
    for name, data in actions:
        if data is None:
            os.unlink(f"{work}/changed/{name}")
        else:
            write(f"{work}/changed/{name}", data)


kept = {name: read(f"{work}/keys/{name}") for name in os.listdir(f"{work}/keys")}
for names in (("revoked_keys", "revoked_keys.sig"), ("revoked_keys",), ("revoked_keys.sig",), ("allowed_signers.sig",)):
    changed(*((name, None) for name in names))
    refused(f"a directory without {' and '.join(names)}", f"'{work}/changed/{names[0]}' is missing",
            "the holder of the root key creates it with: distributor key --endorse")
changed(("revoked_keys", kept["allowed_signers"]), ("revoked_keys.sig", kept["allowed_signers.sig"]))
refused("the other list with its signature", "is a list of allowed_signers, expected revoked_keys")
changed(("allowed_signers", kept["revoked_keys"]), ("allowed_signers.sig", kept["revoked_keys.sig"]))
refused("... and the other way round", "is a list of revoked_keys, expected allowed_signers")
ROOT_SSH = openssh_key(f"{work}/root.pem")


def ssh_signed(name, data):
    path = f"{work}/changed/{name}"
    write(path, data)
    if os.path.exists(f"{path}.sig"):
        os.unlink(f"{path}.sig")
    tool("ssh-keygen", "-q", "-Y", "sign", "-f", ROOT_SSH, "-n", "keys", path)


for name in LISTS:
    for what, first_line in (("no first line", b""), ("a comment", b"# the keys\n"),
                             ("a serial with a leading zero", b"# %s serial 01 2001-09-09\n" % name.encode()),
                             ("a serial of ten digits", b"# %s serial 1000000000 2001-09-09\n" % name.encode()),
                             ("no date", b"# %s serial 1\n" % name.encode()),
                             ("words after the date", b"# %s serial 1 2001-09-09 x\n" % name.encode()),
                             ("its line further down", b"#\n# %s serial 1 2001-09-09\n" % name.encode())):
        changed()
        ssh_signed(name, first_line + SHAPE.sub(b"", kept[name]))
        refused(f"{name} that the root signed with {what}", f"'{work}/changed/{name}' does not begin with '# {name} "
                "serial N DATE'", pins=((),))
changed()
for name in LISTS:
    ssh_signed(name, SHAPE.sub(b"", kept[name]))
refused("what --endorse wrote before there was such a line", "distributor key --endorse")
key("changed", "--endorse", "--key", "root.pem")
run("verify", "--keys", f"{work}/changed", "--root", root, one.assets)
tap.ok("... is good after another --endorse", True)

# The lists of one endorsement belong together; a whole old directory is what replay can still bring.
first = dict(kept)
endorse(SOURCE_DATE_EPOCH="1100000000")
tap.equal("the serial goes up with each endorsement", stamps(),
          [(b"allowed_signers", b"2", b"2004-11-09"), (b"revoked_keys", b"2", b"2004-11-09")])
kept = {name: read(f"{work}/keys/{name}") for name in os.listdir(f"{work}/keys")}
for name in LISTS:
    changed((name, first[name]), (f"{name}.sig", first[f"{name}.sig"]))
    refused(f"an old {name} with its signature", "they were not signed together")
changed(*((f"{name}{suffix}", first[f"{name}{suffix}"]) for name in LISTS for suffix in ("", ".sig")))
run("verify", "--keys", f"{work}/changed", "--root", root, one.assets)
tap.ok("both old lists together are still what the root signed", True)
tap.has("refused: a SOURCE_DATE_EPOCH that is no number", run("key", "--endorse", "--key", "root.pem", cwd=work, status=2,
                                                              env={"SOURCE_DATE_EPOCH": "today"}), "SOURCE_DATE_EPOCH")
changed()
write(f"{work}/changed/revoked_keys", b"# revoked_keys serial 999999999 2001-09-09\n")
tap.has("refused: a serial after the last", key("changed", "--endorse", "--key", "root.pem", status=3), "999999999")
changed()
write(f"{work}/changed/allowed_signers", kept["allowed_signers"].replace(b"\n", b"\r\n"))
refused("a list that git gave other line ends", "has CR LF line ends")
key("changed", "--endorse", "--key", "root.pem")
tap.ok("... which --endorse takes off", b"\r" not in read(f"{work}/changed/allowed_signers"))
with open(f"{work}/keys/.gitattributes") as f:
    tap.equal("keygen keeps git from doing so", f.read(), "* -text\n")

# Revoking: out of one list, into the other, and not valid until the root key has signed that.
shutil.copy(f"{work}/keys/release.pub", f"{work}/first.pub")
said = key("keys", "--revoke", "first.pub")
tap.has("--revoke of the current key names each next step", said, "revoked SHA256:",
        "generate a new one: distributor keygen FILE", "distributor key --endorse --key ROOT.pem", "next release number")
tap.equal("... takes the key out of allowed_signers and removes both signatures",
          (read(f"{work}/keys/allowed_signers"), sorted(n for n in os.listdir(f"{work}/keys") if n.endswith(".sig"))),
          (b"# allowed_signers serial 2 2004-11-09\n", []))
keygen("keys", "second.pem")
endorse()
refused("after a revocation, the old release", "which is revoked", keys="keys")
tap.ok("ssh-keygen refuses it with either list", not ssh_release(one) and
       not ssh_release(one, "changed", "-r", f"{work}/keys/revoked_keys"))
said = run("verify", "--keys", f"{work}/keys", one.assets, status=4)
tap.equal("... of which each signature says so", said.count("which is revoked"), 2)
changed(("revoked_keys", None), ("revoked_keys.sig", None))
refused("... also with the revocation left away", f"'{work}/changed/revoked_keys' is missing")
# A directory as it was before: revoked, and still allowed.
changed()
line = "release@example.org namespaces=\"file,git\" " + " ".join(read(f"{work}/first.pub").decode().split()[:2]) + "\n"
write(f"{work}/changed/allowed_signers", read(f"{work}/keys/allowed_signers") + line.encode())
key("changed", "--endorse", "--key", "root.pem")
tap.ok("--endorse takes what is revoked out of allowed_signers", line.encode() not in
       read(f"{work}/changed/allowed_signers"))
shutil.rmtree(f"{work}/changed")
shutil.copytree(f"{work}/own", f"{work}/changed")
tap.has("refused: to endorse with a key that is no root key", key("changed", "--endorse", "--key", "second.pem", status=4),
        "which is not in root_signers")
os.symlink("loop", f"{work}/loop")
tap.has("a root_signers that cannot be looked at is not a missing one",
        key("loop", "--endorse", "--key", "second.pem", status=1), "cannot access", "/loop/root_signers'")

# Retiring: good for what there was, and for nothing new. Rotation without a compromise.
keygen("rotated", "old.pem")
keygen("rotated", "rotated-root.pem", "--root", principal="root@example.org")
shutil.copy(f"{work}/rotated/release.pub", f"{work}/old.pub")
key("rotated", "--endorse", "--key", "rotated-root.pem")
before = Release(f"{work}/before", version="10.1.0-1")
after = Release(f"{work}/after", version="10.2.0-1")
for of in (before, after):
    shutil.copytree(f"{work}/rotated", f"{of.root}/keys")
    shutil.copy(f"{work}/old.pem", of.key)
    of.sign()
    git = lambda *a, root=of.root: tool("git", "-c", "user.name=A", "-c", "user.email=a@example.org", *a, cwd=root)
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "x")
    git("-c", "gpg.format=ssh", "-c", f"user.signingkey={of.openssh_key()}", "tag", "-s", of.tag, "-m", "x")
keygen("rotated", "new.pem")
for words, status, sentence in (
        (("--retire", "old.pub"), 2, "--retire FILE and --last TAG"),
        (("--last", "v10.1.0-1"), 2, "--retire FILE and --last TAG"),
        (("--retire", "old.pub", "--last", "v10.1.0-1", "--endorse"), 2, "mutually exclusive"),
        (("--retire", "old.pub", "--last", "v10.1.0-1", "x"), 2, "--retire FILE: unexpected argument 'x'"),
        (("--retire", "old.pub", "--last", "latest"), 3, "'vlatest' is not a release tag"),
        (("--retire", "first.pub", "--last", "v10.1.0-1"), 3, "is not listed"),
        (("--retire", "old.pem", "--last", "v10.1.0-1"), 3, "is a secret key")):
    tap.has(f"refused: key {' '.join(words)}", key("rotated", *words, status=status), sentence)
said = key("rotated", "--retire", "old.pub", "--last", "10.2.0-1")
tap.has("--retire says what stays good, and the next step", said, "remains valid for v10.2.0-1 and earlier releases",
        "distributor key --endorse")
tap.ok("... and removes the signatures", not os.path.exists(f"{work}/rotated/allowed_signers.sig"))
said = json.loads(key("rotated", "--json", "--retire", "old.pub", "--last", "v10.1.0-1"))
tap.equal("... again with another release, as JSON", (said["last"], said["root_has_to_sign"], said["retired"]),
          ("v10.1.0-1", True, fingerprint("old.pem")))
tap.equal("one line says so", re.findall(rb"# retired .*", read(f"{work}/rotated/allowed_signers")),
          [f"# retired after v10.1.0-1 {fingerprint('old.pem')}".encode()])
key("rotated", "--endorse", "--key", "rotated-root.pem")
tap.has("... once more is no change, and nothing is refused until then",
        key("rotated", "--retire", "old.pub", "--last", "v10.1.0-1"), "nothing changed; ")
shutil.copytree(f"{work}/rotated", f"{work}/late/keys")
late = Release(f"{work}/late", version="10.3.0-1")
shutil.copy(f"{work}/old.pem", late.key)
tap.has("refused: to sign with a retired key", late.sign(status=4), f"key {fingerprint('old.pem')} "
        "was retired after v10.1.0-1; use the current key with --key")
limit = f"by key {fingerprint('old.pem')}, which was retired after v10.1.0-1"


def rotated(*words, status=0):
    return run("verify", "--keys", f"{work}/rotated", *words, status=status)


tap.has("the last release of a retired key is good", rotated("--tag", before.tag, before.assets), "all 8 files",
        "covers all files")
said = rotated(after.assets, status=4)
tap.equal("refused: the next one, both signatures", said.count(f"is for 10.2.0-1 and {limit}"), 2)
single = before.path(before.names[0])
tap.has("a single file of the last release is good", rotated(single), "matches its signed digest")
tap.has("refused: a single file of the next one", rotated(after.path(after.names[0]), status=4), limit)
bare = f"{work}/bare"
os.makedirs(bare)
for name in ("SHA256SUMS", "SHA256SUMS.sig", before.names[0]):
    shutil.copy(before.path(name), bare)
tap.has("... without release.json, by the list alone", rotated(f"{bare}/{before.names[0]}"), "matches its signed digest")
tap.has("the tag of the last release is good", rotated("--repo", before.root, "--tag", before.tag), "is signed by")
tap.has("refused: the tag of the next one", rotated("--repo", after.root, "--tag", after.tag, status=4),
        f"is for v10.2.0-1 and {limit}")
# Every command of the documents that takes these lists, with the lines that are comments to it.
done = tool("ssh-keygen", "-Y", "find-principals", "-f", f"{work}/rotated/allowed_signers", "-s",
            before.path("SHA256SUMS.sig"))
tap.equal("ssh-keygen -Y find-principals takes such a list", done.stdout, "release@example.org\n")


def git_verdict(of, *options):
    done = tool("git", "-c", f"gpg.ssh.allowedSignersFile={work}/rotated/allowed_signers", *options, "verify-tag",
                "--format=%(tag)", of.tag, cwd=of.root, check=False)
    return done.returncode == 0 and done.stdout == f"{of.tag}\n"


tap.ok("git verify-tag takes it, and an empty revocationFile", git_verdict(before) and
       git_verdict(before, "-c", f"gpg.ssh.revocationFile={work}/rotated/revoked_keys"))
# A thief with the retired key calls a release an old one: that is what the version is compared for.
tap.has("refused: the last release as the next one", rotated("--tag", after.tag, before.assets, status=4),
        "a different release is offered under this name")
shutil.rmtree(f"{after.root}/keys")
shutil.copytree(f"{work}/rotated", f"{after.root}/keys")
tap.ok("plain tools see a comment: ssh-keygen takes both", ssh_release(before, "rotated") and
       ssh_release(after, "rotated"))
os.unlink(after.path("SHA256SUMS.sig"))
tap.has("a retired key signs nothing", after.sign(status=4), "was retired after v10.1.0-1")
shutil.copy(f"{work}/new.pem", after.key)
os.unlink(after.path("SHA256SUMS.minisig"))
os.unlink(after.path("provenance.sigstore.json"))
after.sign()
tap.has("and the new key signs the next release", rotated(after.assets), "all 8 files")
key("rotated", "--revoke", "old.pub")
key("rotated", "--endorse", "--key", "rotated-root.pem")
still = ("-c", f"gpg.ssh.allowedSignersFile={before.root}/keys/allowed_signers")
tap.ok("git refuses a tag for the endorsed revocationFile alone", git_verdict(before, *still) and
       not git_verdict(before, *still, "-c", f"gpg.ssh.revocationFile={work}/rotated/revoked_keys"))
tap.ok("revoking a retired key takes its line away too", b"# retired" not in read(f"{work}/rotated/allowed_signers"))
tap.has("refused: to retire a revoked key", key("rotated", "--retire", "old.pub", "--last", "v10.1.0-1", status=3),
        "is revoked")

# Lists as people write them, and what ssh-keygen says of them. Never is more accepted than there.
GOOD, OTHER = (" ".join(read(f"{work}/{name}.pub").decode().split()[:2]) for name in ("old", "first"))
for kind in ("rsa", "ecdsa"):
    tool("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", f"{work}/{kind}")
RSA, ECDSA = (" ".join(read(f"{work}/{kind}.pub").decode().split()[:2]) for kind in ("rsa", "ecdsa"))


def wire(*parts):
    return base64.b64encode(b"".join(len(p).to_bytes(4, "big") + p for p in parts)).decode()


SK_TYPE = "sk-ssh-ed25519@openssh.com"
SK = f"{SK_TYPE} {wire(SK_TYPE.encode(), bytes(32), b'ssh:')}"
# The 32 bytes of the good one.
KEY = base64.b64decode(GOOD.split()[1])[-32:]
SHORT = f"ssh-rsa {wire(b'ssh-rsa', bytes([1, 0, 1]))}"
P, NS = "release@example.org", 'namespaces="file,git"'
YES, NO = True, False
STRICT = "stricter"  # ssh-keygen takes it; here it is an error
shutil.copytree(f"{work}/before", f"{work}/listed")
plain = Release.__new__(Release)
plain.root, plain.assets = f"{work}/listed", f"{work}/listed/out/assets"


def verdicts(name, wanted, sentence, revoked=False):
    options = ("-r", f"{work}/list/revoked_keys") if revoked else ()
    with_tool = ssh_release(plain, "list", *options)
    said = run("verify", "--keys", f"{work}/list", "--json", plain.assets, status=None)
    ours = '"verified": true' in said
    tap.ok(f"{name}: {'as ssh-keygen' if wanted != STRICT else 'stricter than ssh-keygen'}, {wanted}",
           (with_tool, ours) == ((YES, NO) if wanted == STRICT else (wanted, wanted)) and sentence in said,
           f"ssh-keygen {with_tool}, distributor {ours}", said)


for name, text, wanted, sentence in (
        ("a plain line", f"{P} {NS} {GOOD}\n", YES, ""),
        ("without its line end", f"{P} {NS} {GOOD}", YES, ""),
        ("a comment behind it", f"{P} {NS} {GOOD} release key, 2026\n", YES, ""),
        ("CR LF", f"# keys\r\n{P} {NS} {GOOD}\r\n", YES, ""),
        ("blank lines", f"\n \t\n\r\n{P} {NS} {GOOD}\n\n", YES, ""),
        ("tabs and blanks", f"  {P}\t {NS}  {GOOD}\tx\n", YES, ""),
        ("a namespace of others", f'{P} namespaces="email,file,x-1@y" {GOOD}\n', YES, ""),
        ("two lines of one key", f'{P} namespaces="git" {GOOD}\n{P} namespaces="file" {GOOD}\n', YES, ""),
        ("RSA of others", f"x {RSA}\n{P} {NS} {GOOD}\n", YES, "list/allowed_signers:1: a key of type ssh-rsa cannot"),
        ("RSA with options", f'x cert-authority,valid-before="20300101" {RSA} y=z\n{P} {NS} {GOOD}\n', YES, ":1: a key of"),
        ("ECDSA of others", f"x {NS} {ECDSA}\n{P} {NS} {GOOD}\n", YES, "type ecdsa-sha2-nistp256 cannot"),
        ("a security key of others", f"a,*@b {NS} {SK}\n{P} {NS} {GOOD}\n", YES, f"type {SK_TYPE} cannot"),
        ("a type that is not known", f"x {NS} ssh-new AAAA\n{P} {NS} {GOOD}\n", YES, "type ssh-new cannot"),
        ("RSA of the same person", f"{P} {NS} {RSA}\n{P} {NS} {GOOD}\n", YES, ""),
        ("RSA alone", f"{P} {NS} {RSA}\n", NO, "has no key of type ssh-ed25519"),
        ("another key", f"{P} {NS} {OTHER}\n", NO, "is not in allowed_signers"),
        ("another namespace", f'{P} namespaces="git" {GOOD}\n', NO, "namespace 'file'"),
        ("capitals", f'{P} namespaces="FILE" {GOOD}\n', NO, "namespace 'file'"),
        ("negated namespaces", f'{P} namespaces="!file,!git,file,git" {GOOD}\n', NO, "'!file' is not a plain name"),
        ("a pattern that is negated", f'{P} namespaces="*,!file" {GOOD}\n', NO, "'*' is not a plain name"),
        ("no namespace", f'{P} namespaces="" {GOOD}\n', NO, ""),
        ("namespaces twice", f'{P} namespaces="file",namespaces="git" {GOOD}\n', NO, "no other option"),
        ("another option", f"{P} cert-authority,{NS} {GOOD}\n", NO, "no other option is allowed"),
        ("an unknown option", f"{P} what,{NS} {GOOD}\n", NO, "no other option is allowed"),
        ("an option of the same length", f'{P} namespacez="file,git" {GOOD}\n', NO, "no other option is allowed"),
        ("no quotes", f"{P} namespaces=file {GOOD}\n", NO, "no other option is allowed"),
        ("a quote that does not end", f'{P} namespaces="file {GOOD}\n', NO, ":1: "),
        ("an escaped quote", f'{P} namespaces="file\\" {GOOD}\n', NO, ":1: "),
        ("a damaged key", f"{P} {NS} ssh-ed25519 AAAA\n", NO, "cut short"),
        *((f"a key of {len(key)} bytes", f"{P} {NS} ssh-ed25519 {wire(b'ssh-ed25519', key)}\n", NO, "wrong length")
          for key in (KEY[:-1], KEY + b"x")),
        ("bytes after the key", f"{P} {NS} ssh-ed25519 {wire(b'ssh-ed25519', KEY, b'')}\n", NO, "wrong length"),
        ("no key", f"{P} {NS}\n", NO, "expected 'PRINCIPAL"),
        ("a bare key", f"{GOOD}\n", NO, "expected 'PRINCIPAL"),
        ("the option in capitals", f'{P} NAMESPACES="file,git" {GOOD}\n', STRICT, "no other option is allowed"),
        ("a pattern", f'{P} namespaces="f*" {GOOD}\n', STRICT, "'f*' is not a plain name"),
        ("an empty namespace", f'{P} namespaces="file,,git" {GOOD}\n', STRICT, "'' is not a plain name"),
        ("a blank in the namespaces", f'{P} namespaces="file, git" {GOOD}\n', STRICT, "' git' is not a plain name"),
        ("no options", f"{P} {GOOD}\n", STRICT, "is required"),
        ("valid-before", f'{P} {NS},valid-before="20990101" {GOOD}\n', STRICT, "OpenSSH before 8.7"),
        ("a pattern of principals", f"*@example.org {NS} {GOOD}\n", STRICT, "is not a valid principal"),
        ("a damaged key before it", f"x {NS} ssh-ed25519 AAAA\n{P} {NS} {GOOD}\n", STRICT, ":1: the key in"),
        ("a line of words before it", f"some words\n{P} {NS} {GOOD}\n", STRICT, ":1: expected 'PRINCIPAL")):
    shutil.rmtree(f"{work}/list", ignore_errors=True)
    write(f"{work}/list/allowed_signers", text)
    verdicts(f"allowed_signers, {name}", wanted, sentence)
for name, text, wanted, sentence in (
        ("empty", "", YES, ""),
        ("its first line alone", "# revoked_keys serial 1 2026-12-01\n", YES, ""),
        ("comments, blanks and CR LF", f" # x\r\n\n\t{OTHER} y\r\n", YES, ""),
        ("RSA, ECDSA and a security key", f"{RSA}\n{ECDSA} x\n{SK}\n", YES, "revoked_keys:1: a key of type ssh-rsa cannot"),
        ("the key", f"{OTHER}\n{GOOD}\n", NO, "is revoked"),
        ("the key, CR LF", f"{OTHER}\r\n{GOOD}\r\n", NO, "is revoked"),
        ("the key behind RSA, with blanks", f"{RSA} x\n  {GOOD}\ty\n", NO, "is revoked"),
        ("words", "words\n", NO, ":1: expected 'ssh-ed25519 KEY'"),
        ("a line of the other list", f"{P} {NS} {OTHER}\n", NO, "expected 'ssh-ed25519 KEY'"),
        ("a damaged RSA key", f"{SHORT}\n", NO, "'ssh-rsa' is damaged"),
        ("a type that is not known", "ssh-new AAAA\n", NO, "'ssh-new' is damaged"),
        ("a damaged key", "ssh-ed25519 AAAA\n", NO, "cut short"),
        ("a blank line with CR LF", f"\r\n{OTHER}\n", NO, "expected 'ssh-ed25519 KEY'")):
    shutil.rmtree(f"{work}/list", ignore_errors=True)
    write(f"{work}/list/allowed_signers", f"{P} {NS} {GOOD}\n")
    write(f"{work}/list/revoked_keys", text)
    verdicts(f"revoked_keys, {name}", wanted, sentence, revoked=True)
FP = fingerprint("old.pem")
for name, text, sentence in (
        ("of no release", f"# retired after latest {FP}\n", "expected '# retired after vVERSION"),
        ("without a key", "# retired after v10.1.0-1\n", "expected '# retired after vVERSION"),
        ("with words behind it", f"# retired after v10.1.0-1 {FP} x\n", "expected '# retired after vVERSION"),
        ("in capitals", f"# Retired after v10.0.0-1 {FP}\n", "expected '# retired after vVERSION"),
        ("without a blank", f"#retired after v10.0.0-1 {FP}\n", "expected '# retired after vVERSION"),
        ("behind two blanks", f"#  retired after v10.0.0-1 {FP}\n", "expected '# retired after vVERSION"),
        ("with two blanks in it", f"# retired  after v10.0.0-1 {FP}\n", "expected '# retired after vVERSION"),
        ("with a tab", f"# retired after\tv10.0.0-1 {FP}\n", "expected '# retired after vVERSION"),
        ("with a colon", f"## retired after: v10.0.0-1 {FP}\n", "expected '# retired after vVERSION"),
        ("behind a lone CR", f"# x\r# retired after v10.0.0-1 {FP}\n", "a CR that does not end a line"),
        ("of a key that is not listed", f"# retired after v10.1.0-1 {fingerprint('first.pem')}\n", "but not listed"),
        ("of a part of a fingerprint", f"# retired after v10.1.0-1 {FP[:-1]}\n", "but not listed"),
        ("twice", 2 * f"# retired after v10.1.0-1 {FP}\n", "is retired twice")):
    write(f"{work}/list/allowed_signers", f"{text}{P} {NS} {GOOD}\n")
    write(f"{work}/list/revoked_keys", "")
    tap.has(f"refused: a line that retires {name}",
            run("verify", "--keys", f"{work}/list", plain.assets, status=3), sentence, "allowed_signers:")
write(f"{work}/list/allowed_signers", f"{P} {NS} {GOOD}\n # retired after v10.0.0-9\t{FP}\r\n")
tap.has("such a line may stand behind the key, with blanks and CR LF",
        run("verify", "--keys", f"{work}/list", plain.assets, status=4), "was retired after v10.0.0-9")

# The other spellings, as git on Windows checks them out.
for name in ("release.pub", "minisign.pub", "release.pem"):
    data = read(f"{work}/before/keys/{name}")
    write(f"{work}/crlf", data.replace(b"\n", b"\r\n"))
    tap.equal(f"{name} with CR LF is the same key", run("key", "--json", f"{work}/crlf"),
              run("key", "--json", f"{work}/before/keys/{name}"))
    tap.ok("... without a CR in its comment", "\r" not in run("key", f"{work}/crlf"))
    write(f"{work}/crlf", data + data)
    run("key", f"{work}/crlf", status=3)

# A keygen that was cut short: each step that changes a file fails once; then the same command again.
TRACE = ("strace", "-f", "-qq", "-o", "/dev/null")


def traced(directory, *what):
    return subprocess.run([*TRACE, *what, PROGRAM, "keygen", "--no-passphrase", "--principal", P, "--keys", "keys", "k.pem"],
                          cwd=directory, capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))


if not shutil.which("strace") or tool(*TRACE, "true", check=False).returncode != 0:
    tap.skip("a keygen that was cut short", "strace is not installed, or cannot trace here")
    tap.done()
for call, error, times in (("fsync", "EIO", 2), ("link,linkat", "EIO", 1), ("write", "ENOSPC", 1),
                           ("rename,renameat,renameat2", "ENOSPC", 5)):
    for when in range(1, times + 1):
        directory = f"{work}/cut-{call[:4]}-{when}"
        os.makedirs(directory)
        done = traced(directory, "-e", f"inject={call}:error={error}:when={when}")
        made = os.path.exists(f"{directory}/k.pem")
        tap.ok(f"{call.split(',')[0]} number {when} fails: keygen does", done.returncode == 1 and
               made == (call[:4] == "rena" or (call, when) == ("fsync", 2)), done, made)
        tap.equal("... and leaves nothing half-made", [n for _, _, names in os.walk(directory) for n in names
                                                      if n.endswith(".tmp")], [])
        said = run("keygen", "--no-passphrase", "--principal", P, "--keys", "keys", "k.pem", cwd=directory)
        tap.ok("... the same command ends what it began", ("publishing that key" in said) == made, said)
        words = {name: read(f"{directory}/keys/{name}").split() for name in os.listdir(f"{directory}/keys")}
        ends = {base64.b64decode(words[name][at])[-32:] for name, at in (
            ("allowed_signers", 3), ("release.pub", 1), ("minisign.pub", -1), ("release.pem", 3))}
        tap.equal("... with every spelling of one key", len(ends), 1)
tap.has("... and no third time", run("keygen", "--no-passphrase", "--keys", "keys", "k.pem", cwd=directory, status=3),
        "'k.pem' exists and is not overwritten")
directory = f"{work}/order"
os.makedirs(directory)
done = subprocess.run(["strace", "-f", "-qq", "-y", "-o", f"{work}/calls", "-e", "trace=write,fsync,link,linkat,unlink",
                       PROGRAM, "keygen", "-q", "--no-passphrase", "--keys", "keys", "k.pem"], cwd=directory, timeout=60,
                      env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
calls = [re.sub(r"^\d+ +", "", c) for c in read(f"{work}/calls").decode().splitlines()]
steps = [next((i for i, c in enumerate(calls) if re.match(pattern, c)), -1) for pattern in (
    r"write\(\d+<[^>]*\.k\.pem\.", r"fsync\(\d+<[^>]*\.k\.pem\.", r"link(at)?\(.*k\.pem",
    rf"fsync\(\d+<{re.escape(os.path.realpath(directory))}>")]
tap.ok("content, sync, name, sync of the directory", -1 not in steps and steps == sorted(steps), steps, *calls)

# What is published already, revoked, or no key at all is not taken.
for name, data in (("words", b"words\n"), ("a directory", None)):
    path = f"{work}/order/{name.split()[-1]}"
    if data is None:
        os.makedirs(path)
    else:
        write(path, data)
        os.chmod(path, 0o600)
    tap.has(f"refused: keygen onto {name}", run("keygen", "--no-passphrase", "--keys", f"{work}/order/keys", path, status=3),
            "exists and is not overwritten")
run("key", "--keys", f"{work}/order/keys", "--revoke", f"{work}/order/keys/release.pub")
tap.has("refused: keygen onto a key that is revoked", run("keygen", "--no-passphrase", "--keys", "keys", "k.pem",
                                                           cwd=directory, status=3), "is not overwritten; choose another name")
run("keygen", "--keys", "elsewhere", "safe.pem", cwd=directory, env={"DISTRIBUTOR_KEY_PASSPHRASE": "right"})
tap.has("a protected key that is there is opened with its passphrase",
        run("keygen", "--keys", "third", "safe.pem", cwd=directory, env={"DISTRIBUTOR_KEY_PASSPHRASE": "right"}),
        "publishing that key")
tap.has("... and with no other", run("keygen", "--keys", "fourth", "safe.pem", cwd=directory, status=3,
                                     env={"DISTRIBUTOR_KEY_PASSPHRASE": "wrong"}), "wrong passphrase for the key")
tap.done()
