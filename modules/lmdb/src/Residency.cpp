#include "Residency.h"

#include "ProcessMemory.h"
#include "p2/core/Descriptor.h"
#include "p2/lmdb/Files.h"

#include <Poco/Logger.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace p2::lmdb {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kLeastPause{1};
constexpr std::chrono::seconds kMostPause{60};
// What has been read and is gone again was in somebody's way.
constexpr std::chrono::minutes kReadAgain{10};
constexpr std::uint64_t kShareOfMemory = 8;

/// A file's pages as they are in memory. Nothing of it is read through this.
class Map {
 public:
  Map(int file, std::size_t bytes)
      : _bytes(bytes), _address(::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0)) {}
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;
  ~Map() {
    if (_address != MAP_FAILED) ::munmap(_address, _bytes);
  }

  /// Gives an errno if the system does not say.
  std::variant<bool, int> isResident() const {
    if (_address == MAP_FAILED) return false;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> pages((_bytes + page - 1) / page);
    if (::mincore(_address, _bytes, pages.data()) != 0) return errno;
    return std::all_of(pages.begin(), pages.end(), [](unsigned char flags) { return (flags & 1U) != 0; });
  }

 private:
  const std::size_t _bytes;
  void* const _address;
};

}  // namespace

Residency::Residency(std::filesystem::path file, std::function<std::uint64_t()> usedBytes)
    : _file(std::move(file)), _usedBytes(std::move(usedBytes)) {
  look();
  _rounds.emplace(core::Rounds::Duration::zero(), [this](const auto& stopping) { return goRound(stopping); });
}

/// A look takes a thousandth of the time at most.
core::Rounds::Duration Residency::goRound(const std::atomic<bool>& stopping) noexcept {
  const auto began = steady_clock::now();
  lookAndReadIn(stopping);
  return std::clamp<steady_clock::duration>(1000 * (steady_clock::now() - began - _readFor), kLeastPause,
                                            kMostPause);
}

/// Where there is no memory even to look, nobody relies on it.
void Residency::lookAndReadIn(const std::atomic<bool>& stopping) noexcept {
  _readFor = {};
  try {
    look();
    sayIfUnseen();
    const auto now = steady_clock::now();
    if (_isWhole && _mayRead == steady_clock::time_point::max()) _mayRead = now + kReadAgain;
    if (_isWhole || now < _mayRead || _used > memoryOfProcess() / kShareOfMemory) return;
    if (readIn(stopping)) _readIn = steady_clock::now();
    _readFor = steady_clock::now() - now;
    look();
    // What has been read and is not there is in somebody's way, and would be each time.
    _mayRead = _isWhole ? steady_clock::now() + kReadAgain : steady_clock::time_point::max();
  } catch (const std::exception&) {
    _isWhole = false;
  }
}

/// What is not in memory any more is noticed before anything is read.
void Residency::look() {
  if (_isWhole) _isWhole = isResident();
  const auto used = _usedBytes();
  if (_isWhole && used == _used) return;
  _used = used;
  _isWhole = isResident();
}

bool Residency::isResident() {
  const core::Descriptor file(::open(_file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid() || _used == 0) return false;
  const auto seen = Map(file.number(), static_cast<std::size_t>(_used)).isResident();
  if (const bool* isThere = std::get_if<bool>(&seen)) return *isThere;
  _unseen = std::get<int>(seen);
  return _readIn && steady_clock::now() - *_readIn < kReadAgain;
}

/// Gives whether all of it was read. What cannot be is not tried again, so it is said once.
bool Residency::readIn(const std::atomic<bool>& stopping) const {
  const auto read = readThrough(_file, _used, [&stopping] { return stopping.load(); });
  if (!read) Poco::Logger::get("lmdb").error(read.error());
  return read && read.value() >= _used;
}

void Residency::sayIfUnseen() {
  if (_unseen == 0 || std::exchange(_saidSo, true)) return;
  Poco::Logger::get("lmdb").warning(
      "the system does not say whether the store is in memory (mincore: " +
      std::generic_category().message(_unseen) +
      "), so a small store is taken to be there once it has been read, and a larger one never. Allow p2 that "
      "system call: SystemCallFilter=mincore in a unit.");
}

}  // namespace p2::lmdb
