#!/usr/bin/python3
"""What an administrator does with a signed repository that packaging/repository has made, in a fresh system booted with
systemd. Called by packaging/test, in a network of its own:

    published.py ROOT DIRECTORY PACKAGE [OLDER]

PACKAGE is p2's deb, and OLDER one of a former version; without it, it is the same program with a lower version. A web
server of this process shows the repository to the system. Prints one line a check, the last one is `N passed, N failed`.
"""

import os
import re
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]

from installed import Installed, SETTINGS, run_checks  # noqa: E402
from repository import TOP, Altered, Repository, relabelled, run  # noqa: E402


class Apt:
    """How README says that it is handled."""

    def __init__(self, machine, repository):
        self._machine, self._repository = machine, repository

    def install(self, _):
        """README's lines, at the address of this test. The system has apt's own program to fetch a file, and no wget."""
        with open(os.path.join(TOP, "README.md")) as readme:
            lines = re.findall(r"(?m)^    (mkdir -p /etc/apt/.*|wget .*|apt-get update .*)$", readme.read())
        assert len(lines) == 4, lines
        text, count = re.subn(r"wget -O (\S+) \S+/(\S+)",
                              rf"/usr/lib/apt/apt-helper download-file {self._repository.address}/\2 \1", "\n".join(lines))
        assert count == 2, text
        return self._machine.run("sh", "-ec", text)

    def upgrade(self, _):
        return self._machine.run("sh", "-ec", "apt-get update && apt-get upgrade -y")


class Published(Installed):
    def __init__(self, root, directory, package, older):
        self._repository = Repository(directory)
        super().__init__("deb", root, directory, older, package)
        self._manager = Apt(self._machine, self._repository)
        self._versions = [self._version_of(deb) for deb in (older, package)]
        self._debs = older, package
        # No other repository can be reached from here.
        os.remove(self._machine.path("/etc/apt/sources.list"))

    def checks(self):
        yield "the system boots", self.boot
        yield "the older version comes from the repository by the lines of README", self.install_older
        yield "starts when it is set up by the lines of README, and says so to systemd", self.set_up
        yield "a push goes through", self.push
        yield "an upgrade comes from the repository, and keeps settings and registrations", self.upgrade_from_there
        yield "the former version comes from it again, and keeps them too", self.downgrade
        yield "an altered package is refused", self.altered_package
        yield "an altered list of packages is refused", lambda: self.altered_index("main/binary-*/Packages.xz")
        yield "an altered index is refused", lambda: self.altered_index("InRelease")
        yield "an index that another has signed is refused", self.index_of_another
        yield "what was refused has changed nothing, and the true one is taken", self.true_again

    def install_older(self):
        self._repository.add(self._debs[0])
        self.install()
        self._expect_version(0)

    def upgrade_from_there(self):
        self._repository.add(self._debs[1])
        self.upgrade()
        self._expect_version(1)

    def downgrade(self):
        settings = self._machine.read(SETTINGS)
        self._machine.run("apt-get", "install", "-y", "--allow-downgrades", f"p2={self._versions[0]}")
        self._machine.wait_for("active", lambda: self._active() == "active")
        self._expect_version(0)
        assert self._machine.read(SETTINGS) == settings, "the settings are not the same"
        self._push_again()

    def altered_package(self):
        with self._altered(f"deb/pool/*_{self._versions[1]}_*.deb"):
            said = self._refused("apt-get install -y p2")
        assert "Hash Sum mismatch" in said, said

    def altered_index(self, pattern):
        architecture = self._machine.run("dpkg", "--print-architecture").strip()
        pattern = pattern.replace("*", architecture)
        with self._altered(f"deb/dists/stable/{pattern}"):
            self._refused("rm -rf /var/lib/apt/lists && apt-get -o APT::Update::Error-Mode=any update")

    def index_of_another(self):
        self._repository.sign_by_another()
        said = self._refused("rm -rf /var/lib/apt/lists && apt-get -o APT::Update::Error-Mode=any update")
        self._repository.add(self._debs[1])
        assert "NO_PUBKEY" in said or "is not signed" in said or "Missing key" in said, said

    def true_again(self):
        self._push_again()
        self._manager.upgrade(None)
        self._machine.wait_for("active", lambda: self._active() == "active")
        self._expect_version(1)
        self._push_again()

    # ---- what they are made of

    @staticmethod
    def _version_of(deb):
        return run("dpkg-deb", "-f", deb, "Version").strip()

    def _expect_version(self, which):
        found = self._machine.run("dpkg-query", "-W", "-f", "${Version}", "p2")
        assert found == self._versions[which], f"{found} instead of {self._versions[which]}"

    def _altered(self, pattern):
        return Altered(self._repository.path(pattern))

    def _refused(self, command):
        """What it says; the version stays."""
        self._machine.run("apt-get", "clean")
        said = self._machine.run("sh", "-ec", command, check=False)
        assert self._machine.status != 0, f"`{command}` takes it:\n{said}"
        self._expect_version(0)
        return said

    def end(self):
        super().end()
        self._repository.stop()


def main():
    root, directory, package, *older = map(os.path.abspath, sys.argv[1:])
    os.makedirs(directory, exist_ok=True)
    older = older[0] if older else relabelled(package, "0.0.1-1", directory)
    return run_checks(Published(root, directory, package, older))


if __name__ == "__main__":
    sys.exit(main())
