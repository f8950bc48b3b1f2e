"""A signed repository, made by packaging/repository with a key of its own, and shown by a web server of this process."""

import functools
import glob
import http.server
import os
import re
import shutil
import subprocess
import threading

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def run(*command, **more):
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    assert answer.returncode == 0, f"`{' '.join(command)}` ended with {answer.returncode}:\n{answer.stdout}"
    return answer.stdout


def relabelled(package, version, directory):
    """The same files in a deb of another version, whose settings have other comments; gives its path."""
    tree = os.path.join(directory, "relabelled")
    shutil.rmtree(tree, ignore_errors=True)
    run("dpkg-deb", "-R", package, tree)
    control = os.path.join(tree, "DEBIAN", "control")
    with open(control) as file:
        text, count = re.subn(r"(?m)^Version: .*$", f"Version: {version}", file.read())
    assert count == 1, text
    with open(control, "w") as file:
        file.write(text)
    shipped, = (os.path.join(tree, place) for place in ("etc/p2/p2.properties", "usr/share/p2/p2.properties")
                if os.path.exists(os.path.join(tree, place)))
    with open(shipped, "a") as file:
        file.write(f"# This is of {version}.\n")
    deb = os.path.join(directory, re.sub("_[^_]*_", f"_{version}_", os.path.basename(package)))
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, deb)
    shutil.rmtree(tree)
    return deb


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


class Repository:
    """A folder that packaging/repository fills, a web server that shows it, and keys."""

    def __init__(self, directory):
        self.directory = os.path.join(directory, "repository")
        home = os.path.join(directory, "gnupg")
        #: With the keys of release@example.org, which signs, another@example.org, and old@example.org, which has expired.
        self.environment = {**os.environ, "GNUPGHOME": home}
        for path in (self.directory, home):
            shutil.rmtree(path, ignore_errors=True)
            os.makedirs(path, 0o700)
        for owner, *when in (["release"], ["another"], ["old", "--faked-system-time", "20200101T000000"]):
            self._gpg("--passphrase", "", *when, "--quick-generate-key", f"{owner}@example.org", "ed25519", "sign", "1d")
        handler = functools.partial(Quiet, directory=self.directory)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _gpg(self, *arguments):
        return run("gpg", "--batch", "--quiet", "--yes", *arguments, env=self.environment)

    def add(self, *packages):
        run(os.path.join(TOP, "packaging", "repository"), "--key", "release@example.org", "--address", self.address,
            self.directory, *packages, env=self.environment)

    def path(self, pattern):
        """The only file there that the pattern fits."""
        found = glob.glob(os.path.join(self.directory, pattern))
        assert len(found) == 1, f"{pattern}: {found}"
        return found[0]

    def sign_by_another(self):
        for index, how, signature in (("deb/dists/stable/Release", "--clearsign", "deb/dists/stable/InRelease"),
                                      ("deb/dists/stable/Release", "--detach-sign", "deb/dists/stable/Release.gpg"),
                                      ("rpm/repodata/repomd.xml", "--detach-sign", "rpm/repodata/repomd.xml.asc")):
            paths = [os.path.join(self.directory, name) for name in (signature, index)]
            if os.path.exists(paths[1]):
                self._gpg("--local-user", "another@example.org", "--armor", how, "--output", *paths)

    def stop(self):
        self._server.shutdown()
        run("gpgconf", "--kill", "gpg-agent", env=self.environment)


class Altered:
    """A file with another byte in its middle, as long as this lasts."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        with open(self._path, "rb") as file:
            self._bytes = file.read()
        middle = len(self._bytes) // 2
        with open(self._path, "wb") as file:
            file.write(self._bytes[:middle] + bytes([self._bytes[middle] ^ 1]) + self._bytes[middle + 1:])

    def __exit__(self, *_):
        with open(self._path, "wb") as file:
            file.write(self._bytes)
