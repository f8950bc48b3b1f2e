#pragma once

#include "Gate.h"
#include "Tables.h"
#include "p2/core/Guarded.h"
#include "p2/core/Result.h"

#include <lmdb.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace p2::lmdb {

/// The memory-mapped file: LMDB's environment, its transactions, the map's growth, and getting over faults
/// after which LMDB refuses to go on. To grow the map waits until nobody reads, lets nobody begin, and waits
/// for the disk: whoever may not wait with it reads without waiting, or not at all. Thread-safe, but `write`
/// is for one thread at a time.
class Environment {
 public:
  struct Options {
    std::filesystem::path directory;
    bool readOnly = false;
    /// A copy that an import works on: a commit is on disk only after sync().
    bool staged = false;
    std::size_t initialMapSize = std::size_t{16} << 20U;
    /// 1 GiB of a 32-bit machine's address space, 1 TiB of a larger one's.
    std::size_t greatestMapSize = std::size_t{1} << (sizeof(void*) == 4 ? 30U : 40U);
  };

  struct Size {
    std::uint64_t registrations = 0;
    std::uint64_t mapBytes = 0;
    std::uint64_t usedBytes = 0;
  };

  /// A snapshot. Holds back the growth of the map: keep it short. A thread may have one at a time.
  class ReadTransaction {
   public:
    ReadTransaction(Environment& environment, Gate::Pass pass, MDB_txn* transaction)
        : _environment(&environment), _pass(std::move(pass)), _transaction(transaction) {}
    ReadTransaction(ReadTransaction&& other) noexcept
        : _environment(other._environment),
          _pass(std::move(other._pass)),
          _transaction(std::exchange(other._transaction, nullptr)) {}
    ReadTransaction& operator=(ReadTransaction&&) = delete;
    ~ReadTransaction();

    const Tables tables() const { return {_transaction, _environment->_handles}; }
    Size size() const { return _environment->sizeInside(tables().size()); }

   private:
    Environment* _environment;
    Gate::Pass _pass;
    MDB_txn* _transaction;
  };

  /// Opens the file, or creates it if `readOnly` is not set. Errors in an operator's words. REQUIRES: the
  /// directory has been checked and, for writing, claimed (Directory.h).
  static core::Result<std::unique_ptr<Environment>> open(const Options& options);

  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment();

  /// Begins a read transaction, which reuses one that has ended before if it can. Waits while the map grows.
  core::Result<ReadTransaction> read();
  /// The same without waiting: nothing while the map grows or is to, or if there is a fault to get over
  /// first.
  std::optional<ReadTransaction> readWithoutWaiting();

  /// As of this process's last commit, or of the opening. Does not wait.
  Size lastSize() const;

  /// Runs `work` in a write transaction and commits it: when it returns without an error, all is on disk.
  /// `work` gives an LMDB code; it runs again from the start, in a new transaction, if the map had to grow.
  /// Gives whether anything had to be written.
  core::Result<bool> write(const std::function<int(Tables&)>& work);

  /// Makes the map so large that `bytes` more fit, as far as that can be told ahead. Best effort.
  void reserve(std::uint64_t bytes);

  /// Makes durable what was committed to a staged copy.
  core::Result<void> sync();
  /// Lets go of the memory that pages took which were read: the system keeps what it has room for.
  core::Result<void> forgetPages();

  /// Puts a store's file from the same file system in the place of this one's: whoever reads next sees that
  /// one. Gives whether the disk has confirmed it. Waits some seconds for other processes that read; an error
  /// if they go on, or the system refuses, and nothing has changed then.
  core::Result<bool> replaceFile(const std::filesystem::path& file);

  /// Writes the whole file to `file`, compacted. Gives LMDB's code.
  int copyTo(int file);

  const std::filesystem::path& directory() const { return _options.directory; }

 private:
  struct Closer {
    void operator()(MDB_env* env) const { mdb_env_close(env); }
  };

  explicit Environment(Options options) : _options(std::move(options)) {}

  core::Result<void> openFile();
  core::Result<void> createTables();
  core::Result<void> openTables();
  core::Result<void> checkLength() const;
  core::Result<void> checkVersion(MDB_txn* transaction, MDB_dbi meta) const;
  void closeFile();

  int beginRead(MDB_txn** transaction);
  void endRead(MDB_txn* transaction);
  int tryWrite(const std::function<int(Tables&)>& work, bool& written);

  core::Result<void> growMap(std::uint64_t least);
  core::Result<void> resizeMap(std::size_t bytes);
  core::Result<void> recover(int code, std::uint64_t generation);
  Size sizeInside(std::uint64_t registrations = 0) const;
  void noteSize(std::uint64_t registrations);
  core::Error fault(const char* doing, int code) const;

  const Options _options;
  Gate _gate;  ///< Every transaction is inside it; whoever moves the map or closes the file is alone.
  std::unique_ptr<MDB_env, Closer> _env;  ///< Empty if the file could not be opened again.
  TableHandles _handles;
  std::atomic<std::uint64_t> _generation{0};      ///< Counts how often map or file were renewed.
  core::Guarded<std::vector<MDB_txn*>> _resting;  ///< Read transactions that can be renewed.
  core::Guarded<Size> _lastSize;
  std::pair<dev_t, ino_t> _identity{};
  bool _entered = false;  ///< `_identity` is in this process's list of open stores.
};

/// The next size of a map that is full: twice as large, or `greatest`.
std::size_t nextMapSize(std::size_t current, std::size_t greatest);

}  // namespace p2::lmdb
