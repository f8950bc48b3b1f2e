#include "FoundCache.h"
#include "store/Samples.h"
#include "support/Catch.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

using namespace p2::mariadb;
using namespace p2::store;
using namespace p2::store::test;

namespace {

/// A database with some rows of which only the version counts, what is changed in it and who reads it, all in
/// steps that come in any order.
class Interleaving {
 public:
  explicit Interleaving(unsigned seed) : _random(seed) {
    _options.clock = &_clock;
    _options.cacheFor = 5s;
    for (unsigned i = 0; i < kRows; ++i) _rows.push_back({imported(i).node, {0}});
  }

  void step() {
    switch (below(8)) {
      case 0:
        return beginReading();
      case 1:
        return read();
      case 2:
        return endReading();
      case 3:
        return commit();
      case 4:
        return tell();
      case 5:
        return changeElsewhere();
      case 6:
        if (below(10) == 0) _clock.advance(1s);
        return;
      default:
        return look();
    }
  }
  std::size_t hits() const { return _hits; }

 private:
  static constexpr unsigned kRows = 3;

  struct Row {
    std::string node;
    std::vector<std::int64_t> versions;  ///< When each came.
    std::size_t told = 0;                ///< The last version of this p2 that somebody knows of.
  };
  struct Reader {
    FoundCache::Reading reading;
    std::size_t row = 0;
    std::optional<std::size_t> version{};
  };
  struct Commit {
    std::size_t row;
    std::size_t version;
  };

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(_random);
  }
  std::int64_t now() const { return _clock.now().time_since_epoch() / 1s; }

  void beginReading() {
    if (_readers.size() < 3) _readers.push_back({_cache.begin(), below(kRows)});
  }
  void read() {
    if (_readers.empty()) return;
    Reader& reader = _readers[below(_readers.size())];
    reader.version = _rows[reader.row].versions.size() - 1;
  }
  void endReading() {
    if (_readers.empty()) return;
    const auto ended = _readers.begin() + static_cast<std::ptrdiff_t>(below(_readers.size()));
    if (ended->version) {
      auto found = imported(static_cast<unsigned>(ended->row));
      found.target = token(std::to_string(*ended->version));
      _cache.put(found, ended->reading);
    }
    _readers.erase(ended);
  }
  void commit() {
    const auto row = below(kRows);
    _rows[row].versions.push_back(now());
    _committed.push_back({row, _rows[row].versions.size() - 1});
  }
  /// One that wrote tells all it has committed, in their order.
  void tell() {
    std::vector<std::string> nodes;
    for (const auto& [row, version] : _committed) nodes.push_back(_rows[row].node);
    if (below(5) == 0) {
      _cache.dropAll();
    } else {
      _cache.drop(nodes);
    }
    for (const auto& [row, version] : _committed) _rows[row].told = version;
    _committed.clear();
  }
  void changeElsewhere() { _rows[below(kRows)].versions.push_back(now()); }

  void look() {
    const Row& row = _rows[below(kRows)];
    const auto found = _cache.find(row.node);
    if (!found) return;
    ++_hits;
    const auto version = std::stoul(found->target.value.reveal());
    REQUIRE(version >= row.told);
    // It was the last one within the time that it may be kept.
    if (version + 1 < row.versions.size()) REQUIRE(now() - row.versions[version + 1] <= 5);
  }

  std::mt19937 _random;
  HandClock _clock;
  Options _options;
  FoundCache _cache{_options};
  std::vector<Row> _rows;
  std::vector<Reader> _readers;
  std::vector<Commit> _committed;
  std::size_t _hits = 0;
};

}  // namespace

TEST_CASE("However look-ups and changes interleave, nobody finds what was before a change that was told") {
  std::size_t hits = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    Interleaving interleaving(seed);
    for (int i = 0; i < 300; ++i) interleaving.step();
    hits += interleaving.hits();
  }
  CHECK(hits > 500);
}

TEST_CASE("What was found is kept for half its time at least, and never longer than that from its reading") {
  HandClock clock;
  Options options;
  options.clock = &clock;
  options.cacheFor = std::chrono::seconds(GENERATE(0, 1, 4, 60));
  FoundCache cache(options);
  std::mt19937 random(1);
  std::vector<std::pair<Registration, std::int64_t>> kept;
  const auto limit = options.cacheFor.count();
  for (unsigned i = 0; i < 2000; ++i) {
    const auto now = clock.now().time_since_epoch() / 1s;
    const auto reading = cache.begin();
    kept.emplace_back(imported(i), now);
    cache.put(kept.back().first, reading);
    const auto first = kept.size() < 100 ? kept.begin() : kept.end() - 100;
    for (auto each = first; each != kept.end(); ++each) {
      const auto found = cache.find(each->first.node);
      const auto age = now - each->second;
      if (2 * age < limit) CHECK(found == each->first);
      if (age >= limit) CHECK_FALSE(found);
    }
    if (random() % 3 == 0) clock.advance(std::chrono::seconds(random() % 4));
  }
}

TEST_CASE("What a look-up that took its time has found is kept from when it began") {
  HandClock clock;
  Options options;
  options.clock = &clock;
  FoundCache cache(options);
  const auto slow = cache.begin();
  const std::int64_t late = GENERATE(1, 3, 4, 5, 9);
  clock.advance(std::chrono::seconds(late));
  if (GENERATE(false, true)) cache.put(imported(1), cache.begin());
  cache.put(imported(2), slow);
  for (std::int64_t age = late; age < 20; ++age) {
    if (age >= options.cacheFor.count()) CHECK_FALSE(cache.find(imported(2).node));
    clock.advance(1s);
  }
}

TEST_CASE("What is kept takes no more than it may, and the last found is there") {
  HandClock clock;
  Options options;
  options.clock = &clock;
  options.cacheBytes = 100'000;
  FoundCache cache(options);
  const auto size = GENERATE(std::size_t{1}, std::size_t{100}, std::size_t{4000});
  const auto nth = [size](unsigned number) {
    auto row = imported(number);
    row.target = token(std::string(size, 't'));
    return row;
  };
  for (unsigned i = 0; i < 1000; ++i) {
    cache.put(nth(i), cache.begin());
    REQUIRE(cache.find(nth(i).node) == nth(i));
    if (i % 3 == 0) cache.drop(std::vector<std::string>{nth(i / 2).node});
  }
  std::size_t found = 0;
  for (unsigned i = 0; i < 1000; ++i) {
    if (cache.find(nth(i).node)) ++found;
  }
  CHECK(found * (sizeof(Registration) + size) <= options.cacheBytes);
  CHECK(found * (sizeof(Registration) + size + 400) >= options.cacheBytes / 4);
}
