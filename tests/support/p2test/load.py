"""A load that never pauses and keeps account: each request and its answer, and every registration that was answered."""

import itertools
import random
import secrets
import threading
import time
from collections import Counter

from . import shapes, transcript
from .shapes import WAIT, verdict


class _Request:
    __slots__ = ("kind", "device", "sent", "crossed")

    def __init__(self, kind, device):
        self.kind, self.device = kind, device
        self.sent = time.monotonic()
        self.crossed = False  # a stream ended while it was open


class Phone:
    """One device: the token that was asked for last, and what p2 has answered."""

    __slots__ = ("token", "registration")

    def __init__(self, token):
        self.token, self.registration = token, None


#: An answer that takes longer is not what users are used to.
_PROMPT = 2.0
#: Worth a line in a failure's report: a server waits a little longer.
_LATE = 25.0


class Load:
    """Registers devices and publishes to them through a FakeServer or a RemoteDomain, in a thread of its own.

    `rate` requests a second, of which `registering` are registrations; those are of new devices until there are
    `devices`, and then renew the tokens of those there are, as phones do. Every request must be answered once, also
    over a stream that ends, but for those that were open when a stream was cut (see cut()).
    """

    def __init__(self, server, new_token, rate=200, registering=0.3, devices=300, batch=10, domain="im.localhost"):
        self._server, self._new_token, self._domain = server, new_token, domain
        self._rate, self._registering, self._devices, self._batch = rate, registering, devices, batch
        self._prefix = f"load-{secrets.token_hex(3)}-"
        self._numbers = itertools.count(1)
        self._random = random.Random()
        self._lock = threading.Condition()
        self._sending = threading.Lock()  # a stream does not end in the midst of a batch
        self._open = {}
        self._excused = {}  # a stream ended while they were open: the answer may be lost, or come twice
        self._names = []
        self.phones = {}
        self.sent, self.lost, self.slowest = 0, 0, 0.0
        self.verdicts = Counter()
        self.faults = []
        self._troubled, self._trouble_ended = 0.0, time.monotonic()
        self._stopping = threading.Event()
        server.on_answer = self._answered
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def _account_of(self, device):
        """Each device is another account's, as one may not register so often."""
        return f"hecuba{device.rpartition(' ')[2]}@{self._domain}/x"

    # ---- the thread that asks

    def start(self):
        self._thread.start()
        return self

    def _run(self):
        pause = self._batch / self._rate
        due = time.monotonic()
        while not self._stopping.is_set():
            self._send_batch()
            due = max(due + pause, time.monotonic() - 1)
            self._stopping.wait(max(0, due - time.monotonic()))  # the load's pace

    def _send_batch(self):
        if self._server.stream is None:
            return
        with self._lock:
            made = [self._request() for _ in range(self._batch)]
            before = {id: request for id, request, _ in made}
            self._open.update(before)
        with self._sending:
            whole = self._server.try_send("".join(text for _, _, text in made).encode())
            with self._lock:
                self.sent += len(made) if whole else 0
                if not whole:  # there is no stream, or it ended under way: nobody knows how far they came
                    self._excuse(before)

    def _request(self):
        id = f"{self._prefix}{next(self._numbers)}"
        known = [d for d in (self._random.choice(self._names) for _ in range(3))
                 if self.phones[d].registration] if self.phones else []
        if known and self._random.random() >= self._registering:
            registration = self.phones[known[0]].registration
            text = shapes.publish(registration.node, registration.secret, shapes.NOTIFICATIONS["prosody"])
            return id, _Request("push", known[0]), self._server.request(text, sender=self._domain, id=id)[1]
        if len(self.phones) < self._devices:
            device = f"load device {len(self.phones)}"
            self.phones[device] = Phone(self._new_token())
            self._names.append(device)
        else:
            device = self._random.choice(self._names)
            if self._random.random() < 0.5:
                self.phones[device].token = self._new_token()
        token = self.phones[device].token
        text = shapes.register(token, device)
        return (id, _Request("register", device),
                self._server.request(text, sender=self._account_of(device), id=id)[1])

    # ---- the server's thread

    def _answered(self, element):
        id = element.get("id")
        if not id.startswith(self._prefix):
            return False
        with self._lock:
            request = self._open.pop(id, None)
            if request is None:
                request = self._excused.get(id)
                if request is None:
                    self.faults.append(f"{id} was answered twice")
                    return True
            elif request.crossed:
                self._excused[id] = request
            else:
                self.slowest = max(self.slowest, time.monotonic() - request.sent)
            said = verdict(element)
            seconds = time.monotonic() - request.sent
            if said != "result" or seconds > _PROMPT:
                self._trouble(request)
            if seconds > _LATE:
                transcript.line(f"a {request.kind} is answered {said} after {seconds:.1f} s")
            self.verdicts[f"{request.kind}: {said}"] += 1
            if said not in ("result", WAIT):
                self.faults.append(f"a {request.kind} is answered {said}")
            elif request.kind == "register" and said == "result":
                self._registered(request, shapes.Registration(element))
            self._lock.notify_all()
        return True

    def _registered(self, request, registration):
        phone = self.phones[request.device]
        if phone.registration and phone.registration != registration:
            self.faults.append(f"{request.device} has another registration than before")
        phone.registration = registration

    def _trouble(self, request):
        self._troubled, self._trouble_ended = max(self._troubled, request.sent), time.monotonic()

    # ---- the scenario

    def _excuse(self, requests):
        for id, request in list(requests.items()):
            if self._open.pop(id, None):
                self._excused[id] = request
                self.lost += 1

    def cut(self, end):
        """Calls `end`, which ends the stream so that what is under way may be lost."""
        with self._sending:
            end()
            with self._lock:
                self._excuse(self._open)

    def cross(self, end):
        """Calls `end`, which ends the stream in due form: nothing may be lost."""
        with self._sending:
            with self._lock:
                for request in self._open.values():
                    request.crossed = True
            end()

    def wait_for(self, condition, what, seconds=60):
        """Until `condition(self.verdicts)`, which is asked after every answer."""
        with self._lock:
            assert self._lock.wait_for(lambda: condition(self.verdicts), seconds), \
                f"in {seconds} s the load did not see {what}: {dict(self.verdicts)}"

    def more(self, verdict, count=20, seconds=90):
        """Waits for `count` more answers of this verdict (`push: result`)."""
        with self._lock:
            target = self.verdicts[verdict] + count
        self.wait_for(lambda verdicts: verdicts[verdict] >= target, f"{count} more of `{verdict}`", seconds)

    def wait_for_calm(self, quiet=5, seconds=90):
        """Until nothing has been answered `wait`, or late, for so many seconds; gives when the last request was sent
        that was (`time.monotonic()`; 0: never)."""
        deadline = time.monotonic() + seconds
        with self._lock:
            counted, since = sum(self.verdicts.values()), time.monotonic()
            while True:
                late = [each for each in self._open.values() if time.monotonic() - each.sent > _PROMPT]
                for each in late:
                    self._trouble(each)
                if time.monotonic() - max(self._trouble_ended, since) >= quiet:
                    assert sum(self.verdicts.values()) > counted, "there are no answers at all"
                    return self._troubled
                assert time.monotonic() < deadline, (f"full service is not back after {seconds} s: {len(late)} late, "
                                                     f"{dict(self.verdicts)}")
                self._lock.wait(0.2)

    def grow(self, devices):
        """So many more devices register from now on."""
        with self._lock:
            self._devices = len(self.phones) + devices

    def halt(self):
        """No more requests."""
        self._stopping.set()
        self._thread.join(30)

    def stop(self, seconds=45):
        """No more requests. Everything that p2 has read must be answered within `seconds`."""
        self.halt()
        with self._lock:
            self._lock.wait_for(lambda: not self._open, seconds)
            assert not self._open, (f"{len(self._open)} of {self.sent} requests have no answer, the oldest after "
                                    f"{time.monotonic() - min(r.sent for r in self._open.values()):.0f} s")
        transcript.line(self.summary())
        assert not self.faults, f"{len(self.faults)} faults: " + "; ".join(self.faults[:5])
        return self

    def summary(self):
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.verdicts.items()))
        return (f"{self.sent} requests, {sum(self.verdicts.values())} answers ({kinds}), {self.lost} cut off, "
                f"{len(self.registered())} devices, slowest answer {self.slowest:.1f} s")

    def registered(self):
        with self._lock:
            return {device: phone for device, phone in self.phones.items() if phone.registration}

    def check_registrations(self):
        """Every registration that was answered is there, with its node and secret: the device registers once more."""
        registered = self.registered()
        for start in range(0, len(registered), 200):
            some = list(registered.items())[start:start + 200]
            asked = [(device, phone, self._server.request(shapes.register(phone.token, device),
                                                          sender=self._account_of(device)))
                     for device, phone in some]
            self._server.send("".join(text for _, _, (_, text) in asked).encode())
            for device, phone, (id, _) in asked:
                again = shapes.Registration(self._server.answer(id, quiet=True))
                assert again == phone.registration, f"{device} was registered, answered, and is lost"
        return len(registered)

    def check_pushes(self):
        """A push to every registration that was answered is answered `result`."""
        registered = self.registered()
        asked = [self._server.request(shapes.publish(phone.registration.node, phone.registration.secret),
                                      sender=self._domain) for phone in registered.values()]
        self._server.send("".join(text for _, text in asked).encode())
        said = Counter(verdict(self._server.answer(id, quiet=True)) for id, _ in asked)
        assert set(said) <= {"result"}, f"pushes to what is registered are answered {dict(said)}"
        return len(registered)
