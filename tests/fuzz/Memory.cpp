#include "Memory.h"

#if defined(__SANITIZE_ADDRESS__)
#define P2_MEMORY_HOOKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define P2_MEMORY_HOOKS 1
#endif
#endif

#ifdef P2_MEMORY_HOOKS
#include <sanitizer/allocator_interface.h>
#endif

#include <algorithm>
#include <atomic>

namespace p2::test {

#ifdef P2_MEMORY_HOOKS

namespace {

std::atomic<std::ptrdiff_t> held{0};  // since the hooks are there
std::atomic<std::ptrdiff_t> most{0};

void onAllocate(const volatile void* /*block*/, std::size_t size) {
  const auto now = held += static_cast<std::ptrdiff_t>(size);
  if (now > most) most = now;
}

void onFree(const volatile void* block) {
  if (block != nullptr) {
    held -= static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(const_cast<const void*>(block)));
  }
}

}  // namespace

MemoryMeter::MemoryMeter() noexcept {
  static const bool installed = __sanitizer_install_malloc_and_free_hooks(onAllocate, onFree) != 0;
  static_cast<void>(installed);
  _before = static_cast<std::size_t>(held.load());
  most = held.load();
}

std::size_t MemoryMeter::peak() const noexcept {
  return static_cast<std::size_t>(most.load()) - _before;
}

#else

MemoryMeter::MemoryMeter() noexcept : _before(0) {}

std::size_t MemoryMeter::peak() const noexcept {
  return _before;
}

#endif

}  // namespace p2::test
