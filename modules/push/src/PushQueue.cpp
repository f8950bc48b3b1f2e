#include "PushQueue.h"

#include <algorithm>
#include <utility>

namespace p2::push {

namespace {

constexpr std::size_t kSpare = 1024;

}  // namespace

PushQueue::PushQueue(const Limits& limits) : _limits(limits) {}

PushQueue::~PushQueue() = default;

PushQueue::Added PushQueue::add(const std::string& node, Message& message, Done& done, TimePoint now) {
  if (_waiters.size() >= _limits.waiters) return Added::full;
  const auto known = _byNode.find(node);
  if (known == _byNode.end()) {
    if (queued() >= _limits.nodes) return Added::full;
    const auto push = newPush(node, now);
    push->message = std::move(message);
    join(push, std::move(done), now);
    return Added::queued;
  }
  const auto push = known->second;
  const bool hasBody = push->message.hasBody || message.hasBody;
  push->message = std::move(message);
  push->message.hasBody = hasBody;
  join(push, std::move(done), now);
  return Added::joined;
}

PushQueue::Handle PushQueue::take() {
  const auto push = _ready.begin();
  _byNode.erase(push->node);
  push->state = State::sending;
  _sending.splice(_sending.end(), _ready, push);
  return push;
}

const Message& PushQueue::message(Handle push) {
  return push->message;
}

unsigned PushQueue::retries(Handle push) {
  return push->retries;
}

PushQueue::TimePoint PushQueue::deadline(Handle push) const {
  return push->updated + _limits.deadline;
}

void PushQueue::finish(Handle push, Answers& answers) {
  while (push->first != nullptr) answer(push->first->self, answers);
  recycle(push);
}

bool PushQueue::retry(Handle push, TimePoint at, Answers& answers) {
  if (const auto other = _byNode.find(push->node); other != _byNode.end()) {
    if (other->second->state == State::delayed) at = std::max(at, other->second->wakeup->first);
    absorb(push, other->second);
  }
  for (Waiter* waiter = push->first; waiter != nullptr;) {
    Waiter* const next = waiter->next;
    if (!inTime(waiter->submitted, at)) answer(waiter->self, answers);
    waiter = next;
  }
  if (push->first == nullptr) {
    recycle(push);
    return false;
  }
  ++push->retries;
  push->state = State::delayed;
  push->wakeup = _wakeups.emplace(at, push);
  _byNode.emplace(push->node, push);
  _delayed.splice(_delayed.end(), _sending, push);
  return true;
}

void PushQueue::advance(TimePoint now, Answers& answers) {
  while (!_waiters.empty() && _waiters.front().submitted + _limits.deadline <= now) {
    const Handle push = _waiters.front().push;
    answer(_waiters.begin(), answers);
    leave(push);
  }
  while (!_wakeups.empty() && _wakeups.begin()->first <= now) {
    const Handle push = _wakeups.begin()->second;
    _wakeups.erase(_wakeups.begin());
    push->state = State::ready;
    _ready.splice(_ready.end(), _delayed, push);
  }
}

void PushQueue::giveUpBefore(TimePoint until, Answers& answers) {
  for (auto waiter = _waiters.begin(); waiter != _waiters.end() && !inTime(waiter->submitted, until);) {
    const Handle push = waiter->push;
    const auto current = waiter++;
    if (push->state == State::sending) continue;
    answer(current, answers);
    leave(push);
  }
}

void PushQueue::clear(Answers& answers) {
  while (!_waiters.empty()) {
    const Handle push = _waiters.front().push;
    answer(_waiters.begin(), answers);
    leave(push);
  }
}

PushQueue::TimePoint PushQueue::nextEvent() const {
  TimePoint next = TimePoint::max();
  if (!_waiters.empty()) next = _waiters.front().submitted + _limits.deadline;
  if (!_wakeups.empty()) next = std::min(next, _wakeups.begin()->first);
  return next;
}

PushQueue::Handle PushQueue::newPush(const std::string& node, TimePoint now) {
  if (_sparePushes.empty()) _sparePushes.emplace_back();
  const auto push = _sparePushes.begin();
  push->node = node;
  push->updated = now;
  push->retries = 0;
  push->state = State::ready;
  _byNode.emplace(push->node, push);
  _ready.splice(_ready.end(), _sparePushes, push);
  return push;
}

void PushQueue::join(Handle push, Done&& done, TimePoint now) {
  if (_spareWaiters.empty()) _spareWaiters.emplace_back();
  _waiters.splice(_waiters.end(), _spareWaiters, _spareWaiters.begin());
  const auto self = std::prev(_waiters.end());
  *self = {std::move(done), now, push, self, nullptr, push->first};
  if (push->first != nullptr) push->first->previous = &*self;
  push->first = &*self;
  push->updated = now;
}

/// `other`, which is ready or delayed, becomes part of `push`, which is neither.
void PushQueue::absorb(Handle push, Handle other) {
  const bool hasBody = push->message.hasBody || other->message.hasBody;
  if (other->updated > push->updated) std::swap(push->message, other->message);
  push->message.hasBody = hasBody;
  push->updated = std::max(push->updated, other->updated);
  push->retries = std::max(push->retries, other->retries);
  Waiter* last = nullptr;
  for (Waiter* waiter = other->first; waiter != nullptr; waiter = waiter->next) {
    waiter->push = push;
    last = waiter;
  }
  if (last != nullptr) {
    last->next = push->first;
    if (push->first != nullptr) push->first->previous = last;
    push->first = std::exchange(other->first, nullptr);
  }
  recycle(other);
}

void PushQueue::answer(Waiters::iterator waiter, Answers& answers) {
  answers.push_back({std::move(waiter->done), waiter->submitted});
  if (waiter->next != nullptr) waiter->next->previous = waiter->previous;
  (waiter->previous != nullptr ? waiter->previous->next : waiter->push->first) = waiter->next;
  if (_spareWaiters.size() < kSpare) {
    _spareWaiters.splice(_spareWaiters.end(), _waiters, waiter);
  } else {
    _waiters.erase(waiter);
  }
}

/// A push that nobody waits for any more is dropped, unless it is sending.
void PushQueue::leave(Handle push) {
  if (push->first == nullptr && push->state != State::sending) recycle(push);
}

void PushQueue::recycle(Handle push) {
  if (push->state == State::delayed) _wakeups.erase(push->wakeup);
  if (push->state != State::sending) _byNode.erase(push->node);
  push->message.target.value = core::Secret();
  auto& list = listOf(push->state);
  if (_sparePushes.size() < kSpare) {
    _sparePushes.splice(_sparePushes.end(), list, push);
  } else {
    list.erase(push);
  }
}

std::list<PushQueue::Push>& PushQueue::listOf(State state) noexcept {
  switch (state) {
    case State::ready:
      return _ready;
    case State::delayed:
      return _delayed;
    case State::sending:
      return _sending;
  }
  return _sending;
}

}  // namespace p2::push
