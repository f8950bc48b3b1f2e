#include "PushQueue.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace p2::push {

namespace {

constexpr std::size_t kSpare = 1024;

}  // namespace

PushQueue::PushQueue(const Limits& limits) : _limits(limits) {}

PushQueue::~PushQueue() = default;

PushQueue::Added PushQueue::add(const std::string& flow, const std::string& node, Message& message,
                                Done& done, std::size_t bytes, TimePoint now, Answers& answers) {
  const auto known = _byNode.find(node);
  const auto knownFlow = _byFlow.find(flow);
  // Who joins is weighed with the flow that it is booked to.
  const Flow* own = knownFlow != _byFlow.end() ? &*knownFlow->second : nullptr;
  if (known != _byNode.end()) own = &*known->second->flow;
  if (!makeRoomFor(bytes, own, answers)) return Added::full;

  if (known == _byNode.end()) {
    if (queued() >= _limits.nodes && !makeRoom(own != nullptr ? own->level : 0, answers)) return Added::full;
    const auto push = newPush(flowOf(flow), node, now);
    std::swap(push->message, message);
    join(push, std::move(done), bytes, now);
    space(push, now);
    return Added::queued;
  }
  const auto push = known->second;
  const bool isImportant = push->message.isImportant || message.isImportant;
  std::swap(push->message, message);
  push->message.isImportant = isImportant;
  join(push, std::move(done), bytes, now);
  return Added::joined;
}

/// Somebody wants to wait who holds `bytes`, in `flow` or, without it, in one that has nobody yet. A flow may
/// hold as much as there is room left; more only if another one holds more than twice as much, who then gives
/// way.
bool PushQueue::makeRoomFor(std::size_t bytes, const Flow* flow, Answers& answers) {
  const std::size_t wanted = (flow != nullptr ? flow->bytes : 0) + bytes;
  if (_bytes + wanted <= _limits.bytes) return true;
  while (_heaviest > 0) {
    const FlowHandle heaviest = _weights[_heaviest].front();
    if (heaviest->bytes / 2 <= wanted) return false;
    if (_bytes + bytes <= _limits.bytes) return true;
    if (!shed(heaviest, _bytes + bytes - _limits.bytes, answers)) return false;
  }
  return false;
}

/// Answers the newest of those who wait for the newest push of the flow, until they held `bytes` or nobody
/// waits for it any more. Gives whether there was anybody: whom a push that is sending has stays.
bool PushQueue::shed(FlowHandle flow, std::size_t bytes, Answers& answers) {
  auto& pushes = flow->ready.empty() ? flow->delayed : flow->ready;
  if (pushes.empty()) return false;
  const auto push = std::prev(pushes.end());
  std::size_t freed = 0;
  while (push->first != nullptr && freed < bytes) {
    freed += push->first->bytes;
    answer(push->first->self, answers);
  }
  leave(push);
  return freed > 0;
}

/// A flow with `own` pushes queued wants another. The longest flow has more than a fair share if anybody has
/// less.
bool PushQueue::makeRoom(std::size_t own, Answers& answers) {
  const std::size_t flows = _queuedFlows + (own == 0 ? 1 : 0);
  if (own >= _limits.nodes / flows) return false;
  const FlowHandle longest = _levels[_longest].front();
  finish(std::prev(longest->ready.empty() ? longest->delayed.end() : longest->ready.end()), answers);
  return true;
}

PushQueue::Handle PushQueue::take(TimePoint now) {
  const auto flow = _turns.begin();
  const auto push = flow->ready.begin();
  _byNode.erase(push->node);
  if (_limits.spacing > Duration::zero()) _lastSent.note(push->node, now);
  change(push, State::sending);
  if (flow->hasTurn) _turns.splice(_turns.end(), _turns, flow);
  return push;
}

const Message& PushQueue::message(Handle push) {
  return push->message;
}

const std::string& PushQueue::node(Handle push) {
  return push->node;
}

const std::string& PushQueue::flow(Handle push) {
  return push->flow->name;
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
  _byNode.emplace(push->node, push);
  delay(push, at);
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
    change(push, State::ready);
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

PushQueue::FlowHandle PushQueue::flowOf(const std::string& name) {
  if (const auto known = _byFlow.find(name); known != _byFlow.end()) return known->second;
  if (_spareFlows.empty()) {
    _spareFlows.emplace_back();
    _levels[0].push_front(_spareFlows.begin());
    _spareFlows.front().place = _levels[0].begin();
    _weights[0].push_front(_spareFlows.begin());
    _spareFlows.front().scale = _weights[0].begin();
  }
  const auto flow = _spareFlows.begin();
  flow->name = name;
  _byFlow.emplace(flow->name, flow);
  _resting.splice(_resting.end(), _spareFlows, flow);
  return flow;
}

PushQueue::Handle PushQueue::newPush(FlowHandle flow, const std::string& node, TimePoint now) {
  if (_sparePushes.empty()) _sparePushes.emplace_back();
  const auto push = _sparePushes.begin();
  push->node = node;
  push->flow = flow;
  push->updated = now;
  push->retries = 0;
  push->state = State::ready;
  _byNode.emplace(push->node, push);
  flow->ready.splice(flow->ready.end(), _sparePushes, push);
  ++flow->pushes;
  ++_ready;
  settle(flow);
  return push;
}

void PushQueue::join(Handle push, Done&& done, std::size_t bytes, TimePoint now) {
  if (_spareWaiters.empty()) _spareWaiters.emplace_back();
  _waiters.splice(_waiters.end(), _spareWaiters, _spareWaiters.begin());
  const auto self = std::prev(_waiters.end());
  *self = {std::move(done), bytes, now, push, self, nullptr, push->first};
  if (push->first != nullptr) push->first->previous = &*self;
  push->first = &*self;
  push->updated = now;
  hold(push->flow, push->flow->bytes + bytes);
  _bytes += bytes;
}

/// `other`, which is ready or delayed, becomes part of `push`, which is neither.
void PushQueue::absorb(Handle push, Handle other) {
  const bool isImportant = push->message.isImportant || other->message.isImportant;
  if (other->updated > push->updated) std::swap(push->message, other->message);
  push->message.isImportant = isImportant;
  push->updated = std::max(push->updated, other->updated);
  push->retries = std::max(push->retries, other->retries);
  Waiter* last = nullptr;
  for (Waiter* waiter = other->first; waiter != nullptr; waiter = waiter->next) {
    hold(other->flow, other->flow->bytes - waiter->bytes);
    hold(push->flow, push->flow->bytes + waiter->bytes);
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
  const FlowHandle flow = waiter->push->flow;
  hold(flow, flow->bytes - waiter->bytes);
  _bytes -= waiter->bytes;
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

/// A push that is new waits until its node's last message is long enough ago.
void PushQueue::space(Handle push, TimePoint now) {
  if (_limits.spacing == Duration::zero()) return;
  const TimePoint last = _lastSent.of(push->node);
  if (last == TimePoint::min() || last + _limits.spacing <= now) return;
  if (inTime(now, last + _limits.spacing)) delay(push, last + _limits.spacing);
}

void PushQueue::delay(Handle push, TimePoint until) {
  push->wakeup = _wakeups.emplace(until, push);
  change(push, State::delayed);
}

/// Puts the push last among those of its flow that are in `state`.
void PushQueue::change(Handle push, State state) {
  auto& from = listOf(push);
  if (push->state == State::ready) --_ready;
  if (push->state == State::delayed) --_delayed;
  push->state = state;
  if (state == State::ready) ++_ready;
  if (state == State::delayed) ++_delayed;
  auto& to = listOf(push);
  to.splice(to.end(), from, push);
  settle(push->flow);
}

void PushQueue::recycle(Handle push) {
  const FlowHandle flow = push->flow;
  if (push->state == State::delayed) _wakeups.erase(push->wakeup);
  if (push->state != State::sending) _byNode.erase(push->node);
  push->message.target.value.wipe();
  change(push, State::sending);
  --flow->pushes;
  if (_sparePushes.size() < kSpare) {
    _sparePushes.splice(_sparePushes.end(), _sending, push);
  } else {
    _sending.erase(push);
  }
  if (flow->pushes == 0) release(flow);
}

/// Brings what is known of a flow in line with its lists, after one push came or went.
void PushQueue::settle(FlowHandle flow) {
  const std::size_t level = flow->ready.size() + flow->delayed.size();
  if (level >= _levels.size()) _levels.resize(level + 1);
  if (flow->level == 0 && level > 0) ++_queuedFlows;
  if (flow->level > 0 && level == 0) --_queuedFlows;
  _levels[level].splice(_levels[level].end(), _levels[flow->level], flow->place);
  flow->level = level;
  _longest = std::max(_longest, level);
  while (_longest > 0 && _levels[_longest].empty()) --_longest;

  if (flow->hasTurn != flow->ready.empty()) return;
  flow->hasTurn = !flow->hasTurn;
  auto& from = flow->hasTurn ? _resting : _turns;
  auto& to = flow->hasTurn ? _turns : _resting;
  to.splice(to.end(), from, flow);
}

/// What those who wait for the flow's pushes hold is `bytes` from now on.
void PushQueue::hold(FlowHandle flow, std::size_t bytes) {
  flow->bytes = bytes;
  const auto weight = static_cast<std::size_t>(std::bit_width(bytes));
  if (weight == flow->weight) return;
  if (weight >= _weights.size()) _weights.resize(weight + 1);
  _weights[weight].splice(_weights[weight].end(), _weights[flow->weight], flow->scale);
  flow->weight = weight;
  _heaviest = std::max(_heaviest, weight);
  while (_heaviest > 0 && _weights[_heaviest].empty()) --_heaviest;
}

/// REQUIRES: the flow has no push, so it rests.
void PushQueue::release(FlowHandle flow) {
  _byFlow.erase(flow->name);
  if (_spareFlows.size() < kSpare) {
    _spareFlows.splice(_spareFlows.end(), _resting, flow);
  } else {
    _levels[0].erase(flow->place);
    _weights[0].erase(flow->scale);
    _resting.erase(flow);
  }
}

std::list<PushQueue::Push>& PushQueue::listOf(Handle push) noexcept {
  switch (push->state) {
    case State::ready:
      return push->flow->ready;
    case State::delayed:
      return push->flow->delayed;
    case State::sending:
      return _sending;
  }
  return _sending;
}

}  // namespace p2::push
