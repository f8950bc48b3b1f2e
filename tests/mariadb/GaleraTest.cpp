#include "Connection.h"
#include "Server.h"
#include "p2/mariadb/Migration.h"
#include "p2/mariadb/TableReader.h"
#include "support/Catch.h"
#include "support/Eventually.h"
#include "support/ImportAll.h"

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store;
using namespace p2::store::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Of the provider: what a test can wait for.
constexpr const char* kQuick =
    "evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S;"
    "evs.inactive_check_period=PT0.2S";

/// Two real nodes. The first one goes on without the second, which does not go on without the first.
struct TwoNodes {
  Server first{nullptr, "pc.weight=2;" + std::string(kQuick)};
  Server second{&first, kQuick};

  /// How p2 reaches the first, and the second, of which it knows no other.
  std::pair<Options, Options> freshTables() {
    auto one = first.freshTables(), other = one;
    other.hosts = second.hosts();
    one.timeout = other.timeout = 2s;
    return {one, other};
  }

  /// Transactions that were given up because one of the other node was first.
  int conflicts() const {
    int sum = 0;
    for (const Server* node : {&first, &second}) {
      for (const auto& count : node->run("select variable_value from information_schema.global_status"
                                         " where variable_name in ('wsrep_local_cert_failures',"
                                         " 'wsrep_local_bf_aborts')")) {
        sum += std::stoi(count);
      }
    }
    return sum;
  }
};

Answer<Registrations::Found> askingFor(const Store& store, const std::string& node) {
  Answer<Registrations::Found> answer;
  store.lookUp(node, "example.org", answer.callback());
  return answer;
}

void raceFor(Store& one, Store& other, unsigned round) {
  constexpr unsigned kDevices = 100;
  std::vector<Answer<Registration>> ones(kDevices), others(kDevices);
  const auto enrolAll = [round](Store& store, std::vector<Answer<Registration>>& answers) {
    for (unsigned i = 0; i < kDevices; ++i) {
      store.registerDevice(device(10000 + round * kDevices + i), "example.org", token("token"),
                           answers[i].callback());
    }
  };
  std::thread thread(enrolAll, std::ref(one), std::ref(ones));
  enrolAll(other, others);
  thread.join();
  std::set<std::string> nodes;
  for (unsigned i = 0; i < kDevices; ++i) {
    CHECK(ones[i].value() == others[i].value());
    nodes.insert(ones[i].value().node);
  }
  CHECK(nodes.size() == kDevices);
}

}  // namespace

TEST_CASE("Two p2 at two nodes of Galera are of one mind, and a node that is not in step denies nobody") {
  TwoNodes cluster;
  // Defaults with which nothing waits for the cluster, and who is cut off from it tells what it has.
  for (const Server* node : {&cluster.first, &cluster.second}) {
    for (const auto* setting : {"autocommit = 0", "wsrep_dirty_reads = on"}) {
      node->run(std::string("set global ") + setting);
    }
  }
  auto [atFirst, atSecond] = cluster.freshTables();
  CHECK_THAT(remarksOn(atFirst), !ContainsSubstring("all nodes lose power"));
  cluster.first.run("set global innodb_flush_log_at_trx_commit = 2");
  CHECK_THAT(remarksOn(atFirst), ContainsSubstring("all nodes lose power") && !ContainsSubstring("not good"));
  atFirst.maxBatch = atSecond.maxBatch = 9;
  auto one = opened(atFirst), other = opened(atSecond);

  // Devices that register at both at once, until two transactions have met: one node each, equal answers.
  for (unsigned round = 0; round < 100 && cluster.conflicts() == 0; ++round) raceFor(*one, *other, round);
  CHECK(cluster.conflicts() > 0);

  // What was answered at one is found at the other, however far behind that is.
  for (unsigned i = 1000; i < 1200; ++i) {
    const auto given = registered(i % 2 == 0 ? *one : *other, device(i), "token");
    CHECK(askingFor(i % 2 == 0 ? *other : *one, given.node).value() == given);
    CHECK(registered(i % 2 == 0 ? *other : *one, device(i), "token").node == given.node);
  }
  const auto given = registered(*one, device(1), "token");
  CHECK_FALSE(askingFor(*other, "none").value());

  // Out of step: what it has can be told, and what it has not cannot.
  cluster.second.run("set global wsrep_desync = ON");
  CHECK(askingFor(*other, given.node).value() == given);
  CHECK_FALSE(askingFor(*other, "none").get().ok());
  CHECK_FALSE(askingFor(*one, "none").value());
  CHECK_THAT(faultOfOpening(atSecond), ContainsSubstring("not in step"));
  cluster.second.run("set global wsrep_desync = OFF");
  CHECK(p2::test::eventually([&] {
    const auto answer = askingFor(*other, "none");
    return answer.get().ok() && !answer.value();
  }));

  // Frozen: until that is seen the cluster agrees upon nothing, and who is known does not wait for who is
  // not.
  atFirst.connections = 1;
  const auto single = opened(atFirst);
  CHECK_FALSE(askingFor(*single, "none").value());
  cluster.second.freeze(true);
  const auto held = registering(*single, device(4000), "token");
  auto unknown = askingFor(*single, "none");
  CHECK(p2::test::eventually([&] {
    if (unknown.arrived()) unknown = askingFor(*single, "none");
    std::this_thread::sleep_for(100ms);
    return !unknown.arrived();
  }));
  for (int i = 0; i < 10; ++i) CHECK(askingFor(*single, given.node).value() == given);
  CHECK_FALSE(unknown.arrived());
  cluster.second.freeze(false);
  CHECK(held.get().ok());
  CHECK(p2::test::eventually([&] {
    const auto here = askingFor(*one, "none"), there = askingFor(*other, "none");
    return here.get().ok() && !here.value() && there.get().ok() && !there.value();
  }));

  // Cut off: as soon as that is seen nothing can be told, and before that nobody is denied.
  cluster.first.kill();
  const auto denied = registering(*other, device(5000), "token");
  CHECK(p2::test::eventually([&] {
    const auto answer = askingFor(*other, given.node);
    if (answer.get().ok()) CHECK(answer.value() == given);
    return !answer.get().ok() && answer.get().error().find("cut off") != std::string::npos;
  }));
  for (int i = 0; i < 5; ++i) CHECK_FALSE(askingFor(*other, "none").get().ok());
  CHECK_FALSE(denied.get().ok());
  CHECK_FALSE(faultOfOpening(atSecond).empty());
}

TEST_CASE("A host outside of the cluster of the others serves nobody, first or last") {
  Server node(nullptr, kQuick), strange(nullptr, kQuick);
  auto options = node.freshTables();
  options.timeout = 2s;
  const auto inside = options.hosts.front();
  const auto alone = Server::shared().twinOf(options);
  options.hosts = {alone, inside};
  const auto first = opened(options);
  options.hosts = {inside, alone, strange.twinOf(options)};
  const auto last = opened(options);
  const auto given = registered(*last, device(1), "token");
  CHECK(lookedUp(*first, given.node) == given);
  CHECK(first->whereabouts().hosts[1].used);
  CHECK_THAT(first->whereabouts().hosts[0].fault, ContainsSubstring("is not part of the cluster"));
  const auto remarks = remarksOn(options);
  CHECK_THAT(remarks,
             ContainsSubstring("not good: " + nameOf(alone) + " is not part of a cluster, as others"));
  CHECK_THAT(remarks, ContainsSubstring("not good: " + nameOf(inside) + " is part of another cluster than " +
                                        nameOf(options.hosts.back())));

  node.kill();
  const auto fault = [&](std::size_t host) { return last->whereabouts().hosts[host].fault; };
  CHECK(p2::test::eventually([&] {
    CHECK_FALSE(askingFor(*last, given.node).get().ok());
    CHECK_FALSE(registering(*last, device(2), "token").get().ok());
    CHECK_FALSE(askingFor(*first, given.node).get().ok());
    return !fault(1).empty() && !fault(2).empty();
  }));
  CHECK_THAT(fault(1), ContainsSubstring("is not part of the cluster"));
  CHECK_THAT(fault(2), ContainsSubstring("is part of another cluster"));
}

TEST_CASE("What commands do with a database they do with no host outside of the cluster of the others") {
  Server node(nullptr, kQuick);
  auto options = node.freshTables();
  REQUIRE(p2::test::importAll(*opened(options), {imported(1)}).ok());
  const auto inside = options.hosts.front();
  const auto alone = Server::shared().twinOf(options);
  Server::shared().run(options.database, "drop table service_time");
  options.hosts = {alone, inside};
  options.timeout = 2s;
  CHECK(planMigration(options).value().steps.empty());
  CHECK(migrate(options, [](const std::string&) { FAIL("a step was made"); }).ok());
  CHECK(TableReader::open(options).value()->next().value());

  // The cluster is there, and cannot serve.
  node.run("set global wsrep_desync = ON");
  for (const auto& hosts : {std::vector<Host>{alone, inside}, {inside, alone}}) {
    options.hosts = hosts;
    CHECK_THAT(planMigration(options).error(), ContainsSubstring("is not part of the cluster"));
    CHECK_FALSE(migrate(options, [](const std::string&) { FAIL("a step was made"); }).ok());
    CHECK_THAT(TableReader::open(options).error(), ContainsSubstring("is not part of the cluster"));
  }
  CHECK(Server::shared().run(options.database, "show tables like 'service_time'").empty());
}
