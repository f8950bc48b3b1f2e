#pragma once

#include "support/MemoryStore.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace p2::store::test {

/// A store at whose disk or network things wait until it is told to go on. Used by one thread.
class SlowStore final : public p2::test::MemoryStore {
 public:
  /// `capacity`: what may wait; more is refused.
  explicit SlowStore(std::size_t capacity = 100) : _capacity(capacity) {}

  using MemoryStore::lookUp;
  void lookUp(std::string node, const std::string& domain, Callback<Found> done) const override {
    if (_waiting.size() >= _capacity) return done(core::Error{"It is busy."});
    _waiting.emplace_back([this, node = std::move(node), domain, done = std::move(done)]() mutable {
      MemoryStore::lookUp(std::move(node), domain, std::move(done));
    });
  }
  void forget(std::string node, Callback<bool> done) override {
    if (_waiting.size() >= _capacity) return done(core::Error{"It is busy."});
    _waiting.emplace_back([this, node = std::move(node), done = std::move(done)]() mutable {
      MemoryStore::forget(std::move(node), std::move(done));
    });
  }

  void goOn() {
    for (auto& each : std::exchange(_waiting, {})) each();
  }

 private:
  const std::size_t _capacity;
  mutable std::vector<core::UniqueFunction<void()>> _waiting;
};

}  // namespace p2::store::test
