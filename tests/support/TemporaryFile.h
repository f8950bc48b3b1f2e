#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>

namespace p2::test {

/// A file of its own for a test, removed at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content = {}) {
    _path = (std::filesystem::temp_directory_path() / "p2-test-XXXXXX").string();
    ::close(::mkstemp(_path.data()));
    write(content);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(_path.c_str()); }

  void write(const std::string& content) { std::ofstream(_path, std::ios::binary) << content; }
  const std::string& path() const { return _path; }

 private:
  std::string _path;
};

}  // namespace p2::test
