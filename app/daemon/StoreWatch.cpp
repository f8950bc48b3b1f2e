#include "daemon/StoreWatch.h"

#include "daemon/Logger.h"
#include "daemon/Round.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace p2::app {

namespace {

constexpr std::chrono::seconds kEvery{1};

core::Counter& errors(core::Metrics& metrics, const char* kind) {
  return metrics.counter(
      "p2_store_errors_total",
      "Faults of the database, by what follows from them. Not all of them reach a request.",
      {{"kind", kind}});
}

const store::Whereabouts::Host* usedOf(const store::Whereabouts& whereabouts) {
  const auto found = std::find_if(whereabouts.hosts.begin(), whereabouts.hosts.end(),
                                  [](const auto& host) { return host.used; });
  return found == whereabouts.hosts.end() ? nullptr : &*found;
}

}  // namespace

StoreWatch::StoreWatch(const store::RegistrationStore& store, proxy::PushProxy& proxy, core::Metrics& metrics)
    : _store(store),
      _proxy(proxy),
      _moves(metrics.counter("p2_store_moves_total",
                             "How often another host of the database was taken than before.")),
      _lost(errors(metrics, "lost")),
      _unfit(errors(metrics, "unfit")),
      _contended(errors(metrics, "contended")),
      _refused(errors(metrics, "refused")),
      _before(store.whereabouts()),
      _rounds(core::Rounds::Duration::zero(), [this](const auto&) {
        goRound("the store is not watched", [this] { look(); });
        return kEvery;
      }) {}

void StoreWatch::look() {
  _proxy.watchStore();
  auto now = _store.whereabouts();
  noteHost(now);
  noteSharers(now);
  count(now);
  // While no host can be reached, the one before them is still what a move is from.
  if (usedOf(now) == nullptr) now.hosts = std::move(_before.hosts);
  _before = std::move(now);
}

void StoreWatch::noteHost(const store::Whereabouts& now) const {
  const auto* used = usedOf(now);
  const auto* before = usedOf(_before);
  if (used == nullptr || before == nullptr || used->name == before->name) return;
  const auto left = std::find_if(now.hosts.begin(), now.hosts.end(),
                                 [&](const auto& host) { return host.name == before->name; });
  const bool isKnown = left != now.hosts.end() && !left->fault.empty();
  logger().notice("the database is used at " + used->name + " now, no longer at " + before->name +
                  (isKnown ? ": " + left->fault : "."));
}

void StoreWatch::noteSharers(const store::Whereabouts& now) const {
  if (!now.sharersFault.empty() && now.sharersFault != _before.sharersFault) {
    logger().warning(
        "it is not known how many p2 serve phones from this store, so each may allow more than its "
        "part of limits.newRegistrationsPerHour and limits.unknownPerHour: " +
        now.sharersFault);
  }
  if (now.sharers == _before.sharers) return;
  _proxy.setSharers(now.sharers);
  logger().information(now.sharers > 1 ? std::to_string(now.sharers) +
                                             " p2 serve phones from this store: each allows its part of "
                                             "limits.newRegistrationsPerHour and limits.unknownPerHour."
                                       : "No other p2 serves phones from this store any more.");
}

void StoreWatch::count(const store::Whereabouts& now) const {
  _moves.add(now.moves - _before.moves);
  _lost.add(now.faults.lost - _before.faults.lost);
  _unfit.add(now.faults.unfit - _before.faults.unfit);
  _contended.add(now.faults.contended - _before.faults.contended);
  _refused.add(now.faults.refused - _before.faults.refused);
}

}  // namespace p2::app
