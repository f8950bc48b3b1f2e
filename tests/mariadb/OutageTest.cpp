#include "Connection.h"
#include "LossyRelay.h"
#include "Server.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store;
using namespace p2::store::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Phones that register, renew and are looked up without a pause, and what they were told.
class Load {
 public:
  explicit Load(Store& store) : _store(store), _thread([this] { run(); }) {}
  ~Load() { stop(); }

  void stop() {
    _stopping = true;
    if (_thread.joinable()) _thread.join();
  }

  std::size_t registrations() {
    const std::scoped_lock lock(_mutex);
    return _told.size();
  }
  std::map<unsigned, Registration> told() {
    const std::scoped_lock lock(_mutex);
    return _told;
  }
  std::atomic<std::size_t> asked{0};
  std::atomic<std::size_t> answered{0};
  std::atomic<std::size_t> errors{0};
  std::atomic<std::size_t> missed{0};     ///< Look-ups that did not find what was registered.
  std::atomic<std::size_t> different{0};  ///< Renewals that gave another node or secret.

 private:
  void run() {
    for (unsigned i = 0; !_stopping; ++i) {
      enrol(i);
      enrol(i / 2);
      if (const auto known = any(i)) lookUp(*known);
      while (asked - answered > 200 && !_stopping) std::this_thread::sleep_for(1ms);
    }
  }

  void enrol(unsigned number) {
    ++asked;
    _store.registerDevice(device(number), "example.org", token("token"),
                          [this, number](p2::core::Result<Registration> result) {
                            if (result.ok()) {
                              tell(number, result.value());
                            } else {
                              ++errors;
                            }
                            ++answered;
                          });
  }

  void lookUp(const Registration& known) {
    ++asked;
    _store.lookUp(known.node, "example.org", [this](p2::core::Result<Registrations::Found> result) {
      if (!result.ok()) {
        ++errors;
      } else if (!result.value()) {
        ++missed;
      }
      ++answered;
    });
  }

  void tell(unsigned number, const Registration& registration) {
    const std::scoped_lock lock(_mutex);
    const auto [at, added] = _told.try_emplace(number, registration);
    if (at->second.node != registration.node || at->second.secret != registration.secret) ++different;
  }

  std::optional<Registration> any(unsigned number) {
    const std::scoped_lock lock(_mutex);
    const auto at = _told.lower_bound(number / 3);
    return at == _told.end() ? std::nullopt : std::optional(at->second);
  }

  Store& _store;
  std::mutex _mutex;
  std::map<unsigned, Registration> _told;
  std::atomic<bool> _stopping{false};
  std::thread _thread;
};

/// A host that lets everybody connect and never says a word.
class SilentHost {
 public:
  SilentHost() : _socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(_socket, reinterpret_cast<sockaddr*>(&address), length);
    ::listen(_socket, 100);
    ::getsockname(_socket, reinterpret_cast<sockaddr*>(&address), &length);
    _host = {"127.0.0.1", ntohs(address.sin_port)};
  }
  SilentHost(const SilentHost&) = delete;
  SilentHost& operator=(const SilentHost&) = delete;
  ~SilentHost() { ::close(_socket); }

  const Host& host() const { return _host; }

 private:
  const int _socket;
  Host _host;
};

/// Counts who asked and was answered, and after how long.
class Waits {
 public:
  auto callback() {
    ++_asked;
    return [this, begin = std::chrono::steady_clock::now()](const auto&) {
      const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - begin;
      const std::scoped_lock lock(_mutex);
      _longest = std::max(_longest, waited.count());
      ++_answered;
    };
  }
  bool isOver() {
    const std::scoped_lock lock(_mutex);
    return _answered == _asked;
  }
  /// In seconds.
  double longest() {
    const std::scoped_lock lock(_mutex);
    return _longest;
  }

 private:
  std::atomic<std::size_t> _asked{0};
  std::mutex _mutex;
  std::size_t _answered = 0;
  double _longest = 0;
};

}  // namespace

TEST_CASE("A database that is killed under load loses no registration that was answered, and denies none") {
  auto& server = Server::shared();
  auto options = server.freshTables();
  options.maxBatch = 20;
  options.timeout = 1s;
  auto store = opened(options);
  Load load(*store);
  for (std::size_t outage = 0; outage < 3; ++outage) {
    const auto before = load.registrations();
    REQUIRE(p2::test::eventually([&] { return load.registrations() > before + 200; }));
    server.kill();
    const auto errors = load.errors.load();
    REQUIRE(p2::test::eventually([&] { return load.errors > errors; }));
    server.start();
  }
  const auto before = load.registrations();
  CHECK(p2::test::eventually([&] { return load.registrations() > before + 200; }));
  load.stop();
  store.reset();
  CHECK(load.answered == load.asked);
  CHECK(load.missed == 0);
  CHECK(load.different == 0);
  store = opened(options);
  std::size_t there = 0;
  for (const auto& [number, registration] : load.told()) {
    const auto found = lookedUp(*store, registration.node);
    there += found && found->key == device(number) && found->secret == registration.secret ? 1U : 0U;
  }
  CHECK(there == load.told().size());
}

TEST_CASE("A database that stands still makes nobody wait for longer than it may") {
  auto& server = Server::shared();
  auto options = server.freshTables();
  options.timeout = 1s;
  auto store = opened(options);
  const auto known = registered(*store, device(1), "token");
  server.freeze(true);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<Answer<Registrations::Found>> found(300);
  for (const auto& answer : found) {
    auto mine = answer;
    store->lookUp(known.node, "example.org", mine.callback());
  }
  const auto renewed = registering(*store, device(1), "new");
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
  for (const auto& answer : found) CHECK_FALSE(answer.get().ok());
  CHECK_FALSE(renewed.get().ok());
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
  CHECK_FALSE(store->lastFault().empty());
  server.freeze(false);
  CHECK(p2::test::eventually([&] { return registering(*store, device(1), "newest").get().ok(); }));
  CHECK(lookedUp(*store, known.node)->target == token("newest"));
  CHECK(store->lastFault().empty());
}

TEST_CASE("Hosts that say nothing keep nobody from one that serves") {
  const SilentHost first, second;
  auto options = Server::shared().freshTables();
  options.timeout = 1s;
  options.hosts.insert(options.hosts.begin(), {first.host(), second.host()});
  const auto store = opened(options);
  const auto known = registered(*store, device(1), "token");
  CHECK(lookedUp(*store, known.node) == known);
  CHECK(store->lastFault().empty());
}

TEST_CASE("While no host says a word nobody waits for long, however many ask") {
  auto& server = Server::shared();
  const SilentHost second, third;
  auto options = server.freshTables();
  options.timeout = 1s;
  options.hosts.push_back(second.host());
  options.hosts.push_back(third.host());
  const auto store = opened(options);
  const auto known = registered(*store, device(1), "token");
  server.freeze(true);
  Waits waits;
  const auto end = std::chrono::steady_clock::now() + 3s;
  for (unsigned i = 0; std::chrono::steady_clock::now() < end; ++i) {
    store->lookUp(known.node, "example.org", waits.callback());
    store->registerDevice(device(i), "example.org", token("token"), waits.callback());
    std::this_thread::sleep_for(1ms);
  }
  CHECK(p2::test::eventually([&] { return waits.isOver(); }));
  CHECK(waits.longest() < 6);
  server.freeze(false);
  CHECK(p2::test::eventually([&] { return registering(*store, device(1), "new").get().ok(); }));
  CHECK(lookedUp(*store, known.node)->target == token("new"));
}

TEST_CASE("A store that closes while its database is away answers all that is asked") {
  auto& server = Server::shared();
  const auto options = server.freshTables();
  auto store = opened(options);
  server.kill();
  std::vector<Answer<Registration>> enrolled;
  std::vector<Answer<Registrations::Found>> found(50);
  for (unsigned i = 0; i < 50; ++i) {
    enrolled.push_back(registering(*store, device(i), "token"));
    store->lookUp("node", "example.org", found[i].callback());
  }
  store.reset();
  for (const auto& answer : enrolled) CHECK((answer.arrived() && !answer.get().ok()));
  for (const auto& answer : found) CHECK((answer.arrived() && !answer.get().ok()));
  server.start();
}

TEST_CASE("A connection that the database has closed is made anew, and nobody notices") {
  auto& server = Server::shared();
  auto options = server.freshTables();
  options.countEvery = 0s;
  const auto store = opened(options);
  const auto one = registered(*store, device(1), "token");
  for (int round = 0; round < 5; ++round) {
    for (const auto& id : server.run(
             "select id from information_schema.processlist where user = 'p2' and command = 'Sleep'")) {
      server.run("kill " + id);
    }
    CHECK(lookedUp(*store, one.node));
    CHECK(registered(*store, device(1), "token" + std::to_string(round)).node == one.node);
    CHECK(store->lastFault().empty());
    CHECK(store->statistics().registrations == 1);
  }
}

TEST_CASE("What another p2 has locked and does not let go is let go by the database") {
  auto& server = Server::shared();
  auto options = server.freshTables();
  options.timeout = 1s;
  const auto store = opened(options);
  const auto one = registered(*store, device(1), "token");
  auto stuck = Connection::open(options.hosts.front(), options, options.timeout);
  REQUIRE(stuck.ok());
  REQUIRE(stuck.value()->execute("start transaction").ok());
  REQUIRE(stuck.value()->query("select * from target for update").ok());
  CHECK(p2::test::eventually([&] { return registering(*store, device(1), "new").get().ok(); }));
  CHECK(lookedUp(*store, one.node)->target == token("new"));
}

TEST_CASE("Behind a database that is slower than what is asked of it nobody waits for long") {
  auto options = Server::shared().freshTables();
  options.connections = 1;
  options.timeout = 1s;
  const auto store = opened(options);
  Server::shared().run("grant all on " + options.database + ".* to 'p2'@'%'");
  Options patient = options;
  patient.timeout = 30s;
  auto blocker = Connection::open(options.hosts.front(), patient, patient.timeout);
  REQUIRE(blocker.ok());
  REQUIRE(blocker.value()->execute("lock tables target write").ok());
  // One after the other these would take half a minute and more: a second for each batch.
  constexpr unsigned kMany = 3000;
  std::vector<Answer<Registrations::Found>> nodes(kMany);
  std::vector<Answer<Registrations::Found>> devices(kMany);
  std::vector<Answer<Registration>> changes(kMany);
  const auto begin = std::chrono::steady_clock::now();
  for (unsigned i = 0; i < kMany; ++i) {
    store->lookUp(imported(i).node, "example.org", nodes[i].callback());
    store->lookUp(device(i), "example.org", devices[i].callback());
    store->registerDevice(device(i), "example.org", token("token"), changes[i].callback());
  }
  for (unsigned i = 0; i < kMany; ++i) {
    CHECK_FALSE(nodes[i].get().ok());
    CHECK_FALSE(devices[i].get().ok());
    CHECK_FALSE(changes[i].get().ok());
  }
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
}

TEST_CASE("What is no transaction of p2's is none by the server's defaults") {
  auto& server = Server::shared();
  const auto options = server.freshTables();
  server.run("set global autocommit = 0, global completion_type = CHAIN");
  auto opened = Connection::open(options.hosts.front(), options, options.timeout);
  server.run("set global autocommit = 1, global completion_type = NO_CHAIN");
  REQUIRE(opened.ok());
  auto& connection = *opened.value();
  REQUIRE(connection.execute("start transaction").ok());
  REQUIRE(connection.execute("commit").ok());
  REQUIRE(connection.query("select * from target").ok());
  auto shown = connection.query("select @@in_transaction");
  REQUIRE(shown.ok());
  REQUIRE(shown.value().next());
  CHECK(shown.value().number(0) == 0);
}

TEST_CASE("When a host has gone the next one serves") {
  Server other;
  auto options = other.freshTables();
  options.hosts.push_back(Server::shared().twinOf(options));
  const auto store = opened(options);
  const auto first = registered(*store, device(1), "token");
  CHECK(lookedUp(*store, first.node) == first);
  other.kill();
  // It holds other registrations, which no real one would.
  const auto second = registered(*store, device(1), "token");
  CHECK(second.node != first.node);
  CHECK(p2::test::eventually([&] {
    Answer<Registrations::Found> answer;
    store->lookUp(second.node, "example.org", answer.callback());
    return answer.get().ok() && answer.value() == second;
  }));
}

TEST_CASE(
    "A replica that lags behind finds nobody unknown and registers nobody, and one that has caught up does") {
  Server primary;
  Server replica;
  auto options = primary.freshTables();
  options.timeout = 1s;
  options.hosts.push_back(replica.twinOf(options));
  const auto ask = [&](const Store& store, const std::string& node) {
    Answer<Registrations::Found> answer;
    store.lookUp(node, "example.org", answer.callback());
    return answer.get();
  };
  const auto beats = [&](const Server& server, const std::string& which) {
    return server.run(options.database, "select instance from serving where beat " + which);
  };
  CHECK_THAT(remarksOn(options), ContainsSubstring("read_only = ON on each replica"));
  const auto store = opened(options);
  store->setServing(true);
  const auto given = registered(*store, device(1), "token");
  REQUIRE(p2::test::eventually([&] { return !beats(primary, "> 0").empty(); }));
  replica.run(options.database,
              "insert into serving (instance, beat) values ('" + beats(primary, "> 0").front() + "', 0)");
  primary.kill();
  const auto fault = [&] { return store->whereabouts().hosts[1].fault; };
  CHECK(p2::test::eventually([&] {
    CHECK_FALSE(ask(*store, given.node).ok());
    CHECK_FALSE(registering(*store, device(2), "token").get().ok());
    return fault().find("lags behind") != std::string::npos;
  }));

  replica.run(options.database, "update serving set beat = 1000");
  CHECK(p2::test::eventually([&] {
    const auto asked = ask(*store, "none");
    return asked.ok() && !asked.value();
  }));
  // The primary has nothing of what is written to the replica from now on.
  CHECK(p2::test::eventually([&] { return !beats(replica, "< 1000").empty(); }));
  primary.start();
  replica.kill();
  CHECK_FALSE(ask(*store, "none").ok());
}

TEST_CASE("A commit that is lost, or whose answer is, is what it would have been") {
  const auto direct = Server::shared().freshTables();
  LossyRelay relay(direct.hosts.front());
  auto options = direct;
  options.hosts = {relay.host()};
  const auto store = opened(options);
  const auto loss = GENERATE(LossyRelay::Loss::ofCommit, LossyRelay::Loss::ofAnswer);
  relay.lose(loss);
  const auto given = registered(*store, device(1), "token");
  CHECK(relay.hasLost());
  CHECK(lookedUp(*opened(direct), given.node) == given);

  relay.lose(loss);
  Answer<bool> replaced;
  store->replaceTarget(given.node, token("token"), token("new"), replaced.callback());
  CHECK(replaced.value());
  CHECK(relay.hasLost());
  CHECK(lookedUp(*store, given.node)->target == token("new"));

  relay.lose(loss);
  CHECK(unregistered(*store, device(1)));
  CHECK(relay.hasLost());
  CHECK_FALSE(lookedUp(*store, given.node));
  CHECK(store->lastFault().empty());
}

TEST_CASE("What calls back while a store closes may ask it again, and is answered") {
  auto store = opened(Server::shared().freshTables());
  std::atomic<int> answers{0};
  for (unsigned i = 0; i < 500; ++i) {
    auto* const asked = store.get();
    asked->registerDevice(device(i), "example.org", token("token"), [&, asked, i](const auto&) {
      asked->lookUp(device(i), "example.org", [&, asked, i](const auto&) {
        asked->unregister(device(i), "example.org", [&](const auto&) { ++answers; });
      });
    });
  }
  store.reset();
  CHECK(answers == 500);
}
