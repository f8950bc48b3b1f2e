#pragma once

#include "Directory.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace p2::lmdb {

/// Takes entries in any order and gives them sorted, as often as asked, in memory that hardly grows with
/// them: they are sorted in runs, which go to a file without a name and are merged when they are read, each
/// with a buffer of 64 KiB. Used by one thread.
class SortedSpool {
 public:
  struct Entry {
    std::string key;
    std::uint64_t order = 0;  ///< Sorts what has the same key.
    std::string value;
  };

  static constexpr std::size_t kRunBytes = std::size_t{8} << 20U;

  /// Makes the file in `directory`; what keeps it from that is told by what follows.
  explicit SortedSpool(const std::filesystem::path& directory, std::size_t runBytes = kRunBytes);

  /// 0, or the system's error code. The same for all that follows.
  int add(std::string_view key, std::uint64_t order, std::string_view value);
  /// To be called after the last entry and before the first reader.
  int finish();

  /// Gives the entries in the order of their keys. Must not outlive the spool.
  class Reader {
   public:
    explicit Reader(const SortedSpool& spool);
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader();

    /// `found` says whether there was another.
    int next(Entry& entry, bool& found);

   private:
    class Run;

    int start();

    const SortedSpool& _spool;
    std::vector<std::unique_ptr<Run>> _heap;  ///< By their next entries.
    bool _started = false;
  };

 private:
  struct Place {
    std::size_t at;  ///< In `_bytes`.
    std::uint32_t keyBytes;
    std::uint32_t valueBytes;
    std::uint64_t order;
  };

  std::string_view keyOf(const Place& place) const {
    return std::string_view(_bytes).substr(place.at, place.keyBytes);
  }
  int writeRun();

  const std::size_t _runBytes;
  Descriptor _file;
  int _fault = 0;      ///< Why there is no file.
  std::string _bytes;  ///< Keys and values of the run that is filled.
  std::vector<Place> _places;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> _runs;  ///< Begin and end in the file.
  std::uint64_t _end = 0;
};

}  // namespace p2::lmdb
