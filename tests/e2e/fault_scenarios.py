"""What breaks, and what a server and its users see of it: FCM, OAuth, the stream, the process."""

import os
import time

from fcm_answers import TABLE
from p2test import shapes, transcript
from p2test.p2daemon import UNLIMITED
from p2test.shapes import NOT_FOUND, WAIT, verdict

from stage import BOTH, eq, scenario, until

#: What p2 says to the server, in the words of the table of FCM's answers → (the answer, whether the registration stays)
STANZAS = {"result": ("result", True), "item-not-found": (NOT_FOUND, False), "wait": (WAIT, True)}


def in_table(name, **more):
    return dict(fault=name, **more), *STANZAS[TABLE[name]["xmpp"]]


#: fault → (what FCM does, the answer in time, whether the registration stays)
VERDICTS = {
    **{name: in_table(name) for name in (
        "unregistered", "invalid_token", "invalid_token_field", "invalid_argument", "sender_mismatch", "permission_denied",
        "unauthenticated", "token_expired", "third_party_auth", "rate_limit", "500", "html404", "html502", "not_json")},
    "quota": in_table("quota", retry_after=1),
    "503": in_table("503", retry_after=1),
    # Three without the table, so that a mistake in it cannot hide at all levels.
    "it is delivered": (dict(fault="answer", status=200, body='{"name": "projects/p2-test/messages/0:1"}'),
                        "result", True),
    "the token is gone": (dict(fault="answer", status=404, body='{"error": {"code": 404, "status": "NOT_FOUND", "details": '
                               '[{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", '
                               '"errorCode": "UNREGISTERED"}]}}'), NOT_FOUND, False),
    "it is overloaded": (dict(fault="answer", status=503, body='{"error": {"code": 503, "status": "UNAVAILABLE"}}',
                              retry_after=1), WAIT, True),
    "close": (dict(fault="close"), WAIT, True),
    "close_mid": (dict(fault="close_mid"), "result", True),
    "hang": (dict(fault="hang"), WAIT, True),
    "trickle": (dict(fault="trickle", ms=400), WAIT, True),
    "huge": (dict(fault="huge"), "result", True),
    "garbage": (dict(fault="garbage"), WAIT, True),
    "redirect": (dict(fault="redirect"), WAIT, True),
    "chunked": (dict(fault="chunked"), "result", True),
    "close_after": (dict(fault="close_after"), "result", True),
}

#: Seconds from the end of a fault that hit one push among many to the next push that goes through, at most.
RECOVERY = 10


def push(server, registration, seconds=40):
    return verdict(server.iq(shapes.publish(registration.node, registration.secret), seconds=seconds))


@scenario()
def each_fault_of_fcm(s):
    """Each fault of FCM gets its answer in time, and only a verdict on the target removes a registration"""
    server = s.fake_server()
    p2 = s.p2(server, push_deadline="3s", fcm_timeout="2s", fcm_goneAfter="0", **UNLIMITED).up()
    for fault, (order, answer, stays) in VERDICTS.items():
        honest = s.registered(server, 12)
        eq({push(server, registration) for registration, _, _ in honest}, {"result"}, "honest pushes")
        [(registration, token, device)] = s.registered(server)
        s.fcm.misbehave(token=token, **order)
        began = time.monotonic()
        eq(push(server, registration), answer, f"the answer to a push when FCM's is {fault}")
        took = time.monotonic() - began
        assert took < 6, f"the answer to {fault} took {took:.1f} s with push.deadline=3s"
        s.fcm.behave()
        again = shapes.Registration(server.iq(shapes.register(token, device), sender="hecuba@im.localhost/x"))
        eq(again == registration, stays, f"the registration stays after {fault}")
        took = wait_until_delivered(server, again, fault)
        transcript.line(f"{fault}: {answer}, then a push goes through after {took:.1f} s")
        assert took < RECOVERY, f"{took:.1f} s until a push went through after {fault}"
    eq(server.doubled, [], "answered twice")
    assert p2.rss() < 80_000 or s.sanitizer, f"{p2.rss()} KiB after a huge body"


def wait_until_delivered(server, registration, fault, seconds=75):
    """After throttling the first answers may still be wait; it has to end. Gives how long it took."""
    began = time.monotonic()

    def delivered():
        answer = push(server, registration)
        assert answer in ("result", WAIT), f"{answer} while p2 holds back after {fault}"
        return answer == "result"

    until(delivered, f"a push that goes through after {fault}", seconds, 0.25)
    return time.monotonic() - began


@scenario()
def called_gone_twice(s):
    """A phone that FCM calls gone is removed when FCM says so again after fcm.goneAfter, and until then asked to wait"""
    server = s.fake_server()
    p2 = s.p2(server, fcm_goneAfter="3s").up()
    (alive, _, _), (gone, token, _), (back, back_token, _) = s.registered(server, 3)
    s.fcm.misbehave("unregistered", token=token)
    began = time.monotonic()
    answers = [push(server, gone)]
    s.fcm.misbehave("unregistered", token=back_token)
    eq(push(server, back), WAIT, "the answer to a phone that is called gone by mistake")
    s.fcm.behave()
    eq(push(server, back), "result", "a push when the mistake is mended")
    s.fcm.misbehave("unregistered", token=token)
    while answers[-1] == WAIT:
        assert time.monotonic() - began < 30, "it was never removed"
        eq(push(server, alive), "result", "a push to another phone")
        time.sleep(0.2)
        answers.append(push(server, gone))
    assert len(answers) > 2 and time.monotonic() - began >= 3, f"removed too early: {answers}"
    eq(answers[-1], NOT_FOUND, "the answer that ends it")
    s.fcm.misbehave("unregistered", token=back_token)
    eq(push(server, back), WAIT, "a delivery has ended the grace of the phone that is back")
    p2.wait_for_log("a target of FCM seems to be gone, its server is asked to wait: FCM answered 404")


@scenario()
def wrong_project(s):
    """While the key is another project's nobody is removed, after a reload as after a restart, and then all is well"""
    server, fcm = s.fake_server(), s.own_fcm()
    p2 = s.p2(server, fcm).up()
    phones = [registration for registration, _, _ in s.registered(server, 30)]

    def pushed():
        return {push(server, phone) for phone in phones}

    eq(pushed(), {"result"}, "pushes")
    right, wrong = fcm.service_account, os.path.join(s.directory, "another.json")
    fcm.control(new_key=wrong)  # what FCM says of its messages is this scenario's
    for fault in ("sender_mismatch", "unregistered", "invalid_token"):
        for change in ("reload", "restart"):
            fcm.misbehave(fault)
            p2.properties["fcm.serviceAccountFile"] = wrong
            changed(p2, server, change)
            eq([pushed(), pushed()], [{WAIT}, {WAIT}], f"pushes while FCM says {fault} after a {change}")
            fcm.behave()
            p2.properties["fcm.serviceAccountFile"] = right
            changed(p2, server, change)
            eq(pushed(), {"result"}, f"pushes when {fault} is over")


def changed(p2, server, how):
    """The settings have changed, and p2 reads them again."""
    if how == "restart":
        p2.stop()
        p2.up()
        server.wait_for_component()
    else:
        p2.write_config()
        seen = len(p2.process.lines())
        p2.hang_up()
        p2.wait_for_log("read again", since=seen)


@scenario(short=True)
def expired_access_token(s):
    """An access token that Google no longer takes is renewed at once, and the push goes through"""
    server = s.fake_server()
    s.p2(server).up()
    [(registration, token, _)] = s.registered(server)
    eq(push(server, registration), "result", "a push")
    s.fcm.control(expire_tokens=True)
    eq(push(server, registration), "result", "a push after the access token expired")
    eq([r["status"] for r in s.fcm.requests(token=token)], [200, 401, 200], "FCM's answers")
    eq(len(s.fcm.requests("token")), 2, "access tokens fetched")


@scenario(sanitized=False)
def each_fault_of_oauth(s):
    """While no access token can be had the answer is wait and the log says why; then it recovers"""
    refusals = ("invalid_signature", "bad_timeframe", "account_not_found")  # tried again rarely, or on reload
    words = {"invalid_signature": ("key",), "bad_timeframe": ("clock",), "account_not_found": ("account",),
             "500": ("500",), "html502": ("502",), "no_access_token": ("token",), "close": (), "hang": ()}
    for fault, expected in words.items():
        server = s.fake_server()
        p2 = s.p2(server, push_deadline="3s", fcm_timeout="2s")
        s.fcm.misbehave(fault, endpoint="token")
        p2.start()
        server.wait_for_component()
        [(registration, _, _)] = s.registered(server)
        eq(push(server, registration), WAIT, f"the answer to a push while the token endpoint says {fault}")
        p2.wait_for_log(*expected, seconds=5)
        s.fcm.behave()
        if fault in refusals:
            asked = len(s.fcm.requests("token"))
            eq([push(server, registration) for _ in range(5)], [WAIT] * 5, f"right after {fault}")
            eq(len(s.fcm.requests("token")), asked, f"requests to the token endpoint that has said {fault}")
            p2.hang_up()
        took = wait_until_delivered(server, registration, fault)
        transcript.line(f"{fault}: a push goes through after {took:.1f} s")
        eq(p2.stop(), 0, "exit status")
        server.close()


@scenario()
def certificates(s):
    """A certificate that is expired, of another name or of an unknown authority stops pushes, with a reason in the log"""
    for listener in ("expired", "wrong_name", "untrusted"):
        server = s.fake_server()
        s.fcm.control(forget=True)
        port = s.fcm.info["ports"][listener]
        p2 = s.p2(server, push_deadline="3s", fcm_timeout="2s", fcm_endpoint=f"https://localhost:{port}")
        p2.start()
        server.wait_for_component()
        [(registration, _, _)] = s.registered(server)
        eq(push(server, registration), WAIT, f"the answer to a push with the certificate {listener}")
        p2.wait_for_log("certificate", seconds=5)
        eq(s.fcm.requests("send"), [], f"requests over the connection with the certificate {listener}")
        eq(p2.stop(), 0, "exit status")
        server.close()


@scenario(*BOTH, short=True)
def killed_after_the_answer(s):
    """A registration that was answered is there after kill -9"""
    for round in range(5):
        p2 = s.p2().up()
        peer, token = s.component(), s.token()
        made = {}
        for i in range(20):
            device = f"device {round} {i}"
            made[device] = shapes.Registration(
                peer.iq(s.server.p2_jid, shapes.register(token, device), sender="juliet"))
        p2.kill()
        p2.start().wait_ready()
        for device, registration in made.items():
            eq(shapes.Registration(peer.iq(s.server.p2_jid, shapes.register(token, device), sender="juliet")),
               registration, f"the registration of {device} after kill -9")
        eq(verdict(peer.iq(s.server.p2_jid, shapes.publish(registration.node, registration.secret))), "result",
           "a push after kill -9")
        eq(p2.stop(), 0, "exit status")
        peer.close()


@scenario(short=True)
def stop_drains(s):
    """SIGTERM lets the pushes under way end, answers them all, and exits with 0"""
    server = s.fake_server()
    p2 = s.p2(server).up()
    made = s.registered(server, 50)
    s.fcm.control(latency=700)
    answered = server.answered
    requests = [server.request(shapes.publish(r.node, r.secret)) for r, _, _ in made]
    server.take_answers()
    server.send("".join(text for _, text in requests).encode())
    s.fcm.requests(at_least=1, wait=10)
    eq(p2.stop(), 0, "exit status")
    server.wait_for_answers(answered + 50, 5)
    answers = server.take_answers()
    kinds = {verdict(answers[id]) for id, _ in requests}
    assert kinds <= {"result", WAIT} and "result" in kinds, f"answers at the stop: {kinds}"
    eq(server.doubled, [], "answered twice")


@scenario(short=True)
def stream_is_cut(s):
    """When the stream is cut p2 comes back by itself, and no answer is sent into the new stream twice"""
    server = s.fake_server()
    s.p2(server).up()
    [(registration, _, _)] = s.registered(server)
    for _ in range(3):
        connections = server.connections
        server.drop()
        server.wait_for_connections(connections + 1)
        server.wait_for_component()
        eq(push(server, registration), "result", "a push over the new stream")
    eq(server.doubled, [], "answered twice")


@scenario()
def deaf_service_manager(s):
    """A service manager that no longer reads what p2 reports holds nothing up"""
    server = s.fake_server()
    p2 = s.p2(server)
    p2.deaf_manager = True
    p2.up()
    for _ in range(8):  # a datagram socket takes some ten messages
        seen = len(p2.process.lines())
        p2.hang_up()
        p2.wait_for_log("read again", since=seen)
    server.drop()
    server.wait_for_connections(2)
    [(registration, _, _)] = s.registered(server)
    eq(push(server, registration), "result", "a push")
    eq(p2.stop(), 0, "exit status")
