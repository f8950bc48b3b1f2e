"""What p2 keeps, tells and leaves behind of those who use it."""

import json
import os
import re
import resource
import signal
import subprocess
import urllib.error
import urllib.request

from p2test import shapes, transcript
from p2test.ports import free_port
from p2test.shapes import NOT_FOUND, Registration, device_hash, verdict

from import_scenarios import command
from stage import eq, scenario

LEVELS = ("fatal", "critical", "error", "warning", "notice", "information", "debug", "trace")
ACCOUNTS = 1000
#: Beginnings of texts that a test can find again; none of them is part of another word.
NAME, RESOURCE, ROOM, DEVICE = "markname", "markresource", "markroom", "markdevice"
TOKEN, BODY, SENDER, GUESS = "markTOKEN", "markbody", "marksender", "markguess"
SHARED = "marksharedsecret"

_ROTTEN = ("<!-- {m} --><iq/>", "<iq type='set' id='{m}' from='{m}@im.localhost'><{m}></wrong></iq>{m}",
           "<?{m} {m}?>", "<iq from='{m}'>&{m};</iq>", "<!DOCTYPE {m} [<!ENTITY e '{m}'>]>")


class Account:
    """One user with a mark in all that p2 could take note of."""

    def __init__(self, number):
        self.jid = f"{NAME}{number:04d}@im.localhost"
        self.full = f"{self.jid}/{RESOURCE}{number:04d}"
        self.room = f"{ROOM}{number:04d}@rooms.im.localhost" if number % 7 == 0 else None
        self.device = f"{DEVICE}{number:04d}"
        self.token = f"d{number:04d}:APA91b{TOKEN}" + f"{number:04d}" * 30
        self.registration = None

    def hashes(self):
        yield device_hash(self.jid, self.device)
        if self.room:
            yield device_hash(self.room, self.device)

    def register(self, **more):
        return shapes.register(self.token, self.device, muc=self.room, **more)

    def publish(self, node=None, secret=None):
        notification = (f"<x xmlns='{shapes.DATA}' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:push:summary"
                        f"</value></field><field var='last-message-sender'><value>{SENDER}@im.localhost</value></field>"
                        f"<field var='last-message-body'><value>{BODY} of {self.jid}</value></field></x>")
        return shapes.publish(node or self.registration.node, secret or self.registration.secret, notification)


class Crowd:
    """The accounts behind one server, and how they all speak to p2 at once."""

    def __init__(self, s, server, count):
        self.fcm, self.server = s.own_fcm(), server
        self.accounts = [Account(number) for number in range(count)]
        self.registered = []  # every registration there ever was
        self.answers = []  # the texts of answers to all but registrations

    def all(self, requests):
        """Sends (payload, sender) all at once; gives the answers in their order."""
        made = [self.server.request(payload, sender) for payload, sender in requests]
        before = self.server.answered
        self.server.take_answers()
        self.server.send("".join(text for _, text in made).encode())
        self.server.wait_for_answers(before + len(made))
        answers = self.server.take_answers()
        return [answers[id] for id, _ in made]

    def register(self):
        answers = self.all((account.register(), account.full) for account in self.accounts)
        for account, answer in zip(self.accounts, answers):
            account.registration = Registration(answer)
            self.registered.append(account.registration)

    def push(self, accounts, **changed):
        answers = self.all((account.publish(**changed), "im.localhost") for account in accounts)
        self.answers += map(transcript.xml, answers)
        return [verdict(answer) for answer in answers]

    def push_with_faults(self):
        """All are pushed to; FCM's answers for some hold the token, as Google's do not but a gateway's may."""
        leaky = [(400, '{"error":{"status":"INVALID_ARGUMENT","message":"%s is wrong: %s"}}'),
                 (403, '{"error":{"status":"PERMISSION_DENIED","message":"not for %s of %s"}}'),
                 (404, '<html>%s <b>%s</b></html>'), (500, 'cannot reach %s: %s'),
                 (400, '{"error":{"details":[{"@type":"%s","errorCode":"%s"}]}}'),
                 (301, '%s%s'), (200, '{"%s": "%s"'), (418, '%s %s')]
        some = self.accounts[:len(leaky)]
        for account, (status, body) in zip(some, leaky):
            self.fcm.misbehave("answer", token=account.token, status=status,
                               body=body % (account.token, next(account.hashes())),
                               headers={"Location": f"https://localhost:1/{account.token}"})
        gone = self.accounts[len(leaky):len(leaky) + 4]
        for account in gone:
            self.fcm.misbehave("unregistered", token=account.token)
        answers = self.push(self.accounts)
        self.fcm.behave()
        for account in self.accounts[:12]:
            account.registration = Registration(self.server.iq(account.register(), sender=account.full))
            self.registered.append(account.registration)
        return answers

    def faults_of_servers(self):
        """Strangers that guess, and requests that are none."""
        some = self.accounts[20:40]
        eq(set(self.push(some, secret=GUESS + "x" * 15)), {NOT_FOUND}, "with a wrong secret")
        eq(set(self.push(some, node=GUESS)), {NOT_FOUND}, "for an unknown node")
        account = some[0]
        odd = [f"<{BODY} xmlns='urn:{BODY}'>{account.jid}</{BODY}>", shapes.register(account.token, ""),
               shapes.register("", account.device), shapes.register(account.token, account.device, action=BODY),
               shapes.register(account.token, account.device, node=f"register-{BODY}"),
               f"<pubsub xmlns='{shapes.PUBSUB}'><publish><item>{BODY}</item></publish></pubsub>",
               shapes.publish(account.registration.node, None), shapes.unregister(f"{DEVICE}-unknown"),
               f"<{BODY} xmlns='urn:{BODY}'>{BODY * 20000}</{BODY}>"]
        self.answers += [transcript.xml(answer) for answer in
                         self.all((payload, account.full) for payload in odd)]

    def break_stream(self, text):
        stream = self.server.stream
        self.server.send(text.replace("{m}", NAME + BODY).encode())
        self.server.wait_for_other_stream(stream)

    def marks(self):
        """Whatever may be nowhere, with what it is."""
        for mark in (NAME, RESOURCE, ROOM, DEVICE, TOKEN, BODY, SENDER, GUESS, SHARED):
            yield "a mark", mark
        for registration in {r.node: r for r in self.registered}.values():
            yield "a secret", registration.secret
            yield "a node", registration.node
        for account in self.accounts:
            for value in account.hashes():
                yield "a device's hash", value
        for value in self.fcm.state()["access_tokens"]:
            yield "an access token", value
        with open(self.fcm.service_account) as file:
            key = json.load(file)["private_key"].splitlines()
        yield from (("the private key", line) for line in key[1:-1])


def check_absent(where, text, marks):
    for kind, mark in marks:
        if mark in text:
            at = text.index(mark)
            raise AssertionError(f"{where} shows {kind}: …{text[max(0, at - 150):at + 150]}…")


def seen_by_an_operator(p2, url):
    """All that p2 shows while it runs, by where it does."""
    for path in ("/", "/metrics", "/status.json", "/history.json", "/healthz", "/readyz", "/nothing"):
        try:
            with urllib.request.urlopen(url + path, timeout=10) as answer:
                yield path, answer.read().decode()
        except urllib.error.HTTPError as error:
            yield path, error.read().decode()
    for arguments in (["status"], ["status", "--json"]):
        yield " ".join(["p2", *arguments]), "".join(command(p2, *arguments))


@scenario(sanitized=False)
def thousand_accounts(s):
    """At every log level nothing of 1,000 accounts, their tokens, secrets and messages shows anywhere but in the store"""
    server = s.fake_server(secret=SHARED)
    crowd = Crowd(s, server, 100 if s.sanitizer else ACCOUNTS)
    port = free_port()
    p2 = s.p2(server, fcm=crowd.fcm, http_listen=f"127.0.0.1:{port}", push_deadline="3s", fcm_timeout="2s",
              fcm_goneAfter="0", limits_unknownPerHour=0, xmpp_maxStanzaSize=100000)
    logs, shown, delivered = {}, [], 0
    for number, level in enumerate(LEVELS):
        p2.properties["logging.level"] = level
        p2.up()
        crowd.register()
        delivered += crowd.push_with_faults().count("result")
        crowd.faults_of_servers()
        crowd.break_stream(_ROTTEN[number % len(_ROTTEN)])
        if level == "trace":
            crowd.fcm.misbehave("answer", endpoint="token", status=400, body=json.dumps(
                {"error": "invalid_grant", "error_description": f"{NAME} {TOKEN}"}))
            crowd.fcm.control(expire_tokens=True)
            crowd.push(crowd.accounts[:3])
        shown += seen_by_an_operator(p2, f"http://127.0.0.1:{port}")
        p2.stop()
        logs[level] = p2.log()
    assert delivered > len(crowd.accounts), f"only {delivered} pushes were delivered in time"
    # What must be there is: the searches below look at the right things.
    node = crowd.accounts[50].registration.node
    assert f"registered {node[:4]}~ of im.localhost" in logs["debug"], logs["debug"][:2000]
    assert re.search(r"removed ....~ of im\.localhost: its target is gone", logs["information"]), logs["information"]
    assert "a push to FCM failed" in logs["warning"] and not logs["fatal"], logs["warning"] + logs["fatal"]
    with open(os.path.join(p2.store, "data.mdb"), "rb") as file:
        stored = file.read().decode("latin-1")
    assert crowd.accounts[50].token in stored and crowd.accounts[50].registration.secret in stored, "not the store"
    marks = list(crowd.marks())
    for level, text in logs.items():
        check_absent(f"the log at level {level}", text, marks)
    for where, text in shown:
        check_absent(where, text, marks)
    for answer in crowd.answers:
        check_absent("an answer to a server", answer,
                     [mark for mark in marks[:9] if mark[1] in (TOKEN, BODY, SENDER, GUESS, SHARED)])
    check_absent("p2 list", "".join(command(p2, "list")), [m for m in marks if m[0] != "a node"])
    check_absent("the store", stored, [m for m in marks if m[1] in (NAME, RESOURCE, ROOM, DEVICE, BODY, SENDER, GUESS)])


@scenario()
def no_core_dump(s):
    """p2 leaves no core dump even where the system would write one, and other processes cannot read its memory"""
    server = s.fake_server()
    p2 = s.p2(server)
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        p2.up()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    with open(f"/proc/{p2.process.pid}/limits") as file:
        limits = re.search(r"Max core file size +(\S+) +(\S+)", file.read())
    eq(limits.groups(), ("0", "0"), "the limit of core dumps")
    # The kernel gives the files of a process that must not be dumped to root; p2 runs as its owner here. As root,
    # the same is seen by who may not look in.
    if os.geteuid() == 0 and not s.sanitizer:
        reader = subprocess.run(["setpriv", "--bounding-set=-all", "--inh-caps=-all", "head", "-c1",
                                 f"/proc/{p2.process.pid}/auxv"], capture_output=True, text=True, check=False)
        assert "denied" in reader.stderr.lower() or "not permitted" in reader.stderr.lower(), reader
    if not s.sanitizer:  # those catch the signal
        p2.process.send_signal(signal.SIGABRT)
        eq(p2.process.wait(20), -signal.SIGABRT, "how it ended")
        found = [name for name in os.listdir(p2.directory) if name.startswith("core")]
        eq(found, [], "core dumps")


@scenario(sanitized=False)
def domain_is_dropped(s):
    """With store.keepDomain=false no domain is stored or shown, none of the registrations is lost, and back again"""
    server = s.fake_server()
    p2 = s.p2(server).up()
    made = s.registered(server, 20, sender="hecuba@troy.example/x")

    def push(registration, sender):
        return verdict(server.iq(shapes.publish(registration.node, registration.secret), sender=sender))

    def again(registration, token, device):
        return Registration(server.iq(shapes.register(token, device), sender="hecuba@troy.example/x"))

    eq(push(made[0][0], "greece.example"), NOT_FOUND, "a push from another domain, with domains kept")
    p2.stop()
    p2.properties.update({"store.keepDomain": "false", "logging.level": "debug"})
    p2.up()
    p2.wait_for_log("dropped the domain of 20 registrations")
    for registration, token, device in made[:10]:
        eq(push(registration, "troy.example"), "result", "a push")
        eq(again(registration, token, device), registration, "the phone comes back")
    eq(push(made[0][0], "greece.example"), "result", "a push from another domain, without domains")
    eq(verdict(server.iq(shapes.publish(made[0][0].node, "x" * 24), sender="troy.example")), NOT_FOUND,
       "without the secret")
    s.registered(server, 1, sender="priam@troy.example/x")
    out, err = command(p2, "list", "--domain=troy.example")
    eq(out, "", "what is found by domain")
    assert "21 registrations are stored without a domain" in err, err
    eq({line.split("\t")[-1] for line in command(p2, "list")[0].splitlines()}, {"-"}, "the listed domains")
    assert "21  stored without their domain" in command(p2, "status")[0], "p2 status"
    assert "store.keepDomain" in command(p2, "forget", "--yes", "--domain=troy.example", code=67)[1], "p2 forget"
    assert "troy.example" not in p2.log(), p2.log()
    export, backup = os.path.join(s.directory, "export.jsonl"), os.path.join(s.directory, "backup")
    command(p2, "export", export)
    command(p2, "backup", backup)
    for path in (export, os.path.join(backup, "data.mdb")):
        with open(path, "rb") as file:
            assert b"troy.example" not in file.read(), f"a domain is in {path}"
    p2.stop()
    restored = s.p2(server, store_keepDomain="true")
    eq(command(restored, "import", export)[0], "21 added, 0 updated, 0 unchanged, 0 left out\n", "the export")
    p2.properties["store.keepDomain"] = "true"
    p2.up()
    for registration, token, device in made:
        eq(push(registration, "greece.example"), "result", "until the phone comes back")
        eq(again(registration, token, device), registration, "the phone comes back")
        eq(push(registration, "greece.example"), NOT_FOUND, "from then on")
        eq(push(registration, "troy.example"), "result", "from its own server")
