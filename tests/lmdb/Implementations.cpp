#include "Stores.h"
#include "store/Contract.h"

#include <memory>

namespace p2::store::test {

namespace {

/// Small batches, and a map that must grow.
std::unique_ptr<RegistrationStore> inFiles(Subject& subject) {
  lmdb::Store::Options options;
  options.path = subject.directory.path();
  options.clock = &subject.clock;
  options.maxBatch = 7;
  options.initialMapSize = 65536;
  return lmdb::test::opened(options);
}

constexpr Implementation kImplementations[] = {{"LMDB", inFiles}};

}  // namespace

std::span<const Implementation> implementations() {
  return kImplementations;
}

}  // namespace p2::store::test
