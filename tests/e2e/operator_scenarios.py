"""What an operator and a monitoring system see of a running p2 over HTTP."""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request

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
    for line in ('p2_pushes_total{outcome="delivered"} 20', "p2_component_connected 1",
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


@scenario()
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
    pictures = os.environ.get("P2_PICTURES", s.directory)
    for name, more in {"desktop-light": ["--window-size=1100,1150"],
                       "phone-dark": ["--window-size=420,1500", "--blink-settings=preferredColorScheme=0"]}.items():
        picture = os.path.join(pictures, f"status-{name}.png")
        subprocess.run([*common, *more, f"--screenshot={picture}", url], capture_output=True, timeout=60, check=True)
        assert os.path.getsize(picture) > 10000, f"{picture} is empty"
