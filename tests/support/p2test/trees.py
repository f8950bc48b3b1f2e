"""Stanzas drawn at random: trees of elements on and around every limit of p2, with something harmful in any place.

Each knows the answer that it must get, by counting on the tree. The same seed gives the same stanzas.
"""

import random

from . import shapes

#: What StanzaReader::Limits hold beside the bytes, which are a setting.
DEPTH, ATTRIBUTES, ELEMENTS = 32, 64, 1024
#: The stanza's own fault: no parser takes it.
BROKEN = (
    "<x:a/>", "<a x:b='1'/>", "<a b='1' b='2'/>", "<a xmlns:x='u' xmlns:x='v'/>", "<a xmlns:x='u' xmlns:y='u' x:b='' y:b=''/>",
    "<a xmlns:x=''/>", "<a xmlns:xml='u'/>", "<a></b>", "<a><b></a></b>", "<a b=1/>", "<a b/>", "<a b='1'c='2'/>", "<a b='<'/>",
    "<a<b/>", "<a'b/>", "<1/>", "< a/>", "<:a/>", "]]>", "&", "&#0;", "&#xD800;", "&amp", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xef\xbf\xbf", b"\x01", b"\0", b"<![CDATA[\xff]]>", b"<a b='\x1b'/>", b"<a\xfe/>")
#: What RFC 6120 §11.1 forbids ends the stream; an entity only in a stanza that is read.
FORBIDDEN = ("<!-- x -->", "<?x y?>", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "<!DOCTYPE a SYSTEM 'file:///etc/passwd'>")
TEXTS = ("x", " ", "\n", "&lt;", "&#x20AC;", "\u20ac\U0001f4a9", "]] ", "'\">", "/>", "<![CDATA[</iq><!-- &]]>",
         "<![CDATA[]]]]><![CDATA[>]]>")
ATTRIBUTE_TEXTS = ("", "1", "&lt;", "\">/>", "\u20ac", "a=b ", "&lt;!--")


class Node:
    """An element as it is written. `content`: text as str or bytes, and Nodes."""

    def __init__(self, name, *content, ns=None, **attributes):
        self.name = name
        self.attributes = [f"{name.rstrip('_')}='{value}'" for name, value in attributes.items()]
        if ns is not None:
            self.attributes.append(f"xmlns='{ns}'")
        self.content = list(content)
        self.space = b""  # in its tag
        self.end_space = b""

    def nodes(self, depth=1):
        """(Node, depth) of all, itself first."""
        yield self, depth
        for part in self.content:
            if isinstance(part, Node):
                yield from part.nodes(depth + 1)

    def start_tag(self):
        return "".join(["<", self.name, *(" " + attribute for attribute in self.attributes)]).encode() + self.space

    def text(self):
        head = self.start_tag()
        if not self.content and not self.end_space:
            return head + b"/>"
        inside = b"".join(part.text() if isinstance(part, Node) else part if isinstance(part, bytes) else part.encode()
                          for part in self.content)
        return head + b">" + inside + b"</" + self.name.encode() + self.end_space + b">"


class Stanza:
    """`answer`: as shapes.verdict() gives it, or None for none; `ends`: it ends the stream with restricted-xml."""

    def __init__(self, id, text, answer, ends, what):
        self.id, self.text, self.answer, self.ends, self.what = id, text, answer, ends, what


class Trees:
    """`victim`: somebody's shapes.Registration, for pushes that are right; `size`: xmpp.maxStanzaSize."""

    def __init__(self, seed, victim, size):
        self._random = random.Random(seed)
        self._victim, self._size = victim, size

    def stanza(self, id, enders=True):
        """The next one. `enders`: it may be one that ends the stream."""
        draw = self._random
        node, place, answer, what = self._request(id)
        for _ in range(draw.choice((0, 0, 1, 3, 8))):
            self._place(place).content.append(draw.choice((self._junk, lambda: draw.choice(TEXTS)))())
        over = draw.choice((None, self._deepen, self._multiply, self._attribute, self._fill))
        if over:
            what += ", " + over(node, place)
        harm = draw.choices(("", "broken", "entity", "forbidden"), (757, 240, 2, 1) if enders else (760, 240, 0, 0))[0]
        if harm:
            what += ", " + self._harm(place, harm)
        text = node.text()
        fits = self._fits(node, text)
        ends = harm == "forbidden" or (harm == "entity" and fits)
        if (harm or not fits) and answer is not None:
            answer = shapes.WAIT
        return Stanza(id, text, answer, ends, what + (", ends the stream" if ends else ""))

    def pieces(self, data):
        """Cuts bytes anywhere."""
        at = 0
        while at < len(data):
            size = self._random.choice((1, 2, 3, 100, 1000, 5000, 32768, 100_000))
            yield data[at:at + size]
            at += size

    # ---- what is asked

    def _request(self, id):
        """(the stanza, the element that takes more content, the answer to it, what it is)"""
        draw = self._random
        kind = draw.choice(("push", "push", "wrong push", "ping", "unknown", "message", "reply", "elsewhere"))
        sender = "im.localhost" if "push" in kind else "mallory@evil.localhost/x"
        more = {"type": "set", "id": id, "from_": sender, "to": "push.im.localhost"}
        if kind in ("push", "wrong push"):
            secret = self._victim.secret if kind == "push" else "wrong"
            place = Node("notification", ns=shapes.PUSH)
            field = Node("field", Node("value", secret), var="secret")
            options = Node("publish-options", Node("x", field, ns=shapes.DATA, type="submit"))
            publish = Node("publish", Node("item", place), node=self._victim.node)
            answer = "result" if kind == "push" else shapes.NOT_FOUND
            return Node("iq", Node("pubsub", publish, options, ns=shapes.PUBSUB), **more), place, answer, kind
        place = Node("ping", ns="urn:xmpp:ping") if kind == "ping" else self._junk(ns="urn:x")
        answer = {"ping": "result", "unknown": "cancel/service-unavailable"}.get(kind)
        more["type"] = {"ping": "get", "reply": "result", "message": "chat"}.get(kind, "set")
        if kind == "elsewhere":
            more["to"] = "other.localhost"
        return Node("message" if kind == "message" else "iq", place, **more), place, answer, kind

    def _junk(self, ns=None):
        draw = self._random
        form = draw.randrange(4)
        node = Node(draw.choice(("a", "b", "iq", "message", "_", "e-1.2", "\u00e9")), ns=ns)
        if form == 1:
            node.attributes.append("xmlns:p='urn:p'")
            node.name = "p:" + node.name
        elif form == 2:
            node.name = "stream:" + node.name
        for number in range(draw.choice((0, 0, 1, 4))):
            node.attributes.append(f"c{number}=\"{draw.choice(ATTRIBUTE_TEXTS).replace(chr(34), '&quot;')}\"")
        for _ in range(draw.choice((0, 0, 1, 2))):
            node.content.append(draw.choice(TEXTS))
        return node

    def _place(self, node):
        return self._random.choice([node for node, _ in node.nodes()])

    # ---- on and around the limits

    def _around(self, limit):
        return self._random.choice((limit - 2, limit - 1, limit, limit + 1, limit + 2, limit * 2, limit * 10))

    def _deepen(self, node, place):
        wanted = self._around(DEPTH)
        inner = self._place(place)
        depth = next(depth for other, depth in node.nodes() if other is inner)
        name = self._random.choice(("a", "d" * 20))
        levels = max(0, wanted - depth)
        for _ in range(levels):
            child = Node(name)
            inner.content.insert(0, child)
            inner = child
        return f"{depth + levels} levels"

    def _multiply(self, node, place):
        wanted = self._around(ELEMENTS)
        missing = wanted - len(list(node.nodes()))
        make = self._random.choice((lambda: Node("a"), lambda: Node("b", ""), lambda: Node("c", ns=""), lambda: Node("d", "x")))
        self._place(place).content += [make() for _ in range(missing)]
        return f"{wanted} elements"

    def _attribute(self, node, place):
        wanted = self._around(ATTRIBUTES)
        target = self._random.choice((node, self._place(place)))
        form = self._random.choice(("a{}=''", "a{}='1'", "xmlns:n{}='urn:{}'", "xml:a{}=''", "{0:a>30}=\"'>\""))
        missing = wanted - len(target.attributes)
        if form.startswith("{"):
            target.attributes += ["z" + form.format(number) for number in range(missing)]
        else:
            target.attributes += [form.replace("a{}", "z{}").format(number, number) for number in range(missing)]
        return f"{wanted} attributes of <{target.name[:20]}>"

    def _fill(self, node, place):
        wanted = self._around(self._size)
        kind = self._random.choice(("text", "markup in text", "entities", "characters of 3 bytes", "CDATA", "brackets in CDATA",
                                    "an attribute", "an attribute of its own", "an attribute's name", "a name", "a namespace",
                                    "space in a tag", "space in an end tag", "space"))
        target = node if kind == "an attribute of its own" else self._place(place)
        if not target.content:
            target.content.append(" ")
        if kind == "a name":
            child = Node("")
            target.content.append(child)
        room = wanted - len(node.text())
        if kind in ("an attribute", "an attribute of its own"):
            target.attributes.append("v='" + ">" * max(0, room - 5) + "'")
        elif kind == "an attribute's name":
            target.attributes.append("v" * max(1, room - 4) + "=''")
        elif kind == "a namespace":
            target.attributes.append("xmlns:v='" + "v" * max(1, room - 11) + "'")
        elif kind == "a name":
            child.name = "n" * max(1, room)
        elif kind == "space in a tag":
            target.space = b" " * max(0, room)
        elif kind == "space in an end tag":
            target.end_space = b"\n" * max(0, room)
        elif kind in ("CDATA", "brackets in CDATA"):
            target.content.append("<![CDATA[" + (">" if kind == "CDATA" else "]") * max(0, room - 12) + "]]>")
        else:
            unit = {"text": "x", "markup in text": "/>", "entities": "&#9;", "characters of 3 bytes": "\u20ac",
                    "space": "\n"}[kind]
            count, rest = divmod(max(0, room), len(unit.encode()))
            target.content.append("x" * rest + unit * count)
        return f"{len(node.text())} bytes by {kind}"

    def _fits(self, node, text):
        nodes = list(node.nodes())
        return (len(text) <= self._size and len(nodes) <= ELEMENTS and max(depth for _, depth in nodes) <= DEPTH
                and max(len(other.attributes) for other, _ in nodes) <= ATTRIBUTES)

    def _harm(self, place, kind):
        target = self._place(place)
        if kind == "entity":
            text = self._random.choice(("&lol;", Node("a", b="&lol;")))  # an element counts, since it may be read
        else:
            text = self._random.choice({"broken": BROKEN, "forbidden": FORBIDDEN}[kind])
        target.content.insert(self._random.randint(0, len(target.content)), text)
        return f"{kind} by {text.text() if isinstance(text, Node) else text!r}"
