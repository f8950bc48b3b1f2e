#include "Directory.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <pwd.h>
#include <system_error>
#include <thread>

namespace p2::lmdb {

namespace {

using core::Error;
using core::Result;
using std::filesystem::path;

std::string userName(uid_t id) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  std::string number = "uid " + std::to_string(id);
  if (::getpwuid_r(id, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return number;
  return std::string(entry.pw_name) + " (" + number + ")";
}

std::string thisUser() {
  return userName(::geteuid());
}

std::optional<struct stat> statusOf(const path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return std::nullopt;
  return status;
}

bool permits(const path& file, int mode) {
  return ::faccessat(AT_FDCWD, file.c_str(), mode, AT_EACCESS) == 0;
}

/// The directory a new entry of `directory` is made in; "store/" and "store" name the same one.
path parentOf(const path& directory) {
  const path absolute = std::filesystem::absolute(directory).lexically_normal();
  return absolute.has_filename() ? absolute.parent_path() : absolute.parent_path().parent_path();
}

Error cannotCreate(const path& directory, int code) {
  const std::string parent = parentOf(directory).string();
  if (code == ENOENT) {
    return storeError(directory, "cannot be created, as its parent directory " + parent +
                                     " does not exist. Create that, or set store.path to another place.");
  }
  if (code == ENOTDIR) {
    return storeError(directory,
                      "cannot be created, as a part of its path is a file. Set store.path to "
                      "another place.");
  }
  if (code == EACCES || code == EPERM) {
    return storeError(directory, "cannot be created, as " + thisUser() + " may not write to " + parent +
                                     ". Create the directory and give it to that user, or set store.path to "
                                     "another place.");
  }
  return systemError(directory, "be created", code);
}

/// Fine if there is nothing yet.
Result<void> checkIsDirectory(const path& directory) {
  const auto status = statusOf(directory);
  if (!status || S_ISDIR(status->st_mode)) return {};
  return storeError(directory,
                    "is not a directory, but a file. Name a directory; the daemon's is store.path.");
}

Error ownedByAnother(const path& directory, const path& file, uid_t owner) {
  return storeError(directory, "cannot be used: " + file.string() + " belongs to " + userName(owner) +
                                   ", but p2 runs as " + thisUser() +
                                   ". Run it as the owner, or give the directory and the files in it to the "
                                   "user that p2 runs as (chown -R).");
}

/// Root may write to anybody's store, but would leave files behind which their daemon could not open.
Result<void> checkOwner(const path& directory) {
  const auto status = statusOf(directory);
  if (::geteuid() == 0 && status && status->st_uid != 0) {
    return ownedByAnother(directory, directory, status->st_uid);
  }
  for (const char* name : {kDataFile, kReadersFile, kWriterFile}) {
    const auto file = statusOf(directory / name);
    if (file && file->st_uid != ::geteuid()) return ownedByAnother(directory, directory / name, file->st_uid);
  }
  return {};
}

Result<void> checkWritable(const path& directory) {
  if (permits(directory, R_OK | W_OK | X_OK)) return {};
  if (errno != EACCES) return systemError(directory, "be written", errno);
  return storeError(directory, "is not writable for " + thisUser() + ". Give it to that user (chown " +
                                   std::to_string(::geteuid()) +
                                   "; a container's volume, where it lies on the host) with mode 0700, or "
                                   "set store.path to another place.");
}

/// LMDB would take an empty file for a new database, and the loss would go unnoticed.
Result<void> checkNotEmpty(const path& directory) {
  const auto status = statusOf(directory / kDataFile);
  if (!status || status->st_size > 0) return {};
  return storeError(directory, "is damaged: " + (directory / kDataFile).string() +
                                   " is empty. Restore it from a backup; or, if there were no registrations "
                                   "yet, remove that file and start again.");
}

/// LMDB's pages begin with a number as wide as the machine's addresses; in the first one its mark follows.
constexpr std::size_t markPlace(std::size_t width) {
  return width + 8;
}

/// LMDB would call the file of a program whose addresses have another width damaged.
Result<void> checkWidth(const path& directory) {
  constexpr std::uint32_t kMark = 0xBEEFC0DE;
  constexpr std::size_t kOther = sizeof(std::size_t) == 4 ? 8 : 4;
  constexpr std::size_t kPlace = markPlace(kOther);
  std::array<char, kPlace + sizeof kMark> head{};
  std::uint32_t found = 0;
  const Descriptor file(::open((directory / kDataFile).c_str(), O_RDONLY | O_CLOEXEC));
  // What keeps it from being read is LMDB's to tell.
  if (::pread(file.number(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size())) return {};
  std::memcpy(&found, head.data() + kPlace, sizeof found);
  if (found != kMark) return {};
  return storeError(directory,
                    "was written by a " + std::to_string(kOther * 8) + "-bit p2, and a " +
                        std::to_string(sizeof(std::size_t) * 8) +
                        "-bit one like this cannot read it. Write the registrations out with that p2 (p2 "
                        "export), and read them into an empty store with this one (p2 import).");
}

/// What LMDB itself would misunderstand.
Result<void> checkData(const path& directory) {
  if (auto fine = checkNotEmpty(directory); !fine.ok()) return fine;
  return checkWidth(directory);
}

void narrowModes(const path& directory) {
  for (const char* name : {kDataFile, kReadersFile, kWriterFile}) {
    const auto status = statusOf(directory / name);
    if (status && (status->st_mode & 077U) != 0) ::chmod((directory / name).c_str(), 0600);
  }
}

Error inUse(const path& directory, int file) {
  std::array<char, 24> text{};
  const ssize_t bytes = ::pread(file, text.data(), text.size() - 1, 0);
  std::string owner;
  for (ssize_t i = 0; i < bytes && text[static_cast<std::size_t>(i)] >= '0'; ++i) {
    owner.push_back(text[static_cast<std::size_t>(i)]);
  }
  return storeError(directory, "is in use by another p2" + (owner.empty() ? "" : " (pid " + owner + ")") +
                                   ". Stop that one, or set store.path to another place.");
}

Result<Descriptor> claim(const path& directory) {
  Descriptor file(::open((directory / kWriterFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                         S_IRUSR | S_IWUSR));
  if (!file.valid()) return systemError(directory, "be locked", errno);
  if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return inUse(directory, file.number());
    return systemError(directory, "be locked", errno);
  }
  // Its owner has removed the store meanwhile, and this lock with it.
  struct stat status {};
  if (::fstat(file.number(), &status) == 0 && status.st_nlink == 0) return inUse(directory, file.number());
  // The pid is only for the message above: that it cannot be written (full disk) is no reason not to serve.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.number(), 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(file.number(), pid.data(), pid.size(), 0);
  }
  return file;
}

/// LMDB tells a write that was cut short, as a full disk does it, as an input/output error.
bool diskIsFull(const path& directory) {
  struct statvfs status {};
  return ::statvfs(directory.c_str(), &status) == 0 && status.f_bavail == 0;
}

// Enough for the reader slots that Environment asks for, and what is before them.
constexpr off_t kReadersFileSize = 36864;
constexpr off_t kBlockSize = 512;  // of st_blocks

bool isFull(int code) {
  return code == ENOSPC || code == EDQUOT;
}

std::string meaningOf(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "the disk, or p2's share of it, is full. Free some space; p2 goes on by itself";
    case EROFS:
      return "its file system is read-only. Mount it for writing (its log may say why it is not), let the "
             "service write there if its unit does not (systemctl edit: [Service] ReadWritePaths=), give its "
             "container a volume there, or set store.path to another place";
    case EACCES:
    case EPERM:
      return "the files in it are not permitted to " + thisUser() +
             ". Run p2 as their owner, or give them to that user (chown -R)";
    case EIO:
      return "the disk reports an input/output error. Look at the system's log and at the disk's health";
    case ENOMEM:
      return "there is not enough memory or address space to map it";
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_BAD_TXN:
      return "data.mdb is damaged or not a database. Restore it from a backup";
    case MDB_VERSION_MISMATCH:
      return "it was written by another version of LMDB. Stop every other p2, or install the p2 that wrote "
             "it";
    case MDB_READERS_FULL:
      return "too many programs are reading it. Stop some of them";
    default:
      return code > 0 ? std::generic_category().message(code) : mdb_strerror(code);
  }
}

}  // namespace

Error storeError(const path& directory, const std::string& problem) {
  return Error{"The store " + directory.string() + " " + problem};
}

Error systemError(const path& directory, const char* doing, int code) {
  const int cause = code == EIO && diskIsFull(directory) ? ENOSPC : code;
  return storeError(directory, std::string("cannot ") + doing + ": " + meaningOf(cause) + ".");
}

bool syncDirectory(const path& directory) {
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened.valid() && ::fsync(opened.number()) == 0;
}

int writeAll(const Descriptor& file, std::string_view bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.number(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    at += static_cast<std::uint64_t>(written);
  }
  return 0;
}

Result<void> makeDirectory(const path& directory) {
  // Asked first: mkdir() may report a lack of permission before it reports that the directory exists.
  if (statusOf(directory)) return checkIsDirectory(directory);
  if (::mkdir(directory.c_str(), S_IRWXU) != 0) return cannotCreate(directory, errno);
  // Best effort: a parent that is not readable cannot be synced.
  syncDirectory(parentOf(directory));
  return {};
}

Result<Descriptor> claimForWriting(const path& directory) {
  if (auto made = makeDirectory(directory); !made.ok()) return Error{made.error()};
  for (const auto check : {checkOwner, checkWritable}) {
    if (auto fine = check(directory); !fine.ok()) return Error{fine.error()};
  }
  auto claimed = claim(directory);
  if (!claimed.ok()) return claimed;
  if (auto fine = checkData(directory); !fine.ok()) return Error{fine.error()};
  narrowModes(directory);
  return claimed;
}

Presence presenceOf(const path& directory) {
  const auto isMissing = [](const path& file) {
    return ::access(file.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
  };
  if (isMissing(directory)) return Presence::none;
  return isMissing(directory / kDataFile) ? Presence::directory : Presence::store;
}

void removeStore(const path& directory, Presence before) {
  // The lock is the last: until then nobody begins anew here.
  for (const char* name : {kDataFile, kReadersFile, kWriterFile}) ::unlink((directory / name).c_str());
  if (before == Presence::none) ::rmdir(directory.c_str());
}

bool isClaimed(const path& directory) {
  const Descriptor file(::open((directory / kWriterFile).c_str(), O_RDONLY | O_CLOEXEC));
  return file.valid() && ::flock(file.number(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Result<void> checkForReading(const path& directory) {
  if (auto fine = checkIsDirectory(directory); !fine.ok()) return fine;
  const path data = directory / kDataFile;
  if (!permits(directory, R_OK | X_OK) || !permits(data, R_OK)) {
    if (errno != ENOENT && errno != ENOTDIR) return systemError(directory, "be read", errno);
    return storeError(directory,
                      "holds no registrations: " + data.string() +
                          " does not exist. Check store.path, or start p2 once, which creates it.");
  }
  return checkData(directory);
}

Result<Descriptor> enterAsReader(const path& directory) {
  Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) return systemError(directory, "be read", errno);
  int code = 0;
  while ((code = ::flock(opened.number(), LOCK_SH)) != 0 && errno == EINTR) {
  }
  if (code != 0) return systemError(directory, "be read", errno);
  return opened;
}

Result<Descriptor> keepReadersOut(const path& directory) {
  constexpr std::chrono::milliseconds kStep(50);
  constexpr int kSteps = 200;
  Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) return systemError(directory, "be written", errno);
  for (int step = 0; step < kSteps; ++step) {
    if (::flock(opened.number(), LOCK_EX | LOCK_NB) == 0) return opened;
    if (errno != EWOULDBLOCK && errno != EINTR) return systemError(directory, "be written", errno);
    std::this_thread::sleep_for(kStep);
  }
  return storeError(directory, "is being read by another p2 command. Try again when that has ended.");
}

int reserveReadersFile(const path& directory) {
  const Descriptor file(
      ::open((directory / kReadersFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  struct stat status {};
  // What keeps it from being opened is LMDB's to tell.
  if (!file.valid() || ::fstat(file.number(), &status) != 0) return 0;
  // An old one keeps its size: others may have it mapped.
  const off_t bytes = status.st_size > 0 ? status.st_size : kReadersFileSize;
  if (status.st_blocks * kBlockSize >= bytes || ::fallocate(file.number(), 0, 0, bytes) == 0) return 0;
  if (isFull(errno)) return errno;
  // A file system that cannot reserve; a new file can at least be written.
  if (status.st_size > 0) return 0;
  const std::string zeros(static_cast<std::size_t>(bytes), '\0');
  return ::pwrite(file.number(), zeros.data(), zeros.size(), 0) == bytes || !isFull(errno) ? 0 : errno;
}

void giveReadersFileToOwner(const path& directory) {
  const auto data = statusOf(directory / kDataFile);
  const auto readers = statusOf(directory / kReadersFile);
  if (::geteuid() != 0 || !data || !readers || readers->st_uid == data->st_uid) return;
  [[maybe_unused]] const int code = ::lchown((directory / kReadersFile).c_str(), data->st_uid, data->st_gid);
}

}  // namespace p2::lmdb
