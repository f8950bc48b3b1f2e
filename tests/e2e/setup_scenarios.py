"""From nothing to the first push, as the documentation has it: p2 setup, what it prints, p2 check, p2 push."""

import os
import re
import subprocess
import time

from p2test import transcript
from p2test.ejabberd import Ejabberd
from p2test.phone import Phone
from p2test.prosody import Prosody

from check_scenarios import NOHOST, findings
from import_scenarios import command
from stage import BOTH, eq, scenario


def section(printed, title):
    """What p2 setup prints below `---- title`."""
    found = re.search(rf"^---- {title}\n\n(.*?)(?=^---- |\Z)", printed, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {title}:\n{printed}"
    return found.group(1)


class Newcomer:
    """Runs p2 setup for a server that knows of no p2, and puts what it prints into the server's configuration."""

    def __init__(self, s):
        self.s, self.p2 = s, s.p2(http_listen=None)
        self.account = s.fcm.service_account

    def set_up(self, kind, port):
        done = subprocess.run([self.p2.binary, f"--config={self.p2.config}", "setup", "--jid=push.im.localhost",
                               f"--service-account={self.account}", f"--port={port}", f"--server={kind}",
                               f"--store={self.p2.store}", "--force"], capture_output=True, text=True, timeout=30,
                              stdin=subprocess.DEVNULL)
        eq(done.returncode, 0, f"exit status of p2 setup: {done.stderr}")
        transcript.line(f"p2 setup: {done.stdout}")
        return done.stdout

    def server(self, kind):
        newcomer = self

        class FreshProsody(Prosody):
            def configure(self):
                super().configure()
                snippet = section(newcomer.set_up(kind, self.component), "Prosody")
                top, component = snippet.split("-- at the end of the file:\n")
                with open(self.path("prosody.cfg.lua")) as file:
                    config = file.read()
                config = re.sub(r"^component_.*\n", "", config, flags=re.MULTILINE).split("\nComponent ")[0]
                with open(self.path("prosody.cfg.lua"), "w") as file:
                    file.write(config.replace("\nVirtualHost", "\n" + top + "\nVirtualHost") + "\n" + component)

        class FreshEjabberd(Ejabberd):
            def configure(self):
                super().configure()
                snippet = section(newcomer.set_up(kind, self.component), "ejabberd")
                with open(self.path("ejabberd.yml")) as file:
                    config = file.read()
                service = re.compile(r"^  -\n    port: \d+\n(?:    ip: .*\n)?    module: ejabberd_service\n(?:    .*\n)*",
                                     re.MULTILINE)
                eq(len(service.findall(config)), 2, "listeners for components in the tests' configuration")
                with open(self.path("ejabberd.yml"), "w") as file:
                    file.write(service.sub("", config).replace("listen:\n", "listen:\n" + snippet))

        made = {"prosody": FreshProsody, "ejabberd": FreshEjabberd}[kind](os.path.join(self.s.directory, kind))
        self.s._cleanup.append(made.stop)
        return made


@scenario(*BOTH, sanitized=False)
def from_nothing_to_the_first_push(s):
    """What p2 setup writes and prints makes a fresh server, p2 and a phone work together; it takes seconds"""
    kind = s.server.name
    began = time.monotonic()
    newcomer = Newcomer(s)
    p2 = newcomer.p2
    server = newcomer.server(kind)
    with open(p2.config) as file:
        written = file.read()
    eq(os.stat(p2.config).st_mode & 0o777, 0o640, "the mode of the settings")
    s._secrets.add(re.search(r"^xmpp.sharedSecret = (\S+)$", written, re.MULTILINE).group(1))
    with open(p2.config, "a") as file:  # Google is a stand-in, and the port of the status page may be taken
        file.write(f"fcm.endpoint = {s.fcm.endpoint}\nfcm.caFile = {s.fcm.ca_file}\nhttp.listen =\n")
    # Nobody has made the DNS record that p2 setup asks for.
    found = findings(p2, NOHOST, write=False)
    eq({name for name, (state, _) in found.items() if state != "ok"}, {"DNS"}, f"what p2 check finds: {found}")
    p2.start(write=False).wait_ready()
    server.add_user("romeo")
    phone = Phone(server, "romeo").online()
    s._cleanup.append(phone.away)
    token = s.token()
    registration = phone.register(token, "a device")
    phone.enable(registration)
    out = command(p2, "push", registration.node[:4], write=False)[0]
    assert "FCM" in out, out
    s.fcm.wait_for_push(token)
    server.add_user("juliet")
    juliet = Phone(server, "juliet").online()
    s._cleanup.append(juliet.away)
    phone.away()
    juliet.say(phone.jid, "O Romeo")
    s.fcm.wait_for_push(token, count=2)
    took = time.monotonic() - began
    transcript.line(f"from nothing to the first push in {took:.1f} s")
    assert s.sanitizer or took < 120, f"it took {took:.1f} s"
