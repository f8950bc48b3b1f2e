"""What generic clients and servers ask of a component: discovery, ping, version, the ad-hoc dialogue; more ways to connect."""

import re

from p2test import shapes
from p2test.shapes import verdict

from stage import BOTH, eq, scenario

COMMANDS = "http://jabber.org/protocol/commands"
FORM = "jabber:x:data"


def text_of(element, path):
    found = element.find(path)
    assert found is not None, f"{path} is not in the answer"
    return found.text or ""


def command(node, content="", **attributes):
    more = "".join(f" {name}='{value}'" for name, value in attributes.items())
    return f"<command xmlns='{COMMANDS}' node='{node}'{more}>{content}</command>"


def filled(**fields):
    values = "".join(f"<field var='{name}'><value>{value}</value></field>" for name, value in fields.items())
    return f"<x xmlns='{FORM}' type='submit'>{values}</x>"


@scenario(*BOTH)
def discovery(s):
    """A client discovers a push service with two commands, pings it, and asks for its version and time"""
    s.p2().up()
    romeo = s.phone("romeo")
    p2 = s.server.p2_jid
    disco = "{http://jabber.org/protocol/disco#info}"
    info = romeo.iq(p2, "<query xmlns='http://jabber.org/protocol/disco#info'/>", kind="get")
    identity = info.find(f".//{disco}identity")
    eq((identity.get("category"), identity.get("type")), ("pubsub", "push"), "the identity")
    features = {feature.get("var") for feature in info.iter(f"{disco}feature")}
    assert {"urn:xmpp:push:0", COMMANDS, "urn:xmpp:ping"} <= features, features
    items = romeo.iq(p2, f"<query xmlns='http://jabber.org/protocol/disco#items' node='{COMMANDS}'/>", kind="get")
    eq([item.get("node") for item in items.iter("{http://jabber.org/protocol/disco#items}item")],
       ["register-push-fcm", "unregister-push-fcm"], "the commands")
    eq(verdict(romeo.iq(p2, "<query xmlns='http://jabber.org/protocol/disco#info' node='nothing'/>", kind="get")),
       "cancel/item-not-found", "a node that is not there")
    eq(verdict(romeo.iq(p2, "<ping xmlns='urn:xmpp:ping'/>", kind="get")), "result", "a ping")
    version = romeo.iq(p2, "<query xmlns='jabber:iq:version'/>", kind="get")
    eq(text_of(version, ".//{jabber:iq:version}name"), "p2", "the software")
    time = romeo.iq(p2, "<time xmlns='urn:xmpp:time'/>", kind="get")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", text_of(time, ".//{urn:xmpp:time}utc"))
    eq(verdict(romeo.iq(p2, "<query xmlns='jabber:iq:last'/>", kind="get")), "cancel/service-unavailable",
       "something that p2 does not know")


@scenario(*BOTH)
def registering_by_hand(s):
    """A person registers and withdraws step by step, with labels to read, and can give up on the way"""
    s.p2().up()
    romeo, juliet = s.phone("romeo"), s.phone("juliet")
    p2, register = s.server.p2_jid, "register-push-fcm"
    form = romeo.iq(p2, command(register, action="execute")).find(f"{{{COMMANDS}}}command")
    eq(form.get("status"), "executing", "the first step")
    session = form.get("sessionid")
    fields = {field.get("var"): field.get("label") for field in form.iter(f"{{{FORM}}}field")}
    assert fields["token"] and fields["device-id"], fields
    assert text_of(form, f".//{{{FORM}}}instructions")
    complete = dict(action="complete", sessionid=session)
    token = s.token()
    eq(verdict(juliet.iq(p2, command(register, filled(**{"token": token, "device-id": "d"}), **complete))),
       "modify/bad-request", "another client's session")
    eq(verdict(romeo.iq(p2, command(register, filled(**{"device-id": "d"}), **complete))), "modify/bad-request",
       "a form without a token")
    done = romeo.iq(p2, command(register, filled(**{"token": token, "device-id": "d"}), **complete))
    registration = shapes.Registration(done)
    eq(done.find(f"{{{COMMANDS}}}command").get("sessionid"), session, "the session of the answer")
    romeo.enable(registration)
    romeo.away()
    juliet.say(romeo.jid, "Wherefore art thou Romeo?")
    s.fcm.wait_for_push(token)
    canceled = juliet.iq(p2, command(register, action="execute")).find(f"{{{COMMANDS}}}command")
    canceled = juliet.iq(p2, command(register, action="cancel", sessionid=canceled.get("sessionid")))
    eq(canceled.find(f"{{{COMMANDS}}}command").get("status"), "canceled", "giving up")


@scenario("ejabberd")
def two_streams(s):
    """With xmpp.connections = 2 ejabberd balances between two streams, and every push over either is answered"""
    p2 = s.p2(xmpp_connections=2).up()
    eq(s.server.evaluate('length(ejabberd_router:get_all_routes())') != "0", True, "ejabberd has routes")
    peer = s.component()
    token, device = s.token(), "d"
    registration = shapes.Registration(peer.iq(s.server.p2_jid, shapes.register(token, device),
                                               sender=f"mercutio@{s.server.peer_jid}/x"))
    for _ in range(40):
        eq(verdict(peer.iq(s.server.p2_jid, shapes.publish(registration.node, registration.secret))), "result", "a push")
    eq("".join(p2.log()).count("connected to the XMPP server"), 2, "streams")


@scenario("ejabberd")
def component_over_tls(s):
    """Over direct TLS p2 registers and pushes as ever; a server whose certificate is not trusted is refused in words"""
    tls = dict(xmpp_host="localhost", xmpp_port=s.server.component_tls, xmpp_tls="direct")
    s.p2(xmpp_caFile=s.server.ca_file, **tls).up()
    romeo, juliet = s.phone("romeo"), s.phone("juliet")
    token = s.token()
    registration = romeo.register(token, "d")
    romeo.enable(registration)
    romeo.away()
    juliet.say(romeo.jid, "O Romeo")
    s.fcm.wait_for_push(token)
    eq(s.daemon.stop(), 0, "exit status")
    stranger = s.p2(xmpp_caFile=s.fcm.ca_file, **tls)
    stranger.start()
    stranger.wait_for_log("certificate", seconds=20)
    stranger.wait_for_log("xmpp.caFile", seconds=5)
