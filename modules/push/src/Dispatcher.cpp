#include "p2/push/Dispatcher.h"

#include "Answering.h"
#include "Log.h"
#include "PushMetrics.h"
#include "PushQueue.h"
#include "RemovalGuard.h"
#include "SenderSlot.h"
#include "Throttle.h"
#include "WorkerPool.h"

#include <Poco/Thread.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

namespace p2::push {

namespace {

using TimePoint = core::Clock::TimePoint;
using GivenUp = PushMetrics::GivenUp;

// For each node that may wait: its message, and some who wait for it.
constexpr std::size_t kBytesPerNode = 4096;
// A queue for few nodes has room for the longest request all the same.
constexpr std::size_t kLeastBytes = std::size_t{1} << 20;

Dispatcher::Options sane(Dispatcher::Options options) {
  options.maxWorkers = std::max<std::size_t>(options.maxWorkers, 1);
  return options;
}

PushQueue::Limits limits(const Dispatcher::Options& options) {
  // A message and a new connection take a few hundred milliseconds.
  const auto margin = std::min(std::chrono::milliseconds(1000), options.deadline / 10);
  constexpr std::size_t kMostNodes = std::numeric_limits<std::size_t>::max() / kBytesPerNode;
  return {.nodes = options.queueCapacity,
          .bytes = std::max(std::min(options.queueCapacity, kMostNodes) * kBytesPerNode, kLeastBytes),
          .deadline = options.deadline,
          .spacing = options.spacing,
          .margin = margin};
}

RemovalGuard::Options guardOptions(const Dispatcher::Options& options) {
  RemovalGuard::Options guard;
  guard.service = options.service;
  guard.goneAfter = options.goneAfter;
  guard.clock = options.clock;
  return guard;
}

}  // namespace

class Dispatcher::Impl {
 public:
  Impl(const Options& options, SenderFactory makeSender, core::Metrics& metrics);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  void submit(const std::string& flow, const std::string& node, Message message, Done done,
              std::size_t bytes);
  void drain(std::chrono::milliseconds bound);
  void reconfigure(const Options& options);
  void replaceSenders(SenderFactory makeSender, Credentials credentials);
  const ServiceName& service() const noexcept { return _service; }
  std::size_t queued() const;
  std::size_t workers() const;
  bool targetsSeemGone() const { return _guard.tripped(); }

 private:
  using Lock = std::unique_lock<std::mutex>;

  /// A message that a worker has taken.
  struct Sending {
    PushQueue::Handle push;
    Throttle::Epoch epoch;
    TimePoint deadline;
    std::uint64_t generation;
    SenderFactory makeSender;  ///< Empty unless the worker's sender has to be made.
    WorkerPool::Summons next;  ///< Who takes the next one.
  };

  // The top functions of the threads. They are noexcept since only a lack of memory can get there: then the
  // program ends, and the servers keep their registrations.
  void work(WorkerPool::Handle worker) noexcept;
  void watch() noexcept;

  // With the mutex held:
  std::optional<GivenUp> admit(const std::string& flow, const std::string& node, Message& message, Done& done,
                               std::size_t bytes, TimePoint now, PushQueue::Answers& displaced,
                               WorkerPool::Summons& worker);
  void sendSome(Lock& lock, SenderSlot& slot, PushQueue::Answers& answers);
  Sending begin(const SenderSlot& slot);
  bool mayStay() const { return !_stopped && _pool.size() <= _options.maxWorkers; }
  bool maySend() const { return _queue.ready() > 0 && _throttle.allowance(now()) > 0; }
  bool troubleIsNews(TimePoint now);
  bool finish(const Sending& sending, const Outcome& outcome, PushQueue::Answers& answers);
  bool tryAgain(PushQueue::Handle push, const Outcome& outcome, TimePoint now, PushQueue::Answers& answers);
  WorkerPool::Summons summon(TimePoint now);
  void updateGauges();
  void alarm(TimePoint when);
  TimePoint nextWatch(TimePoint now) const;
  /// Joins the workers that have ended and logs a lack of threads. Gives whether there was something to do,
  /// during which it released the mutex.
  bool tidy(Lock& lock);

  // Without it:
  Outcome send(SenderSlot& slot, Sending& sending) noexcept;
  TimePoint now() const noexcept { return _clock.now(); }
  /// Of a push that is given up.
  Outcome passing(GivenUp why) const;

  const core::Clock& _clock;
  const ServiceName _service;
  const PushMetrics _metrics;
  RemovalGuard _guard;  // thread-safe; called with and without the mutex, and calls nobody

  mutable std::mutex _mutex;  // guards all below
  Options _options;
  SenderFactory _makeSender;
  std::uint64_t _generation = 0;
  PushQueue _queue;
  Throttle _throttle;
  std::optional<TimePoint> _troubleTold;
  core::Backoff _backoff{core::Backoff::Options{}};
  bool _stopped = false;
  bool _starved = false;   // the system refused the last thread
  bool _starving = false;  // it did so for the first time: the timer logs it
  Answering _answering;
  TimePoint _watchAt = TimePoint::min();  // when the timer wakes; min() while it is awake
  std::condition_variable _watch;

  Poco::Thread _timer;
  WorkerPool _pool;
};

Dispatcher::Impl::Impl(const Options& options, SenderFactory makeSender, core::Metrics& metrics)
    : _clock(*options.clock),
      _service(options.service),
      _metrics(metrics, _service.key),
      _guard(guardOptions(options)),
      _options(sane(options)),
      _makeSender(std::move(makeSender)),
      _queue(limits(_options)),
      _throttle(Throttle::Options{}),
      _answering(_mutex, _clock, _metrics),
      _timer("push-timer"),
      _pool([this](WorkerPool::Handle worker) { work(worker); }) {
  _timer.startFunc([this] { watch(); });
}

Dispatcher::Impl::~Impl() {
  PushQueue::Answers unfinished;
  {
    const std::scoped_lock lock(_mutex);
    _answering.close();
    _stopped = true;
    _queue.clear(unfinished);
    _answering.beginFor(unfinished);
    _pool.stop();
    _watch.notify_one();
  }
  _metrics.gaveUp(GivenUp::stopping).add(unfinished.size());
  _answering.answer(unfinished, passing(GivenUp::stopping));
  _timer.join();
}

Outcome Dispatcher::Impl::passing(GivenUp why) const {
  Outcome outcome;
  outcome.reason = inWords(why, _service);
  return outcome;
}

void Dispatcher::Impl::submit(const std::string& flow, const std::string& node, Message message, Done done,
                              std::size_t bytes) {
  PushQueue::Answers displaced;
  std::optional<GivenUp> refused;
  {
    WorkerPool::Summons worker;  // rings when the mutex has been released
    Lock lock(_mutex);
    refused = admit(flow, node, message, done, bytes, now(), displaced, worker);
    if (refused) _answering.begin();
    if (!displaced.empty()) {
      worker.ring();
      _metrics.gaveUp(GivenUp::queueFull).add(displaced.size());
      _answering.answerUnlocked(lock, displaced, passing(GivenUp::queueFull));
    }
  }
  if (!refused) return;
  _metrics.gaveUp(*refused).add();
  _answering.refuse(done, passing(*refused));
}

std::optional<GivenUp> Dispatcher::Impl::admit(const std::string& flow, const std::string& node,
                                               Message& message, Done& done, std::size_t bytes, TimePoint now,
                                               PushQueue::Answers& displaced, WorkerPool::Summons& worker) {
  if (_answering.closed()) return GivenUp::stopping;
  if (!_queue.inTime(now, _throttle.until())) return GivenUp::throttled;
  switch (_queue.add(flow, node, message, done, bytes, now, displaced)) {
    case PushQueue::Added::full:
      return GivenUp::queueFull;
    case PushQueue::Added::joined:
      _metrics.coalesced.add();
      break;
    case PushQueue::Added::queued:
      worker = summon(now);
      break;
  }
  alarm(nextWatch(now));
  return std::nullopt;
}

void Dispatcher::Impl::work(WorkerPool::Handle worker) noexcept {
  SenderSlot slot(_service.title);
  PushQueue::Answers answers;
  Lock lock(_mutex);
  _pool.arrive();
  while (mayStay()) {
    if (maySend()) {
      sendSome(lock, slot, answers);
    } else if (!_pool.idle(lock, worker, _clock.realDeadline(now() + _options.idleLimit))) {
      break;
    }
  }
  _pool.leave();
  auto next = summon(now());
  lock.unlock();
  next.ring();
  slot.reset();
  lock.lock();
  _pool.end(worker);
  alarm(TimePoint::min());
}

/// Sends one message after the other while there are any. One is answered when the next has been taken, so
/// that the mutex is locked once for each.
void Dispatcher::Impl::sendSome(Lock& lock, SenderSlot& slot, PushQueue::Answers& answers) {
  Outcome outcome;
  bool held = false;
  do {
    Sending sending = begin(slot);
    lock.unlock();
    sending.next.ring();
    _answering.answer(answers, outcome);
    outcome = send(slot, sending);
    lock.lock();
    held = finish(sending, outcome, answers);
    _answering.beginFor(answers);
  } while (!held && mayStay() && maySend());

  const bool tells = held && troubleIsNews(now());
  _pool.announce();
  updateGauges();
  lock.unlock();
  _answering.answer(answers, outcome);
  if (tells) {
    logWarning("%s is in trouble (%s): it gets one message now and then until it is well.", _service.title,
               outcome.reason);
  }
  lock.lock();
  _pool.arrive();
}

/// One line in ten minutes: the throttle is engaged with every probe that fails.
bool Dispatcher::Impl::troubleIsNews(TimePoint now) {
  constexpr std::chrono::minutes kEvery(10);
  if (_troubleTold && now < *_troubleTold + kEvery) return false;
  _troubleTold = now;
  return true;
}

Dispatcher::Impl::Sending Dispatcher::Impl::begin(const SenderSlot& slot) {
  const auto push = _queue.take(now());
  Sending sending{push,
                  _throttle.start(),
                  _queue.deadline(push),
                  _generation,
                  slot.stale(_generation) ? _makeSender : nullptr,
                  {}};
  sending.next = summon(now());
  return sending;
}

Outcome Dispatcher::Impl::send(SenderSlot& slot, Sending& sending) noexcept {
  const Message& message = PushQueue::message(sending.push);
  Outcome outcome = slot.send(sending.makeSender, sending.generation, message, sending.deadline);
  sending.makeSender = nullptr;  // may be the last copy, which must not be destroyed with the mutex held
  if (outcome.kind == Outcome::Kind::targetGone || outcome.replacement) outcome.target = message.target;
  report(_guard.judge(
             {PushQueue::node(sending.push), PushQueue::flow(sending.push), message.target.value.reveal()},
             sending.generation, outcome),
         _service);
  _metrics.inGrace.set(static_cast<std::int64_t>(_guard.watched()));
  return outcome;
}

/// Gives whether the throttle was engaged.
bool Dispatcher::Impl::finish(const Sending& sending, const Outcome& outcome, PushQueue::Answers& answers) {
  const TimePoint time = now();
  const auto push = sending.push;
  const auto target = std::hash<std::string_view>{}(PushQueue::message(push).target.value.reveal());
  const bool held = _throttle.end(sending.epoch, target, outcome, time, _options.maxWorkers);
  if (outcome.kind == Outcome::Kind::retry && tryAgain(push, outcome, time, answers)) {
    _metrics.retries.add();
  } else {
    _metrics.ended(outcome.kind).add();
    if (outcome.kind != Outcome::Kind::retry) _queue.finish(push, answers);
  }
  if (held) {
    const std::size_t before = answers.size();
    _queue.giveUpBefore(_throttle.until(), answers);
    _metrics.gaveUp(GivenUp::throttled).add(answers.size() - before);
  }
  alarm(nextWatch(time));
  return held;
}

bool Dispatcher::Impl::tryAgain(PushQueue::Handle push, const Outcome& outcome, TimePoint now,
                                PushQueue::Answers& answers) {
  auto pause = _throttle.wait(outcome);
  if (pause == Throttle::Duration::zero()) pause = _backoff.draw(PushQueue::retries(push));
  return _queue.retry(push, std::max(now + pause, _throttle.until()), answers);
}

void Dispatcher::Impl::watch() noexcept {
  PushQueue::Answers expired;
  Lock lock(_mutex);
  while (!_stopped) {
    _watchAt = TimePoint::min();
    const TimePoint time = now();
    _queue.advance(time, expired);
    summon(time).ring();
    if (!expired.empty()) {
      _metrics.gaveUp(GivenUp::deadline).add(expired.size());
      _answering.answerUnlocked(lock, expired, passing(GivenUp::deadline));
    } else if (!tidy(lock)) {
      _watchAt = nextWatch(time);
      if (_watchAt == TimePoint::max()) {
        _watch.wait(lock);
      } else {
        _watch.wait_until(lock, _clock.realDeadline(_watchAt));
      }
    }
  }
}

bool Dispatcher::Impl::tidy(Lock& lock) {
  auto ended = _pool.takeEnded();
  const bool starving = std::exchange(_starving, false);
  if (ended.empty() && !starving) return false;
  const std::size_t workers = _pool.size();
  lock.unlock();
  join(ended);
  if (starving) {
    logError("The system refuses a thread beyond %z workers: raise its limit or lower %s.connections.",
             workers, _service.key);
  }
  lock.lock();
  return true;
}

TimePoint Dispatcher::Impl::nextWatch(TimePoint now) const {
  const TimePoint next = _queue.nextEvent();
  return _queue.ready() > 0 && now < _throttle.until() ? std::min(next, _throttle.until()) : next;
}

void Dispatcher::Impl::alarm(TimePoint when) {
  if (when >= _watchAt) return;
  _watchAt = TimePoint::min();
  _watch.notify_one();
}

/// Calls one worker at most: when it arrives and takes a push, it calls the next. So those that have just
/// sent a message get on with another, and fewer need to be woken.
WorkerPool::Summons Dispatcher::Impl::summon(TimePoint now) {
  const bool wanted = _queue.ready() > 0 && _throttle.allowance(now) > 0;
  auto worker = wanted ? _pool.summon(_options.maxWorkers) : WorkerPool::Summons();
  const bool refused = wanted && _pool.starved();
  if (refused && !_starved) {
    _starving = true;
    alarm(TimePoint::min());
  }
  _starved = refused;
  updateGauges();
  return worker;
}

void Dispatcher::Impl::updateGauges() {
  _metrics.queue.set(static_cast<std::int64_t>(_queue.queued()));
  _metrics.workers.set(static_cast<std::int64_t>(_pool.size()));
}

void Dispatcher::Impl::drain(std::chrono::milliseconds bound) {
  PushQueue::Answers unfinished;
  Lock lock(_mutex);
  _answering.close();
  _answering.await(lock, _clock.realDeadline(now() + bound), [this] { return _queue.waiters() == 0; });
  _queue.clear(unfinished);
  _metrics.gaveUp(GivenUp::stopping).add(unfinished.size());
  _answering.answerUnlocked(lock, unfinished, passing(GivenUp::stopping));
  _answering.awaitCalls(lock);
}

void Dispatcher::Impl::reconfigure(const Options& options) {
  const std::scoped_lock lock(_mutex);
  const Options next = sane(options);
  _options.maxWorkers = next.maxWorkers;
  _options.queueCapacity = next.queueCapacity;
  _options.deadline = next.deadline;
  _options.spacing = next.spacing;
  _guard.setGoneAfter(next.goneAfter);
  _queue.setLimits(limits(_options));
  if (_pool.size() > _options.maxWorkers) _pool.dismiss(_pool.size() - _options.maxWorkers);
  const TimePoint time = now();
  summon(time).ring();
  alarm(nextWatch(time));
}

void Dispatcher::Impl::replaceSenders(SenderFactory makeSender, Credentials credentials) {
  Lock lock(_mutex);
  std::swap(_makeSender, makeSender);
  ++_generation;
  auto event = RemovalGuard::Event::none;
  if (credentials == Credentials::other) {
    event = _guard.credentialsChanged(_generation);
    _throttle.reset();
    alarm(TimePoint::min());
  }
  // Idle workers would keep their connections, with what they know of the old credentials.
  _pool.dismiss(_pool.size());
  lock.unlock();
  report(event, _service);
}

std::size_t Dispatcher::Impl::queued() const {
  const std::scoped_lock lock(_mutex);
  return _queue.queued();
}

std::size_t Dispatcher::Impl::workers() const {
  const std::scoped_lock lock(_mutex);
  return _pool.size();
}

Dispatcher::Dispatcher(const Options& options, SenderFactory makeSender, core::Metrics& metrics)
    : _impl(std::make_unique<Impl>(options, std::move(makeSender), metrics)) {}

Dispatcher::~Dispatcher() = default;

void Dispatcher::submit(const std::string& flow, const std::string& node, Message message, Done done,
                        std::size_t bytes) {
  _impl->submit(flow, node, std::move(message), std::move(done), bytes);
}

void Dispatcher::drain(std::chrono::milliseconds bound) {
  _impl->drain(bound);
}

void Dispatcher::reconfigure(const Options& options) {
  _impl->reconfigure(options);
}

void Dispatcher::replaceSenders(SenderFactory makeSender, Credentials credentials) {
  _impl->replaceSenders(std::move(makeSender), credentials);
}

const ServiceName& Dispatcher::service() const noexcept {
  return _impl->service();
}

std::size_t Dispatcher::queued() const {
  return _impl->queued();
}

std::size_t Dispatcher::workers() const {
  return _impl->workers();
}

bool Dispatcher::targetsSeemGone() const {
  return _impl->targetsSeemGone();
}

}  // namespace p2::push
