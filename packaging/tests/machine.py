"""A Debian system of its own, booted with systemd in a container, as an administrator's machine would be."""

import os
import shutil
import subprocess

from waiting import wait_for


class Machine:
    """A copy of the system `root` in `directory`. Shares the network of this process, which should be a private one."""

    def __init__(self, root, directory):
        self.directory = directory
        self._container = None
        self._log = directory + ".console.log"
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", root, directory], check=True)
        # Its own name, no machine id of another, and no service that the checks do not need.
        self.write("/etc/hostname", "p2-test\n")
        self.write("/etc/hosts", "127.0.0.1 localhost p2-test\n")
        self.write("/etc/machine-id", "uninitialized\n")

    # ---- files

    def path(self, name):
        return self.directory + name

    def write(self, name, text, mode=0o644, group=None):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        os.chmod(path, mode)
        if group:
            self.run("chgrp", group, name)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def files(self):
        """Every file below /etc, /usr and /var but caches, logs and what every package manager writes."""
        found = set()
        for top in ("etc", "usr", "var", "opt", "srv"):
            for directory, _, names in os.walk(os.path.join(self.directory, top)):
                here = directory[len(self.directory):]
                found.add(here)
                found.update(os.path.join(here, name) for name in names)
        return found

    # ---- running

    def boot(self, seconds=90):
        environment = dict(os.environ, UNIFIED_CGROUP_HIERARCHY="1")
        self._console = open(self._log, "ab")
        self._container = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", "--console=pipe",
             "--resolv-conf=off", "--timezone=off", "--machine=p2-test", f"--directory={self.directory}"],
            env=environment, stdin=subprocess.DEVNULL, stdout=self._console, stderr=subprocess.STDOUT)
        self._wait_until_up(seconds)

    def _leader(self):
        """The container's first process, seen from here."""
        try:
            with open(f"/proc/{self._container.pid}/task/{self._container.pid}/children") as file:
                children = file.read().split()
        except FileNotFoundError:
            return None
        return children[-1] if children else None

    def _wait_until_up(self, seconds):
        self.leader = wait_for("the system is up", self._leader_that_is_up, seconds,
                               lambda: self._container.poll() is not None, self._end_of_log)

    def _leader_that_is_up(self):
        leader = self._leader()
        is_up = leader and self._systemctl_state(leader) in ("running", "degraded", "starting")
        return leader if is_up else None

    def _end_of_log(self):
        with open(self._log, errors="replace") as file:
            return "its console:\n" + file.read()[-3000:]

    def _systemctl_state(self, leader):
        answer = subprocess.run(["nsenter", "-t", leader, "-a", "systemctl", "is-system-running"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        return answer.stdout.strip()

    def run(self, *command, check=True, seconds=120, environment=None):
        """Runs a command in it and gives its output, stdout and stderr."""
        base = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
                "DEBIAN_FRONTEND=noninteractive", *(f"{k}={v}" for k, v in (environment or {}).items())]
        answer = subprocess.run(["nsenter", "-t", self.leader, "-a", *base, *command], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                                timeout=seconds)
        self.status = answer.returncode
        if check and answer.returncode != 0:
            raise AssertionError(f"`{' '.join(command)}` ended with {answer.returncode}:\n{answer.stdout}")
        return answer.stdout

    def show(self, *properties, unit="p2.service"):
        """The unit's properties, as a dict."""
        text = self.run("systemctl", "show", unit, *(f"-p{p}" for p in properties))
        return dict(line.split("=", 1) for line in text.splitlines())

    def wait_for(self, words, what, seconds=60):
        """Until `what()` gives something true."""
        return wait_for(words, what, seconds)

    def reboot(self, seconds=90):
        self.run("systemctl", "reboot", check=False)
        code = self._container.wait(seconds)
        # 133 is how systemd-nspawn says that the system wants to be started again.
        assert code == 133, f"the container ended with {code} instead of a reboot"
        self.boot(seconds)

    def stop(self):
        if self._container is None:
            return
        if self._container.poll() is None:
            self.run("systemctl", "poweroff", check=False)
            try:
                self._container.wait(60)
            except subprocess.TimeoutExpired:
                self._container.kill()
                self._container.wait()
        self._console.close()
        self._container = None

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
