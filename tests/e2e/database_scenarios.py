"""Registrations in a real MariaDB that is stopped, refuses, or stands still: what p2 answers, and what it tells."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request

from p2test import shapes, transcript
from p2test.mariadb import MariaDb
from p2test.p2daemon import EX_CONFIG, EX_USAGE
from p2test.ports import free_port
from p2test.shapes import WAIT

from check_scenarios import check
from start_scenarios import refused
from stage import eq, scenario, until

OK, UNAVAILABLE = 0, 69  # sysexits.h
PASSWORD = "of the database"
_RIGHTS = "select, insert, update, delete, create, create temporary tables"


class Installation:
    """A MariaDB with a user for p2, and a p2 that is configured for it."""

    def __init__(self, s, **settings):
        self.port, self.http = free_port(), free_port()
        self.database = MariaDb(os.path.join(s.directory, "mariadb"), "--bind-address=127.0.0.1",
                                f"--port={self.port}", "--skip-name-resolve", "--performance-schema=OFF")
        s.at_end(self.database.stop)
        self.database.sql("create database p2")
        self.grant(_RIGHTS)
        self.server = s.fake_server(jid="localhost")  # a name that resolves
        self.p2 = s.p2(self.server, **{
            "store_kind": "mariadb", "store_mariadb_hosts": self.host, "store_mariadb_password": PASSWORD,
            "store_mariadb_timeout": "1s", "http_listen": f"127.0.0.1:{self.http}", **settings})

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    def grant(self, rights):
        self.database.sql(f"create or replace user 'p2'@'%' identified by '{PASSWORD}';"
                          f" grant {rights} on p2.* to 'p2'@'%'")

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=20) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.read().decode()

    def status(self):
        return json.loads(self.get("/status.json"))

    def metric(self, name):
        return float(re.search(rf"^{name} (\S+)$", self.get("/metrics"), re.MULTILINE).group(1))

    def command(self, *arguments):
        """Runs a command; gives its exit code and all that it said."""
        done = subprocess.run([self.p2.binary, f"--config={self.p2.config}", *arguments], capture_output=True,
                              timeout=60, check=False)
        said = (done.stdout + done.stderr).decode()
        transcript.line(f"p2 {' '.join(arguments)}: {done.returncode} {said}")
        return done.returncode, said

    def publish(self, registration):
        return shapes.verdict(self.server.iq(shapes.publish(registration.node, registration.secret)))


def lines_with(p2, *words):
    return [line for line in p2.log().splitlines() if all(word in line for word in words)]


def settings_of(site):
    """For another p2 on the same database."""
    own = {key: value for key, value in site.p2.properties.items() if key.startswith(("store.kind", "store.mariadb."))}
    return {key.replace(".", "_"): value for key, value in own.items()}


@scenario(sanitized=False)
def database_away(s):
    """While the database is down p2 asks to wait and says why everywhere, once in the log; it recovers by itself"""
    site = Installation(s)
    p2 = site.p2.up()
    registration = s.registered(site.server)[0][0]
    eq(site.publish(registration), "result", "answer while all is well")
    status = site.status()
    eq((status["store"], status["storeHosts"]),
       ("MariaDB, database p2", [{"name": site.host, "used": True, "fault": ""}]), "where registrations are")
    eq(site.get("/readyz"), "ready\n", "/readyz")
    site.database.stop()
    until(lambda: site.publish(registration) == WAIT, "an answer without a database, which is to wait")
    why = f"The database {site.host}"
    until(lambda: why in site.status()["storeFault"], "a status that says why")
    assert "storeFailsSince" in site.status()
    assert why in site.get("/readyz"), site.get("/readyz")
    eq(site.get("/healthz"), "alive\n", "/healthz")
    until(lambda: site.metric("p2_store_failing") == 1 and site.metric("p2_store_hosts_failing") == 1, "metrics")
    code, said = site.command("status")
    eq(code, OK, "exit status of p2 status")
    assert "MariaDB, database p2" in said and "FAILS for" in said and why in said, said
    code, out = check(p2, write=False)
    eq(code, UNAVAILABLE, "exit status of p2 check")
    faults = [line for line in out.splitlines() if line.startswith("FAULT")]
    assert len(faults) == 1 and why in faults[0] and "disk space" not in out, out
    for command in (["list"], ["export", "-"], ["forget", "node"], ["push", "node"]):
        code, said = site.command(*command)
        eq(code, UNAVAILABLE, f"exit status of p2 {command[0]}")
        assert site.host in said, said
    for _ in range(20):
        site.publish(registration)
    site.database.start()
    p2.wait_for_log("the store works again", "asked to wait")  # nobody has asked for anything
    eq((site.publish(registration), site.status()["storeFault"]), ("result", ""), "answer when the database is back")
    eq(len(lines_with(p2, "the store ")), 2, f"lines about the outage: {p2.log()}")
    eq(site.command("backup", os.path.join(s.directory, "copy"))[0], EX_USAGE, "exit status of p2 backup")


@scenario(sanitized=False)
def database_later(s):
    """p2 starts before its database, is ready, and serves as soon as that does; a reload names what needs a restart"""
    site = Installation(s)
    site.database.stop()
    p2 = site.p2.up()
    p2.wait_for_log("the store fails", site.host)
    assert site.host in site.get("/readyz"), "not ready without a database"
    p2.properties["store.mariadb.timeout"] = "2s"
    p2.write_config()
    p2.hang_up()
    p2.wait_for_log("store.mariadb.timeout", "needs a restart")
    site.database.start()
    p2.wait_for_log("the store works again")
    eq(site.publish(s.registered(site.server)[0][0]), "result", "answer")
    code, out = check(p2, write=False)
    eq(code, OK, "exit status of p2 check")
    for words in (f"{site.host} serves: ", "without TLS", "the database p2 in MariaDB: 1 registrations", "control socket"):
        assert words in out, f"{words!r} is not in: {out}"
    site.grant("select, insert, delete")
    code, out = check(p2, write=False)
    eq(code, EX_CONFIG, "exit status of p2 check without all rights")
    assert "GRANT UPDATE, CREATE TEMPORARY TABLES ON `p2`.* TO 'p2'@'%'" in out, out


@scenario(sanitized=False)
def database_refuses(s):
    """A wrong password, a missing database and a database that is too old end p2 with 78 and one sentence"""
    site = Installation(s)
    refused(s, s.p2(site.server, **{**settings_of(site), "store_mariadb_password": "wrong"}),
            site.host, "Access denied for user 'p2'")
    refused(s, s.p2(site.server, **{**settings_of(site), "store_mariadb_database": "none"}), site.host, "none", "GRANT")
    site.database.stop()
    site.database.start("--version=10.1.48-MariaDB")
    refused(s, s.p2(site.server, **settings_of(site)), site.host, "10.1.48", "10.3 or later")


@scenario(sanitized=False, alone=True)
def database_frozen(s):
    """With a database that stands still every answer comes in time, the status says why, and p2 stops in time"""
    site = Installation(s)
    p2 = site.p2.up()
    registration = s.registered(site.server)[0][0]
    site.status()
    site.database.freeze()
    s.at_end(site.database.thaw)
    until(lambda: site.publish(registration) == WAIT, "an answer of a database that stands still, which is to wait")
    begin = time.monotonic()
    asked = dict(site.server.request(shapes.publish(registration.node, registration.secret)) for _ in range(500))
    site.server.send("".join(asked.values()).encode())
    eq({shapes.verdict(site.server.answer(id, quiet=True)) for id in asked}, {WAIT}, "answers of a database that stands still")
    assert time.monotonic() - begin < 20, "servers do not wait for longer than 32 s"
    until(lambda: lines_with(p2, "the store fails", site.host), "a log that says why")
    eq(site.metric("p2_store_failing"), 1, "p2_store_failing")
    assert site.host in site.get("/readyz"), "ready with a database that stands still"
    begin = time.monotonic()
    eq(p2.stop(), OK, "exit status")
    assert time.monotonic() - begin < 25, "systemd kills p2 after 30 s"
