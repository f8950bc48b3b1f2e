#!/usr/bin/python3
"""What a user does with the container image, by crun, with a root that is read-only and without a capability. Called by
packaging/test:

    image.py PACKAGES DIRECTORY

PACKAGES has the tarballs and the image made of them. Prosody and the stand-in for FCM run beside the container, in a
network of their own. Prints one line a check, the last one is `N passed, N failed`.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
EXAMPLES = os.path.join(TOP, "packaging", "image")
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "support")]

from container import USER, Container, Image  # noqa: E402
from counted import count  # noqa: E402
from p2test.fcm import Fcm  # noqa: E402
from p2test.p2daemon import leave_the_callers_environment  # noqa: E402
from p2test.phone import Phone  # noqa: E402
from p2test.prosody import Prosody  # noqa: E402
from waiting import wait_for  # noqa: E402

MOST_BYTES = 15_000_000
CONFIG_ERROR, CANNOT_CREATE, NOT_READY = 78, 73, 75
TOKEN = "token-of-the-image-test-" + "x" * 100
#: All of the image but the C library: mode, owner and name.
FILES = """\
drwxr-xr-x 0:0 /etc
-rw-r--r-- 0:0 /etc/group
-rw-r--r-- 0:0 /etc/nsswitch.conf
drwxr-xr-x 0:0 /etc/p2
-rw-r--r-- 0:0 /etc/passwd
drwxr-xr-x 0:0 /etc/ssl
drwxr-xr-x 0:0 /etc/ssl/certs
-rw-r--r-- 0:0 /etc/ssl/certs/ca-certificates.crt
drwxr-xr-x 0:0 /usr
drwxr-xr-x 0:0 /usr/bin
-rwxr-xr-x 0:0 /usr/bin/p2
drwxr-xr-x 0:0 /usr/share
drwxr-xr-x 0:0 /usr/share/licenses
drwxr-xr-x 0:0 /usr/share/licenses/ca-certificates
-rw-r--r-- 0:0 /usr/share/licenses/ca-certificates/copyright
drwxr-xr-x 0:0 /usr/share/licenses/libc6
-rw-r--r-- 0:0 /usr/share/licenses/libc6/copyright
drwxr-xr-x 0:0 /usr/share/licenses/p2
drwxr-xr-x 0:0 /var
drwxr-xr-x 0:0 /var/lib
drwxr-xr-x 0:0 /var/lib/dpkg
drwxr-xr-x 0:0 /var/lib/dpkg/status.d
-rw-r--r-- 0:0 /var/lib/dpkg/status.d/ca-certificates
-rw-r--r-- 0:0 /var/lib/dpkg/status.d/libc6
drwx------ 65532:65532 /var/lib/p2
"""
LIBRARY = re.compile(r"-rw-r--r-- 0:0 /lib/[a-z0-9_]+-linux-gnu[a-z]*/(lib(c|m|dl|pthread|rt|resolv)\.so\.[0-9]+)|"
                     r"-rwxr-xr-x 0:0 /lib(64)?/ld-linux[a-z0-9-]*\.so\.[0-9]|drwxr-xr-x 0:0 /lib(64|/[^/]*-linux-gnu[a-z]*)?|"
                     r"-rw-r--r-- 0:0 /usr/share/licenses/p2/[A-Za-z0-9.-]+")
#: What Kubernetes sets for a service of that name.
KUBERNETES = {"P2_PORT": "tcp://10.0.0.1:9357", "P2_SERVICE_HOST": "10.0.0.1", "P2_SERVICE_PORT": "9357",
              "P2_PORT_9357_TCP": "tcp://10.0.0.1:9357", "P2_PORT_9357_TCP_ADDR": "10.0.0.1"}


#: With where packaging keeps what it has fetched.
CALLERS = dict(os.environ)


def build(packages, *arguments):
    """Gives the exit status and what it says."""
    command = [os.path.join(TOP, "packaging", "image", "build"), "--out", packages, *arguments]
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=CALLERS)
    return answer.returncode, answer.stdout


def said(text, *names):
    """The statements of a Containerfile by these names, without what breaks lines."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [line for line in lines if line.split(" ")[0] in names]


class Beside(Prosody):
    """With the configuration that comes with compose.yaml, and what must be another one without a container and without TLS."""

    def configure(self):
        super().configure()
        with open(os.path.join(EXAMPLES, "prosody.cfg.lua")) as file:
            text = file.read()
        secret = self.secret.replace("\\", "\\\\").replace('"', '\\"')
        for example, own in (("push.example.org", self.p2_jid), ("example.org", self.domain), ("a-long-random-secret", secret)):
            assert f'"{example}"' in text, text
            text = text.replace(f'"{example}"', f'"{own}"')
        here = (f'run_as_root = true\npidfile = "{self.path("prosody.pid")}"\ndata_path = "{self.path("data")}"\n'
                f'admin_socket = "{self.path("prosody.sock")}"\nc2s_ports = {{ {self.c2s} }}\n'
                f"component_ports = {{ {self.component} }}\nc2s_require_encryption = false\n"
                "allow_unencrypted_plain_auth = true\n")
        with open(self.path("prosody.cfg.lua"), "w") as file:
            file.write(here + text)


class Checks:
    def __init__(self, packages, directory):
        self._packages, self._directory = packages, directory
        [archive] = glob.glob(os.path.join(packages, "p2-*-oci.tar"))
        self._image = Image(archive, os.path.join(directory, "image"))
        self._config = self._image.inspect("--config", "--raw")
        self._volume = self._own_directory("volume")
        self._prosody = Beside(os.path.join(directory, "prosody"))
        for user in ("romeo", "juliet"):
            self._prosody.add_user(user)
        self._fcm = Fcm(os.path.join(directory, "fcm"))
        self._secret = self._file("shared-secret", self._prosody.secret + "\n", 0o400)
        with open(self._fcm.service_account) as account:
            self._account = self._file("service-account.json", account.read(), 0o400)
        self._hosts = self._file("hosts", "127.0.0.1 localhost prosody\n", 0o644)
        self._containers, self._pushes = [], 0

    # ---- the checks, in this order

    def checks(self):
        yield "built again, it is the same byte for byte", self.same_again
        yield "what it cannot be made of is told in a sentence", self.wrong_use
        yield f"is at most {MOST_BYTES // 1_000_000} MB to fetch", self.size
        yield "holds p2, what it needs and nothing else", self.contents
        yield "runs p2 as a user that is not root, and says its health to Docker", self.settings_of_image
        yield "Containerfile, compose.yaml and p2.container say the same", self.same_words
        yield "compose.yaml, the quadlets and Prosody's configuration come with the packages", self.examples
        yield "without any setting it says in one sentence what to do", self.no_settings
        yield "a wrong setting is told in one sentence, with exit status 78", self.wrong_setting
        yield "so is a secret that is missing, or that it may not read", self.unreadable_secrets
        yield "a volume that belongs to root is told with the remedy", self.foreign_volume
        yield "and so is none at all", self.no_volume
        yield "with settings from the environment and secrets from files, a push goes through", self.push
        yield "its first process is p2, without a right, in a root that is read-only", self.confined
        yield "is healthy while p2 is connected, else not", self.health
        yield "SIGTERM ends it within 10 s, with exit status 0", self.end
        yield "registrations survive a new container", self.survive
        yield "a settings file that is mounted is read, in a pod of Kubernetes as well", self.mounted_file

    def same_again(self):
        again = os.path.join(self._directory, "again")
        os.makedirs(again)
        for tarball in glob.glob(os.path.join(self._packages, "p2-*-linux-*.tar.gz")):
            shutil.copy(tarball, again)
        # Neither the time nor what its caller has for new files matters.
        before = os.umask(0o077)
        code, text = build(again)
        os.umask(before)
        assert code == 0, text
        for name in map(os.path.basename, glob.glob(os.path.join(self._packages, "*-oci.*"))):
            subprocess.run(["cmp", os.path.join(again, name), os.path.join(self._packages, name)], check=True)
        # Once, however often it is built.
        assert build(again)[0] == 0
        with open(os.path.join(again, "SHA256SUMS")) as file:
            assert [line.split()[1] for line in file] == ["./" + os.path.basename(glob.glob(f"{again}/*-oci.tar")[0])]
        subprocess.run(["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=again, check=True)

    def wrong_use(self):
        empty, two = (os.path.join(self._directory, name) for name in ("empty", "two"))
        os.makedirs(empty)
        os.makedirs(two)
        for version in ("1.0", "1.1"):
            open(os.path.join(two, f"p2-{version}-linux-amd64.tar.gz"), "w").close()
        for directory, code, word in ((empty, 66, "run packaging/build first"), (empty + "/none", 66, "there is no directory"),
                                      (two, 65, "1.0, 1.1")):
            ended, text = build(directory)
            assert ended == code and word in text and text.count("\n") == 1, (ended, text)
        ended, text = build(empty, "--output")
        assert ended == 64 and "--update" in text, (ended, text)

    def size(self):
        sizes = [layer["size"] for layer in self._image.inspect("--raw")["layers"]]
        assert len(sizes) == 3 and 0 < sum(sizes) <= MOST_BYTES, sizes

    def contents(self):
        found = {f"{what} {name}" for name, what in self._image.files().items()}
        missing = set(FILES.splitlines()) - found
        more = {line for line in found - set(FILES.splitlines()) if not LIBRARY.fullmatch(line)}
        assert not missing and not more, f"missing: {missing}, too much: {more}"
        needed = subprocess.run(["readelf", "--dynamic", self._image.root + "/usr/bin/p2"], stdout=subprocess.PIPE, text=True,
                                check=True).stdout
        libraries = {line.rsplit("/", 1)[1] for line in found if ".so." in line}
        assert libraries == set(re.findall(r"\(NEEDED\).*\[(.*)\]", needed)), (libraries, needed)

    def settings_of_image(self):
        config = self._config["config"]
        assert config["User"] == f"{USER}:{USER}" and config["Entrypoint"] == ["/usr/bin/p2"], config
        assert config["StopSignal"] == "SIGTERM" and config["Volumes"] == {"/var/lib/p2": {}}, config
        labels = {name.rsplit(".", 1)[1]: value for name, value in config["Labels"].items()}
        assert labels["title"] == "p2" and labels["created"] == self._config["created"] and labels["licenses"], labels
        answer = subprocess.run([self._image.root + "/usr/bin/p2", "--version"], stdout=subprocess.PIPE, text=True, check=True)
        assert answer.stdout == f"p2 {labels['version']}\n", (answer.stdout, labels)
        # In Docker's own format, to which engines turn it.
        docker = os.path.join(self._directory, "docker")
        subprocess.run(["skopeo", "copy", "--quiet", "--format=v2s2", f"oci-archive:{self._image.archive}", f"dir:{docker}"],
                       check=True)
        turned = json.loads(subprocess.run(["skopeo", "inspect", "--config", "--raw", f"dir:{docker}"], check=True,
                                           stdout=subprocess.PIPE, text=True).stdout)
        assert turned["config"]["Healthcheck"]["Test"] == ["CMD", "/usr/bin/p2", "status", "--ready"], turned

    def same_words(self):
        config, version = self._config["config"], self._config["config"]["Labels"]["org.opencontainers.image.version"]
        texts = {}
        for name in ("Containerfile", "compose.yaml", "p2.container"):
            with open(os.path.join(EXAMPLES, name)) as file:
                texts[name] = file.read()
        health = config["Healthcheck"]
        seconds = [f"{health[key] // 10**9}s" for key in ("Interval", "Timeout", "StartPeriod")]
        command = " ".join(health["Test"])
        assert said(texts["Containerfile"], "USER", "ENV", "ENTRYPOINT", "VOLUME", "STOPSIGNAL", "HEALTHCHECK") == [
            f"ENV {config['Env'][0]}", f"USER {config['User']}", 'VOLUME ["/var/lib/p2"]', f"STOPSIGNAL {config['StopSignal']}",
            "HEALTHCHECK --interval={} --timeout={} --start-period={} --retries={} {}".format(
                *seconds, health["Retries"], "CMD " + json.dumps(health["Test"][1:])),
            "ENTRYPOINT " + json.dumps(config["Entrypoint"])], texts["Containerfile"]
        labels = dict(re.findall(r'(org\.opencontainers\.image\.[a-z]+)="([^"]*)"', texts["Containerfile"]))
        own = {name: value for name, value in config["Labels"].items()
               if not name.endswith((".created", ".revision", ".version"))}
        assert labels == own, f"{labels} instead of {own}"
        assert f"HealthCmd={command}\n" in texts["p2.container"] and json.dumps(health["Test"]) in texts["compose.yaml"]
        for name in ("compose.yaml", "p2.container"):
            named = re.findall(r"(?m)^(?: *image: |Image=)localhost/p2:([\w.]+)$", texts[name])
            assert named == [version], f"{name} names another version: {named}"

    def examples(self):
        """Who has a package has no source."""
        for tarball in glob.glob(os.path.join(self._packages, "p2-*-linux-*.tar.gz")):
            for name in ("compose.yaml", "p2.container", "p2-prosody.container", "p2.network", "prosody.cfg.lua"):
                packed = subprocess.run(["tar", "-xzOf", tarball, "--wildcards", f"*/usr/share/doc/p2/examples/container/{name}"],
                                        stdout=subprocess.PIPE, check=True)
                with open(os.path.join(EXAMPLES, name), "rb") as file:
                    assert packed.stdout == file.read(), f"{tarball}: {name}"

    def no_settings(self):
        self._refuses({}, CONFIG_ERROR, "There is no settings file", "P2_XMPP_JID")

    def wrong_setting(self):
        self._refuses({**self._settings(), "P2_PUSH_DEADLINE": "soon"}, CONFIG_ERROR, "P2_PUSH_DEADLINE", "soon")

    def unreadable_secrets(self):
        missing = {**self._settings(), "P2_XMPP_SHAREDSECRETFILE": "/run/secrets/other"}
        self._refuses(missing, CONFIG_ERROR, "P2_XMPP_SHAREDSECRETFILE", "/run/secrets/other", "does not exist")
        os.chown(self._account, 0, 0)
        self._refuses(self._settings(), CONFIG_ERROR, "P2_FCM_SERVICEACCOUNTFILE", f"uid {USER}", "owner and mode")
        os.chown(self._account, USER, USER)

    def foreign_volume(self):
        volume = os.path.join(self._directory, "roots")
        os.makedirs(volume)
        self._refuses(self._settings(), CANNOT_CREATE, f"p2 (uid {USER})", f"chown {USER}", volume=volume)

    def no_volume(self):
        self._refuses(self._settings(), CANNOT_CREATE, "read-only", "container a volume", volume=None)

    def push(self):
        self._p2 = self._start(self._settings())
        self._wait_until_healthy()
        phone = Phone(self._prosody, "romeo").online()
        phone.enable(phone.register(TOKEN, "92afd7a91cdba9a0"))
        phone.away()
        self._push_again()

    def confined(self):
        status = self._p2.status
        assert status("NSpid").split()[-1] == "1" and status("Name") == "p2", "another process is the first"
        assert status("Uid").split() == [str(USER)] * 4 and status("Gid").split() == [str(USER)] * 4, status("Uid")
        assert status("NoNewPrivs") == "1"
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status(kind), 16) == 0, f"{kind} {status(kind)}"
        with open(f"/proc/{self._p2.pid()}/mountinfo") as file:
            [root] = [line for line in file if line.split()[4] == "/"]
        assert "ro" in root.split()[5].split(","), root

    def health(self):
        for _ in range(5):
            assert self._health() == (0, ""), self._health()
        self._prosody.stop()
        code, text = self._wait_for("it is not healthy", lambda: self._health() if self._health()[0] else None)
        assert code == NOT_READY and "not connected to the XMPP server" in text, (code, text)
        self._prosody.start()
        self._wait_until_healthy()
        with open(f"/proc/{self._p2.pid()}/task/{self._p2.pid()}/children") as file:
            assert file.read() == "", "health checks leave processes behind"

    def end(self):
        began = time.monotonic()
        code = self._p2.stop()
        assert code == 0, f"{code} after {time.monotonic() - began:.1f} s"
        assert re.search(r"[0-9]{2}\.[0-9]{3} Information ", self._p2.process.output()), "it did not log to stderr"

    def survive(self):
        self._p2 = self._start(self._settings())
        self._wait_until_healthy()
        self._push_again()
        assert self._p2.stop() == 0

    def mounted_file(self):
        """There, variables are set that p2 did not ask for, and the volume is root's, and the group's by fsGroup."""
        os.chown(self._volume, 0, USER)
        os.chmod(self._volume, 0o2770)
        names = {"P2_XMPP_JID": "xmpp.jid", "P2_XMPP_HOST": "xmpp.host", "P2_XMPP_PORT": "xmpp.port",
                 "P2_FCM_ENDPOINT": "fcm.endpoint", "P2_XMPP_SHAREDSECRETFILE": "xmpp.sharedSecretFile",
                 "P2_FCM_SERVICEACCOUNTFILE": "fcm.serviceAccountFile", "P2_PUSH_SPACING": "push.spacing"}
        text = "".join(f"{names[name]} = {value}\n" for name, value in self._settings().items())
        self._p2 = self._start(KUBERNETES, {"/etc/p2/p2.properties": (self._file("p2.properties", text, 0o400),)})
        self._wait_until_healthy()
        self._push_again()
        assert self._p2.stop() == 0

    # ---- what they are made of

    def _own_directory(self, name):
        path = os.path.join(self._directory, name)
        os.makedirs(path, mode=0o700)
        os.chown(path, USER, USER)
        return path

    def _file(self, name, text, mode):
        """One that the image's user may read."""
        path = os.path.join(self._directory, name)
        with open(path, "w") as file:
            file.write(text)
        os.chown(path, USER, USER)
        os.chmod(path, mode)
        return path

    def _settings(self):
        return {"P2_XMPP_JID": self._prosody.p2_jid, "P2_XMPP_HOST": "prosody", "P2_XMPP_PORT": self._prosody.component,
                "P2_XMPP_SHAREDSECRETFILE": "/run/secrets/shared-secret", "P2_FCM_ENDPOINT": self._fcm.endpoint,
                "P2_FCM_SERVICEACCOUNTFILE": "/run/secrets/service-account", "P2_PUSH_SPACING": "0"}

    def _start(self, environment, mounts=None, volume=""):
        """With the volume of all containers, unless it is another or None."""
        # In the place of the image's own authorities: p2 trusts the stand-in only if it looks there.
        places = {"/etc/hosts": (self._hosts,), "/etc/ssl/certs/ca-certificates.crt": (self._fcm.ca_file,),
                  "/run/secrets/shared-secret": (self._secret,), "/run/secrets/service-account": (self._account,)}
        if volume is not None:
            places["/var/lib/p2"] = (volume or self._volume, "rw", "nosuid", "nodev", "noexec")
        directory = os.path.join(self._directory, f"container-{len(self._containers)}")
        container = Container(self._image, directory, environment, {**places, **(mounts or {})})
        self._containers.append(container)
        return container

    def _refuses(self, environment, code, *words, volume=""):
        container = self._start(environment, volume=volume)
        ended = container.process.wait(20)
        lines = [line for line in container.process.output().splitlines() if "the environment alone is used" not in line]
        assert ended == code and len(lines) == 1, f"{ended}: {lines}"
        assert all(word in lines[0] for word in words), f"not all of {words} in: {lines[0]}"

    def _health(self):
        return self._p2.run(*self._config["config"]["Healthcheck"]["Test"][1:])

    def _wait_until_healthy(self):
        self._wait_for("it is healthy", lambda: self._health()[0] == 0)

    def _wait_for(self, words, what, seconds=40):
        process = self._p2.process
        return wait_for(words, what, seconds, lambda: process.exit_code() is not None, process.tail)

    def _push_again(self):
        self._pushes += 1
        sender = Phone(self._prosody, "juliet").online()
        sender.say("romeo@" + self._prosody.domain, f"number {self._pushes}")
        sender.away()
        push = self._fcm.wait_for_push(TOKEN, self._pushes, seconds=30)
        assert push["authorized"] and push["problem"] is None, push

    def stop(self):
        for container in self._containers:
            container.end()
        self._prosody.stop()
        self._fcm.stop()


def run_checks(packages, directory):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    leave_the_callers_environment()
    checks = Checks(packages, directory)
    try:
        return count(checks.checks())
    finally:
        checks.stop()


def main():
    """In a network of its own; and crun wants to see control groups of the second version, although it makes none."""
    if sys.argv[-1] == "apart":
        return run_checks(*sys.argv[1:-1])
    script = 'ip link set lo up && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"'
    os.execvp("unshare", ["unshare", "--net", "--mount", "--", "bash", "-c", script, "image", sys.executable, "-B",
                          *sys.argv, "apart"])


if __name__ == "__main__":
    sys.exit(main())
