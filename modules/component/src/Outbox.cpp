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
constexpr std::size_t kMostBytes = 64 * 1024 * 1024;

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
    Batch& batch = batchFor(stanza.size());
    batch.text += stanza;
    ++batch.stanzas;
    batch.newest = std::chrono::steady_clock::now();
    ++_stanzas;
    _bytes += stanza.size();
    updateRoom();
    waiting = std::exchange(_waiting, false);
  }
  if (waiting) _work.notify_one();
}

void Outbox::attach(std::shared_ptr<Connection> connection) {
  {
    const std::scoped_lock lock(_mutex);
    _connection = std::move(connection);
    dropExpired();  // now, while nothing that is sent on this connection has joined a batch of before
  }
  _work.notify_one();
  _done.notify_all();
}

void Outbox::detach() {
  {
    const std::scoped_lock lock(_mutex);
    _connection.reset();
  }
  _done.notify_all();
}

/// The last batch if it has room for so much, else a new one.
Outbox::Batch& Outbox::batchFor(std::size_t bytes) {
  if (_batches.empty() || _batches.back().text.size() + bytes > kBatchSize) {
    _batches.push_back(std::exchange(_spare, {}));
  }
  return _batches.back();
}

void Outbox::updateRoom() {
  _hasRoom = _stanzas < _capacity && _bytes < kMostBytes;
}

bool Outbox::waitForRoom(std::chrono::milliseconds bound) {
  if (_hasRoom) return true;
  std::unique_lock lock(_mutex);
  _done.wait_for(lock, bound, [this] { return _hasRoom || !_connection; });
  return _hasRoom;
}

bool Outbox::flush(std::chrono::milliseconds bound) {
  std::unique_lock lock(_mutex);
  return _done.wait_for(lock, bound, [this] { return _stanzas == 0; });
}

std::size_t Outbox::unsent() const {
  const std::scoped_lock lock(_mutex);
  return _stanzas;
}

void Outbox::run() {
  auto next = std::chrono::steady_clock::now();
  std::unique_lock lock(_mutex);
  for (;;) {
    // Nobody wakes it here but the end: whether there is a full batch already is asked once.
    _work.wait_until(lock, next, [this] { return _stopping || _bytes >= kBatchSize; });
    while (!_stopping && (!_connection || _batches.empty())) {
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

/// Writes the oldest batch, without the lock. False if the connection is lost: nothing is forgotten then, for
/// nobody knows how much of it arrived, and an answer that comes twice does no harm.
bool Outbox::sendBatch(std::unique_lock<std::mutex>& lock) {
  Batch batch = takeOldest();
  const auto connection = _connection;
  lock.unlock();
  const bool sent = connection->write(batch.text);
  lock.lock();
  if (!sent) {
    _batches.push_front(std::move(batch));
    if (_connection == connection) return false;
    // One was attached meanwhile, which is another and stays.
    dropExpired();
    return true;
  }
  _sent.add(batch.stanzas);
  forget(std::move(batch));
  return true;
}

/// Drops what is too old for a new stream: whole batches, as an answer that is a little too old does no harm.
void Outbox::dropExpired() {
  const auto oldest = std::chrono::steady_clock::now() - _lifetime;
  while (!_batches.empty() && _batches.front().newest < oldest) {
    _expired.add(_batches.front().stanzas);
    forget(takeOldest());
  }
}

Outbox::Batch Outbox::takeOldest() {
  Batch batch = std::move(_batches.front());
  _batches.pop_front();
  return batch;
}

/// Counts a batch that was taken, and sent or dropped, no longer.
void Outbox::forget(Batch batch) {
  _stanzas -= batch.stanzas;
  _bytes -= batch.text.size();
  updateRoom();
  if (batch.text.capacity() > 2 * kBatchSize) return;
  batch.text.clear();
  batch.stanzas = 0;
  _spare = std::move(batch);
}

}  // namespace p2::component
