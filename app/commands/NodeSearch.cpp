#include "commands/NodeSearch.h"

#include "commands/ProgressBar.h"

#include <optional>
#include <utility>

namespace p2::app {

core::Result<store::Registration> findByNode(const store::Store& store, std::string_view node) {
  constexpr std::size_t kLeastStart = 4;
  auto exact = store.find(node);
  if (!exact) return core::Error{exact.error()};
  if (exact.value()) return std::move(*exact.value());
  std::optional<store::Registration> found;
  bool several = false;
  if (node.size() >= kLeastStart) {
    const auto read = store.forEach([&](const store::Registration& registration) {
      if (!registration.node.starts_with(node)) return !found;  // the nodes come in order
      several = found.has_value();
      found = registration;
      return !several;
    });
    if (!read) return core::Error{read.error()};
  }
  if (several) return core::Error{"several registrations have a node that begins so; give more of it."};
  if (!found) return core::Error{"no registration has that node; p2 list shows those that there are."};
  return std::move(*found);
}

std::string storedWithoutDomain(std::uint64_t count) {
  return grouped(count) + (count == 1 ? " registration is" : " registrations are") +
         " stored without a domain (store.keepDomain) and may be of that one too; give the NODE instead.";
}

}  // namespace p2::app
