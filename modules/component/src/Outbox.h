#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/xmpp/Responder.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace p2::component {

class Connection;

/// Sends stanzas in a thread of its own, many with one system call. What cannot be sent stays for the next
/// connection, until it is older than `lifetime`: the requests have come from all over the network, and the
/// ids of the answers mean the same in any stream, so they still make sense until their senders have stopped
/// waiting. Thread-safe.
class Outbox final : public xmpp::ReplySink {
 public:
  Outbox(std::size_t capacity, std::chrono::milliseconds lifetime, core::Metrics& metrics);
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  /// Drops what is unsent.
  ~Outbox() override;

  /// Takes every stanza: who hands out requests must waitForRoom() first.
  void send(std::string stanza) noexcept override;

  /// Sends through `connection` from now on; shared with the reader, which may be reading from it while it is
  /// replaced.
  void attach(std::shared_ptr<Connection> connection);
  void detach();

  /// Waits up to `bound` until there is room: fewer stanzas are unsent than the capacity, and few bytes.
  /// False if there is none, at once if nothing is sent as the connection is lost.
  bool waitForRoom(std::chrono::milliseconds bound);
  /// Waits up to `bound` until all is sent; false if it is not.
  bool flush(std::chrono::milliseconds bound);

  std::size_t unsent() const;

 private:
  /// Stanzas that are written together.
  struct Batch {
    std::string text;
    std::size_t stanzas = 0;
    core::Clock::TimePoint newest{};
  };

  void run();
  bool sendBatch(std::unique_lock<std::mutex>& lock);
  void dropExpired();
  Batch takeOldest();
  void forget(Batch batch);
  Batch& batchFor(std::size_t bytes);
  void updateRoom();

  const std::size_t _capacity;
  const std::chrono::milliseconds _lifetime;
  core::Counter& _sent;
  core::Counter& _expired;
  mutable std::mutex _mutex;
  std::condition_variable _work;     // something to send, a connection, or the end
  std::condition_variable _done;     // something was sent, or the connection is lost
  std::deque<Batch> _batches;        // but the one that is being written
  std::size_t _stanzas = 0;          // unsent, those that are being written included
  std::size_t _bytes = 0;            // theirs
  Batch _spare;                      // empty, with the memory of one that was sent
  std::atomic<bool> _hasRoom{true};  // changed with the mutex held
  std::shared_ptr<Connection> _connection;
  bool _waiting = false;  // the thread waits for something to send
  bool _stopping = false;
  std::thread _thread;
};

}  // namespace p2::component
