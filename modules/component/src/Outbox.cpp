#include "Outbox.h"

#include "Connection.h"

#include <utility>

namespace p2::component {

namespace {

// Bytes that are handed to the system at once: enough for some hundred answers.
constexpr std::size_t kBatchSize = 65536;

}  // namespace

Outbox::Outbox(std::size_t capacity, std::chrono::milliseconds lifetime, core::Metrics& metrics)
    : _capacity(capacity),
      _lifetime(lifetime),
      _sent(metrics.counter("p2_stanzas_sent_total", "Stanzas sent to the XMPP server.")),
      _expired(
          metrics.counter("p2_answers_expired_total",
                          "Answers dropped because no stream was there before the asker stopped waiting.")),
      _thread([this] { run(); }) {}

Outbox::~Outbox() {
  {
    const std::scoped_lock lock(_mutex);
    _stopping = true;
    if (_connection) _connection->shutdown();
  }
  _work.notify_all();
  _thread.join();
}

void Outbox::send(std::string stanza) noexcept {
  {
    const std::scoped_lock lock(_mutex);
    _queue.push_back({std::move(stanza), std::chrono::steady_clock::now()});
  }
  _work.notify_one();
}

void Outbox::attach(std::shared_ptr<Connection> connection) {
  {
    const std::scoped_lock lock(_mutex);
    dropExpired();
    _connection = std::move(connection);
  }
  _work.notify_one();
}

void Outbox::detach() {
  const std::scoped_lock lock(_mutex);
  _connection.reset();
}

bool Outbox::waitForRoom(std::chrono::milliseconds bound) {
  std::unique_lock lock(_mutex);
  return _done.wait_for(lock, bound, [this] { return _queue.size() < _capacity; });
}

bool Outbox::flush(std::chrono::milliseconds bound) {
  std::unique_lock lock(_mutex);
  return _done.wait_for(lock, bound, [this] { return _queue.empty(); });
}

std::size_t Outbox::unsent() const {
  const std::scoped_lock lock(_mutex);
  return _queue.size();
}

void Outbox::run() {
  std::unique_lock lock(_mutex);
  for (;;) {
    _work.wait(lock, [this] { return _stopping || (_connection && !_queue.empty()); });
    if (_stopping) return;
    if (!sendBatch(lock)) _connection.reset();
    _done.notify_all();
  }
}

/// Writes what fits into one batch, without the lock. False if the connection is lost: nothing is forgotten
/// then, for nobody knows how much of it arrived, and an answer that comes twice does no harm.
bool Outbox::sendBatch(std::unique_lock<std::mutex>& lock) {
  std::string batch;
  _inHand = 0;
  for (const Entry& entry : _queue) {
    if (!batch.empty() && batch.size() + entry.stanza.size() > kBatchSize) break;
    batch += entry.stanza;
    ++_inHand;
  }
  const auto connection = _connection;
  lock.unlock();
  const bool sent = connection->write(batch);
  lock.lock();
  if (!sent) {
    _inHand = 0;
    // A connection that was attached meanwhile is another one and stays.
    return _connection != connection;
  }
  _queue.erase(_queue.begin(), _queue.begin() + static_cast<std::ptrdiff_t>(_inHand));
  _sent.add(std::exchange(_inHand, 0));
  return true;
}

/// REQUIRES: nothing is in hand.
void Outbox::dropExpired() {
  const auto oldest = std::chrono::steady_clock::now() - _lifetime;
  while (_inHand == 0 && !_queue.empty() && _queue.front().born < oldest) {
    _queue.pop_front();
    _expired.add();
  }
}

}  // namespace p2::component
