#pragma once

#include "Samples.h"
#include "support/Catch.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace p2::store::test {

/// Registrations beside a std::map that is told the same. Changes are queued in lots, without waiting for
/// each other, so that batches, pending changes and answers from the calling thread are all met.
class Duel {
 public:
  static constexpr std::chrono::hours kRenewAfter{24};

  Duel(HandClock& clock, unsigned seed) : _clock(clock), _random(seed) {}
  Duel(const Duel&) = delete;
  Duel& operator=(const Duel&) = delete;
  virtual ~Duel() = default;

  void against(Registrations& store) { _store = &store; }

  void lot() {
    for (unsigned i = below(40); i > 0; --i) change();
    settle();
    look();
    if (below(10) == 0) _clock.advance(std::chrono::hours(below(30)));
    if (below(25) == 0) rest();
  }

  std::size_t changes() const { return _changes; }

 protected:
  using Key = std::pair<std::string, std::string>;

  static Key keyOf(const DeviceKey& key) { return {key.device, key.channel}; }

  /// Something else that an implementation can do, beside the changes: rarely, and while nothing is queued.
  virtual void special() {}
  /// Between two lots, now and then.
  virtual void rest() {}

  /// Waits for the answers of all that is queued.
  void settle() {
    for (auto& each : _settles) each();
    _settles.clear();
  }

  /// The account of a device has the same domain always.
  static std::string domainOf(const DeviceKey& key) {
    return key.device[7] % 2 == 0 ? "example.com" : "example.org";
  }

  unsigned below(unsigned limit) { return static_cast<unsigned>(_random() % limit); }
  DeviceKey anyKey() { return device(below(60), below(4) == 0); }
  std::string anyToken() { return "token" + std::string(below(2) * 3000, 'x') + std::to_string(below(3)); }

  std::string anyNode() {
    if (_model.empty() || below(10) == 0) return "unknown";
    return std::next(_model.begin(), below(static_cast<unsigned>(_model.size())))->second.node;
  }

  void change() {
    ++_changes;
    const unsigned kind = below(8);
    // What p2 changes itself goes before what phones have queued: the model does it in the order given.
    if (kind == 2 || kind == 3 || kind == 4) settle();
    switch (kind) {
      case 0:
      case 1:
        return unregister(anyKey());
      case 2:
        return removeIfHolds(anyNode(), token(anyToken()));
      case 3:
        return replaceTarget(anyNode(), token(anyToken()), token(anyToken()));
      case 4:
        return below(20) == 0 ? special() : registerDevice(anyKey(), anyToken());
      default:
        return registerDevice(anyKey(), anyToken());
    }
  }

  void registerDevice(const DeviceKey& key, const std::string& text) {
    const std::string domain = domainOf(key);
    auto answer = registering(*_store, key, text, domain);
    _settles.emplace_back([this, key, text, domain, answer] {
      const Registration& given = answer.value();
      auto [at, added] = _model.try_emplace(keyOf(key), given);
      Registration& expected = at->second;
      if (added) {
        CHECK(_nodesEver.insert(given.node).second);
        expected.created = expected.lastRegistered = _clock.time();
      } else if (expected.target != token(text) || expected.domain != domain ||
                 _clock.time() - expected.lastRegistered >= kRenewAfter) {
        expected.lastRegistered = _clock.time();
      }
      expected.key = key;
      expected.domain = domain;
      expected.target = token(text);
      CHECK(given == expected);
    });
  }

  void unregister(const DeviceKey& key) {
    Answer<bool> answer;
    _store->unregister(key, domainOf(key), answer.callback());
    _settles.emplace_back([this, key, answer] { CHECK(answer.value() == (_model.erase(keyOf(key)) == 1)); });
  }

  Registration* holder(const std::string& node, const p2::core::Target& target) {
    for (auto& [key, registration] : _model) {
      if (registration.node == node && registration.target == target) return &registration;
    }
    return nullptr;
  }

  void removeIfHolds(const std::string& node, const p2::core::Target& target) {
    Answer<Removal> answer;
    _store->removeIfHolds(node, target, answer.callback());
    _settles.emplace_back([this, node, target, answer] {
      const Registration* held = holder(node, target);
      const bool there = std::any_of(_model.begin(), _model.end(),
                                     [&](const auto& entry) { return entry.second.node == node; });
      CHECK(answer.value() == (held != nullptr ? Removal::removed
                               : there         ? Removal::holdsOther
                                               : Removal::absent));
      if (held != nullptr) _model.erase(keyOf(held->key));
    });
  }

  void replaceTarget(const std::string& node, const p2::core::Target& target,
                     const p2::core::Target& replacement) {
    Answer<bool> answer;
    _store->replaceTarget(node, target, replacement, answer.callback());
    _settles.emplace_back([this, node, target, replacement, answer] {
      Registration* held = holder(node, target);
      CHECK(answer.value() == (held != nullptr));
      if (held != nullptr) held->target = replacement;
    });
  }

  void look() {
    const DeviceKey key = anyKey();
    const auto expected = _model.find(keyOf(key));
    const auto stored = lookedUp(*_store, key);
    REQUIRE(stored.has_value() == (expected != _model.end()));
    CHECK(_store->holdsAny() == !_model.empty());
    if (!stored) return;
    CHECK(*stored == expected->second);
    CHECK(lookedUp(*_store, stored->node) == stored);
  }

  HandClock& _clock;
  Registrations* _store = nullptr;
  std::minstd_rand _random;
  std::map<Key, Registration> _model;
  std::set<std::string> _nodesEver;
  std::vector<std::function<void()>> _settles;
  std::size_t _changes = 0;
};

}  // namespace p2::store::test
