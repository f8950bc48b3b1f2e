#include "p2/process/PrivateMemory.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace p2::process {

void keepMemoryPrivate() noexcept {
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace p2::process
