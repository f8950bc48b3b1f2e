"""A name server on loopback that says where the XMPP servers of a few names are: on this machine."""

import socket
import struct
import threading

_NO_SUCH_NAME = 3
_SRV = 33


class NameServer:
    """Answers with `target_port` of localhost for the XMPP servers of `names`; nothing else exists. `port` is UDP."""

    def __init__(self, names, target_port):
        self._names = {f"_xmpp-server._tcp.{name}".lower() for name in names}
        self._target = struct.pack("!HHH", 0, 0, target_port) + b"\x09localhost\x00"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, name="name-server", daemon=True).start()

    def _serve(self):
        while True:
            query, asker = self._socket.recvfrom(1500)
            self._socket.sendto(self._answer(query), asker)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        question = query[12:at + 5]
        [kind] = struct.unpack("!H", query[at + 1:at + 3])
        known = kind == _SRV and ".".join(labels).lower() in self._names
        record = struct.pack("!HHHIH", 0xC00C, _SRV, 1, 60, len(self._target)) + self._target if known else b""
        flags = 0x8580 | (0 if known else _NO_SUCH_NAME)
        return query[:2] + struct.pack("!HHHHH", flags, 1, 1 if known else 0, 0, 0) + question + record
