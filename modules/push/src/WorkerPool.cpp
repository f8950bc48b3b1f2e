#include "WorkerPool.h"

#include <Poco/Exception.h>

#include <algorithm>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <utility>

namespace p2::push {

namespace {

// Enough for a TLS handshake and a name lookup; the default of 8 MiB a thread would make a thousand workers
// dear. Sanitizers need more.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kStackSize = 0;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr int kStackSize = 0;
#else
constexpr int kStackSize = 256 * 1024;
#endif
#else
constexpr int kStackSize = 256 * 1024;
#endif

/// The calling thread waits for its turn on the processor, instead of interrupting whoever wakes it: that is
/// the thread that reads the stream, in the midst of many stanzas, and each interruption is two context
/// switches and cold caches. Where the system refuses it, pushes cost a fifth more and nothing else changes.
void doNotInterrupt() noexcept {
  int policy = 0;
  sched_param parameters{};
  // Another policy is an operator's choice.
  if (pthread_getschedparam(pthread_self(), &policy, &parameters) != 0 || policy != SCHED_OTHER) return;
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &parameters);
}

}  // namespace

WorkerPool::~WorkerPool() {
  join(_workers);
  join(_ended);
}

WorkerPool::Summons WorkerPool::summon(std::size_t most) {
  _starved = false;
  if (_coming > 0 || _stopped) return {};
  if (!_idle.empty()) {
    const Handle worker = _idle.back();
    _idle.pop_back();
    worker->state = Worker::State::busy;
    ++_coming;
    return Summons(worker->bell);
  }
  if (_size < most) start();
  return {};
}

void WorkerPool::start() {
  const auto worker = _workers.emplace(_workers.end());
  try {
    worker->thread.setName("push-" + std::to_string(++_number));
    worker->thread.setStackSize(kStackSize);
    // The new thread waits for the mutex, so it cannot end before start has returned.
    worker->thread.startFunc([this, worker] {
      doNotInterrupt();
      _body(worker);
    });
  } catch (const Poco::Exception&) {
    _workers.erase(worker);
    _starved = true;
    return;
  }
  ++_size;
  ++_coming;
}

bool WorkerPool::idle(std::unique_lock<std::mutex>& lock, Handle worker, core::Clock::TimePoint deadline) {
  if (_stopped) return false;
  worker->state = Worker::State::idle;
  _idle.push_back(worker);
  worker->bell->wait_until(lock, deadline, [worker] { return worker->state != Worker::State::idle; });
  if (worker->state == Worker::State::busy) {
    arrive();
    return true;
  }
  if (worker->state == Worker::State::idle) _idle.erase(std::find(_idle.begin(), _idle.end(), worker));
  return false;
}

void WorkerPool::dismiss(std::size_t count) {
  const auto end = _idle.begin() + static_cast<std::ptrdiff_t>(std::min(count, _idle.size()));
  for (auto worker = _idle.begin(); worker != end; ++worker) {
    (*worker)->state = Worker::State::dismissed;
    (*worker)->bell->notify_one();
  }
  _idle.erase(_idle.begin(), end);
}

void WorkerPool::end(Handle worker) {
  if (!_stopped) _ended.splice(_ended.end(), _workers, worker);
}

void WorkerPool::stop() {
  dismiss(_idle.size());
  _stopped = true;
}

void join(WorkerPool::Workers& workers) {
  for (auto& worker : workers) worker.thread.join();
  workers.clear();
}

}  // namespace p2::push
