#include "commands/NodeSearch.h"

#include "commands/ProgressBar.h"
#include "p2/core/Words.h"
#include "p2/store/Find.h"

#include <chrono>
#include <optional>
#include <utility>

namespace p2::app {

namespace {

// For a store to say what stands under a node.
constexpr std::chrono::seconds kBound{60};

}  // namespace

void UnreadableRecords::add(std::string_view node, const std::string& why) {
  if (_count++ >= kMostNamed) return;
  std::string shown;
  for (const char c : node) shown.push_back(c >= ' ' && c <= '~' ? c : '?');
  _nodes += (_nodes.empty() ? "" : ", ") + shown;
  if (_why.empty()) _why = why;
}

std::string UnreadableRecords::text() const {
  if (_count == 0) return {};
  return core::grouped(_count) + (_count == 1 ? " record cannot be read (" : " records cannot be read (") +
         _nodes + (_count > kMostNamed ? ", …" : "") + "): " + _why +
         " Its phone mends it by registering again; p2 forget NODE removes it.";
}

core::Result<std::string> findNode(const store::RegistrationArchive& store, std::string_view node) {
  constexpr std::size_t kLeastStart = 4;
  std::optional<std::string> found;
  bool exact = false;
  bool several = false;
  const auto meet = [&](std::string_view stored) {
    exact = exact || stored == node;
    if (exact || node.size() < kLeastStart || !stored.starts_with(node)) return;
    several = several || found;
    found = stored;
  };
  const auto read = store.forEach(
      [&](const store::Registration& registration) {
        meet(registration.node);
        return !exact && registration.node.substr(0, node.size()) <= node;  // the nodes come in order
      },
      [&](std::string_view stored, const std::string&) { meet(stored); });
  if (!read) return core::Error{read.error()};
  if (exact) return std::string(node);
  if (several) return core::Error{"several registrations have a node that begins so; give more of it."};
  if (!found) return core::Error{"no registration has that node; p2 list shows those that there are."};
  return std::move(*found);
}

core::Result<store::Registration> findByNode(const store::RegistrationStore& store, std::string_view node) {
  auto exact = store::find(store, std::string(node), kBound);
  if (!exact) return core::Error{exact.error()};
  if (exact.value()) return std::move(*exact.value());
  const auto whole = findNode(store, node);
  if (!whole) return core::Error{whole.error()};
  auto found = store::find(store, whole.value(), kBound);
  if (!found) return core::Error{found.error()};
  if (found.value()) return std::move(*found.value());
  return core::Error{"that registration has just gone."};
}

std::string storedWithoutDomain(std::uint64_t count) {
  return core::grouped(count) + (count == 1 ? " registration is" : " registrations are") +
         " stored without a domain (store.keepDomain) and may be of that one too; give the NODE instead.";
}

}  // namespace p2::app
