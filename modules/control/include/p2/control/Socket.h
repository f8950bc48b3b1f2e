#pragma once

#include "p2/core/Result.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace p2::control {

/// The daemon's end of `p2.sock`, through which the commands talk to it: a Unix socket in the store's
/// directory, mode 0600, and only root and the daemon's own user are heard. A peer sends one line and gets
/// one line, each a JSON object. One peer at a time; one that dawdles is cut off. Made and stopped by the
/// main thread; the requests are answered in a thread of its own.
class Socket {
 public:
  static constexpr const char* kName = "p2.sock";
  static constexpr std::size_t kMaxRequest = 65536;
  static constexpr std::size_t kMaxAnswer = 4U << 20U;
  static constexpr std::chrono::milliseconds kPatience{5000};  ///< For a peer's request, and for its reading.

  /// Gives the answer to a request, both without the line's end. Called in the socket's thread.
  using Handler = std::function<std::string(const std::string& request)>;

  /// Takes the place of a socket that is there: REQUIRES that this process has the store. Error: names the
  /// socket.
  static core::Result<std::unique_ptr<Socket>> open(const std::filesystem::path& store, Handler handler);

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  /// Ends the thread, after the request in hand, and removes the socket.
  ~Socket();

 private:
  Socket(std::filesystem::path path, int listener, int wake, Handler handler);

  void serve();
  void converse(int peer);

  const std::filesystem::path _path;
  const int _listener;
  const int _wake;  ///< An eventfd that ends the thread.
  const Handler _handler;
  std::thread _thread;
};

/// Asks the daemon that has `store` open: sends a line and gives the line that it answers. Nothing if no
/// daemon listens there. Error: it listens but does not answer, or may not be asked. Blocks for `bound` at
/// most.
core::Result<std::optional<std::string>> askDaemon(const std::filesystem::path& store,
                                                   const std::string& request,
                                                   std::chrono::milliseconds bound = Socket::kPatience);

}  // namespace p2::control
