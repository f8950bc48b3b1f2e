#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// What libFuzzer calls with each input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace p2::test {

/// What the input was made into, where that is not the input itself; shown with a failure.
inline std::string_view rendered;

/// Ends the program, which libFuzzer reports together with the input, unless `holds`.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "the input breaks what must hold: %s\n", what);
  if (!rendered.empty()) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(rendered.substr(0, 100000).size()), rendered.data());
  }
  std::abort();
}

inline std::string_view textOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace p2::test
