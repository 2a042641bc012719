#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sources of type fedora against stand-ins for Koji's directories and for repositories, served on
127.0.0.1: packages of rpmbuild and rpmsign, metadata of createrepo_c. Prints TAP."""

import functools
import glob
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

from port_lib import free_port
from redirecting import PAGES, Redirecting
from rpm_support import EVR, SPEC, Keys, build, finish, must, ok, parts, prepare, refused, tool

TOOLS = ["rpmbuild", "rpmsign", "gpg", "createrepo_c", "cc", "zstd", "xz"]
FAMILIES = ("arm", "s390x")


class Handler(Redirecting, http.server.SimpleHTTPRequestHandler):
    """Serves a directory; without pages for directories if `listings` is off."""

    listings = True

    def list_directory(self, path):
        if self.listings:
            return super().list_directory(path)
        self.send_error(403)
        return None

    def log_message(self, *args):
        pass


class Proxy(Handler):
    """A server elsewhere, as it is seen through a proxy: of any name."""

    def do_GET(self):
        self.path = re.sub("^http://[^/]+", "", self.path)
        super().do_GET()


class Blind(Handler):
    listings = False


def serve(directory, handler=Handler):
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=directory))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def resolve(evr, host, fingerprint, *places):
    """The parsed lines, or the failed run."""
    result = tool("resolve", evr, host, fingerprint, *places)
    if result.returncode != 0:
        return result
    return {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}


class Koji:
    """KOJI/qemu/V/R/{ARCH, data/signed/KEY8/ARCH, data/sigcache/KEY8/ARCH}"""

    def __init__(self, root, keys, fingerprint):
        self.root, self.keys = root, keys
        self.key8 = fingerprint[-8:].lower()

    def add(self, top, version, release, arch, sign=True):
        base = os.path.join(self.root, "qemu", version, release)
        os.makedirs(os.path.join(base, arch))
        for package in glob.glob(os.path.join(top, f"RPMS/{arch}/*-{version}-{release}.*.rpm")):
            name = os.path.basename(package)
            shutil.copy(package, os.path.join(base, arch, name))
            if not sign:
                continue
            signed = os.path.join(base, "data/signed", self.key8, arch)
            cache = os.path.join(base, "data/sigcache", self.key8, arch)
            os.makedirs(signed, exist_ok=True)
            os.makedirs(cache, exist_ok=True)
            self.keys.sign(package)
            shutil.copy(package, os.path.join(signed, name))
            data = open(package, "rb").read()
            with open(os.path.join(cache, name + ".sig"), "wb") as f:
                f.write(data[96:parts(data)[1]])
        return base


def test_koji(top, keys, fingerprint, koji):
    server, url = serve(koji.root)
    place = f"koji={url}"
    signed = os.path.join(koji.root, "qemu/10.2.2/1.fc44/data/signed")
    got = resolve(EVR, "x86_64", fingerprint, place)
    ok(isinstance(got, dict) and sorted(got) == [f"qemu-user-static-{f}" for f in FAMILIES],
       "koji: the packages of the families, without the empty one", str(got))
    row = got["qemu-user-static-arm"]
    file = "qemu-user-static-arm-10.2.2-1.fc44.x86_64.rpm"
    ok(row[:3] == [EVR, "x86_64", file], "koji: version, architecture and file name", str(row))
    ok(len(row) == 7 and "/data/signed/" in row[5] and "#signature=" in row[6],
       "koji: the signed copy first, then the unsigned build with its signature", str(row))
    want = sha256(os.path.join(signed, koji.key8, "x86_64", file))
    for label, address in (("signed copy", row[5]), ("put together", row[6])):
        output = os.path.join(top, "fetched.rpm")
        result = tool("fetch", address, output)
        ok(result.stdout.startswith(want) and sha256(output) == want,
           f"koji: {label} has the right bytes", result.stdout + result.stderr)
        result = tool("describe", output, keys.path("release.asc"), fingerprint, "x86_64")
        ok(result.stdout.startswith(f"qemu-user-static-arm {EVR} x86_64 ") and
           result.stdout.rstrip().endswith(" GPL-2.0-or-later qemu-10.2.2-1.fc44.src.rpm 10.2.2 2"),
           f"koji: {label} is described", result.stdout + result.stderr)
    size = str(os.path.getsize(output))
    cache = os.path.join(top, "cache")
    result = tool("fetch-locked", row[6], want, size, cache)
    ok(result.returncode == 0 and sha256(result.stdout.strip()) == want,
       "koji: put together in the cache", result.stderr)
    result = tool("fetch-locked", row[6], "0" * 64, size, cache)
    ok(result.returncode == 4 and file in result.stderr, "koji: not what the lock says",
       result.stderr)
    result = tool("describe", output, keys.path("release.asc"), fingerprint, "aarch64")
    ok(refused(result, "is for x86_64, expected aarch64"), "describe: another host", result.stderr)

    os.rename(signed, signed + ".pruned")
    got = resolve(EVR, "x86_64", fingerprint, place)
    ok(isinstance(got, dict) and sorted(got) == [f"qemu-user-static-{f}" for f in FAMILIES],
       "koji: without signed copies, by the signature headers", str(got))
    blind, blind_url = serve(koji.root, Blind)
    got = resolve(EVR, "x86_64", fingerprint, f"koji={blind_url}")
    ok(isinstance(got, dict) and len(got) == 2, "koji: a server without directory pages", str(got))
    got = resolve(EVR, "x86_64", fingerprint, f"koji=file://{koji.root}")
    ok(isinstance(got, dict) and len(got) == 2, "koji: a directory of this machine", str(got))
    os.rename(signed + ".pruned", signed)
    cache = os.path.join(koji.root, "qemu/10.2.2/1.fc44/data/sigcache")
    os.rename(cache, cache + ".gone")
    got = resolve(EVR, "x86_64", fingerprint, f"koji={blind_url}")
    ok(isinstance(got, dict) and len(got) == 2, "koji: neither pages nor signature headers",
       str(got))
    os.rename(cache + ".gone", cache)
    blind.shutdown()
    got = resolve(EVR, "x86_64", fingerprint, f"koji={url}/via/mirror")
    ok(isinstance(got, dict) and len(got) == 2, "koji: behind a redirector", str(got))

    other = keys.fingerprint("other")
    got = resolve(EVR, "x86_64", other, place)
    ok(not isinstance(got, dict) and "not signed by" not in got.stderr and
       "signed by a pinned key" in got.stderr, "koji: no signature of the pinned key", str(got))
    got = resolve("2:10.2.3-1.fc44", "x86_64", fingerprint, place)
    ok(not isinstance(got, dict) and "10.2.3" in got.stderr and "x86_64" in got.stderr,
       "koji: no such build", str(got))
    got = resolve(EVR, "s390x", fingerprint, place)
    ok(not isinstance(got, dict) and "s390x" in got.stderr, "koji: no such host", str(got))
    got = resolve(EVR, "riscv64", fingerprint, place)
    ok(not isinstance(got, dict), "koji: a host that Fedora does not have", str(got))
    got = resolve("-", "x86_64", fingerprint, place)
    ok(not isinstance(got, dict) and '"evr"' in got.stderr, "koji: a version has to be named",
       str(got))

    got = resolve("2:7.0.0-4.fc36", "x86_64", fingerprint, place)
    ok(isinstance(got, dict) and list(got) == ["qemu-user-static"],
       "koji: one package with everything (until 7.0.0-4)", str(got))

    dead = f"koji=http://127.0.0.1:{free_port()}"
    empty, empty_url = serve(tempfile.mkdtemp(dir=top))
    for label, first in (("nobody answers", dead), ("it is not there", f"koji={empty_url}")):
        got = resolve(EVR, "aarch64", fingerprint, first, place)
        ok(isinstance(got, dict) and len(got) == 2 and url in str(got),
           f"koji: the second directory when at the first {label}", str(got))
    empty.shutdown()
    got = resolve(EVR, "aarch64", fingerprint, dead)
    ok(not isinstance(got, dict) and got.returncode == 5, "koji: nobody answers: exit status 5",
       str(got))

    result = tool("newest", EVR, "x86_64", fingerprint, place)
    ok(result.stdout == "2:10.2.2-2.fc44\n", "koji: the newest build that is signed",
       result.stdout + result.stderr)
    newer = [f"qemu/11.0.{number}/1.fc45" for number in range(60)]
    there = sum([int(n) for n in version.split(".")] > [10, 2, 2]
                for version in os.listdir(os.path.join(koji.root, "qemu")))
    for build in newer[:59 - there]:
        os.makedirs(os.path.join(koji.root, build))
    result = tool("newest", EVR, "x86_64", fingerprint, place)
    ok(result.stdout == "2:10.2.2-2.fc44\n", "koji: behind 59 others", result.stdout + result.stderr)
    os.makedirs(os.path.join(koji.root, newer[59]))
    result = tool("newest", EVR, "x86_64", fingerprint, place)
    ok(result.returncode == 5 and "has no signed build for Fedora 44" in result.stderr,
       "koji: no more than 60 are looked at", result.stdout + result.stderr)
    for build in newer:
        shutil.rmtree(os.path.join(koji.root, os.path.dirname(build)), ignore_errors=True)
    return server, place


def metalink(path, digests, urls):
    hashes = "".join(f'<hash type="sha256">{d}</hash>' for d in digests)
    with open(path, "w") as f:
        f.write('<metalink xmlns="http://www.metalinker.org/"><files><file name="repomd.xml">'
                f"<verification>{hashes}</verification><resources>" +
                "".join(f"<url>{u}</url>" for u in urls) +
                "</resources></file></files></metalink>")


def recompress(repository, program, ending, *args):
    """createrepo_c writes no zst: compress primary.xml anew, and say so in repomd.xml."""
    data = os.path.join(repository, "repodata")
    old = glob.glob(os.path.join(data, "*-primary.xml.*"))[0]
    plain = must("bsdcat", old) if shutil.which("bsdcat") else must("gzip", "-dc", old)
    new = os.path.join(data, "new-primary.xml" + ending)
    with open(new, "wb") as f:
        f.write(subprocess.run([program, *args, "-c"], input=plain.encode(), check=True,
                               stdout=subprocess.PIPE).stdout)
    repomd = os.path.join(data, "repomd.xml")
    text = open(repomd).read()
    block = re.search(r'<data type="primary">.*?</data>', text, re.S).group(0)
    changed = re.sub(r"<checksum [^>]*>\w+", f'<checksum type="sha256">{sha256(new)}', block)
    changed = re.sub(r'href="[^"]*"', f'href="repodata/{os.path.basename(new)}"', changed)
    changed = re.sub(r"<size>\d+", f"<size>{os.path.getsize(new)}", changed)
    with open(repomd, "w") as f:
        f.write(text.replace(block, changed))
    os.unlink(old)


def make_repository(root, packages):
    pool = os.path.join(root, "Packages/q")
    os.makedirs(pool, exist_ok=True)
    for package in packages:
        shutil.copy(package, pool)
    must("createrepo_c", "-q", root)


def test_repository(top, fingerprint, koji_place):
    root = os.path.join(top, "repos")
    rpms = os.path.join(top, "RPMS")
    for arch in ("x86_64", "aarch64"):
        make_repository(os.path.join(root, "44", arch),
                        glob.glob(f"{rpms}/{arch}/*-10.2.2-1.fc44.*"))
    server, url = serve(root)
    place = f"repo={url}/{{release}}/{{arch}}"
    for host in ("x86_64", "aarch64"):
        got = resolve(EVR, host, fingerprint, place)
        ok(isinstance(got, dict) and sorted(got) == [f"qemu-user-static-{f}" for f in FAMILIES],
           f"repository: packages for {host}, without the empty one", str(got))
    row = got["qemu-user-static-s390x"]
    package = f"{rpms}/aarch64/{row[2]}"
    ok(row[3] == str(os.path.getsize(package)) and row[4] == sha256(package) and
       row[5:] == [f"{url}/44/aarch64/Packages/q/{row[2]}"], "repository: size, digest and URL",
       str(row))
    repository = os.path.join(root, "44", "x86_64")
    for program, ending, args in (("zstd", ".zst", ["-q"]), ("xz", ".xz", [])):
        recompress(repository, program, ending, *args)
        got = resolve(EVR, "x86_64", fingerprint, place)
        ok(isinstance(got, dict) and len(got) == 2, f"repository: list compressed as {ending}",
           str(got))
    for kind in PAGES:
        got = resolve(EVR, "x86_64", fingerprint, place.replace(url, f"{url}/via/{kind}"))
        ok(isinstance(got, dict) and len(got) == 2,
           f"repository: behind a redirector, whose page is '{kind}'", str(got))
    got = resolve(EVR, "x86_64", fingerprint, f"repo=file://{repository}/")
    ok(isinstance(got, dict) and got["qemu-user-static-arm"][5].startswith("file:///"),
       "repository: a directory of this machine", str(got))
    got = resolve(EVR, "x86_64", fingerprint, place, koji_place)
    ok(isinstance(got, dict) and len(got["qemu-user-static-arm"]) == 8 and
       "/data/signed/" in got["qemu-user-static-arm"][6], "repository first, Koji's URLs behind it",
       str(got))
    got = resolve("2:10.2.2-2.fc44", "x86_64", fingerprint, place, koji_place)
    ok(isinstance(got, dict) and "/data/signed/" in got["qemu-user-static-arm"][5],
       "Koji, when the repository does not have the version", str(got))
    got = resolve("2:11.0.0-1.fc44", "x86_64", fingerprint, place)
    ok(not isinstance(got, dict) and "has no qemu-user-static 2:11.0.0-1.fc44 for x86_64" in
       got.stderr and url in got.stderr, "repository: no such version", str(got))

    test_metalink(top, fingerprint, repository, url)
    test_damage(root, fingerprint, repository, place)
    test_newest(top, fingerprint, root, url, place)
    server.shutdown()


def test_metalink(top, fingerprint, repository, url):
    stale = os.path.join(top, "stale")
    shutil.copytree(repository, stale)
    with open(os.path.join(stale, "repodata/repomd.xml"), "a") as f:
        f.write("<!-- old -->\n")
    stale_server, stale_url = serve(stale)
    digest = sha256(os.path.join(repository, "repodata/repomd.xml"))
    good = f"{url}/44/x86_64/repodata/repomd.xml"
    bad = f"{stale_url}/repodata/repomd.xml"
    dead = f"http://127.0.0.1:{free_port()}/repodata/repomd.xml"
    file = os.path.join(repository, "metalink")
    place = f"repo=metalink:{url}/44/{{arch}}/metalink?repo=fedora-{{release}}"
    metalink(file, [digest], [dead, bad, good])
    got = resolve(EVR, "x86_64", fingerprint, place)
    ok(isinstance(got, dict) and got["qemu-user-static-arm"][5].startswith(f"{url}/44/x86_64/"),
       "metalink: a dead mirror and a stale one are passed over", str(got))
    metalink(file, [digest, sha256(os.path.join(stale, "repodata/repomd.xml"))], [bad])
    got = resolve(EVR, "x86_64", fingerprint, place)
    ok(isinstance(got, dict), "metalink: the state before the last one is fine", str(got))
    metalink(file, ["0" * 64], [good])
    got = resolve(EVR, "x86_64", fingerprint, place)
    ok(not isinstance(got, dict) and got.returncode == 4 and "does not match the metalink" in
       got.stderr, "metalink: nobody has what it says: exit status 4", str(got))
    metalink(file, [digest], [f"file://{repository}/repodata/repomd.xml"])
    got = resolve(EVR, "x86_64", fingerprint, place)
    ok(not isinstance(got, dict) and "names only local files" in got.stderr,
       "metalink: files of this machine are not read", str(got))
    metalink(file, [digest], [f"file://{repository}/repodata/repomd.xml", good])
    got = resolve(EVR, "x86_64", fingerprint, place)
    ok(isinstance(got, dict), "metalink: ... and the other mirrors are", str(got))
    stale_server.shutdown()


def test_damage(root, fingerprint, repository, place):
    listed = glob.glob(os.path.join(repository, "repodata/*-primary.xml.*"))[0]
    whole = open(listed, "rb").read()
    for label, data, text in (
            ("one byte of the list changed", whole[:50] + bytes([whole[50] ^ 1]) + whole[51:],
             "sha256"),
            ("the list cut short", whole[:-20], "primary")):
        with open(listed, "wb") as f:
            f.write(data)
        got = resolve(EVR, "x86_64", fingerprint, place)
        ok(not isinstance(got, dict) and got.returncode in (4, 5) and text in got.stderr,
           f"repository: {label}", str(got))
    with open(listed, "wb") as f:
        f.write(whole)
    for label, name in (("families", "qemu-user-static-[a-z]*"), ("everything", "*")):
        for package in glob.glob(os.path.join(repository, "Packages/q", name)):
            os.unlink(package)
        must("createrepo_c", "-q", repository)
        got = resolve(EVR, "x86_64", fingerprint, place)
        text = "has only the empty qemu-user-static" if name != "*" else "has no qemu-user-static"
        ok(not isinstance(got, dict) and text in got.stderr, f"repository: without {label}",
           str(got))


def test_newest(top, fingerprint, root, url, place):
    rpms = os.path.join(top, "RPMS/x86_64")
    shutil.rmtree(os.path.join(root, "44/x86_64"))
    make_repository(os.path.join(root, "44/x86_64"), glob.glob(f"{rpms}/*-10.2.2-1.fc44.*"))
    updates = os.path.join(root, "updates/x86_64")
    make_repository(updates, glob.glob(f"{rpms}/*-10.2.2-2.fc44.*") +
                    glob.glob(f"{rpms}/*-10.2.2-1.fc44.*"))
    both = (place, f"repo={url}/updates/{{arch}}")
    result = tool("newest", "-", "x86_64", fingerprint, *both)
    ok(result.stdout == "2:10.2.2-2.fc44\n", "newest: of two repositories",
       result.stdout + result.stderr)
    got = resolve("-", "x86_64", fingerprint, *both)
    ok(isinstance(got, dict) and len(got) == 2 and
       got["qemu-user-static-arm"][0] == "2:10.2.2-2.fc44", "the newest, when no version is named",
       str(got))
    result = tool("newest", "-", "x86_64", fingerprint, place,
                  f"repo=http://127.0.0.1:{free_port()}/")
    ok(result.returncode == 5 and result.stdout == "",
       "newest: not known when one repository does not answer", result.stdout + result.stderr)


ODD_VERSIONS = (("10.2.2~rc1", "1.fc44"), ("10.2.2^20260101git1a2b3c", "1.fc44"),
                ("10.2.2", "1+x.fc44"))


def rewrite_list(repository, change):
    """Changes the plain list of packages, and repomd.xml with it."""
    listed = glob.glob(os.path.join(repository, "repodata/*primary.xml*"))[0]
    text = change(must("gzip", "-dc", listed) if listed.endswith(".gz") else open(listed).read())
    os.unlink(listed)
    with open(os.path.join(repository, "repodata/primary.xml"), "w") as f:
        f.write(text)
    with open(os.path.join(repository, "repodata/repomd.xml"), "w") as f:
        f.write('<repomd><data type="primary"><checksum type="sha256">'
                f'{hashlib.sha256(text.encode()).hexdigest()}</checksum>'
                f'<location href="repodata/primary.xml"/></data></repomd>')


def test_odd_names(top, fingerprint):
    """Versions with '~', '^' and '+': their files are found, and fetched under these names."""
    root = os.path.join(top, "odd")
    rpms = os.path.join(top, "RPMS/x86_64")
    server, url = serve(root)
    for number, (version, release) in enumerate(ODD_VERSIONS):
        evr = f"2:{version}-{release}"
        repository = os.path.join(root, str(number))
        packages = glob.glob(f"{rpms}/qemu-user-static-*-{version}-{release}.*")
        make_repository(repository, packages)
        for label, wanted in (("newest", "-"), ("pinned", evr)):
            got = resolve(wanted, "x86_64", fingerprint, f"repo={url}/{number}")
            ok(isinstance(got, dict) and len(got) == 2 and
               got["qemu-user-static-arm"][0] == evr, f"{label}: {evr}", str(got))
        output = os.path.join(top, "odd.rpm")
        result = tool("fetch", got["qemu-user-static-arm"][5], output)
        ok(result.returncode == 0 and sha256(output) ==
           sha256(f"{rpms}/qemu-user-static-arm-{version}-{release}.x86_64.rpm"),
           f"fetched: {evr}", result.stderr)
        rewrite_list(repository, lambda text: text.replace("^", "%5E").replace("~", "%7e"))
        got = resolve("-", "x86_64", fingerprint, f"repo={url}/{number}")
        version_text = version.replace("^", "%5E").replace("~", "%7e")
        file = f"qemu-user-static-arm-{version}-{release}.x86_64.rpm"
        ok(isinstance(got, dict) and got["qemu-user-static-arm"][2] == file and
           version_text in got["qemu-user-static-arm"][5], f"percent encoding: {evr}", str(got))

    new = os.path.join(root, "new")
    make_repository(new, glob.glob(f"{rpms}/*-10.2.2-1.fc44.*"))
    for label, change in (
            ("a strange name", lambda text: text.replace("arm-10.2.2~rc1-1.fc44.x86_64.rpm\"",
                                                         "arm,10.2.2~rc1.rpm\"")),
            ("no checksum", lambda text: text.replace('type="sha256"', 'type="md5"')),
            ("a place elsewhere", lambda text: text.replace('href="Packages',
                                                            'href="../Packages'))):
        both = os.path.join(root, "both")
        shutil.rmtree(both, ignore_errors=True)
        make_repository(both, glob.glob(f"{rpms}/qemu-user-static-*-10.2.2~rc1-*"))
        rewrite_list(both, change)
        got = resolve("-", "x86_64", fingerprint, f"repo={url}/both")
        ok(not isinstance(got, dict) and got.returncode == 3 and
           "2:10.2.2~rc1-1.fc44" in got.stderr, f"{label}: refused, and named", str(got))
        old = re.search("<package .*</package>", open(os.path.join(
            both, "repodata/primary.xml")).read(), re.S).group(0)
        for order in ("before", "after"):
            shutil.rmtree(both)
            shutil.copytree(new, both)
            rewrite_list(both, lambda text: re.sub(
                "(<metadata.*?>)", lambda m: m.group(1) + old, text, count=1, flags=re.S)
                if order == "before" else text.replace("</metadata>", old + "</metadata>"))
            got = resolve("-", "x86_64", fingerprint, f"repo={url}/both")
            ok(isinstance(got, dict) and got["qemu-user-static-arm"][0] == EVR,
               f"{label}: does not matter {order} the newest", str(got))
    server.shutdown()


def test_epochs(top, fingerprint, keys):
    """`Epoch: 0` in the header is no epoch, as the list of packages has it."""
    for epoch in ("Epoch: 0", ""):
        place = os.path.join(top, epoch[-1:] or "none")
        shutil.copytree(os.path.join(top, "SOURCES"), os.path.join(place, "SOURCES"))
        with open(os.path.join(place, "qemu.spec"), "w") as f:
            f.write(SPEC.replace("Epoch: 2", epoch))
        build(place, "x86_64", single=True)
        repository = os.path.join(place, "RPMS/x86_64")
        package = os.path.join(repository, "qemu-user-static-10.2.2-1.fc44.x86_64.rpm")
        keys.sign(package)
        must("createrepo_c", "-q", repository)
        for wanted in ("-", "0:10.2.2-1.fc44", "10.2.2-1.fc44"):
            got = resolve(wanted, "x86_64", fingerprint, f"repo=file://{repository}")
            ok(isinstance(got, dict) and got["qemu-user-static"][0] == "10.2.2-1.fc44",
               f"'{epoch}', '{wanted}': resolved", str(got))
        result = tool("describe", package, keys.path("release.asc"), fingerprint, "x86_64")
        ok(result.stdout.startswith("qemu-user-static 10.2.2-1.fc44 x86_64 "),
           f"'{epoch}': described", result.stdout + result.stderr)
        for evr in ("0:10.2.2-1.fc44", "10.2.2-1.fc44"):
            result = tool("verify", package, keys.path("release.asc"), fingerprint,
                          "qemu-user-static", evr, "x86_64")
            ok(result.returncode == 0, f"'{epoch}' is {evr}", result.stderr)


def test_elsewhere(top, fingerprint):
    """What a server elsewhere names is not near this machine: not asked, and not noted in a lock."""
    root = os.path.join(top, "elsewhere")
    make_repository(root, glob.glob(f"{top}/RPMS/x86_64/*-10.2.2-1.fc44.*"))
    server, url = serve(root, Proxy)
    file = os.path.join(root, "metalink")
    repomd = os.path.join(root, "repodata/repomd.xml")
    far, end = "http://mirror.example", "/repodata/repomd.xml"
    near = ("http://127.0.0.1:9", url, "http://localhost:9", "http://[::1]:9", "http://169.254.1.1", "http://10.1.1.1",
            "http://[fd00::1]", f"file://{root}")
    os.environ["http_proxy"] = url
    try:
        metalink(file, [sha256(repomd)], [n + end for n in near] + [far + end])
        got = resolve(EVR, "x86_64", fingerprint, f"repo=metalink:{far}/metalink")
        ok(isinstance(got, dict) and all(len(row) == 6 and row[5].startswith(f"{far}/Packages/")
                                         for row in got.values()),
           "metalink: mirrors near this machine are not noted", str(got))
        for name in near:
            metalink(file, [sha256(repomd)], [name + end])
            got = resolve(EVR, "x86_64", fingerprint, f"repo=metalink:{far}/metalink")
            ok(not isinstance(got, dict) and "names only local files" in
               got.stderr, f"metalink: {name.replace(url, 'a server of this machine')} alone is refused", str(got))
        with open(repomd) as f:
            text = f.read()
        for name in near:
            with open(repomd, "w") as f:
                f.write(text.replace("<location href", f'<location xml:base="{name}/" href'))
            got = resolve(EVR, "x86_64", fingerprint, f"repo={far}")
            ok(not isinstance(got, dict) and got.returncode == 3 and "the repository is not" in got.stderr,
               f"repomd.xml: {name.replace(url, 'a server of this machine')} is refused", str(got))
        for name in (*near, "https://mirror.example"):
            must("createrepo_c", "-q", "--baseurl", name, root)
            got = resolve(EVR, "x86_64", fingerprint, f"repo={far}")
            if name in near:
                ok(not isinstance(got, dict) and got.returncode == 3 and "the repository is not" in got.stderr,
                   f"the list: {name.replace(url, 'a server of this machine')} is refused", str(got))
            else:
                ok(isinstance(got, dict) and got["qemu-user-static-arm"][5].startswith(name + "/"),
                   f"the list: {name} is taken", str(got))
    finally:
        del os.environ["http_proxy"]
    server.shutdown()


def test_bases(top, fingerprint):
    """xml:base of packages, as createrepo_c --baseurl writes it, and of the list itself."""
    root = os.path.join(top, "based")
    pool = glob.glob(f"{top}/RPMS/x86_64/*-10.2.2-1.fc44.*")
    make_repository(os.path.join(root, "pool"), pool)
    server, url = serve(root)
    listing = os.path.join(root, "lists")
    shutil.copytree(os.path.join(root, "pool"), listing)
    for label, base, first in (
            ("a URL", f"{url}/pool", f"{url}/pool/Packages/q/"),
            ("a path below", "more/", f"{url}/lists/more/Packages/q/")):
        must("createrepo_c", "-q", "--baseurl", base, listing)
        got = resolve(EVR, "x86_64", fingerprint, f"repo={url}/lists")
        ok(isinstance(got, dict) and len(got["qemu-user-static-arm"]) == 6 and
           got["qemu-user-static-arm"][5].startswith(first), f"xml:base: {label}", str(got))
    for label, base, text in (
            ("a file of this machine", f"file://{root}/pool", "is on or near this machine"),
            ("a path above", "../pool", "invalid base"),
            ("a password", "http://u:p@127.0.0.1/", "password"),
            ("another scheme", "ftp://127.0.0.1/", "ftp")):
        must("createrepo_c", "-q", "--baseurl", base, listing)
        got = resolve(EVR, "x86_64", fingerprint, f"repo={url}/lists")
        ok(not isinstance(got, dict) and got.returncode == 3 and text in got.stderr,
           f"xml:base: {label} is refused", str(got))
    got = resolve(EVR, "x86_64", fingerprint, f"repo=file://{listing}")
    ok(not isinstance(got, dict), "xml:base: another scheme is refused for a local one", str(got))

    must("createrepo_c", "-q", "-s", "sha512", listing)
    got = resolve(EVR, "x86_64", fingerprint, f"repo={url}/lists")
    ok(isinstance(got, dict) and got["qemu-user-static-arm"][4] == "0" * 64 and
       got["qemu-user-static-arm"][3] == str(os.path.getsize(
           [p for p in pool if "static-arm-" in p][0])), "metadata with SHA-512 alone", str(got))
    listed = glob.glob(os.path.join(listing, "repodata/*primary.xml*"))[0]
    moved = os.path.join(root, "pool/repodata", os.path.basename(listed))
    with open(os.path.join(listing, "repodata/repomd.xml")) as f:
        text = f.read()
    os.rename(listed, moved)
    with open(os.path.join(listing, "repodata/repomd.xml"), "w") as f:
        f.write(text.replace("<location href", f'<location xml:base="{url}/pool/" href'))
    got = resolve(EVR, "x86_64", fingerprint, f"repo={url}/lists")
    ok(isinstance(got, dict), "xml:base: of the list", str(got))
    with open(moved, "ab") as f:
        f.write(b"\0")
    got = resolve(EVR, "x86_64", fingerprint, f"repo={url}/lists")
    ok(not isinstance(got, dict) and got.returncode in (3, 4), "a list longer than it says",
       str(got))
    data = open(moved, "rb").read()[:-1]
    with open(moved, "wb") as f:
        f.write(data[:-1] + bytes([data[-1] ^ 1]))
    got = resolve(EVR, "x86_64", fingerprint, f"repo={url}/lists")
    ok(not isinstance(got, dict) and got.returncode == 4 and "sha512" in got.stderr,
       "one byte of the list changed, SHA-512", str(got))
    server.shutdown()


def main():
    missing = [t for t in TOOLS if shutil.which(t) is None]
    if missing:
        print(f"1..0 # SKIP {', '.join(missing)} not installed")
        return 0
    with tempfile.TemporaryDirectory(prefix="fedora.") as top:
        prepare(top)
        keys = Keys(os.path.join(top, "gnupg"))
        fingerprint = keys.fingerprint("release")
        koji = Koji(os.path.join(top, "packages"), keys, fingerprint)
        build(top, "x86_64")
        build(top, "aarch64")
        build(top, "x86_64", release="2.fc44")
        build(top, "x86_64", version="10.2.3", release="0.fc44")
        build(top, "x86_64", version="10.3.0", release="1.fc45")
        build(top, "x86_64", version="7.0.0", release="4.fc36", single=True)
        for version, release, arch, sign in (
                ("10.2.2", "1.fc44", "x86_64", True), ("10.2.2", "1.fc44", "aarch64", True),
                ("10.2.2", "2.fc44", "x86_64", True), ("10.2.3", "0.fc44", "x86_64", False),
                ("10.3.0", "1.fc45", "x86_64", True), ("7.0.0", "4.fc36", "x86_64", True)):
            koji.add(top, version, release, arch, sign)
        server, place = test_koji(top, keys, fingerprint, koji)
        test_repository(top, fingerprint, place)
        for version, release in ODD_VERSIONS:
            build(top, "x86_64", version=version, release=release)
        test_odd_names(top, fingerprint)
        test_elsewhere(top, fingerprint)
        test_bases(top, fingerprint)
        test_epochs(top, fingerprint, keys)
        server.shutdown()
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=keys.env(), check=False)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
