"""Machines that stand apart: network namespaces on one switch, which can be kept from reaching each other."""

import os
import random
import signal
import subprocess
import time

from .process import Process

#: Stands for this side, where the tests and p2 run, in Network.part().
HERE = "here"
_NOWHERE = "02:00:00:00:00:00"  # a link address that nobody has


def _ran(command):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} (run the tests as root): {done.stderr.strip()}")


class _Namespace:
    """A network namespace that lives as long as its keeper, a process that dies with this Python."""

    def __init__(self, name, log):
        script = "ip link set lo up && echo made && exec sleep infinity"
        self._keeper = Process(name, ["unshare", "--net", "sh", "-c", script], log)
        self._keeper.wait_for_line(lambda line: line == "made")
        self.pid = self._keeper.pid

    def command(self, *words):
        """What runs `words` in this namespace."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *words]

    def run(self, *words):
        _ran(self.command(*words))

    def processes(self):
        """The ids of all that runs in it."""
        def space(pid):
            try:
                return os.readlink(f"/proc/{pid}/ns/net")
            except OSError:  # it has ended
                return None

        own = space(self.pid)
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != self.pid and space(pid) == own]

    def close(self):
        self._keeper.kill()


class Machine(_Namespace):
    """One machine: `address` is where it is reached."""

    def __init__(self, name, log, address):
        super().__init__(name, log)
        self.address = address

    def runs(self, word):
        """Whether the command line of some process begins with a word that ends so, after its interpreter's."""
        def command(pid):
            try:
                with open(f"/proc/{pid}/cmdline") as file:
                    return file.read().split("\0")[:3]
            except OSError:  # it has ended
                return []

        return any(each.endswith(word) for pid in self.processes() for each in command(pid))

    def kill_all(self):
        """kill -9 for all that runs on it, as when its current fails; what it has written stays."""
        while pids := self.processes():
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.01)


class Network:
    """`count` machines on a switch, which is reached from here too. All of it goes with this Python. Needs root."""

    def __init__(self, directory, count):
        os.makedirs(directory, exist_ok=True)
        log = os.path.join(directory, "network.log")
        self._switch = _Namespace("switch", log)
        self._switch.run("ip", "link", "add", "switch", "type", "bridge")
        self._switch.run("ip", "link", "set", "switch", "up")
        self._join_here()
        self.machines, self._parted = [], ()
        for number in range(1, count + 1):
            machine = Machine(f"machine-{number}", log, f"{self._net}.{number}")
            self.machines.append(machine)
            self._plug(f"port{number}", "eth0", machine.pid)
            machine.run("ip", "address", "add", f"{machine.address}/24", "dev", "eth0")
            machine.run("ip", "link", "set", "eth0", "up")

    def _join_here(self):
        """The device's name has the net's number: who has it already keeps another run from both."""
        for number in random.SystemRandom().sample(range(256), 20):
            self._net, self._here = f"198.18.{number}", f"p2test{number}"  # RFC 2544: of no real network
            try:
                self._plug("here", self._here, os.getpid())
                break
            except RuntimeError as error:
                refused = error
        else:
            raise refused
        self._address = f"{self._net}.254"
        _ran(["ip", "address", "add", f"{self._address}/24", "dev", self._here])
        _ran(["ip", "link", "set", self._here, "up"])

    def _plug(self, port, device, pid):
        """A cable from the switch to the namespace of a process."""
        self._switch.run("ip", "link", "add", port, "type", "veth", "peer", "name", device, "netns", str(pid))
        self._switch.run("ip", "link", "set", port, "master", "switch", "up")

    def _ends(self):
        """{who: (its address, what runs a command there, its device)}"""
        ends = {machine: (machine.address, machine.command, "eth0") for machine in self.machines}
        ends[HERE] = (self._address, lambda *words: list(words), self._here)
        return ends

    def _each_pair(self, groups, *verb_and_more):
        ends = self._ends()
        verb, *more = verb_and_more
        for group in groups:
            for one in group:
                _, command, device = ends[one]
                for other in [who for others in groups if others is not group for who in others]:
                    _ran(command("ip", "neighbour", verb, ends[other][0], *more, "dev", device))

    def part(self, *groups):
        """From now on only those of one group reach each other: what is sent to others is lost without a word.
        Who is in no group reaches all. Connections stay."""
        self._parted = groups
        self._each_pair(groups, "replace", "lladdr", _NOWHERE, "nud", "permanent")

    def heal(self):
        """All reach all again, after part()."""
        self._each_pair(self._parted, "delete")

    def close(self):
        for machine in self.machines:
            machine.kill_all()
            machine.close()
        self._switch.close()
