"""What p2 promises, under load: nothing that was answered is lost, no fault makes a server drop a user, and
every request is answered once."""

import itertools
import os
import random
import resource
import shutil
import statistics
import subprocess
import threading
import time

from p2test import shapes, transcript
from p2test.component import ComponentClient
from p2test.load import Load
from p2test.p2daemon import EX_CANTCREAT, EX_IOERR, UNLIMITED
from p2test.relay import Relay
from p2test.shapes import WAIT

from stage import BOTH, eq, scenario, until


def loaded(s, server, **options):
    """A Load that is under way."""
    load = Load(server, s.token, **options).start()
    s.at_end(load.halt)
    return load


# ------------------------------------------------------------------------------------------------------------ kill -9


def killed(s, rounds):
    """`rounds` times kill -9 at a random moment, then all that was ever answered is looked for."""
    server = s.fake_server()
    p2 = s.p2(server, **UNLIMITED).up()
    load = loaded(s, server, rate=1000, registering=0.9, devices=20_000, batch=10)
    load.more("register: result", 50)
    began = time.monotonic()
    for _ in range(rounds):
        time.sleep(random.uniform(0, 0.1))  # the random moment
        load.cut(lambda: (p2.kill(), server.wait_for_no_component()))
        p2.start()
        server.wait_for_component()
    took = time.monotonic() - began
    load.more("register: result", 50)
    load.stop()
    p2.kill()
    p2.up()
    count = load.check_registrations()
    transcript.line(f"{rounds} times kill -9 in {took:.1f} s, {count} registrations found: {load.summary()}")
    assert count >= rounds, f"only {count} registrations were answered in {rounds} rounds"


@scenario()
def killed_at_random(s):
    """Killed with -9 at 200 random moments under load, p2 starts each time and has every registration it answered"""
    killed(s, 40 if s.sanitizer else 200)


# ---------------------------------------------------------------------------------------------------------- full disk


class SmallDisk:
    """A tmpfs of a few MiB, which can be filled up and made free again. It is mounted at `path`, if that is told."""

    def __init__(self, s, mebibytes=4, path=None):
        self.path = path or os.path.join(s.directory, "disk")
        os.makedirs(self.path, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "tmpfs", self.path],
                              capture_output=True, text=True)
        assert done.returncode == 0, f"a tmpfs cannot be mounted (run the tests as root): {done.stderr.strip()}"
        s.at_end(self.unmount)
        self._ballast = os.path.join(self.path, "ballast")

    def fill(self):
        """Not a byte is left."""
        with open(self._ballast, "ab", buffering=0) as file:
            for size in (65536, 4096):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass
        return self

    def free(self):
        """Room again; fill() may follow."""
        with open(self._ballast, "wb"):
            pass

    def unmount(self):
        subprocess.run(["umount", self.path], check=True)


def full_disk(s, seconds):
    server = s.fake_server()
    disk = SmallDisk(s)
    p2 = s.p2(server, store_path=os.path.join(disk.path, "store"), **UNLIMITED,
              http_listen="").up()
    load = loaded(s, server, rate=200, registering=0.5, devices=2000)
    load.more("register: result", 100)
    load.more("push: result", 50)
    disk.fill()
    load.more(f"register: {WAIT}", 20)
    full_until = time.monotonic() + seconds
    while time.monotonic() < full_until:
        load.more("push: result", 20)  # what needs no writing goes on
        load.more(f"register: {WAIT}", 20)
    eq(p2.process.exit_code(), None, "exit status on a full disk")
    disk.free()
    load.more("register: result", 100)
    load.stop()
    eq(set(load.verdicts), {"push: result", "register: result", f"register: {WAIT}"}, "the answers")
    count = load.check_registrations()
    p2.kill()
    p2.up()
    eq(load.check_registrations(), count, "registrations after a kill -9")
    transcript.line(f"full for {seconds} s: {load.summary()}")


@scenario()
def log_is_on_the_full_disk(s):
    """A log file that cannot be written keeps nothing from being served, and goes on when there is room again"""
    server, disk = s.fake_server(), SmallDisk(s)
    log = os.path.join(disk.path, "p2.log")
    p2 = s.p2(server, **UNLIMITED, logging_level="debug")
    p2.properties.update({"logging.channels.file.class": "FileChannel", "logging.channels.file.path": log,
                          "logging.loggers.root.channel": "file"})
    p2.up()
    load = loaded(s, server, rate=200, registering=0.5)
    load.more("register: result", 50)
    disk.fill()
    load.more("register: result", 100)
    load.more("push: result", 100)
    p2.wait_for_log("the log cannot be written", "p2.log")
    disk.free()
    size = os.path.getsize(log)
    until(lambda: os.path.getsize(log) > size + 1000, "more lines in the log")
    load.stop()
    eq(set(load.verdicts), {"push: result", "register: result"}, "the answers")


@scenario()
def start_on_a_full_disk(s):
    """On a full disk p2 starts with the store that is there, and says why it cannot without one"""
    server, disk = s.fake_server(), SmallDisk(s)
    p2 = s.p2(server, store_path=os.path.join(disk.path, "store"))
    disk.fill()
    p2.start()
    eq(p2.process.wait(20), EX_CANTCREAT, f"exit status; it said: {p2.log()}")
    assert "is full" in p2.log(), p2.log()
    disk.free()
    p2.up()
    [(registration, _, _)] = s.registered(server)
    p2.kill()
    disk.fill()
    p2.up()
    eq(shapes.verdict(server.iq(shapes.publish(registration.node, registration.secret))), "result", "a push")


@scenario(short=True)
def disk_is_full(s):
    """On a full disk registrations wait and pushes go on; with room again all goes on, and nothing answered is lost"""
    full_disk(s, 4)


@scenario(long=True)
def disk_is_full_for_a_minute(s):
    """On a disk that is full for a minute nothing is lost, and service resumes without a restart"""
    full_disk(s, 60)


# ------------------------------------------------------------------------------------------------------------- reload


@scenario(short=True)
def key_is_rotated(s):
    """A new service-account file is taken over by a reload under load, without losing a push"""
    server, fcm = s.fake_server(), s.own_fcm()
    account = os.path.join(s.directory, "account.json")
    shutil.copy(fcm.service_account, account)
    p2 = s.p2(server, fcm, fcm_serviceAccountFile=account).up()
    load = loaded(s, server, rate=200, registering=0.1, devices=50)
    load.more("push: result", 100)
    for _ in range(3):
        fcm.control(new_key=account)  # as in the console: the new one works beside the old one
        seen, issued = len(p2.process.lines()), fcm.state()["tokens_issued"]
        p2.hang_up()
        p2.wait_for_log("read again", since=seen)
        until(lambda: fcm.state()["tokens_issued"] > issued, "an access token that is fetched with the new key")
        load.more("push: result", 100)
        fcm.control(revoke_old_keys=True, expire_tokens=True)
        load.more("push: result", 100)
    load.stop()
    eq(set(load.verdicts), {"push: result", "register: result"}, "the answers")


@scenario()
def settings_are_read_again(s):
    """A reload takes over what changes live, names what needs a restart, and keeps the old settings if the new are bad"""
    server = s.fake_server()
    p2 = s.p2(server, push_deadline="20s").up()
    [(registration, token, _)] = s.registered(server)

    def push():
        return shapes.verdict(server.iq(shapes.publish(registration.node, registration.secret)))

    def reload(*words, **changes):
        for key, value in changes.items():
            p2.properties[key.replace("_", ".")] = value
        p2.write_config()
        seen = len(p2.process.lines())
        p2.hang_up()
        p2.wait_for_log(*words, since=seen)

    def last():
        return s.fcm.requests(token=token)[-1]["json"]["message"]["android"]

    eq((push(), last()["priority"], "ttl" in last()), ("result", "HIGH", False), "a push with the first settings")
    reload("read again", fcm_priority="normal", fcm_ttl="1h", fcm_collapse="false")
    eq((push(), last()), ("result", {"priority": "NORMAL", "ttl": "3600s"}), "a push with the new settings")

    reload("push.deadline", push_deadline="soon", fcm_priority="high")
    eq((push(), last()["priority"]), ("result", "NORMAL"), "a push after settings that are bad")
    reload("fcm.serviceAccountFile", push_deadline="20s", fcm_serviceAccountFile=os.path.join(s.directory, "none"))
    eq((push(), last()["priority"]), ("result", "NORMAL"), "a push after a file that is not there")
    reload("read again", fcm_serviceAccountFile=s.fcm.service_account)
    eq((push(), last()["priority"]), ("result", "HIGH"), "a push after they are good again")

    for key, value in (("xmpp.port", server.component + 1), ("store.path", s.directory), ("http.listen", "127.0.0.1:1")):
        reload(key, "restart", **{key: value})
    eq(push(), "result", "a push after changes that need a restart")
    eq(server.connections, 1, "streams")

    s.fcm.misbehave("hang", token=token)
    reload("read again", push_deadline="1s")
    began = time.monotonic()
    eq(push(), WAIT, "a push that FCM does not answer")
    assert time.monotonic() - began < 5, "the new push.deadline is not kept"
    s.fcm.behave()
    reload("read again", limits_denyDomains="im.localhost")
    before = len(s.fcm.requests(token=token))
    eq(push(), "result", "a push of a domain that is no longer served")
    eq(len(s.fcm.requests(token=token)), before, "what FCM was sent of it")
    reload("read again", limits_denyDomains=None)
    eq(push(), "result", "a push of a domain that is served again")
    eq(len(s.fcm.requests(token=token)), before + 1, "what FCM was sent of that")


# --------------------------------------------------------------------------------------------------- the stream's faults


def stream_error(condition):
    return (f"<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
            "</stream:stream>").encode()


#: fault → what the server does to a stream that is open (`end`), or says to each that is opened (`greeting`)
STREAM_FAULTS = {
    "closed in due form": dict(end=lambda server: server.end_stream()),
    "cut": dict(end=lambda server: server.drop()),
    "system-shutdown": dict(end=lambda server: server.end_stream(stream_error("system-shutdown"))),
    "reset": dict(end=lambda server: server.end_stream(stream_error("reset"))),
    "policy-violation": dict(end=lambda server: server.end_stream(stream_error("policy-violation"))),
    "bytes that are no XML": dict(end=lambda server: server.end_stream(b"<<<\x00")),
    "conflict": dict(greeting=stream_error("conflict")),
    "host-unknown": dict(greeting=stream_error("host-unknown")),
    "not-authorized": dict(greeting=stream_error("not-authorized")),
    "internal-server-error": dict(greeting=stream_error("internal-server-error")),
    "refused": dict(refusing=True),
}


@scenario(alone=True)
def each_fault_of_the_stream(s):
    """After each fault of the stream p2 is back within its backoff, and what was asked before is answered once"""
    for fault, how in STREAM_FAULTS.items():
        server = s.fake_server()
        p2 = s.p2(server).up()
        load = loaded(s, server, rate=300, registering=0.3, devices=100)
        load.more("push: result", 30)
        s.fcm.control(latency=150)  # so that there are requests under way
        load.more("push: result", 10)
        server.greeting, server.refusing = how.get("greeting"), how.get("refusing", False)
        end = how.get("end", lambda server: server.end_stream())
        connections = server.connections
        (load.cut if fault == "cut" else load.cross)(lambda: end(server))
        if "greeting" in how:
            server.wait_for_connections(connections + 2)
        elif "refusing" in how:
            p2.wait_for_log("trying again")
        server.greeting, server.refusing = None, False
        began = time.monotonic()
        server.wait_for_component(30)
        back = time.monotonic() - began
        s.fcm.control(latency=0)
        load.more("push: result", 30)
        load.stop()
        load.check_registrations()
        transcript.line(f"{fault}: back after {back:.1f} s, {load.summary()}")
        # Standing by, it asks every four seconds at least, however short the rest is.
        assert back < (8 if fault == "conflict" else 5), f"{back:.1f} s until p2 was back after {fault}"
        eq(p2.stop(), 0, "exit status")
        server.close()


# ----------------------------------------------------------------------------------------------------- the real servers


class Talk:
    """Messages to users who are away, one after the other without a pause.

    They come from `peer`; else from a component of its own that connects again when the server has restarted, and
    there are registrations beside them.
    """

    def __init__(self, s, users, rate, peer=None):
        self._s, self._users, self._pause, self._peer = s, users, 1 / rate, peer
        self._stopping = threading.Event()
        self.messages = 0
        self._thread = threading.Thread(target=self._run, name="talk", daemon=True)
        self._thread.start()

    def _run(self):
        turn, peer = itertools.cycle(self._users), self._peer
        while not self._stopping.wait(self._pause):  # the load's pace
            try:
                if peer is None:
                    peer = ComponentClient(self._s.server.component, self._s.server.peer_jid, self._s.server.secret)
                self._say(peer, next(turn))
            except (OSError, RuntimeError):  # the server is down
                peer = None
        if peer and not self._peer:
            peer.close()

    def _say(self, peer, user):
        text = (f"<message type='chat' from='juliet@{peer.jid}' to='{user}@{self._s.server.domain}'>"
                f"<body>message {self.messages}</body></message>")
        peer.send(text.encode())
        self.messages += 1
        if self.messages % 10 == 0 and not self._peer:
            peer.send_iq(self._s.server.p2_jid, shapes.register(self._s.token(), f"device {self.messages % 70}"),
                         sender="juliet", quiet=True)

    def stop(self):
        self._stopping.set()
        self._thread.join(20)


def enabled_users(s, count):
    """Users who are away and whose server pushes to p2: {name: Registration}."""
    users = {}
    for _ in range(count):
        phone = s.phone("user")
        users[phone.user] = phone.register(s.token(), "device")
        phone.enable(users[phone.user])
        phone.away()
    return users


def check_users(s, users):
    """The server's own storage has every user's registration."""
    for user, registration in users.items():
        eq(s.server.push_registrations(user), [(s.server.p2_jid, registration.node)], "the registrations of a user")


def restarted(s, rounds, count, calm=0):
    """`rounds` restarts, each after `calm` seconds; p2's backoff starts anew after a stream of ten."""
    relay = Relay(s.server)
    s.at_end(relay.close)
    p2 = s.p2(xmpp_port=relay.component).up()
    users = enabled_users(s, count)
    talk, back = Talk(s, list(users), rate=40), []
    s.at_end(talk.stop)
    for round in range(rounds):
        relay.wait_for_asked(relay.asked + 20)
        ready = len(relay.ready)
        if round % 2 == 1:
            s.server.kill()
        else:
            s.server.stop()
        s.server.start()
        began = time.monotonic()
        back.append(max(0, relay.wait_for_ready(ready + 1) - began))
        relay.wait_for_asked(relay.asked + 10)
        time.sleep(calm)
        if s.server.name == "prosody":
            check_users(s, users)
    talk.stop()
    eq(p2.process.exit_code(), None, "exit status")
    check_users(s, users)
    relay.check_answers({"result"})
    transcript.line(f"{rounds} restarts, {talk.messages} messages to {count} users, p2 back after "
                    f"{statistics.median(back):.1f} s (median), {max(back):.1f} s at the most")
    assert max(back) < 31, f"p2 was back only after {max(back):.1f} s"


@scenario(*BOTH, sanitized=False)
def server_restarts_under_load(s):
    """Beside restarts and kills of the server every request is answered once, and it keeps every user"""
    restarted(s, 2, 3)


@scenario(*BOTH, long=True)
def twenty_restarts_under_load(s):
    """Beside twenty restarts and kills of the server every request is answered once, and it keeps every user"""
    restarted(s, 20, 12, calm=11)


#: How FCM is down, in turn.
OUTAGES = (dict(fault="503"), dict(fault="close"), dict(fault="hang"), dict(fault="500"), dict(fault="html404"),
           dict(fault="permission_denied"), dict(fault="unauthenticated"), dict(fault="garbage"))


def fcm_down(s, seconds, count, **settings):
    fcm, relay = s.own_fcm(), Relay(s.server)
    s.at_end(relay.close)
    s.p2(fcm=fcm, xmpp_port=relay.component, **settings).up()
    users = enabled_users(s, count)
    talk = Talk(s, list(users), rate=5)
    s.at_end(talk.stop)
    relay.wait_for_asked(relay.asked + 5)
    end = time.monotonic() + seconds
    fcm.misbehave("500", endpoint="token")
    fcm.control(expire_tokens=True)
    for outage in itertools.cycle(OUTAGES):
        fcm.control(clear=True)
        fcm.misbehave("500", endpoint="token")
        fcm.misbehave(**outage)
        time.sleep(max(0, min(end - time.monotonic(), max(seconds / 16, 2))))  # the outage
        if time.monotonic() >= end:
            break
    talk.stop()
    check_users(s, users)
    fcm.behave()
    done = len(fcm.requests())
    talk = Talk(s, list(users), rate=5)
    s.at_end(talk.stop)

    def reached():
        return {r["token"] for r in fcm.requests(since=done) if r["status"] == 200 and "fault" not in r}

    until(lambda: len(reached()) >= count, "a push for each user when FCM is well again", seconds=100, pause=0.5)
    talk.stop()
    check_users(s, users)
    counts = relay.check_answers({"result", WAIT})
    assert counts.get(WAIT, 0) > seconds / 2, f"the answers are {counts}"


@scenario("ejabberd")
def fcm_is_down_for_a_while(s):
    """While FCM is down for 12 seconds, and when it is back, ejabberd keeps every user"""
    fcm_down(s, 12, 3, push_deadline="3s", fcm_timeout="2s")


@scenario("ejabberd", long=True)
def fcm_is_down_for_ten_minutes(s):
    """While FCM is down for ten minutes, and when it is back, ejabberd keeps every user"""
    fcm_down(s, 600, 10)


# ------------------------------------------------------------------------------------------------------ a damaged store


@scenario()
def store_is_cut(s):
    """A page of the store that cannot be read ends p2 with one sentence and a status of its own"""
    server = s.fake_server()
    p2 = s.p2(server, **UNLIMITED).up()
    for number in range(100):
        made = server.iq(shapes.register(f"token-{number}-" + "x" * 140, f"device-{number}"))
        eq(shapes.verdict(made), "result", "registering")
    os.truncate(os.path.join(p2.store, "data.mdb"), 5 * 4096)  # as a disk that fails: its pages raise SIGBUS
    server.send(server.request(shapes.publish("unknown", "secret"))[1].encode())
    eq(p2.process.wait(), EX_IOERR, "exit status")
    said = p2.process.tail()
    assert "p2: the store's file, or p2's own, cannot be read: " in said and "restore the store from a backup." in said, said


# ---------------------------------------------------------------------------------------------------- out of descriptors


@scenario()
def descriptors_run_out(s):
    """While the system gives no more descriptors p2 answers what it can and the rest wait, and then all goes on"""
    server = s.fake_server()
    p2 = s.p2(server, push_deadline="3s").up()
    load = loaded(s, server, rate=200, registering=0.3, devices=500)
    load.more("push: result", 50)
    resource.prlimit(p2.process.pid, resource.RLIMIT_NOFILE, (p2.descriptors(), 4096))
    s.fcm.control(latency=400, drop_connections=True)
    load.more(f"push: {WAIT}", 30)
    load.more("register: result", 30)
    load.cut(server.drop)
    server.wait_for_component()
    load.more("register: result", 30)
    resource.prlimit(p2.process.pid, resource.RLIMIT_NOFILE, (4096, 4096))
    s.fcm.control(latency=0)
    load.more("push: result", 200)
    load.stop()
    load.check_registrations()
    eq(p2.process.exit_code(), None, "exit status")
