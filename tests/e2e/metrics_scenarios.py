"""What monitoring makes of p2's metrics: promtool, a real Prometheus, the alert rules and the dashboard."""

import itertools
import json
import os
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

import yaml

from p2test import shapes, transcript
from p2test.ports import free_port
from p2test.process import Process

from stage import eq, scenario, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = os.path.join(ROOT, "packaging", "prometheus", "p2.rules.yml")
RULES_TEST = os.path.join(ROOT, "tests", "data", "p2.rules.test.yml")
DASHBOARD = os.path.join(ROOT, "packaging", "grafana", "p2.json")
#: What Grafana puts in, for a Prometheus that scrapes five times a second.
VARIABLES = {"$__rate_interval": "10s", "$instance": ".*", "$service": ".*", "$datasource": ""}


def promtool(*arguments, stdin=None):
    assert shutil.which("promtool"), "promtool is not installed: packaging/dependencies tests"
    done = subprocess.run(["promtool", *arguments], input=stdin, capture_output=True, text=True, timeout=60)
    transcript.line(f"promtool {' '.join(arguments)}: {done.returncode} {done.stdout}{done.stderr}")
    return done


class Prometheus:
    """A real one on loopback that scrapes `port` as job p2, with the alert rules that p2 ships."""

    def __init__(self, directory, port):
        os.makedirs(directory)
        rules = os.path.join(directory, "p2.rules.yml")
        shutil.copy(RULES, rules)
        config = os.path.join(directory, "prometheus.yml")
        with open(config, "w") as file:
            yaml.safe_dump({"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms",
                                       "evaluation_interval": "500ms"}, "rule_files": [rules],
                            "scrape_configs": [{"job_name": "p2", "static_configs": [
                                {"targets": [f"127.0.0.1:{port}"]}]}]}, file)
        self.url = f"http://127.0.0.1:{(own := free_port())}"
        self.process = Process("prometheus", ["prometheus", f"--config.file={config}",
                                              f"--storage.tsdb.path={directory}/data",
                                              f"--web.listen-address=127.0.0.1:{own}", "--log.level=warn"],
                               os.path.join(directory, "prometheus.log"))

    def get(self, path, **query):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def is_up(self):
        try:
            return [target["health"] for target in self.get("/api/v1/targets")["activeTargets"]] == ["up"]
        except OSError:
            return False

    def query(self, expression):
        return self.get("/api/v1/query", query=expression)["result"]


def dashboard_queries(dashboard):
    """(panel, query) of all there are, with Grafana's variables put in."""
    def put_in(expression):
        for name, value in VARIABLES.items():
            expression = expression.replace(name, value)
        assert "$" not in expression, f"a variable that Grafana does not know: {expression}"
        return expression

    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], put_in(target["expr"])


@scenario(sanitized=False)
def alert_rules(s):
    """The alert rules are well formed, and each has a case in which it fires and one in which it does not"""
    del s
    eq(promtool("check", "rules", RULES).returncode, 0, "promtool check rules")
    eq(promtool("test", "rules", RULES_TEST).returncode, 0, "promtool test rules")
    with open(RULES) as file:
        alerts = {rule["alert"] for group in yaml.safe_load(file)["groups"] for rule in group["rules"]}
    with open(RULES_TEST) as file:
        cases = [case for test in yaml.safe_load(file)["tests"] for case in test["alert_rule_test"]]
    eq({case["alertname"] for case in cases if case.get("exp_alerts")}, alerts, "alerts that a test sees firing")
    eq({case["alertname"] for case in cases if not case.get("exp_alerts")}, alerts, "alerts that a test sees quiet")


@scenario(sanitized=False, alone=True)
def prometheus(s):
    """A real Prometheus scrapes p2; all queries of the dashboard return data, all alerts evaluate, none fires"""
    assert shutil.which("prometheus"), "prometheus is not installed: packaging/dependencies tests"
    server = s.fake_server()
    port = free_port()
    s.p2(server, http_listen=f"127.0.0.1:{port}").up()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        metrics = answer.read().decode()
    checked = promtool("check", "metrics", stdin=metrics)
    eq((checked.returncode, checked.stdout + checked.stderr), (0, ""), "promtool check metrics")
    monitor = Prometheus(os.path.join(s.directory, "prometheus"), port)
    s._cleanup.append(monitor.process.stop)
    until(monitor.is_up, "a Prometheus that has scraped p2")
    made = s.registered(server, 3)
    for registration, _, _ in made:
        server.iq(shapes.publish(registration.node, registration.secret))
    with open(DASHBOARD) as file:
        queries = list(dashboard_queries(json.load(file)))
    assert len(queries) > 20, f"only {len(queries)} queries"

    numbers = itertools.count()

    def without_data():
        """A quantile of nothing is NaN: it needs a push and a registration between two scrapes."""
        s.registered(server, 1, sender=f"user-{next(numbers)}@im.localhost/x")
        for registration, _, _ in made:
            server.iq(shapes.publish(registration.node, registration.secret))
        results = {query: monitor.query(query) for _, query in queries}
        return [query for query, result in results.items()
                if not result or any(entry["value"][1] == "NaN" for entry in result)]

    until(lambda: not without_data(), f"data for each query of the dashboard (without: {without_data()})", seconds=20)
    with open(RULES) as file:
        rules = yaml.safe_load(file)["groups"][0]["rules"]
    until(lambda: all(rule["health"] == "ok" for group in monitor.get("/api/v1/rules")["groups"]
                      for rule in group["rules"]), "a Prometheus that has evaluated all rules")
    for rule in rules:
        for name in re.findall(r"\b(?:p2|process)_[a-z0-9_]+", rule["expr"]):
            assert monitor.query(f"count({name})"), f"{rule['alert']} is about {name}, which p2 does not have"
    eq(monitor.get("/api/v1/alerts")["alerts"], [], "alerts of a p2 that is well")
    # The names on the dashboard and in the rules are p2's; are p2's on the dashboard?
    names = set(re.findall(r"^# TYPE (\w+)", metrics, re.MULTILINE))
    shown = " ".join(query for _, query in queries) + " ".join(rule["expr"] for rule in rules)
    unseen = {name for name in names if name not in shown} - {
        "p2_build_info", "p2_fcm_access_token_expiry_timestamp_seconds", "p2_answers_expired_total",
        "p2_push_callback_errors_total", "p2_stanzas_received_total", "p2_stanzas_sent_total"}
    eq(unseen, set(), "metrics that neither dashboard nor alerts use")
