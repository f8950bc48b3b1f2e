#include "commands/ForgetCommand.h"

#include "commands/NodeSearch.h"
#include "commands/ProgressBar.h"
#include "links/StoreLink.h"
#include "p2/control/Requests.h"
#include "p2/control/Socket.h"
#include "p2/core/Words.h"
#include "p2/process/StoreOwner.h"
#include "p2/store/Forget.h"
#include "p2/store/RegistrationStore.h"
#include "p2/xmpp/Jid.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <istream>
#include <memory>
#include <ostream>
#include <span>
#include <sysexits.h>
#include <utility>

namespace p2::app {

namespace {

using Nodes = std::vector<std::string>;

// For each part of them.
constexpr std::chrono::seconds kBound{60};

constexpr CommandOption kDomain{"domain", "DOMAIN", "all registrations of this domain's accounts"};
constexpr CommandOption kYes{"yes", "", "do not ask first"};
constexpr std::array kOptions{kStoreOption, kDomain, kYes};

constexpr std::string_view kDetails =
    "Removes the registration with this NODE (its first four characters or more will do), or with --domain "
    "those of a whole domain; through the daemon, if it runs. It asks first, unless there is --yes; without "
    "a terminal it removes one registration, and a domain's only with --yes. As root, it becomes the user to "
    "whom the store belongs. A phone whose registration is gone gets no push until its app connects afresh "
    "and registers again.";

core::Result<Nodes> chosenNodes(const Invocation& invocation, const store::RegistrationStore& store) {
  if (!invocation.operands.empty()) {
    auto found = findNode(store, invocation.operands.front());
    if (!found) return core::Error{found.error()};
    return Nodes{std::move(found).value()};
  }
  Nodes nodes;
  std::uint64_t unknown = 0;
  const auto domain = xmpp::comparableDomain(invocation.value(kDomain.name));
  const auto read = store.forEach([&](const store::Registration& registration) {
    if (registration.domain == domain) nodes.push_back(registration.node);
    if (registration.domain.empty()) ++unknown;
    return true;
  });
  if (!read) return core::Error{read.error()};
  if (nodes.empty() && unknown > 0) {
    return core::Error{"no registration is stored with that domain; " + storedWithoutDomain(unknown)};
  }
  if (nodes.empty()) return core::Error{"no registration is of that domain."};
  if (unknown > 0) invocation.warn(storedWithoutDomain(unknown));
  return nodes;
}

bool confirmed(const Invocation& invocation, std::size_t count) {
  if (invocation.has(kYes.name)) return true;
  if (!invocation.console.inIsTerminal) return invocation.operands.size() == 1;
  invocation.console.err << "Remove " << core::grouped(count)
                         << (count == 1 ? " registration" : " registrations") << "? [y/N] " << std::flush;
  std::string answer;
  std::getline(invocation.console.in, answer);
  return answer.starts_with('y') || answer.starts_with('Y');
}

/// Removes nodes through the daemon if one runs, else in the store itself.
class Forgetter {
 public:
  explicit Forgetter(const settings::Settings::Store& place) : _path(place.path), _link(place) {}

  core::Result<std::uint64_t> forget(std::span<const std::string> nodes) {
    if (_store) return store::forgetNodes(*_store, nodes, kBound);
    const auto answer = control::askDaemon(_path, control::forgetRequest(nodes), kBound);
    if (!answer) return core::Error{answer.error()};
    if (answer.value()) return control::parseForgetAnswer(*answer.value());
    auto opened = _link.open();
    if (!opened) return core::Error{opened.error()};
    _store = std::move(opened).value();
    return store::forgetNodes(*_store, nodes, kBound);
  }

 private:
  const std::filesystem::path _path;
  const StoreLink _link;
  std::unique_ptr<store::RegistrationStore> _store;
};

int forgetAll(const Invocation& invocation, const settings::Settings::Store& place, const Nodes& nodes) {
  Forgetter forgetter(place);
  std::uint64_t removed = 0;
  ProgressBar progress(invocation.console, "forgetting", nodes.size());
  for (std::size_t done = 0; done < nodes.size(); done += control::kMostNodesAtOnce) {
    progress.show(done);
    const auto some =
        std::span(nodes).subspan(done, std::min(control::kMostNodesAtOnce, nodes.size() - done));
    const auto forgotten = forgetter.forget(some);
    if (!forgotten) {
      return invocation.fail(EX_TEMPFAIL,
                             forgotten.error() + " " + core::grouped(removed) + " were removed.");
    }
    removed += forgotten.value();
  }
  invocation.console.out << core::grouped(removed) << " removed\n";
  return EX_OK;
}

int run(const Invocation& invocation) {
  if (invocation.operands.empty() == invocation.value(kDomain.name).empty()) {
    return invocation.fail(EX_USAGE, "give either a NODE or --domain=DOMAIN.");
  }
  const auto place = invocation.storeSettings();
  if (!place) return EX_CONFIG;
  if (const auto owner = process::becomeOwnerOf(place->path); !owner)
    return invocation.fail(EX_NOPERM, owner.error());
  const StoreLink link(*place);
  auto store = link.openReadOnly();
  if (!store) return invocation.fail(link.exitCodeOf(StorePlace::Use::read), store.error());
  const auto nodes = chosenNodes(invocation, *store.value());
  store.value().reset();  // it may have to be opened for writing
  if (!nodes) return invocation.fail(EX_NOUSER, nodes.error());
  if (!confirmed(invocation, nodes.value().size())) {
    return invocation.fail(EX_USAGE, "nothing was removed; --yes removes without asking.");
  }
  return forgetAll(invocation, *place, nodes.value());
}

}  // namespace

Command forgetCommand() noexcept {
  return {"forget",
          {"NODE", ArgumentKind::text, 0, 1},
          "remove a registration, or a domain's",
          kDetails,
          kOptions,
          run};
}

}  // namespace p2::app
