#include "Outbox.h"

#include "Connection.h"

#include <utility>

namespace p2::component {

namespace {

// Bytes that are handed to the system at once: enough for some hundred answers.
constexpr std::size_t kBatchSize = 65536;
// From one batch to the next at least: the first answer of a burst goes at once, the others go together.
constexpr std::chrono::microseconds kPause{500};
// Unsent bytes at which there is no more room: a request's id comes back in its answer and may be long.
constexpr std::size_t kMostBytes = 16 * 1024 * 1024;
// Memory for unsent bytes that is kept when there are none.
constexpr std::size_t kKeptBytes = 1024 * 1024;

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
  bool waiting = false;
  {
    const std::scoped_lock lock(_mutex);
    _text += stanza;
    _stanzas.push_back({stanza.size(), std::chrono::steady_clock::now()});
    updateRoom();
    waiting = std::exchange(_waiting, false);
  }
  if (waiting) _work.notify_one();
}

void Outbox::attach(std::shared_ptr<Connection> connection) {
  {
    const std::scoped_lock lock(_mutex);
    _connection = std::move(connection);
    _fresh = true;
  }
  _work.notify_one();
}

void Outbox::detach() {
  {
    const std::scoped_lock lock(_mutex);
    _connection.reset();
  }
  _done.notify_all();
}

void Outbox::updateRoom() {
  _hasRoom = _stanzas.size() < _capacity && bytes() < kMostBytes;
}

bool Outbox::waitForRoom(std::chrono::milliseconds bound) {
  if (_hasRoom) return true;
  std::unique_lock lock(_mutex);
  _done.wait_for(lock, bound, [this] { return _hasRoom || !_connection; });
  return _hasRoom;
}

bool Outbox::flush(std::chrono::milliseconds bound) {
  std::unique_lock lock(_mutex);
  return _done.wait_for(lock, bound, [this] { return _stanzas.empty(); });
}

std::size_t Outbox::unsent() const {
  const std::scoped_lock lock(_mutex);
  return _stanzas.size();
}

void Outbox::run() {
  auto next = std::chrono::steady_clock::now();
  std::unique_lock lock(_mutex);
  for (;;) {
    // Nobody wakes it here but the end: whether there is a full batch already is asked once.
    _work.wait_until(lock, next, [this] { return _stopping || bytes() >= kBatchSize; });
    while (!_stopping && (!_connection || _stanzas.empty())) {
      _waiting = true;
      _work.wait(lock);
    }
    _waiting = false;
    if (_stopping) return;
    if (!sendBatch(lock)) _connection.reset();
    _done.notify_all();
    next = std::chrono::steady_clock::now() + kPause;
  }
}

/// Writes what fits into one batch, without the lock. False if the connection is lost: nothing is forgotten
/// then, for nobody knows how much of it arrived, and an answer that comes twice does no harm.
bool Outbox::sendBatch(std::unique_lock<std::mutex>& lock) {
  if (std::exchange(_fresh, false)) dropExpired();
  std::size_t size = 0;
  std::size_t count = 0;
  while (count < _stanzas.size() && (count == 0 || size + _stanzas[count].size <= kBatchSize)) {
    size += _stanzas[count++].size;
  }
  const std::string batch(_text, _begin, size);
  const auto connection = _connection;
  lock.unlock();
  const bool sent = connection->write(batch);
  lock.lock();
  // A connection that was attached meanwhile is another one and stays.
  if (!sent) return _connection != connection;
  dropFront(count);
  _sent.add(count);
  return true;
}

/// Drops what is too old for a new stream.
void Outbox::dropExpired() {
  const auto oldest = std::chrono::steady_clock::now() - _lifetime;
  std::size_t count = 0;
  while (count < _stanzas.size() && _stanzas[count].born < oldest) ++count;
  dropFront(count);
  _expired.add(count);
}

/// REQUIRES: nobody but the sending thread calls it, so that what is being written stays at the front.
void Outbox::dropFront(std::size_t count) {
  for (; count > 0; --count) {
    _begin += _stanzas.front().size;
    _stanzas.pop_front();
  }
  // Half of it is dropped before the other half is moved, so each byte is moved once at most, on average.
  if (_begin >= bytes()) {
    _text.erase(0, _begin);
    _begin = 0;
    if (_text.empty() && _text.capacity() > kKeptBytes) _text.shrink_to_fit();
  }
  updateRoom();
}

}  // namespace p2::component
