#include "Environment.h"

#include "Directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>

namespace p2::lmdb {

namespace {

using core::Error;
using core::Result;

constexpr std::uint32_t kFormatVersion = 1;
constexpr std::string_view kVersionKey = "format";
// More than the threads of one p2 and the commands beside it; a slot has 64 bytes.
constexpr unsigned kReaderSlots = 512;
constexpr std::size_t kRestingReads = 32;
constexpr std::size_t kLeastMapSize = std::size_t{64} << 10U;

std::size_t wholePages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (std::max(bytes, kLeastMapSize) + page - 1) / page * page;
}

/// The stores that this process has open. LMDB must not open a file twice in one process: the second opening
/// would take the first one's locks for its own and wipe them.
using Identities = std::set<std::pair<dev_t, ino_t>>;

core::Guarded<Identities>& openStores() {
  static core::Guarded<Identities> stores;
  return stores;
}

/// A transaction that is aborted unless it is taken out for its commit.
class Transaction {
 public:
  Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (_raw != nullptr) mdb_txn_abort(_raw);
  }

  int begin(MDB_env* env, unsigned flags) { return mdb_txn_begin(env, nullptr, flags, &_raw); }
  int commit() { return mdb_txn_commit(std::exchange(_raw, nullptr)); }
  MDB_txn* raw() const { return _raw; }

 private:
  MDB_txn* _raw = nullptr;
};

std::string versionBytes(std::uint32_t version) {
  std::string bytes;
  for (unsigned shift = 0; shift < 32; shift += 8)
    bytes.push_back(static_cast<char>(version >> shift & 0xFFU));
  return bytes;
}

std::uint32_t versionOf(const MDB_val& value) {
  std::uint32_t version = 0;
  const auto* bytes = static_cast<const unsigned char*>(value.mv_data);
  for (unsigned i = 0; i < 4; ++i) version |= std::uint32_t{bytes[i]} << (8 * i);
  return version;
}

int putVersion(MDB_txn* transaction, MDB_dbi meta) {
  std::string name(kVersionKey);
  std::string bytes = versionBytes(kFormatVersion);
  MDB_val key{name.size(), name.data()};
  MDB_val value{bytes.size(), bytes.data()};
  return mdb_put(transaction, meta, &key, &value, 0);
}

}  // namespace

std::size_t nextMapSize(std::size_t current, std::size_t greatest) {
  return current > greatest / 2 ? std::max(current, greatest) : current * 2;
}

Environment::ReadTransaction::~ReadTransaction() {
  if (_transaction != nullptr) _environment->endRead(_transaction);
}

Result<std::unique_ptr<Environment>> Environment::open(const Options& options) {
  std::unique_ptr<Environment> environment(new Environment(options));
  struct stat status {};
  if (::stat(options.directory.c_str(), &status) != 0) return environment->fault("be opened", errno);
  environment->_identity = {status.st_dev, status.st_ino};
  environment->_entered =
      openStores().with([&](Identities& stores) { return stores.insert(environment->_identity).second; });
  if (!environment->_entered) return storeError(options.directory, "is open in this process already.");
  if (auto opened = environment->openFile(); !opened.ok()) return Error{opened.error()};
  return environment;
}

Environment::~Environment() {
  closeFile();
  if (_entered) openStores().with([&](Identities& stores) { stores.erase(_identity); });
}

Error Environment::fault(const char* doing, int code) const {
  return systemError(_options.directory, doing, code);
}

// --- Opening. The caller is alone: inside the gate or before anybody has the environment.

Result<void> Environment::openFile() {
  const bool fresh = ::access((_options.directory / kDataFile).c_str(), F_OK) != 0;
  // A file that was there and is gone was not removed by us: do not go on with an empty one.
  if (fresh && _generation != 0) return fault("be opened", ENOENT);
  int code = reserveReadersFile(_options.directory);
  if (code != 0) return fault("be opened", code);
  MDB_env* created = nullptr;
  code = mdb_env_create(&created);
  if (code != 0) return fault("be opened", code);
  _env.reset(created);
  mdb_env_set_maxdbs(created, 4);
  mdb_env_set_maxreaders(created, kReaderSlots);
  if (fresh) mdb_env_set_mapsize(created, wholePages(_options.initialMapSize));
  const unsigned flags = MDB_NOTLS | (_options.readOnly ? unsigned{MDB_RDONLY} : 0U) |
                         (_options.staged ? unsigned{MDB_NOSYNC} : 0U);
  code = mdb_env_open(created, _options.directory.c_str(), flags, S_IRUSR | S_IWUSR);
  auto opened = code == 0 ? checkLength() : Result<void>(fault("be opened", code));
  if (opened.ok() && !_options.readOnly) {
    mdb_reader_check(created, nullptr);
    opened = resizeMap(
        std::max(static_cast<std::size_t>(sizeInside().mapBytes), wholePages(_options.initialMapSize)));
  }
  if (opened.ok()) opened = openTables();
  if (!opened.ok()) closeFile();
  if (_options.readOnly) giveReadersFileToOwner(_options.directory);
  return opened;
}

/// A page that the file ought to have and has not would end the process with SIGBUS when it is read.
Result<void> Environment::checkLength() const {
  int file = -1;
  struct stat status {};
  int code = mdb_env_get_fd(_env.get(), &file);
  if (code == 0 && ::fstat(file, &status) != 0) code = errno;
  if (code != 0) return fault("be opened", code);
  const std::uint64_t needed = sizeInside().usedBytes;
  if (static_cast<std::uint64_t>(status.st_size) >= needed) return {};
  return storeError(_options.directory, "is damaged: data.mdb has " + std::to_string(status.st_size) +
                                            " bytes and should have " + std::to_string(needed) +
                                            " at least, so it was cut short. Restore it from a backup.");
}

Result<void> Environment::openTables() {
  Transaction transaction;
  int code = transaction.begin(_env.get(), MDB_RDONLY);
  MDB_stat root{};
  if (code == 0) code = mdb_env_stat(_env.get(), &root);
  if (code != 0) return fault("be opened", code);
  if (root.ms_entries == 0 && !_options.readOnly) return createTables();
  code = mdb_dbi_open(transaction.raw(), "meta", 0, &_handles.meta);
  if (code == MDB_NOTFOUND) {
    return storeError(_options.directory,
                      root.ms_entries == 0
                          ? "holds no registrations yet. Start p2 once, which prepares it."
                          : "holds a database of another program. Set store.path to another place.");
  }
  if (code != 0) return fault("be opened", code);
  if (auto known = checkVersion(transaction.raw(), _handles.meta); !known.ok()) return known;
  code = mdb_dbi_open(transaction.raw(), "targets", 0, &_handles.targets);
  if (code == 0) code = mdb_dbi_open(transaction.raw(), "devices", 0, &_handles.devices);
  const auto registrations = code == 0 ? Tables(transaction.raw(), _handles).size() : 0;
  if (code == 0) code = transaction.commit();
  if (code == MDB_NOTFOUND) code = MDB_INVALID;
  if (code != 0) return fault("be opened", code);
  noteSize(registrations);
  return {};
}

Result<void> Environment::createTables() {
  Transaction transaction;
  int code = transaction.begin(_env.get(), 0);
  if (code == 0) code = mdb_dbi_open(transaction.raw(), "meta", MDB_CREATE, &_handles.meta);
  if (code == 0) code = mdb_dbi_open(transaction.raw(), "targets", MDB_CREATE, &_handles.targets);
  if (code == 0) code = mdb_dbi_open(transaction.raw(), "devices", MDB_CREATE, &_handles.devices);
  if (code == 0) code = putVersion(transaction.raw(), _handles.meta);
  if (code == 0) code = transaction.commit();
  if (code != 0) return fault("be created", code);
  noteSize(0);
  // LMDB makes the file's content durable, not its name.
  if (!syncDirectory(_options.directory)) return fault("be created", errno);
  return {};
}

Result<void> Environment::checkVersion(MDB_txn* transaction, MDB_dbi meta) const {
  std::string name(kVersionKey);
  MDB_val key{name.size(), name.data()};
  MDB_val value{};
  const int code = mdb_get(transaction, meta, &key, &value);
  if (code != 0 && code != MDB_NOTFOUND) return fault("be opened", code);
  if (code == MDB_NOTFOUND || value.mv_size != sizeof(kFormatVersion)) return fault("be opened", MDB_INVALID);
  const std::uint32_t version = versionOf(value);
  if (version == kFormatVersion) return {};
  if (version == 0) return fault("be opened", MDB_INVALID);
  return storeError(_options.directory,
                    "has format version " + std::to_string(version) +
                        ", which a newer p2 wrote; this one knows " + std::to_string(kFormatVersion) +
                        ". Install the newer p2 again, or set store.path to another place.");
}

void Environment::closeFile() {
  _resting.with([](std::vector<MDB_txn*>& resting) {
    for (MDB_txn* transaction : resting) mdb_txn_abort(transaction);
    resting.clear();
  });
  _env.reset();
  ++_generation;
}

// --- Reading

Result<Environment::ReadTransaction> Environment::read() {
  // Each round gets over another obstacle: the map grew, a fault closed the file, readers died.
  for (int round = 0;; ++round) {
    std::uint64_t generation = 0;
    int code = 0;
    {
      Gate::Pass pass(_gate);
      generation = _generation;
      MDB_txn* transaction = nullptr;
      code = beginRead(&transaction);
      if (code == 0) return ReadTransaction(*this, std::move(pass), transaction);
    }
    if (round == 3) return fault("be read", code);
    if (auto recovered = recover(code, generation); !recovered.ok()) return Error{recovered.error()};
  }
}

std::optional<Environment::ReadTransaction> Environment::readWithoutWaiting() {
  auto pass = Gate::Pass::withoutWaiting(_gate);
  MDB_txn* transaction = nullptr;
  if (!pass || beginRead(&transaction) != 0) return std::nullopt;
  return ReadTransaction(*this, std::move(*pass), transaction);
}

int Environment::beginRead(MDB_txn** transaction) {
  if (!_env) return MDB_PANIC;
  MDB_txn* rested = _resting.with([](std::vector<MDB_txn*>& resting) -> MDB_txn* {
    if (resting.empty()) return nullptr;
    MDB_txn* last = resting.back();
    resting.pop_back();
    return last;
  });
  if (rested == nullptr) return mdb_txn_begin(_env.get(), nullptr, MDB_RDONLY, transaction);
  const int code = mdb_txn_renew(rested);
  if (code != 0) {
    mdb_txn_abort(rested);
    return code;
  }
  *transaction = rested;
  return 0;
}

void Environment::endRead(MDB_txn* transaction) {
  mdb_txn_reset(transaction);
  const bool kept = _resting.with([&](std::vector<MDB_txn*>& resting) {
    if (resting.size() >= kRestingReads) return false;
    resting.push_back(transaction);
    return true;
  });
  if (!kept) mdb_txn_abort(transaction);
}

// --- Writing

Result<bool> Environment::write(const std::function<int(Tables&)>& work) {
  int recoveries = 0;
  for (;;) {
    const std::uint64_t generation = _generation;
    bool written = false;
    const int code = tryWrite(work, written);
    if (code == 0) return written;
    const bool passing =
        code == MDB_MAP_FULL || ((code == MDB_PANIC || code == MDB_MAP_RESIZED) && ++recoveries <= 2);
    if (!passing) return fault("be written", code);
    const auto overcome = code == MDB_MAP_FULL ? growMap(0) : recover(code, generation);
    if (!overcome.ok()) return Error{overcome.error()};
  }
}

int Environment::tryWrite(const std::function<int(Tables&)>& work, bool& written) {
  const Gate::Pass pass(_gate);
  if (!_env) return MDB_PANIC;
  Transaction transaction;
  int code = transaction.begin(_env.get(), 0);
  if (code != 0) return code;
  const std::size_t id = mdb_txn_id(transaction.raw());
  Tables tables(transaction.raw(), _handles);
  code = work(tables);
  const auto registrations = code == 0 ? tables.size() : 0;
  if (code == 0) code = transaction.commit();
  if (code == 0) noteSize(registrations);
  // LMDB does not count a transaction that changed nothing.
  MDB_envinfo info{};
  if (code == 0) code = mdb_env_info(_env.get(), &info);
  written = info.me_last_txnid == id;
  return code;
}

Result<void> Environment::sync() {
  const Gate::Pass pass(_gate);
  const int code = _env ? mdb_env_sync(_env.get(), 1) : MDB_PANIC;
  if (code != 0) return fault("be written", code);
  return {};
}

Result<void> Environment::forgetPages() {
  const Gate::Alone alone(_gate);
  if (!_env) return fault("be written", MDB_PANIC);
  // Mapped anew, the file has no page in this process.
  const int code = mdb_env_set_mapsize(_env.get(), static_cast<std::size_t>(sizeInside().mapBytes));
  ++_generation;
  if (code == 0) return {};
  closeFile();  // As in resizeMap().
  return fault("be written", code);
}

Result<bool> Environment::replaceFile(const std::filesystem::path& file) {
  const Gate::Alone alone(_gate);
  // LMDB's lock file knows the old file's last transaction, and learns the new one's only from whoever opens
  // the store while nobody else has it. So it goes with the old file, for whom p2 does not know to read that.
  const auto readers = keepReadersOut(_options.directory);
  if (!readers.ok()) return Error{readers.error()};
  closeFile();
  const int code = ::rename(file.c_str(), (_options.directory / kDataFile).c_str()) == 0 ? 0 : errno;
  if (code == 0) ::unlink((_options.directory / kReadersFile).c_str());
  const bool durable = code == 0 && syncDirectory(_options.directory);
  // If that fails, the next transaction tries again, and says why.
  static_cast<void>(openFile());
  if (code != 0) return fault("be written", code);
  return durable;
}

int Environment::copyTo(int file) {
  const Gate::Pass pass(_gate);
  if (!_env) return MDB_PANIC;
  int code = mdb_env_copyfd2(_env.get(), file, MDB_CP_COMPACT);
  if (code != MDB_INCOMPATIBLE) return code;
  // Pages that nothing refers to (an old LMDB may lose some) rule out compacting, not copying.
  if (::ftruncate(file, 0) != 0 || ::lseek(file, 0, SEEK_SET) != 0) return errno;
  return mdb_env_copyfd2(_env.get(), file, 0);
}

// --- The map

Environment::Size Environment::lastSize() const {
  return _lastSize.with([](const Size& size) { return size; });
}

void Environment::noteSize(std::uint64_t registrations) {
  const auto size = sizeInside(registrations);
  _lastSize.with([&](Size& last) { last = size; });
}

/// Of the map as it is while nobody can move it.
Environment::Size Environment::sizeInside(std::uint64_t registrations) const {
  MDB_envinfo info{};
  MDB_stat stat{};
  if (mdb_env_info(_env.get(), &info) != 0 || mdb_env_stat(_env.get(), &stat) != 0) return {};
  return {registrations, info.me_mapsize, (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize};
}

void Environment::reserve(std::uint64_t bytes) {
  if (bytes == 0) return;
  std::uint64_t needed = 0;
  {
    const Gate::Pass pass(_gate);
    if (!_env) return;
    needed = sizeInside().usedBytes + bytes;
    if (needed <= sizeInside().mapBytes) return;
  }
  // If it cannot grow, the transaction itself will find out.
  const auto attempt = growMap(needed);
  static_cast<void>(attempt);
}

Result<void> Environment::growMap(std::uint64_t least) {
  const Gate::Alone alone(_gate);
  if (!_env) return fault("be written", MDB_PANIC);
  // Readers that died (a killed command) hold pages back; without them there may be room.
  int dead = 0;
  if (least == 0 && mdb_reader_check(_env.get(), &dead) == 0 && dead > 0) return {};
  const auto current = static_cast<std::size_t>(sizeInside().mapBytes);
  const auto after = [&](std::size_t size) { return nextMapSize(size, _options.greatestMapSize); };
  std::size_t next = after(current);
  while (next < least && after(next) > next) next = after(next);
  if (next <= current) {
    return storeError(_options.directory,
                      "cannot grow beyond " + std::to_string(current >> 20U) +
                          " MiB on this machine. Remove registrations (store.expireAfter), "
                          "or move to a 64-bit machine (p2 export, p2 import).");
  }
  return resizeMap(next);
}

/// Makes map and file `bytes` long. As the file is as long as the map, one that is shorter than its pages
/// was cut; LMDB itself may leave the last page unwritten if it is free. What is not written takes no space.
Result<void> Environment::resizeMap(std::size_t bytes) {
  int file = -1;
  struct stat status {};
  int code = mdb_env_get_fd(_env.get(), &file);
  if (code == 0 && ::fstat(file, &status) != 0) code = errno;
  if (code == 0 && static_cast<std::uint64_t>(status.st_size) < bytes) {
    if (::ftruncate(file, static_cast<off_t>(bytes)) != 0 || ::fsync(file) != 0) code = errno;
  }
  if (code == 0 && sizeInside().mapBytes != bytes) {
    code = mdb_env_set_mapsize(_env.get(), bytes);
    ++_generation;
    // LMDB has let go of the old map before it failed to get the new one: it cannot go on.
    if (code != 0) closeFile();
  }
  if (code != 0) return fault("be enlarged", code);
  noteSize(lastSize().registrations);
  return {};
}

/// Gets over what keeps a transaction from beginning, unless another thread has done so already.
Result<void> Environment::recover(int code, std::uint64_t generation) {
  const Gate::Alone alone(_gate);
  if (generation != _generation) return {};
  switch (code) {
    case MDB_MAP_RESIZED: {
      const int adopted = mdb_env_set_mapsize(_env.get(), 0);
      ++_generation;
      if (adopted == 0) return {};
      closeFile();  // As in resizeMap().
      return fault("be read", adopted);
    }
    case MDB_PANIC:
      // After a commit that failed half-way LMDB wants to be opened anew.
      closeFile();
      return openFile();
    case MDB_READERS_FULL:
      mdb_reader_check(_env.get(), nullptr);
      return {};
    default:
      return fault("be read", code);
  }
}

}  // namespace p2::lmdb
