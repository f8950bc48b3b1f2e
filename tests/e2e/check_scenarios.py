"""`p2 check`: set-ups that are broken in one way each, and what it says of them."""

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time

from certificates import Authority
from p2test import transcript
from p2test.ports import free_port

from stage import BOTH, eq, scenario

# sysexits.h
OK, UNAVAILABLE, NOHOST, PROTOCOL, IOERR, TEMPFAIL, NOPERM, CANTCREAT, CONFIG = 0, 69, 68, 76, 74, 75, 77, 73, 78
NOBODY = 65534


def check(p2, *arguments, write=True):
    """Runs `p2 check`; gives its exit code and what it wrote to stdout."""
    if write:
        p2.write_config()
    done = subprocess.run([p2.binary, f"--config={p2.config}", "check", *arguments], capture_output=True, timeout=120)
    transcript.line(f"p2 check: {done.returncode} {(done.stdout + done.stderr).decode()}")
    return done.returncode, done.stdout.decode()


def findings(p2, code=None, write=True):
    """What `p2 check --json` finds: {check: (state, text)}; of several findings of one check, the worst."""
    returned, out = check(p2, "--json", write=write)
    report = json.loads(out)
    if code is not None:
        eq(returned, code, f"exit status of p2 check: {report}")
    eq(report["ok"], returned == 0, "ok in the report")
    found = {}
    for entry in sorted(report["checks"], key=lambda entry: ("ok", "warning", "fault").index(entry["state"])):
        found[entry["check"]] = (entry["state"], entry["text"])
    return found


def fault(p2, name, *words, state="fault"):
    """`p2 check` finds fault with `name`, and says `words`."""
    found = findings(p2)
    eq(found[name][0], state, f"state of {name}: {found}")
    for word in words:
        assert word in found[name][1], f"{word!r} is not in: {found[name][1]}"


# ----------------------------------------------------------------------------------------------------- the set-ups


class Bench:
    """A set-up in which all is well, to be broken: `p2` is configured, not started."""

    def __init__(self, s, stack):
        self.fcm = s.fcm
        self.stack = stack
        self.directory = s.directory
        self.server = s.fake_server(jid="localhost")  # a name that resolves
        self.p2 = s.p2(self.server, fcm=self.fcm, xmpp_sharedSecret="s3cret of the fake server")
        self.stage = s

    def file(self, name, content, mode=0o600):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def account(self, name, **changed):
        """A service account that differs from the right one."""
        with open(self.fcm.service_account) as file:
            return self.file(name, json.dumps({**json.load(file), **changed}))

    def google(self, fault, endpoint="send"):
        self.fcm.misbehave(fault, endpoint=endpoint)
        self.stack.callback(self.fcm.behave)
        return {}

    def stored(self):
        """p2 has run, and a phone is registered."""
        self.p2.up()
        self.stage.registered(self.server)
        self.p2.stop()
        return os.path.join(self.p2.store, "data.mdb")

    def listener(self, talk):
        """The port of a server that does `talk(connection)` with each that comes, and hangs up."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.stack.callback(listening.close)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with contextlib.suppress(OSError, ssl.SSLError), connection:
                        talk(connection)
        threading.Thread(target=serve, daemon=True).start()
        return listening.getsockname()[1]

    def belongs_to_nobody(self):
        """The store belongs to another user, whom `p2 check` becomes."""
        for path in (self.p2.store, *(os.path.join(self.p2.store, name) for name in os.listdir(self.p2.store))):
            os.chown(path, NOBODY, NOBODY)
        path = self.p2.store
        while path != "/tmp" and (path := os.path.dirname(path)) != "/":
            os.chmod(path, os.stat(path).st_mode | 0o111)
        self.p2.write_config()
        os.chown(self.p2.config, NOBODY, NOBODY)
        directory = os.path.dirname(self.fcm.service_account)
        for name in os.listdir(directory):
            os.chown(os.path.join(directory, name), NOBODY, NOBODY)


def unreadable(b):
    b.belongs_to_nobody()
    path = b.file("root-only.json", "{}")
    b.p2.properties["fcm.serviceAccountFile"] = path
    b.p2.write_config()
    return None


def not_writable(b):
    b.stored()
    b.belongs_to_nobody()
    os.chown(os.path.join(b.p2.store, "data.mdb"), 0, 0)
    os.chmod(os.path.join(b.p2.store, "data.mdb"), 0o644)
    return None


def world_readable(b):
    b.p2.write_config()
    os.chmod(b.p2.config, 0o644)
    return None


def full(b):
    path = os.path.join(b.directory, "full")
    os.makedirs(path)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "p2-test", path], check=True)
    b.stack.callback(subprocess.run, ["umount", path], check=True)
    return {"store.path": path}


def newer_format(b):
    path = b.stored()
    with open(path, "rb") as file:
        content = file.read()
    known = b"format\x01\x00\x00\x00"
    assert known in content, "the store's format is not where it was"
    with open(path, "wb") as file:
        file.write(content.replace(known, b"format\x63\x00\x00\x00"))
    return {}


def damaged(b):
    with open(b.stored(), "wb") as file:
        file.write(b"this is no database" * 1000)
    return {}


def other_project_than_the_app(b):
    b.stored()
    return b.google("sender_mismatch")


def stranger_ca(b):
    """A CA that signed nothing here."""
    return b.file("stranger.pem", Authority("a stranger").pem().decode())


def plain_at_tls(b):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(os.path.dirname(b.fcm.ca_file), "good.pem"))
    return b.listener(lambda connection: context.wrap_socket(connection, server_side=True))


def refuse_http(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def client_port(connection):
    connection.recv(4096)
    connection.sendall(b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream="
                       b"'http://etherx.jabber.org/streams' id='1' from='localhost' version='1.0'><stream:error>"
                       b"<invalid-namespace xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                       b"</stream:stream>")


#: What is broken; how, as settings or as what gives them; which check finds it; its state and the exit code; words
#: that name the fault; words that name the remedy.
SETUPS = [
    ("an unknown key", {"xmpp.prot": "5347"}, "settings", "fault", CONFIG, "xmpp.prot", "xmpp.port"),
    ("a bad value", {"push.deadline": "25"}, "settings", "fault", CONFIG, "push.deadline", "give a number with a unit"),
    ("no name", {"xmpp.jid": None}, "settings", "fault", CONFIG, "xmpp.jid", "push.example.org"),
    ("settings that all can read", world_readable, "settings", "warning", OK, "every user of this machine may read", "chmod o-r"),
    ("no service-account file", {"fcm.serviceAccountFile": "/nowhere/sa.json"}, "settings", "fault", CONFIG,
     "does not exist", "correct the path"),
    ("a service account that p2 may not read", unreadable, "settings", "fault", CONFIG,
     "may not be read by the user that p2 runs as", "owner and mode"),
    ("an empty service account", lambda b: {"fcm.serviceAccountFile": b.file("sa.json", "")}, "service account",
     "fault", CONFIG, "sa.json is empty", "once more"),
    ("a service account that is not JSON", lambda b: {"fcm.serviceAccountFile": b.file("sa.json", '{"type": ')},
     "service account", "fault", CONFIG, "sa.json is not whole JSON", "once more"),
    ("a web page in place of a service account", lambda b: {"fcm.serviceAccountFile": b.file("sa.json", "<html>log in</html>")},
     "service account", "fault", CONFIG, "sa.json is a web page", "Firebase console"),
    ("the app's google-services.json as service account",
     lambda b: {"fcm.serviceAccountFile": b.file("gs.json", '{"project_info": {}, "client": []}')}, "service account",
     "fault", CONFIG, "google-services.json", "Service accounts"),
    ("no CA file", {"fcm.caFile": "/nowhere/ca.pem"}, "settings", "fault", CONFIG, "/nowhere/ca.pem", "correct the path"),
    ("a store where a file is", lambda b: {"store.path": b.file("not-a-directory", "")}, "store", "fault", CANTCREAT,
     "is not a directory", "store.path"),
    ("a store that cannot be created", lambda b: {"store.path": os.path.join(b.directory, "none/store")}, "store", "fault",
     CANTCREAT, "none/store does not exist", "create it"),
    ("a store that p2 may not write", not_writable, "store", "fault", CANTCREAT, "data.mdb may not be written", "chown"),
    ("a store of a newer p2", newer_format, "store", "fault", CANTCREAT, "format", "Install the newer p2"),
    ("a damaged store", damaged, "store", "fault", CANTCREAT, "damaged", "backup"),
    ("a full disk", full, "disk space", "fault", IOERR, "only 0 MiB are free", "Free some space"),
    ("a name without DNS", {"xmpp.jid": "nowhere.invalid"}, "DNS", "fault", NOHOST,
     "nowhere.invalid (xmpp.jid) does not resolve", "Add a DNS record"),
    ("a name that resolves to another machine", {"xmpp.jid": "127.9.9.9"}, "DNS", "warning", OK,
     "127.9.9.9, where nothing answers on port 5269", "correct the DNS record"),
    ("a wrong secret", {"xmpp.sharedSecret": "wrong"}, "XMPP server", "fault", NOPERM, "refuses the shared secret",
     "xmpp.sharedSecret"),
    ("a port where nothing listens", lambda b: {"xmpp.port": free_port()}, "XMPP server", "fault", UNAVAILABLE,
     "cannot reach the XMPP server", "xmpp.port"),
    ("a server whose name does not resolve", {"xmpp.host": "nowhere.invalid"}, "XMPP server", "fault", UNAVAILABLE,
     "nowhere.invalid", "xmpp.host"),
    ("a web server's port", lambda b: {"xmpp.port": b.listener(refuse_http)}, "XMPP server", "fault", UNAVAILABLE,
     "does not speak XMPP", "xmpp.port"),
    ("the port for clients", lambda b: {"xmpp.port": b.listener(client_port)}, "XMPP server", "fault", UNAVAILABLE,
     "does not take a component's stream", "xmpp.port must be its component port"),
    ("a listener with TLS, without xmpp.tls", lambda b: {"xmpp.port": plain_at_tls(b)}, "XMPP server", "fault",
     UNAVAILABLE, "broke", "xmpp.tls = direct"),
    ("xmpp.tls, with a listener without", lambda b: {"xmpp.tls": "direct", "xmpp.port": b.listener(refuse_http)},
     "XMPP server", "fault", UNAVAILABLE, "TLS with the XMPP server", "leave xmpp.tls out"),
    ("another CA than the server's",
     lambda b: {"xmpp.tls": "direct", "xmpp.host": "localhost", "xmpp.port": plain_at_tls(b),
                "xmpp.caFile": stranger_ca(b)}, "XMPP server", "fault", UNAVAILABLE, "certificate", "xmpp.caFile"),
    ("FCM out of reach", lambda b: {"fcm.endpoint": f"https://localhost:{free_port()}"}, "way to FCM", "fault",
     UNAVAILABLE, "Cannot connect to localhost", "firewall"),
    ("FCM's name unknown", {"fcm.endpoint": "https://fcm.nowhere.invalid"}, "way to FCM", "fault", UNAVAILABLE,
     "fcm.nowhere.invalid could not be resolved", "DNS"),
    ("a proxy that is down", lambda b: {"fcm.proxy": f"http://127.0.0.1:{free_port()}"}, "way to FCM", "fault",
     UNAVAILABLE, "Cannot connect to the proxy 127.0.0.1:", "whether it runs"),
    ("another CA than FCM's", lambda b: {"fcm.caFile": stranger_ca(b)}, "way to FCM", "fault", UNAVAILABLE,
     "certificate", "fcm.caFile"),
    ("a certificate that has expired", lambda b: {"fcm.endpoint": f"https://localhost:{b.fcm.info['ports']['expired']}"},
     "way to FCM", "fault", UNAVAILABLE, "expired", "clock"),
    ("an address that is not FCM's", lambda b: {"fcm.endpoint": b.fcm.endpoint + "/elsewhere"}, "FCM", "fault",
     TEMPFAIL, "404", "fcm.endpoint"),
    ("a clock that is wrong", lambda b: b.google("bad_timeframe", "token"), "access token", "fault", CONFIG,
     "this machine's clock is wrong", "timedatectl"),
    ("a revoked key", lambda b: b.google("invalid_signature", "token"), "access token", "fault", CONFIG,
     "no longer accepts the service account's key", "Generate new private key"),
    ("a deleted account", lambda b: b.google("account_not_found", "token"), "access token", "fault", CONFIG,
     "does not know the service account", "Firebase console"),
    ("a missing permission", lambda b: b.google("permission_denied"), "FCM", "fault", CONFIG, "may not send", "role"),
    ("another project than the account's", lambda b: {"fcm.serviceAccountFile": b.account("p.json", project_id="other")},
     "FCM", "fault", CONFIG, "may not send", "for the project"),
    ("another project than the app's", other_project_than_the_app, "FCM project", "fault", CONFIG,
     "another Firebase project", "google-services.json"),
    ("FCM that is down", lambda b: b.google("503"), "FCM", "fault", TEMPFAIL, "503", "try again"),
]


def check_setup(s, setup):
    name, how, where, state, code, words, remedy = setup
    with contextlib.ExitStack() as stack:
        b = Bench(s, stack)
        changed = how(b) if callable(how) else how
        b.p2.properties.update(changed or {})
        write = changed is not None
        returned, out = check(b.p2, write=write)
        said = [line for line in out.splitlines() if line.startswith(("FAULT", "warning"))]
        found = findings(b.p2, code, write)
        eq(returned, code, f"{name}: the exit status without --json; it said: {out}")
        eq(found[where][0], state, f"{name}: the state of {where}: {found}")
        text = found[where][1]
        for pattern in (re.escape(words), remedy):
            assert re.search(pattern, text), f"{name}: {pattern!r} is not in: {text}"
        assert "\n" not in text and 20 < len(text) < 400, f"{name}: not a sentence: {text}"
        # The name of the component is this machine's, so nothing answers for it at the port of other servers.
        told = [line for line in said if "5269" not in line or where == "DNS"]
        eq(len(told), 1, f"{name}: sentences for one fault: {told}")
        assert text in told[0], f"{name}: --json says something else: {text} / {told[0]}"


@scenario(sanitized=False)
def broken_setups(s):
    """Each set-up that is broken in one way is named by p2 check in one sentence with a remedy"""
    faults = []
    for setup in SETUPS:
        try:
            check_setup(s, setup)
        except AssertionError as error:  # all that are wrong at once
            faults.append(str(error))
    assert not faults, "\n".join(faults)


# ------------------------------------------------------------------------------------------------- a real server


@scenario(*BOTH)
def check_before_the_start(s):
    """With a real server p2 check finds all well but the DNS of a name that only this machine knows, then a wrong secret"""
    found = findings(s.p2())
    for check in ("settings", "store", "XMPP server", "access token", "FCM"):
        eq(found[check][0], "ok", f"state of {check}: {found}")
    fault(s.p2(xmpp_sharedSecret="wrong"), "XMPP server", "shared secret")


@scenario(*BOTH)
def check_beside_a_daemon(s):
    """p2 check leaves a running daemon undisturbed and takes its word"""
    p2 = s.p2().up()
    fault(p2, "XMPP server", "the running daemon", state="ok")
    beside = s.p2(store_path=os.path.join(s.directory, "other"))
    found = findings(beside)
    expected = "warning" if s.server.__class__.__name__ == "Prosody" else "ok"
    eq(found["XMPP server"][0], expected, f"with another store: {found}")
    assert p2.log().count("connected to the XMPP server") == 1, p2.log()


@scenario()
def settings_changed_beside_a_daemon(s):
    """p2 check says when the daemon goes by older settings than the file's, until a reload or a restart has taken them over"""
    server = s.fake_server()
    p2 = s.p2(server).up()
    eq(findings(p2, write=False)["settings"][0], "ok", "the settings that it was started with")

    def change(**changes):
        """As if the person had taken a minute for it."""
        p2.properties.update({key.replace("_", "."): value for key, value in changes.items()})
        p2.write_config()
        later = time.time() + 60
        os.utime(p2.config, (later, later))
        state, text = findings(p2, write=False)["settings"]
        eq(state, "warning", "after a change")
        assert p2.config in text and "restart" in text, text

    def reload():
        seen = len(p2.process.lines())
        p2.hang_up()
        p2.wait_for_log("read again", since=seen)
        return findings(p2, write=False)["settings"][0]

    change(push_deadline="20s")
    os.utime(p2.config)  # the minute has passed
    eq(reload(), "ok", "after a reload that took all over")
    change(xmpp_sharedSecret="another")
    eq((reload(), reload()), ("warning", "warning"), "after reloads that left the secret for a restart")
