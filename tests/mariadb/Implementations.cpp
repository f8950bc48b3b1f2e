#include "Server.h"
#include "store/Contract.h"

#include <memory>

namespace p2::store::test {

namespace {

/// Small batches, more threads than one that look up, and a count for each who asks.
std::unique_ptr<RegistrationStore> inMariaDb(Subject& subject) {
  auto options = mariadb::test::Server::shared().freshTables();
  options.clock = &subject.clock;
  options.maxBatch = 7;
  options.countEvery = 0s;
  return mariadb::test::opened(options);
}

constexpr Implementation kImplementations[] = {{"MariaDB", inMariaDb}};

}  // namespace

std::span<const Implementation> implementations() {
  return kImplementations;
}

}  // namespace p2::store::test
