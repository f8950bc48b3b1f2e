#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace p2::core {

/// A file that appears whole or not at all: it is written beside the one of its name and takes its place at
/// the end. What is there and is no regular file, such as a terminal or a pipe, is written into and stays
/// what it is. Errors are errno's numbers. Used by one thread; blocks on the disk.
class AtomicFile {
 public:
  /// Begins a file that its owner alone may read. `path` may be a symbolic link, which then leads to the new
  /// file. `fault`: 0, or why there is none (and then nullptr is given).
  static std::unique_ptr<AtomicFile> create(const std::filesystem::path& path, int& fault);

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  /// Without commit(): nothing has happened.
  ~AtomicFile();

  int descriptor() const noexcept { return _descriptor; }
  /// Makes it durable and puts it in its place. 0, or the fault.
  int commit();

 private:
  AtomicFile(int descriptor, std::filesystem::path beside, std::filesystem::path path);

  int _descriptor;
  std::filesystem::path _beside;  ///< Empty: there is nothing to put in place.
  const std::filesystem::path _path;
};

/// Writes all of `text`, however often the system takes only a part. 0, or errno.
int writeAll(int descriptor, std::string_view text) noexcept;

}  // namespace p2::core
