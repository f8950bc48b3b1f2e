#include "commands/setup/ServerSnippets.h"

#include <algorithm>
#include <array>

namespace p2::app {

namespace {

/// Where the server's listener should be bound so that p2 reaches it and as few others as possible.
std::string listenAddress(const settings::Settings::Xmpp& xmpp) {
  if (xmpp.host == "localhost" || xmpp.host.starts_with("127.")) return "127.0.0.1";
  return xmpp.host == "::1" ? "::1" : "0.0.0.0";
}

/// Between double quotes, as Lua, YAML and TOML all read it.
std::string quoted(const std::string& text) {
  std::string quote = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quote += '\\';
    quote += c;
  }
  return quote + '"';
}

std::string port(const settings::Settings::Xmpp& xmpp) {
  return std::to_string(xmpp.port);
}

/// Prosody's, and that of Metronome, which has grown out of it; `head` names file and server, `tail` what
/// users need.
std::string luaSnippet(const settings::Settings::Xmpp& xmpp, const std::string& head,
                       const std::string& tail) {
  const bool local = listenAddress(xmpp) == "127.0.0.1" && xmpp.port == 5347;
  std::string text = "-- " + head + '\n';
  if (!local) {
    text += "-- at the top, before any VirtualHost:\ncomponent_ports = { " + port(xmpp) +
            " }\ncomponent_interfaces = { " + quoted(listenAddress(xmpp)) + " }\n";
  }
  return text + "-- at the end of the file:\nComponent " + quoted(xmpp.jid) +
         "\n    component_secret = " + quoted(xmpp.sharedSecret.reveal()) +
         "\n-- and for your users: modules_enabled needs " + tail + '\n';
}

std::string prosodySnippet(const settings::Settings::Xmpp& xmpp) {
  return luaSnippet(xmpp, "prosody.cfg.lua; then restart Prosody",
                    R"("smacks" and "cloud_notify" (Debian: prosody-modules))");
}

std::string metronomeSnippet(const settings::Settings::Xmpp& xmpp) {
  return luaSnippet(xmpp, "metronome.cfg.lua; then restart Metronome", "\"push\"");
}

std::string ejabberdSnippet(const settings::Settings::Xmpp& xmpp) {
  std::string text = "# ejabberd.yml, below listen: ; then restart ejabberd\n  -\n    port: " + port(xmpp) +
                     "\n    ip: " + quoted(listenAddress(xmpp)) + "\n    module: ejabberd_service\n";
  if (xmpp.tls == settings::Tls::direct) text += "    tls: true\n";
  return text + "    hosts:\n      " + quoted(xmpp.jid) +
         ":\n        password: " + quoted(xmpp.sharedSecret.reveal()) +
         "\n# and for your users, below modules: mod_push: {} and mod_stream_mgmt: {}\n";
}

std::string mongooseImSnippet(const settings::Settings::Xmpp& xmpp) {
  return "# mongooseim.toml; then restart MongooseIM ([[listen.service]] in versions before 6.4)\n"
         "[[listen.component]]\n  port = " +
         port(xmpp) + "\n  ip_address = " + quoted(listenAddress(xmpp)) +
         "\n  password = " + quoted(xmpp.sharedSecret.reveal()) +
         "\n# and for your users:\n[modules.mod_event_pusher]\n  push.wpool.workers = 100\n";
}

std::string openfireSteps(const settings::Settings::Xmpp& xmpp) {
  const auto dot = xmpp.jid.find('.');
  return "In the admin console, Server > Server Settings > External Components: enable the service on port " +
         port(xmpp) + " (Openfire's default is 5275),\nand allow the subdomain " +
         quoted(xmpp.jid.substr(0, dot)) + " with the shared secret\n    " + xmpp.sharedSecret.reveal() +
         "\n" +
         (dot == std::string::npos
              ? ""
              : "The XMPP domain of the server must be " + xmpp.jid.substr(dot + 1) + ".\n") +
         "And for your users: install the plugin \"Push Notification\".\n";
}

std::string tigaseSnippet(const settings::Settings::Xmpp& xmpp) {
  return "# etc/config.tdsl\next () {}\n\n"
         "# etc/externalComponentItems, which Tigase takes over when it starts; then restart it\n" +
         xmpp.jid + ':' + xmpp.sharedSecret.reveal() + ":listen:" + port(xmpp) +
         "\n\n# It listens on all addresses: let the firewall keep others from port " + port(xmpp) +
         ".\n# Your users need nothing: push is switched on.\n";
}

constexpr std::array kServerKinds{
    ServerKind{"prosody", "Prosody", prosodySnippet},
    ServerKind{"ejabberd", "ejabberd", ejabberdSnippet},
    ServerKind{"mongooseim", "MongooseIM", mongooseImSnippet},
    ServerKind{"openfire", "Openfire", openfireSteps, false},
    ServerKind{"tigase", "Tigase", tigaseSnippet},
    ServerKind{"metronome", "Metronome", metronomeSnippet},
};

}  // namespace

std::span<const ServerKind> serverKinds() noexcept {
  return kServerKinds;
}

const ServerKind* serverKind(std::string_view name) noexcept {
  const auto* const found = std::find_if(kServerKinds.begin(), kServerKinds.end(),
                                         [&](const ServerKind& kind) { return kind.name == name; });
  return found == kServerKinds.end() ? nullptr : found;
}

std::string dnsAdvice(const settings::Settings::Xmpp& xmpp) {
  return xmpp.jid +
         ".  IN  CNAME  (the name of the machine that your XMPP server runs on)\n"
         "Needed even if all your users are on that server: while p2 is down, a server that cannot find the "
         "name\ndrops its users' registrations instead of waiting.\n";
}

}  // namespace p2::app
