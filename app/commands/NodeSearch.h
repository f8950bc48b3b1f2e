#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registration.h"
#include "p2/store/RegistrationArchive.h"
#include "p2/store/RegistrationStore.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace p2::app {

/// The registration with this node; or, since the log shows only the first characters of one, the only
/// registration whose node begins so (four characters at least). Error: there is none, or several.
core::Result<store::Registration> findByNode(const store::RegistrationStore& store, std::string_view node);

/// Counts records that cannot be read, and names the first of them. Used by one thread.
class UnreadableRecords {
 public:
  /// To be given to RegistrationArchive::forEach().
  void add(std::string_view node, const std::string& why);
  std::uint64_t count() const noexcept { return _count; }
  /// What they are and what to do; empty without any.
  std::string text() const;

 private:
  static constexpr std::size_t kMostNamed = 5;

  std::uint64_t _count = 0;
  std::string _nodes;
  std::string _why;
};

/// The node that findByNode() would find, even if its record cannot be read.
core::Result<std::string> findNode(const store::RegistrationArchive& store, std::string_view node);

/// Says that a search by domain cannot tell of so many registrations (`store.keepDomain`), and what finds
/// them.
std::string storedWithoutDomain(std::uint64_t count);

}  // namespace p2::app
