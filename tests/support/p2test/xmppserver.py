"""What the two real servers have in common."""

import os
import shutil

from .ports import free_ports, wait_until_listening
from .process import Process

DOMAIN = "im.localhost"
P2_JID = "push.im.localhost"
PEER_JID = "peer.localhost"
SECRET = "component secret <&>\"' of the test"


class XmppServer:
    """A real server on loopback with one domain of users and two component names: p2's and a peer's.

    `c2s` and `component` are its ports, and `component_tls` where the server speaks TLS to components; they stay the
    same over restart().
    """

    name = "server"
    detached = False

    def __init__(self, directory, secret=SECRET, detached=False):
        self.directory = directory
        self.secret = secret
        self.domain, self.p2_jid, self.peer_jid = DOMAIN, P2_JID, PEER_JID
        self.detached = detached
        self.process = None
        self._starts = 0
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        for attempt in (1, 2, 3):
            self._choose_ports()
            self.configure()
            try:
                self.start()
                break
            except RuntimeError:
                self.kill()
                if attempt == 3:
                    raise

    def _choose_ports(self):
        self.c2s, self.component, self.component_tls, self.extra_port = free_ports(4)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def configure(self):
        """Writes the configuration."""
        raise NotImplementedError

    def command(self):
        """The command line and the environment to run it in the foreground."""
        raise NotImplementedError

    def start(self):
        self._starts += 1
        command, env = self.command()
        self.process = Process(self.name, command, self.path(f"{self.name}.{self._starts}.log"), env=env,
                               cwd=self.directory, detached=self.detached)
        wait_until_listening(self.c2s, self.process)
        wait_until_listening(self.component, self.process)

    def stop(self):
        if self.process and self.process.exit_code() is None:
            self.process.stop()

    def kill(self):
        if self.process:
            self.process.kill()

    def restart(self):
        """Stops and starts again, same ports and data."""
        self.stop()
        self.start()

    def add_user(self, user, password="pass"):
        raise NotImplementedError

    def push_registrations(self, user):
        """The (component JID, node) pairs that the server would publish to for `user`, from its own storage."""
        raise NotImplementedError

    def failure_report(self):
        return self.process.tail() if self.process else ""
