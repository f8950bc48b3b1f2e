#pragma once

#include <string>
#include <vector>

namespace p2::app {

/// What the DNS says about the name of an XMPP service. A value.
struct DomainName {
  std::vector<std::string> addresses;  ///< Of the name itself, as text.
  bool hasService = false;             ///< There is an SRV record for XMPP servers (RFC 6120 §3.2.1).
  std::string fault;                   ///< The DNS could not be asked; empty if it could.

  bool resolves() const noexcept { return !addresses.empty() || hasService; }
};

/// Asks the system's resolver; blocks for as long as that takes.
DomainName lookUp(const std::string& name);

}  // namespace p2::app
