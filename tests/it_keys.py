#!/usr/bin/env python3
"""The lists of keys: by which root key, for which list, how old, and as ssh-keygen reads them."""
import itertools
import os
import shutil
import tempfile

import tap
from sign_lib import Release, read, run, tool, write

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
              f"is signed by root key {roots[allowed]}, not {roots[pin]}" if pin and allowed != pin else
              f"is signed by root key {roots[revoked]}, not {roots[pin]}" if pin and revoked != pin else
              f"by root key {roots[revoked]}, but allowed_signers by {roots[allowed]}" if allowed != revoked else
              "allowed_signers does not list")
    tap.has(f"allowed_signers by the {allowed} root, revoked_keys by the {revoked} one, "
            f"{f'the {pin} one pinned' if pin else 'no pin'}: {'good' if good else 'refused'}", said, wanted)

tap.done()
