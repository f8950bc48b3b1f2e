#!/usr/bin/python3
"""A stand-in for Google's FCM: HTTP v1, the legacy API and the OAuth token endpoint, over TLS, on loopback.

    fcm_standin.py [--directory DIR] [--latency MS] [--record FILE] …

prints one JSON line with its ports and files when it is ready. It checks what it gets as Google would (the
shape of the message, the bearer token, the JWT's signature and claims), keeps every request, and misbehaves when told
to. Control, over plain HTTP on the `control` port:

    GET  /_requests?since=N&atleast=M&wait=S   the records from number N on; waits up to S seconds until there are M
    POST /_control                             a JSON object, see Control.apply
    GET  /_state                               counters: requests, connections, tokens issued

Importable as well: FcmStandIn(directory).start() runs it in a thread of its own.
"""

import argparse
import asyncio
import base64
import json
import os
import secrets
import signal
import ssl
import sys
import tempfile
import threading
import time
import urllib.parse

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from certificates import Authority, pem_of_key, rsa_key  # noqa: E402
from fcm_answers import FAULTS, answer_of, field_violation, google_error, invalid_grant, legacy_result, of_json  # noqa: E402

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLOCK_SKEW = 300
RESERVED = ("from", "message_type")
REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable", 504: "Gateway Timeout"}
#: Faults of the transport; every other name is in fcm_answers.FAULTS, or is `answer` (status and body given).
TRANSPORT_FAULTS = ("close", "close_mid", "close_after", "hang", "slow", "trickle", "huge", "garbage", "redirect",
                    "chunked", "not_modified", "short_lived", "canonical")


def _from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# ------------------------------------------------------------------------------------------------ what Google checks


def message_fault(body):
    """None if `body` (bytes) is a well-formed v1 request, else (field, what is wrong with it)."""
    try:
        request = json.loads(body)
    except ValueError:
        return "", "not JSON"
    if not isinstance(request, dict) or set(request) - {"message", "validate_only", "validateOnly"}:
        return "", "an object with `message` is expected"
    message = request.get("message")
    if not isinstance(message, dict):
        return "message", "missing"
    if set(message) - {"token", "data", "android"}:
        return "message", "unknown name " + ", ".join(set(message) - {"token", "data", "android"})
    if not isinstance(message.get("token"), str) or not message["token"]:
        return "message.token", "Recipient of the message is not set."
    data = message.get("data", {})
    if not isinstance(data, dict):
        return "message.data", "not an object"
    for key, value in data.items():
        if not isinstance(value, str):
            return f"message.data[{key}]", "not a string"
        if key in RESERVED or key.startswith(("google", "gcm")):
            return f"message.data[{key}]", "reserved"
    if len(json.dumps(data)) > 4096:
        return "message.data", "Android message is too big"
    return _android_fault(message.get("android", {}))


def _android_fault(android):
    if not isinstance(android, dict) or set(android) - {"priority", "collapse_key", "collapseKey", "ttl"}:
        return "message.android", "unknown name"
    if android.get("priority", "HIGH") not in ("HIGH", "NORMAL"):
        return "message.android.priority", "not HIGH or NORMAL"
    if not isinstance(android.get("collapse_key", ""), str):
        return "message.android.collapse_key", "not a string"
    ttl = android.get("ttl", "0s")
    try:
        if not (ttl.endswith("s") and 0 <= float(ttl[:-1]) <= 2419200):
            return "message.android.ttl", "out of range"
    except (AttributeError, ValueError):
        return "message.android.ttl", "not a duration as in \"86400s\""
    return None


def grant_fault(body, account, public_key, now):
    """None if the form holds a JWT that Google would accept for `account`, else the error_description."""
    form = urllib.parse.parse_qs(body.decode("latin-1"))
    if form.get("grant_type") != [JWT_GRANT] or len(form.get("assertion", [])) != 1:
        return "Bad request: grant_type or assertion"
    parts = form["assertion"][0].split(".")
    try:
        header, claims = (json.loads(_from_base64url(part)) for part in parts[:2])
        signature = _from_base64url(parts[2])
    except (ValueError, IndexError):
        return "Invalid JWT: not three parts of base64url JSON"
    if header != {"alg": "RS256", "typ": "JWT", "kid": account["private_key_id"]}:
        return "Invalid JWT Signature."
    try:
        public_key.verify(signature, ".".join(parts[:2]).encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return "Invalid JWT Signature."
    if claims.get("iss") != account["client_email"]:
        return "Invalid grant: account not found"
    if claims.get("aud") != account["token_uri"] or claims.get("scope") != SCOPE:
        return "Invalid JWT: audience or scope"
    issued, expires = claims.get("iat"), claims.get("exp")
    if type(issued) is not int or type(expires) is not int:
        return "Invalid JWT: iat and exp must be whole numbers"
    if expires - issued > 3600 or expires <= now or issued > now + CLOCK_SKEW:
        return ("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim.")
    return None


# --------------------------------------------------------------------------------------------------------- the server


class Control:
    """What the stand-in was told to do wrong, and when to stop doing so. Used by the loop's thread only."""

    def __init__(self):
        self.rules = []

    def apply(self, order, stand_in):
        """One order: any of
        {"fault": NAME, "token": T or absent for all, "endpoint": "send" (default), "legacy" or "token", "times": N or
        absent until cleared, "ms": for slow, "retry_after": seconds or text, "status" and "body": for `answer`},
        {"clear": true}, {"expire_tokens": true}, {"latency": ms}, {"forget": true} (the records),
        {"drop_connections": true}, {"new_key": FILE} (the account gets one more key, which is written there),
        {"revoke_old_keys": true} (all but the newest)."""
        if order.get("clear"):
            self.rules.clear()
        if order.get("expire_tokens"):
            stand_in.access_tokens.clear()
        if order.get("forget"):
            stand_in.records.clear()
        if order.get("drop_connections"):
            for connection in list(stand_in.connections):
                if not connection.controls:
                    connection.abort()
        if "new_key" in order:
            stand_in.add_key(order["new_key"])
        if order.get("revoke_old_keys"):
            del stand_in.keys[:-1]
        if "latency" in order:
            stand_in.latency = order["latency"] / 1000
        if "fault" in order:
            name = order["fault"]
            if name not in FAULTS and name not in TRANSPORT_FAULTS and name != "answer":
                raise ValueError(f"no fault {name}; there are: {', '.join([*FAULTS, *TRANSPORT_FAULTS, 'answer'])}")
            self.rules.append({"endpoint": "send", **order})

    def match(self, endpoint, token):
        for rule in self.rules:
            if rule["endpoint"] == endpoint and rule.get("token", token) == token:
                if "times" in rule:
                    rule["times"] -= 1
                    if rule["times"] <= 0:
                        self.rules.remove(rule)
                return rule
        return None


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection: requests are answered one after the other, pipelined ones wait."""

    def __init__(self, stand_in, listener):
        self._stand_in = stand_in
        self._listener = listener
        self._buffer = bytearray()
        self._busy = False
        self._reading = False
        self.transport = None
        self.requests = 0

    def connection_made(self, transport):
        self.transport = transport
        self._stand_in.connections.add(self)
        self._stand_in.connections_made += 1

    @property
    def controls(self):
        return self._listener == "control"

    def connection_lost(self, _):
        self._stand_in.connections.discard(self)

    def abort(self):
        if self.transport:
            self.transport.abort()

    def data_received(self, data):
        self._buffer += data
        if not self._busy:
            self._read_requests()

    def _read_requests(self):
        if self._reading:  # an answer that is given at once comes back here: the loop below goes on
            return
        self._reading = True
        while not self._busy:
            request = self._next_request()
            if request is None:
                break
            self.requests += 1
            self._busy = True
            self._stand_in.handle(self, *request)
        self._reading = False

    def _next_request(self):
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body, used = self._body(headers, end + 4)
        if body is None:
            return None
        del self._buffer[:used]
        method, _, rest = head[0].partition(" ")
        return method, rest.rpartition(" ")[0], headers, body

    def _body(self, headers, start):
        if headers.get("transfer-encoding", "").lower() != "chunked":
            end = start + int(headers.get("content-length", 0))
            return (bytes(self._buffer[start:end]), end) if len(self._buffer) >= end else (None, 0)
        body = b""
        while True:
            line_end = self._buffer.find(b"\r\n", start)
            if line_end < 0:
                return None, 0
            size = int(self._buffer[start:line_end].split(b";")[0], 16)
            start = line_end + 2 + size + 2
            if len(self._buffer) < start:
                return None, 0
            if size == 0:
                return body, start
            body += bytes(self._buffer[line_end + 2:line_end + 2 + size])

    def answer(self, status, headers, body, close=False):
        self.write(self.head(status, {**headers, "Content-Length": len(body)}) + body)
        self.done(close)

    @staticmethod
    def head(status, headers):
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def write(self, data):
        if not self.transport.is_closing():
            self.transport.write(data)

    def done(self, close=False):
        if close:
            self.transport.close()
            return
        self._busy = False
        self._read_requests()


class FcmStandIn:
    """The stand-in itself. start() from any thread; the state belongs to the thread of its loop."""

    def __init__(self, directory, latency=0, token_lifetime=3599, record=None, project="p2-test",
                 listeners=("expired", "wrong_name", "untrusted")):
        self.directory = directory
        self.latency = latency / 1000
        self.token_lifetime = token_lifetime
        self.auth_key = "AAAA" + secrets.token_urlsafe(24)
        self.project = project
        self.control = Control()
        self.records = []
        self.access_tokens = {}
        self.tokens_issued = 0
        self.connections = set()
        self.connections_made = 0
        self._message_number = 0
        self.keys = []  # (private_key_id, public key), the newest last
        self._record_file = open(record, "a", buffering=1) if record else None
        self._listeners = listeners
        self._changed = None
        self._thread = None
        self._loop = None
        self.info = {}

    # ---- start and stop

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _context(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context

    def _certificates(self):
        authority, stranger = Authority(), Authority("a CA that nobody trusts")
        with open(self._path("ca.pem"), "wb") as file:
            file.write(authority.pem())
        yield "good", authority.issue(self._path("good.pem"))
        if "expired" in self._listeners:
            yield "expired", authority.issue(self._path("expired.pem"), valid_days=(-9, -2))
        if "wrong_name" in self._listeners:
            yield "wrong_name", authority.issue(self._path("wrong_name.pem"), names=("fcm.invalid",))
        if "untrusted" in self._listeners:
            yield "untrusted", stranger.issue(self._path("untrusted.pem"))

    def _write_account(self, name, port):
        account = dict(self._account, token_uri=f"https://localhost:{port}/token")
        with open(self._path(name), "w") as file:
            json.dump(account, file, indent=2)
        os.chmod(self._path(name), 0o600)
        return self._path(name)

    def _new_key(self):
        """One more key of the account: its fields of the file."""
        key = rsa_key()
        fields = {"private_key_id": secrets.token_hex(20), "private_key": pem_of_key(key).decode()}
        self.keys.append((fields["private_key_id"], key.public_key()))
        return fields

    def add_key(self, path):
        self._account.update(self._new_key())
        with open(path, "w") as file:
            json.dump(self._account, file, indent=2)

    def _grant_fault(self, body):
        """None if one of the account's keys makes the grant good, else what is wrong with it."""
        fault = None
        for key_id, public_key in self.keys:
            fault = grant_fault(body, dict(self._account, private_key_id=key_id), public_key, time.time())
            if fault is None:
                return None
        return fault

    async def _open(self):
        self._changed = asyncio.Event()
        self._account = {
            "type": "service_account", "project_id": self.project, **self._new_key(),
            "client_id": "100000000000000000001",
            "client_email": f"push@{self.project}.iam.gserviceaccount.invalid",
            "auth_uri": "https://localhost/auth", "universe_domain": "localhost"}
        loop = asyncio.get_running_loop()
        ports = {}
        for name, certificate in self._certificates():
            server = await loop.create_server(lambda n=name: Connection(self, n), "127.0.0.1", 0,
                                              ssl=self._context(certificate), backlog=1024)
            ports[name] = server.sockets[0].getsockname()[1]
        control = await loop.create_server(lambda: Connection(self, "control"), "127.0.0.1", 0)
        self._account["token_uri"] = f"https://localhost:{ports['good']}/token"
        files = {name: self._write_account(f"{name}-service-account.json", port) for name, port in ports.items()}
        self.info = {
            "port": ports["good"], "endpoint": f"https://localhost:{ports['good']}",
            "control": control.sockets[0].getsockname()[1], "ports": ports, "ca_file": self._path("ca.pem"),
            "service_account": files["good"], "service_accounts": files, "auth_key": self.auth_key,
            "project": self.project, "pid": os.getpid()}

    def start(self):
        """Opens the listeners and serves in a thread of its own; gives self, with `info` filled."""
        ready = threading.Event()

        async def serve():
            await self._open()
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            ready.set()
            await self._stop.wait()

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), name="fcm", daemon=True)
        self._thread.start()
        if not ready.wait(20):
            raise RuntimeError("the FCM stand-in did not start")
        return self

    def stop(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    # ---- requests

    def handle(self, connection, method, target, headers, body):
        if self.latency and not connection.controls:
            asyncio.get_running_loop().call_later(self.latency, self._handle, connection, method, target, headers,
                                                  body)
        else:
            self._handle(connection, method, target, headers, body)

    def _handle(self, connection, method, target, headers, body):
        path, _, query = target.partition("?")
        if connection.controls:
            self._controlled(connection, method, path, urllib.parse.parse_qs(query), body)
        elif path.startswith("/v1/projects/") and path.endswith("/messages:send"):
            self._send(connection, method, path.split("/")[3], headers, body)
        elif path == "/fcm/send":
            self._legacy(connection, method, headers, body)
        elif path == "/token":
            self._token(connection, method, headers, body)
        else:
            self._record(connection, "other", None, headers, body, 404, path=path)
            connection.answer(*answer_of("html404"))

    def _record(self, connection, endpoint, token, headers, body, status, **more):
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = None
        record = {"number": len(self.records), "time": time.time(), "endpoint": endpoint, "token": token,
                  "status": status, "connection": id(connection) & 0xffffffff, "request": connection.requests,
                  "json": parsed, "headers": {k: v for k, v in headers.items() if k != "authorization"}, **more}
        self.records.append(record)
        if self._record_file:
            self._record_file.write(json.dumps(record) + "\n")
        self._changed.set()

    def _reply(self, connection, endpoint, token, headers, body, honest, **more):
        """Records the request and answers `honest`, or as the rule for this target says."""
        rule = self.control.match(endpoint, token)
        status, answer_headers, answer_body = honest
        if rule is None:
            self._record(connection, endpoint, token, headers, body, status, **more)
            connection.answer(status, answer_headers, answer_body)
            return
        fault = rule["fault"]
        if fault in FAULTS:
            status, answer_headers, answer_body = answer_of(fault)
        elif fault == "answer":
            status, answer_body = rule["status"], rule.get("body", "").encode()
            answer_headers = rule.get("headers", {"Content-Type": "application/json"})
        elif fault == "canonical":
            status, answer_headers, answer_body = legacy_result(
                {"message_id": "0:1", "registration_id": rule["replacement"]}, success=1)
        elif fault == "short_lived" and status == 200:
            value = json.loads(answer_body)
            value["expires_in"] = rule["seconds"]
            self.access_tokens[value["access_token"]] = time.time() + rule["seconds"]
            answer_body = json.dumps(value).encode()
        if "retry_after" in rule:
            answer_headers = {**answer_headers, "Retry-After": rule["retry_after"]}
        self._record(connection, endpoint, token, headers, body, status, fault=fault, **more)
        self._misbehave(connection, rule, status, answer_headers, answer_body)

    def _misbehave(self, connection, rule, status, headers, body):
        fault = rule["fault"]
        loop = asyncio.get_running_loop()
        if fault == "close":
            connection.abort()
        elif fault == "close_mid":
            whole = connection.head(status, {**headers, "Content-Length": len(body)}) + body
            connection.write(whole[:-len(body) // 2 - 1])
            connection.transport.close()
        elif fault == "close_after":
            connection.answer(status, headers, body, close=True)
        elif fault == "hang":
            pass
        elif fault == "slow":
            loop.call_later(rule["ms"] / 1000, connection.answer, status, headers, body)
        elif fault == "trickle":
            whole = connection.head(status, {**headers, "Content-Length": len(body)}) + body
            self._trickle(connection, whole, 0, rule.get("ms", 50) / 1000)
        elif fault == "huge":
            size = rule.get("bytes", 100_000_000)
            connection.write(connection.head(200, {"Content-Length": size}) + b"{")
            loop.create_task(self._pour(connection, size - 1))
        elif fault == "garbage":
            connection.write(b"\x00\xff\x16\x03 this is not HTTP\r\n" + os.urandom(64))
            connection.transport.close()
        elif fault == "redirect":
            connection.answer(302, {"Location": rule.get("location", "https://localhost:1/elsewhere")}, b"")
        elif fault == "chunked":
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 7]), body[i:i + 7]) for i in range(0, len(body), 7))
            connection.write(connection.head(status, {**headers, "Transfer-Encoding": "chunked"}) + chunks
                             + b"0\r\n\r\n")
            connection.done()
        elif fault == "not_modified":
            connection.write(connection.head(304, {}))
            connection.done()
        else:
            connection.answer(status, headers, body)

    def _trickle(self, connection, data, at, pause):
        if at < len(data) and not connection.transport.is_closing():
            connection.write(data[at:at + 1])
            asyncio.get_running_loop().call_later(pause, self._trickle, connection, data, at + 1, pause)
        else:
            connection.done()

    @staticmethod
    async def _pour(connection, size):
        block = b"x" * 65536
        while size > 0 and not connection.transport.is_closing():
            connection.write(block[:size])
            size -= len(block)
            while connection.transport.get_write_buffer_size() > 1 << 20 and not connection.transport.is_closing():
                await asyncio.sleep(0.005)
        connection.done()

    def _send(self, connection, method, project, headers, body):
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        fault = message_fault(body)
        token = None if fault else json.loads(body)["message"]["token"]
        authorized = scheme == "Bearer" and self.access_tokens.get(bearer, 0) > time.time()
        if method != "POST":
            honest = answer_of("html404")
        elif not authorized:
            honest = answer_of("unauthenticated")
        elif project != self.project:
            honest = google_error(403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied")
        elif fault:
            honest = field_violation(*fault)
        else:
            self._message_number += 1
            honest = of_json(200, {"name": f"projects/{project}/messages/0:{self._message_number}"})
        problem = f"{fault[0]}: {fault[1]}" if fault else None
        self._reply(connection, "send", token, headers, body, honest, authorized=authorized, problem=problem,
                    project=project, bearer=bearer[-6:])

    def _legacy(self, connection, method, headers, body):
        try:
            request = json.loads(body)
            token = request["to"]
            problem = None if isinstance(token, str) and isinstance(request.get("data", {}), dict) else "shape"
        except (ValueError, KeyError, TypeError):
            token, problem = None, "not JSON, or no `to`"
        authorized = headers.get("authorization") == "key=" + self.auth_key
        self._message_number += 1
        if method != "POST" or problem:
            honest = (400, {"Content-Type": "text/plain"}, b"JSON_PARSING_ERROR")
        elif not authorized:
            honest = (401, {"Content-Type": "text/html"}, b"<HTML><TITLE>Unauthorized</TITLE></HTML>")
        else:
            honest = legacy_result({"message_id": f"0:{self._message_number}"}, success=1)
        self._reply(connection, "legacy", token, headers, body, honest, authorized=authorized, problem=problem)

    def _token(self, connection, method, headers, body):
        fault = "not a POST" if method != "POST" else self._grant_fault(body)
        if fault:
            honest = invalid_grant(fault)
        else:
            access_token = "ya29." + secrets.token_urlsafe(48)
            self.access_tokens[access_token] = time.time() + self.token_lifetime
            self.tokens_issued += 1
            honest = of_json(200, {"access_token": access_token, "expires_in": self.token_lifetime,
                                   "token_type": "Bearer"})
        self._reply(connection, "token", None, headers, b"", honest, problem=fault)

    # ---- control

    def _controlled(self, connection, method, path, query, body):
        def number(name, default):
            return float(query.get(name, [default])[0])

        if method == "GET" and path == "/_requests":
            asyncio.get_running_loop().create_task(self._answer_requests(
                connection, int(number("since", 0)), int(number("atleast", 0)), number("wait", 0),
                query.get("endpoint", [None])[0]))
        elif method == "GET" and path == "/_state":
            connection.answer(*of_json(200, {"requests": len(self.records), "connections": len(self.connections) - 1,
                                             "connections_made": self.connections_made,
                                             "tokens_issued": self.tokens_issued,
                                             "access_tokens": list(self.access_tokens)}))
        elif method == "POST" and path == "/_control":
            try:
                self.control.apply(json.loads(body), self)
                connection.answer(*of_json(200, {}))
            except (ValueError, KeyError) as error:
                connection.answer(*of_json(400, {"error": str(error)}))
        else:
            connection.answer(*answer_of("html404"))

    async def _answer_requests(self, connection, since, at_least, wait, endpoint):
        found, seen = [], since
        deadline = time.monotonic() + wait
        while True:
            for record in self.records[seen:]:
                seen += 1
                if endpoint is None or record["endpoint"] == endpoint:
                    found.append(record)
            if len(found) >= at_least or time.monotonic() >= deadline:
                break
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - time.monotonic())
            except asyncio.TimeoutError:
                break
        connection.answer(*of_json(200, found))


def main():
    parser = argparse.ArgumentParser(description="A stand-in for Google's FCM on loopback")
    parser.add_argument("--directory", help="where certificates and the service-account file go (default: temporary)")
    parser.add_argument("--latency", type=float, default=0, metavar="MS", help="delay before each answer")
    parser.add_argument("--token-lifetime", type=int, default=3599, metavar="S")
    parser.add_argument("--record", metavar="FILE", help="append every request as a JSON line")
    parser.add_argument("--project", default="p2-test")
    options = parser.parse_args()
    directory = options.directory or tempfile.mkdtemp(prefix="fcm-standin-")
    os.makedirs(directory, exist_ok=True)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stand_in = FcmStandIn(directory, options.latency, options.token_lifetime, options.record, options.project).start()
    print(json.dumps(stand_in.info), flush=True)
    stopped.wait()
    stand_in.stop()


if __name__ == "__main__":
    main()
