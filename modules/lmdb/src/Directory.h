#pragma once

#include "p2/core/Descriptor.h"
#include "p2/core/Result.h"
#include "p2/lmdb/Files.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace p2::lmdb {

// The store's directory and the files in it: who may use them, and what is wrong with them.

inline constexpr const char* kWriterFile = "p2.lock";  ///< Ours: held by the one process that writes.

using core::Descriptor;

/// Makes the directory ready for writing and claims it: creates it (mode 0700) if it is missing, checks its
/// owner, its permissions and the files in it, narrows those to mode 0600. The claim holds until the
/// descriptor is closed. Errors in an operator's words.
core::Result<Descriptor> claimForWriting(const std::filesystem::path& directory);
/// What there is of a store.
enum class Presence {
  none,       ///< Not even the directory.
  directory,  ///< Without a database in it.
  store,
};
/// What there is; a store also if nobody can say.
Presence presenceOf(const std::filesystem::path& directory);
/// Removes the store's files, and with `before` none the directory, if nothing else is in it. REQUIRES:
/// claimForWriting(), and that this process has closed the store.
void removeStore(const std::filesystem::path& directory, Presence before);
/// Whether some process has it claimed; false also if this one may not look.
bool isClaimed(const std::filesystem::path& directory);
/// Checks that there is a store which this user may read.
core::Result<void> checkForReading(const std::filesystem::path& directory);
/// Tells the one process that writes, until the descriptor is closed, that this one reads the store. Waits
/// while keepReadersOut() holds; that is for a moment only. REQUIRES: checkForReading().
core::Result<Descriptor> enterAsReader(const std::filesystem::path& directory);
/// Waits some seconds until no other process is within enterAsReader(), and keeps them out until the
/// descriptor is closed. An error if they go on. REQUIRES: claimForWriting().
core::Result<Descriptor> keepReadersOut(const std::filesystem::path& directory);
/// Takes the blocks on the disk that LMDB's lock file needs: LMDB writes to it through memory, where a disk
/// that is full ends the process. Gives 0, or the system's error code if there is no room. REQUIRES: this
/// process has not opened the store, or it would lose its locks.
int reserveReadersFile(const std::filesystem::path& directory);
/// Gives LMDB's lock file, if root has just created it, to the owner of the store.
void giveReadersFileToOwner(const std::filesystem::path& directory);

/// Writes all bytes at a place in the file. Gives 0, or the system's error code.
int writeAll(const Descriptor& file, std::string_view bytes, std::uint64_t at);

/// Creates the directory (mode 0700), durably. Fine if it exists.
core::Result<void> makeDirectory(const std::filesystem::path& directory);
/// Makes the directory's entries durable.
bool syncDirectory(const std::filesystem::path& directory);

/// "The store <directory> <problem>".
core::Error storeError(const std::filesystem::path& directory, const std::string& problem);
/// What an error code of LMDB or of the system, met while `doing` ("be opened", "be written"), means to an
/// operator.
core::Error systemError(const std::filesystem::path& directory, const char* doing, int code);

}  // namespace p2::lmdb
