"""The commands: moving from the reference service's table in a real MariaDB, and asking a running daemon."""

import base64
import hashlib
import json
import os
import subprocess
import time

from p2test import shapes, transcript
from p2test.mariadb import MariaDb

from stage import eq, scenario

#: As the reference service creates it.
_TABLE = """CREATE TABLE target (
  service CHAR(4) NOT NULL, device CHAR(40) NOT NULL, channel CHAR(40) NOT NULL DEFAULT '',
  domain VARCHAR(253) NOT NULL, token VARCHAR(255) NOT NULL, node CHAR(12) NOT NULL, secret CHAR(24) NOT NULL,
  PRIMARY KEY (device, channel), INDEX nodeDomain (node, domain))"""
_COLUMNS = "service, device, channel, domain, token, node, secret"
_MILLION = 1_000_000


class Reference(MariaDb):
    """A MariaDB with the reference service's table."""

    def __init__(self, directory):
        super().__init__(directory, "--skip-networking", "--innodb-flush-log-at-trx-commit=0")
        self.sql("CREATE DATABASE push CHARACTER SET utf8mb4")
        self.run(_TABLE)

    def run(self, statements):
        self.sql(statements, "push")

    def dump(self, path, columns="*"):
        """What the documentation has an operator run."""
        with open(path, "wb") as file:
            subprocess.run(self.client("--batch", "-e", f"SELECT {columns} FROM target", "push"), stdout=file, check=True)
        return path


def mariadb(s):
    database = Reference(os.path.join(s.directory, "mariadb"))
    s._cleanup.append(database.stop)
    transcript.line("MariaDB is up")
    return database


def insert(database, *rows):
    values = ", ".join("(" + ", ".join("'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"
                                       for value in row) + ")" for row in rows)
    database.run(f"INSERT INTO target ({_COLUMNS}) VALUES {values}")


def command(p2, *arguments, code=0, stdin=None, write=True):
    """Runs one command of p2; gives what it wrote to stdout and to stderr."""
    if write:
        p2.write_config()
    done = subprocess.run([p2.binary, f"--config={p2.config}", *arguments], capture_output=True, stdin=stdin,
                          timeout=300, env={**os.environ, **p2.environment})
    out, err = done.stdout.decode(), done.stderr.decode()
    eq(done.returncode, code, f"exit status of p2 {' '.join(arguments)}; it said: {out}{err}")
    transcript.line(f"p2 {' '.join(arguments)}: {(out + err).strip()[:200]}")
    return out, err


def row(number, token, domain="im.localhost", service="FCM", channel=""):
    """A row as the reference service wrote it."""
    device = hashlib.sha1(f"user{number}@{domain}\0device".encode()).hexdigest()
    node = base64.b64encode(number.to_bytes(9, "big")).decode()
    secret = base64.b64encode(hashlib.sha1(str(number).encode()).digest()[:18]).decode()
    return service, device, channel, domain, token, node, secret


@scenario()
def table_is_moved(s):
    """Each phone of the reference service's table goes on working with its node and secret"""
    database, server = mariadb(s), s.fake_server()
    token = s.token()
    plain = row(1, token)
    muc = row(2, s.token(), channel="c" * 40)
    apple = row(3, "apple-token", service="APNS")
    odd = row(4, s.token(), domain="IM.Example.ORG")
    insert(database, plain, muc, apple, odd)
    p2 = s.p2(server)
    out, _ = command(p2, "import", database.dump(os.path.join(s.directory, "dump.tsv")))
    eq(out, "4 added, 0 updated, 0 unchanged, 0 left out\n", "the report")
    listed, _ = command(p2, "list")
    assert "\tim.example.org" in listed and "\tAPNS\t" in listed and listed.count("\n") == 4, listed
    p2.up()
    server.wait_for_component(30)
    answer = server.iq(shapes.publish(plain[5], plain[6]), sender="im.localhost")
    eq(answer.get("type"), "result", "the answer to a publish")
    pushed = s.fcm.wait_for_push(token)
    eq(pushed["json"]["message"]["data"]["account"], plain[1], "the account of the push")


@scenario()
def apple_devices_wait(s):
    """What servers publish for imported Apple devices goes nowhere, drops nobody and is said once in the log"""
    server = s.fake_server()
    fields = ("service", "device", "channel", "domain", "token", "node", "secret")
    apples = [row(number, f"apple-token-{number}", service="APNS") for number in range(1, 31)]
    token = s.token()
    phone = row(100, token)
    dump = os.path.join(s.directory, "dump.tsv")
    with open(dump, "w") as file:
        file.writelines("\t".join(line) + "\n" for line in (fields, phone, *apples))
    p2 = s.p2(server)
    command(p2, "import", dump)
    p2.up()
    server.wait_for_component(30)
    for apple in apples:
        answer = server.iq(shapes.publish(apple[5], apple[6]), sender="im.localhost")
        eq(shapes.verdict(answer), shapes.WAIT, "the answer to a push for an Apple device")
    answer = server.iq(shapes.publish(phone[5], phone[6]), sender="im.localhost")
    eq(shapes.verdict(answer), "result", "the answer to a push for a phone")
    s.fcm.wait_for_push(token)
    eq([request["token"] for request in s.fcm.requests()], [token], "what FCM was sent")
    eq(command(p2, "list", write=False)[0].count("\tAPNS\t"), len(apples), "Apple devices that are left")
    eq(p2.log().count("Apple device"), 1, "lines of the log about them")


@scenario()
def import_again(s):
    """An import can be run again: what is the same stays, a newer token comes in"""
    database, p2 = mariadb(s), s.p2(s.fake_server())
    insert(database, row(1, s.token()), row(2, s.token()))
    dump = os.path.join(s.directory, "dump.tsv")
    command(p2, "import", database.dump(dump))
    eq(command(p2, "import", dump)[0], "0 added, 0 updated, 2 unchanged, 0 left out\n", "the same dump again")
    database.run(f"UPDATE target SET token = '{s.token()}' WHERE node = '{row(2, '')[5]}'")
    insert(database, row(3, s.token()))
    columns = "secret, node, token, domain, channel, device, service"
    with open(database.dump(dump, columns), "rb") as file:
        eq(command(p2, "import", "-", stdin=file)[0], "1 added, 1 updated, 1 unchanged, 0 left out\n", "a newer dump")


@scenario()
def bad_rows(s):
    """Bad rows are named by line and nothing is imported; --skip-bad leaves them out"""
    database, p2 = mariadb(s), s.p2(s.fake_server())
    good, same_node = row(1, s.token()), (*row(2, s.token())[:5], row(1, "")[5], row(2, "")[6])
    insert(database, good, (*row(3, "")[:4], "", *row(3, "")[5:]), same_node, row(4, "x", service="WNS"))
    dump = database.dump(os.path.join(s.directory, "dump.tsv"))
    _, err = command(p2, "import", dump, code=65)
    assert "3 lines are bad" in err and "neither FCM nor APNS" in err and "its token is empty" in err, err
    assert "another device" in err, err
    assert "nothing was imported" in err, err
    out, err = command(p2, "import", "--skip-bad", dump)
    eq(out, "1 added, 0 updated, 0 unchanged, 3 left out\n", "with --skip-bad")
    with open(dump, "rb") as file:
        content = file.read()
    with open(dump, "wb") as file:
        file.write(content[:-5])
    assert "cut off" in command(p2, "import", dump, code=65)[1]


@scenario()
def import_beside_a_daemon(s):
    """An import refuses while a daemon has the store, and says what to do"""
    server = s.fake_server()
    p2 = s.p2(server).up()
    dump = os.path.join(s.directory, "dump.tsv")
    with open(dump, "w") as file:
        file.write("service\tdevice\tchannel\tdomain\ttoken\tnode\tsecret\n")
    _, err = command(p2, "import", dump, code=75)
    assert "systemctl stop p2" in err, err


@scenario()
def export_and_backup_beside_a_daemon(s):
    """Export and backup work while the daemon runs; each can be restored, and the phones go on"""
    server = s.fake_server()
    p2 = s.p2(server).up()
    registration, token, _ = s.registered(server)[0]
    export, backup = os.path.join(s.directory, "export.jsonl"), os.path.join(s.directory, "backup")
    _, err = command(p2, "export", export)
    assert "secret" in err, err
    eq(os.stat(export).st_mode & 0o777, 0o600, "the mode of the export")
    command(p2, "backup", backup)
    p2.stop()
    imported = s.p2(server)
    eq(command(imported, "import", export)[0], "1 added, 0 updated, 0 unchanged, 0 left out\n", "the export")
    for restored in (imported, s.p2(server, store_path=backup)):
        restored.up()
        answer = server.iq(shapes.publish(registration.node, registration.secret), sender="im.localhost")
        eq(answer.get("type"), "result", "the answer to a publish")
        s.fcm.wait_for_push(token)
        restored.stop()


@scenario()
def reader_that_goes(s):
    """Who reads only the beginning of a list is told nothing; of an export, and where a disk is full, that it is not complete"""
    p2 = s.p2(s.fake_server())
    dump = os.path.join(s.directory, "dump.tsv")
    with open(dump, "w") as file:
        file.write(_COLUMNS.replace(", ", "\t") + "\n")
        file.writelines("\t".join(row(number, f"token{number}")) + "\n" for number in range(5000))
    command(p2, "import", dump)

    def run(word, output):
        return subprocess.Popen([p2.binary, f"--config={p2.config}", word], stdout=output, stderr=subprocess.PIPE)

    def ended(process):
        _, err = process.communicate(timeout=60)
        transcript.line(f"{' '.join(process.args)}: {process.returncode} {err.decode()}")
        return process.returncode, err.decode()

    def read_one_line(word):
        process = run(word, subprocess.PIPE)
        assert process.stdout.readline(), "nothing was written"
        process.stdout.close()
        process.stdout = None
        return ended(process)

    eq(read_one_line("list"), (0, ""), "p2 list | head -1")
    code, err = read_one_line("export")
    assert code == 74 and "not complete" in err, (code, err)
    with open("/dev/full", "w") as full:
        eq(ended(run("list", full)), (74, "p2: the output could not be written\n"), "p2 list on a full disk")


@scenario(long=True)
def a_million_rows(s):
    """A million rows of MariaDB are imported in under a minute"""
    database, p2 = mariadb(s), s.p2(s.fake_server())
    database.run("SET SESSION max_recursive_iterations = 100000000; INSERT INTO target SELECT 'FCM', "
                 "SHA1(CONCAT('d', seq)), '', CONCAT('domain', seq % 5000, '.example'), "
                 "RPAD(CONCAT(SHA1(seq), ':APA91b'), 163, SHA1(seq * 7)), "
                 "LEFT(TO_BASE64(UNHEX(SHA1(CONCAT('n', seq)))), 12), "
                 "LEFT(TO_BASE64(UNHEX(SHA1(CONCAT('s', seq)))), 24) "
                 f"FROM seq_1_to_{_MILLION}")
    dump = database.dump(os.path.join(s.directory, "dump.tsv"))
    began = time.monotonic()
    out, _ = command(p2, "import", dump)
    took = time.monotonic() - began
    eq(out, "1,000,000 added, 0 updated, 0 unchanged, 0 left out\n", "the report")
    transcript.line(f"{_MILLION} rows in {took:.1f} s")
    print(f"        1,000,000 rows imported in {took:.1f} s", flush=True)
    assert s.sanitizer or took < 60, f"it took {took:.1f} s"


# ---------------------------------------------------------------------------------------------- a running daemon


@scenario()
def status_and_forget(s):
    """p2 status tells how the daemon is; p2 push wakes a phone; p2 forget removes it through the daemon"""
    server = s.fake_server()
    p2 = s.p2(server).up()
    registration, token, _ = s.registered(server)[0]
    server.iq(shapes.publish(registration.node, registration.secret))
    s.fcm.wait_for_push(token)
    out, _ = command(p2, "status")
    for words in ("connected to 127.0.0.1", "1 delivered", "1  im.localhost"):
        assert words in out, out
    status = json.loads(command(p2, "status", "--json")[0])
    eq((status["connected"], status["registrations"], status["domains"]), (True, 1, {"im.localhost": 1}), "the status")
    command(p2, "push", registration.node[:6])
    s.fcm.wait_for_push(token, count=2)
    eq(command(p2, "forget", registration.node)[0], "1 removed\n", "the report")
    eq(server.iq(shapes.publish(registration.node, registration.secret)).get("type"), "error", "a publish afterwards")
    p2.stop()
    command(p2, "status", code=69)
