#include "Server.h"
#include "store/Contract.h"

#include <memory>

namespace p2::store::test {

namespace {

using mariadb::test::Server;

/// Small batches, more threads than one that look up, and a count for each who asks.
std::unique_ptr<RegistrationStore> openedFor(Subject& subject, mariadb::Options options) {
  options.clock = &subject.clock;
  options.maxBatch = 7;
  options.countEvery = 0s;
  return mariadb::test::opened(options);
}

std::unique_ptr<RegistrationStore> inMariaDb(Subject& subject) {
  return openedFor(subject, Server::shared().freshTables());
}

/// At the node that the other one's tables come to.
std::unique_ptr<RegistrationStore> inGalera(Subject& subject) {
  static Server first{nullptr, ""};
  static Server second{&first, ""};
  auto options = first.freshTables();
  options.hosts = second.hosts();
  return openedFor(subject, options);
}

constexpr Implementation kImplementations[] = {{"MariaDB", inMariaDb}, {"Galera", inGalera}};

}  // namespace

std::span<const Implementation> implementations() {
  return kImplementations;
}

}  // namespace p2::store::test
