#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace p2::proxy {

/// Values by key, up to a number of them: beyond it, the one touched longest ago is forgotten. Used by one
/// thread at a time.
template <class Value>
class Recent {
 public:
  explicit Recent(std::size_t capacity) : _capacity(capacity) {}
  Recent(const Recent&) = delete;
  Recent& operator=(const Recent&) = delete;

  /// The value of `key`, a new one if there is none. Valid until the next call.
  Value& touch(std::string_view key) {
    if (const auto found = _index.find(key); found != _index.end()) {
      _entries.splice(_entries.begin(), _entries, found->second);
      return _entries.front().value;
    }
    if (_entries.size() >= _capacity) {
      _index.erase(_entries.back().key);
      _entries.pop_back();
    }
    _entries.push_front({std::string(key), Value()});
    _index.emplace(_entries.front().key, _entries.begin());
    return _entries.front().value;
  }

 private:
  struct Entry {
    std::string key;
    Value value;
  };
  using Entries = std::list<Entry>;  // the one touched last in front

  const std::size_t _capacity;
  Entries _entries;
  // Its keys are those of the entries, which stay where they are: keys may be long, and are kept once.
  std::unordered_map<std::string_view, typename Entries::iterator> _index;
};

}  // namespace p2::proxy
