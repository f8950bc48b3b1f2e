#include "links/ComponentLink.h"

#include "p2/http/TlsContext.h"

#include <random>
#include <string>
#include <utility>

namespace p2::app {

namespace {

/// What no other process has.
std::string drawPingId() {
  std::random_device random;
  return std::to_string(random()) + '-' + std::to_string(random());
}

}  // namespace

core::Result<component::Component::Options> componentOptions(const settings::Settings::Xmpp& settings) {
  component::Component::Options options;
  options.host = settings.host;
  options.port = settings.port;
  options.jid = settings.jid;
  options.sharedSecret = settings.sharedSecret;
  options.connections = settings.connections;
  options.pingId = drawPingId();
  options.limits.stanzaSize = settings.maxStanzaSize;
  if (settings.tls == settings::Tls::none) return options;
  auto tls = http::TlsContext::create({settings.caFile.string(), "xmpp.caFile"});
  if (!tls) return core::Error{tls.error()};
  options.tls = std::move(tls).value();
  return options;
}

}  // namespace p2::app
