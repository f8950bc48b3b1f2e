#pragma once

#include <string>
#include <vector>

namespace p2::app {

/// What the DNS says about the name of an XMPP service. A value.
struct DomainName {
  std::vector<std::string> addresses;  ///< Of the name itself, as text.
  /// There is an SRV record for XMPP servers (RFC 6120 §3.2.1). Only asked for if nothing is reached.
  bool hasService = false;
  std::string fault;  ///< The DNS could not be asked; empty if it could.

  bool reached = false;  ///< Something answers at one of them where servers look for it.

  bool resolves() const noexcept { return !addresses.empty() || hasService; }
};

/// Asks the system's resolver, and tries to connect to port 5269; blocks for as long as that takes, 8 s for
/// the connections at most.
DomainName lookUp(const std::string& name);

}  // namespace p2::app
