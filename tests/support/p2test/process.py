"""A child process whose output is kept, waited for, and shown when a test fails."""

import ctypes
import os
import signal
import subprocess
import threading
import time

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1

_CRASHES = {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV}
_SANITIZERS_EXIT = 99  # as tests/run tells them


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Process:
    """Runs `command`; its stdout and stderr are read by a thread into `log` (a file) and into memory.

    It dies with this Python unless `detached` is set (for `quickstart --keep`): then the output goes to the file alone.
    """

    def __init__(self, name, command, log, env=None, cwd=None, detached=False):
        self.name = name
        self.command = command
        self.log = log
        self._lines = []
        self._changed = threading.Condition()
        self._closed = False
        self._signals = set()  # sent by the test
        self.started = time.monotonic()
        file = open(log, "ab")
        self._process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
            stdout=file if detached else subprocess.PIPE, start_new_session=True,
            preexec_fn=None if detached else _die_with_parent)
        self.pid = self._process.pid
        if detached:
            file.close()
            return
        self._reader = threading.Thread(target=self._read, args=(file,), name=f"{name}-log", daemon=True)
        self._reader.start()

    def _read(self, file):
        for raw in self._process.stdout:
            file.write(raw)
            file.flush()
            with self._changed:
                self._lines.append(raw.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        file.close()

    def lines(self):
        with self._changed:
            return list(self._lines)

    def output(self):
        return "\n".join(self.lines())

    def tail(self, count=40):
        """The last lines of the log, for a failure's report."""
        with open(self.log, errors="replace") as file:
            return "".join(f"    {self.name} | {line}" for line in file.readlines()[-count:])

    def wait_for_line(self, matches, seconds=20, since=0):
        """The first line from number `since` on for which `matches(line)`; raises after `seconds` or when it ended."""
        deadline = time.monotonic() + seconds
        with self._changed:
            at = since
            while True:
                while at < len(self._lines):
                    if matches(self._lines[at]):
                        return self._lines[at]
                    at += 1
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    why = "ended" if self._closed else f"said nothing of it in {seconds} s"
                    break
                self._changed.wait(left)
        raise AssertionError(f"{self.name} {why}; its log:\n{self.tail()}")

    def exit_code(self):
        """The exit status (negative: a signal), the whole output having been read; None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._finish_reading()
        return code

    def wait(self, seconds=20):
        """Waits for its end and gives the exit status, the whole output having been read."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {seconds} s; its log:\n{self.tail()}") from None
        self._finish_reading()
        return code

    def _finish_reading(self):
        if hasattr(self, "_reader"):
            self._reader.join(5)  # a child of its own may hold the pipe for longer

    def send_signal(self, number):
        if self.exit_code() is None:
            self._signals.add(number)
            self._process.send_signal(number)

    def crashed(self):
        """Whether it ended by a fault of its own memory or a sanitizer's report, and not by a signal of the test's."""
        code = self.exit_code()
        return code == _SANITIZERS_EXIT or -(code or 0) in _CRASHES - self._signals

    def stop(self, seconds=20, number=signal.SIGTERM):
        """Signals it and waits; kills the whole process group if it does not end. Gives the exit status."""
        self.send_signal(number)
        try:
            return self.wait(seconds)
        except AssertionError:
            self.kill()
            raise

    def kill(self):
        """kill -9 for the process and whatever it started."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.wait()
