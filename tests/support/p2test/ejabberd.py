"""Debian's ejabberd with mod_push, on loopback, in a directory of its own.

It is started with erl directly, as ejabberdctl would, so that it runs as whoever runs the tests. The node is reached on
a port of its own (-erl_epmd_port): no epmd is started, none is left behind, and several may run at once.
"""

import os
import re
import secrets
import subprocess

from certificates import Authority

from .nameserver import NameServer
from .xmppserver import XmppServer

# Of both listeners for components, the one with TLS and the one without.
_COMPONENT_OPTIONS = """\
    global_routes: false
    access: all
    hosts:
      "{p2_jid}":
        password: {secret}
      "{peer_jid}":
        password: {secret}
"""

_CONFIG = """\
loglevel: debug
hosts: ["{domain}"]
certfiles: []
default_db: mnesia
auth_method: internal
auth_password_format: plain
listen:
  -
    port: {c2s}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    starttls: false
  -
    port: {component}
    ip: "127.0.0.1"
    module: ejabberd_service
{component_options}  -
    port: {component_tls}
    ip: "127.0.0.1"
    module: ejabberd_service
    tls: true
    certfile: "{certificate}"
{component_options}outgoing_s2s_families: [ipv4]
modules:
  mod_disco: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_push: {{}}
  mod_roster: {{}}
"""

# While p2 is down, what is for it is routed to another server. Its name resolves, as the documentation asks for, though
# to a port where nobody listens; no other name does.
_INETRC = """\
{{lookup,["file"]}}.
{{host,{{127,0,0,1}}, ["localhost"]}}.
{{resolv_conf,"/dev/null"}}.
{{nameserver,{{127,0,0,1}},{port}}}.
{{timeout,1000}}.
"""


def _erl_libs():
    """Where the distribution keeps ejabberd's libraries: what its ejabberdctl says."""
    with open("/usr/sbin/ejabberdctl") as file:
        found = re.search(r"^ERL_LIBS='?([^'\s]+)'?", file.read(), re.M)
    return found.group(1) if found else "/usr/lib/x86_64-linux-gnu"


class Ejabberd(XmppServer):
    name = "ejabberd"

    def configure(self):
        self._node = f"ejabberd-{secrets.token_hex(4)}@127.0.0.1"
        self._cookie = secrets.token_hex(12)
        os.makedirs(self.path("spool"), exist_ok=True)
        os.makedirs(self.path("logs"), exist_ok=True)
        authority = Authority("ejabberd's CA")
        self.ca_file = self.path("ca.pem")
        with open(self.ca_file, "wb") as file:
            file.write(authority.pem())
        secret = "'" + self.secret.replace("'", "''") + "'"
        with open(self.path("ejabberd.yml"), "w") as file:
            options = _COMPONENT_OPTIONS.format(p2_jid=self.p2_jid, peer_jid=self.peer_jid, secret=secret)
            file.write(_CONFIG.format(c2s=self.c2s, component=self.component, domain=self.domain,
                                      component_options=options, component_tls=self.component_tls,
                                      certificate=authority.issue(self.path("certificate.pem"))))
        with open(self.path("inetrc"), "w") as file:
            file.write(_INETRC.format(port=NameServer([self.p2_jid], 1).port))

    def _environment(self):
        return dict(os.environ, HOME=self.directory, ERL_LIBS=_erl_libs(), ERL_INETRC=self.path("inetrc"),
                    EJABBERD_CONFIG_PATH=self.path("ejabberd.yml"),
                    EJABBERD_LOG_PATH=self.path("logs", "ejabberd.log"), ERL_CRASH_DUMP_BYTES="0")

    def _erl(self, name, *arguments):
        return ["erl", "-name", name, "-setcookie", self._cookie, "-start_epmd", "false",
                "-erl_epmd_port", str(self.extra_port), "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
                "-noinput", *arguments]

    def command(self):
        return self._erl(self._node, "+P", "100000", "-mnesia", "dir", f'"{self.path("spool")}"',
                         "-s", "ejabberd"), self._environment()

    def start(self):
        super().start()
        # The modules are started before the listeners.
        if self.evaluate(f'gen_mod:is_loaded(<<"{self.domain}">>, mod_push)') != "true":
            raise RuntimeError("ejabberd runs without mod_push:\n" + self.failure_report())

    def evaluate(self, expression):
        """Runs an Erlang expression in the node and gives the text of its value."""
        program = (
            "{ok, T, _} = erl_scan:string(%s), {ok, E} = erl_parse:parse_exprs(T), "
            "case rpc:call('%s', erl_eval, exprs, [E, []], 20000) of {value, V, _} -> io:format(\"~0tp~n\", [V]), "
            "halt(0, [{flush, true}]); Other -> io:format(\"~0tp~n\", [Other]), halt(1, [{flush, true}]) end."
            % (_erlang_string(expression + "."), self._node))
        command = self._erl(f"ctl-{secrets.token_hex(4)}@127.0.0.1", "-hidden", "-dist_listen", "false",
                            "-eval", program)
        answer = subprocess.run(command, env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        if answer.returncode != 0:
            raise RuntimeError(f"ejabberd, {expression}: {answer.stdout}")
        return answer.stdout.strip()

    def add_user(self, user, password="pass"):
        self.add_users([user], password)

    def add_users(self, users, password="pass"):
        names = ", ".join(f'<<"{user}">>' for user in users)
        self.evaluate(f'[ok = ejabberd_auth:try_register(U, <<"{self.domain}">>, <<"{password}">>) || U <- [{names}]]')

    def push_registrations(self, user):
        # push_session: {us, timestamp, service, node, xml}
        text = self.evaluate(
            f'[{{jid:encode(element(4, R)), element(5, R)}} || R <- mnesia:dirty_read(push_session, '
            f'{{<<"{user}">>, <<"{self.domain}">>}})]')
        return re.findall(r'\{<<"([^"]*)">>,\s*<<"([^"]*)">>\}', text)

    def stop(self):
        """SIGTERM makes Erlang shut its applications down in order."""
        super().stop()

    def failure_report(self):
        report = super().failure_report()
        try:
            with open(self.path("logs", "ejabberd.log"), errors="replace") as file:
                report += "".join(f"    ejabberd.log | {line}" for line in file.readlines()[-40:])
        except FileNotFoundError:
            pass
        return report


def _erlang_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
