"""The whole way: a phone's request, a real XMPP server, FCM."""

from p2test import shapes
from p2test.shapes import MALFORMED, NOT_FOUND, WAIT, device_hash, verdict

from stage import BOTH, eq, scenario, until


def message_for(registration_jid, device, token):
    """The JSON that FCM must get."""
    account = device_hash(registration_jid, device)
    return {"message": {"token": token, "data": {"account": account},
                        "android": {"priority": "HIGH", "collapse_key": account[:6]}}}


@scenario(*BOTH, short=True)
def message_to_an_absent_user(s):
    """A message to a user who is away reaches FCM as one small data message"""
    s.p2().up()
    token, device = s.token(), "92afd7a91cdba9a0"
    romeo, juliet = s.phone("romeo"), s.phone("juliet")

    registration = romeo.register(token, device, action="complete")
    eq(registration.jid, s.server.p2_jid, "the JID to enable")
    romeo.enable(registration)
    eq(s.server.push_registrations(romeo.user), [(s.server.p2_jid, registration.node)], "what the server stored")
    romeo.away()
    juliet.say(romeo.jid, "O Romeo, Romeo, wherefore art thou Romeo?")

    push = s.fcm.wait_for_push(token)
    eq(push["json"], message_for(romeo.jid, device, token), "FCM's request")
    eq((push["authorized"], push["problem"], push["status"]), (True, None, 200), "authorization, shape, status")
    assert "Romeo" not in str(push), "the message's text never leaves the server"
    eq(s.fcm.requests("token")[0]["problem"], None, "the JWT")
    eq(s.server.push_registrations(romeo.user), [(s.server.p2_jid, registration.node)], "still registered")


@scenario(*BOTH)
def every_form_of_the_request(s):
    """Old and new clients' requests for one device all answer the same node and secret"""
    s.p2().up()
    romeo, token, device = s.phone("romeo"), s.token(), "device of romeo"
    first = romeo.register(token, device, action="execute", device_field="android-id")
    for request in (dict(action="complete"), dict(action=None), dict(action="complete", device_field="android-id"),
                    dict(action=None, device_field="android-id"), dict(node="register-push-gcm", action="execute")):
        eq(romeo.register(token, device, **request), first, f"the registration with {request}")
    both = shapes.register(token, device).replace(
        "</x>", "<field var='android-id'><value>another</value></field></x>")
    eq(shapes.Registration(romeo.iq(s.server.p2_jid, both)), first, "device-id wins over android-id")

    other = romeo.register(s.token(), "another device")
    assert other.node != first.node and other.secret != first.secret, "another device is another registration"
    juliet = s.phone("juliet")
    theirs = juliet.register(token, device)
    assert theirs.node != first.node, "another account is another registration"


@scenario(*BOTH)
def renewed_token(s):
    """A renewed FCM token keeps node and secret, and the next push goes to the new token"""
    s.p2().up()
    romeo, juliet, device = s.phone("romeo"), s.phone("juliet"), "device"
    old, new = s.token(), s.token(900)
    registration = romeo.register(old, device)
    romeo.enable(registration)
    eq(romeo.register(new, device), registration, "the registration with the new token")
    romeo.away()
    juliet.say(romeo.jid, "hello")
    s.fcm.wait_for_push(new)
    eq(s.fcm.requests(token=old), [], "pushes to the old token")


@scenario(*BOTH)
def token_gone(s):
    """A token that FCM calls unregistered ends the registration, here and on the server"""
    s.p2(fcm_goneAfter="0").up()
    romeo, juliet, token = s.phone("romeo"), s.phone("juliet"), s.token()
    registration = romeo.register(token, "device")
    romeo.enable(registration)
    s.fcm.misbehave("unregistered", token=token)
    romeo.away()
    peer = s.component()
    juliet.say(romeo.jid, "one")
    s.fcm.wait_for_push(token)
    romeo.online()
    # Both servers deliver what p2 answered before a later answer: the next registration's answer is behind it.
    again = romeo.register(s.token(), "device")
    assert again.node != registration.node, "after its removal the device gets a new node"
    eq(verdict(peer.iq(s.server.p2_jid, shapes.publish(registration.node, registration.secret))), NOT_FOUND,
       "a push to the removed node")
    if s.server.name == "ejabberd":
        eq(s.server.push_registrations(romeo.user), [], "ejabberd's registrations after item-not-found")
    eq(len(s.fcm.requests(token=token)), 1, "requests for the token that is gone")


@scenario(*BOTH, sanitized=False)
def fcm_is_down(s):
    """While FCM answers 503 the server is told to wait, and keeps its user"""
    s.p2(push_deadline="3s").up()
    romeo, juliet, token = s.phone("romeo"), s.phone("juliet"), s.token()
    registration = romeo.register(token, "device")
    romeo.enable(registration)
    peer = s.component()
    hers = shapes.Registration(peer.iq(s.server.p2_jid, shapes.register(s.token(), "x"), sender="juliet"))
    s.fcm.misbehave("503")
    romeo.away()
    juliet.say(romeo.jid, "one")
    s.fcm.wait_for_push(token)
    # A push that began later is answered later: when its answer is here, the server has romeo's.
    eq(verdict(peer.iq(s.server.p2_jid, shapes.publish(hers.node, hers.secret))), WAIT, "another's push")
    if s.server.name == "prosody":
        s.server.process.wait_for_line(lambda line: "NOT increasing error count" in line, 20)
    romeo.online()
    eq(romeo.register(token, "device"), registration, "the registration after the fault")
    eq(s.server.push_registrations(romeo.user), [(s.server.p2_jid, registration.node)], "the server's registrations")
    s.fcm.behave()
    romeo.away()

    def delivered():  # the first pushes may still be held back
        juliet.say(romeo.jid, "two")
        return any(request["status"] == 200 for request in s.fcm.requests(token=token))

    until(delivered, "a push that goes through when FCM is well again", pause=0.5)
    eq(s.server.push_registrations(romeo.user), [(s.server.p2_jid, registration.node)], "the server's registrations")


@scenario("prosody", "ejabberd")
def remote_domain(s):
    """A user of a remote domain registers, and her server's empty notification is a push like any other"""
    s.p2().up()
    peer, token = s.component(), s.token()
    answer = peer.iq(s.server.p2_jid, shapes.register(token, "her device"), sender="juliet@peer.localhost/balcony")
    registration = shapes.Registration(answer)
    eq(verdict(peer.iq(s.server.p2_jid, shapes.publish(registration.node, registration.secret))), "result",
       "the answer to the push")
    eq(s.fcm.wait_for_push(token)["json"], message_for("juliet@peer.localhost", "her device", token), "FCM's request")
    answer = peer.iq(s.server.p2_jid, shapes.publish(registration.node, registration.secret), sender="juliet")
    eq(verdict(answer), "result", "the answer to a push from user@domain, as Prosody of 2017 sent it")


@scenario("prosody", "ejabberd")
def not_for_strangers(s):
    """Unknown node, wrong secret and wrong domain get the same item-not-found, and no push"""
    s.p2().up()
    romeo, token, peer = s.phone("romeo"), s.token(), s.component()
    registration = romeo.register(token, "device")
    answer = peer.iq(s.server.p2_jid, shapes.register(s.token(), "device"), sender="juliet@peer.localhost/x")
    hers = shapes.Registration(answer)
    answers = [peer.iq(s.server.p2_jid, shapes.publish(node, secret)) for node, secret in (
        ("AAAAAAAAAAAA", hers.secret), (hers.node, registration.secret), (hers.node, None),
        (registration.node, registration.secret))]
    eq([verdict(a) for a in answers[:2] + answers[3:]], [NOT_FOUND] * 3, "unknown node, wrong secret, wrong domain")
    eq(len({shapes.without_id(a) for a in answers[:2] + answers[3:]}), 1, "different answers")
    eq(s.fcm.requests(), [], "pushes")


@scenario("prosody", "ejabberd", short=True)
def unregister(s):
    """Leaving a channel keeps the account's registration; unregistering ends it"""
    s.p2().up()
    peer, token, room = s.component(), s.token(), "garden@muc.localhost"
    jid, device, p2 = "juliet@peer.localhost/x", "device", s.server.p2_jid
    account = shapes.Registration(peer.iq(p2, shapes.register(token, device), sender=jid))
    channel = shapes.Registration(peer.iq(p2, shapes.register(token, device, muc=room), sender=jid))
    assert account.node != channel.node, "the channel's registration is one of its own"
    eq(verdict(peer.iq(p2, shapes.publish(channel.node, channel.secret))), "result", "a push for the channel")
    eq(s.fcm.wait_for_push(token)["json"]["message"]["data"],
       {"account": device_hash("juliet@peer.localhost", device), "channel": device_hash(room, device)}, "its data")

    gone = peer.iq(p2, shapes.unregister(device, muc=room), sender=jid)
    eq((verdict(gone), gone[0].get("status")), ("result", "completed"), "the answer to leaving the channel")
    eq(verdict(peer.iq(p2, shapes.publish(channel.node, channel.secret))), NOT_FOUND, "a push for the channel")
    eq(verdict(peer.iq(p2, shapes.publish(account.node, account.secret))), "result", "a push for the account")
    gone = peer.iq(p2, shapes.unregister(device), sender=jid)
    eq((verdict(gone), gone[0].get("status")), ("result", "completed"), "the answer to unregistering")
    eq(verdict(peer.iq(p2, shapes.publish(account.node, account.secret))), NOT_FOUND, "a push for the account")
    eq(verdict(peer.iq(p2, shapes.unregister(device), sender=jid)), NOT_FOUND, "unregistering once more")


@scenario(*BOTH, short=True)
def server_restarts(s):
    """After a restart of the server p2 is back by itself, and pushes go on"""
    s.p2().up()
    romeo, juliet, token = s.phone("romeo"), s.phone("juliet"), s.token()
    registration = romeo.register(token, "device")
    romeo.enable(registration)
    romeo.away()
    juliet.away()
    p2 = s.daemon
    seen = len(p2.process.lines())
    s.server.restart()
    p2.wait_for_log("connected", seconds=60, since=seen)
    juliet.online()
    juliet.say(romeo.jid, "are you there?")
    s.fcm.wait_for_push(token)


@scenario(short=True)
def legacy_api(s):
    """With fcm.authKey alone, p2 speaks FCM's legacy API"""
    server = s.fake_server()
    s.p2(server, fcm_serviceAccountFile=None, fcm_authKey=s.fcm.auth_key, fcm_goneAfter="0").up()
    [(registration, token, device)] = s.registered(server)
    account = device_hash("hecuba@im.localhost", device)

    def push():
        return verdict(server.iq(shapes.publish(registration.node, registration.secret)))

    eq(push(), "result", "a push")
    request = s.fcm.wait_for_push(token, endpoint="legacy")
    eq((request["authorized"], request["problem"]), (True, None), "authorization and shape")
    eq(request["json"], {"to": token, "priority": "high", "collapse_key": account[:6], "data": {"account": account}},
       "FCM's request")
    replacement = s.token()
    s.fcm.misbehave("canonical", token=token, endpoint="legacy", replacement=replacement)
    eq(push(), "result", "a push that is answered with the token's replacement")
    # The replacement is stored beside the answer: a push right behind it may still go to the old token.
    until(lambda: push() == "result" and s.fcm.requests("legacy", token=replacement), "a push to the replacement")
    s.fcm.behave()
    s.fcm.misbehave("not_registered", token=replacement, endpoint="legacy")
    before = len(s.fcm.requests("legacy"))
    eq([push(), push()], [NOT_FOUND] * 2, "pushes to a token that is not registered")
    eq(len(s.fcm.requests("legacy")) - before, 1, "requests for a token that is not registered")


@scenario(short=True)
def shapes_of_all_servers(s):
    """Every server's form of notification, the empty one as well, is a push with the same payload"""
    server = s.fake_server()
    s.p2(server).up()
    for name, notification in shapes.NOTIFICATIONS.items():
        [(registration, token, device)] = s.registered(server)
        for sender in ("im.localhost", "hecuba@im.localhost"):
            answer = server.iq(shapes.publish(registration.node, registration.secret, notification), sender=sender)
            eq(verdict(answer), "result", f"{name}'s push from {sender}")
            eq((answer.get("from"), answer.get("to")), (server.jid, sender), "the answer's from and to")
        eq(s.fcm.wait_for_push(token)["json"], message_for("hecuba@im.localhost", device, token), f"for {name}")


@scenario()
def malformed_requests(s):
    """Malformed and unknown requests get their error, answers that nobody asked for get none"""
    server = s.fake_server()
    s.p2(server).up()
    [(registration, _, _)] = s.registered(server)
    good = shapes.publish(registration.node, registration.secret)
    no_node = good.replace(f' node="{registration.node}"', "")
    no_secret = shapes.publish(registration.node, None)
    eq(verdict(server.iq(no_node)), MALFORMED, "a publish without a node")
    eq(verdict(server.iq(no_secret)), MALFORMED, "a publish without a secret")
    eq(verdict(server.iq("<pubsub xmlns='http://jabber.org/protocol/pubsub'/>")), MALFORMED, "pubsub, no publish")
    eq(verdict(server.iq("<query xmlns='urn:example:unknown'/>", kind="get")), "cancel/service-unavailable",
       "an unknown get")
    eq(verdict(server.iq("<query xmlns='urn:example:unknown'/>")), "cancel/service-unavailable", "an unknown set")
    answered = server.answered
    for kind in ("result", "error"):
        server.send(server.request("<query xmlns='urn:example:unknown'/>", kind=kind)[1].encode())
    server.send(f"<presence from='a@im.localhost' to='{server.jid}'/><message from='a@im.localhost' "
                f"to='{server.jid}' type='chat'><body>hello</body></message>".encode())
    eq(verdict(server.iq(good)), "result", "an honest push after all that")
    eq(server.answered - answered, 1, "answers to results, errors, presence and messages, and one push")
    eq([e for e in server.others if e.tag.endswith(("}message", "}presence"))], [], "messages and presence from p2")


@scenario(short=True)
def identical_pushes(s):
    """Many pushes for one node at once are answered one by one, with few requests to FCM"""
    server = s.fake_server()
    s.p2(server, push_spacing=None).up()  # a second, by default
    [(registration, token, _)] = s.registered(server)
    requests = [server.request(shapes.publish(registration.node, registration.secret)) for _ in range(200)]
    server.take_answers()
    answered = server.answered
    server.send("".join(text for _, text in requests).encode())
    server.wait_for_answers(answered + 200)
    answers = server.take_answers()
    eq({verdict(answers[id]) for id, _ in requests}, {"result"}, "the answers")
    count = len(s.fcm.requests(token=token))
    assert 1 <= count <= 3, f"{count} requests to FCM for 200 identical pushes"


@scenario()
def spaced_pushes(s):
    """After a message for a phone, the pushes that follow within push.spacing are answered together and are one message"""
    server = s.fake_server()
    s.p2(server, push_spacing="2s").up()
    [(registration, token, _)] = s.registered(server)
    publish = shapes.publish(registration.node, registration.secret)
    eq(verdict(server.iq(publish)), "result", "the first push")
    eq(len(s.fcm.requests(token=token)), 1, "requests to FCM")
    ids = []
    for _ in range(10):
        id, text = server.request(publish)
        server.send(text.encode())
        ids.append(id)
    eq({verdict(server.answer(id)) for id in ids}, {"result"}, "the answers to those that follow")
    eq(len(s.fcm.requests(token=token)), 2, "requests to FCM")
