-- Prosody (13.0) beside p2, for compose.yaml and p2-prosody.container. Put your domain in the place of example.org, and a secret
-- of your own (openssl rand -hex 24) in the place of a-long-random-secret.
modules_enabled = { "roster", "saslauth", "tls", "dialback", "disco", "ping", "pep", "blocklist", "carbons", "smacks", "mam",
                    "cloud_notify", "admin_shell" }
log = { { levels = { min = "info" }, to = "console" } }  -- which is where a container's log is
certificates = "certs"
-- p2 comes from another container. The port is not published, as the way to it is not encrypted.
component_interfaces = { "*" }

VirtualHost "example.org"

Component "push.example.org"
    component_secret = "a-long-random-secret"
