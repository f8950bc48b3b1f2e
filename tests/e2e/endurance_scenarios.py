"""That nothing grows, and nothing spins."""

import time

from p2test import shapes
from p2test.shapes import verdict

from stage import eq, scenario


def flood(server, made, pushes, batch=250):
    """`pushes` pushes over all registrations, at most `batch` unanswered; all must be results."""
    sent = 0
    while sent < pushes:
        server.take_answers()
        answered = server.answered
        chosen = [made[(sent + i) % len(made)][0] for i in range(min(batch, pushes - sent))]
        requests = [server.request(shapes.publish(r.node, r.secret, shapes.NOTIFICATIONS["prosody"])) for r in chosen]
        server.send("".join(text for _, text in requests).encode())
        server.wait_for_answers(answered + len(requests), 120)
        answers = server.take_answers()
        eq({verdict(answers[id]) for id, _ in requests}, {"result"}, "the answers")
        sent += len(requests)


def nothing_grows(s, first, last):
    server = s.fake_server()
    # Fewer connections than pushes in flight, so that the pool is full early and stays so.
    p2 = s.p2(server, fcm_connections=32).up()
    made = s.registered(server, 300)
    flood(server, made, first)
    before = p2.threads(), p2.descriptors(), p2.rss()
    flood(server, made, last - first)
    after = p2.threads(), p2.descriptors(), p2.rss()
    assert after[0] <= before[0] + 8, f"threads grew from {before[0]} to {after[0]}"
    assert after[1] <= before[1] + 8, f"descriptors grew from {before[1]} to {after[1]}"
    if not s.sanitizer:
        assert after[2] <= before[2] * 1.1 + 1024, f"memory grew from {before[2]} to {after[2]} KiB"
    eq(server.doubled, [], "answered twice")


@scenario()
def ten_thousand_pushes(s):
    """Threads, descriptors and memory are after 10,000 pushes what they were after 2,000"""
    nothing_grows(s, 2_000, 10_000)


@scenario(long=True)
def half_a_million_pushes(s):
    """Threads, descriptors and memory are after 500,000 pushes what they were after 20,000"""
    nothing_grows(s, 20_000, 500_000)


@scenario(sanitized=False, alone=True)
def idle(s):
    """With nothing to do p2 does nothing: no polling loop"""
    server = s.fake_server()
    p2 = s.p2(server).up()
    [(registration, _, _)] = s.registered(server)
    eq(verdict(server.iq(shapes.publish(registration.node, registration.secret))), "result", "a push")
    before = p2.cpu_seconds()
    time.sleep(4)  # the span that is measured
    used = p2.cpu_seconds() - before
    assert used <= 0.03 or s.sanitizer, f"{used:.2f} s of CPU in 4 idle seconds"
