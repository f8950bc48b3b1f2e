"""A phone: slixmpp as the client, asking for pushes as Conversations does."""

import asyncio
import inspect
import logging
import threading
from xml.etree import ElementTree

for _logger in ("slixmpp", "asyncio"):  # slixmpp leaves tasks behind; its warnings say nothing about p2
    logging.getLogger(_logger).setLevel(logging.CRITICAL)

import slixmpp  # noqa: E402
from slixmpp.exceptions import IqError, IqTimeout  # noqa: E402

from . import shapes, transcript  # noqa: E402


class _Loop:
    """One asyncio loop for all phones, in a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, name="phones", daemon=True).start()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, coroutine, seconds=40):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)


_loop = None


def _run(coroutine, seconds=40):
    global _loop
    if _loop is None:
        _loop = _Loop()
    return _loop.run(coroutine, seconds)


class Phone:
    """One user's client. Every call waits for its end; answers are ElementTree elements."""

    def __init__(self, server, user, resource="phone", password="pass"):
        self.server = server
        self.user = user
        self.jid = f"{user}@{server.domain}"
        self._full = f"{self.jid}/{resource}"
        self._password = password
        self._client = None
        self.messages = []

    # ---- coming and going

    def online(self):
        _run(self._online())
        transcript.line(f"{self.user} is online")
        return self

    async def _online(self):
        client = slixmpp.ClientXMPP(self._full, self._password)
        started = asyncio.get_running_loop().create_future()

        def settle(result=None, error=None):
            if not started.done():
                started.set_exception(error) if error else started.set_result(result)

        client.add_event_handler("session_start", lambda _: settle(True))
        client.add_event_handler("failed_all_auth", lambda _: settle(error=RuntimeError(f"{self.user}: wrong login")))
        client.add_event_handler("connection_failed", lambda e: settle(error=RuntimeError(f"no connection: {e}")))
        client.add_event_handler("message", self.messages.append)
        if "address" in inspect.signature(client.connect).parameters:  # slixmpp up to 1.8
            client.connect(address=("127.0.0.1", self.server.c2s), disable_starttls=True, force_starttls=False)
        else:
            client.enable_starttls = client.enable_direct_tls = False
            client.enable_plaintext = True
            client.connect("127.0.0.1", self.server.c2s)
        await asyncio.wait_for(started, 20)
        client.send_presence()
        # The answer shows that the server has handled the presence.
        await self._ask(client, self._roster_request(client), 20)
        self._client = client

    @staticmethod
    def _roster_request(client):
        iq = client.make_iq(id=client.new_id(), itype="get")
        iq.append(ElementTree.fromstring("<query xmlns='jabber:iq:roster'/>"))
        return iq

    def away(self):
        """Closes the stream: from now on messages are for the push."""
        if self._client:
            client, self._client = self._client, None
            _run(self._away(client))
            transcript.line(f"{self.user} is away")
        return self

    @staticmethod
    async def _away(client):
        gone = asyncio.get_running_loop().create_future()
        client.add_event_handler("disconnected", lambda _: gone.done() or gone.set_result(True))
        client.disconnect()
        await asyncio.wait_for(gone, 20)

    # ---- stanzas

    @staticmethod
    async def _ask(client, iq, seconds):
        try:
            return (await iq.send(timeout=seconds)).xml
        except IqError as error:
            return error.iq.xml
        except IqTimeout:
            raise AssertionError(f"no answer to {iq['id']} in {seconds} s") from None

    def iq(self, to, payload, kind="set", seconds=35):
        """Sends an iq with `payload` (text) and gives the answer, result or error. `to` None: the own account."""
        async def ask():
            iq = self._client.make_iq(id=self._client.new_id(), ito=to, itype=kind)
            iq.append(ElementTree.fromstring(payload))
            transcript.line(f"{self.user} → {transcript.one_line(str(iq))}")
            return await self._ask(self._client, iq, seconds)

        answer = _run(ask(), seconds + 5)
        transcript.line(f"{self.user} ← {transcript.xml(answer)}")
        return answer

    def register(self, token, device, **more):
        """The ad-hoc command, see shapes.register; gives the Registration."""
        return shapes.Registration(self.iq(self.server.p2_jid, shapes.register(token, device, **more)))

    def unregister(self, device, **more):
        return self.iq(self.server.p2_jid, shapes.unregister(device, **more))

    def enable(self, registration):
        """Tells the own server to publish to this registration (XEP-0357 §5)."""
        answer = self.iq(None, shapes.enable(registration.jid, registration.node, registration.secret))
        assert shapes.verdict(answer) == "result", f"enable: {shapes.verdict(answer)}"

    def disable(self, registration):
        return self.iq(None, shapes.disable(registration.jid, registration.node))

    def say(self, to, body):
        """A chat message, as another client would send it."""
        async def send():
            self._client.send_message(mto=to, mbody=body, mtype="chat")

        transcript.line(f"{self.user} → message to {to}: {body}")
        _run(send())
