"""p2 as its service manager runs it: a properties file, NOTIFY_SOCKET, SIGTERM."""

import os
import signal
import socket
import threading
import time

from . import transcript
from .process import Process

EX_USAGE, EX_NOHOST, EX_CANTCREAT, EX_IOERR, EX_TEMPFAIL, EX_CONFIG = 64, 68, 73, 74, 75, 78  # sysexits.h


#: Settings for a load that comes from few accounts.
UNLIMITED = dict(limits_registrationsPerAccount=0, limits_registrationsPerMinute=0, limits_newRegistrationsPerHour=0,
                 limits_unknownPerHour=0)


def leave_the_callers_environment():
    """Takes away what p2 would take from the environment of who runs the tests: settings, and proxies."""
    for name in [each for each in os.environ if each.startswith("P2_") or "proxy" in each.lower()]:
        del os.environ[name]


class ServiceManager:
    """systemd's end of NOTIFY_SOCKET: reads what the daemon says, in a thread of its own."""

    def __init__(self, path, deaf=False):
        self._lines = []
        self._changed = threading.Condition()
        self._deaf = deaf
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        threading.Thread(target=self._read, name="service-manager", daemon=True).start()

    def _read(self):
        try:
            while datagram := self._socket.recv(4096):
                with self._changed:
                    self._lines += datagram.decode().splitlines()
                    self._changed.notify_all()
                    if self._deaf and "READY=1" in self._lines:
                        return
        except OSError:
            pass

    def said(self, line, seconds=0):
        """Whether the daemon has said this line, waiting up to `seconds` for it."""
        with self._changed:
            return self._changed.wait_for(lambda: line in self._lines, seconds)

    def status(self):
        """What it would show: the last STATUS."""
        with self._changed:
            return next((line[7:] for line in reversed(self._lines) if line.startswith("STATUS=")), "")

    def close(self):
        # close() alone does not end a recv() of another thread; an empty datagram does.
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as waker:
                waker.setblocking(False)
                waker.sendto(b"", self._socket.getsockname())
        except OSError:
            pass
        self._socket.close()


class P2:
    """One p2 with its directory: `properties` are its settings, `store` its database."""

    def __init__(self, binary, directory, server=None, fcm=None, environment=None, detached=False, **settings):
        """`settings`: keys with _ for . (`push_deadline="5s"`); None leaves the key out."""
        self.binary = os.path.abspath(binary)
        self.directory = directory
        self.store = os.path.join(directory, "store")
        self.config = os.path.join(directory, "p2.properties")
        # Scenarios push to one phone again and again, and few of them are about how often it is woken, or about what a
        # server is told of a phone that is not there before it is told so.
        self.properties = {"store.path": self.store, "http.listen": "", "push.spacing": "0", "limits.unknownAfter": "0"}
        self.environment = environment or {}
        self.detached = detached
        if server is not None:
            self.properties.update({"xmpp.host": "127.0.0.1", "xmpp.port": server.component,
                                    "xmpp.jid": server.p2_jid, "xmpp.sharedSecret": server.secret})
        if fcm is not None:
            self.properties.update({"fcm.endpoint": fcm.endpoint, "fcm.caFile": fcm.ca_file,
                                    "fcm.serviceAccountFile": fcm.service_account})
        for key, value in settings.items():
            self.properties[key.replace("_", ".")] = value
        self.process = None
        self._manager = None
        self.deaf_manager = False  # one that reads READY=1 and nothing after it
        self._starts = 0
        os.makedirs(self.store, mode=0o700, exist_ok=True)

    # ---- start

    def write_config(self):
        with open(os.open(self.config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            for key, value in self.properties.items():
                if value is not None:
                    file.write(f"{key} = {str(value)}\n".replace("\\", "\\\\"))

    def start(self, *arguments, write=True):
        """Starts it; does not wait."""
        if write:
            self.write_config()
        self._starts += 1
        path = os.path.join(self.directory, f"notify.{self._starts}")
        self._manager = ServiceManager(path, deaf=self.deaf_manager)
        env = {**os.environ, "NOTIFY_SOCKET": path, **self.environment}
        for option, default in (("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99"),
                                ("UBSAN_OPTIONS", "print_stacktrace=1:exitcode=99"),
                                ("TSAN_OPTIONS", "halt_on_error=0:exitcode=99:second_deadlock_stack=1")):
            env.setdefault(option, default)
        wrapper = os.environ.get("TESTS_WRAPPER", "").split()
        self.process = Process("p2", [*wrapper, self.binary, f"--config={self.config}", *arguments],
                               os.path.join(self.directory, f"p2.{self._starts}.log"), env=env, cwd=self.directory,
                               detached=self.detached)
        transcript.line("p2 starts")
        return self

    def wait_ready(self, seconds=30):
        """Until it says READY=1 to the service manager, which it does after the first handshake."""
        deadline = time.monotonic() + seconds
        while not self._manager.said("READY=1", 0.25):
            if self.process.exit_code() is not None:
                raise AssertionError(f"p2 ended with {self.process.wait()} before it was ready:\n"
                                     + self.process.tail())
            if time.monotonic() > deadline:
                raise AssertionError(f"p2 is not ready after {seconds} s:\n" + self.process.tail())
        transcript.line("p2 is ready")
        return self

    def up(self):
        return self.start().wait_ready()

    # ---- look

    def wait_for_log(self, *words, seconds=20, since=0):
        """The first log line (case-insensitively) with all of `words`."""
        wanted = [word.lower() for word in words]
        return self.process.wait_for_line(lambda line: all(w in line.lower() for w in wanted), seconds, since)

    def log(self):
        return self.process.output()

    def _status(self, key):
        with open(f"/proc/{self.process.pid}/status") as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1])
        raise KeyError(key)

    def threads(self):
        return self._status("Threads")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def rss(self):
        """Anonymous memory in KiB: what the mapped store adds is the page cache's."""
        return self._status("RssAnon")

    def peak_memory(self):
        """The most memory so far in KiB, mapped files included."""
        return self._status("VmHWM")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # ---- end

    def says(self, line, seconds=0):
        """Whether it has told the service manager this line (`STOPPING=1`)."""
        return self._manager.said(line, seconds)

    def status(self):
        """What the service manager shows."""
        return self._manager.status()

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, seconds=40):
        """SIGTERM; gives the exit status."""
        code = self.process.stop(seconds)
        self._manager.close()
        transcript.line(f"p2 stopped with {code}")
        return code

    def kill(self):
        """kill -9"""
        self.process.kill()
        self._manager.close()
        transcript.line("p2 was killed with -9")
