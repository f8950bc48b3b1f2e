#include "Stores.h"
#include "store/Duel.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

namespace {

/// With what a store in files can do beside: expire, and be closed and opened.
class StoreDuel final : public Duel {
 public:
  StoreDuel(const Store::Options& options, HandClock& clock, unsigned seed)
      : Duel(clock, seed), _options(options) {
    open();
  }

  void compareAll() {
    std::map<std::string, Registration> stored;
    REQUIRE(_files
                ->forEach([&](const Registration& registration) {
                  stored.emplace(registration.node, registration);
                  return true;
                })
                .ok());
    std::map<std::string, Registration> expected;
    for (const auto& [key, registration] : _model) expected.emplace(registration.node, registration);
    CHECK(stored == expected);
    CHECK(_files->statistics().registrations == expected.size());
    CHECK(_files->statistics().pendingChanges == 0);
  }

  void rest() override {
    Answer<void> saved;
    _files->saveServiceTime(saved.callback());
    REQUIRE(saved.get().ok());
    _files.reset();
    open();
    compareAll();
  }

 private:
  void open() {
    _files = opened(_options);
    _files->setServing(true);
    against(*_files);
  }

  void special() override {
    const auto olderThan = _clock.time() - 20h;
    Answer<Store::Swept> answer;
    _files->removeExpired(20h, 1000, answer.callback());
    _settles.emplace_back([this, olderThan, answer] {
      const auto removed =
          std::erase_if(_model, [&](const auto& entry) { return entry.second.lastRegistered < olderThan; });
      CHECK(answer.value().changed == removed);
      CHECK_FALSE(answer.value().more);
    });
  }

  const Store::Options _options;
  std::unique_ptr<Store> _files;
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
  StoreDuel duel(options, clock, seed);
  while (duel.changes() < 4000) duel.lot();
  duel.compareAll();
  duel.rest();
}
