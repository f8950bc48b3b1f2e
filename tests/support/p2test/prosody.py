"""Debian's Prosody with mod_cloud_notify, on loopback, in a directory of its own."""

import os
import re
import subprocess

from .xmppserver import XmppServer

_CONFIG = """\
run_as_root = true
pidfile = "{directory}/prosody.pid"
data_path = "{directory}/data"
plugin_paths = {{ "/usr/lib/prosody/modules", "{directory}/modules" }}
plugin_server = ""
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ {component} }}
modules_enabled = {{ "roster"; "saslauth"; "disco"; "ping"; "offline"; "cloud_notify"; "admin_shell"; "show_pushes" }}
modules_disabled = {{ "s2s"; "tls"; "http" }}
admin_socket = "{directory}/prosody.sock"
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
storage = "internal"
log = {{ {{ levels = {{ min = "debug" }}, to = "console" }} }}

VirtualHost "{domain}"

Component "{p2_jid}"
    component_secret = "{secret}"

Component "{peer_jid}"
    component_secret = "{secret}"
"""

# Prosody logs no stanzas of components: this puts the pushes and p2's answers to them into its log.
_SHOW_PUSHES = """\
module:hook("cloud_notify/push", function (event)
	module:log("debug", "PUSH: %s", tostring(event.notification_stanza));
end, 100);
module:hook("iq/host", function (event)
	local stanza = event.stanza;
	if stanza.attr.type == "result" or stanza.attr.type == "error" then
		module:log("debug", "ANSWER: %s", tostring(stanza));
	end
end, 100);
"""


class Prosody(XmppServer):
    name = "prosody"

    def configure(self):
        os.makedirs(self.path("data"), exist_ok=True)
        os.makedirs(self.path("modules"), exist_ok=True)
        with open(self.path("modules", "mod_show_pushes.lua"), "w") as file:
            file.write(_SHOW_PUSHES)
        secret = self.secret.replace("\\", "\\\\").replace('"', '\\"')
        with open(self.path("prosody.cfg.lua"), "w") as file:
            file.write(_CONFIG.format(directory=self.directory, c2s=self.c2s, component=self.component,
                                      domain=self.domain, p2_jid=self.p2_jid, peer_jid=self.peer_jid, secret=secret))

    def command(self):
        return ["prosody", "--config", self.path("prosody.cfg.lua"), "-F"], None

    def add_user(self, user, password="pass"):
        answer = subprocess.run(["prosodyctl", "--config", self.path("prosody.cfg.lua"), "register", user, self.domain,
                                 password], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if answer.returncode != 0:
            raise RuntimeError(f"prosodyctl register {user}: {answer.stdout}")

    def push_registrations(self, user):
        def encoded(name):
            return re.sub(r"[^A-Za-z0-9]", lambda m: "%%%02x" % ord(m.group()), name)

        path = self.path("data", encoded(self.domain), "cloud_notify", encoded(user) + ".dat")
        try:
            with open(path) as file:
                return re.findall(r'^\t\["([^"<]+)<([^"]*)"\] = \{', file.read(), re.M)
        except FileNotFoundError:
            return []
