#include "p2/logging/JournalChannel.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace p2::logging {

namespace {

/// Poco's levels are syslog's, but that trace is one more.
int syslogLevel(const Poco::Message& message) {
  constexpr int kDebug = 7;
  return std::min(static_cast<int>(message.getPriority()), kDebug);
}

std::string lineOf(const Poco::Message& message) {
  return oneLine(message.getSource() + ": " + message.getText());
}

int connected(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = path.string();
  if (name.size() >= sizeof address.sun_path) return -1;
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -1;
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return descriptor;
  }
  ::close(descriptor);
  return -1;
}

}  // namespace

std::string oneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }, ' ');
  return text;
}

bool isJournal(int descriptor, const char* journalStream) {
  struct stat status {};
  if (journalStream == nullptr || ::fstat(descriptor, &status) != 0) return false;
  return std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino) == journalStream;
}

std::string journalRecord(const Poco::Message& message, const std::string& program) {
  std::string record = "MESSAGE=" + lineOf(message) + "\nPRIORITY=" + std::to_string(syslogLevel(message)) +
                       "\nSYSLOG_IDENTIFIER=" + oneLine(program) +
                       "\nP2_SOURCE=" + oneLine(message.getSource()) + '\n';
  constexpr std::array kFields{std::pair{"node", "P2_NODE="}, std::pair{"domain", "P2_DOMAIN="}};
  for (const auto& [parameter, field] : kFields) {
    if (!message.has(parameter) || message.get(parameter).empty()) continue;
    record += field + oneLine(message.get(parameter)) + '\n';
  }
  return record;
}

JournalChannel::JournalChannel(const std::filesystem::path& socket, std::string program)
    : _socket(connected(socket)), _program(std::move(program)) {}

JournalChannel::~JournalChannel() {
  if (_socket >= 0) ::close(_socket);
}

void JournalChannel::log(const Poco::Message& message) {
  // What is fatal is a process's last word. The journal knows whose a line of stderr is, and of a message to
  // its socket not any more once the sender is gone: `journalctl -u p2` would not show it.
  if (_socket >= 0 && message.getPriority() > Poco::Message::PRIO_FATAL) {
    const std::string record = journalRecord(message, _program);
    if (::send(_socket, record.data(), record.size(), MSG_NOSIGNAL) >= 0) return;
  }
  const std::string line = '<' + std::to_string(syslogLevel(message)) + '>' + lineOf(message) + '\n';
  // One call a line, so that those of several threads do not mix. There is nobody to tell if it fails.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace p2::logging
