"""The soak: a load that never pauses, and faults of every kind at random, for as long as one likes."""

import os
import random
import shutil
import time
import urllib.request

from p2test import transcript
from p2test.p2daemon import UNLIMITED
from p2test.ports import free_port
from p2test.shapes import WAIT

from disaster_scenarios import SmallDisk, loaded, stream_error
from stage import eq, scenario, until

#: What FCM can do without a verdict on a target: nobody may lose a registration by it.
_FCM = (dict(fault="500"), dict(fault="503", retry_after=1), dict(fault="html502"), dict(fault="html404"),
        dict(fault="quota", retry_after=1), dict(fault="rate_limit", retry_after=1), dict(fault="close"),
        dict(fault="close_mid"), dict(fault="close_after"), dict(fault="hang"), dict(fault="trickle", ms=20),
        dict(fault="huge", bytes=5_000_000), dict(fault="garbage"), dict(fault="redirect"), dict(fault="chunked"),
        dict(fault="slow", ms=800), dict(fault="not_json"), dict(fault="permission_denied"),
        dict(fault="unauthenticated"), dict(fault="invalid_argument"), dict(fault="third_party_auth"))
#: Those of the token endpoint that pass; after a refusal p2 does not ask for a minute and more, but for a reload.
_OAUTH = ("500", "html502", "no_access_token", "close", "hang", "garbage")
_REFUSALS = ("invalid_signature", "bad_timeframe", "account_not_found")
_RATE = 150  # requests a second


class Soak:
    """p2 under load, and all that can be done to it. What is done to it ends before the next is done."""

    def __init__(self, s, seed):
        self._random = random.Random(seed)
        self.fcm, self.server = s.own_fcm(), s.fake_server()
        self.disk = SmallDisk(s, 64)
        self.account = os.path.join(s.directory, "account.json")
        shutil.copy(self.fcm.service_account, self.account)
        self.http = free_port()
        # Fewer connections than pushes in flight, so that the pool is full early and stays so.
        self.p2 = s.p2(self.server, self.fcm, store_path=os.path.join(self.disk.path, "store"), fcm_connections=16,
                       fcm_serviceAccountFile=self.account, fcm_timeout="2s", push_deadline="8s",
                       **UNLIMITED, http_listen=f"127.0.0.1:{self.http}").up()
        self.load = loaded(s, self.server, rate=_RATE, registering=0.3, devices=1000)
        self.done = {}
        self._actions = (self.fault_of_fcm, self.fault_of_oauth, self.refusal_of_oauth, self.connections_to_fcm_are_cut,
                         self.access_tokens_expire, self.slow_fcm, self.stream_is_cut, self.stream_ends,
                         self.server_restarts, self.server_refuses, self.disk_is_full, self.reload, self.key_is_rotated,
                         self.bad_reload)

    # ---- what happens to it

    def fault_of_fcm(self, seconds):
        fault = self._random.choice(_FCM)
        self.fcm.misbehave(**fault)
        time.sleep(seconds)  # the fault's time, here and below
        self.fcm.behave()
        return fault["fault"]

    def fault_of_oauth(self, seconds):
        fault = self._random.choice(_OAUTH)
        self.fcm.misbehave(fault, endpoint="token")
        self.fcm.control(expire_tokens=True)
        time.sleep(seconds)
        self.fcm.behave()
        return fault

    def refusal_of_oauth(self, seconds):
        fault = self._random.choice(_REFUSALS)
        self.fcm.misbehave(fault, endpoint="token")
        self.fcm.control(expire_tokens=True)
        time.sleep(seconds)
        self.fcm.behave()
        self._hang_up("read again")
        return fault

    def connections_to_fcm_are_cut(self, _):
        self.fcm.control(drop_connections=True)

    def access_tokens_expire(self, _):
        self.fcm.control(expire_tokens=True)

    def slow_fcm(self, seconds):
        self.fcm.control(latency=self._random.choice((50, 300, 1500, 2500)))
        time.sleep(seconds)
        self.fcm.control(latency=0)

    def stream_is_cut(self, _):
        self.load.cut(self.server.drop)
        self.server.wait_for_component(60)

    def stream_ends(self, _):
        last = self._random.choice((b"</stream:stream>", stream_error("system-shutdown"), stream_error("reset"),
                                    b"<<<"))
        self.load.cross(lambda: self.server.end_stream(last))
        self.server.wait_for_component(60)

    def server_restarts(self, seconds):
        self.server.refusing = True
        self.load.cross(self.server.end_stream)
        time.sleep(seconds)
        self.server.refusing = False
        self.server.wait_for_component(60)

    def server_refuses(self, seconds):
        condition = self._random.choice(("conflict", "host-unknown", "not-authorized", "internal-server-error"))
        self.server.greeting = stream_error(condition)
        self.load.cross(self.server.end_stream)
        time.sleep(seconds)
        self.server.greeting = None
        self.server.wait_for_component(60)
        return condition

    def disk_is_full(self, seconds):
        self.disk.fill()
        self.load.grow(300)  # renewals alone find room in pages that are free
        self.load.more(f"register: {WAIT}", 3)
        time.sleep(seconds)
        self.disk.free()

    def _hang_up(self, *words):
        self.p2.write_config()
        seen = len(self.p2.process.lines())
        self.p2.hang_up()
        self.p2.wait_for_log(*words, since=seen)

    def reload(self, _):
        choice = self._random.choice
        self.p2.properties.update({"fcm.priority": choice(("high", "normal", "auto")),
                                   "fcm.collapse": choice(("true", "false")), "fcm.ttl": choice(("0s", "1d")),
                                   "push.queue": choice((1000, 20000))})
        self._hang_up("read again")

    def bad_reload(self, _):
        self.p2.properties["push.queue"] = "many"
        self._hang_up("push.queue")
        self.p2.properties["push.queue"] = 20000

    def key_is_rotated(self, _):
        self.fcm.control(new_key=self.account)
        self._hang_up("read again")
        self.fcm.control(revoke_old_keys=True, expire_tokens=True)

    # ---- the soak

    def play(self, action):
        seconds = self._random.uniform(0.2, 4)
        detail = action(seconds)
        assert self.p2.process.exit_code() is None, f"p2 ended after {action.__name__}"
        name = f"{action.__name__} {detail}" if detail else action.__name__
        self.done[name] = self.done.get(name, 0) + 1
        transcript.line(f"{name}, {seconds:.1f} s; {self.p2.rss()} KiB, {self.p2.threads()} threads, "
                        f"{self.p2.descriptors()} descriptors")

    def each_once(self):
        for action in self._actions:
            self.play(action)

    def at_random(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.play(self._random.choice(self._actions))
            time.sleep(self._random.uniform(0, 3))  # good times

    def figures(self):
        """(threads, descriptors, KiB of memory) when all is well and the pool is full."""
        self.load.more("push: result", 100, 120)
        self.load.more("register: result", 50, 120)
        self.fcm.control(latency=400)  # more pushes are under way than there are connections
        until(lambda: self.workers() == 16, "16 workers under load")
        self.fcm.control(latency=0)
        self.load.more("push: result", 200, 120)
        return self.p2.threads(), self.p2.descriptors(), self.p2.rss()

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=10) as answer:
            return answer.read().decode().splitlines()

    def workers(self):
        return next(int(line.split()[1]) for line in self.metrics() if line.startswith("p2_push_workers{"))


@scenario(soak=True)
def soak(s):
    """With faults at random all is answered, all kept, and threads, descriptors and memory end where they were"""
    seed = random.SystemRandom().randrange(1 << 32) if s.soak_seed is None else s.soak_seed
    print(f"the soak's seed is {seed}", flush=True)
    soak = Soak(s, seed)
    soak.each_once()
    before = soak.figures()
    soak.at_random(s.soak_minutes * 60)
    after = soak.figures()
    soak.load.stop()
    count = soak.load.check_registrations()
    print(f"{s.soak_minutes:g} minutes, {sum(soak.done.values())} faults of {len(soak.done)} kinds; "
          f"{soak.load.summary()}; all {count} registrations kept\n"
          f"threads {before[0]} → {after[0]}, descriptors {before[1]} → {after[1]}, "
          f"memory {before[2]} → {after[2]} KiB", flush=True)
    assert after[0] <= before[0] + 4, f"threads grew from {before[0]} to {after[0]}"
    assert after[1] <= before[1] + 4, f"descriptors grew from {before[1]} to {after[1]}"
    if not s.sanitizer:
        assert after[2] <= before[2] * 1.2 + 2048, f"memory grew from {before[2]} to {after[2]} KiB"
    eq(soak.p2.stop(), 0, "exit status")
    soak.p2.up()
    eq(soak.load.check_registrations(), count, "registrations after a restart")
