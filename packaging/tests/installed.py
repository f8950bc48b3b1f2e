#!/usr/bin/python3
"""What an administrator does with the packages, in a fresh system booted with systemd. Called by packaging/test, in a
network of its own:

    installed.py deb|rpm|tarball ROOT DIRECTORY PACKAGE NEWER

ROOT is a Debian system with Prosody, PACKAGE and NEWER are p2's packages of one version and a higher one. Prosody and p2
run in the system; the phone, a MariaDB and the stand-in for FCM share its network. Prints one line a check, the last one is
`N passed, N failed`.
"""

import hashlib
import os
import re
import shutil
import socket
import sys
import textwrap

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tests", "support")]

from counted import count  # noqa: E402
from machine import Machine  # noqa: E402
from p2test.fcm import Fcm  # noqa: E402
from p2test.mariadb import MariaDb  # noqa: E402
from p2test.phone import Phone  # noqa: E402

SETTINGS = "/etc/p2/p2.properties"
STORE = "/var/lib/p2/data.mdb"
SECRET = "a-long-random-secret"
PROSODY = f"""\
pidfile = "/run/prosody/prosody.pid"
plugin_paths = {{ "/usr/lib/prosody/modules" }}
interfaces = {{ "127.0.0.1" }}
modules_enabled = {{ "roster"; "saslauth"; "disco"; "ping"; "offline"; "cloud_notify" }}
modules_disabled = {{ "s2s"; "tls"; "http" }}
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
storage = "internal"
log = {{ {{ levels = {{ min = "info" }}, to = "console" }} }}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ 5347 }}
VirtualHost "im.localhost"
Component "push.im.localhost"
    component_secret = "{SECRET}"
"""


MARIADB = """\
store.kind = mariadb
store.mariadb.hosts = localhost
store.mariadb.password = pass word
store.mariadb.tls = verified
store.mariadb.caFile = /etc/p2/ca.pem
"""


class Server:
    """The system's Prosody, as the Phone sees it."""

    domain, p2_jid, c2s = "im.localhost", "push.im.localhost", 5222


class Other:
    """One more p2 on the machine, as an administrator sets it up, and a phone that is its own."""

    def __init__(self, machine, name, user):
        self.name, self.user, self.unit, self.settings = name, user, f"p2@{name}", f"/etc/p2/{name}.properties"
        self.domain, self.p2_jid, self.c2s = Server.domain, f"{name}.{Server.domain}", Server.c2s  # for its Phone
        self.token = f"token-of-p2-{name}-" + "x" * 100
        self.pushes = 0
        self._machine = machine

    def set_up(self, account, endpoint):
        """Runs p2 setup, and gives what goes into the XMPP server's configuration and what else is to be run."""
        file = f"/etc/p2/{self.name}.json"
        self._machine.write(file, account, 0o600)
        said = self._machine.run("p2", "setup", f"@{self.name}", f"--jid={self.p2_jid}", f"--service-account={file}",
                                 "--server=prosody")
        with open(self._machine.path(self.settings), "a") as settings:
            settings.write(f"fcm.endpoint = {endpoint}\nfcm.caFile = /etc/p2/ca.pem\n")
        component = "\n".join(re.findall(r'(?m)^(?:Component| +component_secret).*', said))
        lines = [re.sub(r"  .*", "", line) for line in said.splitlines() if line.startswith(("chgrp ", "systemctl "))]
        assert len(lines) == 2 and lines[1] == f"systemctl enable {self.unit} && systemctl restart {self.unit}", said
        return component + "\n", lines

    def register(self):
        phone = Phone(self, self.user).online()
        phone.enable(phone.register(self.token, "92afd7a91cdba9a0"))
        phone.away()

    def pid(self):
        return self._machine.show("MainPID", unit=self.unit)["MainPID"]

    def is_active(self):
        return self._machine.show("ActiveState", unit=self.unit)["ActiveState"] == "active"

    def reads(self, *command):
        """Whether its user may run this."""
        self._machine.run("setpriv", f"--reuid=p2-{self.name}", f"--regid=p2-{self.name}", "--clear-groups", *command,
                          check=False)
        return self._machine.status == 0


class Deb:
    """How the package is handled with apt and dpkg."""

    def __init__(self, machine):
        self._machine = machine

    def install(self, package):
        return self._machine.run("apt-get", "install", "-y", "--no-install-recommends", package)

    upgrade = install

    def remove(self):
        return self._machine.run("apt-get", "remove", "-y", "p2")

    def purge(self):
        return self._machine.run("apt-get", "purge", "-y", "p2")

    #: What stays after a purge: the administrator's own files, and the user, as files may belong to it.
    left_after_purge = {"/etc/p2", "/etc/p2/service-account.json", "/etc/p2/ca.pem", "/etc/p2/shop.json",
                        "/etc/p2/work.json", "/etc/sysusers.d/p2-alien.conf", "/var/lib/p2-alien"}


def c_library_for(requires):
    """A spec: a package without files that provides what the C library's package does elsewhere."""
    wanted = [line for line in requires.splitlines()
              if re.match(r"(lib(c|m|dl|pthread|rt|resolv)|ld-linux[a-z0-9-]*)\.so|rtld\(|/bin/sh", line)]
    provides = "".join(f"Provides: {name}\n" for name in sorted(set(wanted)))
    return (f"Name: glibc\nVersion: 2.31\nRelease: 1\nSummary: Stand-in\nLicense: MIT\n"
            f"BuildArch: noarch\n{provides}%description\nStand-in\n%files\n")


class Rpm:
    """How it is handled with rpm, whose database knows nothing but a stand-in of the C library and the shell."""

    def __init__(self, machine):
        self._machine = machine
        self._has_c_library = False

    def _rpm(self, *arguments):
        # Debian's rpm warns of being used at all; its own database is empty.
        return self._machine.run("rpm", "--force-debian", *arguments)

    def _install_c_library(self, package):
        requires = self._machine.run("rpm", "-qp", "--requires", package)
        self._machine.write("/root/glibc.spec", c_library_for(requires))
        self._machine.run("rpmbuild", "--quiet", "-bb", "--define", "_rpmdir /root", "/root/glibc.spec")
        self._rpm("-i", "/root/noarch/glibc-2.31-1.noarch.rpm")
        self._has_c_library = True

    def install(self, package):
        if not self._has_c_library:
            self._install_c_library(package)
        return self._rpm("-i", package)

    def upgrade(self, package):
        return self._rpm("-U", package)

    def remove(self):
        return self._rpm("-e", "p2")


class Tarball:
    """How packaging/README.md says that it is handled: by its own lines."""

    def __init__(self, machine):
        self._machine = machine

    def install(self, package):
        return self._follow("**From the tarball**", package)

    def upgrade(self, package):
        return self._follow("To upgrade with it", package)

    def _follow(self, words, package):
        """Runs the lines of code that follow those words."""
        with open(os.path.join(HERE, "..", "README.md")) as readme:
            code = readme.read().split(words, 1)[1].split("\n\n")[1]
        lines = [re.sub(r"\bp2-[^ ]*\.tar\.gz", package, line.strip()) for line in code.splitlines()]
        assert any(package in line for line in lines), lines
        return self._machine.run("sh", "-ec", "\n".join(lines))


def readme_blocks():
    """README's lines that set p2 up, and those that start it. The others are what is run to come here."""
    with open(os.path.join(HERE, "..", "..", "README.md")) as readme:
        blocks = [textwrap.dedent(block) for block in re.findall(r"(?m)(?:^    \S.*\n)+", readme.read())]
    own = [block for block in blocks if re.search(r"(?m)^p2 (setup|check) ", block)]
    rest = [block.strip() for block in blocks if block not in own and "--->" not in block]
    # published.py follows the lines for apt; what is fetched by the others is not there before a release.
    rest = [block for block in rest if not re.match("mkdir -p /etc/apt/|curl |git clone ", block)]
    assert len(own) == 2 and rest == ["packaging/quickstart", "tests/run"], blocks
    return own


def takes_components():
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", 5347)) == 0


class Installed:
    def __init__(self, kind, root, directory, package, newer):
        self._machine = Machine(root, os.path.join(directory, "system"))
        self._directory = directory
        self._fcm = Fcm(os.path.join(directory, "fcm"))
        self._kind = kind
        self._manager = {"deb": Deb, "rpm": Rpm, "tarball": Tarball}[kind](self._machine)
        self._package, self._newer = self._bring("package", package), self._bring("newer", newer)
        self._pushes = 0
        self._others = []

    # ---- the checks, in this order

    def checks(self):
        yield "the system boots", self.boot
        yield "installs with what every system has, and does not start before it is configured", self.install
        yield "`systemctl status p2` says how to configure it", self.status_says_how
        yield "has its user, and keeps settings and store from others", self.permissions
        yield "starts when it is set up by the lines of README, and says so to systemd", self.set_up
        yield "a push goes through", self.push
        yield "is sandboxed: exposure of 1.5 at most", self.security
        yield "sees in its sandbox that its store is in memory", self.store_in_memory
        yield "lets others go first on the processor", self.scheduling
        yield "reads its settings again when it is told to, and stays", self.reload
        yield "takes its secrets from systemd's credentials", self.credentials
        yield "logs into a file as p2.properties shows it", self.log_file
        yield "keeps its store elsewhere if its unit allows that, and else says so", self.store_elsewhere
        if self._kind == "deb":
            yield "keeps its registrations in MariaDB, to which it logs in over TLS", self.store_in_mariadb
            yield "two more p2 serve beside it, each with its own unit, user, store and port", self.several
            yield "none of the three can read what belongs to another", self.several_apart
            yield "commands with @NAME speak to that one, and systemd and the journal know it by name", self.several_named
            yield "one port for two is told of, and so is a name that there is not", self.several_mistakes
        yield "is started again when it hangs", self.watchdog
        yield "after a reboot it is there, and so are its registrations", self.reboot
        yield "an upgrade keeps settings and registrations, and restarts it", self.upgrade
        if self._kind != "tarball":
            yield "removing it keeps settings and registrations", self.remove
        yield "wrong settings are told by `systemctl status`, and not tried again", self.wrong_settings
        if self._kind == "deb":
            yield "a purge leaves nothing but the user and the administrator's files", self.purge

    def boot(self):
        self._machine.write("/etc/prosody/prosody.cfg.lua", PROSODY)
        self._machine.boot()
        self._machine.wait_for("Prosody runs", lambda: self._active("prosody.service") == "active")
        for user in ("romeo", "juliet", "mercutio", "paris"):
            self._machine.run("prosodyctl", "register", user, Server.domain, "pass")
        self._before = self._machine.files()

    def install(self):
        self._manager.install(self._package)
        # rpm's scriptlet does not wait for systemd.
        self._machine.wait_for("it was tried to start", lambda: self._machine.show("Result") != {"Result": "success"}, 20)
        state = self._machine.show("ActiveState", "UnitFileState", "Result")
        assert state == {"ActiveState": "inactive", "UnitFileState": "enabled", "Result": "exec-condition"}, state
        assert self._machine.run("systemctl", "list-units", "--failed", "--no-legend", "p2*") == "", "it counts as failed"

    def status_says_how(self):
        status = self._status()
        for word in ("not configured", "xmpp.jid", SETTINGS, "systemctl enable p2 && systemctl restart p2", "man:p2(8)"):
            assert word in status, f"no {word} in:\n{status}"

    def permissions(self):
        found = self._machine.run("stat", "-c", "%n %a %U:%G", SETTINGS, "/etc/p2", "/var/lib/p2").split("\n")
        assert found[:3] == [f"{SETTINGS} 640 root:p2", "/etc/p2 755 root:root", "/var/lib/p2 700 p2:p2"], found
        user = self._machine.run("getent", "passwd", "p2").strip()
        assert user.endswith("nologin") and int(user.split(":")[2]) < 1000, user

    def set_up(self):
        prepare, begin = readme_blocks()
        with open(self._fcm.service_account) as account, open(self._fcm.ca_file) as authority:
            self._machine.write("/root/the-file.json", account.read(), 0o600)
            self._machine.write("/etc/p2/ca.pem", authority.read())
        said = self._machine.run("sh", "-ec", "cd /root\n" + prepare.replace("push.example.org", Server.p2_jid))
        self._secret = re.search(r'component_secret = "([^"]+)"', said).group(1)
        self._machine.write("/etc/prosody/prosody.cfg.lua", PROSODY.replace(SECRET, self._secret))
        self._machine.run("systemctl", "restart", "prosody")
        self._machine.wait_for("Prosody takes components", takes_components)
        with open(self._machine.path(SETTINGS), "a") as file:  # Google is a stand-in
            file.write(f"fcm.endpoint = {self._fcm.endpoint}\nfcm.caFile = /etc/p2/ca.pem\n")
        check, *others = begin.splitlines()
        found = self._machine.run("sh", "-c", check, check=False)
        faults = [line for line in found.splitlines() if line.startswith("FAULT") and " DNS " not in line]
        assert found.startswith("ok ") and not faults, found  # nobody has made the DNS record
        self._machine.run("sh", "-ec", "\n".join(others))
        state = self._machine.show("ActiveState", "StatusText", "NRestarts")
        assert state["ActiveState"] == "active" and "connected" in state["StatusText"] and state["NRestarts"] == "0", state

    def push(self):
        self._token = "token-of-the-package-test-" + "x" * 100
        phone = Phone(Server, "romeo").online()
        self._registration = phone.register(self._token, "92afd7a91cdba9a0")
        phone.enable(self._registration)
        phone.away()
        self._push_again()

    def security(self):
        self._exposure("p2.service")

    def store_in_memory(self):
        """The unit allows what that takes, and p2 does not say that it is refused."""
        allowed = self._machine.show("SystemCallFilter")["SystemCallFilter"].split()
        assert "mincore" in allowed and "execve" in allowed and "chown" not in allowed, allowed
        said = self._machine.run("journalctl", "--unit=p2", "--output=cat", "--no-pager")
        assert "connected" in said and "mincore" not in said, said

    def scheduling(self):
        policies = self._machine.run("chrt", "-a", "-p", self._machine.show("MainPID")["MainPID"])
        assert "SCHED_BATCH" in policies and "SCHED_OTHER" not in policies, policies

    def reload(self):
        before = self._machine.show("MainPID")
        self._machine.run("systemctl", "reload", "p2")
        assert self._machine.show("MainPID") == before, "another process"
        self._push_again()

    def credentials(self):
        example = self._machine.run("cat", "/usr/share/doc/p2/examples/credentials.conf")
        self._machine.run("install", "-d", "-m", "0700", "/root/p2")
        self._machine.write("/root/p2/shared-secret", self._secret + "\n", 0o600)
        self._machine.write("/root/p2/service-account.json", self._machine.read("/etc/p2/service-account.json"), 0o600)
        self._machine.write("/etc/systemd/system/p2.service.d/credentials.conf", example)
        settings = self._machine.read(SETTINGS)
        self._edit({"xmpp.sharedSecret": "", "fcm.serviceAccountFile": ""})
        self._restart_and_push()
        shutil.rmtree(self._machine.path("/etc/systemd/system/p2.service.d"))
        self._write_settings(settings)
        self._restart_and_push()

    def log_file(self):
        settings = self._machine.read(SETTINGS)
        example = re.findall(r"^#   (logging\..*)$", settings, re.MULTILINE)
        assert any("/var/log/p2/" in line for line in example), example
        self._write_settings(settings + "\n".join(example) + "\n")
        self._restart_and_push()
        self._write_settings(settings)
        assert "connected" in self._machine.read("/var/log/p2/p2.log")
        self._restart_and_push()

    def store_elsewhere(self):
        settings, drop_in = self._machine.read(SETTINGS), "/etc/systemd/system/p2.service.d"
        self._machine.run("install", "-d", "-o", "p2", "-g", "p2", "-m", "0700", "/srv/p2")
        self._write_settings(settings + "store.path = /srv/p2\n")
        try:
            self._machine.run("systemctl", "restart", "p2", check=False)
            self._machine.wait_for("systemctl status says why", lambda: "ReadWritePaths=" in self._status(), 10)
            said = self._machine.run("journalctl", "--unit=p2", "--output=cat", "--no-pager")
            assert "ReadWritePaths=" in said, said
            self._machine.write(f"{drop_in}/store.conf", "[Service]\nReadWritePaths=/srv/p2\n")
            self._machine.run("systemctl", "daemon-reload")
            self._machine.run("systemctl", "reset-failed", "p2", check=False)
            self._machine.run("systemctl", "restart", "p2")
            assert os.path.exists(self._machine.path("/srv/p2/data.mdb")), "no store there"
        finally:
            self._machine.run("systemctl", "stop", "p2")
            shutil.rmtree(self._machine.path(drop_in), ignore_errors=True)
            shutil.rmtree(self._machine.path("/srv/p2"))
            self._write_settings(settings)
        self._restart_and_push()

    def store_in_mariadb(self):
        """The registrations go there and are used there. Each way to log in is compiled in: there is no other here."""
        settings, certificate = self._machine.read(SETTINGS), os.path.join(self._directory, "fcm", "good.pem")
        directory = os.path.join(self._directory, "mariadb")
        shutil.rmtree(directory, ignore_errors=True)  # a former run's
        database = MariaDb(directory, "--bind-address=127.0.0.1", "--port=3306",
                           "--plugin-load-add=auth_ed25519", f"--ssl-cert={certificate}", f"--ssl-key={certificate}")
        try:
            lines = self._machine.run("p2", "export")
            for plugin in ("mysql_native_password", "ed25519"):
                database.sql("create or replace database p2; create or replace user p2@localhost identified via "
                             f"{plugin} using password('pass word') require ssl; grant select, insert, update, delete, "
                             "create, create temporary tables on p2.* to p2@localhost")
                self._write_settings(settings + MARIADB)
                self._import_and_push(lines)
                assert self._token in database.sql("select * from target", "p2"), "it is not there"
        finally:
            self._write_settings(settings)
            database.stop()
        self._restart_and_push()

    def several(self):
        with open(self._fcm.service_account) as file:
            account = file.read()
        self._others = [Other(self._machine, "shop", "mercutio"), Other(self._machine, "work", "paris")]
        configuration, steps = self._machine.read("/etc/prosody/prosody.cfg.lua"), []
        for other in self._others:
            component, lines = other.set_up(account, self._fcm.endpoint)
            configuration += component
            steps += lines
        taken = self._machine.run("p2", "setup", "@third", f"--jid={Server.p2_jid}", "--service-account=/etc/p2/shop.json",
                                  check=False)
        assert self._machine.status == 64 and f"is the name of p2 ({SETTINGS})" in taken, taken
        self._machine.write("/etc/prosody/prosody.cfg.lua", configuration)
        self._machine.run("systemctl", "restart", "prosody")
        self._machine.wait_for("Prosody takes components", takes_components)
        self._machine.run("sh", "-ec", "\n".join(steps))
        for other in self._others:
            other.register()
            self._push_to(other)
        self._machine.wait_for("the plain one is connected again", self._is_connected)
        self._push_again()

    def several_apart(self):
        names = [other.name for other in self._others]
        for other in self._others:
            user, store = f"p2-{other.name}", f"/var/lib/p2-{other.name}"
            found = self._machine.run("stat", "-c", "%a %U:%G", other.settings, store, f"{store}/data.mdb").split("\n")
            assert found[:3] == [f"640 root:{user}", f"700 {user}:{user}", f"600 {user}:{user}"], found
            assert other.reads("cat", other.settings) and other.reads("ls", store), "not its own"
            for foreign in [SETTINGS, STORE, *(file for name in names if name != other.name for file in
                                               (f"/etc/p2/{name}.properties", f"/var/lib/p2-{name}/data.mdb"))]:
                assert not other.reads("cat", foreign), f"{user} reads {foreign}"
            self._machine.run("setpriv", "--reuid=p2", "--regid=p2", "--clear-groups", "cat", other.settings, check=False)
            assert self._machine.status != 0, f"p2 reads {other.settings}"
            assert other.token in self._machine.run("p2", "export", f"@{other.name}"), "not its registration"
            assert other.token not in self._machine.run("p2", "export"), "its registration is the plain one's as well"

    def several_named(self):
        ports = set()
        for other in self._others:
            found = self._machine.run("p2", "check", f"@{other.name}", check=False)
            faults = [line for line in found.splitlines() if line.startswith("FAULT") and " DNS " not in line]
            assert found.startswith("ok ") and other.settings in found and not faults, found
            ports.update(re.findall(r"(?m)^http.listen = 127.0.0.1:(\d+)", self._machine.run("p2", "settings", f"@{other.name}")))
            status = self._machine.run("systemctl", "status", other.unit)
            for word in (f"({other.name})", "connected", f"--config={other.settings}"):
                assert word in status, f"no {word} in:\n{status}"
            said = self._machine.run("journalctl", "-t", other.unit, "--output=cat", "--no-pager")
            assert "connected" in said, said
            self._exposure(other.unit + ".service")
        assert ports == {"9358", "9359"}, ports

    def several_mistakes(self):
        shop, work = self._others
        settings = self._machine.read(work.settings)
        with open(self._machine.path(work.settings), "w") as file:
            file.write(settings.replace(":9359", ":9358"))
        self._machine.run("systemctl", "restart", work.unit, check=False)
        self._machine.wait_for("status tells it", lambda: "set http.listen to a port of its own" in
                               self._machine.run("systemctl", "status", work.unit, check=False), 15)
        with open(self._machine.path(work.settings), "w") as file:
            file.write(settings)
        self._machine.run("systemctl", "reset-failed", work.unit, check=False)
        self._machine.run("systemctl", "restart", work.unit)
        said = self._machine.run("p2", "check", "@shp", check=False)
        assert self._machine.status == 78 and "there are @shop and @work." in said, said
        said = self._machine.run("systemctl", "start", "p2@shp", check=False)
        assert self._machine.status != 0 and "Assertion failed" in said, said
        assert shop.is_active()

    def watchdog(self):
        directory = "/etc/systemd/system/p2.service.d"
        self._machine.write(f"{directory}/short.conf", "[Service]\nWatchdogSec=2\nRestartSec=100ms\n")
        self._restart_and_push()
        self._machine.run("sleep", "5")
        assert self._machine.show("NRestarts") == {"NRestarts": "0"}, "it was restarted though nothing hung"
        self._machine.run("systemctl", "kill", "--signal=STOP", "p2")
        self._machine.wait_for("restarted", lambda: self._machine.show("NRestarts") != {"NRestarts": "0"})
        self._machine.wait_for("active again", lambda: self._active() == "active")
        shutil.rmtree(self._machine.path(directory))
        self._restart_and_push()

    def reboot(self):
        self._machine.reboot()
        self._machine.wait_for("active", lambda: self._active() == "active")
        self._push_again()

    def upgrade(self):
        settings, before = self._machine.read(SETTINGS), self._machine.show("MainPID")
        others = [other.pid() for other in self._others]
        self._manager.upgrade(self._newer)
        self._machine.wait_for("active", lambda: self._active() == "active")
        assert self._machine.show("MainPID") != before, "it was not restarted"
        assert self._machine.read(SETTINGS) == settings, "the settings are not the same"
        found = self._machine.run("stat", "-c", "%a %U:%G", SETTINGS).strip()
        assert found == "640 root:p2", found
        self._push_again()
        self._others_serve()
        assert not set(others) & {other.pid() for other in self._others}, "one of several was not restarted"

    def remove(self):
        # At its end p2 writes down how long it could be reached.
        self._machine.run("systemctl", "stop", "p2")
        store, settings = self._checksum(STORE), self._checksum(SETTINGS)
        self._manager.remove()
        assert self._active() in ("inactive", "failed", "unknown"), self._active()
        assert not os.path.exists(self._machine.path("/usr/bin/p2")), "the program is still there"
        assert not any(other.is_active() for other in self._others), "one of several still runs"
        kept = SETTINGS if self._kind == "deb" else SETTINGS + ".rpmsave"
        assert (self._checksum(STORE), self._checksum(kept)) == (store, settings), "store or settings have changed"
        self._manager.install(self._newer)
        if kept != SETTINGS:
            os.replace(self._machine.path(kept), self._machine.path(SETTINGS))
            self._machine.run("systemctl", "restart", "p2")
        self._machine.wait_for("active", lambda: self._active() == "active")
        self._push_again()
        self._others_serve()

    def wrong_settings(self):
        settings = self._machine.read(SETTINGS)
        self._write_settings(settings + "xmpp.prot = 5347\n")
        self._machine.run("systemctl", "restart", "p2", check=False)
        status = self._machine.run("systemctl", "status", "p2", check=False)
        self._write_settings(settings)
        for word in ("failed", "status=78", "xmpp.prot", "xmpp.port"):
            assert word in status, f"no {word} in:\n{status}"

    def purge(self):
        # What only looks as if `p2 setup` had made it.
        self._machine.write("/etc/sysusers.d/p2-alien.conf", 'u p2-alien - "of another" /var/lib/p2-alien\n')
        self._machine.run("mkdir", "/var/lib/p2-alien")
        self._manager.purge()
        ignored = re.compile(r"/(etc|var)/(cache|lib/(apt|dpkg|prosody|systemd|deb-systemd)|log|backups|machine-id|passwd|"
                             r"group|shadow|gshadow|\.pwd\.lock|subuid|subgid|sysusers\.d$|ld\.so\.cache|tmp)|"
                             r"/usr/lib/python|__pycache__")
        left = {name for name in self._machine.files() - self._before if not ignored.match(name)}
        assert left == self._manager.left_after_purge, sorted(left ^ self._manager.left_after_purge)
        assert "p2:" in self._machine.run("getent", "passwd", "p2")
        units = self._machine.run("find", "/etc/systemd", "/var/lib/systemd", "-name", "*p2.service*").split()
        assert units == [], units
        assert "not-found" in self._machine.run("systemctl", "show", "p2", "-pLoadState")

    # ---- what they are made of

    def _bring(self, directory, file):
        """Copies a package into the system; the two may have one name."""
        os.mkdir(self._machine.path(f"/root/{directory}"))
        shutil.copy(file, self._machine.path(f"/root/{directory}"))
        return f"/root/{directory}/{os.path.basename(file)}"

    def _status(self):
        return self._machine.run("systemctl", "status", "p2", check=False)

    def _active(self, unit="p2.service"):
        return self._machine.run("systemctl", "is-active", unit, check=False).strip()

    def _checksum(self, name):
        with open(self._machine.path(name), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def _write_settings(self, text):
        """Keeps owner and mode, as an editor does."""
        with open(self._machine.path(SETTINGS), "w") as file:
            file.write(text)

    def _edit(self, values):
        text = self._machine.read(SETTINGS)
        for key, value in values.items():
            text, count = re.subn(rf"(?m)^{re.escape(key)} =.*$", f"{key} = {value}".rstrip(), text)
            assert count == 1, f"{key} stands {count} times in the settings"
        self._write_settings(text)

    def _restart_and_push(self):
        self._machine.run("systemctl", "daemon-reload")
        self._machine.run("systemctl", "reset-failed", "p2", check=False)
        self._machine.run("systemctl", "restart", "p2")
        self._push_again()

    def _import_and_push(self, lines):
        """Registrations as p2 export writes them, into the store that the settings name now, while p2 is stopped."""
        self._machine.run("systemctl", "stop", "p2")
        self._machine.write("/root/registrations", lines, 0o600)
        self._machine.run("sh", "-ec", "p2 import < /root/registrations")
        found = self._machine.run("p2", "check", check=False)
        assert re.search("(?m)^ok +store .* 1 registration", found), found
        self._restart_and_push()

    def _is_connected(self):
        self._machine.run("p2", "status", check=False)
        return self._machine.status == 0

    def _exposure(self, unit):
        said = self._machine.run("systemd-analyze", "security", "--no-pager", unit)
        exposure = float(re.search(rf"exposure level for {re.escape(unit)}: ([0-9.]+)", said).group(1))
        assert exposure <= 1.5, f"{exposure}\n{said}"

    def _others_serve(self):
        for other in self._others:
            self._machine.wait_for(f"{other.unit} is active", other.is_active)
            self._push_to(other)

    def _push_to(self, other):
        """A message for the phone of another p2 comes to FCM as one more push to its token."""
        other.pushes += 1
        sender = Phone(Server, "juliet").online()
        sender.say(f"{other.user}@{Server.domain}", f"number {other.pushes} for {other.name}")
        sender.away()
        self._fcm.wait_for_push(other.token, other.pushes, seconds=30)

    def _push_again(self):
        """A message for the sleeping phone comes to FCM as a push to its token."""
        self._pushes += 1
        sender = Phone(Server, "juliet").online()
        sender.say("romeo@" + Server.domain, f"number {self._pushes}")
        sender.away()
        push = self._fcm.wait_for_push(self._token, self._pushes, seconds=30)
        assert push["authorized"] and push["problem"] is None, push

    def failure_report(self):
        try:
            return self._machine.run("journalctl", "-b", "--no-pager", "-n", "60", "-u", "p2*", "-u", "prosody", check=False)
        except Exception as error:  # the report of a failure must not hide it
            return str(error)

    def end(self):
        self._machine.stop()
        self._machine.remove()
        self._fcm.stop()


def run_checks(installed):
    try:
        return count(installed.checks(), installed.failure_report, installed.boot)
    finally:
        installed.end()


def main():
    kind, root, directory, package, newer = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    return run_checks(Installed(kind, root, directory, package, newer))


if __name__ == "__main__":
    sys.exit(main())
