"""How p2 starts, and how it says why it does not."""

import json
import os
import re

from p2test.fakeserver import FakeServer
from p2test.ports import free_port
from p2test.p2daemon import EX_CANTCREAT, EX_CONFIG, EX_USAGE

from stage import BOTH, eq, scenario

_TRACE = re.compile(r"terminate called|core dumped|what\(\):|Segmentation|Aborted|Exception(?! )|0x[0-9a-f]{8,}")


def refused(s, p2, *words, code=EX_CONFIG):
    """p2 ends with `code` and says one clear sentence with all of `words`; no stack trace."""
    p2.start()
    eq(p2.process.wait(20), code, f"exit status; it said: {p2.log()}")
    said = p2.log()
    for word in words:
        assert word.lower() in said.lower(), f"{word!r} is not in what p2 said: {said}"
    assert not _TRACE.search(said), f"not an operator's words: {said}"
    lines = [line for line in said.splitlines() if line.strip()]
    assert 1 <= len(lines) <= 12, f"{len(lines)} lines for one fault: {said}"
    return said


@scenario(short=True)
def settings_with_faults(s):
    """Faulty settings end p2 with 78, all faults named at once, each with its key"""
    server = s.fake_server()
    refused(s, s.p2(server, xmpp_prot="5347"), "xmpp.prot")
    refused(s, s.p2(server, xmpp_jid=None), "xmpp.jid")
    refused(s, s.p2(server, xmpp_sharedSecret=None), "xmpp.sharedSecret")
    refused(s, s.p2(server, xmpp_port="many"), "xmpp.port")
    refused(s, s.p2(server, fcm_timeout="15"), "fcm.timeout", "15s")
    refused(s, s.p2(server, xmpp_prot="5347", push_deadline="soon", fcm_connections="-3"),
            "xmpp.prot", "push.deadline", "fcm.connections")
    refused(s, s.p2(server, fcm_serviceAccountFile=None), "fcm.serviceAccountFile")
    refused(s, s.p2(server, fcm_caFile="/nowhere/ca.pem"), "fcm.caFile", "/nowhere/ca.pem")
    refused(s, s.p2(server, logging_channels_file_class="NoSuchChannel"), "logging.channels.file.class", "FileChannel")


@scenario()
def service_account_with_faults(s):
    """A service-account file that is missing or no such file ends p2 with 78 and names the file"""
    server = s.fake_server()
    missing = os.path.join(s.directory, "missing.json")
    refused(s, s.p2(server, fcm_serviceAccountFile=missing), "fcm.serviceAccountFile", missing)
    with open(s.fcm.service_account) as file:
        account = json.load(file)
    cases = {"not-json.json": "{ this is not JSON", "array.json": "[]",
             "no-key.json": json.dumps({**account, "private_key": None}),
             "bad-key.json": json.dumps({**account, "private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n"
                                                                   "-----END PRIVATE KEY-----\n"}),
             "client.json": json.dumps({"project_info": {"project_number": "1"}, "client": []})}
    for name, content in cases.items():
        path = os.path.join(s.directory, name)
        with open(path, "w") as file:
            file.write(content)
        refused(s, s.p2(server, fcm_serviceAccountFile=path), path)


@scenario()
def store_with_faults(s):
    """A store that cannot be opened ends p2 with a sentence that names the directory"""
    server = s.fake_server()
    blocked = os.path.join(s.directory, "a-file")
    open(blocked, "w").close()
    path = os.path.join(blocked, "store")
    refused(s, s.p2(server, store_path=path), path, code=EX_CANTCREAT)
    broken = s.p2(server)
    with open(os.path.join(broken.store, "data.mdb"), "wb") as file:
        file.write(b"this is no database" * 1000)
    refused(s, broken, broken.store, code=EX_CANTCREAT)


@scenario()
def second_daemon_on_one_store(s):
    """A second p2 on the same store is refused in words"""
    server = s.fake_server()
    first = s.p2(server).up()
    refused(s, s.p2(server, store_path=first.store), first.store, code=EX_CANTCREAT)


@scenario()
def command_line(s):
    """--version and --help answer and end with 0, an unknown option ends with 64"""
    for argument, code, words in (("--version", 0, r"p2 \d+\.\d+"), ("--help", 0, r"--config"),
                                  ("--no-such-option", EX_USAGE, r"no-such-option")):
        p2 = s.p2(s.fake_server()).start(argument)
        eq(p2.process.wait(20), code, f"exit status of p2 {argument}: {p2.log()}")
        assert re.search(words, p2.log()), f"p2 {argument} says: {p2.log()}"
        assert not _TRACE.search(p2.log()), f"not an operator's words: {p2.log()}"


@scenario()
def environment(s):
    """A setting from the environment wins over the file"""
    server = s.fake_server()
    p2 = s.p2(server, xmpp_sharedSecret="wrong", environment={"P2_XMPP_SHAREDSECRET": server.secret})
    p2.up()


@scenario(*BOTH)
def wrong_secret(s):
    """With a wrong secret p2 says that the server refuses it and names the key, and keeps trying"""
    p2 = s.p2(xmpp_sharedSecret="not the secret").start()
    p2.wait_for_log("xmpp.sharedSecret", seconds=20)
    eq(p2.process.exit_code(), None, "exit status while it keeps trying")
    assert not _TRACE.search(p2.log()), f"not an operator's words: {p2.log()}"


@scenario()
def unreachable_server(s):
    """While the server cannot be reached p2 waits, says so with host and port, and connects when it comes up"""
    port = free_port()
    server = FakeServer(secret="later", port=0)
    server.close()
    server.component = port
    p2 = s.p2(server).start()
    p2.wait_for_log(f"127.0.0.1:{port}", seconds=20)
    eq(p2.process.exit_code(), None, "exit status while it waits")
    late = s.fake_server(secret="later", port=port)
    late.wait_for_component(60)
    p2.wait_ready()


@scenario(sanitized=False)
def silent_server(s):
    """A server that accepts and stays silent is given up in time, said so, and tried again"""
    server = s.fake_server(silent=True)
    p2 = s.p2(server).start()
    server.wait_for_connections(2, 90)
    eq(p2.process.exit_code(), None, "exit status")
    server.silent = False
    server.wait_for_component(90)
    p2.wait_ready()
