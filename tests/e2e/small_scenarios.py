"""What a small machine is like: it has no clock when it boots."""

import glob
import os
import time

from p2test import shapes, transcript
from p2test.p2daemon import EX_NOHOST, EX_TEMPFAIL
from p2test.shapes import WAIT, verdict

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
