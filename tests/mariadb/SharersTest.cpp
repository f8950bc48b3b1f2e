#include "Connection.h"
#include "Server.h"
#include "Sharers.h"
#include "support/Catch.h"
#include "support/ManualClock.h"

#include <array>
#include <chrono>
#include <memory>
#include <string>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace std::chrono_literals;

namespace {

/// As Watch goes round.
constexpr auto kRound = 10s;

/// Three p2 with one database, seen from the inside.
struct Trio {
  Trio() { REQUIRE(connected.ok()); }

  bool look(std::size_t which, bool serves) { return !all[which].look(*connected.value(), serves); }
  /// So often that each has seen the others come, and count on.
  void goRound(const std::array<bool, 3>& serves) {
    for (int round = 0; round < 3; ++round) {
      clock.advance(kRound);
      for (std::size_t which = 0; which < all.size(); ++which) CHECK(look(which, serves[which]));
    }
  }
  std::string rows() const {
    return Server::shared().run(options.database, "select count(*) from serving").front();
  }

  p2::test::ManualClock clock;
  Options options = Server::shared().freshTables();
  Outcome<std::unique_ptr<Connection>> connected =
      Connection::open(options.hosts.front(), options, options.timeout);
  std::array<Sharers, 3> all{Sharers(clock), Sharers(clock), Sharers(clock)};
};

}  // namespace

TEST_CASE(
    "Those that serve from one database know how many they are, and one that stands by is none of them") {
  Trio trio;
  trio.goRound({true, true, false});
  CHECK(trio.all[0].count() == 2);
  CHECK(trio.all[1].count() == 2);
  CHECK(trio.all[2].count() == 3);  // it would be the third
  trio.goRound({true, false, true});
  CHECK(trio.all[0].count() == 2);
  CHECK(trio.all[1].count() == 3);
  CHECK(trio.all[2].count() == 2);
}

TEST_CASE("One that ends without a word counts no more, and leaves nothing behind") {
  Trio trio;
  trio.goRound({true, true, true});
  CHECK(trio.all[0].count() == 3);
  // It has not seen yet how far they came at last.
  const auto end = trio.clock.now() + kRound + Sharers::kGoneAfter;
  while (trio.clock.now() <= end) {
    trio.clock.advance(kRound);
    CHECK(trio.look(0, true));
  }
  CHECK(trio.all[0].count() == 1);
  CHECK(trio.rows() == "3");
  trio.clock.advance(1h);
  CHECK(trio.look(0, true));
  CHECK(trio.rows() == "1");
  SECTION("if it was only cut off, it is there again") {
    trio.goRound({true, true, false});
    CHECK(trio.all[0].count() == 2);
  }
}

TEST_CASE("A host that has not what this p2 counted on cannot serve, while that is known") {
  Trio trio;
  auto& server = Server::shared();
  auto& connection = *trio.connected.value();
  const auto keepsUp = [&](std::size_t which) { return !trio.all[which].checkKeepsUp(connection); };
  CHECK(keepsUp(0));  // it has not counted yet
  for (int beat = 0; beat < 3; ++beat) CHECK(trio.look(0, true));
  CHECK(trio.look(1, false));
  CHECK(keepsUp(0));
  server.run(trio.options.database, "update serving set beat = 2");
  CHECK_FALSE(keepsUp(0));
  const auto fault = trio.all[0].checkKeepsUp(connection);
  REQUIRE(fault);
  CHECK(fault->kind == Fault::Kind::unfit);
  CHECK(keepsUp(1));
  trio.clock.advance(50min);
  CHECK_FALSE(keepsUp(0));
  trio.clock.advance(1s);
  CHECK(keepsUp(0));  // its row may have been taken for that of a dead one
  CHECK(trio.look(0, true));
  CHECK(keepsUp(0));
  server.run(trio.options.database, "update serving set beat = beat - 1");
  CHECK_FALSE(keepsUp(0));
  CHECK(trio.look(0, false));
  CHECK(keepsUp(0));  // it serves no more
}

TEST_CASE("Where its own row is gone a host cannot serve, unless it was written there") {
  Trio trio;
  auto& server = Server::shared();
  auto other = trio.options.hosts.front();
  other.name = "127.1";  // Another name of the same.
  auto replica = Connection::open(other, trio.options, trio.options.timeout);
  REQUIRE(replica.ok());
  CHECK(trio.look(0, true));
  CHECK_FALSE(trio.all[0].checkKeepsUp(*replica.value()));
  server.run(trio.options.database, "delete from serving");
  CHECK(trio.all[0].checkKeepsUp(*replica.value()));
  CHECK_FALSE(trio.all[0].checkKeepsUp(*trio.connected.value()));
}

TEST_CASE("A database that stands still or takes no writes leaves what was known of the others") {
  Trio trio;
  trio.goRound({true, true, true});
  auto& server = Server::shared();
  server.run(trio.options.database, "rename table serving to elsewhere");
  CHECK_FALSE(trio.look(0, true));
  CHECK(trio.all[0].count() == 3);
  server.run(trio.options.database, "rename table elsewhere to serving");
  CHECK(trio.look(0, true));
  CHECK(trio.all[0].count() == 3);
}
