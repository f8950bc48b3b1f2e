#pragma once

#include "Environment.h"
#include "p2/core/Result.h"

#include <filesystem>
#include <memory>
#include <utility>

namespace p2::lmdb {

/// A copy of a store, in its directory, that can be changed in as many transactions as it takes and then put
/// in the store's place as a whole. Unless that was done it is removed when this ends. Used by one thread,
/// which is alone in changing the store.
class Staging {
 public:
  /// Copies the store. Errors in an operator's words.
  static core::Result<std::unique_ptr<Staging>> begin(Environment& store);
  /// Removes what a killed process has left in the store's directory.
  static void removeLeftOver(const std::filesystem::path& store);

  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging();

  Environment& copy() { return *_copy; }
  /// Where the copy is; other files that are needed for it may be made there, and unlinked.
  const std::filesystem::path& directory() const { return _directory; }

  /// Puts the copy in the store's place as Environment::replaceFile() says. Once.
  core::Result<bool> publish();

 private:
  Staging(Environment& store, std::filesystem::path directory)
      : _store(store), _directory(std::move(directory)) {}

  Environment& _store;
  const std::filesystem::path _directory;
  std::unique_ptr<Environment> _copy;
};

}  // namespace p2::lmdb
