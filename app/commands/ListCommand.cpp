#include "commands/ListCommand.h"

#include "commands/NodeSearch.h"
#include "commands/ProgressBar.h"
#include "links/StoreLink.h"
#include "p2/core/Words.h"
#include "p2/transfer/RegistrationJson.h"
#include "p2/xmpp/Jid.h"

#include <array>
#include <ostream>
#include <sysexits.h>

namespace p2::app {

namespace {

constexpr CommandOption kDomain{"domain", "DOMAIN", "only registrations of this domain's accounts"};
constexpr std::array kOptions{kStoreOption, kDomain};

constexpr std::string_view kDetails =
    "Lists registrations: node, push service, whether for an account or one channel, when created and last "
    "registered, domain (- if it is not stored); on a terminal with headings. With NODE only those whose "
    "node begins so, as the log shows it. Tokens and secrets are not shown (p2 export has them).";

std::string lineOf(const store::Registration& registration) {
  return registration.node + '\t' + std::string(store::nameOf(registration.key.service)) + '\t' +
         (registration.key.channel.empty() ? "account" : "channel") + '\t' +
         core::isoTime(registration.created) + '\t' + core::isoTime(registration.lastRegistered) + '\t' +
         (registration.domain.empty() ? "-" : registration.domain) + '\n';
}

// Each heading as wide as what stands below it.
constexpr std::string_view kHeadings =
    "NODE        \tVIA\tFOR    \tCREATED             \tLAST REGISTERED     \tDOMAIN\n";

int run(const Invocation& invocation) {
  const auto place = invocation.storeSettings();
  if (!place) return EX_CONFIG;
  const StoreLink link(*place);
  const auto store = link.openReadOnly();
  if (!store) return invocation.fail(link.exitCodeOf(StorePlace::Use::read), store.error());
  const auto domain = xmpp::comparableDomain(invocation.value(kDomain.name));
  const std::string start = invocation.operands.empty() ? "" : invocation.operands.front();
  std::uint64_t found = 0;
  std::uint64_t unknown = 0;
  UnreadableRecords unreadable;
  if (invocation.console.outIsTerminal) invocation.console.out << kHeadings;
  const auto read = store.value()->forEach(
      [&](const store::Registration& registration) {
        if (!registration.node.starts_with(start)) return true;
        if (!domain.empty() && registration.domain != domain) {
          if (registration.domain.empty()) ++unknown;
          return true;
        }
        ++found;
        invocation.console.out << lineOf(registration);
        return invocation.console.out.good();
      },
      [&](std::string_view node, const std::string& why) { unreadable.add(node, why); });
  if (!read) return invocation.fail(EX_IOERR, read.error());
  if (unreadable.count() > 0) invocation.warn(unreadable.text());
  if (unknown > 0) invocation.warn(storedWithoutDomain(unknown));
  if (invocation.console.errIsTerminal) {
    invocation.warn(core::grouped(found) + (found == 1 ? " registration" : " registrations"));
  }
  return EX_OK;
}

}  // namespace

Command listCommand() noexcept {
  return {"list",
          {"NODE", ArgumentKind::text, 0, 1},
          "list registrations, without their secrets",
          kDetails,
          kOptions,
          run};
}

}  // namespace p2::app
