"""What a small machine is like: it has no clock when it boots, and a slow card."""

import glob
import os
import subprocess
import threading
import time

from p2test import shapes, transcript
from p2test.p2daemon import EX_NOHOST, EX_TEMPFAIL, UNLIMITED
from p2test.shapes import WAIT, verdict

from endurance_scenarios import flood
from import_scenarios import command
from stage import eq, scenario, until

_FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class MachineClock:
    """The clock that p2 goes by from its next start on; it can be set while p2 runs."""

    def __init__(self, p2):
        self._path = os.path.join(p2.directory, "clock")
        [library] = glob.glob(_FAKETIME)
        self.set(0)
        p2.environment = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": self._path, "FAKETIME_NO_CACHE": "1",
                          "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}

    def set(self, seconds):
        """Behind the right time by so many seconds, if they are negative."""
        with open(self._path + ".new", "w") as file:
            file.write(f"{seconds:+.0f}\n")
        os.rename(self._path + ".new", self._path)

    def begin_in_1970(self):
        self.set(60 - time.time())


def asked(server, payloads):
    """Sends them all at once; gives the ids, in their order."""
    requests = [server.request(payload, sender=sender) for payload, sender in payloads]
    server.send("".join(text for _, text in requests).encode())
    return [id for id, _ in requests]


def verdicts(server, ids):
    return [verdict(server.answer(id)) for id in ids]


def known(server, made):
    """The look at all that is registered: a push for each, which must be delivered."""
    ids = asked(server, [(shapes.publish(phone.node, phone.secret), "im.localhost") for phone, _, _ in made])
    eq(set(verdicts(server, ids)), {"result"}, f"{len(made)} pushes")


def tells_of_1970(p2):
    """The log, the service manager and the commands say what p2 waits for."""
    p2.wait_for_log("clock shows 1970-01-01", "asked to wait")
    until(lambda: "XMPP server; this machine's clock shows 1970" in p2.status(), "the service manager's status")
    assert "WAITS: this machine's clock shows 1970" in command(p2, "status")[0], "p2 status"
    assert "this machine's clock shows 1970" in command(p2, "check", code=EX_NOHOST)[0], "p2 check"
    command(p2, "import", os.devnull, code=EX_TEMPFAIL)


@scenario(sanitized=False, alone=True)
def no_clock_at_boot(s):
    """A machine that boots in 1970: nobody is lost or refused, and all that was asked is done once the clock is set"""
    server, fcm = s.fake_server(), s.own_fcm()
    p2 = s.p2(server, fcm, store_expireAfter="1d")
    clock = MachineClock(p2)
    p2.up()
    made = s.registered(server, 20)
    eq(p2.stop(), 0, "exit status")
    clock.begin_in_1970()
    p2.up()
    server.wait_for_component()
    tells_of_1970(p2)
    came_back = [shapes.register(token, device) for _, token, device in made]
    came_new = [shapes.register(s.token(), f"new-{number}") for number in range(5)]
    phones = asked(server, [(payload, "hecuba@im.localhost/x") for payload in came_back + came_new])
    pushes = asked(server, [(shapes.publish(phone.node, phone.secret), "im.localhost") for phone, _, _ in made])
    eq(verdict(server.iq(shapes.publish("bm9ib2R5bm9i", "s"), seconds=25)), WAIT, "a push for nobody, in the end")
    eq(set(verdicts(server, pushes[:1])), {WAIT}, "a push that waited as long as servers do")
    phones += asked(server, [(payload, "hecuba@im.localhost/x") for payload in came_new])
    pushes = asked(server, [(shapes.publish(phone.node, phone.secret), "im.localhost") for phone, _, _ in made])
    eq(fcm.requests(), [], "what FCM was sent")
    clock.set(0)
    began = time.monotonic()
    eq(verdicts(server, pushes[:1]), ["result"], "the first push")
    transcript.line(f"first push {time.monotonic() - began:.2f} s after the clock was set")
    eq(set(verdicts(server, pushes[1:])), {"result"}, "the other pushes")
    eq(set(verdicts(server, phones[-5:])), {"result"}, "new phones")
    until(lambda: p2.status() == "connected to the XMPP server", "that all is well")
    eq(command(p2, "list")[0].count("im.localhost"), 25, "registered phones")
    told = [line for line in p2.log().splitlines() if "clock" in line or "certificate" in line or "trusted" in line]
    eq(len(told), 2, f"lines of the log about it: {told}")


@scenario(sanitized=False, alone=True)
def clock_of_the_last_shutdown(s):
    """A clock that is hours behind, as it stood at the last shutdown: Google refuses, and is asked anew once it is set"""
    server, fcm = s.fake_server(), s.own_fcm()
    p2 = s.p2(server, fcm, store_expireAfter="1d", push_deadline="5s")
    clock = MachineClock(p2)
    clock.set(-3 * 3600)
    p2.up()
    made = s.registered(server, 3)
    for _ in range(3):
        eq(set(verdicts(server, asked(server, [(shapes.publish(made[0][0].node, made[0][0].secret), "im.localhost")]))),
           {WAIT}, "a push")
    p2.wait_for_log("clock is wrong")
    clock.set(0)
    began = time.monotonic()
    until(lambda: verdict(server.iq(shapes.publish(made[0][0].node, made[0][0].secret))) == "result", "a push")
    took = time.monotonic() - began
    transcript.line(f"first push {took:.2f} s after the clock was set")
    assert took < 15, f"the first push came {took:.1f} s after the clock was set"
    known(server, made)


# -------------------------------------------------------------------------------------------------------- the slow card

_THROTTLED = "/sys/fs/cgroup/blkio"
_SLOW = 256 << 10  # bytes a second


class Card:
    """A file system on a block device of its own, from which what is started in slow() reads as slowly as one likes."""

    def __init__(self, s, mebibytes=32):
        self.path, self._image = os.path.join(s.directory, "card"), os.path.join(s.directory, "card.img")
        assert os.path.exists(f"{_THROTTLED}/blkio.throttle.read_bps_device"), "there are no cgroups (v1) for block devices"
        os.makedirs(self.path)
        with open(self._image, "wb") as file:
            file.truncate(mebibytes << 20)
        self._run("mkfs.ext4", "-q", self._image)
        self._device = self._run("losetup", "--find", "--show", self._image).strip()
        self._group = f"{_THROTTLED}/{os.path.basename(os.path.dirname(s.directory))}-{os.path.basename(s.directory)}"
        os.makedirs(self._group)
        s.at_end(self._remove)
        self._run("mount", self._device, self.path)
        os.makedirs(self.store, mode=0o700)

    @property
    def store(self):
        return os.path.join(self.path, "store")

    def cold(self):
        """Nothing of it is in memory any more. Nobody may use it."""
        self._run("umount", self.path)
        self._run("mount", self._device, self.path)

    def speed(self, bytes_a_second):
        """0: as fast as it is."""
        number = os.stat(self._device).st_rdev
        with open(f"{self._group}/blkio.throttle.read_bps_device", "w") as file:
            file.write(f"{os.major(number)}:{os.minor(number)} {bytes_a_second}")

    def slow(self, start):
        """Calls `start`; the processes that it begins are those whose reading is slow."""
        self._enter(self._group)
        try:
            return start()
        finally:
            self._enter(_THROTTLED)

    @staticmethod
    def _enter(group):
        with open(f"{group}/cgroup.procs", "w") as file:
            file.write(str(os.getpid()))

    @staticmethod
    def _run(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()} (run the tests as root)"
        return done.stdout

    def _remove(self):
        subprocess.run(["umount", self.path], check=False)
        subprocess.run(["losetup", "--detach", self._device], check=False)
        os.rmdir(self._group)


class Pings:
    """Pings p2 all the time, and knows the longest that it took to answer."""

    def __init__(self, s, server):
        self.longest = 0.0
        self._server, self._over = server, threading.Event()
        self._thread = threading.Thread(target=self._ping, daemon=True)
        self._thread.start()
        s.at_end(self.stop)

    def _ping(self):
        while not self._over.wait(0.05):
            began = time.monotonic()
            self._server.iq("<ping xmlns='urn:xmpp:ping'/>", kind="get")
            self.longest = max(self.longest, time.monotonic() - began)

    def stop(self):
        self._over.set()
        self._thread.join(40)


def on_a_card(s, phones):
    """A p2 that was stopped, with so many phones, and its card, of which nothing is in memory."""
    server, card = s.fake_server(), Card(s)
    card.speed(_SLOW)  # at first, as the system makes up for what was not read before it was slow
    p2 = s.p2(server, s.own_fcm(), store_path=card.store, **UNLIMITED).up()
    devices = [(s.token(), f"device-{number}") for number in range(phones)]
    ids = asked(server, [(shapes.register(*device), "hecuba@im.localhost/x") for device in devices])
    made = [(shapes.Registration(server.answer(id, quiet=True)), *device) for id, device in zip(ids, devices)]
    eq(p2.stop(), 0, "exit status")
    card.cold()
    return server, card, p2, made


@scenario(sanitized=False, alone=True)
def slow_card(s):
    """From a card that reads 256 KiB a second p2 starts cold: neither pings nor refusals nor phones in memory wait for it"""
    server, card, p2, made = on_a_card(s, 2500)
    card.slow(p2.start).wait_ready(60)
    server.wait_for_component()
    pings = Pings(s, server)
    cold = asked(server, [(shapes.publish(phone.node, phone.secret), "im.localhost") for phone, _, _ in made[::50]])
    eq(verdict(server.answer(cold[0])), "result", "the first push")
    began = time.monotonic()
    warm = server.iq(shapes.publish(made[0][0].node, made[0][0].secret))
    refused = server.iq("<nonsense xmlns='urn:example'/>")
    took = time.monotonic() - began
    waiting = len(cold) - server.answered_of(cold)
    eq((verdict(warm), verdict(refused)), ("result", "cancel/service-unavailable"), "a phone in memory, and a refusal")
    results = verdicts(server, cold[1:])
    pings.stop()
    transcript.line(f"{waiting} pushes waited for the card; meanwhile a push and a refusal {took:.2f} s, a ping at most "
                    f"{pings.longest:.2f} s, all pushes after {time.monotonic() - began:.1f} s")
    assert waiting > 10, f"only {waiting} pushes waited for the card"
    assert max(took, pings.longest) < 1, f"a push and a refusal took {took:.2f} s, a ping {pings.longest:.2f} s"
    assert set(results) <= {"result", WAIT}, results


@scenario(sanitized=False, alone=True)
def card_that_hangs(s):
    """A card that hangs: pings are answered, requests asked to wait in time, and all is well when it goes on"""
    server, card, p2, made = on_a_card(s, 2500)
    card.slow(p2.start).wait_ready(60)
    server.wait_for_component()
    card.speed(1)
    pings = Pings(s, server)
    began = time.monotonic()
    pushes = asked(server, [(shapes.publish(phone.node, phone.secret), "im.localhost") for phone, _, _ in made[::50]])
    phones = asked(server, [(shapes.register(token, device), "hecuba@im.localhost/x") for _, token, device in made[25::500]])
    answers = verdicts(server, pushes + phones)
    took = time.monotonic() - began
    transcript.line(f"after {took:.1f} s {answers.count(WAIT)} of {len(answers)} were asked to wait, a ping took at most "
                    f"{pings.longest:.2f} s")
    assert set(answers) <= {"result", WAIT} and answers.count(WAIT) > 10, answers
    assert took < 28, f"the last answer came after {took:.1f} s"
    assert pings.longest < 1, f"a ping took {pings.longest:.2f} s"
    pings.stop()
    card.speed(0)
    until(lambda: verdicts(server, asked(server, [(shapes.publish(made[-1][0].node, made[-1][0].secret), "im.localhost")]))
          == ["result"], "a push")
    known(server, made[::50])


# ------------------------------------------------------------------------------------------------------ memory and wear

_MOST_MEMORY = 12 * 1024  # KiB


def memory(p2):
    """What p2 has in memory, in KiB: its own, its program and its store; of what it shares with others its part."""
    with open(f"/proc/{p2.process.pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def is_packaged(p2):
    """Whether it brings its libraries, as that of the packages does: others are as large as the system's."""
    return "libPoco" not in subprocess.run(["ldd", p2.binary], capture_output=True, text=True).stdout


@scenario(sanitized=False, alone=True)
def little_memory(s):
    """With 1,000 phones and pushes to them, 20 at a time, p2 as it is packaged takes less than 12 MiB"""
    server = s.fake_server()
    p2 = s.p2(server, **UNLIMITED).up()
    made = s.registered(server, 1000)
    flood(server, made, 2000, batch=20)
    took = memory(p2)
    transcript.line(f"{took} KiB, in {p2.threads()} threads")
    assert took < _MOST_MEMORY or not is_packaged(p2), f"{took} KiB of memory"


def written(p2):
    """Bytes that p2 has had written to a disk."""
    with open(f"/proc/{p2.process.pid}/io") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("write_bytes:"))


@scenario(sanitized=False, alone=True)
def wear(s):
    """A push writes nothing to the disk, nor does a phone that registers as it is; a new phone some pages, once"""
    server, card = s.fake_server(), Card(s)
    p2 = s.p2(server, store_path=card.store, **UNLIMITED).up()
    s.registered(server, 1)
    before = written(p2)
    made = s.registered(server, 200)
    each = (written(p2) - before) / len(made)
    before = written(p2)
    phones = asked(server, [(shapes.register(s.token(), f"at once {number}"), "hecuba@im.localhost/x")
                            for number in range(200)])
    eq(set(verdicts(server, phones)), {"result"}, "phones that register at once")
    together = (written(p2) - before) / len(phones)
    flood(server, made, 100)
    before = written(p2)
    flood(server, made, 2000)
    again = asked(server, [(shapes.register(token, device), "hecuba@im.localhost/x") for _, token, device in made[:50]])
    eq(set(verdicts(server, again)), {"result"}, "phones that register again")
    transcript.line(f"written: {each / 1024:.1f} KiB for each phone that registers alone, {together / 1024:.1f} KiB of many")
    eq(written(p2) - before, 0, "bytes written for 2,000 pushes and 50 phones that register again")
    assert each <= 64 * 1024, f"{each / 1024:.1f} KiB written for each registration"
