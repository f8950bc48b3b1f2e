#!/usr/bin/python3
"""The part of packaging/quickstart that shows p2 at work: see there."""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import textwrap
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from p2test import p2daemon, shapes, transcript  # noqa: E402
from p2test.fcm import Fcm  # noqa: E402
from p2test.phone import Phone  # noqa: E402
from p2test.ports import free_port  # noqa: E402
from p2test.prosody import Prosody  # noqa: E402

DEVICE = "92afd7a91cdba9a0"
TOKEN = "eeDXSJjASJY:APA91b-not-a-real-token-but-of-the-usual-look-" + "x" * 90
_COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if _COLOUR else text


class Show:
    """Numbered steps in plain words."""

    def __init__(self):
        self._step = 0

    def step(self, title):
        self._step += 1
        print("\n" + paint("1;36", f"{self._step}. {title}"), flush=True)

    @staticmethod
    def say(text):
        print(textwrap.fill(" ".join(text.split()), 100, initial_indent="   ", subsequent_indent="   "), flush=True)

    @staticmethod
    def code(text, colour="33"):
        for line in text.splitlines():
            print("      " + paint(colour, line), flush=True)

    @staticmethod
    def good(text):
        print("   " + paint("32", "✓ " + text), flush=True)


def pretty(xml):
    """XML on several lines, indented by depth; what holds text alone stays on one."""
    lines, depth, opened = [], 0, False
    for text, tag in re.findall(r"([^<]*)(<[^>]*>)", " ".join(xml.split())):
        closing = tag.startswith("</")
        if closing:
            depth -= 1
        if closing and (text.strip() or lines[-1].startswith("  " * depth + "<" + tag[2:-1]) and opened):
            lines[-1] += text.strip() + tag
        else:
            lines.append("  " * depth + tag)
        opened = not closing and not tag.endswith("/>")
        depth += opened
    return "\n".join(lines)


def stanza_in(server, kind, words, seconds=15):
    """The text of a stanza from Prosody's debug log: a PUSH or an ANSWER, with all of `words` in it."""
    deadline = time.monotonic() + seconds
    while True:
        with open(server.process.log, errors="replace") as file:
            for line in file:
                _, mark, stanza = line.partition(f"{kind}: ")
                if mark and all(word in stanza for word in words):
                    return re.sub(r"\s*xmlns='jabber:(client|component:accept)'", "", stanza.strip())
        if time.monotonic() > deadline:
            raise AssertionError(f"Prosody's log shows no such stanza ({', '.join(words)}) in {seconds} s")
        time.sleep(0.05)


class Quickstart:
    def __init__(self, binary, keep):
        self._binary = os.path.abspath(binary)
        self._keep = keep
        self._show = Show()
        self.directory = tempfile.mkdtemp(prefix="p2-quickstart-")
        self.server = self.fcm = self.p2 = self.romeo = self.juliet = None

    def run(self):
        self.bring_up()
        registration = self.register()
        self.enable(registration)
        self.message(registration)
        self.arrived()

    def bring_up(self):
        show = self._show
        show.step("An XMPP server, a stand-in for Google, and p2")
        show.say(f"Everything lives in {self.directory} and listens on 127.0.0.1 only.")
        self.server = Prosody(os.path.join(self.directory, "prosody"), secret="a-shared-secret", detached=self._keep)
        for user in ("romeo", "juliet"):
            self.server.add_user(user)
        show.good(f"Prosody runs for the domain {self.server.domain}, clients on port {self.server.c2s}, components on "
                  f"port {self.server.component}")
        self.fcm = Fcm(os.path.join(self.directory, "fcm"), detached=self._keep)
        show.good(f"the FCM stand-in listens on {self.fcm.endpoint} and checks everything that Google would check")
        listen = f"127.0.0.1:{free_port()}" if self._keep else ""
        os.makedirs(os.path.join(self.directory, "p2"))
        self.p2 = p2daemon.P2(self._binary, os.path.join(self.directory, "p2"), self.server, self.fcm,
                              detached=self._keep, http_listen=listen)
        self.p2.up()
        show.good(f"p2 runs and Prosody has accepted it as its component {self.server.p2_jid}. Its settings:")
        with open(self.p2.config) as file:
            show.code(file.read().strip(), "2")

    def register(self):
        show = self._show
        show.step("Romeo's phone asks p2 for a registration")
        show.say("The app got a token from Google Play services. It hands that token and an id of the device to p2, "
                 "through the XMPP server, with an ad-hoc command:")
        self.romeo = Phone(self.server, "romeo").online()
        command = shapes.register(TOKEN, DEVICE)
        show.code(pretty(f"<iq type='set' from='{self.romeo.jid}/phone' to='{self.server.p2_jid}'>{command}</iq>"))
        answer = self.romeo.iq(self.server.p2_jid, command)
        show.say("p2 stores it durably, and only then answers with a node and a secret:")
        show.code(pretty(transcript.xml(answer)), "35")
        registration = shapes.Registration(answer)
        show.good("the answer is what every version of Conversations understands")
        again = self.romeo.register(TOKEN, DEVICE, action="execute", device_field="android-id")
        assert again == registration, "the same device got another registration when it asked again"
        show.good("asking again, as an older version would, gives the same node and secret")
        return registration

    def enable(self, registration):
        show = self._show
        show.step("Romeo's phone tells its own server where to knock")
        show.say("XEP-0357: whenever something arrives while the phone is away, publish to this node of p2, and show "
                 "this secret. From here on p2 need not know who Romeo is.")
        show.code(pretty(shapes.enable(registration.jid, registration.node, registration.secret)))
        self.romeo.enable(registration)
        stored = self.server.push_registrations("romeo")
        assert stored == [(registration.jid, registration.node)], f"Prosody stored {stored}"
        show.good("Prosody has stored it")

    def message(self, registration):
        show = self._show
        show.step("Romeo's phone goes to sleep, and Juliet writes")
        self.romeo.away()
        self.juliet = Phone(self.server, "juliet").online()
        body = "O Romeo, Romeo, wherefore art thou Romeo?"
        self.juliet.say(self.romeo.jid, body)
        show.code(f"<message from='{self.juliet.jid}' to='{self.romeo.jid}' type='chat'><body>{body}</body></message>")
        show.say("Prosody keeps the message for Romeo, and publishes to p2. This is all that p2 gets to see; the text "
                 "is a dummy:")
        self._push = stanza_in(self.server, "PUSH", (registration.node,))
        show.code(pretty(self._push))

    def arrived(self):
        show = self._show
        show.step("p2 wakes the phone through Firebase Cloud Messaging")
        push = self.fcm.wait_for_push(TOKEN)
        show.say("p2 has an access token from Google's token endpoint, by a signed JWT, and posts over TLS:")
        show.code(f"POST /v1/projects/{push['project']}/messages:send\n" + json.dumps(push["json"], indent=2), "33")
        account = shapes.device_hash(self.romeo.jid, DEVICE)
        expected = {"message": {"token": TOKEN, "data": {"account": account},
                                "android": {"priority": "HIGH", "collapse_key": account[:6]}}}
        assert push["authorized"], "FCM did not accept the access token"
        assert push["problem"] is None, f"FCM objects: {push['problem']}"
        assert push["json"] == expected, f"FCM should have got {json.dumps(expected, indent=2)}"
        show.good("FCM accepted the access token and the message")
        show.say(f"`account` is the SHA-1 of \"{self.romeo.jid}\", a NUL byte and \"{DEVICE}\". The app computes the "
                 "same of its own accounts, finds the one that is meant, connects to Prosody, and fetches the message "
                 "there. Google learns that a phone was woken, not by whom nor why.")
        stanza_id = re.search(r"<iq[^>]*\bid='([^']+)'", self._push).group(1)
        answer = stanza_in(self.server, "ANSWER", (stanza_id, "type='result'"))
        show.say("Then p2 answers Prosody that all is well, so that Prosody keeps Romeo registered:")
        show.code(pretty(answer), "35")

    def look_around(self):
        show = self._show
        show.step("Everything is still running (--keep)")
        pids = [actor.process.pid for actor in (self.p2, self.fcm, self.server)]
        control = f"http://127.0.0.1:{self.fcm.info['control']}"
        lines = [
            ("p2's log", f"cat {self.p2.process.log}"),
            ("p2's metrics", f"curl -s http://{self.p2.properties['http.listen']}/metrics"),
            ("what FCM got", f"curl -s {control}/_requests"),
            ("let FCM be down", f"curl -s -d '{{\"fault\": \"503\"}}' {control}/_control"),
            ("  and up again", f"curl -s -d '{{\"clear\": true}}' {control}/_control"),
            ("Prosody's log", f"less {self.server.process.log}"),
            ("a client", f"{self.romeo.jid} or {self.juliet.jid}, password \"pass\", host 127.0.0.1, "
                         f"port {self.server.c2s}, without TLS"),
            ("stop it all", f"kill {' '.join(map(str, pids))}; sleep 1; rm -rf {self.directory}"),
        ]
        for name, command in lines:
            print(f"   {name:16} {paint('1', command)}")

    def logs(self):
        for actor in (self.p2, self.server, self.fcm):
            if actor and actor.process:
                print(paint("1", f"   {actor.process.name}'s log, {actor.process.log}:"))
                print(actor.process.tail(40))

    def stop(self):
        for phone in (self.romeo, self.juliet):
            try:
                if phone:
                    phone.away()
            except Exception:  # it may be the server that failed
                pass

    def end(self):
        for actor in (self.p2, self.fcm, self.server):
            try:
                if actor:
                    actor.stop()
            except AssertionError as error:
                print(error, file=sys.stderr)
        shutil.rmtree(self.directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--p2", required=True)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    p2daemon.leave_the_callers_environment()
    quickstart = Quickstart(options.p2, options.keep)
    good = False
    try:
        quickstart.run()
        good = True
    except Exception as error:
        print("\n" + paint("1;31", f"✗ This step failed: {error}"))
        if not isinstance(error, AssertionError):
            import traceback
            traceback.print_exc()
        quickstart.logs()
    quickstart.stop()
    if good and options.keep:
        quickstart.look_around()
    else:
        quickstart.end()
    if good:
        print("\n" + paint("1;32", "p2 works: the message reached FCM."))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
