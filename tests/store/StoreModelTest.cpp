#include "Samples.h"
#include "support/Catch.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>
#include <vector>

using namespace p2::store;
using namespace p2::store::test;

namespace {

using Key = std::pair<std::string, std::string>;

Key keyOf(const DeviceKey& key) {
  return {key.device, key.channel};
}

/// The store beside a std::map that is told the same. Changes are queued in lots, without waiting for each
/// other, so that batches, pending changes and answers from the calling thread are all met.
class Duel {
 public:
  Duel(const Store::Options& options, HandClock& clock, unsigned seed)
      : _options(options), _clock(clock), _random(seed) {
    open();
  }

  void lot() {
    for (unsigned i = below(40); i > 0; --i) change();
    settle();
    look();
    if (below(10) == 0) _clock.advance(std::chrono::hours(below(30)));
    if (below(25) == 0) reopen();
  }

  void compareAll() {
    std::map<std::string, Registration> stored;
    REQUIRE(_store
                ->forEach([&](const Registration& registration) {
                  stored.emplace(registration.node, registration);
                  return true;
                })
                .ok());
    std::map<std::string, Registration> expected;
    for (const auto& [key, registration] : _model) expected.emplace(registration.node, registration);
    CHECK(stored == expected);
    CHECK(_store->statistics().registrations == expected.size());
    CHECK(_store->statistics().pendingChanges == 0);
  }

  void reopen() {
    Answer<void> saved;
    _store->saveServiceTime(saved.callback());
    REQUIRE(saved.get().ok());
    _store.reset();
    open();
    compareAll();
  }

  std::size_t changes() const { return _changes; }

 private:
  /// Waits for the answers of all that is queued.
  void settle() {
    for (auto& each : _settles) each();
    _settles.clear();
  }

  /// The account of a device has the same domain always.
  static std::string domainOf(const DeviceKey& key) {
    return key.device[7] % 2 == 0 ? "example.com" : "example.org";
  }

  void open() {
    _store = opened(_options);
    _store->setServing(true);
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
        return below(20) == 0 ? expire() : registerDevice(anyKey(), anyToken());
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
                 _clock.time() - expected.lastRegistered >= _options.renewAfter) {
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

  void expire() {
    const auto olderThan = _clock.time() - 20h;
    Answer<Store::Swept> answer;
    _store->removeExpired(20h, 1000, answer.callback());
    _settles.emplace_back([this, olderThan, answer] {
      const auto removed =
          std::erase_if(_model, [&](const auto& entry) { return entry.second.lastRegistered < olderThan; });
      CHECK(answer.value().changed == removed);
      CHECK_FALSE(answer.value().more);
    });
  }

  void look() {
    const DeviceKey key = anyKey();
    const auto expected = _model.find(keyOf(key));
    const auto stored = found(*_store, key);
    REQUIRE(stored.has_value() == (expected != _model.end()));
    if (!stored) return;
    CHECK(*stored == expected->second);
    CHECK(found(*_store, stored->node) == stored);
  }

  const Store::Options _options;
  HandClock& _clock;
  std::unique_ptr<Store> _store;
  std::minstd_rand _random;
  std::map<Key, Registration> _model;
  std::set<std::string> _nodesEver;
  std::vector<std::function<void()>> _settles;
  std::size_t _changes = 0;
};

}  // namespace

TEST_CASE("The store agrees with a map over thousands of random changes") {
  const unsigned seed = GENERATE(1U, 2U, 3U);
  const TemporaryDirectory directory;
  HandClock clock;
  Store::Options options;
  options.path = directory.path();
  options.clock = &clock;
  options.maxBatch = seed == 3 ? 1 : 7;
  options.initialMapSize = 65536;
  Duel duel(options, clock, seed);
  while (duel.changes() < 4000) duel.lot();
  duel.compareAll();
  duel.reopen();
}
