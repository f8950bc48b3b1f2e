"""That nobody who may send stanzas to p2 gets more than is due, and that nobody else pays for the attempt."""

import itertools
import re
import secrets
import statistics
import threading
import time
from html import unescape

from p2test import shapes, transcript
from p2test.p2daemon import UNLIMITED
from p2test.shapes import COMMANDS, NOT_FOUND, verdict
from p2test.trees import Trees

import hostile_inputs
from hostile_inputs import PING
from stage import eq, scenario

STREAM_ERRORS = "{urn:ietf:params:xml:ns:xmpp-streams}"
MEMORY = 64 * 1024  # KiB
IN_TIME = 5  # seconds, for an honest push beside anything


def check_memory(s, p2, what):
    if not s.sanitizer:
        assert p2.peak_memory() < MEMORY, f"{p2.peak_memory()} KiB at the most, after {what}"


# ------------------------------------------------------------------------------------------------- hostile inputs


def session_of_another(server):
    answer = server.iq(f"<command xmlns='{COMMANDS}' node='register-push-fcm' action='execute'/>",
                       sender="victim@im.localhost/x")
    return next(child for child in answer if child.tag == f"{{{COMMANDS}}}command").get("sessionid")


def batches(inputs, most_bytes=300_000):
    """Lists of inputs that are sent in one go."""
    batch, size = [], 0
    for entry in inputs:
        if batch and size + len(entry[1]) > most_bytes:
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += len(entry[1])
    yield batch


def id_of(text, beginning):
    """The whole id that begins so: the table may make it longer."""
    at = text.index(beginning)
    return unescape(text[at:text.index("'", at)])


def check_batch(server, batch, numbers, honest):
    """Sends the batch, an honest push in its midst: each input is answered as the table says, or not at all."""
    expected, data = {}, []
    for name, text, answer in batch:
        id = f"hostile-{next(numbers)}."
        text = text.replace("{id}", id)
        data.append(text)
        if answer is not None:
            expected[id_of(text, id)] = (name, answer)
    id, text = server.request(shapes.publish(honest.node, honest.secret))
    expected[id] = ("an honest push among them", "result")
    data.insert(len(data) // 2, text)
    last, text = server.request(PING, kind="get")
    expected[last] = ("a ping behind them", "result")
    server.send("".join([*data, text]).encode("utf-8", "surrogateescape"))
    server.answer(last, 4 * IN_TIME)
    for id, (name, answer) in expected.items():
        transcript.line(f"{id} is {name[:200]}")
        eq(verdict(server.answer(id, IN_TIME)), answer, f"the answer to {name}")
    unexpected = [id for id in server.take_answers() if id not in expected]
    eq(unexpected, [], "answers to what needs none, among " + ", ".join(name for name, _, _ in batch))


@scenario(alone=True)
def hostile_stanzas(s):
    """Hostile stanzas get the answer that is defined for them, or none, and an honest push among them is delivered"""
    server = s.fake_server()
    p2 = s.p2(server, limits_unknownPerHour=0).up()
    [(honest, _, _)] = s.registered(server)
    [(victim, _, _)] = s.registered(server)
    inputs = [*hostile_inputs.publishes(victim), *hostile_inputs.oddities(victim),
              *hostile_inputs.commands(session_of_another(server)), *hostile_inputs.strangers(),
              *hostile_inputs.beyond_limits(), *hostile_inputs.ill_formed()]
    count = len(inputs) + len(list(hostile_inputs.stream_enders()))
    assert count >= 1000, f"the table has {count} inputs"
    server.take_answers()
    numbers = itertools.count(1)
    for batch in batches(inputs):
        check_batch(server, batch, numbers, honest)
    eq(server.connections, 1, "streams: nothing of that ends one")
    eq(server.others, [], "what p2 sent beside answers")
    eq(server.doubled, [], "answered twice")
    check_memory(s, p2, f"{len(inputs)} hostile stanzas")


def send_until_cut(server, data):
    """A peer that has heard enough closes."""
    try:
        server.send(data)
    except OSError:
        pass


def check_ender(server, name, data, condition, honest):
    """The stream ends with its error; the honest push before it and the one on the next stream are answered."""
    stream, told = server.stream, len(server.others)
    before, text = server.request(shapes.publish(honest.node, honest.secret))
    send_until_cut(server, text.encode() + data.replace(b"{id}", f"cut-{before}".encode()))
    server.wait_for_other_stream(stream)
    errors = [child.tag for other in server.others[told:] for child in other if child.tag.startswith(STREAM_ERRORS)]
    eq(errors, [STREAM_ERRORS + condition], f"the stream error for {name}")
    after, text = server.request(shapes.publish(honest.node, honest.secret))
    server.send(text.encode())
    for id in (before, after):
        eq(verdict(server.answer(id, IN_TIME)), "result", f"an honest push beside {name}")


@scenario()
def hostile_streams(s):
    """What no stream may hold ends it with the stream error that is defined, and honest pushes go on in the next one"""
    server = s.fake_server()
    p2 = s.p2(server).up()
    [(honest, _, _)] = s.registered(server)
    for number, (name, data, condition) in enumerate(hostile_inputs.stream_enders()):
        check_ender(server, name, data, condition, honest)
        check_memory(s, p2, name)
        if number % 2 == 1:  # p2 connects again less and less quickly, which is not what is tested here
            eq(p2.stop(), 0, "exit status")
            p2.start()
            p2.wait_ready()
    eq(server.doubled, [], "answered twice")


@scenario(alone=True)
def endless_stanzas(s):
    """Stanzas of 100 MB are answered wait at their end, take no memory, and end neither the stream nor what comes behind"""
    server = s.fake_server()
    p2 = s.p2(server).up()
    [(honest, _, _)] = s.registered(server)
    for name, block in (("text", b"x" * 1_000_000), ("markup", b"<a/>" * 250_000), ("levels", None),
                        ("CDATA", b"<![CDATA[" + b"x" * 1_000_000 + b"]]>")):
        big, text = server.request("|", kind="get")
        head, tail = (part.encode() for part in text.split("|"))
        server.send(head)
        if block is None:
            server.send(b"<a>" * 2_000_000 + b"</a>" * 2_000_000)
        else:
            for _ in range(100):
                server.send(block)
        behind, text = server.request(shapes.publish(honest.node, honest.secret))
        server.send(tail + text.encode())
        eq(verdict(server.answer(big, IN_TIME)), shapes.WAIT, f"the answer to 100 MB of {name}")
        eq(verdict(server.answer(behind, IN_TIME)), "result", f"an honest push behind 100 MB of {name}")
        check_memory(s, p2, f"100 MB of {name}")
    eq(server.connections, 1, "streams")


@scenario()
def new_names(s):
    """Stanzas full of names that never come twice do not make p2 grow: its XML parser keeps every name it meets"""
    server = s.fake_server()
    p2 = s.p2(server).up()
    numbers = itertools.count(1)
    elements = ("".join(f"<e{number:x}/>" for number in itertools.islice(numbers, 25_000)) for _ in itertools.count())
    attributes = ("".join("<e" + "".join(f" a{number:x}=''" for number in itertools.islice(numbers, 60)) + "/>"
                          for _ in range(300)) for _ in itertools.count())
    for body in itertools.chain(itertools.islice(elements, 40), itertools.islice(attributes, 40)):
        id, text = server.request(f"<a>{body}</a>")
        server.send(text.encode())
        server.answer(id)
    eq(server.connections, 1, "streams")
    check_memory(s, p2, "16 MB of new names")


# ------------------------------------------------------------------------------------------------------ drawn at random

TREES = 5000
TREES_AT_ONCE = 50
STANZA_SIZE = 10_000  # bytes, so that the limit is crossed thousands of times in little time


def check_trees(server, trees, first, honest):
    """Sends some trees in pieces, an honest push in their midst; gives how many, and whether the last one ended the stream."""
    stream, told = server.stream, len(server.others)
    batch = []
    while len(batch) < TREES_AT_ONCE and not (batch and batch[-1].ends):
        # Not the first one, so that there is something before it.
        batch.append(trees.stanza(f"tree-{first + len(batch)}", enders=len(batch) > 1))
    middle = len(batch) // 2
    id, text = server.request(shapes.publish(honest.node, honest.secret))
    for piece in trees.pieces(b"".join(tree.text for tree in batch[:middle]) + text.encode()):
        server.send(piece)
    eq(verdict(server.answer(id, IN_TIME)), "result", f"an honest push beside trees from {batch[0].id} on")
    for piece in trees.pieces(b"".join(tree.text for tree in batch[middle:])):
        send_until_cut(server, piece)
    if batch[-1].ends:
        server.wait_for_other_stream(stream)
        errors = [child.tag for other in server.others[told:] for child in other if child.tag.startswith(STREAM_ERRORS)]
        eq(errors, [STREAM_ERRORS + "restricted-xml"], f"the stream error for {batch[-1].what}")
        batch[-1].answer = None
    last, text = server.request(PING, kind="get")
    server.send(text.encode())
    server.answer(last, 4 * IN_TIME)
    for tree in batch:
        if tree.answer is not None:
            transcript.line(f"{tree.id} is {tree.what}")
            eq(verdict(server.answer(tree.id, IN_TIME, quiet=True)), tree.answer, f"the answer to {tree.id}, {tree.what}")
    unexpected = [other for other in server.take_answers()
                  if other not in {id, last, *(tree.id for tree in batch if tree.answer is not None)}]
    eq(unexpected, [], "answers to what needs none")
    return len(batch), batch[-1].ends


@scenario()
def generated_trees(s):
    """5,000 trees drawn on and around every limit get the answers that are due, and only forbidden XML ends the stream"""
    seed = s.soak_seed or 1
    server = s.fake_server()
    p2 = s.p2(server, xmpp_maxStanzaSize=STANZA_SIZE).up()
    [(honest, _, _), (victim, _, _)] = s.registered(server, 2)
    trees = Trees(seed, victim, STANZA_SIZE)
    transcript.line(f"to see these trees again: --seed {seed}")
    server.take_answers()
    sent, ended, streams = 0, 0, 1
    while sent < TREES:
        count, ends = check_trees(server, trees, sent, honest)
        sent, ended, streams = sent + count, ended + ends, streams + ends
        eq(server.connections, streams, "streams: only forbidden XML ends one")
        check_memory(s, p2, f"{sent} trees")
        if ends and ended % 2 == 0:  # p2 connects again less and less quickly, which is not what is tested here
            eq(p2.stop(), 0, "exit status")
            p2.start()
            p2.wait_ready()
            streams += 1
    eq(server.doubled, [], "answered twice")
    transcript.line(f"{sent} trees, of which {ended} ended the stream; {p2.peak_memory()} KiB at the most")


# ----------------------------------------------------------------------------------------------------- one that floods


class Flood:
    """Sends 50,000 requests in ten seconds, on the stream that others use as well.

    Faster than FCM takes them by far, and not so fast that what is measured is how this server reads the answers.
    """

    COUNT, BATCH, SECONDS = 50_000, 25, 10

    def __init__(self, server, make):
        self._server, self._make = server, make
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="flood", daemon=True)
        self.ended = threading.Event()
        self._thread.start()

    def _run(self):
        try:
            began = time.monotonic()
            for start in range(0, self.COUNT, self.BATCH):
                time.sleep(max(0, began + self.SECONDS * start / self.COUNT - time.monotonic()))  # the load's pace
                text = "".join(self._server.request(*self._make(start + i), id=f"flood-{start + i}")[1]
                               for i in range(self.BATCH))
                with self._lock:
                    self._server.send(text.encode())
        finally:
            self.ended.set()

    def iq(self, payload, sender):
        """An honest request that has to get through beside the flood."""
        id, text = self._server.request(payload, sender)
        with self._lock:
            self._server.send(text.encode())
        return self._server.answer(id, 40)


def seconds_of(action):
    began = time.monotonic()
    eq(verdict(action()), "result", "an honest push")
    return time.monotonic() - began


def flooded(s, kind):
    fcm = s.own_fcm(latency=100)
    server = s.fake_server()
    p2 = s.p2(server, fcm, fcm_connections=64, limits_pushesPerSecond=0, limits_unknownAfter=None, **UNLIMITED).up()
    honest = [made[0] for made in s.registered(server, 12, sender="hecuba@quiet.localhost/x")]
    loud = [made[0] for made in s.registered(server, 2000 if kind == "its own nodes" else 1)]

    def honest_push(send):
        registration = next(turn)
        return seconds_of(lambda: send(shapes.publish(registration.node, registration.secret), "quiet.localhost"))

    def flood_request(number):
        node = f"unknown-node-{number}" if kind == "unknown nodes" else loud[number % len(loud)].node
        return shapes.publish(node, loud[number % len(loud)].secret), "im.localhost"

    turn = itertools.cycle(honest)
    for _ in range(3):  # connections are made
        honest_push(server.iq)
    quiet = statistics.median(honest_push(server.iq) for _ in range(11))
    flood = Flood(server, flood_request)
    server.wait_for_first_answer("flood-")
    beside = []
    while not flood.ended.is_set():
        beside.append(honest_push(flood.iq))
    assert len(beside) >= 4, f"the flood was over after {len(beside)} honest pushes"
    loudest = statistics.median(beside)
    assert loudest <= 2 * quiet or s.sanitizer, \
        f"{loudest * 1000:.0f} ms beside a flood of {kind}, {quiet * 1000:.0f} ms in quiet times"
    assert flood.ended.wait(120), "p2 does not take the flood in"
    check_memory(s, p2, f"a flood of {kind}")
    transcript.line(f"flood of {kind}: {quiet * 1000:.0f} ms quiet, {loudest * 1000:.0f} ms beside it (median of "
                    f"{len(beside)}, worst {max(beside) * 1000:.0f} ms), {p2.peak_memory()} KiB at the most")
    eq(server.doubled, [], "answered twice")
    p2.kill()  # how the rest of the flood ends is not what is tested here


@scenario(sanitized=False, alone=True)
def flood_of_a_domain(s):
    """Beside a flood of 50,000 pushes for a domain's 2,000 nodes, another domain's push takes twice its time at most"""
    flooded(s, "its own nodes")


@scenario(sanitized=False, alone=True)
def flood_of_a_node(s):
    """Beside a flood of 50,000 pushes for one node, another domain's push takes twice its time at most"""
    flooded(s, "one node")


@scenario(sanitized=False, alone=True)
def flood_of_unknown_nodes(s):
    """Beside a flood of 50,000 pushes for unknown nodes, another domain's push takes twice its time at most"""
    flooded(s, "unknown nodes")


# ------------------------------------------------------------------------------------------------------ one that probes


def share_above(some, others):
    """How often a value of `some` is greater than one of `others`: 0.5 if they cannot be told apart."""
    ranked = sorted([(value, 0) for value in some] + [(value, 1) for value in others])
    below = above = 0
    for _, other in ranked:
        if other:
            below += 1
        else:
            above += below
    return above / (len(some) * len(others))


@scenario(alone=True)
def probing(s):
    """Unknown node, wrong secret and wrong domain are answered alike, to the byte and within the noise of time"""
    server = s.fake_server()
    s.p2(server, **UNLIMITED).up()
    made = [registration for registration, _, _ in s.registered(server, 200)]
    requests = {
        "unknown node": lambda n: (shapes.publish(made[n % 200].node[::-1], made[n % 200].secret), "im.localhost"),
        "wrong secret": lambda n: (shapes.publish(made[n % 200].node, made[n % 200].secret[::-1]), "im.localhost"),
        "wrong domain": lambda n: (shapes.publish(made[n % 200].node, made[n % 200].secret), "il.localhost")}
    times, contents = {name: [] for name in requests}, set()
    for number in range(2200):
        for name in sorted(requests, key=lambda _: secrets.randbits(32)):
            payload, sender = requests[name](number)
            id, text = server.request(payload, sender)
            began = time.perf_counter()
            server.send(text.encode())
            answer = server.answer(id)
            if number >= 200:
                times[name].append(time.perf_counter() - began)
            contents.add(re.sub(r' to="[^"]*"', "", shapes.without_id(answer)))
            eq(verdict(answer), NOT_FOUND, f"the answer to a publish with {name}")
        server.take_answers()
    eq(len(contents), 1, f"different answers: {contents}")
    medians = {name: statistics.median(values) for name, values in times.items()}
    transcript.line("medians: " + ", ".join(f"{name} {value * 1e6:.0f} µs" for name, value in medians.items()))
    for one, other in itertools.combinations(times, 2):
        share = share_above(times[one], times[other])
        transcript.line(f"{one} is slower than {other} in {share * 100:.1f} %")
        if not s.sanitizer:
            assert 0.38 < share < 0.62, f"{one} is slower than {other} in {share * 100:.1f} %"
            assert abs(medians[one] / medians[other] - 1) < 0.1, f"{medians} tell {one} from {other}"
