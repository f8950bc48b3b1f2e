"""The stage of a scenario: servers, FCM, p2 and phones, cleaned up and looked over at the end."""

import itertools
import os
import re
import secrets
import shutil
import tempfile
import time
import typing

from p2test import shapes, transcript
from p2test.component import ComponentClient
from p2test.ejabberd import Ejabberd
from p2test.fakeserver import FakeServer
from p2test.fcm import Fcm
from p2test.p2daemon import P2
from p2test.phone import Phone
from p2test.prosody import Prosody

BOTH = ("prosody", "ejabberd")
_SERVERS = {"prosody": Prosody, "ejabberd": Ejabberd}
_SANITIZER = re.compile(r"(AddressSanitizer|ThreadSanitizer|LeakSanitizer|UndefinedBehavior|runtime error:)")
scenarios = []


class Scenario(typing.NamedTuple):
    function: typing.Callable
    server: str | None
    length: str
    short: bool
    sanitized: bool
    alone: bool


def scenario(*servers, long=False, soak=False, short=False, sanitized=True, alone=False):
    """Registers a scenario; its docstring is the sentence that it proves. With `servers` it runs once for each.

    Those that are `long` run with --long, and the `soak` with --soak. The `short` ones, with the most threads and the
    most code, are what slow binaries play (thread sanitizer, valgrind). Not `sanitized` are those that show load or the
    parts beside p2: a sanitizer's binary would show them once more, slowly. What measures plays `alone`, and so does
    what is long.
    """
    def register(function):
        for server in servers or (None,):
            length = "soak" if soak else "long" if long else ""
            scenarios.append(Scenario(function, server, length, short, sanitized, alone or bool(length)))
        return function
    return register


class World:
    """What all scenarios of a run share: the real servers and the FCM stand-in, started at the first use."""

    def __init__(self, binary, directory=None, sanitizer="", soak_minutes=30, soak_seed=None, keep=False):
        self.binary = binary
        self.sanitizer = sanitizer
        self.soak_minutes, self.soak_seed = soak_minutes, soak_seed
        self.directory = directory or tempfile.mkdtemp(prefix="p2-e2e-")
        self.numbers = itertools.count(1)
        self._keep = keep
        self._servers = {}
        self._fcm = None

    def server(self, name):
        if name not in self._servers:
            self._servers[name] = _SERVERS[name](os.path.join(self.directory, name))
        return self._servers[name]

    def fcm(self):
        if self._fcm is None:
            self._fcm = Fcm(os.path.join(self.directory, "fcm"))
        return self._fcm

    def reports(self):
        return "".join(server.failure_report() for server in self._servers.values())

    def close(self):
        for server in self._servers.values():
            try:
                server.stop()
            except AssertionError:
                server.kill()
        if self._fcm:
            self._fcm.stop()
        if self._keep:
            print(f"kept: {self.directory}", flush=True)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)


class Stage:
    """One scenario's view of the world."""

    def __init__(self, world, server):
        self._world = world
        self._server_name = server
        self._cleanup = []
        self._numbers = itertools.count(1)  # of the stand-ins
        self._daemons = []
        self._secrets = set()
        self.directory = os.path.join(world.directory, f"s{next(world.numbers)}")
        self.sanitizer = world.sanitizer
        self.soak_minutes, self.soak_seed = world.soak_minutes, world.soak_seed
        os.makedirs(self.directory)
        shapes.seen.clear()

    # ---- actors

    @property
    def daemon(self):
        """The p2 that was made last."""
        return self._daemons[-1]

    @property
    def server(self):
        return self._world.server(self._server_name)

    @property
    def fcm(self):
        fcm = self._world.fcm()
        if self._world.fcm not in self._cleanup:
            fcm.control(clear=True, forget=True, latency=0)
            self._cleanup.append(self._world.fcm)
        return fcm

    def own_fcm(self, **options):
        """A stand-in for this scenario alone."""
        fcm = Fcm(os.path.join(self.directory, f"fcm-{next(self._numbers)}"), **options)
        self._cleanup.append(fcm.stop)
        return fcm

    def p2(self, server=None, fcm=None, **settings):
        """A p2 that is not started yet, with settings for this scenario's server and FCM."""
        directory = os.path.join(self.directory, f"p2-{len(self._daemons) + 1}")
        os.makedirs(directory)
        daemon = P2(self._world.binary, directory, server or (self.server if self._server_name else None),
                    fcm or self.fcm, **settings)
        self._daemons.append(daemon)
        self._secrets.add(str(daemon.properties.get("xmpp.sharedSecret")))
        return daemon

    def at_end(self, action):
        """Calls `action` when the scenario has ended and its p2 with it, the last one first."""
        self._cleanup.append(action)

    def fake_server(self, **options):
        server = FakeServer(**{"secret": "s3cret of the fake server", **options})
        self._cleanup.append(server.close)
        return server

    def component(self, jid=None):
        """A remote domain that talks to p2 over the real server."""
        component = ComponentClient(self.server.component, jid or self.server.peer_jid, self.server.secret)
        self._cleanup.append(component.close)
        return component

    def phone(self, name):
        """A user of the server who is online; the account is new."""
        user = f"{name}-{next(self._world.numbers)}"
        self.server.add_user(user)
        self._secrets.add(user)
        phone = Phone(self.server, user).online()
        self._cleanup.append(phone.away)
        return phone

    def token(self, length=163):
        """A new FCM registration token of the usual look; it must not show up in any log."""
        token = f"d{secrets.token_urlsafe(8)}:APA91b{secrets.token_urlsafe(length)}"[:length]
        self._secrets.add(token)
        return token

    def registered(self, server, count=1, sender="hecuba@im.localhost/x"):
        """`count` registrations through a fake server: a list of (Registration, token, device id). After each 50 the
        next is of another account, as one may not have more at once."""
        made = []
        for number in range(count):
            token, device = self.token(), f"device-{next(self._world.numbers)}"
            account = sender if number < 50 else f"{number // 50}-{sender}"
            answer = server.iq(shapes.register(token, device), sender=account)
            made.append((shapes.Registration(answer), token, device))
        return made

    # ---- the end

    def end(self):
        """Stops everything; raises if p2 did not end well or its log says what it must not."""
        faults = []
        for daemon in self._daemons:
            process = daemon.process
            if process and process.exit_code() is None:
                try:
                    code = daemon.stop()
                    if code != 0:
                        faults.append(f"p2 ended with {code} on SIGTERM:\n{process.tail()}")
                except AssertionError as error:
                    faults.append(str(error))
            elif process and process.crashed():
                faults.append(f"p2 ended with {process.exit_code()}:\n{process.tail()}")
        for action in reversed(self._cleanup):
            if action != self._world.fcm:
                try:
                    action()
                except Exception as error:  # the next must be cleaned up as well
                    transcript.line(f"clean-up: {error!r}")
        for daemon in self._daemons:
            faults += self._log_faults(daemon)
        assert not faults, "\n".join(faults)

    def _log_faults(self, daemon):
        """Tokens, secrets and JIDs in the log, and what a sanitizer found."""
        if not daemon.process:
            return
        text = ""
        for name in sorted(os.listdir(daemon.directory)):
            if name.startswith("p2.") and name.endswith(".log"):
                with open(os.path.join(daemon.directory, name), errors="replace") as file:
                    text += file.read()
        for registration in shapes.seen:
            self._secrets.add(registration.secret)
        for secret in self._secrets:
            if secret in text:
                kind = "a user's name" if "-" in secret and len(secret) < 20 else "a token or secret"
                where = next(line for line in text.splitlines() if secret in line)
                yield f"p2's log shows {kind}: {where}"
        if found := _SANITIZER.search(text):
            yield f"a sanitizer reports:\n{text[max(0, found.start() - 500):found.start() + 6000]}"

    def logs(self):
        """For the report of a failure."""
        return "".join(daemon.process.tail(60) for daemon in self._daemons if daemon.process)


def eq(actual, expected, what):
    assert actual == expected, f"{what}: {actual!r} instead of {expected!r}"


def until(condition, what, seconds=30, pause=0.1):
    """Asks for `condition()` again and again; for what nobody announces. Gives its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"in {seconds} s there was not: {what}"
        time.sleep(pause)
    return value
