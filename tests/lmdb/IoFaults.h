#pragma once

namespace p2::lmdb::test {

/// While it lives, what the database writes and syncs in this process can be made to fail: this program
/// stands between LMDB and the C library. One at a time.
class IoFaults {
 public:
  IoFaults();
  IoFaults(const IoFaults&) = delete;
  IoFaults& operator=(const IoFaults&) = delete;
  ~IoFaults();

  /// Lets `after` calls pass and fails `count` of those that follow with `code`; none from then on.
  void fail(int after, int count, int code);
  /// How many have failed since.
  int failed() const;
  /// Syncs of a file's data since the construction.
  int syncs() const;
};

}  // namespace p2::lmdb::test
