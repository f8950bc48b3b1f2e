"""Several p2 for one component name, with their registrations in one database."""

import os
import re
import time
import urllib.request

from p2test import shapes, transcript
from p2test.mariadb import MariaDb
from p2test.ports import free_port
from p2test.shapes import verdict

from client_scenarios import command as adhoc, filled
from import_scenarios import command
from stage import eq, scenario, until

#: Of what a p2 that stands by may take to notice that the other is gone; it asks every four seconds at least.
TAKEOVER = 10
#: Of a p2 that should not be there; it asks less and less often, every thirty seconds at least.
LATE_TAKEOVER = 40
COMMANDS = "http://jabber.org/protocol/commands"


def shared_store(s):
    """Settings for any number of p2 with one MariaDB."""
    port = free_port()
    database = MariaDb(os.path.join(s.directory, "mariadb"), f"--port={port}", "--bind-address=127.0.0.1")
    s.at_end(database.stop)
    database.sql("create database p2; create user p2@'%' identified by 'pass'; grant all on p2.* to p2@'%'")
    return dict(store_kind="mariadb", store_mariadb_hosts=f"127.0.0.1:{port}", store_mariadb_password="pass")


def requests(p2):
    """How many stanzas have come to it."""
    with urllib.request.urlopen(f"http://{p2.properties['http.listen']}/metrics", timeout=10) as answer:
        metrics = answer.read().decode()
    return int(float(re.search(r"^p2_stanzas_received_total (\S+)$", metrics, re.M).group(1)))


@scenario("prosody")
def stands_by(s):
    """With Prosody the second p2 counts as started, stands by without a fuss, and takes over when the first is killed"""
    store = shared_store(s)
    first, second = s.p2(**store).up(), s.p2(**store)
    romeo, juliet, token = s.phone("romeo"), s.phone("juliet"), s.token()
    registration = romeo.register(token, "device")
    romeo.enable(registration)
    romeo.away()
    juliet.say(romeo.jid, "to the first")
    s.fcm.wait_for_push(token)

    second.up()
    assert second.says("STATUS=standing by: another p2 is connected to the XMPP server", 5)
    second.wait_for_log("another p2 is connected as", "standing by until it is gone")
    out, _ = command(second, "status", write=False)
    assert "standing by at 127.0.0.1" in out, out

    def refused():
        return s.server.process.output().count("Second component attempted to connect")

    until(lambda: refused() > 2, "three tries")
    eq(second.log().lower().count("standing by"), 1, "how often it says that it stands by")
    juliet.say(romeo.jid, "still to the first")
    s.fcm.wait_for_push(token, count=2)

    first.kill()
    killed = time.monotonic()
    second.wait_for_log("this p2 takes over", seconds=TAKEOVER)
    transcript.line(f"the second p2 took over after {time.monotonic() - killed:.1f} s")
    juliet.say(romeo.jid, "to the second")
    s.fcm.wait_for_push(token, count=3)
    eq(s.server.push_registrations(romeo.user), [(s.server.p2_jid, registration.node)], "still registered")

    first.up()
    first.wait_for_log("standing by until it is gone")
    eq(second.stop(), 0, "exit status of the second")
    first.wait_for_log("this p2 takes over", seconds=TAKEOVER)


@scenario("prosody")
def second_with_its_own_store(s):
    """Where each p2 has a store of its own, one that stands by warns, and takes over when the first one ends"""
    first, second = s.p2().up(), s.p2()
    second.up()
    second.wait_for_log("warning", "standing by until it is gone", "stop one of them")
    eq(first.stop(), 0, "exit status of the first")
    second.wait_for_log("this p2 takes over", seconds=LATE_TAKEOVER)


def shares(p2s, ask):
    """How many stanzas each p2 gets while `ask()` sends some."""
    before = [requests(p2) for p2 in p2s]
    ask()
    return [requests(p2) - count for p2, count in zip(p2s, before)]


def step_by_step(peer, jid, user, token):
    """A registration of which each step may come to another p2."""
    sender = f"{user}@{peer.jid}/a"
    form = peer.iq(jid, adhoc("register-push-fcm", action="execute"), sender=sender)
    session = form.find(f"{{{COMMANDS}}}command").get("sessionid")
    fields = filled(**{"token": token, "device-id": "device"})
    return shapes.Registration(peer.iq(jid, adhoc("register-push-fcm", fields, action="complete", sessionid=session),
                                       sender=sender))


@scenario("ejabberd")
def shared_out(s):
    """ejabberd shares requests out among two p2 with one store, which answer as one would; one may be killed"""
    store = shared_store(s)
    p2s = [s.p2(http_listen=f"127.0.0.1:{free_port()}", **store).up() for _ in range(2)]
    peer, jid = s.component(), s.server.p2_jid
    tokens = {f"user{number}": s.token() for number in range(32)}
    made = {}

    def register():
        for user, token in tokens.items():
            made[user] = step_by_step(peer, jid, user, token)

    def again():
        for user, token in tokens.items():
            answer = peer.iq(jid, shapes.register(token, "device"), sender=f"{user}@{peer.jid}/b")
            eq(shapes.Registration(answer), made[user], "the registration, asked for again")

    def publish():
        for registration in made.values():
            eq(verdict(peer.iq(jid, shapes.publish(registration.node, registration.secret))), "result", "a push")

    for ask in (register, again, publish):
        counts = shares(p2s, ask)
        transcript.line(f"{ask.__name__}: {counts}")
        assert all(counts), f"{ask.__name__}: {counts}"
    for token in tokens.values():
        s.fcm.wait_for_push(token)
    for p2 in p2s:
        p2.wait_for_log("2 p2 serve phones from this store", seconds=60)
    p2s[0].kill()
    until(lambda: s.server.evaluate(f'length(ets:lookup(route, <<"{jid}">>))') == "1", "ejabberd notices")
    again()
    publish()
    for token in tokens.values():
        s.fcm.wait_for_push(token, count=2)
    p2s[0].up()
    assert all(shares(p2s, publish)), "one that is there again gets its share"


@scenario("ejabberd")
def component_number(s):
    """ejabberd's domain_balancing loses the share of a p2 that is gone: the reason to leave it unset"""
    jid, ping = s.server.p2_jid, "<ping xmlns='urn:xmpp:ping'/>"
    option = f'#{{<<"{jid}">> => #{{type => bare_source, component_number => 2}}}}'
    s.at_end(lambda: s.server.evaluate("ejabberd_config:set_option(domain_balancing, #{})"))
    s.server.evaluate(f"ejabberd_config:set_option(domain_balancing, {option})")
    p2s = [s.p2(http_listen=f"127.0.0.1:{free_port()}").up() for _ in range(2)]
    peer = s.component()
    senders = [f"user{number}@{peer.jid}/a" for number in range(16)]
    assert all(shares(p2s, lambda: [peer.iq(jid, ping, sender=sender, kind="get") for sender in senders]))
    eq(p2s[0].stop(), 0, "exit status")
    before = requests(p2s[1])
    asked = [peer.send_iq(jid, ping, sender=sender, kind="get") for sender in senders]
    # ejabberd answers this one itself, when it has sent the others on their way.
    eq(verdict(peer.iq(s.server.domain, ping, kind="get")), "result", "a ping of ejabberd")

    def answered():
        count = sum(1 for id in asked if peer.answers(id))
        return count if count and count == requests(p2s[1]) - before else 0

    count = until(answered, "answers to all that came to the p2 that is there")
    assert count < len(asked), "each p2 had a share before"
