"""What takes part in a measurement: nginx as FCM, the XMPP server, p2, the bare floors, and a look at a process."""

import json
import os
import subprocess
import sys
import urllib.request

_TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(_TESTS, "support"))

import certificates  # noqa: E402
from p2test import ports  # noqa: E402
from p2test.galera import Galera  # noqa: E402
from p2test.p2daemon import P2, UNLIMITED  # noqa: E402
from p2test.process import Process, _die_with_parent  # noqa: E402

SLOW_SECONDS = 0.1
_MODULES = "/usr/lib/nginx/modules"

_NGINX = """
load_module {modules}/ngx_http_echo_module.so;
daemon off;
user root;
worker_processes 2;
worker_rlimit_nofile 20000;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    default_type application/json;
    keepalive_timeout 3600;
    keepalive_requests 1000000000;
    keepalive_time 24h;
    server {{
        listen 127.0.0.1:{tls} ssl backlog=4096;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        ssl_session_cache shared:bench:10m;
        location /fast/ {{ return 200 '{answer}'; }}
        location /slow/ {{ echo_sleep {sleep}; echo '{answer}'; }}
        location /token {{ return 200 '{{"access_token":"{token}","expires_in":3599,"token_type":"Bearer"}}'; }}
    }}
    server {{
        listen 127.0.0.1:{plain};
        location /status {{ stub_status; }}
    }}
}}
"""


class Fcm:
    """nginx with TLS: answers at once below /fast, after SLOW_SECONDS below /slow, and gives access tokens."""

    def __init__(self, directory):
        os.makedirs(directory)
        authority = certificates.Authority()
        self.ca_file = os.path.join(directory, "ca.pem")
        with open(self.ca_file, "wb") as file:
            file.write(authority.pem())
        certificate = authority.issue(os.path.join(directory, "fcm.pem"))
        self.tls, self._plain = ports.free_ports(2)
        config = os.path.join(directory, "nginx.conf")
        with open(config, "w") as file:
            file.write(_NGINX.format(modules=_MODULES, directory=directory, tls=self.tls, plain=self._plain,
                                     certificate=certificate, sleep=SLOW_SECONDS, token="a" * 220,
                                     answer='{"name":"projects/bench/messages/0:1700000000000000%31bd1c9631bd1c96"}'))
        self.service_account = os.path.join(directory, "account.json")
        with open(self.service_account, "w") as file:
            json.dump({"type": "service_account", "project_id": "bench", "private_key_id": "1",
                       "private_key": certificates.pem_of_key(certificates.rsa_key()).decode(),
                       "client_email": "p2@bench.example", "token_uri": f"https://127.0.0.1:{self.tls}/token"}, file)
        self._process = Process("nginx", ["nginx", "-p", directory, "-c", config], os.path.join(directory, "nginx.log"))
        ports.wait_until_listening(self._plain, self._process)

    def at(self, speed):
        """The endpoint "fast" or "slow", as p2's settings want it."""
        return _Endpoint(self, f"https://127.0.0.1:{self.tls}/{speed}")

    def url(self, speed):
        """The same for the bare pool."""
        return f"https://127.0.0.1:{self.tls}/{speed}/v1/projects/bench/messages:send"

    def requests(self):
        """How many requests there have been, this question left out."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self._plain}/status", timeout=30) as answer:
            numbers = answer.read().decode().splitlines()[2].split()
        self._questions = getattr(self, "_questions", 0) + 1
        return int(numbers[2]) - self._questions

    def stop(self):
        self._process.stop()


class _Endpoint:
    def __init__(self, fcm, endpoint):
        self.endpoint, self.ca_file, self.service_account = endpoint, fcm.ca_file, fcm.service_account


class Program:
    """One of the bench's programs; says lines, the last of them a JSON object."""

    def __init__(self, name, command):
        self.name = name
        self._process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, preexec_fn=_die_with_parent)
        self.pid = self._process.pid

    def line(self):
        text = self._process.stdout.readline()
        if not text:
            raise RuntimeError(f"{self.name} ended with {self._process.wait()}")
        return text.strip()

    def result(self):
        while not (text := self.line()).startswith("{"):
            pass
        return json.loads(text)

    def say(self, text):
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def stop(self):
        self._process.stdin.close()
        self._process.wait(60)


class XmppServer:
    """Server.cpp, whose orders are its methods."""

    p2_jid, secret = "push.example.org", "a secret"

    def __init__(self, programs):
        self._program = Program("p2_bench_server", [os.path.join(programs, "p2_bench_server")])
        self.component = int(self._program.line().split()[1])

    def order(self, name, **values):
        self._program.say(" ".join([name, *(f"{key}={value}" for key, value in values.items())]))
        result = self._program.result()
        if result.get("unanswered") or result.get("doubled"):
            raise RuntimeError(f"requests unanswered or answered twice: {result}")
        return result

    def stop(self):
        self._program.stop()


class Daemon(P2):
    """p2, looked at from outside; with the defaults of push.spacing and limits.unknownAfter, unless `settings` say otherwise."""

    def __init__(self, binary, directory, server, fcm, **settings):
        super().__init__(binary, directory, server, fcm, limits_pushesPerSecond=0, **UNLIMITED,
                         **{"push_spacing": None, "limits_unknownAfter": None, **settings})

    def cpu(self):
        return cpu_seconds(self.process.pid)


class Cluster(Galera):
    """Three nodes of Galera that hold all in memory, as those of an operator with so many phones would."""

    def __init__(self, directory):
        super().__init__(directory, options=["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=256M"])

    def empty(self):
        """Takes p2's tables away."""
        self.nodes[0].sql("drop table if exists push.target, push.service_time", 300)

    def cpu(self):
        """Of all nodes, in seconds."""
        return sum(cpu_seconds(pid) for node in self.nodes for pid in node.machine.processes())


def cpu_seconds(pid):
    """Of all its threads, those that have ended included."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """MiB: resident, proportional, anonymous."""
    sizes = {}
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            words = line.split()
            if words[-1] == "kB":
                sizes[words[0].rstrip(":")] = int(words[1]) / 1024
    return {"rss": sizes["Rss"], "pss": sizes["Pss"], "anonymous": sizes["Anonymous"]}


def switches(pid):
    """Context switches of the threads that there are."""
    count = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/status") as file:
                count += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
        except OSError:
            pass  # it has ended meanwhile
    return count
