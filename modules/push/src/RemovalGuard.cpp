#include "RemovalGuard.h"

#include "Log.h"

#include <algorithm>
#include <functional>
#include <string>

namespace p2::push {

namespace {

std::size_t hashOf(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

void doubt(Outcome& outcome, const std::string& why, Outcome::Scope scope) {
  outcome.kind = Outcome::Kind::doubted;
  outcome.scope = scope;
  outcome.reason += why;
}

}  // namespace

RemovalGuard::RemovalGuard(const Options& options)
    : _options(options), _goneAfter(options.goneAfter), _watch(options.watched) {}

RemovalGuard::Event RemovalGuard::judge(const Addressee& addressee, std::uint64_t generation,
                                        Outcome& outcome) {
  const bool isGone = outcome.kind == Outcome::Kind::targetGone;
  if (!isGone && outcome.kind != Outcome::Kind::delivered) return Event::none;

  const auto now = _options.clock->now();
  const std::scoped_lock lock(_mutex);
  if (generation < _since) {
    if (isGone)
      doubt(outcome, "; not believed, for the credentials have changed meanwhile", Outcome::Scope::target);
    return Event::none;
  }
  const Event event = isGone ? gone(addressee, now, outcome) : delivered(addressee, now);
  _watched.store(_watch.size(), std::memory_order_relaxed);
  return event;
}

RemovalGuard::Event RemovalGuard::delivered(const Addressee& addressee, TimePoint now) {
  ++_deliveries;
  _lastDelivery = now;
  _row.clear();
  if (_watch.size() > 0) _watch.forget(hashOf(addressee.node));
  remember(hashOf(addressee.target), false);
  return update(now);
}

RemovalGuard::Event RemovalGuard::gone(const Addressee& addressee, TimePoint now, Outcome& outcome) {
  using Scope = Outcome::Scope;
  const std::size_t target = hashOf(addressee.target);
  if (_row.empty()) _rowSince = now;
  if (_row.size() < _options.row && std::find(_row.begin(), _row.end(), target) == _row.end())
    _row.push_back(target);
  remember(target, true);
  const Event event = update(now);
  if (tripping()) {
    doubt(outcome, "; not acted on, for too many targets are gone at once", Scope::service);
  } else if (outcome.onlyIfOthersSucceed && !vouchedFor(now)) {
    doubt(outcome, "; not believed, for nothing else is delivered", Scope::service);
  } else if (_goneAfter.count() > 0 && _watch.said(hashOf(addressee.node), addressee.flow, target, now,
                                                   _goneAfter) != core::Grace::Verdict::believed) {
    doubt(outcome, "; it is removed if that is said again after " + _options.service.key + ".goneAfter",
          Scope::target);
  }
  return event;
}

RemovalGuard::Event RemovalGuard::credentialsChanged(std::uint64_t generation) {
  const std::scoped_lock lock(_mutex);
  const Event event = tripping() ? Event::begunAnew : Event::none;
  _since = generation;
  _watch.clear();
  _watched = 0;
  _verdicts.clear();
  _lastDelivery = TimePoint::min();
  _row.clear();
  _manyGone = _rowGone = false;
  return event;
}

void RemovalGuard::setGoneAfter(std::chrono::milliseconds goneAfter) {
  const std::scoped_lock lock(_mutex);
  _goneAfter = goneAfter;
  if (goneAfter.count() > 0) return;
  _watch.clear();
  _watched = 0;
}

bool RemovalGuard::tripped() const {
  const std::scoped_lock lock(_mutex);
  return tripping();
}

bool RemovalGuard::vouchedFor(TimePoint now) const noexcept {
  return _lastDelivery != TimePoint::min() && now - _lastDelivery <= _options.vouching &&
         _row.size() <= _options.mismatches;
}

void RemovalGuard::remember(std::size_t target, bool gone) {
  // A linear search: there are a few dozen.
  const auto known = std::find_if(_verdicts.begin(), _verdicts.end(),
                                  [target](const Verdict& verdict) { return verdict.target == target; });
  if (known != _verdicts.end()) _verdicts.erase(known);
  _verdicts.push_back({target, _deliveries, gone});
  while (_verdicts.size() > _options.capacity ||
         _deliveries - _verdicts.front().deliveries > _options.memory) {
    _verdicts.pop_front();
  }
}

RemovalGuard::Event RemovalGuard::update(TimePoint now) {
  const bool before = tripping();
  const auto gone = static_cast<std::size_t>(
      std::count_if(_verdicts.begin(), _verdicts.end(), [](const Verdict& verdict) { return verdict.gone; }));
  const double share = static_cast<double>(gone) / static_cast<double>(_verdicts.size());
  if (gone >= _options.minimum && share > _options.share) _manyGone = true;
  if (share < _options.share / 2) _manyGone = false;
  _rowGone = _row.size() >= _options.row && now - _rowSince >= _options.quiet;
  if (tripping() == before) return Event::none;
  if (before) return Event::cleared;
  _watch.clear();
  return Event::tripped;
}

void report(RemovalGuard::Event event, const ServiceName& service) {
  switch (event) {
    case RemovalGuard::Event::none:
      return;
    case RemovalGuard::Event::tripped:
      logError(
          "%s calls most targets gone, so the fault is probably ours: no registration is removed until that "
          "clears; are the credentials (%s.*) those of the app's own project, is the store the right one?",
          service.title, service.key);
      return;
    case RemovalGuard::Event::cleared:
      logNotice("%s delivers messages again: registrations whose target is gone are removed as usual",
                service.title);
      return;
    case RemovalGuard::Event::begunAnew:
      logNotice("another key or address of %s: whose target is gone is found out anew", service.title);
      return;
  }
}

}  // namespace p2::push
