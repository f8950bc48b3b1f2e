#pragma once

#include "p2/core/Rounds.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

namespace p2::lmdb {

/// Whether all that a store's file holds is in memory, so that reading it waits for no disk. Looks now and
/// then, in a thread of its own, and reads what is not if the file is small beside the memory that p2 may
/// have, unless that did not help the last time. Where the system does not say what is in memory, a file that
/// was read in counts as being there for a while, and is read again then. The log says so, and that a file
/// cannot be read. Thread-safe.
class Residency {
 public:
  /// Looks for the first time. `usedBytes` tells how much of the file is used, in the thread as well.
  Residency(std::filesystem::path file, std::function<std::uint64_t()> usedBytes);

  /// As it was when it was looked at last.
  bool isWhole() const noexcept { return _isWhole; }

 private:
  core::Rounds::Duration goRound(const std::atomic<bool>& stopping) noexcept;
  void lookAndReadIn(const std::atomic<bool>& stopping) noexcept;
  void look();
  bool isResident();
  bool readIn(const std::atomic<bool>& stopping) const;
  void sayIfUnseen();

  const std::filesystem::path _file;
  const std::function<std::uint64_t()> _usedBytes;
  std::uint64_t _used = 0;  ///< Bytes of the file, when it was looked at last.
  std::atomic<bool> _isWhole{false};
  // Of the thread, once it has begun.
  int _unseen = 0;       ///< Why the system does not say what is in memory, an errno.
  bool _saidSo = false;  ///< Of `_unseen`.
  std::optional<std::chrono::steady_clock::time_point> _readIn;  ///< When all of it was read, for that case.
  std::chrono::steady_clock::time_point _mayRead{};
  std::chrono::steady_clock::duration _readFor{};  ///< Of the last look, which is no part of it.
  std::optional<core::Rounds> _rounds;  ///< Last: they use all of the above. Begun after the first look.
};

}  // namespace p2::lmdb
