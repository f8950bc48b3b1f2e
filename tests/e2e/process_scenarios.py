"""p2 as a process: started in every way that an operator finds, and with what the system does not always give."""

import os
import shutil
import signal
import socket
import subprocess
import time

from p2test import shapes, transcript
from p2test.ports import free_port
from p2test.process import Process

from start_scenarios import refused
from stage import eq, scenario

EX_OSERR, EX_CANTCREAT = 71, 73  # sysexits.h


def wait_until(holds, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}, not after {seconds} s"
        time.sleep(0.02)


class Daemon:
    """p2 started with --daemon, which goes on in a process of its own."""

    def __init__(self, p2, *arguments):
        self.p2 = p2
        self.pid_file = os.path.join(p2.directory, "p2.pid")
        self.pid = None
        p2.start("--daemon", "--pidfile=p2.pid", *arguments)
        eq(p2.process.wait(20), 0, f"exit status of the process that began the daemon; it said: {p2.log()}")
        wait_until(lambda: os.path.exists(self.pid_file) and os.path.getsize(self.pid_file), "a pid file")
        with open(self.pid_file) as file:
            self.pid = int(file.read())

    def signal(self, number):
        os.kill(self.pid, number)

    def is_there(self):
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def stop(self):
        if self.pid is None or not self.is_there():
            return
        self.signal(signal.SIGTERM)
        wait_until(lambda: not self.is_there(), "the daemon ends on SIGTERM", 40)


def with_relative_paths(s, server):
    """A p2 all of whose paths are relative, and which logs to a file, for a daemon has no other place of its own."""
    p2 = s.p2(server)
    for key in ("fcm.serviceAccountFile", "fcm.caFile"):
        name = os.path.basename(p2.properties[key])
        shutil.copy(p2.properties[key], os.path.join(p2.directory, name))
        p2.properties[key] = name
    p2.properties.update({"store.path": "store", "logging.channels.file.class": "FileChannel",
                          "logging.channels.file.path": "p2.log", "logging.loggers.root.channel": "file"})
    return p2


@scenario()
def relative_paths(s):
    """Relative paths lead beside the settings file, in the foreground, as a daemon, after a reload, and for the commands"""
    server = s.fake_server()
    p2 = with_relative_paths(s, server).up()
    server.wait_for_component()
    [(phone, _, _)] = s.registered(server)
    eq(p2.stop(), 0, "exit status")

    def delivered(what):
        since = len(s.fcm.requests())
        eq(shapes.verdict(server.iq(shapes.publish(phone.node, phone.secret))), "result", f"a push {what}")
        eq(len(s.fcm.requests()) - since, 1, f"messages to FCM {what}")

    daemon = Daemon(p2)
    s.at_end(daemon.stop)
    server.wait_for_component()
    delivered("to the daemon")
    log = os.path.join(p2.directory, "p2.log")

    def said(text):
        with open(log) as file:
            return text in file.read()

    daemon.signal(signal.SIGHUP)
    wait_until(lambda: said("the settings were read again"), "a reload in the log")
    delivered("after a reload")
    # Commands are run anywhere.
    listed = subprocess.run([p2.binary, f"--config={p2.config}", "list"], cwd="/", capture_output=True, text=True)
    eq(listed.returncode, 0, f"exit status of p2 list; it said {listed.stderr}")
    assert phone.node in listed.stdout, listed
    daemon.stop()
    for name in ("store", "p2.log", "p2.pid"):
        assert not os.path.exists("/" + name), f"/{name} was made"


def as_user_with_threads(p2, user, count):
    """Has p2 run as `user`, who may have so many threads: those of root are not limited."""
    directory = os.path.join(p2.directory, "bin")
    os.makedirs(directory, exist_ok=True)
    binary, script = os.path.join(directory, "p2"), os.path.join(directory, "limited")
    if not os.path.exists(binary):
        shutil.copy(p2.binary, binary)
    with open(script, "w") as file:
        file.write(f"#!/bin/sh\nexec setpriv --reuid={user} --regid={user} --clear-groups "
                   f"prlimit --nproc={count} {binary} \"$@\"\n")
    os.chmod(script, 0o755)
    p2.write_config()
    for path in (p2.directory, p2.store, p2.config, p2.properties["fcm.serviceAccountFile"]):
        os.chown(path, user, user)
    p2.binary = script


@scenario(sanitized=False)
def no_threads(s):
    """Where the system refuses threads p2 ends with one sentence and a code on which systemd tries again, or it serves"""
    if os.geteuid() != 0:
        return
    user = 54321
    codes = []
    for count in range(1, 40):
        server, fcm = s.fake_server(), s.own_fcm()
        p2 = s.p2(server, fcm, http_listen=f"127.0.0.1:{free_port()}", fcm_connections=1)
        for path in (os.path.dirname(s.directory), s.directory, os.path.dirname(fcm.ca_file)):
            os.chmod(path, 0o711)
        os.chmod(fcm.ca_file, 0o644)
        as_user_with_threads(p2, user, count)
        p2.start(write=False)
        wait_until(lambda: p2.process.exit_code() is not None or server.stream is not None, "p2 ends or serves")
        codes.append(p2.process.exit_code())
        if codes[-1] is None:
            break
        said = [line for line in p2.log().splitlines() if line.strip()]
        assert codes[-1] in (EX_OSERR, EX_CANTCREAT) and len(said) == 1, f"with {count} threads: {codes[-1]}, {said}"
    transcript.line(f"with 1, 2, … threads it ended with {codes}")
    assert codes[-1] is None and EX_OSERR in codes, codes
    p2.wait_for_log("connected")


@scenario()
def reload_before_the_start_is_done(s):
    """A reload before the XMPP server has accepted p2 does not make it count as started"""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = s.fake_server()
        p2 = s.p2(server, xmpp_port=silent.getsockname()[1]).start()
        p2.wait_for_log("has started")
        for _ in range(3):
            before = len(p2.process.lines())
            p2.hang_up()
            p2.wait_for_log("the settings were read again", since=before)
        assert not p2.says("READY=1", 1), "it says that it has started, and no server has accepted it"
        eq(p2.stop(), 0, "exit status")


@scenario()
def reloads_without_a_pause(s):
    """Reloads that come faster than the watchdog's reports are due do not keep these away"""
    server = s.fake_server()
    p2 = s.p2(server)
    p2.environment = {"WATCHDOG_USEC": "1000000"}
    p2.up()
    for _ in range(40):
        p2.hang_up()
        time.sleep(0.05)
    assert p2.says("WATCHDOG=1"), "it has not told the watchdog that it lives"


@scenario()
def through_a_link(s):
    """Started through a link, p2 finds the settings beside the program, at the start and at each reload"""
    server = s.fake_server()
    p2 = s.p2(server)
    place = os.path.join(p2.directory, "program")
    os.makedirs(place)
    shutil.copy(p2.binary, os.path.join(place, "p2"))
    p2.config = os.path.join(place, "p2.properties")
    p2.write_config()
    link = os.path.join(p2.directory, "p2")
    os.symlink("program/p2", link)
    process = Process("p2", [link], os.path.join(p2.directory, "log"), cwd="/")
    s.at_end(process.kill)
    process.wait_for_line(lambda line: "connected to the XMPP server" in line)
    process.send_signal(signal.SIGHUP)
    process.wait_for_line(lambda line: "the settings were read again" in line)
    eq(process.stop(), 0, "exit status")


@scenario()
def own_levels(s):
    """A reload leaves the levels alone that loggers have of their own"""
    server = s.fake_server()
    p2 = s.p2(server, **{"logging_loggers_c_name": "component", "logging_loggers_c_level": "error"}).up()
    for level in ("debug", "information"):
        p2.properties["logging.level"] = level
        p2.write_config()
        before = len(p2.process.lines())
        p2.hang_up()
        p2.wait_for_log("the settings were read again", since=before)
    server.drop()
    server.wait_for_component()
    eq([line for line in p2.process.lines() if " component:" in line and "Error" not in line], [], "lines below error")


@scenario()
def log_without_a_place(s):
    """A log file that cannot be made hides no fault of the start, and is itself named"""
    p2 = s.p2(s.fake_server(), **{"logging_channels_file_class": "FileChannel", "logging_loggers_root_channel": "file",
                                  "logging_channels_file_path": os.path.join(s.directory, "none", "p2.log")})
    blocked = os.path.join(s.directory, "a-file")
    open(blocked, "w").close()
    p2.properties["store.path"] = os.path.join(blocked, "store")
    refused(s, p2, blocked, "the log cannot be written", code=EX_CANTCREAT)


@scenario()
def commands_without_an_answer(s):
    """A daemon that does not answer is named within seconds, however many ask it"""
    p2 = s.p2(s.fake_server()).up()
    p2.process.send_signal(signal.SIGSTOP)
    try:
        asked = [subprocess.Popen([p2.binary, f"--config={p2.config}", "status"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True) for _ in range(20)]
        for command in asked:
            _, said = command.communicate(timeout=30)
            assert command.returncode != 0 and "does not answer" in said, (command.returncode, said)
    finally:
        p2.process.send_signal(signal.SIGCONT)
    eq(p2.stop(), 0, "exit status")
