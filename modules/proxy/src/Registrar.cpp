#include "Registrar.h"

#include "EventLog.h"
#include "p2/proxy/Replies.h"
#include "p2/store/RegistrableDomain.h"
#include "p2/xmpp/Jid.h"
#include "p2/xmpp/StanzaError.h"

#include <utility>

namespace p2::proxy {

namespace {

using Found = store::Registrations::Found;

using store::DeviceKey;
using store::Registration;
using xmpp::Responder;
using xmpp::StanzaError;

StanzaError tooMany(const char* why) {
  return {StanzaError::Type::wait, StanzaError::Condition::resourceConstraint, why, {}, {}};
}

/// What is said of a change that is one too many. An account's alone is no matter for the log.
struct Refusal {
  const char* answer;
  std::string line;
};

/// REQUIRES: it is not `admitted`.
Refusal refusalOf(RequestLimits::Verdict verdict, const std::string& domain) {
  const auto phones = "phones of " + std::string(store::registrableDomain(domain));
  switch (verdict) {
    case RequestLimits::Verdict::admitted:
    case RequestLimits::Verdict::account:
      break;
    case RequestLimits::Verdict::domain:
      return {"Too many registrations from your domain: try again in a minute.",
              phones + " register faster than limits.registrationsPerMinute: they were asked to wait"};
    case RequestLimits::Verdict::share:
      return {"Too many new registrations from your domain: try again in an hour.",
              phones + " have half of limits.newRegistrationsPerHour: more of them were asked to wait"};
    case RequestLimits::Verdict::all:
      return {"Too many new registrations: try again in an hour.",
              "more new registrations come than limits.newRegistrationsPerHour, of many domains: their "
              "phones were asked to wait"};
  }
  return {"Too many registrations from your account: try again in an hour.", {}};
}

/// Who asked, whatever the device.
std::string accountOf(const std::string& from) {
  const auto jid = xmpp::Jid::parse(from);
  return jid ? jid->bare() : from;
}

}  // namespace

Registrar::Registrar(const Parts& parts, core::Metrics& metrics)
    : _parts(parts),
      _created(metrics.counter("p2_registrations_created_total", "Registrations that phones added.")),
      _limitedAccount(limitedCounter(metrics, "account")),
      _limitedDomain(limitedCounter(metrics, "domain")),
      _limitedAll(limitedCounter(metrics, "all")),
      _lines(parts.clock) {}

void Registrar::deny(const std::string& domain, Responder& responder) {
  _parts.denied.add();
  _lines.note(Poco::Message::PRIO_INFORMATION,
              "phones of " + std::string(store::registrableDomain(domain)) +
                  " asked to register, which limits.allowDomains and limits.denyDomains do not let");
  responder.error({StanzaError::Type::auth,
                   StanzaError::Condition::forbidden,
                   "This service is not for accounts of your domain.",
                   {},
                   {}});
}

void Registrar::serve(Register&& request, const std::string& from, Responder responder) {
  if (!_parts.limits.serves(request.domain)) return deny(request.domain, responder);
  auto session = sessionFor(request.sessionId, request.commandNode, from, responder);
  if (!session) return;
  const DeviceKey key = request.key;
  const std::string domain = request.domain;
  _parts.store.lookUp(
      key, domain,
      _parts.times.lookUp<Found>([this, request = std::move(request), account = accountOf(from),
                                  session = std::move(*session), responder = std::move(responder)](
                                     const core::Result<store::Registrations::Found>& found) mutable {
        if (!comesNext(found, responder)) return;
        const auto change = changeBy(request, found);
        if (change != Change::none && !admit(request.domain, account, change == Change::creates, responder))
          return;
        enrol(std::move(request), change, std::move(session), std::move(responder));
      }));
}

/// Whether what was asked of this device before is with the store, so that the change can follow. Else it is
/// answered: it would overtake what still waits to be looked up, which would then undo it.
bool Registrar::comesNext(const core::Result<Found>& found, Responder& responder) {
  if (found.ok() || found.isDamaged()) return true;
  _parts.faults.answer(found.error(), responder);
  return false;
}

void Registrar::enrol(Register request, Change change, std::string session, Responder responder) {
  _parts.store.registerDevice(
      std::move(request.key), std::move(request.domain), std::move(request.target),
      _parts.times.change<Registration>(
          [this, creates = change == Change::creates, node = std::move(request.commandNode),
           session = std::move(session),
           responder = std::move(responder)](core::Result<Registration> result) mutable {
            if (!result) return _parts.faults.answer(result.error(), responder);
            if (creates) _created.add();
            logEvent(Poco::Message::PRIO_DEBUG, "registered ", result.value().node, result.value().domain);
            responder.result(registered(node, session, _parts.jid, result.value()));
          }));
}

/// What is in the store as it was asked for costs nobody anything, so that all phones of a big server can
/// come back at once; but for a new date, which the store writes at most once a day for each. A change that
/// is still pending can make this wrong by the one change that was admitted for it.
/// A damaged record is one that the store writes anew.
/// REQUIRES: comesNext().
Registrar::Change Registrar::changeBy(const Register& request,
                                      const core::Result<store::Registrations::Found>& found) {
  if (!found) return Change::renews;
  if (!found.value()) return Change::creates;
  const Registration& stored = *found.value();
  return stored.target == request.target && stored.admits(request.domain) ? Change::none : Change::renews;
}

void Registrar::serve(Unregister&& request, const std::string& from, Responder responder) {
  auto session = sessionFor(request.sessionId, request.commandNode, from, responder);
  if (!session) return;
  if (!admit(request.domain, accountOf(from), false, responder)) return;
  // Only to come behind a registration that waits for its own look-up.
  const DeviceKey key = request.key;
  const std::string domain = request.domain;
  _parts.store.lookUp(key, domain,
                      _parts.times.lookUp<Found>(
                          [this, request = std::move(request), session = std::move(*session),
                           responder = std::move(responder)](const core::Result<Found>& found) mutable {
                            if (!comesNext(found, responder)) return;
                            withdraw(std::move(request), std::move(session), std::move(responder));
                          }));
}

void Registrar::withdraw(Unregister request, std::string session, Responder responder) {
  _parts.store.unregister(
      std::move(request.key), std::move(request.domain),
      _parts.times.change<bool>([this, node = std::move(request.commandNode), session = std::move(session),
                                 responder = std::move(responder)](core::Result<bool> removed) mutable {
        if (!removed) {
          _parts.faults.answer(removed.error(), responder);
        } else if (removed.value()) {
          responder.result(commandCompleted(node, session));
        } else {
          StanzaError error = StanzaError::itemNotFound();
          error.text = "No phone is registered with this device id.";
          responder.error(error);
        }
      }));
}

void Registrar::serve(CommandForm&& request, const std::string& from, Responder responder) {
  const auto session = makeSessionId(from, request.commandNode, _parts.clock.wallTime());
  responder.result(commandForm(request.command, request.commandNode, session));
}

void Registrar::serve(CommandCancel&& request, const std::string& from, Responder responder) {
  const auto session = sessionFor(request.sessionId, request.commandNode, from, responder);
  if (session) responder.result(commandCanceled(request.commandNode, *session));
}

/// Answers and gives false if there were too many changes of the store, which all share.
bool Registrar::admit(const std::string& domain, const std::string& account, bool creates,
                      Responder& responder) {
  const auto verdict = _parts.limits.admitChange(domain, account, creates);
  if (verdict == RequestLimits::Verdict::admitted) return true;
  counterOf(verdict).add();
  const auto refusal = refusalOf(verdict, domain);
  if (!refusal.line.empty()) _lines.note(Poco::Message::PRIO_WARNING, refusal.line);
  responder.error(tooMany(refusal.answer));
  return false;
}

core::Counter& Registrar::counterOf(RequestLimits::Verdict verdict) const {
  if (verdict == RequestLimits::Verdict::account) return _limitedAccount;
  return verdict == RequestLimits::Verdict::domain ? _limitedDomain : _limitedAll;
}

/// The session id for the answer; nothing if the client's own is refused, which is then answered.
std::optional<std::string> Registrar::sessionFor(const std::string& sessionId, const std::string& node,
                                                 const std::string& from, Responder& responder) {
  const auto now = _parts.clock.wallTime();
  if (sessionId.empty()) return makeSessionId(from, node, now);
  const auto verdict = judgeSessionId(sessionId, from, node, now);
  if (verdict == SessionVerdict::valid) return sessionId;
  responder.error(badSession(verdict == SessionVerdict::expired));
  return std::nullopt;
}

}  // namespace p2::proxy
