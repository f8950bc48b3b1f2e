"""Two p2 that keep registrations in one Galera cluster, behind a real ejabberd, while one part after the other fails:
nothing that was answered is lost, no user is dropped, every request is answered, and service comes back by itself."""

import os
import threading
import time
import typing

from p2test import shapes, transcript
from p2test.component import RemoteDomain
from p2test.galera import Galera
from p2test.network import HERE
from p2test.p2daemon import UNLIMITED
from p2test.relay import Relay
from p2test.shapes import WAIT

from disaster_scenarios import SmallDisk, Talk, check_users, enabled_users, loaded
from stage import eq, scenario, until

#: Servers and phones do not wait longer (ejabberd's iq_timeout is 32 s).
_IN_TIME = 30


class Site:
    """Two p2 with streams of their own to one ejabberd, each beginning at another of three nodes, and the load."""

    def __init__(self, s, small_disk=False):
        """`small_disk`: whether the first node has one of its own, `disk`."""
        self._s, self.disk = s, None
        self.galera = Galera(os.path.join(s.directory, "galera"), prepare=self._mount if small_disk else None)
        s.at_end(self.galera.close)
        self.nodes = self.galera.nodes
        self.relays = [Relay(s.server) for _ in range(2)]
        self.p2s = []
        for number, relay in enumerate(self.relays):
            s.at_end(relay.close)
            self.p2s.append(s.p2(xmpp_port=relay.component, **self.galera.settings(number), **UNLIMITED))
        for p2 in self.p2s:
            p2.up()
        self.users = enabled_users(s, 3)
        remote = RemoteDomain(s.server)
        s.at_end(remote.close)
        self.load = loaded(s, remote, rate=60, devices=400, batch=5, domain=remote.jid)
        self.talk = Talk(s, list(self.users), 10, peer=remote)
        s.at_end(self.talk.stop)

    def _mount(self, node):
        if self.disk is None:
            self.disk = SmallDisk(self._s, 120, node.data)

    # ---- what fails

    def kill_p2(self, number):
        """kill -9: what it had been asked is lost, and nothing else."""
        def end():
            self.p2s[number].kill()
            self.relays[number].excuse()

        self.load.cut(end)

    def part(self, *groups):
        """Groups of nodes that reach each other only; HERE is where both p2 are."""
        self.galera.network.part(*[[each if each is HERE else each.machine for each in group] for group in groups])

    # ---- what must hold

    def seconds_until_full_service(self, since):
        """How long after `since` the last request was sent that was answered `wait`, or late."""
        seconds = max(0, self.load.wait_for_calm() - since)
        assert seconds < _IN_TIME, f"full service was back only after {seconds:.0f} s"
        return f"{seconds:.1f} s"

    def flows(self):
        """All is well: everything has been answered for a while, with `result`."""
        self.load.more("push: result", 50)
        self.load.more("register: result", 20)
        return self.load.wait_for_calm()

    def no_change_is_promised(self, seconds):
        """While there is no majority nobody is registered, and nobody is dropped."""
        self.load.more(f"register: {WAIT}", 5)
        registered = self.load.verdicts["register: result"]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.load.more(f"push: {WAIT}", 5)
        eq(self.load.verdicts["register: result"], registered, "registrations that were answered without a majority")

    def check(self):
        """What was answered is in each node's own tables, each user in ejabberd's, and each request has its answer."""
        self.talk.stop()
        self.load.stop(_IN_TIME + 15)
        self.load.check_pushes()
        self.load.check_registrations()
        answered = [phone.registration for phone in self.load.registered().values()] + list(self.users.values())
        for node in self.nodes:
            stored = node.registrations()
            lost = [each for each in answered if stored.get(each.node) != each.secret]
            eq(len(lost), 0, f"registrations that {node.name} has lost, of {len(answered)}")
        check_users(self._s, self.users)
        for relay in self.relays:
            relay.check_answers({"result", WAIT})
            assert relay.slowest < _IN_TIME, f"an answer took {relay.slowest:.0f} s"
        return len(answered)

    def report(self, row, back, again, rejoined, count):
        """The figures of a row, in one line."""
        asked = "; ".join(relay.figures() for relay in self.relays)
        text = (f"{row.name}: {back} after the fault, full service {again} after its end, all nodes in step after "
                f"{rejoined:.0f} s; {count} registrations kept; {self.load.summary()}; asked of both p2: {asked}")
        transcript.line(text)
        if row.long:
            print(text, flush=True)


# ------------------------------------------------------------------------------------------------------- one by one


def kill_donor(site):
    """A node that lost its data takes all of them from another, which is killed meanwhile."""
    donor, _, joiner = site.nodes
    joiner.kill()
    joiner.wipe()
    joiner.start(donor=donor)
    until(lambda: donor.machine.runs("wsrep_sst_rsync"), "a state transfer", pause=0.01)
    donor.kill()


def kill_node_and_p2(site):
    site.nodes[0].kill()
    site.kill_p2(1)


def start_node_and_p2(site):
    site.nodes[0].start()
    site.p2s[1].up()


def part(*groups):
    """Numbers of nodes that reach each other only."""
    return lambda site: site.part(*[[who if who is HERE else site.nodes[who] for who in group] for group in groups])


def heal(site):
    site.galera.network.heal()


def bring_back(site):
    """Starts what has ended, as service managers do until it holds."""
    def all_in_step():
        for node in site.nodes:
            if node.process.exit_code() is not None:
                node.start()
        return all(node.in_step(3) for node in site.nodes)

    until(all_in_step, "all nodes in step", 120, 1)


def free(site):
    """A node that could not write has left the cluster, and stays out until it is started again."""
    site.disk.free()
    site.nodes[0].restart()


def rolling_restart(site):
    for node in site.nodes:
        node.restart().wait_in_step(3)
    for p2 in site.p2s:
        eq(p2.stop(), 0, "exit status")
        p2.up()


class Row(typing.NamedTuple):
    """A fault, how many seconds it lasts, and what ends it. Without a majority nothing is promised meanwhile."""

    name: str
    title: str
    fault: typing.Callable
    mend: typing.Callable
    seconds: int = 20
    majority: bool = True
    small_disk: bool = False
    long: bool = True


TABLE = (
    Row("node_and_p2", "a node and a p2 are killed with -9", kill_node_and_p2, start_node_and_p2, seconds=0, long=False),
    Row("first_node", "the node that one p2 asks first is killed with -9", lambda site: site.nodes[0].kill(),
        lambda site: site.nodes[0].start()),
    Row("second_node", "the node that the other p2 asks first is killed with -9", lambda site: site.nodes[1].kill(),
        lambda site: site.nodes[1].start()),
    Row("third_node", "the node that no p2 asks first is killed with -9", lambda site: site.nodes[2].kill(),
        lambda site: site.nodes[2].start()),
    Row("donor", "the donor of a state transfer is killed with -9", kill_donor, bring_back),
    Row("first_p2", "a p2 is killed with -9", lambda site: site.kill_p2(0), lambda site: site.p2s[0].up()),
    Row("second_p2", "the other p2 is killed with -9", lambda site: site.kill_p2(1), lambda site: site.p2s[1].up()),
    Row("frozen", "a node is frozen for a minute", lambda site: site.nodes[0].freeze(),
        lambda site: site.nodes[0].thaw(), seconds=60),
    Row("cut_off", "a node is cut off from the others, but not from p2", part((0,), (1, 2)), heal),
    Row("unreachable", "a node is cut off from all", part((0,), (1, 2, HERE)), heal),
    Row("majority", "the majority is cut off from p2", part((0, HERE), (1, 2)), heal, majority=False),
    Row("each_alone", "each node is cut off from the others", part((0,), (1,), (2,)), heal, majority=False),
    Row("full_disk", "the disk of a node is full", lambda site: site.disk.fill(), free, seconds=30, small_disk=True),
    Row("rolling_restart", "all are restarted one after the other", rolling_restart, lambda site: None, seconds=0),
)


def play(s, row):
    site = Site(s, row.small_disk)
    site.flows()
    began = time.monotonic()
    row.fault(site)
    back = "`wait` to all"
    if row.majority:
        back = f"full service {site.seconds_until_full_service(began)}"
        time.sleep(max(0, began + row.seconds - time.monotonic()))  # the fault's time
    else:
        site.no_change_is_promised(row.seconds)
    mended = time.monotonic()
    row.mend(site)
    site.galera.wait_in_step()
    rejoined = time.monotonic() - mended
    again = site.seconds_until_full_service(mended)
    count = site.check()
    site.report(row, back, again, rejoined, count)


def register_row(row):
    def play_row(s):
        play(s, row)

    play_row.__name__ = f"galera_{row.name}"
    play_row.__doc__ = f"Two p2 on a Galera cluster keep all and answer all when {row.title}"
    scenario("ejabberd", long=row.long, sanitized=row.long)(play_row)


for each in TABLE:
    register_row(each)


# ------------------------------------------------------------------------------------------------------------ a race


def registered_at_once(servers, requests):
    """Asks both p2 for the same at once; gives the registrations that each answered, in the requests' order.

    `requests`: (payload, sender) for each of the two."""
    asked = [[server.request(payload, sender=sender) for payload, sender in own]
             for server, own in zip(servers, requests)]
    threads = [threading.Thread(target=server.send, args=("".join(text for _, text in own).encode(),))
               for server, own in zip(servers, asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [[shapes.Registration(server.answer(id, quiet=True)) for id, _ in own] for server, own in zip(servers, asked)]


@scenario(long=True)
def galera_race(s):
    """A thousand devices that register at two p2 at once, and one that does a thousand times, have one node each"""
    galera = Galera(os.path.join(s.directory, "galera"))
    s.at_end(galera.close)
    servers = [s.fake_server() for _ in range(2)]
    for number, server in enumerate(servers):
        s.p2(server, **galera.settings(number), **UNLIMITED).up()

    def requests(devices):
        return [[(shapes.register(s.token(), device), f"{device}@im.localhost/x") for device in devices]
                for _ in servers]

    one, other = registered_at_once(servers, requests([f"device-{number}" for number in range(1000)]))
    eq([a == b for a, b in zip(one, other)].count(False), 0, "devices that were told different things")
    eq(len({each.node for each in one}), 1000, "nodes")
    once = registered_at_once(servers, requests(["the-same"] * 1000))
    eq(len({(each.node, each.secret) for answers in once for each in answers}), 1, "registrations of one device")
    for node in galera.nodes:
        eq(len(node.registrations()), 1001, f"registrations at {node.name}")
    conflicts = sum(int(value) for node in galera.nodes for _, value in node.sql(
        "show status where variable_name in ('wsrep_local_cert_failures', 'wsrep_local_bf_aborts')"))
    transcript.line(f"{conflicts} transactions were given up for others")
    assert conflicts > 0, "no two transactions were in each other's way"
