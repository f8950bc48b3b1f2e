"""The FCM stand-in as a process of its own, and what a test asks of it."""

import http.client
import json
import os
import sys
import urllib.parse

from .process import Process

_PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fcm_standin.py")


class Fcm:
    """Starts fcm_standin.py; `endpoint`, `ca_file`, `service_account` and `auth_key` are for p2's properties."""

    def __init__(self, directory, detached=False, **options):
        os.makedirs(directory, exist_ok=True)
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.process = Process("fcm", [sys.executable, _PROGRAM, "--directory", directory, *arguments],
                               os.path.join(directory, "fcm.log"), detached=detached)
        self.info = self._read_info()
        self.endpoint = self.info["endpoint"]
        self.port = self.info["port"]
        self.ca_file = self.info["ca_file"]
        self.service_account = self.info["service_account"]
        self.auth_key = self.info["auth_key"]

    def _read_info(self):
        if hasattr(self.process, "_reader"):
            return json.loads(self.process.wait_for_line(lambda line: line.startswith("{"), 30))
        import time
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with open(self.process.log) as file:
                for line in file:
                    if line.startswith("{") and line.endswith("\n"):
                        return json.loads(line)
            time.sleep(0.05)
        raise RuntimeError("the FCM stand-in did not start:\n" + self.process.tail())

    def _ask(self, method, path, body=None, seconds=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.info["control"], timeout=seconds)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"the FCM stand-in refuses {body}: {text.decode()}")
            return json.loads(text)
        finally:
            connection.close()

    def control(self, **order):
        """See fcm_standin.Control.apply."""
        self._ask("POST", "/_control", order)

    def misbehave(self, fault, token=None, times=None, endpoint="send", **more):
        """From now on answers `fault`: to all or to `token`, always or `times` times."""
        order = {"fault": fault, "endpoint": endpoint, **more}
        if token is not None:
            order["token"] = token
        if times is not None:
            order["times"] = times
        self.control(**order)

    def behave(self):
        """Ends all misbehaviour."""
        self.control(clear=True)

    def requests(self, endpoint="send", since=0, at_least=0, wait=0, token=None):
        """The records of requests to `endpoint` (None: all), waiting up to `wait` seconds for `at_least` of them."""
        query = {"since": since, "atleast": at_least, "wait": wait}
        if endpoint:
            query["endpoint"] = endpoint
        found = self._ask("GET", "/_requests?" + urllib.parse.urlencode(query), seconds=wait + 30)
        return [r for r in found if token is None or r["token"] == token]

    def wait_for_push(self, token, count=1, endpoint="send", seconds=15):
        """The `count`-th request for `token`; raises when it does not come."""
        import time
        deadline = time.monotonic() + seconds
        wanted = count
        while True:
            found = self.requests(endpoint, at_least=wanted, wait=max(0, deadline - time.monotonic()))
            mine = [r for r in found if r["token"] == token]
            if len(mine) >= count:
                return mine[count - 1]
            if time.monotonic() >= deadline:
                raise AssertionError(f"FCM got {len(mine)} of {count} pushes for this token in {seconds} s "
                                     f"({len(found)} for all)")
            wanted = len(found) + 1

    def state(self):
        return self._ask("GET", "/_state")

    def stop(self):
        if self.process.exit_code() is None:
            self.process.stop()
