#include "IoFaults.h"

#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <dlfcn.h>

namespace {

std::atomic<bool> armed{false};
std::atomic<int> passing{0};
std::atomic<int> failing{0};
std::atomic<int> failures{0};
std::atomic<int> syncCount{0};
std::atomic<int> failureCode{0};

bool fails() {
  if (!armed || failing == 0) return false;
  if (passing > 0) {
    --passing;
    return false;
  }
  --failing;
  ++failures;
  errno = failureCode;
  return true;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

// LMDB may call either, and with files of 64 bits the C library's header makes one of the two names: so these
// have names of their own here.
ssize_t pwriteOrFault(int file, const void* bytes, size_t count, long offset) __asm__("pwrite");
ssize_t pwrite64OrFault(int file, const void* bytes, size_t count, off64_t offset) __asm__("pwrite64");

ssize_t pwriteOrFault(int file, const void* bytes, size_t count, long offset) {
  static auto* const real = next<ssize_t(int, const void*, size_t, long)>("pwrite");
  return fails() ? -1 : real(file, bytes, count, offset);
}

ssize_t pwrite64OrFault(int file, const void* bytes, size_t count, off64_t offset) {
  static auto* const real = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return fails() ? -1 : real(file, bytes, count, offset);
}

ssize_t writev(int file, const iovec* parts, int count) {
  static auto* const real = next<ssize_t(int, const iovec*, int)>("writev");
  return fails() ? -1 : real(file, parts, count);
}

int fdatasync(int file) {
  static auto* const real = next<int(int)>("fdatasync");
  ++syncCount;
  return fails() ? -1 : real(file);
}

}  // extern "C"

namespace p2::lmdb::test {

IoFaults::IoFaults() {
  failing = 0;
  syncCount = 0;
  armed = true;
}

IoFaults::~IoFaults() {
  armed = false;
}

void IoFaults::fail(int after, int count, int code) {
  failing = 0;
  failures = 0;
  failureCode = code;
  passing = after;
  failing = count;
}

int IoFaults::failed() const {
  return failures;
}

int IoFaults::syncs() const {
  return syncCount;
}

}  // namespace p2::lmdb::test
