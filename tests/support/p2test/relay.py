"""Stands between p2 and a real server's component port and reads along: what the server asked, what p2 answered."""

import socket
import threading
import time
from collections import Counter
from xml.etree import ElementTree

from . import transcript
from .shapes import verdict
from .stream import StanzaReader


class Relay:
    """Passes bytes on in both directions, as they come. `component` is its port. Thread-safe.

    What counts as a request or an answer has gone through here: it is what p2 has been given to read, and what it has
    written, whatever becomes of the server. Not so p2's pings to itself: of several p2 one may get those of all.
    """

    def __init__(self, server):
        self.p2_jid, self.secret, self._server = server.p2_jid, server.secret, server
        self._changed = threading.Condition()
        self._asked = {}  # (id, who) → when
        self._answered = {}  # the same → verdicts
        self._pairs = 0
        self.ready = []  # when p2's handshakes were accepted
        self.slowest = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.component = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._server.component), timeout=5)
            except OSError:
                near.close()  # the server is down
                continue
            far.settimeout(None)
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self._pairs += 1
            pair = _Pair(near, far)
            threading.Thread(target=self._pump, args=(far, near, pair, self._from_server), daemon=True).start()
            threading.Thread(target=self._pump, args=(near, far, pair, self._from_p2), daemon=True).start()

    @staticmethod
    def _read_stanzas(reader, data, seen):
        try:
            for event, element in reader.feed(data):
                if event == "stanza":
                    seen(element)
        except ElementTree.ParseError:  # a server that is killed in the midst of a stanza
            pass

    def _pump(self, source, sink, pair, seen):
        reader = StanzaReader()
        try:
            while data := source.recv(65536):
                self._read_stanzas(reader, data, seen)
                try:
                    sink.sendall(data)
                except OSError:
                    pass  # read on: what p2 writes to a server that is gone is an answer all the same
        except OSError:
            pass
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        if pair.ended():
            with self._changed:
                self._pairs -= 1
                self._changed.notify_all()

    def _from_server(self, element):
        with self._changed:
            if element.tag.endswith("}handshake"):
                self.ready.append(time.monotonic())
            elif (element.tag.endswith("}iq") and element.get("type") in ("set", "get")
                  and element.get("from") != self.p2_jid):
                self._asked[element.get("id"), element.get("from")] = time.monotonic()
            self._changed.notify_all()

    def _from_p2(self, element):
        if not element.tag.endswith("}iq") or element.get("type") not in ("result", "error"):
            return
        if element.get("to") == self.p2_jid:
            return
        with self._changed:
            key = element.get("id"), element.get("to")
            self._answered.setdefault(key, []).append(verdict(element))
            self.slowest = max(self.slowest, time.monotonic() - self._asked.get(key, 0))
            self._changed.notify_all()

    @property
    def asked(self):
        with self._changed:
            return len(self._asked)

    def wait_for_asked(self, count, seconds=60):
        """Until the server has asked `count` times in all."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._asked) >= count, seconds), \
                f"the server asked {len(self._asked)} times instead of {count} in {seconds} s"

    def wait_for_ready(self, count, seconds=40):
        """Until p2 has shaken hands `count` times; gives when it was the last time."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.ready) >= count, seconds), f"p2 is not back after {seconds} s"
            return self.ready[-1]

    def excuse(self, seconds=30):
        """p2 was killed: waits until its streams have ended, and asks for no answer to what was under way."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._pairs == 0, seconds), f"a stream is open after {seconds} s"
            for key in self._asked.keys() - self._answered.keys():
                del self._asked[key]

    def check_answers(self, allowed, seconds=35):
        """Every request is answered, once, with one of the verdicts; gives {verdict: count}."""
        with self._changed:
            self._changed.wait_for(lambda: not self._asked.keys() - self._answered.keys(), seconds)
            unanswered = self._asked.keys() - self._answered.keys()
            assert not unanswered, f"{len(unanswered)} of {len(self._asked)} requests have no answer"
            assert not self._answered.keys() - self._asked.keys(), "answers to what nobody asked"
            twice = [key for key, verdicts in self._answered.items() if len(verdicts) > 1]
            assert not twice, f"{len(twice)} of {len(self._asked)} requests were answered twice"
            counts = dict(Counter(each for [each] in self._answered.values()))
        transcript.line(self.figures())
        assert set(counts) <= set(allowed), f"the answers are {counts}"
        return counts

    def figures(self):
        """For a report: how many requests, how they were answered, and the slowest answer."""
        with self._changed:
            counts = Counter(each for verdicts in self._answered.values() for each in verdicts)
            return f"{len(self._asked)} requests, {dict(counts)}, the slowest answer after {self.slowest:.1f} s"

    def close(self):
        self._listener.close()


class _Pair:
    """Two sockets that are closed when nothing comes from either any more; the second ended() gives True."""

    def __init__(self, *sockets):
        self._sockets = sockets
        self._lock = threading.Lock()
        self._left = len(sockets)

    def ended(self):
        with self._lock:
            self._left -= 1
            if self._left == 0:
                for each in self._sockets:
                    each.close()
            return self._left == 0
