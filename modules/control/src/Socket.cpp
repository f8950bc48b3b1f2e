#include "p2/control/Socket.h"

#include "p2/core/Descriptor.h"

#include <Poco/Logger.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

namespace p2::control {

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds kRetry{500};
constexpr Milliseconds kConnectRetry{50};

/// The address of the socket in `directory`, an open directory: by that number, since the path itself may be
/// longer than an address can be.
sockaddr_un addressIn(int directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(directory) + '/' + std::string(Socket::kName);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

core::Error socketError(const std::filesystem::path& path, const char* doing, int code) {
  return {"The control socket " + path.string() + " cannot be " + doing + " (" +
          std::generic_category().message(code) + ")."};
}

/// Waits until `events` come; false at the deadline.
bool await(int descriptor, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<Milliseconds>(deadline - Clock::now()).count();
    pollfd wanted{descriptor, events, 0};
    const int found = ::poll(&wanted, 1, left > 0 ? static_cast<int>(left) : 0);
    if (found > 0) return true;
    if (found == 0 || errno != EINTR) return false;
  }
}

/// Reads up to the first line end; nothing if there is none in time or within `most` bytes.
std::optional<std::string> readLine(int descriptor, std::size_t most, Clock::time_point deadline) {
  std::string line;
  std::array<char, 16384> buffer{};
  while (line.size() <= most && await(descriptor, POLLIN, deadline)) {
    const auto count = ::recv(descriptor, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return std::nullopt;
    line.append(buffer.data(), static_cast<std::size_t>(count));
    const auto end = line.find('\n');
    if (end == std::string::npos) continue;
    line.resize(end);
    return line;
  }
  return std::nullopt;
}

bool writeLine(int descriptor, std::string line, Clock::time_point deadline) {
  line += '\n';
  std::size_t done = 0;
  while (done < line.size() && await(descriptor, POLLOUT, deadline)) {
    const auto count =
        ::send(descriptor, line.data() + done, line.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  return done == line.size();
}

/// Only root and the user that runs this process are heard.
bool isPermitted(int peer) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return false;
  return credentials.uid == 0 || credentials.uid == ::geteuid();
}

/// Whether it is only this peer that could not be taken.
bool isPassing(int code) {
  return code == EINTR || code == EAGAIN || code == ECONNABORTED;
}

int openDirectory(const std::filesystem::path& directory) {
  return ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

}  // namespace

core::Result<std::unique_ptr<Socket>> Socket::open(const std::filesystem::path& store, Handler handler) {
  const auto path = store / kName;
  const core::Descriptor directory(openDirectory(store));
  core::Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  core::Descriptor wake(::eventfd(0, EFD_CLOEXEC));
  if (!directory.valid() || !listener.valid() || !wake.valid()) return socketError(path, "made", errno);
  const auto address = addressIn(directory.number());
  ::unlink(path.c_str());
  // The store's directory is closed to others, so nobody connects before the mode is set.
  if (::bind(listener.number(), generic(address), sizeof address) != 0 ||
      ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(listener.number(), 8) != 0) {
    return socketError(path, "made", errno);
  }
  try {
    return std::unique_ptr<Socket>(new Socket(path, listener.release(), wake.release(), std::move(handler)));
  } catch (const std::system_error& exception) {
    return core::Error{std::string("The control socket's thread cannot be started: ") + exception.what()};
  }
}

Socket::Socket(std::filesystem::path path, int listener, int wake, Handler handler)
    : _path(std::move(path)), _listener(listener), _wake(wake), _handler(std::move(handler)), _thread([this] {
        serve();
      }) {}

Socket::~Socket() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(_wake, &one, sizeof one);
  _thread.join();
  ::unlink(_path.c_str());
  ::close(_listener);
  ::close(_wake);
}

void Socket::serve() {
  for (;;) {
    std::array<pollfd, 2> wanted{pollfd{_wake, POLLIN, 0}, pollfd{_listener, POLLIN, 0}};
    const int found = ::poll(wanted.data(), wanted.size(), -1);
    if (wanted[0].revents != 0) return;
    const core::Descriptor peer(found > 0 ? ::accept4(_listener, nullptr, nullptr, SOCK_CLOEXEC) : -1);
    if (!peer.valid()) {
      if (found > 0 && isPassing(errno)) continue;
      // Without descriptors or memory the peer stays in the queue, and asking again at once would not help.
      const int woken = ::poll(wanted.data(), 1, static_cast<int>(kRetry.count()));
      if (woken > 0) return;
      if (woken < 0) std::this_thread::sleep_for(kRetry);
      continue;
    }
    if (!isPermitted(peer.number())) continue;
    try {
      converse(peer.number());
    } catch (const std::exception& exception) {
      Poco::Logger::get("p2").error(std::string("a command could not be answered: ") + exception.what());
    }
  }
}

void Socket::converse(int peer) {
  const auto request = readLine(peer, kMaxRequest, Clock::now() + kPatience);
  if (!request) return;
  auto answer = _handler(*request);
  writeLine(peer, std::move(answer), Clock::now() + kPatience);
}

core::Result<std::optional<std::string>> askDaemon(const std::filesystem::path& store,
                                                   const std::string& request, Milliseconds bound) {
  const auto deadline = Clock::now() + bound;
  const auto path = store / Socket::kName;
  const core::Descriptor directory(openDirectory(store));
  if (!directory.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
    return socketError(path, "reached", errno);
  }
  const core::Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!descriptor.valid()) return socketError(path, "reached", errno);
  const core::Error silent{"The daemon does not answer at " + path.string() +
                           ". Its log may say why; restarting it helps."};
  const auto address = addressIn(directory.number());
  while (::connect(descriptor.number(), generic(address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<std::string>();
    if (errno != EAGAIN && errno != EINTR) return socketError(path, "reached", errno);
    // Its queue is full.
    if (Clock::now() >= deadline) return silent;
    std::this_thread::sleep_for(kConnectRetry);
  }
  if (!writeLine(descriptor.number(), request, deadline)) return silent;
  auto answer = readLine(descriptor.number(), Socket::kMaxAnswer, deadline);
  if (!answer) return silent;
  return answer;
}

}  // namespace p2::control
