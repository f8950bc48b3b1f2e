#!/usr/bin/python3
"""Writes a container image in the OCI's image layout. Called by packaging/image/build:

    layout.py NAME VERSION CREATED REVISION ARCHITECTURE=TREE...

makes NAME.tar and NAME.manifest; TREE is what packaging/image/tree has made for one of Debian's ARCHITECTUREs. Nothing
goes in but these arguments and the files' names, modes, owners and content: no time but CREATED, no order but the names'.
umoci and buildah would write their own times, and the bytes that they compress to are those of the library that they were
built with. GNU gzip's have been the same for decades, whatever zlib a system has.
"""

import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from datetime import datetime

PLATFORMS = {
    "amd64": {"architecture": "amd64", "os": "linux"},
    "arm64": {"architecture": "arm64", "os": "linux", "variant": "v8"},
    "armhf": {"architecture": "arm", "os": "linux", "variant": "v7"},
}
#: A layer for each, those first that change least.
LAYERS = ("system", "state", "program")
TYPE = "application/vnd.oci.image."
SECOND = 1_000_000_000  # in nanoseconds, which Docker counts in

#: Containerfile says the same. Healthcheck is Docker's: the OCI's specification has none, and other engines pass it over.
CONFIG = {
    "User": "65532:65532",
    "Env": ["PATH=/usr/bin"],
    "Entrypoint": ["/usr/bin/p2"],
    "Volumes": {"/var/lib/p2": {}},
    "StopSignal": "SIGTERM",
    "Healthcheck": {"Test": ["CMD", "/usr/bin/p2", "status", "--ready"],
                    "Interval": 30 * SECOND, "Timeout": 10 * SECOND, "StartPeriod": 60 * SECOND, "Retries": 3},
}
LABELS = {
    "org.opencontainers.image.title": "p2",
    "org.opencontainers.image.description": "Push proxy for XMPP: wakes phones through Firebase Cloud Messaging",
    "org.opencontainers.image.documentation": "https://xmpp.org/extensions/xep-0357.html",
    "org.opencontainers.image.licenses":
        "MIT AND BSL-1.0 AND Apache-2.0 AND OLDAP-2.8 AND BSD-3-Clause AND Zlib AND MPL-2.0 AND LGPL-2.1-or-later AND "
        "LGPL-2.0-only AND GPL-3.0-or-later WITH GCC-exception-3.1",
}


def encoded(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def entries(tree):
    """The names of all that is in it, a directory before what it holds."""
    found = []
    for directory, directories, files in os.walk(tree):
        found += [os.path.relpath(os.path.join(directory, name), tree) for name in directories + files]
    return sorted(found)


def header(name, size, time, mode=0o644, owner=(0, 0), kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode, info.type, (info.uid, info.gid) = size, time, mode, kind, owner
    return info


def layer(tree, time):
    """Its files as a tar archive."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in entries(tree):
            path = os.path.join(tree, name)
            status = os.lstat(path)
            mode, owner = stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid)
            if stat.S_ISDIR(status.st_mode):
                archive.addfile(header(name, 0, time, mode, owner, tarfile.DIRTYPE))
                continue
            assert stat.S_ISREG(status.st_mode), f"{path} is neither file nor directory"
            with open(path, "rb") as file:
                archive.addfile(header(name, status.st_size, time, mode, owner), file)
    return packed.getvalue()


class Layout:
    """The blobs of an image and how they refer to each other."""

    def __init__(self, version, created, revision):
        self._created = created
        self.time = int(datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp())
        self._labels = {**LABELS, "org.opencontainers.image.version": version, "org.opencontainers.image.created": created}
        if revision:
            self._labels["org.opencontainers.image.revision"] = revision
        self.blobs = {}

    def add(self, content, kind, **more):
        """Gives the descriptor."""
        digest = digest_of(content)
        self.blobs["blobs/" + digest.replace(":", "/")] = content
        return {"mediaType": TYPE + kind, "digest": digest, "size": len(content), **more}

    def add_image(self, architecture, tree):
        layers, unpacked = [], []
        for name in LAYERS:
            content = layer(os.path.join(tree, name), self.time)
            unpacked.append(digest_of(content))
            compressed = subprocess.run(["gzip", "-9n"], input=content, stdout=subprocess.PIPE, check=True).stdout
            layers.append(self.add(compressed, "layer.v1.tar+gzip"))
        platform = PLATFORMS[architecture]
        config = {**platform, "created": self._created, "config": {**CONFIG, "Labels": self._labels},
                  "rootfs": {"type": "layers", "diff_ids": unpacked},
                  "history": [{"created": self._created, "created_by": f"packaging/image/tree: {name}"} for name in LAYERS]}
        manifest = {"schemaVersion": 2, "mediaType": TYPE + "manifest.v1+json", "layers": layers,
                    "config": self.add(encoded(config), "config.v1+json"), "annotations": self._labels}
        return self.add(encoded(manifest), "manifest.v1+json", platform=platform)

    def add_index(self, images):
        index = {"schemaVersion": 2, "mediaType": TYPE + "index.v1+json", "manifests": images, "annotations": self._labels}
        return self.add(encoded(index), "index.v1+json")

    def write(self, file, index, version):
        # The second name is what podman and containerd call the image when they load it.
        named = {**index, "annotations": {"org.opencontainers.image.ref.name": version,
                                          "io.containerd.image.name": f"localhost/p2:{version}"}}
        files = {"oci-layout": encoded({"imageLayoutVersion": "1.0.0"}),
                 "index.json": encoded({"schemaVersion": 2, "mediaType": TYPE + "index.v1+json", "manifests": [named]}),
                 **self.blobs}
        with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as archive:
            for directory in ("blobs", "blobs/sha256"):
                archive.addfile(header(directory, 0, self.time, 0o755, kind=tarfile.DIRTYPE))
            for name in sorted(files):
                archive.addfile(header(name, len(files[name]), self.time), io.BytesIO(files[name]))


def packages_in(tree):
    """`NAME VERSION` of Debian's packages in it."""
    directory = os.path.join(tree, "system", "var/lib/dpkg/status.d")
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name)) as file:
            yield f"{name} " + dict(line.rstrip().split(": ", 1) for line in file)["Version"]


def main():
    name, version, created, revision, *trees = sys.argv[1:]
    trees = dict(argument.split("=", 1) for argument in trees)
    unknown = sorted(set(trees) - set(PLATFORMS))
    if unknown:
        sys.exit(f"packaging/image: there is no platform of the OCI for {', '.join(unknown)}: add it to PLATFORMS in layout.py")
    layout = Layout(version, created, revision)
    images = {architecture: layout.add_image(architecture, trees[architecture]) for architecture in sorted(trees)}
    index = layout.add_index(list(images.values()))
    layout.write(name + ".tar.new", index, version)
    os.rename(name + ".tar.new", name + ".tar")
    with open(name + ".manifest", "w") as file:
        file.write(f"p2 {version} {index['digest']}\n")
        for architecture, image in images.items():
            file.write(f"{architecture} {image['digest']} {', '.join(packages_in(trees[architecture]))}\n")


if __name__ == "__main__":
    main()
