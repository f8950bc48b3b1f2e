#include "p2/process/ServiceManager.h"
#include "support/Catch.h"
#include "support/TemporaryDirectory.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

using namespace p2::process;

namespace {

/// An environment variable for the length of a test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : _name(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(_name); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* _name;
};

/// What the service manager is at the other end: a socket that keeps what it was told.
class Listener {
 public:
  explicit Listener(const std::string& path) : _descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(_descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Listener() { ::close(_descriptor); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::string heard() const {
    char buffer[256];
    const auto size = ::recv(_descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
    return size < 0 ? std::string("nothing") : std::string(buffer, static_cast<std::size_t>(size));
  }

 private:
  const int _descriptor;
};

}  // namespace

TEST_CASE("The service manager is told in its own words how the program is") {
  const p2::test::TemporaryDirectory directory;
  const std::string path = directory.path() / "notify";
  const Listener listener(path);
  const ServiceManager manager(path);
  manager.ready();
  CHECK(listener.heard() == "READY=1");
  manager.status("connected");
  CHECK(listener.heard() == "STATUS=connected");
  manager.alive();
  CHECK(listener.heard() == "WATCHDOG=1");
  manager.stopping();
  CHECK(listener.heard() == "STOPPING=1");
}

TEST_CASE("A service manager that is gone is no fault") {
  const ServiceManager manager("/nowhere/notify");
  manager.ready();
  ServiceManager("").alive();
}

TEST_CASE("The watchdog's interval comes from the environment, for this process only") {
  CHECK_FALSE(ServiceManager("").watchdogInterval());
  const Variable interval("WATCHDOG_USEC", "60000000");
  CHECK(ServiceManager("").watchdogInterval() == std::chrono::seconds(60));
  {
    const Variable mine("WATCHDOG_PID", std::to_string(::getpid()));
    CHECK(ServiceManager("").watchdogInterval() == std::chrono::seconds(60));
  }
  const Variable another("WATCHDOG_PID", std::to_string(::getpid() + 1));
  CHECK_FALSE(ServiceManager("").watchdogInterval());
}

TEST_CASE("A watchdog's interval that makes no sense is none") {
  for (const char* text : {"", "0", "-5", "soon"}) {
    const Variable interval("WATCHDOG_USEC", text);
    CHECK_FALSE(ServiceManager("").watchdogInterval());
  }
}
