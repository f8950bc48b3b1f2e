#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <list>
#include <unordered_set>
#include <utility>

namespace p2::proxy {

/// Values by key, up to a number of them: beyond it, the one touched longest ago is forgotten. Used by one
/// thread at a time.
template <class Key, class Value>
class Recent {
 public:
  explicit Recent(std::size_t capacity) : _capacity(capacity) {}
  Recent(const Recent&) = delete;
  Recent& operator=(const Recent&) = delete;

  /// The value of `key`, a new one if there is none. Valid until the next call.
  template <class Lookup>
  Value& touch(const Lookup& key) {
    if (const auto found = _index.find(key); found != _index.end()) {
      _entries.splice(_entries.begin(), _entries, *found);
      return _entries.front().value;
    }
    if (_entries.size() >= _capacity) {
      _index.erase(std::prev(_entries.end()));
      _entries.pop_back();
    }
    _entries.push_front({Key(key), Value()});
    _index.insert(_entries.begin());
    return _entries.front().value;
  }

 private:
  struct Entry {
    Key key;
    Value value;
  };
  using Entries = std::list<Entry>;  // the one touched last in front
  using Position = typename Entries::iterator;

  // A position stands for its key, so that keys, which may be long, are kept once.
  struct Hash {
    using is_transparent = void;
    template <class Lookup>
    std::size_t operator()(const Lookup& key) const {
      return std::hash<Lookup>{}(key);
    }
    std::size_t operator()(const Position& position) const { return std::hash<Key>{}(position->key); }
  };
  struct Equal {
    using is_transparent = void;
    template <class Lookup>
    bool operator()(const Lookup& key, const Position& position) const {
      return key == position->key;
    }
    template <class Lookup>
    bool operator()(const Position& position, const Lookup& key) const {
      return position->key == key;
    }
    bool operator()(const Position& a, const Position& b) const { return a->key == b->key; }
  };

  const std::size_t _capacity;
  Entries _entries;
  std::unordered_set<Position, Hash, Equal> _index;
};

}  // namespace p2::proxy
