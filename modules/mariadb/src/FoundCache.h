#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/mariadb/Options.h"
#include "p2/store/Registration.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace p2::mariadb {

/// What look-ups have found within the last seconds, by node. Never that there was nothing. Of what another
/// p2 changes it knows nothing; what this p2 has changed is dropped, and not put back by a look-up that was
/// under way meanwhile. Thread-safe.
class FoundCache {
 public:
  /// When a look-up began. A value.
  struct Reading {
    std::uint64_t changes = 0;
    core::Clock::TimePoint began{};
  };

  /// `options` must outlive it.
  explicit FoundCache(const Options& options) : _options(options) {}

  std::optional<store::Registration> find(const std::string& node) const;

  /// To be called before the database is asked, for put().
  Reading begin() const;
  /// Keeps what a look-up has found, as long as it is allowed from when that began.
  void put(const store::Registration& found, const Reading& reading);

  /// To be called when a change of these nodes may have been committed, before anybody is told.
  void drop(std::span<const std::string> nodes);
  /// The same of any nodes.
  void dropAll();

 private:
  struct ByNode {
    using is_transparent = void;

    static std::string_view nodeOf(const store::Registration& entry) { return entry.node; }
    static std::string_view nodeOf(const std::string& node) { return node; }

    template <class One, class Other>
    bool operator()(const One& one, const Other& other) const {
      return nodeOf(one) < nodeOf(other);
    }
  };

  /// Entries that end together. There are two, so that none ends before half its time, and none is sought by
  /// its age.
  struct Generation {
    std::set<store::Registration, ByNode> entries;
    std::size_t bytes = 0;
    core::Clock::TimePoint began{};

    void insert(const store::Registration& entry);
    void erase(const std::string& node);
  };

  // Nodes that share a slot only make it forget more than it must.
  static constexpr std::size_t kSlots = 4096;

  struct State {
    Generation young;
    Generation old;
    std::uint64_t changes = 0;
    std::array<std::uint64_t, kSlots>
        changed{};  ///< How many changes there were after the last in each slot.
    std::uint64_t allChanged = 0;
  };

  static std::size_t slotOf(const std::string& node) { return std::hash<std::string>{}(node) % kSlots; }

  const Options& _options;
  core::Guarded<State> _state;
};

}  // namespace p2::mariadb
