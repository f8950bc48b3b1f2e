#pragma once

#include <cstdlib>

namespace p2::test {

/// Whether qemu runs the test, as packaging/tests/foreign says: its memory counts as the test's, it knows no
/// seccomp, and has a word to say when a signal ends the program.
inline bool isEmulated() {
  return std::getenv("TESTS_EMULATED") != nullptr;
}

}  // namespace p2::test
