"""Debian's MariaDB."""

import os
import signal
import subprocess

from .process import Process


class MariaDb:
    """A MariaDB with its data in a directory of its own, reached through a socket in it, and as `options` say."""

    def __init__(self, directory, *options):
        self._socket = os.path.join(directory, "db.sock")
        data = os.path.join(directory, "data")
        # A server that starts removes temporary tables of all that share its directory for them.
        temporary = os.path.join(directory, "tmp")
        os.makedirs(temporary)
        user = ["--user=root"] if os.geteuid() == 0 else []
        made = subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--tmpdir={temporary}",
                               "--skip-test-db",
                               "--auth-root-authentication-method=normal", *user],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert made.returncode == 0, f"mariadb-install-db ended with {made.returncode}:\n{made.stdout[-3000:]}"
        self._log = os.path.join(directory, "mariadb.{}.log")
        self._command = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--tmpdir={temporary}",
                         f"--socket={self._socket}", *options, *user]
        self._starts = 0
        self.start()

    def start(self, *options):
        """Starts it again on the same data; waits until it serves."""
        self._starts += 1
        self._process = Process("mariadb", [*self._command, *options], self._log.format(self._starts))
        self._process.wait_for_line(lambda line: "ready for connections" in line, 60)
        return self

    def client(self, *arguments):
        """The command that asks it, as root."""
        return ["mariadb", "--no-defaults", f"--socket={self._socket}", "--user=root", *arguments]

    def sql(self, statements, database=""):
        """Gives what the client prints: rows as lines, columns between tabs, without names."""
        done = subprocess.run(self.client("--batch", "--skip-column-names", "--execute", statements, database),
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self):
        self._process.stop()

    def freeze(self):
        """It stands still, and its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)
