#pragma once

#include "p2/core/UniqueFunction.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace p2::store::test {

/// What phones of many domains ask, in any order: one or more domains without an end, and one that is honest
/// less than its share of a queue. Notes what each was answered. Thread-safe where answers come.
class Flood {
 public:
  enum class From { oneDomain, subdomains, severalDomains, manyDomains };

  struct Asked {
    unsigned device;
    std::string domain;  ///< The same whenever the device asks.
  };
  using Answer = core::UniqueFunction<void(bool isServed)>;
  using Ask = std::function<void(const Asked&, Answer)>;

  /// `capacity`: of the queue.
  Flood(From from, unsigned seed, std::size_t capacity, Ask ask)
      : _from(from), _random(seed), _ask(std::move(ask)) {
    const std::size_t flows = from == From::manyDomains ? capacity / 3 : from == From::severalDomains ? 3 : 1;
    _domains = static_cast<unsigned>(flows);
    const std::size_t share = capacity / (flows + 2) - 1;  // p2 itself may ask, too
    const std::size_t period = 20 * capacity / share;
    for (std::size_t lot = 0; lot < share; ++lot) {
      const std::size_t honest = below(static_cast<unsigned>(period));
      for (std::size_t i = 0; i < period; ++i) {
        if (i == honest) askHonestly();
        askOne({below(3 * _domains + 30), {}});
      }
    }
  }

  std::size_t honest() const { return _honest.size(); }
  bool isOver() {
    const std::scoped_lock lock(_mutex);
    return std::none_of(_answers.begin(), _answers.end(), [](unsigned count) { return count == 0; });
  }
  bool isAnsweredOnce() {
    const std::scoped_lock lock(_mutex);
    return std::all_of(_answers.begin(), _answers.end(), [](unsigned count) { return count == 1; });
  }
  std::size_t served() {
    const std::scoped_lock lock(_mutex);
    return _served.size();
  }
  /// How many of the honest one's were.
  std::size_t servedHonestly() {
    const std::scoped_lock lock(_mutex);
    const auto isServed = [this](std::size_t number) {
      return std::find(_served.begin(), _served.end(), number) != _served.end();
    };
    return static_cast<std::size_t>(std::count_if(_honest.begin(), _honest.end(), isServed));
  }
  /// Whether what was served of each device was so in the order in which it was asked.
  bool keptOrder() {
    const std::scoped_lock lock(_mutex);
    std::map<unsigned, std::size_t> last;
    return std::all_of(_served.begin(), _served.end(), [&](std::size_t number) {
      const auto before = std::exchange(last[_devices[number]], number);
      return before <= number;
    });
  }

 private:
  unsigned below(unsigned limit) { return static_cast<unsigned>(_random() % limit); }

  std::string domainOf(unsigned device) const {
    const auto number = std::to_string(device % _domains);
    if (_from == From::subdomains) return "host" + std::to_string(device) + ".flood.example";
    return "flood" + number + ".example";
  }

  void askHonestly() {
    _honest.push_back(_answers.size());
    askOne({1000 + below(2), "honest.example"});
  }

  void askOne(Asked asked) {
    if (asked.domain.empty()) asked.domain = domainOf(asked.device);
    const std::size_t number = _answers.size();
    {
      const std::scoped_lock lock(_mutex);
      _answers.push_back(0);
      _devices.push_back(asked.device);
    }
    _ask(asked, [this, number](bool isServed) {
      const std::scoped_lock lock(_mutex);
      ++_answers[number];
      if (isServed) _served.push_back(number);
    });
  }

  const From _from;
  std::minstd_rand _random;
  const Ask _ask;
  unsigned _domains = 1;
  std::vector<std::size_t> _honest;
  std::mutex _mutex;
  std::vector<unsigned> _answers;      ///< To each that was asked, how many.
  std::vector<unsigned> _devices;      ///< Of each.
  std::vector<std::size_t> _served{};  ///< In the order of the answers.
};

}  // namespace p2::store::test
