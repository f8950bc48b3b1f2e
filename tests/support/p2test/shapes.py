"""The stanzas that phones and servers send, and how their answers are read (modules/README.md, the wire)."""

import hashlib
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

COMMANDS = "http://jabber.org/protocol/commands"
DATA = "jabber:x:data"
PUBSUB = "http://jabber.org/protocol/pubsub"
PUBLISH_OPTIONS = "http://jabber.org/protocol/pubsub#publish-options"
PUSH = "urn:xmpp:push:0"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"

NOT_FOUND = "cancel/item-not-found"
WAIT = "wait/internal-server-error"
MALFORMED = "modify/bad-request"


def device_hash(bare_jid, device):
    """What the phone looks for in `data.account` (with a room for bare_jid: in `data.channel`)."""
    return hashlib.sha1(f"{bare_jid}\0{device}".encode()).hexdigest()


def form(fields):
    inside = "".join(f"<field var={quoteattr(k)}><value>{escape(v)}</value></field>" for k, v in fields.items())
    return f"<x xmlns='{DATA}' type='submit'>{inside}</x>"


def register(token, device, action="complete", device_field="device-id", muc=None, node="register-push-fcm"):
    """The command as Conversations sends it. `action` None: no attribute."""
    fields = {"token": token, device_field: device}
    if muc:
        fields["muc"] = muc
    attribute = f" action='{action}'" if action else ""
    return f"<command xmlns='{COMMANDS}' node='{node}'{attribute}>{form(fields)}</command>"


def unregister(device, device_field="device-id", action="complete", **more):
    attribute = f" action='{action}'" if action else ""
    return (f"<command xmlns='{COMMANDS}' node='unregister-push-fcm'{attribute}>"
            f"{form({device_field: device, **more})}</command>")


def enable(jid, node, secret):
    return (f"<enable xmlns='{PUSH}' jid={quoteattr(jid)} node={quoteattr(node)}><x xmlns='{DATA}' type='submit'>"
            f"<field var='FORM_TYPE'><value>{PUBLISH_OPTIONS}</value></field>"
            f"<field var='secret'><value>{escape(secret)}</value></field></x></enable>")


def disable(jid, node):
    return f"<disable xmlns='{PUSH}' jid={quoteattr(jid)} node={quoteattr(node)}/>"


#: What the five servers put into <notification/>.
NOTIFICATIONS = {
    "empty": "",
    "ejabberd": f"<x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>"
                "<field var='last-message-body'><value>Wherefore art thou</value></field></x>",
    "prosody": f"<x xmlns='{DATA}' type='form'><field type='hidden' var='FORM_TYPE'>"
               "<value>urn:xmpp:push:summary</value></field><field type='text-single' var='message-count'>"
               "<value>1</value></field><field type='text-single' var='pending-subscription-count'/>"
               "<field type='jid-single' var='last-message-sender'/><field type='text-single' "
               "var='last-message-body'><value>New Message!</value></field></x>",
    "mongooseim": f"<x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:push:summary</value>"
                  "</field><field var='last-message-sender'><value>juliet@capulet.example</value></field>"
                  "<field var='message-count'><value>1</value></field><field var='last-message-body'>"
                  "<value>Wherefore art thou</value></field></x>",
    "tigase": f"<x xmlns='{DATA}'><field var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>"
              "<field var='message-count'><value>1</value></field><field var='last-message-sender'>"
              "<value>juliet@capulet.example</value></field></x><priority xmlns='tigase:push:priority:0'>high"
              "</priority>",
    "openfire": f"<x xmlns='{DATA}' type='form'><field var='FORM_TYPE' type='hidden'>"
                "<value>urn:xmpp:push:summary</value></field><field var='message-count'/></x>",
}


def publish(node, secret, notification=""):
    options = "" if secret is None else (
        f"<publish-options><x xmlns='{DATA}' type='submit'><field var='FORM_TYPE'><value>{PUBLISH_OPTIONS}</value>"
        f"</field><field var='secret'><value>{escape(secret)}</value></field></x></publish-options>")
    return (f"<pubsub xmlns='{PUBSUB}'><publish node={quoteattr(node)}><item><notification xmlns='{PUSH}'>"
            f"{notification}</notification></item></publish>{options}</pubsub>")


# ---------------------------------------------------------------------------------------------------- reading answers


def verdict(answer):
    """"result", or the error as "type/condition"."""
    if answer.get("type") == "result":
        return "result"
    for error in answer:
        if local(error) == "error":
            for child in error:
                if child.tag.startswith("{" + STANZAS + "}") and local(child) != "text":
                    return f"{error.get('type')}/{local(child)}"
    return f"{answer.get('type')} without a condition"


def local(element):
    return element.tag.rpartition("}")[2]


#: Every registration that was answered in this scenario: none of the secrets may show up in a log.
seen = []


class Registration:
    """The answer to a registration, checked for what every version of the client needs."""

    def __init__(self, answer):
        commands = [child for child in answer if child.tag == f"{{{COMMANDS}}}command"]
        assert verdict(answer) == "result", f"registration refused with {verdict(answer)}"
        assert len(commands) == 1, "exactly one <command/> is expected"
        command = commands[0]
        assert command.get("status") == "completed", f"status is {command.get('status')}"
        assert command.get("sessionid"), "the command has no sessionid"
        forms = [child for child in command if child.tag == f"{{{DATA}}}x"]
        assert len(forms) == 1, "exactly one form is expected"
        assert forms[0].get("type") == "result", f"the form's type is {forms[0].get('type')}"
        fields = {field.get("var"): field for field in forms[0] if local(field) == "field"}
        assert {"jid", "node", "secret"} <= set(fields), f"fields are {sorted(fields)}"
        kinds = {name: fields[name].get("type") for name in ("jid", "node", "secret")}
        assert kinds == {"jid": "jid-single", "node": "text-single", "secret": "text-single"}, kinds
        self.command = command
        self.jid, self.node, self.secret = (fields[n][0].text for n in ("jid", "node", "secret"))
        assert len(self.node) == 12 and len(self.secret) == 24, "node is 12 characters long and secret 24"
        seen.append(self)

    def __eq__(self, other):
        return (self.jid, self.node, self.secret) == (other.jid, other.node, other.secret)

    def __repr__(self):
        return f"({self.jid}, {self.node}, {self.secret})"


def without_id(answer):
    """An answer's text without its id: to compare two that must not be told apart."""
    copy = ElementTree.fromstring(ElementTree.tostring(answer))
    copy.attrib.pop("id", None)
    return ElementTree.tostring(copy).decode()
