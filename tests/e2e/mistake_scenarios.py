"""What an operator, a clock or a push service gets wrong for a while, and how many phones that loses: none.

Each scenario is a row of one table: it makes its mistake with 5 phones and with 200 on a quiet server, with --long with
10,000 as well. A phone is lost if its server is given an answer on which it would drop the user, or if its pushes do not
arrive once the mistake is mended.
"""

import base64
import collections
import glob
import hashlib
import json
import os
import re
import time
import urllib.request

import lmdb

from p2test import shapes, transcript
from p2test.ports import free_port

from import_scenarios import command
from stage import BOTH, eq, scenario, until

_DOMAIN = "im.localhost"
_COLUMNS = ("service", "device", "channel", "domain", "token", "node", "secret")
#: What a server may be told without dropping its user.
_HARMLESS = {"result", shapes.WAIT}


class Phone:
    def __init__(self, number, service="FCM"):
        digest = hashlib.sha1(f"mistakes {number}".encode())
        self.jid, self.device_id = f"user{number}@{_DOMAIN}", f"device{number}"
        self.service, self.channel, self.domain = service, "", _DOMAIN
        self.device = hashlib.sha1(f"{self.jid}\0{self.device_id}".encode()).hexdigest()
        self.node = base64.b64encode(digest.digest()[:9]).decode()
        self.secret = base64.b64encode(digest.digest()[:18]).decode()
        self.token = f"t{number}:APA91b{digest.hexdigest() * 3}"


class House:
    """One installation with `count` phones, all of which have had a push delivered."""

    def __init__(self, s, count, **settings):
        self.s, self.count = s, count
        self.server, self.fcm = s.fake_server(), s.own_fcm()
        self.p2 = s.p2(self.server, self.fcm, **{
            "push_deadline": "10s", "limits_pushesPerSecond": 0, "limits_registrationsPerMinute": 0,
            "limits_unknownAfter": None, **settings})
        self.phones = [Phone(number) for number in range(1, count + 1)]

    def table(self, name, columns=_COLUMNS, phones=None):
        """A dump of the reference service's table, as its client writes it."""
        path = os.path.join(self.p2.directory, name)
        with open(path, "w") as file:
            file.write("\t".join(columns) + "\n")
            for phone in phones or self.phones:
                file.write("\t".join(getattr(phone, column) for column in columns) + "\n")
        return path

    def moved_in(self):
        command(self.p2, "import", self.table("phones.tsv"))
        return self

    def up(self):
        self.p2.up()
        self.server.wait_for_component()
        return self

    def down(self):
        eq(self.p2.stop(), 0, "exit status")
        return self

    def ask(self, phones=None):
        """Has the server publish to each of the phones; gives how often it was answered what."""
        ids, texts = [], []
        for phone in phones or self.phones:
            id, text = self.server.request(shapes.publish(phone.node, phone.secret), sender=_DOMAIN)
            ids.append(id)
            texts.append(text)
        for first in range(0, len(texts), 500):  # so that p2's queue does not refuse what comes at once
            self.server.send("".join(texts[first:first + 500]).encode())
            for id in ids[first:first + 500]:
                self.server.answer(id, 60, quiet=True)
        answers = self.server.take_answers()
        verdicts = collections.Counter(shapes.verdict(answers[id]) for id in ids)
        transcript.line(f"{len(ids)} pushes: {dict(verdicts)}")
        return verdicts

    def stands_by(self, what, phones=None):
        """Nobody's server is told to drop a user while it is wrong."""
        verdicts = self.ask(phones)
        assert set(verdicts) <= _HARMLESS, f"while {what}, {self.count} phones were answered {dict(verdicts)}"

    def all_are_there(self, what):
        """And once it is mended, each phone's push arrives."""
        since = len(self.fcm.requests())
        eq(dict(self.ask()), {"result": self.count}, f"the answers after {what}")
        told = {request["token"] for request in self.fcm.requests()[since:]}
        missing = [phone for phone in self.phones if phone.token not in told]
        assert not missing, f"after {what}, {len(missing)} of {self.count} phones got no push"
        return self


def row(**options):
    """Registers the scenario with few phones, and with many for --long."""
    def register(function):
        def few(s):
            for count in (5, 200):
                function(s, count)

        def many(s):
            function(s, 10_000)

        few.__name__, many.__name__ = function.__name__, function.__name__ + "_with_10000"
        few.__doc__, many.__doc__ = function.__doc__, function.__doc__ + ", with 10,000 phones"
        scenario(**options)(few)
        scenario(**{**options, "long": True})(many)
        return function
    return register


def other_project(house):
    """The key of another Firebase project, as an operator might download it."""
    with open(house.fcm.service_account) as file:
        account = json.load(file)
    account["project_id"] = "another-project"
    path = os.path.join(house.p2.directory, "other.json")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump(account, file)
    return path


def reload(house, **settings):
    house.p2.properties.update({key.replace("_", "."): value for key, value in settings.items()})
    house.p2.write_config()
    before = len(house.p2.process.lines())
    house.p2.hang_up()
    house.p2.wait_for_log("read again", since=before)


def restart(house, **settings):
    house.down().p2.properties.update({key.replace("_", "."): value for key, value in settings.items()})
    house.up()


def wrong_project(s, count, change):
    for verdict in ("sender_mismatch", "unregistered", "invalid_token"):
        house = House(s, count).moved_in().up()
        house.all_are_there("the import")
        right = house.fcm.service_account
        house.fcm.misbehave(verdict)
        change(house, fcm_serviceAccountFile=other_project(house))
        for _ in range(3):
            house.stands_by(f"another project calls all {verdict}")
        house.fcm.behave()
        change(house, fcm_serviceAccountFile=right)
        house.all_are_there(f"the other project, which called all {verdict}")
        house.down()


@row(sanitized=False)
def wrong_project_by_reload(s, count):
    """A reload with the key of another Firebase project, whatever that calls the phones' tokens, loses nobody"""
    wrong_project(s, count, reload)


@row(sanitized=False)
def wrong_project_by_restart(s, count):
    """A restart with the key of another Firebase project, whatever that calls the phones' tokens, loses nobody"""
    wrong_project(s, count, restart)


@row(sanitized=False)
def push_service_errs(s, count):
    """A push service that calls all phones gone for a while, before it has delivered anything or after, loses nobody"""
    for verdict in ("unregistered", "invalid_token", "invalid_token_field", "sender_mismatch"):
        for delivers_first in (False, True):
            house = House(s, count).moved_in().up()
            if delivers_first:
                house.all_are_there("the import")
            house.fcm.misbehave(verdict)
            for _ in range(3):
                house.stands_by(f"the push service calls all {verdict}")
            house.fcm.behave()
            house.all_are_there(f"a spell of {verdict}")
            house.down()


@row()
def domain_is_denied(s, count):
    """A domain that is denied by mistake, or left out of those that are served, keeps its phones"""
    house = House(s, count).moved_in().up()
    for settings in ({"limits_denyDomains": _DOMAIN}, {"limits_allowDomains": "elsewhere.example"}):
        reload(house, **settings)
        house.stands_by(f"the settings have {settings}")
        reload(house, **dict.fromkeys(settings))
        house.all_are_there(f"{settings}")
    house.down()


@row()
def table_of_the_first_documentation(s, count):
    """The reference service's table of version 0.3, without service and channel, keeps each phone when it is imported twice"""
    house = House(s, count)
    for _ in range(2):
        command(house.p2, "import", house.table("old.tsv", ("device", "domain", "token", "node", "secret")))
    house.up().all_are_there("the import of the old table")
    house.down()


@row()
def rows_of_apple(s, count):
    """Imported phones of Apple are kept for the day that they can be reached, and nothing of them goes to Google"""
    house = House(s, count)
    apples = [Phone(number, "APNS") for number in range(1_000_001, 1_000_001 + count)]
    for _ in range(2):
        command(house.p2, "import", house.table("both.tsv", phones=house.phones + apples))
    house.up()
    for _ in range(2):
        eq(set(house.ask(apples)), {shapes.WAIT}, "the answers for Apple's devices")
    house.all_are_there("pushes for Apple's devices")
    told = {request["token"] for request in house.fcm.requests()}
    assert not told & {phone.token for phone in apples}, "Google was told an Apple device's token"
    listed, _ = command(house.p2, "list")
    eq(listed.count("\tAPNS\t"), count, "Apple's devices that are there still")
    house.down()


@row()
def record_is_damaged(s, count):
    """One record that cannot be read, one of a newer p2 for instance, harms nobody else, and its phone registers anew"""
    house = House(s, count, store_expireAfter="30d").moved_in()
    broken = house.phones[count // 2]
    with lmdb.open(house.p2.store, max_dbs=8, map_size=1 << 28) as environment:
        targets = environment.open_db(b"targets")
        with environment.begin(write=True) as transaction:
            record = transaction.get(broken.node.encode(), db=targets)
            transaction.put(broken.node.encode(), b"\xfe" + record[1:], db=targets)
    for words, code in ((["list"], 0), (["export", os.path.join(house.p2.directory, "all.json")], 65)):
        command(house.p2, *words, code=code)
    house.up()
    command(house.p2, "status")
    eq(dict(house.ask()), {"result": count - 1, shapes.WAIT: 1}, "the answers beside a damaged record")
    answer = house.server.iq(shapes.register(broken.token, broken.device_id), sender=broken.jid + "/phone")
    again = shapes.Registration(answer)
    broken.node, broken.secret = again.node, again.secret
    house.all_are_there("the phone of the damaged record has registered anew").down()


def with_another_store(s, count, **settings):
    """A house whose p2 has been started again with a store that was not there before."""
    house = House(s, count, **settings).moved_in().up()
    house.all_are_there("they moved in")
    restart(house, store_path=os.path.join(house.p2.directory, "other"))
    return house


@row()
def empty_store(s, count):
    """A start with an empty store, at another path for instance, loses nobody, and says what it looks like"""
    house = with_another_store(s, count)
    house.stands_by("an empty store is in place")
    house.p2.wait_for_log("this store is empty")
    restart(house, store_path=house.p2.store)
    house.all_are_there("the right store is back").down()


def with_a_foreign_store(s, count, **settings):
    """The same, when a phone has registered there."""
    house = with_another_store(s, count, **settings)
    house.server.iq(shapes.register("another token", "another device"), sender=f"another@{_DOMAIN}/phone")
    return house


@row()
def foreign_store(s, count):
    """With the store of another installation in its place nobody's server is told so within the hour"""
    house = with_a_foreign_store(s, count)
    for _ in range(3):
        house.stands_by("the store of another installation is in place")
    restart(house, store_path=house.p2.store)
    house.all_are_there("the right store is back").down()


@row()
def foreign_store_for_long(s, count):
    """With the store of another installation for longer servers are told of ten unknown phones an hour, not of all"""
    house = with_a_foreign_store(s, count, limits_unknownAfter="0")
    verdicts = house.ask()
    eq(verdicts.pop(shapes.NOT_FOUND), min(count, 10), "servers that were told of an unknown phone")
    assert set(verdicts) <= {shapes.WAIT}, verdicts
    restart(house, store_path=house.p2.store)
    house.all_are_there("the right store is back").down()


class Family:
    """Some phones at a real server, and one who writes to them."""

    def __init__(self, s, names):
        self.s, self.writer, self.peer = s, s.phone("juliet"), s.component()
        self.phones = [s.phone(name) for name in names]
        self.tokens = [s.token() for _ in names]
        self.registrations = [phone.register(token, "device") for phone, token in zip(self.phones, self.tokens)]
        for phone, registration in zip(self.phones, self.registrations):
            phone.enable(registration)
            phone.away()

    def kept(self):
        return sum(1 for phone in self.phones if self.s.server.push_registrations(phone.user))

    def write(self):
        for phone in self.phones:
            self.writer.say(phone.jid, "are you there?")


def unknown_pushes(p2):
    """How many pushes there were for what is not there."""
    with urllib.request.urlopen(f"http://{p2.properties['http.listen']}/metrics", timeout=10) as answer:
        return int(float(re.search(r"^p2_publishes_unknown_total (\S+)$", answer.read().decode(), re.M).group(1)))


def serve_from(p2, store, **settings):
    """Starts it again with another store."""
    eq(p2.stop(), 0, "exit status")
    p2.properties.update({"store.path": store, **settings})
    os.makedirs(store, mode=0o700, exist_ok=True)
    p2.up()


@scenario(*BOTH)
def lost_store_of_a_family(s):
    """A family's lost store costs nobody anything once it is back, and who is gone for limits.unknownAfter is dropped"""
    p2 = s.p2(limits_unknownAfter=None, http_listen=f"127.0.0.1:{free_port()}").up()
    family = Family(s, ["romeo", "benvolio", "mercutio"])
    right, other = p2.store, os.path.join(p2.directory, "other")
    serve_from(p2, other)
    family.peer.iq(s.server.p2_jid, shapes.register(s.token(), "device"), sender="nurse@peer.localhost/x")
    family.write()
    until(lambda: unknown_pushes(p2) == 3, "a push for each of the family")
    eq(shapes.verdict(family.peer.iq(s.server.p2_jid, "<ping xmlns='urn:xmpp:ping'/>", kind="get")), "result", "a ping")
    eq(family.kept(), 3, "registrations at the server while the store is lost")

    serve_from(p2, right)
    family.write()
    for token in family.tokens:
        s.fcm.wait_for_push(token)

    serve_from(p2, other, **{"limits.unknownAfter": "2s", "limits.unknownPerHour": "0"})
    began = time.monotonic()
    family.write()
    until(lambda: unknown_pushes(p2) == 3, "a push for each of the family")
    kept = family.kept()
    assert kept == 3 or time.monotonic() - began >= 2, f"{kept} of the family within limits.unknownAfter"
    # ejabberd drops a user on the first item-not-found, Prosody after 16.
    until(lambda: family.write() or not family.kept(), "the end of those that are gone", seconds=60, pause=0.5)
    assert time.monotonic() - began >= 2, "dropped within limits.unknownAfter"


# ------------------------------------------------------------------------------------------------------------- clocks

_FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"


def clock(house, offset):
    """From the next start on p2 goes by a clock that is wrong by `offset` ("-60d"), or by the right one."""
    if offset is None:
        house.p2.environment = {}
        return house
    [library] = glob.glob(_FAKETIME)
    house.p2.environment = {"LD_PRELOAD": library, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                            "DONT_FAKE_MONOTONIC": "1"}
    return house


@scenario(long=True)
def clocks(s):
    """A clock that is ahead, was so when phones registered, or a machine that was off for 60 days: expiry takes nobody"""
    offsets = {"ahead by 9 days, when the phones registered": ("+9d", None),
               "60 days ahead for a while, as after 60 days off": (None, "+60d")}
    houses = []
    for what, (at_first, then) in offsets.items():
        for count in (5, 200, 10_000):
            house = clock(House(s, count, store_expireAfter="30d"), at_first)
            requests = [house.server.request(shapes.register(phone.token, phone.device_id), sender=phone.jid + "/phone")
                        for phone in house.phones]
            house.up()
            for first in range(0, count, 500):
                house.server.send("".join(text for _, text in requests[first:first + 500]).encode())
                house.server.wait_for_answers(min(first + 500, count))
            answers = house.server.take_answers()
            for phone, (id, _) in zip(house.phones, requests):
                registration = shapes.Registration(answers[id])
                phone.node, phone.secret = registration.node, registration.secret
            clock(house.down(), then).up()
            houses.append((f"{what}, {count} phones", house))
    time.sleep(75)  # the first round of expiry is a minute after the start, and nothing tells of one that finds nobody
    for what, house in houses:
        if house.p2.environment:
            house.stands_by(f"the clock is {what}")
            clock(house.down(), None).up()
        transcript.line(what)
        house.all_are_there(f"a clock {what}").down()
