#include "p2/process/ServiceManager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

namespace p2::process {

namespace {

std::string socketFromEnvironment() {
  const char* name = std::getenv("NOTIFY_SOCKET");
  return name == nullptr ? std::string() : name;
}

std::optional<std::chrono::microseconds> intervalFromEnvironment() {
  const char* process = std::getenv("WATCHDOG_PID");
  if (process != nullptr && std::to_string(::getpid()) != process) return std::nullopt;
  const char* text = std::getenv("WATCHDOG_USEC");
  const long long interval = text == nullptr ? 0 : std::strtoll(text, nullptr, 10);
  if (interval <= 0) return std::nullopt;
  return std::chrono::microseconds(interval);
}

}  // namespace

ServiceManager::ServiceManager(std::string socketName)
    : _socketName(std::move(socketName)), _watchdogInterval(intervalFromEnvironment()) {}

ServiceManager::ServiceManager() : ServiceManager(socketFromEnvironment()) {}

void ServiceManager::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  send("RELOADING=1\nMONOTONIC_USEC=" +
       std::to_string(std::int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000));
}

void ServiceManager::send(const std::string& state) const {
  sockaddr_un address{};
  if (_socketName.empty() || _socketName.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, _socketName.data(), _socketName.size());
  if (_socketName.front() == '@') address.sun_path[0] = '\0';

  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + _socketName.size());
  // A service manager that is gone or does not read is no reason to stop working.
  (void)::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&address), size);
  ::close(descriptor);
}

}  // namespace p2::process
