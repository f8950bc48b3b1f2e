"""A container of p2's image, run as strictly as compose.yaml and p2.container have it: without an engine, by crun alone."""

import json
import os
import signal
import subprocess

from p2test.process import Process

USER = 65532


class Image:
    """The image in an OCI archive, unpacked for this machine's architecture in `directory`."""

    def __init__(self, archive, directory):
        self.archive = archive
        self._layout, self._bundle = os.path.join(directory, "layout"), os.path.join(directory, "bundle")
        os.makedirs(directory)
        self._run("skopeo", "copy", "--quiet", f"oci-archive:{archive}", f"oci:{self._layout}:p2")
        self._run("umoci", "unpack", "--image", f"{self._layout}:p2", self._bundle)
        self.root = os.path.join(self._bundle, "rootfs")

    @staticmethod
    def _run(*command):
        answer = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert answer.returncode == 0, f"{' '.join(command)}: {answer.stdout}"
        return answer.stdout

    def inspect(self, *arguments):
        """What skopeo says of it."""
        return json.loads(self._run("skopeo", "inspect", *arguments, f"oci:{self._layout}:p2"))

    def files(self):
        """Mode, owner and name of everything in it, as `find` writes them."""
        found = self._run("find", self.root, "-mindepth", "1", "-printf", "%M %U:%G /%P\n")
        return {line.split(" ", 2)[2]: line.rsplit(" ", 1)[0] for line in found.splitlines()}

    def specification(self):
        """How the runtime shall run it, as umoci takes it from the image."""
        with open(os.path.join(self._bundle, "config.json")) as file:
            return json.load(file)


class Container:
    """One container: `environment` are variables, `mounts` files and directories of this machine by their place in it."""

    def __init__(self, image, directory, environment, mounts, arguments=()):
        os.makedirs(directory)
        self._name = os.path.basename(directory)
        self._directory = directory
        self._state = os.path.join(directory, "state")
        specification = image.specification()
        # Its own, as an engine would have it: the runtime makes the places to mount at.
        root = os.path.join(directory, "root")
        subprocess.run(["cp", "-a", "--reflink=auto", image.root, root], check=True)
        self._harden(specification, root)
        specification["process"]["env"] += [f"{name}={value}" for name, value in environment.items()]
        specification["process"]["args"] += arguments
        specification["mounts"] += [self._mount(place, *what) for place, what in mounts.items()]
        self._first = specification["process"]
        self._write("config.json", specification)
        # crun gives the container's user what its input is: an empty file, not this machine's /dev/null.
        nothing = os.path.join(directory, "input")
        subprocess.run(["touch", nothing], check=True)
        self.process = Process("p2", ["sh", "-c", 'exec "$@" <"$0"', nothing,
                                      *self._crun("run", "--bundle", directory, self._name)],
                               os.path.join(directory, "p2.log"))

    @staticmethod
    def _harden(specification, root):
        """A root that is read-only, no capability, no new privileges; the network is that of the test."""
        process, linux = specification["process"], specification["linux"]
        process.update(terminal=False, capabilities={}, noNewPrivileges=True)
        specification["root"] = {"path": root, "readonly": True}
        linux["namespaces"] = [each for each in linux["namespaces"] if each["type"] != "network"]
        # umoci would put a tmpfs where the image wants a volume.
        specification["mounts"] = [each for each in specification["mounts"]
                                   if each["type"] != "cgroup" and each["destination"] != "/var/lib/p2"]

    @staticmethod
    def _mount(place, source, *options):
        return {"destination": place, "type": "bind", "source": source, "options": ["bind", *(options or ["ro"])]}

    def _crun(self, command, *arguments):
        return ["crun", f"--root={self._state}", "--cgroup-manager=disabled", command, *arguments]

    def _write(self, name, value):
        path = os.path.join(self._directory, name)
        with open(path, "w") as file:
            json.dump(value, file)
        return path

    def run(self, *command):
        """Runs a command in it as its first process was, as a health check does; gives its exit status and what it says."""
        process = self._write("process.json", {**self._first, "args": command})
        # For the input see above.
        answer = subprocess.run(self._crun("exec", f"--process={process}", self._name), input="", check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        return answer.returncode, answer.stdout

    def pid(self):
        """Its first process, seen from here."""
        answer = subprocess.run(self._crun("state", self._name), check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(answer.stdout)["pid"]

    def status(self, key):
        """A line of its first process's /proc/PID/status."""
        with open(f"/proc/{self.pid()}/status") as file:
            return next(line.split(None, 1)[1].strip() for line in file if line.startswith(key + ":"))

    def stop(self, seconds=10):
        """SIGTERM; gives the exit status. It must end within that time, when an engine would kill it."""
        if self.process.exit_code() is None:
            subprocess.run(self._crun("kill", self._name, "TERM"), check=True)
        return self.process.wait(seconds)

    def end(self):
        """Whatever it does."""
        if self.process.exit_code() is None:
            subprocess.run(self._crun("delete", "--force", self._name), check=False, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            if self.process.exit_code() is None:
                os.kill(self.process.pid, signal.SIGKILL)
