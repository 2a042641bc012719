# SPDX-License-Identifier: MIT
"""What a machine that makes a part of a release can do to it, with every digest right."""

import gzip
import hashlib
import io
import json
import os
import struct
import tarfile
import zlib

from image_release import blob, document, tags


def change(path, edit):
    with open(path) as f:
        document = json.load(f)
    edit(document)
    with open(path, "w") as f:
        json.dump(document, f)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def write(path, content):
    with open(path, "wb") as f:
        f.write(content)


def put_blob(layout, content):
    """Digest and size, as a descriptor has them."""
    digest = sha256(content)
    write(f"{layout}/blobs/sha256/{digest}", content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def compact(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def repack(tarball, program):
    """The same tarball with another program of the same size, as our own format has it."""
    with open(tarball, "rb") as f:
        old = f.read()
    header = gzip.decompress(old)[:512]
    whole = program + bytes(-len(program) % 512 + 1024)
    crc = zlib.crc32(header + whole)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = packer.compress(program) + packer.flush(zlib.Z_SYNC_FLUSH)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # What ends a tarball does not depend on its program: the zeros, in the final block.
    end = old[old.rindex(b"\0\0\xff\xff") + 4:-8]
    content = old[:10 + 5 + 512] + stream + end + struct.pack("<II", crc, 512 + len(whole))
    assert gzip.decompress(content) == header + whole
    write(tarball, content)
    return len(stream), content


def poison_tarball(part, host="aarch64", target="arm"):
    """Another program of the same size, and lists that say what the lock says."""
    tarball = f"{part}/assets/{host}_qemu-{target}-static.tar.gz"
    with tarfile.open(tarball) as archive:
        size = archive.getmembers()[0].size
    stream, content = repack(tarball, b"EVIL-PROGRAM" + bytes(size - 12))

    def packed(document):
        member = next(m for m in document["hosts"][0]["members"] if m["target"] == target)
        member["compressed_size"] = stream
        member["tarball"] = {"size": len(content), "sha256": sha256(content)}

    def assets(document):
        asset = next(a for a in document["assets"] if a["target"] == target)
        asset.update(size=len(content), sha256=sha256(content))
    change(f"{part}/packed.json", packed)
    change(f"{part}/assets.json", assets)


def with_layer(layout, descriptor, config, index, edit):
    """Puts edit(tar) in place of a layer; the config has its diff_id."""
    tar = edit(gzip.decompress(blob(layout, descriptor["digest"])))
    descriptor.update(put_blob(layout, gzip.compress(tar, mtime=0)))
    config["rootfs"]["diff_ids"][index] = f"sha256:{sha256(tar)}"


def evil_layer(tar):
    """The first bytes of each program, and one more file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(tar)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            content = old.extractfile(member).read() if member.isfile() else b""
            new.addfile(member, io.BytesIO(b"EVIL" + content[4:]))
        extra = tarfile.TarInfo("etc/passwd")
        extra.size = 4
        new.addfile(extra, io.BytesIO(b"evil"))
    return out.getvalue()


def rewrite(layout, config=lambda c: None, layer=None, manifest=lambda m: None, index=lambda i: None):
    """Every image of a layout, with right digests everywhere; blobs that nothing needs are removed."""
    done_already = {}

    def image(descriptor):
        if descriptor["digest"] in done_already:
            descriptor.update(done_already[descriptor["digest"]])
            return
        before = descriptor["digest"]
        new = document(layout, before)
        new_config = document(layout, new["config"]["digest"])
        for i, each in enumerate(new["layers"] if layer else ()):
            with_layer(layout, each, new_config, i, layer)
        config(new_config)
        new["config"].update(put_blob(layout, compact(new_config)))
        manifest(new)
        done_already[before] = put_blob(layout, compact(new))
        descriptor.update(done_already[before])

    def change_tags(top):
        for tag in top["manifests"]:
            if "index" not in tag["mediaType"]:
                image(tag)
                continue
            new = document(layout, tag["digest"])
            for child in new["manifests"]:
                image(child)
            index(new)
            tag.update(put_blob(layout, compact(new)))
    change(f"{layout}/index.json", change_tags)
    sweep(layout)


def sweep(layout):
    used = set()

    def use(descriptor):
        used.add(descriptor["digest"][7:])
        for key in ("manifests", "layers", "config"):
            below = document(layout, descriptor["digest"]).get(key, []) \
                if descriptor["mediaType"].endswith(("manifest.v1+json", "index.v1+json")) else []
            for each in below if isinstance(below, list) else [below]:
                use(each)
    for tag in tags(layout).values():
        use(tag)
    for name in os.listdir(f"{layout}/blobs/sha256"):
        if name not in used:
            os.unlink(f"{layout}/blobs/sha256/{name}")


def evil_images(part):
    """Every layer has other programs and one more file, every image another entry point."""
    def entrypoint(config):
        if "Entrypoint" in config["config"]:
            config["config"]["Entrypoint"] = ["/evil"]
    rewrite(f"{part}/images", layer=evil_layer, config=entrypoint)
