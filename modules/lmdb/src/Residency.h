#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

namespace p2::lmdb {

/// Whether all that a store's file holds is in memory, so that reading it waits for no disk. Looks now and
/// then, in a thread of its own, and reads what is not if the file is small beside the memory that p2 may
/// have, unless that did not help the last time. Thread-safe.
class Residency {
 public:
  /// Looks for the first time. `usedBytes` tells how much of the file is used, in the thread as well.
  Residency(std::filesystem::path file, std::function<std::uint64_t()> usedBytes);
  Residency(const Residency&) = delete;
  Residency& operator=(const Residency&) = delete;
  ~Residency();

  /// As it was when it was looked at last.
  bool isWhole() const noexcept { return _isWhole; }

 private:
  void run();
  void lookAndReadIn() noexcept;
  void look();
  bool isResident() const;
  void readIn() const;

  const std::filesystem::path _file;
  const std::function<std::uint64_t()> _usedBytes;
  std::uint64_t _used = 0;  ///< Bytes of the file, when it was looked at last.
  std::atomic<bool> _isWhole{false};
  // Of the thread.
  std::chrono::steady_clock::time_point _mayRead{};
  std::chrono::steady_clock::duration _readFor{};  ///< Of the last look, which is no part of it.
  std::mutex _mutex;
  std::condition_variable _wake;
  std::atomic<bool> _stopping{false};  ///< Set under _mutex.
  std::thread _thread;                 ///< Last: it uses all of the above.
};

}  // namespace p2::lmdb
