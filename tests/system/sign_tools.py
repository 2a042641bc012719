#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `sign` writes, judged by the tools that people have, and by the official models of each format."""
import base64
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

import debian
import tap
from sign_lib import EPOCH, WITHOUT_NETWORK, Release, read, run, sha256, tool, write

work = tempfile.mkdtemp(prefix="sign-")
release = Release(os.path.join(work, "r"))
tap.has("keygen prints the fingerprint as ssh-keygen does", release.keygen(),
        tool("ssh-keygen", "-lf", "keys/release.pub", cwd=release.root).stdout.strip())
tap.has("sign says by which key", release.sign(), "4 assets signed by SHA256:")
names = sorted(os.listdir(release.assets))
tap.equal("the files of a signed release", names, sorted(
    release.names + ["SHA256SUMS", "SHA256SUMS.minisig", "SHA256SUMS.sig",
                     "provenance.sigstore.json", "qemu-user-static-10.1.0-1.release.json",
                     "qemu-user-static-10.1.0-1.sources.json",
                     "qemu-user-static-10.1.0-1.spdx.json"]))

# SHA256SUMS
listed = [n for n in names if not n.startswith("SHA256SUMS")]
wanted = "".join(f"{sha256(read(release.path(n)))}  {n}\n" for n in listed)
tap.equal("SHA256SUMS lists all and only the assets, sorted", read(release.path("SHA256SUMS")).decode(),
          wanted)
for command in (["sha256sum"], ["shasum", "-a", "256"], ["busybox", "sha256sum"]):
    if shutil.which(command[0]):
        tap.ok(f"{' '.join(command)} -c takes it",
               tool(*command, "-c", "SHA256SUMS", cwd=release.assets, check=False).returncode == 0)
    else:
        tap.skip(f"{' '.join(command)} -c takes it", f"{command[0]} is not installed")

# ssh-keygen: the same bytes, and its verdict
copy = os.path.join(work, "copy")
shutil.copytree(release.assets, copy)
os.unlink(os.path.join(copy, "SHA256SUMS.sig"))
tool("ssh-keygen", "-q", "-Y", "sign", "-f", release.openssh_key(), "-n", "file", "SHA256SUMS", cwd=copy)
tap.equal("SHA256SUMS.sig is what ssh-keygen -Y sign writes", read(release.path("SHA256SUMS.sig")),
          read(os.path.join(copy, "SHA256SUMS.sig")))
verify = ["ssh-keygen", "-Y", "verify", "-f", "../../keys/allowed_signers", "-I", "release@example.org"]
with open(release.path("SHA256SUMS")) as sums:
    tap.has("ssh-keygen -Y verify",
            tool(*verify, "-n", "file", "-s", "SHA256SUMS.sig", cwd=release.assets, stdin=sums).stdout,
            'Good "file" signature for release@example.org')
with open(release.path("SHA256SUMS")) as sums:
    tap.ok("ssh-keygen refuses it in the namespace git",
           tool(*verify, "-n", "git", "-s", "SHA256SUMS.sig", cwd=release.assets, stdin=sums,
                check=False).returncode != 0)

# minisign: the same
if shutil.which("minisign"):
    comment = "qemu-user-static v10.1.0-1\tfile:SHA256SUMS"
    os.unlink(os.path.join(copy, "SHA256SUMS.minisig"))
    tool("minisign", "-S", "-s", release.minisign_key(), "-m", "SHA256SUMS", "-t", comment, cwd=copy)
    tap.equal("SHA256SUMS.minisig is what minisign -S writes", read(release.path("SHA256SUMS.minisig")),
              read(os.path.join(copy, "SHA256SUMS.minisig")))
    tap.has("minisign -V -H",
            tool("minisign", "-V", "-H", "-p", "../../keys/minisign.pub", "-m", "SHA256SUMS",
                 cwd=release.assets).stdout, "Signature and comment signature verified", comment)
    short = json.loads(run("key", "--json", "keys/release.pub", cwd=release.root))["minisign"]
    tap.has("minisign -P with the short key", tool("minisign", "-V", "-H", "-P", short, "-m", "SHA256SUMS",
                                                   cwd=release.assets).stdout, "verified")
else:
    tap.skip("SHA256SUMS.minisig is what minisign -S writes", "minisign is not installed")
tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "own", cwd=work)
tap.equal("a public key of ssh-keygen's own is read", run("key", "own.pub", cwd=work).split()[1],
          tool("ssh-keygen", "-lf", "own.pub", cwd=work).stdout.split()[1])
run("key", "--key", "release.pem", "--to", "secret-openssh", "--output", "release.ssh", cwd=release.root)
tap.equal("our key, as ssh-keygen reads it", tool("ssh-keygen", "-y", "-f", "release.ssh", cwd=release.root).stdout.split()[:2],
          run("key", "--key", "release.pem", "--to", "ssh", cwd=release.root).split()[:2])
tap.equal("... and only its owner", os.stat(os.path.join(release.root, "release.ssh")).st_mode & 0o777, 0o600)
tap.has("a secret one is refused", run("key", "--key", "own", cwd=work, status=3), "'own'", "PKCS#8")
tool("openssl", "genpkey", "-algorithm", "ed25519", "-out", "openssl.pem", cwd=work)
os.chmod(os.path.join(work, "openssl.pem"), 0o600)
tap.equal("a key of openssl's own is read",
          run("key", "--key", "openssl.pem", "--to", "pem", cwd=work),
          tool("openssl", "pkey", "-in", "openssl.pem", "-pubout", cwd=work).stdout)

# provenance
bundle_path = release.path("provenance.sigstore.json")
bundle = json.loads(read(bundle_path))
statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
tap.equal("the provenance is about every other listed file",
          sorted((s["name"], s["digest"]["sha256"]) for s in statement["subject"]),
          sorted((n, sha256(read(release.path(n)))) for n in listed if n != "provenance.sigstore.json"))
tap.ok("there is one signature and it has no keyid",
       [sorted(s) for s in bundle["dsseEnvelope"]["signatures"]] == [["sig"]])
predicate = statement["predicate"]
tap.ok("a run by hand leaves no time in it", "metadata" not in predicate["runDetails"])
dependencies = {d["name"]: d for d in predicate["buildDefinition"]["resolvedDependencies"] if "name" in d}
tap.equal("the packages are dependencies, with who signed them",
          {n: d["annotations"].get("openpgp.fingerprint") for n, d in dependencies.items()},
          {p["file"]: p["signer"] for p in release.lock["packages"]})
tap.equal("and with package URLs", sorted(d["uri"] for d in dependencies.values()),
          ["pkg:deb/debian/qemu-user@1:10.1.0%2Bds-1?arch=arm64&distro=trixie",
           "pkg:rpm/fedora/qemu-user-static-aarch64@10.1.0-1.fc43?arch=x86_64&distro=fedora-43&epoch=2"])
artifact = release.names[0]
root = os.path.join(work, "root.json")
write(root, '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}')


def cosign_verdict(path):
    """The exit status and text of cosign about one artifact."""
    cosign = os.path.join(debian.package("trixie", debian.architecture(), "cosign"), "usr/bin/cosign")
    done = subprocess.run(
        [*WITHOUT_NETWORK, cosign, "verify-blob-attestation", "--key", "../../keys/release.pem",
         "--insecure-ignore-tlog=true", "--new-bundle-format", "--trusted-root", root, "--type",
         "slsaprovenance1", "--bundle", "provenance.sigstore.json", path],
        cwd=release.assets, capture_output=True, text=True, timeout=60,
        env=dict(os.environ, HOME=work))
    return done.returncode, done.stdout + done.stderr


try:
    status, text = cosign_verdict(artifact)
    tap.ok("cosign verify-blob-attestation, without a network", status == 0 and "Verified OK" in text, text)
    write(os.path.join(work, "other"), "other")
    status, text = cosign_verdict(os.path.join(work, "other"))
    tap.ok("cosign refuses another artifact", status != 0 and "does not match" in text, text)
except debian.Unavailable as e:
    tap.skip("cosign verify-blob-attestation, without a network", e)
node = os.path.join(os.environ["SOURCE_DIR"], "tests")
if shutil.which("node") and os.path.isdir(os.path.join(node, "node_modules", "@sigstore", "verify")):
    script = os.path.join(node, "support", "sigstore_verify.mjs")
    done = tool("node", script, bundle_path, os.path.join(release.root, "keys/release.pem"),
                release.path(artifact), check=False)
    tap.ok("@sigstore/verify", done.stdout == "Verified OK\n", done.stdout + done.stderr)
    other = Release(os.path.join(work, "other-key"))
    other.keygen()
    tap.ok("@sigstore/verify refuses another key",
           tool("node", script, bundle_path, os.path.join(other.root, "keys/release.pem"),
                release.path(artifact), check=False).returncode != 0)
else:
    tap.skip("@sigstore/verify", "tests/node_modules is missing; ./check installs it")

# official models
try:
    attestation = debian.package("trixie", "amd64", "golang-github-in-toto-attestation-dev")
    protos = os.path.join(attestation, "usr/share/gocode/src/github.com/in-toto/attestation/protos")
    generated = os.path.join(work, "generated")
    os.makedirs(generated)
    tool("protoc", "-I", protos, "--python_out", generated,
         *sorted(glob.glob(f"{protos}/in_toto_attestation/v1/*.proto")),
         f"{protos}/in_toto_attestation/predicates/provenance/v1/provenance.proto")
    script = ("import json,sys\nfrom google.protobuf.json_format import ParseDict\n"
              "from in_toto_attestation.v1 import statement_pb2\n"
              "from in_toto_attestation.predicates.provenance.v1 import provenance_pb2\n"
              "s=json.load(sys.stdin)\nParseDict(s, statement_pb2.Statement())\n"
              "ParseDict(s['predicate'], provenance_pb2.Provenance())\nprint('fits')\n")
    models = lambda text: subprocess.run(["/usr/bin/python3", "-c", script], input=text, text=True,
                                         capture_output=True, timeout=60,
                                         env=dict(os.environ, PYTHONPATH=generated))
    done = models(json.dumps(statement))
    tap.ok("in-toto's own description takes statement and provenance", done.stdout == "fits\n", done.stderr)
    statement["predicate"]["runDetails"]["surprise"] = 1
    tap.ok("and would refuse an unknown field", models(json.dumps(statement)).returncode != 0)
except (debian.Unavailable, FileNotFoundError) as e:
    tap.skip("in-toto's own description takes statement and provenance", e)

SPDX = ("from spdx_tools.spdx.parser.json import json_parser\n"
        "from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document\n"
        "import sys\nd=json_parser.parse_from_file(sys.argv[1])\n"
        "for m in validate_full_spdx_document(d,'SPDX-2.3'): print(m.validation_message)\n"
        "print(len(d.packages), len(d.relationships))\n")


def spdx_verdict(path):
    needed = ["spdx-tools", "beartype", "license-expression", "boolean", "ply", "uritools",
              "semantic-version", "xmltodict", "click"]
    paths = [os.path.join(debian.package("sid", "amd64", "python3-" + n), "usr/lib/python3/dist-packages")
             for n in needed]
    done = subprocess.run(["python3", "-S", "-c", SPDX, path], capture_output=True, text=True,
                          timeout=120, env=dict(os.environ, PYTHONPATH=":".join(paths)))
    return done.stdout + done.stderr[-2000:]


spdx = json.loads(read(release.document("spdx")))
try:
    tap.equal("SPDX's own library finds nothing wrong", spdx_verdict(release.document("spdx")), "10 12\n")
    bad = os.path.join(work, "bad.spdx.json")
    write(bad, json.dumps(dict(spdx, documentNamespace="no uri")))
    tap.has("and would", spdx_verdict(bad), "document_namespace must be a valid URI")
except debian.Unavailable as e:
    tap.skip("SPDX's own library finds nothing wrong", e)
relations = {(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in
             spdx["relationships"]}
by_name = {p["name"]: p["SPDXID"] for p in spdx["packages"]}
tap.ok("what Debian links statically is in the SBOM",
       (by_name["qemu-user"], "STATIC_LINK", by_name["glibc"]) in relations)
sources = json.loads(read(release.document("sources")))
where = {n: s["corresponding_source"]["locations"] for s in sources["packages"] for n in s["assets"]}
tap.equal("every asset has a place of its source", sorted(where), release.names)
tap.equal("the place of a Fedora source", where["x86_64_qemu-aarch64-static.tar.gz"],
          ["https://kojipkgs.fedoraproject.org/packages/qemu/10.1.0/1.fc43/src/qemu-10.1.0-1.fc43.src.rpm"])
tap.equal("the place of a Debian source", where["aarch64_qemu-s390x-static.tar.gz"],
          ["https://snapshot.debian.org/package/qemu/1:10.1.0%2Bds-1/"])
claim = json.loads(read(release.document("release")))
# What --version says: "distributor 0.1.0 (commit HEX, modified)", without a repository "distributor 0.1.0"
version, commit, modified = re.fullmatch(r"distributor (\S+)(?: \(commit ([0-9a-f]{40})(, modified)?\))?",
                                         run("--version").splitlines()[0]).groups()
TOOL = {"version": version, "commit": commit, **({"modified": True} if modified else {})}
# against what it was made from, not against what a reader of ours makes of it
made = json.loads(read(os.path.join(release.root, "out", "assets.json")))["assets"]
tap.equal("release.json has each field of its inputs", claim, {
    "format": 1, "name": "qemu-user-static", "version": "10.1.0-1", "tag": "v10.1.0-1", "commit": None, "serial": 7,
    "source_date_epoch": EPOCH, "tool": TOOL,
    "matrix": {"file": "matrix.json", "sha256": sha256(read(release.matrix))},
    "lock": {"file": "matrix.lock.json", "sha256": sha256(read(release.lock_path))},
    "assets": [{"name": a["name"], "size": a["size"], "sha256": a["sha256"], "kind": a["kind"], "from": a["host"],
                "to": a["target"]} for a in made],
    "documents": [{"name": f"qemu-user-static-10.1.0-1.{kind}.json", "size": os.path.getsize(release.document(kind)),
                   "sha256": sha256(read(release.document(kind)))} for kind in ("sources", "spdx")],
    "images": {"repositories": [], "tags": []}})
bundle = json.loads(read(release.path("provenance.sigstore.json")))
statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
tap.equal("the provenance has each file with its digest, and the tag", (
    {s["name"]: s["digest"] for s in statement["subject"]},
    statement["predicate"]["buildDefinition"]["externalParameters"]["tag"]), (
    {n: {"sha256": sha256(read(release.path(n)))} for n in os.listdir(release.assets)
     if not n.startswith(("SHA256SUMS", "provenance"))}, "v10.1.0-1"))

# again, elsewhere, later
before = {n: (read(release.path(n)), os.stat(release.path(n)).st_mtime_ns) for n in names}
tap.has("signing again needs no key", release.sign("-v"), "already signed")
tap.ok("and touches no file",
       before == {n: (read(release.path(n)), os.stat(release.path(n)).st_mtime_ns) for n in names})
second = Release(os.path.join(work, "second"))
shutil.copytree(os.path.join(release.root, "keys"), os.path.join(second.root, "keys"))
shutil.copy(release.key, second.key)
old_umask = os.umask(0o077)
for name in reversed(sorted(os.listdir(second.assets))):
    os.rename(second.path(name), second.path(name + ".x"))
    os.rename(second.path(name + ".x"), second.path(name))
second.sign("--key", "release.pem", env={"TZ": "Asia/Kathmandu", "LC_ALL": "de_DE.UTF-8"})
os.umask(old_umask)
tap.equal("another place, umask, time zone and locale give the same bytes",
          [n for n in names if read(second.path(n)) != read(release.path(n))], [])
tap.equal("and files that others may read", {oct(os.stat(second.path(n)).st_mode & 0o777) for n in names
                                             if n not in second.names}, {"0o644"})

# images that were built before
def with_images(case, *tags):
    annotation = lambda t: {"org.opencontainers.image.ref.name": t}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + sha256(t.encode()),
         "size": 2, "annotations": annotation(t)} for t in tags]}
    write(os.path.join(case.root, "out", "images", "index.json"), json.dumps(index))
    write(os.path.join(case.root, "out", "images", "oci-layout"), '{"imageLayoutVersion":"1.0.0"}')


pictured = Release(os.path.join(work, "pictured"))
pictured.keygen()
with_images(pictured, "9.9.9-1")
tap.has("refused: images of another version", pictured.sign(status=3), "does not contain the images of version 10.1.0-1")
# a run of a workflow
actions = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "example/qemu-user-static",
           "GITHUB_WORKFLOW_REF": "example/qemu-user-static/.github/workflows/release.yml@refs/tags/v10.1.0-1",
           "GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "1"}
third = Release(os.path.join(work, "third"))
third.keygen()
third.sign("--key", "release.pem", env=actions)
details = json.loads(base64.b64decode(json.loads(read(third.path("provenance.sigstore.json")))
                                      ["dsseEnvelope"]["payload"]))["predicate"]["runDetails"]
tap.equal("a workflow's run is in the metadata, and only there",
          (details["builder"]["id"], details["metadata"]["invocationId"], sorted(details["metadata"])),
          ("https://github.com/" + actions["GITHUB_WORKFLOW_REF"],
           "https://github.com/example/qemu-user-static/actions/runs/42/attempts/1",
           ["finishedOn", "invocationId", "startedOn"]))
tap.has("a second attempt keeps the first one's provenance",
        third.sign("--key", "release.pem", env=actions), "already signed")
for name in ("SHA256SUMS.sig", "SHA256SUMS.minisig", "provenance.sigstore.json"):
    os.unlink(third.path(name))
    third.sign("--key", "release.pem", env=actions)
    tap.has(f"a lost {name} is made again", third.verify(), "all 8 files match their signed digests")
write(third.path("SHA256SUMS"), "half of a li")
tap.ok("a half-written SHA256SUMS is made again", third.sign("--key", "release.pem", env=actions) and
       "all 8 files" in third.verify())
write(third.path("SHA256SUMS"), "half of a li")
tap.has("... without the key, since its signatures are there", third.sign("--quiet", env=actions) + third.verify(),
        "all 8 files")


def listing(case):
    return {n: sha256(read(case.path(n))) for n in os.listdir(case.assets)}


# Other documents to write, and no key that could sign them: what is there stays as it is signed.
before = listing(third)
lock = json.loads(read(third.lock_path))
lock["packages"][1]["license"] = "GPL-2.0-only"
write(third.lock_path, json.dumps(lock))
assets = json.loads(read(os.path.join(third.root, "out/assets.json")))
assets["lock_sha256"] = sha256(read(third.lock_path))
write(os.path.join(third.root, "out/assets.json"), json.dumps(assets))
tap.has("other documents need a key", third.sign("--quiet", status=2, env=actions), "no signing key")
third.keygen("--keys", "elsewhere", name="stranger.pem")
tap.has("... that may sign", third.sign("--key", "stranger.pem", status=4, env=actions), "not in allowed_signers")
tap.equal("... and nothing was written without one", listing(third), before)
tap.has("... so that all is still what was signed", third.verify(), "all 8 files match their signed digests")
third.sign("--key", "release.pem", env=actions)
tap.ok("with the key they are written", listing(third) != before and "all 8 files" in third.verify())


# refusals
def refused(name, change, sentence, *options, status=3, env=None):
    case = Release(os.path.join(work, f"case-{name.replace(' ', '-')}"))
    case.keygen()
    change(case)
    text = case.sign(*(options or ("--key", "release.pem")), status=status, env=env)
    tap.has(f"refused: {name}", text, sentence)
    tap.ok(f"nothing is signed: {name}", not os.path.exists(case.path("SHA256SUMS.sig")))


def nothing(case):
    del case


refused("a foreign file", lambda c: write(c.path("surprise"), "x"), "surprise' in ")
refused("a changed asset", lambda c: write(c.path(c.names[0]), "x"), f"{release.names[0]}' does not match",
        status=4)
refused("a missing asset", lambda c: os.unlink(c.path(c.names[0])), "is missing; build the tarballs again")
refused("a different lock", lambda c: write(c.lock_path, read(c.lock_path) + b"\n"), "a different lock")
refused("a key that others can read", lambda c: os.chmod(c.key, 0o640), "mode 0640")
refused("a key behind a link",
        lambda c: (os.rename(c.key, c.key + "2"), os.symlink(c.key + "2", c.key)), "symbolic link")
refused("no key", nothing, "no signing key", "--quiet", status=2)
refused("a key that the repository does not know",
        lambda c: (os.unlink(c.key), c.keygen("--keys", "elsewhere")), "is not in allowed_signers",
        status=4)
refused("a revoked key", lambda c: run("key", "--revoke", "keys/release.pub", cwd=c.root), "is revoked",
        status=4)
refused("a damaged key", lambda c: write(c.key, "S3cr3tMarker"), "does not contain an Ed25519 key")
refused("a variable with half a key", nothing, "DISTRIBUTOR_KEY", "--quiet",
        env={"DISTRIBUTOR_KEY": "S3cr3tMarker"})
shutil.rmtree(work)
tap.done()
