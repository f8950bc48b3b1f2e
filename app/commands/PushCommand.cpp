#include "commands/PushCommand.h"

#include "commands/NodeSearch.h"
#include "links/FcmLink.h"
#include "links/StoreLink.h"
#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/push/Outcome.h"

#include <array>
#include <ostream>
#include <sysexits.h>

namespace p2::app {

namespace {

using Kind = push::Outcome::Kind;

constexpr CommandOption kValidate{"validate-only", "", "let FCM check the message, but not send it"};
constexpr std::array kOptions{kValidate};

constexpr std::string_view kDetails =
    "Sends a test push to the phone with this NODE (its first four characters or more will do, as the log "
    "shows them), directly and not through the XMPP server, and says what FCM answers. The daemon may run "
    "meanwhile; the store is not changed.";

std::string describe(const push::Outcome& outcome) {
  switch (outcome.kind) {
    case Kind::delivered:
      return "FCM took the push.";
    case Kind::targetGone:
    case Kind::doubted:
      return "FCM says that this phone is gone: " + outcome.reason +
             ". Its registration ends when FCM says so to the pushes of its server for longer than "
             "fcm.goneAfter; its app registers anew when it connects afresh.";
    case Kind::retry:
      return "The push could not be sent now: " + outcome.reason + ". This passes; try again.";
    case Kind::rejected:
      return "FCM does not understand the push: " + outcome.reason +
             ". This is a fault of p2; please report it.";
    case Kind::misconfigured:
      return "The access to FCM is not right: " + outcome.reason + ". p2 check looks closer.";
  }
  return {};
}

int exitCode(Kind kind) {
  switch (kind) {
    case Kind::delivered:
      return EX_OK;
    case Kind::targetGone:
    case Kind::doubted:
      return EX_NOUSER;
    case Kind::retry:
      return EX_TEMPFAIL;
    case Kind::rejected:
      return EX_SOFTWARE;
    case Kind::misconfigured:
      return EX_CONFIG;
  }
  return EX_SOFTWARE;
}

int run(const Invocation& invocation) {
  const auto settings = invocation.settings();
  if (!settings) return EX_CONFIG;
  const StoreLink place(settings->store);
  auto store = place.openReadOnly();
  if (!store) return invocation.fail(place.exitCodeOf(StorePlace::Use::read), store.error());
  const auto registration = findByNode(*store.value(), invocation.operands.front());
  store.value().reset();  // FCM may take long
  if (!registration) return invocation.fail(EX_NOUSER, registration.error());
  const auto& [node, secret, key, domain, target, created, renewed] = registration.value();
  if (key.service != store::Service::fcm) {
    return invocation.fail(EX_UNAVAILABLE, "this registration is for " +
                                               std::string(store::nameOf(key.service)) +
                                               ", to which p2 does not push.");
  }
  core::Metrics metrics;
  const auto link = FcmLink::make(settings->fcm, metrics, invocation.has(kValidate.name));
  if (!link) return invocation.fail(EX_CONFIG, link.error());
  const auto sender = link.value().makeSender();
  const auto outcome = sender->send({target, key.device, key.channel, true},
                                    core::systemClock().now() + settings->push.deadline);
  if (outcome.kind != Kind::delivered) return invocation.fail(exitCode(outcome.kind), describe(outcome));
  invocation.console.out << describe(outcome) << '\n';
  return EX_OK;
}

}  // namespace

Command pushCommand() noexcept {
  return {"push", {"NODE", ArgumentKind::text, 1, 1}, "send a test push to a phone", kDetails, kOptions, run};
}

}  // namespace p2::app
