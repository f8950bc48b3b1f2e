"""A component of the test's own (XEP-0114): stands for a remote domain whose stanzas come over the real server."""

import hashlib
import itertools
import socket
import threading
import time
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from . import transcript
from .stream import StanzaReader


class ComponentClient:
    """Connects to a server's component port as `jid` and talks as anybody at `jid`. Thread-safe."""

    _numbers = itertools.count(1)

    def __init__(self, port, jid, secret, host="127.0.0.1"):
        self.jid = jid
        self._answers = {}
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._closed = False
        self._socket = socket.create_connection((host, port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = StanzaReader()
        self._pending = []
        self._socket.sendall(f"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
                             f"xmlns:stream='http://etherx.jabber.org/streams' to='{jid}'>".encode())
        stream_id = self._next("open").get("id")
        digest = hashlib.sha1((stream_id + secret).encode()).hexdigest()
        self._socket.sendall(f"<handshake>{digest}</handshake>".encode())
        answer = self._next("stanza")
        if not answer.tag.endswith("}handshake"):
            raise RuntimeError(f"{jid} is refused: {ElementTree.tostring(answer).decode()}")
        self._socket.settimeout(None)
        threading.Thread(target=self._read, name=f"component-{jid}", daemon=True).start()

    def _next(self, kind):
        while not self._pending:
            data = self._socket.recv(65536)
            if not data:
                raise RuntimeError("the server closed the component's stream")
            self._pending = self._reader.feed(data)
        event, element = self._pending.pop(0)
        if event != kind:
            raise RuntimeError(f"{kind} is expected, {event} came")
        return element

    def _read(self):
        try:
            while data := self._socket.recv(65536):
                for event, element in self._reader.feed(data):
                    if event == "stanza":
                        self._received(element)
        except OSError:
            pass
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _received(self, element):
        if element.tag.endswith("}iq") and element.get("type") in ("result", "error"):
            self._answered(element)

    def _answered(self, element):
        with self._changed:
            self._answers.setdefault(element.get("id"), []).append(element)
            self._changed.notify_all()

    def send_iq(self, to, payload, sender=None, kind="set", id=None, quiet=False):
        """Sends without waiting; gives the id. `sender` is what stands before @ or a whole JID; None: the domain."""
        id = id or f"peer-{next(self._numbers)}"
        sender = self.jid if sender is None else sender if "@" in sender else f"{sender}@{self.jid}"
        stanza = f"<iq type='{kind}' id={quoteattr(id)} from={quoteattr(sender)} to={quoteattr(to)}>{payload}</iq>"
        if not quiet:
            transcript.line(f"{self.jid} → {transcript.one_line(stanza)}")
        self.send(stanza.encode())
        return id

    def send(self, data):
        """Bytes as they are: whole stanzas."""
        with self._sending:
            self._socket.sendall(data)

    def answer(self, id, seconds=30, quiet=False):
        """Waits for the answer with this id."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while id not in self._answers:
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    why = " (stream closed)" if self._closed else f" in {seconds} s"
                    raise AssertionError(f"{self.jid} got no answer to {id}{why}")
                self._changed.wait(left)
            answer = self._answers[id][0]
        if not quiet:
            transcript.line(f"{self.jid} ← {transcript.xml(answer)}")
        return answer

    def iq(self, to, payload, sender=None, kind="set", seconds=30):
        return self.answer(self.send_iq(to, payload, sender, kind), seconds)

    def answers(self, id):
        """All answers with this id so far: there must never be two."""
        with self._changed:
            return list(self._answers.get(id, []))

    @property
    def open(self):
        """Whether the server still has its stream open."""
        with self._changed:
            return not self._closed

    def close(self):
        try:
            self._socket.sendall(b"</stream:stream>")
        except OSError:
            pass
        self._socket.close()


class RemoteDomain(ComponentClient):
    """The same in FakeServer's manner, for Load: its users register over the real server, and it publishes."""

    def __init__(self, server):
        self.on_answer = None  # sees each answer first; those for which it gives True are not kept
        self._p2_jid = server.p2_jid
        super().__init__(server.component, server.peer_jid, server.secret)

    def _answered(self, element):
        if not (self.on_answer and self.on_answer(element)):
            super()._answered(element)

    @property
    def stream(self):
        return self if self.open else None

    def request(self, payload, sender=None, id=None):
        """The text of an iq to p2 and its id, for send()."""
        id = id or f"remote-{next(self._numbers)}"
        return id, (f"<iq type='set' id={quoteattr(id)} from={quoteattr(sender or self.jid)} "
                    f"to={quoteattr(self._p2_jid)}>{payload}</iq>")

    def try_send(self, data):
        """The same, but gives False if the stream has ended."""
        try:
            self.send(data)
            return True
        except OSError:
            return False
