#include "p2/proxy/PushProxy.h"

#include "DeferredRequests.h"
#include "EventLog.h"
#include "FaultLog.h"
#include "Registrar.h"
#include "RequestLimits.h"
#include "StoreFaults.h"
#include "StoreTimes.h"
#include "ThrottledLog.h"
#include "UnknownLog.h"
#include "p2/proxy/Replies.h"
#include "p2/store/RegistrableDomain.h"
#include "p2/xmpp/Jid.h"
#include "p2/xmpp/Namespaces.h"

#include <Poco/Logger.h>
#include <Poco/Message.h>

#include <atomic>
#include <map>
#include <string>
#include <utility>
#include <variant>

namespace p2::proxy {

namespace {

using push::Outcome;
using store::Registration;
using Found = store::Registrations::Found;
using xmpp::Iq;
using xmpp::Responder;
using xmpp::StanzaError;

/// Stands in for the registration of an unknown node: as much to copy and to compare as for a known one, so
/// that time does not tell them apart.
Registration makeDecoy() {
  Registration decoy;
  decoy.node = std::string(12, '.');
  decoy.secret = core::Secret(std::string(24, '.'));
  decoy.key.device = std::string(40, '.');
  decoy.domain = "decoy.invalid";
  decoy.target.value = core::Secret(std::string(142, '.'));
  return decoy;
}

// What one who waits for a push costs beside the strings of unbounded length.
constexpr std::size_t kWaitingBytes = 512;

/// What the operator is told of a push for a device of a service that there is no way to.
std::string noWayTo(store::Service service) {
  std::string text;
  switch (service) {
    case store::Service::fcm:
      text = "a push for an Android device, to which p2 has no way: it is kept";
      break;
    case store::Service::apns:
      text = "a push for an Apple device, to which p2 has no way: it was imported and is kept";
      break;
  }
  return text + ", and the server was asked to wait, so its user stays registered";
}

/// The way to one push service, and what is known of its faults.
struct Way {
  Way(push::Dispatcher& to, const core::Clock& clock) : dispatcher(to), faults(to.service(), clock) {}

  push::Dispatcher& dispatcher;
  FaultLog faults;
};

}  // namespace

class PushProxy::Impl {
 public:
  Impl(Options options, store::Registrations& store, const Dispatchers& dispatchers, core::Metrics& metrics)
      : _options(std::move(options)),
        _deferred(*_options.clock),
        _limits(_options.limits, *_options.clock),
        _store(store),
        _registrations(counterOf(metrics, "register")),
        _withdrawals(counterOf(metrics, "unregister")),
        _publishes(counterOf(metrics, "publish")),
        _others(counterOf(metrics, "other")),
        _unknown(metrics.counter("p2_publishes_unknown_total",
                                 "Publish requests for an unknown node or with a wrong secret or domain.")),
        _unknownNodes(metrics.counter("p2_unknown_nodes_total",
                                      "Nodes that were asked for and are not there, each counted when its "
                                      "server is first asked to wait (limits.unknownAfter).")),
        _limited(limitedCounter(metrics, "pushes")),
        _limitedNode(limitedCounter(metrics, "node")),
        _unknownLimited(limitedCounter(metrics, "unknown")),
        _denied(metrics.counter("p2_requests_denied_total", "Requests of domains that are not served.")),
        _removed(metrics.counter("p2_registrations_removed_total",
                                 "Registrations removed because their target is gone.")),
        _storeTimes(*_options.clock, metrics),
        _storeFaults(store, _storeTimes, *_options.clock, metrics),
        _registrar({_options.jid, *_options.clock, store, _limits, _storeFaults, _storeTimes, _denied},
                   metrics),
        _unknownLog(*_options.clock),
        _lines(*_options.clock),
        _messageLines(*_options.clock) {
    for (const auto& [service, dispatcher] : dispatchers) {
      _ways.try_emplace(service, dispatcher.get(), *_options.clock);
    }
    holdsAny();
  }

  void setLimits(Limits limits) { _limits.reconfigure(std::move(limits)); }
  void setSharers(std::size_t count) { _limits.setSharers(count); }
  StoreFaults& storeFaults() { return _storeFaults; }
  const StoreTimes& storeTimes() const { return _storeTimes; }
  void watchStore() {
    _storeTimes.giveUpLate();
    _storeFaults.watch();
    _unknownLog.watch();
  }

  void handle(const Iq& iq, Responder responder) {
    auto request = parseRequest(iq, _options.jid);
    if (_deferred.take(request, iq.from, responder)) return;
    serveAny(std::move(request), iq.from, std::move(responder));
  }

  void watchClock() {
    _deferred.look([this](Request request, const std::string& from, Responder responder) {
      serveAny(std::move(request), from, std::move(responder));
    });
  }
  void giveUpDeferred() { _deferred.giveUp(); }

  void handle(const xmpp::Element& message) {
    if (message.child("notification", xmpp::ns::kPush2) == nullptr) return;
    const auto from = xmpp::Jid::parse(message.attribute("from"));
    if (!from) return;
    _messageLines.note(
        Poco::Message::PRIO_WARNING,
        "the server of " + xmpp::comparableDomain(from->domain()) +
            " publishes with push 2 (urn:xmpp:push2:0), which p2 does not speak: such phones stay silent; "
            "their server must offer XEP-0357 (urn:xmpp:push:0) as well");
  }

 private:
  static core::Counter& counterOf(core::Metrics& metrics, const char* kind) {
    return metrics.counter("p2_requests_total", "Requests received, by kind.", {{"kind", kind}});
  }

  void serveAny(Request request, const std::string& from, Responder responder) {
    std::visit([&](auto& each) { serve(std::move(each), from, std::move(responder)); }, request);
  }

  void serve(Register&& request, const std::string& from, Responder responder) {
    _registrations.add();
    _registrar.serve(std::move(request), from, std::move(responder));
  }
  void serve(Unregister&& request, const std::string& from, Responder responder) {
    _withdrawals.add();
    _registrar.serve(std::move(request), from, std::move(responder));
  }
  void serve(CommandForm&& request, const std::string& from, Responder responder) {
    _others.add();
    _registrar.serve(std::move(request), from, std::move(responder));
  }
  void serve(CommandCancel&& request, const std::string& from, Responder responder) {
    _others.add();
    _registrar.serve(std::move(request), from, std::move(responder));
  }

  void serve(Publish&& request, const std::string& /*from*/, Responder responder) {
    _publishes.add();
    std::string node = request.node;
    const std::string domain = request.domain;
    auto answer = [this, request = std::move(request), responder = std::move(responder)](
                      core::Result<store::Registrations::Recent> recent) mutable {
      if (!recent) return publish(request, core::Error{recent.error()}, std::move(responder));
      auto [found, mayBeOld] = std::move(recent).value();
      const bool isRefused = mayBeOld && found && !admits(*found, request);
      if (isRefused) return askAgain(std::move(request), std::move(responder));
      publish(request, std::move(found), std::move(responder));
    };
    _store.lookUpRecent(std::move(node), domain,
                        _storeTimes.lookUp<store::Registrations::Recent>(std::move(answer)));
  }

  /// What was found may be old: nobody is refused for that. What lookUp() finds is believed, though it may be
  /// the moment old by which a host of a cluster lags: it is changed by imports, or as its phone asks.
  void askAgain(Publish request, Responder responder) {
    std::string node = request.node;
    const std::string domain = request.domain;
    auto answer = [this, request = std::move(request),
                   responder = std::move(responder)](core::Result<Found> found) mutable {
      publish(request, std::move(found), std::move(responder));
    };
    _store.lookUp(std::move(node), domain, _storeTimes.lookUp<Found>(std::move(answer)));
  }

  /// Both are compared whatever the first one gave: time must not tell which was wrong.
  static bool admits(const Registration& registration, const Publish& request) {
    const bool rightSecret = request.secret.equals(registration.secret.reveal());
    const bool rightDomain = registration.admits(request.domain);
    return rightSecret && rightDomain;
  }

  /// Of a domain that is not served. Not an error for its server: a list is changed in a moment, and the
  /// users that a server drops stay away.
  void goesNowhere(const std::string& domain) {
    _denied.add();
    _lines.note(Poco::Message::PRIO_WARNING,
                "pushes for registered phones of " + std::string(store::registrableDomain(domain)) +
                    " go nowhere: it is not served (limits.allowDomains, limits.denyDomains)");
  }

  bool isOneTooMany(const std::string& domain, const std::string& node) {
    switch (_limits.admitPush(domain, node)) {
      case RequestLimits::PushVerdict::admitted:
        return false;
      case RequestLimits::PushVerdict::node:
        _limitedNode.add();
        return true;
      case RequestLimits::PushVerdict::domain:
        _limited.add();
        _lines.note(Poco::Message::PRIO_WARNING,
                    "pushes of " + std::string(store::registrableDomain(domain)) +
                        " come faster than limits.pushesPerSecond: those above it go nowhere, and their "
                        "server was told that all is well");
        return true;
    }
    return false;
  }

  void publish(const Publish& request, core::Result<Found> found, Responder responder) {
    if (!found) {
      _storeFaults.answer(found.error(), responder);
      return;
    }
    auto stored = std::move(found).value();
    const bool known = stored.has_value();
    const Registration& registration = known ? *stored : _decoy;
    const bool isAdmitted = admits(registration, request);
    if (!known || !isAdmitted) {
      answerUnknown(request, responder);
      return;
    }
    _unknownLog.found();
    if (!_limits.servesFound(request)) {
      goesNowhere(request.domain);
      responder.result();
      return;
    }
    const auto way = _ways.find(registration.key.service);
    if (way == _ways.end()) {
      // Which is no reason to lose it: another service, were it asked, would call the target gone.
      _lines.note(Poco::Message::PRIO_WARNING, noWayTo(registration.key.service));
      responder.error(StanzaError::tryLater());
      return;
    }
    if (isOneTooMany(request.domain, registration.node)) {
      // Held back, and not an error: on an error some servers drop the user.
      responder.result();
      return;
    }
    send(way->second, std::move(*stored), request, std::move(responder));
  }

  /// Whether the node is unknown or the secret or the domain is wrong is not to be seen from outside. A store
  /// that was empty from the start has nothing to say of anybody. What any other does not have it must lack
  /// for a while, in which a wrong one can be replaced. A domain that asks for more that is not there than
  /// for what is guesses, or has what was here before a wrong store was put in its place: to wait costs its
  /// server nothing, and it drops no user.
  void answerUnknown(const Publish& request, Responder& responder) {
    _unknown.add();
    if (_options.otherStoreServes()) {
      _unknownLimited.add();
      return responder.error(StanzaError::tryLater());
    }
    if (!_hasHeldAny && !holdsAny()) {
      _unknownLimited.add();
      _lines.note(Poco::Message::PRIO_WARNING,
                  "a server pushes, but this store is empty, and it was asked to wait: is it the right one "
                  "(store.path, or store.mariadb.database)?");
      return responder.error(StanzaError::tryLater());
    }
    _unknownLog.missed();
    responder.error(isTold(request) ? StanzaError::itemNotFound() : StanzaError::tryLater());
  }

  /// Whether the server of what is not there is told so.
  bool isTold(const Publish& request) {
    switch (_limits.admitUnknown(request)) {
      case RequestLimits::UnknownVerdict::told:
        return true;
      case RequestLimits::UnknownVerdict::begins:
        _unknownNodes.add();
        return false;
      case RequestLimits::UnknownVerdict::waits:
        return false;
      case RequestLimits::UnknownVerdict::limited:
        _unknownLimited.add();
        _lines.note(Poco::Message::PRIO_WARNING,
                    "servers of " + std::string(store::registrableDomain(request.domain)) +
                        " push for more that is not in this store than for what is, "
                        "and were asked to wait: is it the right one?");
        return false;
    }
    return false;
  }

  bool holdsAny() {
    if (_store.holdsAny()) _hasHeldAny = true;
    return _hasHeldAny;
  }

  void serve(DiscoInfo&& request, const std::string& /*from*/, Responder responder) {
    answerIfThere(discoInfo(request.node), std::move(responder));
  }
  void serve(DiscoItems&& request, const std::string& /*from*/, Responder responder) {
    answerIfThere(discoItems(request.node, _options.jid), std::move(responder));
  }
  void serve(Ping&& /*request*/, const std::string& /*from*/, Responder responder) {
    _others.add();
    responder.result();
  }
  void serve(Version&& /*request*/, const std::string& /*from*/, Responder responder) {
    _others.add();
    responder.result(version());
  }
  void serve(EntityTime&& /*request*/, const std::string& /*from*/, Responder responder) {
    _others.add();
    responder.result(entityTime(_options.clock->wallTime()));
  }
  void serve(Refused&& request, const std::string& /*from*/, Responder responder) {
    _others.add();
    responder.error(request.error);
  }
  void serve(NotOurs&& /*request*/, const std::string& /*from*/, Responder responder) {
    _others.add();
    responder.dismiss();
  }

  void answerIfThere(const std::optional<xmpp::Element>& payload, Responder responder) {
    _others.add();
    if (payload) {
      responder.result(*payload);
    } else {
      responder.error(StanzaError::itemNotFound());
    }
  }

  void send(Way& way, Registration registration, const Publish& request, Responder responder) {
    const std::size_t bytes = kWaitingBytes + registration.target.value.reveal().size() +
                              registration.domain.size() + responder.bytes();
    push::Message message{std::move(registration.target), std::move(registration.key.device),
                          std::move(registration.key.channel), request.isImportant};
    // The stored domain is the sender's or none. Subdomains, which cost nothing, share a turn.
    const std::string flow = store::flowOf(request.domain);
    way.dispatcher.submit(
        flow, request.node, std::move(message),
        [this, &way, node = std::move(registration.node), domain = std::move(registration.domain),
         responder = std::move(responder)](const Outcome& outcome) mutable {
          way.faults.note(outcome);
          conclude(std::move(node), std::move(domain), outcome, std::move(responder));
        },
        bytes);
  }

  /// Acts on what became of a message, and answers. Called for each who waited for it.
  void conclude(std::string node, std::string domain, const Outcome& outcome, Responder responder) {
    switch (outcome.kind) {
      case Outcome::Kind::delivered:
        if (outcome.replacement) {
          _store.replaceTarget(std::move(node), outcome.target, *outcome.replacement,
                               [](const core::Result<bool>&) {});
        }
        responder.result();
        return;
      case Outcome::Kind::targetGone:
        // Its phone may have registered anew with the other.
        if (_options.otherStoreServes()) return responder.error(StanzaError::tryLater());
        remove(node, std::move(domain), outcome.target, std::move(responder));
        return;
      case Outcome::Kind::doubted:
      case Outcome::Kind::retry:
      case Outcome::Kind::rejected:
      case Outcome::Kind::misconfigured:
        responder.error(StanzaError::tryLater());
        return;
    }
  }

  void remove(const std::string& node, std::string domain, core::Target target, Responder responder) {
    _store.removeIfHolds(
        node, std::move(target),
        _storeTimes.change<store::Removal>(
            [this, node, domain = std::move(domain),
             responder = std::move(responder)](core::Result<store::Removal> removal) mutable {
              if (!removal) {
                _storeFaults.answer(removal.error(), responder);
                return;
              }
              if (removal.value() == store::Removal::removed) {
                _hasHeldAny = true;
                _removed.add();
                logEvent(Poco::Message::PRIO_INFORMATION, "removed ", node, domain, ": its target is gone");
              }
              answerRemoved(removal.value(), responder);
            }));
  }

  void answerRemoved(store::Removal removal, Responder& responder) {
    switch (removal) {
      case store::Removal::removed:
      case store::Removal::absent:
        responder.error(StanzaError::itemNotFound());
        return;
      case store::Removal::holdsOther:
        // Its phone has registered anew while the push with the old token was under way: its server must keep
        // it.
        responder.error(StanzaError::tryLater());
        return;
    }
  }

  const Options _options;
  const Registration _decoy = makeDecoy();
  DeferredRequests _deferred;
  RequestLimits _limits;
  store::Registrations& _store;
  std::atomic<bool> _hasHeldAny{false};  ///< The store, since the start. True once that was seen.
  std::map<store::Service, Way> _ways;   ///< Not changed once it is made.
  core::Counter& _registrations;
  core::Counter& _withdrawals;
  core::Counter& _publishes;
  core::Counter& _others;
  core::Counter& _unknown;
  core::Counter& _unknownNodes;
  core::Counter& _limited;
  core::Counter& _limitedNode;
  core::Counter& _unknownLimited;
  core::Counter& _denied;
  core::Counter& _removed;
  StoreTimes _storeTimes;
  StoreFaults _storeFaults;
  Registrar _registrar;
  UnknownLog _unknownLog;
  ThrottledLog _lines;
  ThrottledLog _messageLines;  // anybody may send messages, and must not displace the other lines
};

PushProxy::PushProxy(Options options, store::Registrations& store, const Dispatchers& dispatchers,
                     core::Metrics& metrics)
    : _impl(std::make_unique<Impl>(std::move(options), store, dispatchers, metrics)) {}

PushProxy::~PushProxy() = default;

void PushProxy::handle(const Iq& iq, Responder responder) {
  _impl->handle(iq, std::move(responder));
}

void PushProxy::handle(const xmpp::Element& message) {
  _impl->handle(message);
}

void PushProxy::watchClock() {
  _impl->watchClock();
}

void PushProxy::giveUpDeferred() {
  _impl->giveUpDeferred();
}

void PushProxy::watchStore() {
  _impl->watchStore();
}

std::optional<std::chrono::system_clock::time_point> PushProxy::storeFailsSince() const {
  return _impl->storeFaults().failingSince();
}

std::string PushProxy::storeStandstill() const {
  return _impl->storeTimes().standstill();
}

void PushProxy::setLimits(Limits limits) {
  _impl->setLimits(std::move(limits));
}

void PushProxy::setSharers(std::size_t count) {
  _impl->setSharers(count);
}

}  // namespace p2::proxy
