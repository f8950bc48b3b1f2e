#pragma once

#include "p2/settings/Settings.h"

#include <span>
#include <string>
#include <string_view>

/// What goes into the XMPP server's configuration so that p2 can be its component. Pure.
namespace p2::app {

/// An XMPP server that `p2 setup` knows.
struct ServerKind {
  std::string_view name;   ///< As `--server` takes it.
  std::string_view title;  ///< As its makers write it.
  std::string (*snippet)(const settings::Settings::Xmpp&);
  bool restarts = true;  ///< Whether it takes a component over only when it is restarted.
};

/// All of them. What is there lives for ever.
std::span<const ServerKind> serverKinds() noexcept;
/// The one of that name, or nullptr.
const ServerKind* serverKind(std::string_view name) noexcept;

/// The DNS record that the component's name needs, and why.
std::string dnsAdvice(const settings::Settings::Xmpp& xmpp);

}  // namespace p2::app
