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


def metric(p2, name):
    with urllib.request.urlopen(f"http://{p2.properties['http.listen']}/metrics", timeout=10) as answer:
        return float(re.search(rf"^{re.escape(name)} (\S+)$", answer.read().decode(), re.M).group(1))


def requests(p2):
    """How many have come to it of phones and of servers that push: p2's own pings are none of them."""
    return sum(int(metric(p2, f'p2_requests_total{{kind="{kind}"}}')) for kind in ("register", "publish"))


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


def pushed(peer, jid, registrations):
    """What the server is told when it pushes for each of them."""
    return {verdict(peer.iq(jid, shapes.publish(each.node, each.secret))) for each in registrations}


@scenario("ejabberd")
def two_stores(s):
    """Two p2 of one name, each with its own store: both say so, and no server is told that a phone is unknown"""
    first, second = (s.p2(http_listen=f"127.0.0.1:{free_port()}") for _ in range(2))
    first.up()
    peer, jid = s.component(), s.server.p2_jid

    def register(user):
        return shapes.Registration(peer.iq(jid, shapes.register(s.token(), "device"), sender=f"{user}@{peer.jid}/a"))

    phones = [register(f"early{number}") for number in range(10)]
    os.rmdir(second.store)
    command(first, "backup", second.store)
    phones += [register(f"late{number}") for number in range(10)]
    eq(pushed(peer, jid, phones), {"result"}, "what the server is told of one p2")

    second.up()
    for p2 in (first, second):
        p2.wait_for_log("error", f"another p2 is connected to the XMPP server as {jid}", seconds=120)
    told = set().union(*(pushed(peer, jid, phones) for _ in range(4)))
    eq(told, {"result", shapes.WAIT}, "what the server is told of two")
    for p2 in (first, second):
        eq(metric(p2, "p2_component_second"), 1, "the metric")
        out, _ = command(p2, "status", write=False)
        assert "ATTENTION      another p2 is connected" in out, out
        eq(p2.log().count("another p2 is connected"), 1, "how often it says so")
    eq(second.stop(), 0, "exit status of the second")
    eq(pushed(peer, jid, phones), {"result"}, "what the server is told of one p2 again")


@scenario("ejabberd")
def several_streams(s):
    """The streams of one p2 get each other's pings, which are no sign of another p2"""
    p2 = s.p2(http_listen=f"127.0.0.1:{free_port()}", xmpp_connections=3).up()
    until(lambda: metric(p2, 'p2_requests_total{kind="other"}') >= 3, "a ping of each stream", seconds=60)
    eq(metric(p2, "p2_component_second"), 0, "another p2")
    assert "another p2 is connected" not in p2.log()


@scenario("ejabberd")
def component_number(s):
    """ejabberd's domain_balancing loses the share of a p2 that is gone: the reason to leave it unset"""
    jid, push = s.server.p2_jid, shapes.publish("node", "secret")
    option = f'#{{<<"{jid}">> => #{{type => bare_source, component_number => 2}}}}'
    s.at_end(lambda: s.server.evaluate("ejabberd_config:set_option(domain_balancing, #{})"))
    s.server.evaluate(f"ejabberd_config:set_option(domain_balancing, {option})")
    p2s = [s.p2(http_listen=f"127.0.0.1:{free_port()}").up() for _ in range(2)]
    peer = s.component()
    senders = [f"user{number}@{peer.jid}/a" for number in range(16)]
    assert all(shares(p2s, lambda: [peer.iq(jid, push, sender=sender) for sender in senders]))
    eq(p2s[0].stop(), 0, "exit status")
    before = requests(p2s[1])
    asked = [peer.send_iq(jid, push, sender=sender) for sender in senders]
    # ejabberd answers this one itself, when it has sent the others on their way.
    eq(verdict(peer.iq(s.server.domain, "<ping xmlns='urn:xmpp:ping'/>", kind="get")), "result", "a ping of ejabberd")

    def answered():
        count = sum(1 for id in asked if peer.answers(id))
        return count if count and count == requests(p2s[1]) - before else 0

    count = until(answered, "answers to all that came to the p2 that is there")
    assert count < len(asked), "each p2 had a share before"
