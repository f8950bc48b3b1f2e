#include "p2/control/Requests.h"
#include "p2/control/Socket.h"
#include "support/Catch.h"
#include "support/TemporaryDirectory.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <ctime>
#include <future>
#include <span>
#include <string>
#include <thread>
#include <vector>

using namespace p2;
using namespace p2::control;

namespace {

std::string echo(const std::string& request) {
  return "<" + request + ">";
}

}  // namespace

TEST_CASE("A command's question is answered by the daemon") {
  const test::TemporaryDirectory directory;
  const auto socket = Socket::open(directory.path(), echo);
  REQUIRE(socket.ok());
  for (int i = 0; i < 3; ++i) {
    const auto answer = askDaemon(directory.path(), "question " + std::to_string(i));
    REQUIRE(answer.ok());
    CHECK(answer.value() == "<question " + std::to_string(i) + ">");
  }
}

TEST_CASE("Long questions and answers arrive whole, and one that is too long gets none") {
  const test::TemporaryDirectory directory;
  const auto socket = Socket::open(
      directory.path(), [](const std::string& request) { return std::string(1000000, 'a') + request; });
  REQUIRE(socket.ok());
  const auto answer = askDaemon(directory.path(), std::string(60000, 'q'));
  REQUIRE(answer.ok());
  CHECK(answer.value()->size() == 1060000);
  CHECK_FALSE(askDaemon(directory.path(), std::string(200000, 'q')).ok());
}

TEST_CASE("The control socket is closed to other users and goes with the daemon") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / Socket::kName;
  {
    const auto socket = Socket::open(directory.path(), echo);
    REQUIRE(socket.ok());
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0600);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  const auto answer = askDaemon(directory.path(), "x");
  REQUIRE(answer.ok());
  CHECK_FALSE(answer.value());
}

TEST_CASE("A socket that a killed daemon left behind is replaced") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / Socket::kName;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(left, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::close(left);
  CHECK_FALSE(askDaemon(directory.path(), "x").value());
  const auto socket = Socket::open(directory.path(), echo);
  REQUIRE(socket.ok());
  CHECK(askDaemon(directory.path(), "x").value() == "<x>");
}

TEST_CASE("A path longer than a socket's address can be works too") {
  const test::TemporaryDirectory directory;
  const auto deep = directory.path() / std::string(100, 'd') / std::string(100, 'e');
  std::filesystem::create_directories(deep);
  const auto socket = Socket::open(deep, echo);
  REQUIRE(socket.ok());
  CHECK(askDaemon(deep, "x").value() == "<x>");
}

TEST_CASE("Where there is no directory there is no daemon") {
  const auto answer = askDaemon("/nonexistent/p2", "x");
  REQUIRE(answer.ok());
  CHECK_FALSE(answer.value());
}

TEST_CASE("A daemon that does not answer is an error within the bound") {
  const test::TemporaryDirectory directory;
  std::promise<void> release;
  auto released = release.get_future().share();
  const auto socket = Socket::open(directory.path(), [released](const std::string&) {
    released.wait();
    return std::string();
  });
  REQUIRE(socket.ok());
  CHECK_FALSE(askDaemon(directory.path(), "x", std::chrono::milliseconds(50)).ok());
  release.set_value();
}

TEST_CASE("A daemon that takes no connection is an error within the bound") {
  const test::TemporaryDirectory directory;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, (directory.path() / Socket::kName).c_str());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(listener, generic, sizeof address) == 0);
  REQUIRE(::listen(listener, 0) == 0);
  std::vector<int> peers;
  do {
    peers.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  } while (::connect(peers.back(), generic, sizeof address) == 0);
  const auto begin = std::chrono::steady_clock::now();
  const auto answer = askDaemon(directory.path(), "x", std::chrono::milliseconds(100));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().find("does not answer") != std::string::npos);
  for (const int peer : peers) ::close(peer);
  ::close(listener);
}

TEST_CASE("Without descriptors the control socket waits for them, and answers once there are some") {
  const test::TemporaryDirectory directory;
  const auto socket = Socket::open(directory.path(), echo);
  REQUIRE(socket.ok());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, (directory.path() / Socket::kName).c_str());
  const int peer = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto processorTime = [] {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{0, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const bool connected = ::connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const auto begin = processorTime();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const auto used = processorTime() - begin;
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(connected);
  CHECK(used < std::chrono::milliseconds(300));  // one that asks at once for ever takes all of it
  ::close(peer);
  CHECK(askDaemon(directory.path(), "x").value() == "<x>");
}

TEST_CASE("The daemon tells its status and forgets nodes, and other requests are refused in words") {
  const auto look = [] {
    DaemonStatus status;
    status.jid = "push.example";
    return status;
  };
  std::vector<std::string> asked;
  const auto forget = [&](std::span<const std::string> nodes) -> core::Result<std::uint64_t> {
    asked.assign(nodes.begin(), nodes.end());
    if (nodes.front() == "stuck") return core::Error{"The disk is full."};
    return nodes.size() - 1;
  };
  const auto answer = [&](const std::string& request) { return answerRequest(request, {look, forget}); };

  const auto status = parseStatusAnswer(answer(statusRequest()));
  REQUIRE(status.ok());
  CHECK(status.value().jid == "push.example");

  const std::vector<std::string> nodes{"n1", "unknown"};
  const auto forgotten = parseForgetAnswer(answer(forgetRequest(nodes)));
  REQUIRE(forgotten.ok());
  CHECK(forgotten.value() == 1);
  CHECK(asked == nodes);
  const std::vector<std::string> stuck{"stuck"};
  CHECK(parseForgetAnswer(answer(forgetRequest(stuck))).error() == "The disk is full.");
  asked.clear();

  CHECK_FALSE(parseStatusAnswer(answer("{\"command\":\"dance\"}")).ok());
  CHECK_FALSE(parseStatusAnswer(answer("no JSON")).ok());
  const std::vector<std::string> many(kMostNodesAtOnce + 1, "n2");
  CHECK_FALSE(parseForgetAnswer(answer(forgetRequest(many))).ok());
  CHECK(asked.empty());
}

TEST_CASE("An answer that cannot be read, or a refusal without a word, is told in words") {
  for (const auto* answer : {"", "no JSON", "[]", "1", "{", R"({"error":""})", R"({"error":null})",
                             R"({"error":[]})", R"({"error":{}})", R"({"error":)"}) {
    CAPTURE(answer);
    const auto forgotten = parseForgetAnswer(answer);
    REQUIRE_FALSE(forgotten.ok());
    CHECK_FALSE(forgotten.error().empty());
    const auto status = parseStatusAnswer(answer);
    REQUIRE_FALSE(status.ok());
    CHECK_FALSE(status.error().empty());
  }
}
