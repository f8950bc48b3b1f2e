#include "p2/http/Dial.h"
#include "support/Catch.h"
#include "support/LoopbackAddress.h"
#include "support/LoopbackServer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;
using namespace p2::http;
using p2::test::at;
using p2::test::DeafServer;
using p2::test::LoopbackServer;
using p2::test::RefusingPort;

namespace {

std::chrono::steady_clock::time_point in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

/// Waits for its client to close.
void hold(int socket, int) {
  char byte = 0;
  ::recv(socket, &byte, 1, 0);
}

}  // namespace

TEST_CASE("The next address is tried beside one that does not answer, and at once after one that refuses") {
  const LoopbackServer good(hold);
  const DeafServer deaf;
  const RefusingPort refusing;
  const std::vector<std::vector<std::uint16_t>> cases{
      {deaf.port()},
      {refusing.port()},
      {deaf.port(), refusing.port()},
      {refusing.port(), deaf.port()},
      {deaf.port(), deaf.port(), refusing.port(), refusing.port()}};
  for (const auto& before : cases) {
    std::vector<Address> addresses;
    for (const auto port : before) addresses.push_back(at(port));
    addresses.push_back(at(good.port()));
    Dial dial(addresses, {.attemptDelay = 20ms, .connectTimeout = 60s});
    const auto reached = dial.next(in(60s));
    REQUIRE(reached);
    CHECK(reached->address == at(good.port()));
    CHECK(reached->socket.getNoDelay());
  }
}

TEST_CASE("While addresses refuse, the delay between attempts is not waited for") {
  const LoopbackServer good(hold);
  const RefusingPort held;
  const auto refusing = at(held.port());
  Dial dial({refusing, refusing, refusing, at(good.port())}, {.attemptDelay = 60s, .connectTimeout = 60s});
  REQUIRE(dial.next(in(30s)));
  CHECK(dial.failed().size() == 3);
  CHECK_FALSE(dial.hasMore());
}

TEST_CASE("An address that was of no use is followed by the others, each once") {
  const LoopbackServer first(hold), second(hold);
  const RefusingPort held;
  const auto refusing = at(held.port());
  Dial dial({at(first.port()), refusing, at(second.port())}, {});
  CHECK(dial.next(in(60s))->address == at(first.port()));
  CHECK(dial.hasMore());
  CHECK(dial.next(in(60s))->address == at(second.port()));
  CHECK_FALSE(dial.hasMore());
  CHECK_FALSE(dial.next(in(60s)));
  CHECK(dial.failed() == std::vector<Address>{refusing});
}

TEST_CASE("Why there is no connection is told, a refusal before what this machine lacks") {
  const DeafServer deaf;
  const RefusingPort held;
  const auto refusing = at(held.port());
  const auto faultOf = [](const std::vector<Address>& addresses, std::chrono::milliseconds bound = 60s) {
    Dial dial(addresses, {.attemptDelay = 1ms, .connectTimeout = 50ms});
    CHECK_FALSE(dial.next(in(bound)));
    return dial.fault();
  };
  CHECK(faultOf({refusing}) == "Connection refused");
  CHECK(faultOf({at(deaf.port())}) == "it did not take the connection in time");
  CHECK(faultOf({refusing}, 0ms) == "no time was left");
  // Of a network that nobody has.
  CHECK(faultOf({Address("ff00::1", Poco::UInt16{1}), refusing}) == "Connection refused");
  CHECK(faultOf({}) == "no time was left");
}

TEST_CASE("A wait for connections ends at the deadline, or when it is cancelled from elsewhere") {
  const DeafServer deaf;
  SECTION("deadline") {
    Dial dial({at(deaf.port()), at(deaf.port())}, {.attemptDelay = 10ms, .connectTimeout = 60s});
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(dial.next(begin + 100ms));
    CHECK(std::chrono::steady_clock::now() - begin >= 100ms);
  }
  SECTION("cancelled") {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    Dial dial({at(deaf.port())}, {.connectTimeout = 60s, .cancel = pipe[0]});
    std::thread other([&] { CHECK(::write(pipe[1], "x", 1) == 1); });
    CHECK_FALSE(dial.next(p2::core::RealTime::max()));
    other.join();
    ::close(pipe[0]);
    ::close(pipe[1]);
  }
}

TEST_CASE("An address of IPv6 is reached as one of IPv4") {
  std::unique_ptr<LoopbackServer> server;
  try {
    server = std::make_unique<LoopbackServer>(hold, "::1");
  } catch (const std::runtime_error&) {
    return;  // This machine has no IPv6.
  }
  Dial dial({Address("::1", server->port())}, {});
  CHECK(dial.next(in(60s)));
}
