"""A Galera cluster of real MariaDB servers, each on a machine of its own, with what fails in such clusters."""

import os
import re
import shutil
import signal
import subprocess
import time

from . import transcript
from .network import Network
from .process import Process

DATABASE, USER, PASSWORD = "push", "p2", "it's; the \"password\""
_PORT = 3306
_ACCOUNT = "mysql"  # of Debian's package
_SYNCED = "4"  # wsrep_local_state
# Small, so that three of them need little and start fast. What decides how soon a fault is noticed is Galera's default.
_OPTIONS = ("--bind-address=0.0.0.0", f"--port={_PORT}", "--skip-name-resolve",
            "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=1",
            "--performance-schema=OFF", "--binlog-format=ROW", "--default-storage-engine=InnoDB",
            "--innodb-autoinc-lock-mode=2",
            "--wsrep-on=ON", "--wsrep-provider=/usr/lib/galera/libgalera_smm.so", "--wsrep-cluster-name=p2",
            "--wsrep-sst-method=rsync", "--wsrep-provider-options=gcache.size=16M")


def _let_pass(path):
    """Others may go through to `path`."""
    while path != "/":
        path = os.path.dirname(path)
        mode = os.stat(path).st_mode
        if not mode & 0o001:
            os.chmod(path, mode | 0o001)


class Node:
    """One MariaDB and its machine. Its data are in `data`, which the test may mount a file system on before."""

    def __init__(self, directory, machine, addresses, options=()):
        self.machine, self.host = machine, f"{machine.address}:{_PORT}"
        self.name = f"node-{machine.address.rpartition('.')[2]}"
        self.directory = directory
        self.data = os.path.join(directory, "data")
        self._addresses, self._options = addresses, options
        self._starts = 0
        self.process = None
        # A server that starts removes temporary tables of all that share its directory for them.
        self._environment = dict(os.environ, TMPDIR=os.path.join(directory, "tmp"))
        for path in (self.data, self._environment["TMPDIR"]):
            os.makedirs(path)

    # ---- coming and going

    def own(self):
        """Its directory is the account's that it runs as."""
        _let_pass(self.directory)
        for path in (self.directory, self.data, self._environment["TMPDIR"]):
            shutil.chown(path, _ACCOUNT, _ACCOUNT)

    def install(self):
        """The tables of an empty server."""
        done = subprocess.run(["mysql_install_db", "--no-defaults", "--auth-root-authentication-method=normal",
                               "--skip-test-db", f"--user={_ACCOUNT}", "--innodb-log-file-size=16M",
                               f"--datadir={self.data}"], capture_output=True, text=True, check=False,
                              env=self._environment)
        if done.returncode != 0:
            raise RuntimeError(f"mysql_install_db (install mariadb-server): {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def _program(self, *options):
        """mariadbd as its account, which dies with this Python all the same."""
        return self.machine.command("setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups",
                                    "--pdeathsig=KILL", "mariadbd", "--no-defaults", *_OPTIONS,
                                    f"--datadir={self.data}", *self._options, *options)

    def _position(self):
        """How far its data have come, as the service asks before each start (galera_recovery): else it would take
        all from a donor after a crash. None if there are no data."""
        if not os.path.exists(os.path.join(self.data, "ibdata1")):
            return None
        done = subprocess.run(self._program("--wsrep-recover", "--skip-networking", "--log-error="),
                              capture_output=True, text=True, check=False, cwd=self.directory, env=self._environment)
        found = re.search(r"WSREP: Recovered position:\s*(\S+)", done.stderr)
        return found.group(1) if found else None

    def start(self, *options, donor=None):
        """Starts it; does not wait. It joins the others unless `options` say otherwise, and takes what it lacks from
        `donor`."""
        self._starts += 1
        position = self._position()
        own = [f"--socket={self._socket()}", f"--pid-file={self.directory}/pid",
               f"--wsrep-node-address={self.machine.address}", f"--wsrep-node-name={self.name}",
               f"--wsrep-cluster-address=gcomm://{','.join(self._addresses)}"]
        if donor:
            own.append(f"--wsrep-sst-donor={donor.name}")
        if position:
            own.append(f"--wsrep-start-position={position}")
        self.process = Process(self.name, self._program(*own, *options),
                               os.path.join(self.directory, f"{self.name}.{self._starts}.log"), cwd=self.directory,
                               env=self._environment)
        transcript.line(f"{self.name} starts")
        return self

    def _socket(self):
        return os.path.join(self.directory, "socket")

    def stop(self):
        """SIGTERM, as a service manager stops it."""
        code = self.process.stop(60)
        transcript.line(f"{self.name} stopped with {code}")

    def restart(self):
        """As a service manager restarts it: with kill -9 if it does not stop."""
        try:
            self.stop()
        except AssertionError:
            self.kill()
        return self.start()

    def kill(self):
        """kill -9 for it and all that it started."""
        self.machine.kill_all()
        self.process.wait()
        transcript.line(f"{self.name} was killed with -9")

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        transcript.line(f"{self.name} is frozen")

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)
        transcript.line(f"{self.name} is no longer frozen")

    def wipe(self):
        """Its data are gone: it takes all of them from a donor when it starts."""
        for name in os.listdir(self.data):
            path = os.path.join(self.data, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.remove(path)

    # ---- asking it

    def sql(self, statement, seconds=20):
        """As root; gives the rows as lists of texts. Raises RuntimeError if it does not answer or refuses."""
        try:
            done = subprocess.run(["mariadb", "--no-defaults", "--user=root", f"--socket={self._socket()}", "--batch",
                                   "--skip-column-names", f"--execute={statement}"],
                                  capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self.name} does not answer in {seconds} s") from None
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def status(self):
        """Galera's own words on it: {name without wsrep_: value}; empty while it does not answer."""
        try:
            return {name[len("wsrep_"):]: value for name, value, *_ in
                    self.sql("show status where variable_name in ('wsrep_cluster_status', 'wsrep_local_state', "
                             "'wsrep_cluster_size', 'wsrep_local_state_comment')", 5)}
        except RuntimeError:
            return {}

    def in_step(self, size=None):
        """Whether it serves; with `size`, in a cluster of so many."""
        status = self.status()
        return (status.get("cluster_status") == "Primary" and status.get("local_state") == _SYNCED
                and size in (None, int(status.get("cluster_size", 0))))

    def wait_in_step(self, size=None, seconds=90):
        """Until it serves; with `size`, in a cluster of so many."""
        began = time.monotonic()
        while not self.in_step(size):
            if self.process.exit_code() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.exit_code()}:\n{self.process.tail()}")
            if time.monotonic() - began > seconds:
                raise AssertionError(f"{self.name} is not in step after {seconds} s ({self.status()}):\n"
                                     + self.process.tail())
            time.sleep(0.1)
        transcript.line(f"{self.name} is in step")

    def registrations(self):
        """{node: secret} of all that it has."""
        return {node: secret for node, secret in self.sql(f"select node, secret from {DATABASE}.target", 60)}


class Galera:
    """A cluster of `count` nodes, with a database for p2 and the user whom p2 is. Its tables are made by p2."""

    def __init__(self, directory, count=3, prepare=None, options=()):
        """`prepare` is called with each node before anything is in its directory; `options` are MariaDB's, beside those
        that all have here."""
        self.network = Network(directory, count)
        addresses = [machine.address for machine in self.network.machines]
        self.nodes = []
        try:
            for machine in self.network.machines:
                node = Node(os.path.join(directory, f"node-{len(self.nodes) + 1}"), machine, addresses, options)
                if prepare:
                    prepare(node)
                node.own()
                self.nodes.append(node)
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self):
        first, *others = self.nodes
        first.install()
        first.start("--wsrep-new-cluster").wait_in_step()
        password = PASSWORD.replace("'", "''")
        first.sql(f"create database {DATABASE}; create user '{USER}'@'%' identified by '{password}'; "
                  f"grant select, insert, update, delete, create, create temporary tables on {DATABASE}.* "
                  f"to '{USER}'@'%'")
        for size, node in enumerate(others, 2):
            node.start().wait_in_step(size)

    def settings(self, first=0):
        """p2's settings to keep registrations here; number `first` of the nodes is the first it asks."""
        nodes = self.nodes[first:] + self.nodes[:first]
        return dict(store_kind="mariadb", store_mariadb_hosts=", ".join(node.host for node in nodes),
                    store_mariadb_database=DATABASE, store_mariadb_user=USER, store_mariadb_password=PASSWORD)

    def wait_in_step(self, seconds=90):
        """Until all nodes serve together."""
        for node in self.nodes:
            node.wait_in_step(len(self.nodes), seconds)

    def close(self):
        self.network.close()
