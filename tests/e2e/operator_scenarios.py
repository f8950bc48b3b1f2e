"""What an operator and a monitoring system see of a running p2 over HTTP."""

import http.server
import json
import math
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from xml.sax.saxutils import escape

from p2test import shapes
from p2test.ports import free_port
from p2test.shapes import verdict

from stage import eq, scenario

#: Flags for a browser that is root in a container and calls nobody.
CHROMIUM = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--virtual-time-budget=8000")


def get(url):
    """(status, headers, body)"""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


@scenario()
def http_endpoint(s):
    """Metrics, health and status follow what happens, and hold no token, secret or account"""
    server = s.fake_server()
    url = f"http://127.0.0.1:{(port := free_port())}"
    s.p2(server, http_listen=f"127.0.0.1:{port}").up()
    registered = s.registered(server, 20)
    for registration, _, _ in registered:
        eq(verdict(server.iq(shapes.publish(registration.node, registration.secret))), "result", "a push")
    status, headers, metrics = get(url + "/metrics")
    eq(status, 200, "the status of /metrics")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers["Content-Type"]
    for line in ('p2_pushes_total{service="fcm",outcome="delivered"} 20', "p2_component_connected 1",
                 'p2_requests_total{kind="register"} 20', 'p2_requests_total{kind="publish"} 20'):
        assert line in metrics.splitlines(), f"{line} is not in the metrics:\n{metrics}"
    eq(get(url + "/readyz")[0], 200, "ready while connected")
    shown = json.loads(get(url + "/status.json")[2])
    eq((shown["connected"], shown["registrations"], shown["accessTokenValid"]), (True, 20, True), "the status")
    everything = metrics + "".join(get(url + path)[2] for path in ("/", "/status.json", "/history.json", "/readyz"))
    for registration, token, device in registered:
        for what in (registration.secret, registration.node, token, device, "hecuba"):
            assert what not in everything, "a page shows what nobody may see"


@scenario()
def not_ready(s):
    """While the server cannot be reached p2 is alive but not ready, and says why"""
    url = f"http://127.0.0.1:{(port := free_port())}"
    p2 = s.p2(s.fake_server(), http_listen=f"127.0.0.1:{port}", xmpp_port=free_port())
    p2.start()
    p2.wait_for_log("cannot reach", seconds=20)
    status, _, reason = get(url + "/readyz")
    eq(status, 503, "not ready without the server")
    assert "cannot reach the XMPP server" in reason, reason
    eq(get(url + "/healthz")[0], 200, "alive without the server")


@scenario(sanitized=False)
def status_page(s):
    """The status page draws itself in a real browser, by day and by night, without an outside resource"""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: packaging/dependencies tests"
    server = s.fake_server()
    url = f"http://127.0.0.1:{(port := free_port())}/"
    s.p2(server, http_listen=f"127.0.0.1:{port}").up()
    for registration, _, _ in s.registered(server, 5):
        eq(verdict(server.iq(shapes.publish(registration.node, registration.secret))), "result", "a push")
    common = [chromium, *CHROMIUM, f"--user-data-dir={s.directory}/chromium"]
    shown = subprocess.run([*common, "--dump-dom", url], capture_output=True, text=True, timeout=60).stdout
    for part in ('data-state="shown"', "All is well", "Registrations", "access granted", "<svg"):
        assert part in shown, f"{part} is not on the page:\n{shown[-3000:]}"
    pictures = os.environ.get("TESTS_PICTURES", s.directory)
    for name, more in {"desktop-light": ["--window-size=1100,1150"],
                       "phone-dark": ["--window-size=420,1500", "--blink-settings=preferredColorScheme=0"]}.items():
        picture = os.path.join(pictures, f"status-{name}.png")
        subprocess.run([*common, *more, f"--screenshot={picture}", url], capture_output=True, timeout=60, check=True)
        assert os.path.getsize(picture) > 10000, f"{picture} is empty"


SIZES = {"desktop": "1100,1150", "phone": "420,1700"}
SCHEMES = {"light": [], "dark": ["--blink-settings=preferredColorScheme=0"]}
STEP = 60
DAY = 24 * 60


def busy_day(now):
    """A day as /history.json has it: more by day than by night, an hour in which FCM failed, half an hour without p2."""
    for minute in range(DAY):
        end = now - (DAY - 1 - minute) * STEP
        if 500 <= minute < 530:
            continue
        pushes = int(900 + 700 * math.sin(minute / 229) + 90 * math.sin(minute / 3.1))
        down = 900 <= minute < 960
        failed = pushes * 7 // 10 if down else pushes // 200
        median = 180 + 60 * math.sin(minute / 100) + (900 if down else 0)
        yield [end, pushes - failed - 2, 2, failed, round(median, 1), round(median * 4.2, 1), True]


class Staged:
    """p2's page and its true status, with a history that would take a day to come about."""

    def __init__(self, url, history):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, headers, body = get(url + self.path)
                if self.path == "/history.json":
                    body = json.dumps(history)
                self.send_response(status)
                for name in ("Content-Type", "Content-Security-Policy", "X-Content-Type-Options"):
                    self.send_header(name, headers[name])
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@scenario(long=True)
def status_pictures(s):
    """Pictures of the status page, quiet, under load and in trouble, by day and by night, on desktop and phone"""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: packaging/dependencies tests"
    server = s.fake_server()
    p2 = s.p2(server, http_listen=f"127.0.0.1:{(port := free_port())}", push_deadline="1s").up()
    url = f"http://127.0.0.1:{port}"
    pictures = os.environ.get("TESTS_PICTURES", s.directory)
    common = [chromium, *CHROMIUM, f"--user-data-dir={s.directory}/chromium"]

    def take(name, address, *words):
        shown = subprocess.run([*common, "--dump-dom", address], capture_output=True, text=True, timeout=60).stdout
        for word in ('data-state="shown"', *words):
            assert word in shown, f"{word} is not on the page {name}:\n{shown[-3000:]}"
        for size, pixels in SIZES.items():
            for scheme, flags in SCHEMES.items():
                picture = os.path.join(pictures, f"status-{name}-{size}-{scheme}.png")
                subprocess.run([*common, *flags, f"--window-size={pixels}", f"--screenshot={picture}", address],
                               capture_output=True, timeout=60, check=True)
                assert os.path.getsize(picture) > 10000, f"{picture} is empty"

    take("quiet", url, "All is well", "not asked yet", "Nothing since p2 has started.")
    staged = Staged(url, list(busy_day(int(time.time()))))
    s._cleanup.append(staged.close)
    made = s.registered(server, 300)
    for fault in ("503", "quota", "permission_denied", None):
        if fault:
            s.fcm.misbehave(fault)
        for registration, _, _ in made[:5] if fault else made:
            server.send(server.request(shapes.publish(registration.node, registration.secret))[1].encode())
        if fault:
            p2.wait_for_log("a push to FCM failed", seconds=20)
        s.fcm.behave()
    take("load", staged.url, "All is well", "access granted", "a push to FCM failed")
    server.secret = "another"
    server.drop()
    p2.wait_for_log("refuses the shared secret", seconds=20)
    take("trouble", staged.url, "Something is wrong", "refuses the shared secret")


# ----------------------------------------------------------------------------------------------------------- the log

FORGED = "<6>p2: forged"


def quarrel(s, server, p2):
    """A push that succeeds, one whose phone is gone, and a server that says what looks like lines of a log."""
    (kept, _, _), (gone, token, _) = s.registered(server, 2)
    s.fcm.misbehave("unregistered", token=token)
    eq([verdict(server.iq(shapes.publish(r.node, r.secret))) for r in (kept, gone)],
       ["result", "cancel/item-not-found"], "the pushes")
    s.fcm.behave()
    stream = server.stream
    server.send(f"<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:"
                f"ns:xmpp-streams'>a\n{escape(FORGED)}&#10;{escape(FORGED)}</text></stream:error></stream:stream>".encode())
    server.wait_for_other_stream(stream)
    return kept, gone


@scenario()
def log_lines(s):
    """The log has one line an event, each with time, level and source, whatever a server says"""
    server = s.fake_server()
    p2 = s.p2(server, logging_level="trace", fcm_goneAfter="0").up()
    kept, gone = quarrel(s, server, p2)
    p2.stop()
    for line in p2.log().splitlines():
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z][a-z]+ [A-Za-z0-9]+: \S", line), f"no event: {line}"
    for words in (f"Debug proxy: registered {kept.node[:4]}~ of im.localhost",
                  f"Information proxy: removed {gone.node[:4]}~ of im.localhost: its target is gone",
                  "Warning component: "):
        assert words in p2.log(), f"{words!r} is not in the log:\n{p2.log()}"
    assert "<iq" not in p2.log() and "<command" not in p2.log(), "stanzas are in the log"


@scenario()
def journal_lines(s):
    """Below systemd each line tells the journal its level, in the journal's own protocol or in front of the line"""
    server = s.fake_server()
    p2 = s.p2(server, logging_level="debug", fcm_goneAfter="0")
    p2.write_config()
    path = os.path.join(s.directory, "journal")
    with open(path, "w") as file:
        status = os.fstat(file.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        running = subprocess.Popen([p2.binary, f"--config={p2.config}"], stdout=file, stderr=file, env=environment)
    s._cleanup.append(running.kill)
    server.wait_for_component()
    kept, _ = quarrel(s, server, p2)
    running.terminate()
    eq(running.wait(30), 0, "how it ended")
    with open(path) as file:
        text = file.read()
    if os.path.exists("/run/systemd/journal/socket"):  # the fields of its protocol are tested with the channel
        eq(text, "", "what went past the journal")
        return
    for line in text.splitlines():
        assert re.match(r"<[1-7]>[A-Za-z0-9]+: \S", line), f"no event: {line}"
    assert f"<7>proxy: registered {kept.node[:4]}~ of im.localhost\n" in text, text
    assert "\n" + FORGED not in text, text
