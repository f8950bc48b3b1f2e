"""The server's side of XEP-0114, for what real servers do too slowly or never: floods, silence, hand-made errors."""

import hashlib
import itertools
import secrets
import socket
import threading
import time
from xml.sax.saxutils import quoteattr

from . import transcript
from .stream import StanzaReader

PING = "urn:xmpp:ping"


class FakeServer:
    """Accepts one component after the other on `port`; pings of the component are answered. Thread-safe."""

    def __init__(self, jid="push.im.localhost", secret="secret", port=0, silent=False):
        self.jid, self.secret, self.p2_jid = jid, secret, jid
        self.silent = silent  # accepts connections and says nothing
        self.refusing = False  # closes connections at once, as while it restarts
        self.greeting = None  # what it says instead of its half of the handshake: a stream error
        self.on_answer = None  # sees each answer first; those for which it gives True are not kept
        self.connections = 0
        self.others = []  # whatever came that is no answer
        self._numbers = itertools.count(1)
        self._answers = {}
        self._answered = 0
        self._doubled = []
        self._changed = threading.Condition()
        self._stream = None
        self._listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self.component = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="fake-server", daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing:
                connection.close()
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self.connections += 1
                self._changed.notify_all()
            threading.Thread(target=self._serve, args=(connection,), name="fake-stream", daemon=True).start()

    def _serve(self, connection):
        reader = StanzaReader()
        stream_id = secrets.token_hex(8)
        try:
            while data := connection.recv(262144):
                if self.silent:
                    continue
                for event, element in reader.feed(data):
                    if event == "open":
                        connection.sendall(f"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
                                           f"xmlns:stream='http://etherx.jabber.org/streams' from='{self.jid}' "
                                           f"id='{stream_id}'>".encode())
                    elif event == "close":
                        with self._changed:
                            ended = self._stream is not connection
                        if not ended:
                            connection.sendall(b"</stream:stream>")
                        connection.close()
                        return
                    else:
                        self._received(connection, stream_id, element)
        except OSError:
            pass
        finally:
            with self._changed:
                if self._stream is connection:
                    self._stream = None
                self._changed.notify_all()

    def _received(self, connection, stream_id, element):
        name = element.tag.rpartition("}")[2]
        if name == "handshake":
            if self.greeting:
                connection.sendall(self.greeting)
                connection.shutdown(socket.SHUT_WR)
            elif element.text == hashlib.sha1((stream_id + self.secret).encode()).hexdigest():
                with self._changed:
                    connection.sendall(b"<handshake/>")
                    self._stream = connection
                    self._changed.notify_all()
            else:
                connection.sendall(b"<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                                   b"</stream:error></stream:stream>")
                connection.close()
        elif name == "iq" and element.get("type") in ("result", "error"):
            if self.on_answer and self.on_answer(element):
                return
            with self._changed:
                if element.get("id") in self._answers:
                    self._doubled.append(element.get("id"))
                self._answers[element.get("id")] = element
                self._answered += 1
                self._changed.notify_all()
        elif name == "iq" and len(element) and element[0].tag == f"{{{PING}}}ping":
            connection.sendall(f"<iq type='result' id={quoteattr(element.get('id', ''))} "
                               f"from={quoteattr(element.get('to', ''))} to={quoteattr(element.get('from', ''))}/>"
                               .encode())
        else:
            self.others.append(element)

    def _wait(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"the fake server waited {seconds} s for {what}")
                self._changed.wait(left)

    def wait_for_component(self, seconds=30):
        """Until a component has shaken hands."""
        self._wait(lambda: self._stream is not None, seconds, "the component")

    def wait_for_no_component(self, seconds=30):
        """Until the stream has ended and all that came over it is read."""
        self._wait(lambda: self._stream is None, seconds, "the end of the stream")

    def wait_for_connections(self, count, seconds=30):
        self._wait(lambda: self.connections >= count, seconds, f"{count} connections")

    @property
    def stream(self):
        """Tells one stream from the next; None while there is none."""
        with self._changed:
            return self._stream

    def wait_for_other_stream(self, stream, seconds=30):
        """Until a component has shaken hands on another stream than `stream`."""
        self._wait(lambda: self._stream not in (None, stream), seconds, "the next stream")

    def wait_for_first_answer(self, beginning, seconds=30):
        """Until there is an answer with an id that begins so."""
        self._wait(lambda: any(str(id).startswith(beginning) for id in self._answers), seconds,
                   f"answers to {beginning}")

    def send(self, data):
        """Bytes as they are, to the component that is connected."""
        self.wait_for_component()
        with self._changed:
            stream = self._stream
        stream.sendall(data)

    def try_send(self, data):
        """The same, but gives False if nobody is connected or the stream ends under way."""
        stream = self.stream
        try:
            if stream:
                stream.sendall(data)
            return stream is not None
        except OSError:
            return False

    def request(self, payload, sender="im.localhost", kind="set", to=None, id=None):
        """The text of an iq and its id, for send(): many in one call."""
        id = id or f"fake-{next(self._numbers)}"
        return id, (f"<iq type='{kind}' id={quoteattr(id)} from={quoteattr(sender)} "
                    f"to={quoteattr(to or self.jid)}>{payload}</iq>")

    def iq(self, payload, sender="im.localhost", kind="set", to=None, seconds=30):
        """Sends and waits for the answer."""
        id, text = self.request(payload, sender, kind, to)
        transcript.line(f"server → {transcript.one_line(text)}")
        self.send(text.encode())
        return self.answer(id, seconds)

    def answer(self, id, seconds=30, quiet=False):
        self._wait(lambda: id in self._answers, seconds, f"the answer to {id}")
        answer = self._answers[id]
        if not quiet:
            transcript.line(f"server ← {transcript.xml(answer)}")
        return answer

    @property
    def answered(self):
        with self._changed:
            return self._answered

    def answered_of(self, ids):
        """How many of these were answered, and not taken yet."""
        with self._changed:
            return sum(id in self._answers for id in ids)

    @property
    def doubled(self):
        """Ids that were answered twice: must stay empty."""
        with self._changed:
            return list(self._doubled)

    def wait_for_answers(self, count, seconds=60):
        """Until `count` answers came in all."""
        self._wait(lambda: self._answered >= count, seconds, f"{count} answers ({self._answered} came)")

    def take_answers(self):
        """All answers since the last call, by id."""
        with self._changed:
            answers, self._answers = self._answers, {}
            return answers

    def end_stream(self, last=b"</stream:stream>"):
        """Ends the stream in due form, after `last`; reads on until the component has closed."""
        with self._changed:
            stream, self._stream = self._stream, None
        if stream:
            try:
                stream.sendall(last)
                stream.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def drop(self):
        """Cuts the stream without a word."""
        with self._changed:
            stream, self._stream = self._stream, None
        if stream:
            stream.shutdown(socket.SHUT_RDWR)
            stream.close()

    def close(self):
        self._listener.close()
        self.drop()
