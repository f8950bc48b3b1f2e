#include "commands/check/FcmChecks.h"

#include "links/StoreLink.h"
#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/core/Words.h"
#include "p2/http/HttpDate.h"
#include "p2/http/HttpsSession.h"
#include "p2/store/Registration.h"
#include "p2/store/RegistrationStore.h"

#include <algorithm>
#include <sysexits.h>
#include <utility>
#include <variant>

namespace p2::app {

namespace {

using State = Finding::State;
using Kind = push::Outcome::Kind;
using SystemTime = std::chrono::system_clock::time_point;

constexpr std::string_view kFiles = "service account";
constexpr std::string_view kReach = "way to FCM";
constexpr std::string_view kClock = "clock";
constexpr std::string_view kOauth = "access token";
constexpr std::string_view kFcm = "FCM";
constexpr std::string_view kProject = "FCM project";
constexpr std::size_t kStoredTokens = 3;

core::Clock::TimePoint deadline(const settings::Settings& settings) {
  return core::systemClock().now() + settings.fcm.timeout;
}

/// Asks FCM's address for anything: whether it can be reached, and what time it is there.
std::vector<Finding> checkReach(const FcmLink& link, const settings::Settings& settings) {
  http::HttpsSession::Options options;
  options.url = link.config.endpoint;
  options.proxy = link.config.proxy;
  options.timeout = settings.fcm.timeout;
  http::HttpsSession session(options, link.tls);
  const auto result = session.post(link.config.endpoint.path + "/", {}, "", deadline(settings));
  if (const auto* fault = std::get_if<http::Fault>(&result)) {
    return {{kReach, State::fault, fault->text, EX_UNAVAILABLE}};
  }
  std::vector<Finding> findings{{kReach, State::ok, link.config.endpoint.authority() + " answers"}};
  const auto date = http::parseHttpDate(std::get<http::Response>(result).date);
  if (date) findings.push_back(judgeClock(core::wallTime(), *date));
  return findings;
}

Finding checkToken(fcm::AccessTokenSource& tokens, const settings::Settings& settings) {
  const auto token = tokens.get(deadline(settings));
  if (const auto* fault = std::get_if<fcm::TokenFault>(&token)) {
    return {kOauth, State::fault, fault->text, fault->misconfigured ? EX_CONFIG : EX_TEMPFAIL};
  }
  return {kOauth, State::ok, "Google gives one for the service account"};
}

std::vector<push::Message> someStored(const StoreLink& link) {
  std::vector<push::Message> messages;
  const auto store = link.openReadOnly();
  if (!store) return messages;
  // What cannot be read has been found by the check of the store.
  (void)store.value()->forEach([&](const store::Registration& registration) {
    if (registration.key.service == store::Service::fcm) {
      messages.push_back({registration.target, registration.key.device, registration.key.channel, true});
    }
    return messages.size() < kStoredTokens;
  });
  return messages;
}

}  // namespace

Finding judgeClock(SystemTime ours, SystemTime theirs) {
  using namespace std::chrono_literals;
  const auto ahead = std::chrono::duration_cast<std::chrono::seconds>(ours - theirs);
  const auto off = std::max(ahead, -ahead);
  const auto text =
      "this machine's clock is " + core::inWords(off) + (ahead.count() > 0 ? " ahead" : " behind");
  if (off > 240s) {
    return {kClock, State::fault,
            text +
                ": Google refuses what is signed at another time. Set it, and keep it right with "
                "NTP (timedatectl set-ntp true).",
            EX_CONFIG};
  }
  if (off > 30s) return {kClock, State::warning, text + "; keep it right with NTP."};
  return {kClock, State::ok, "agrees with Google's"};
}

Finding judgeMadeUpToken(const push::Outcome& outcome) {
  switch (outcome.kind) {
    case Kind::delivered:
    case Kind::targetGone:
    case Kind::doubted:
      return {kFcm, State::ok, "takes our messages (tried with a made-up token)"};
    case Kind::retry:
      return {kFcm, State::fault,
              "cannot send now: " + core::withoutStop(outcome.reason) + ". This may pass; try again.",
              EX_TEMPFAIL};
    case Kind::rejected:
      return {kFcm, State::fault,
              "does not understand our message: " + core::withoutStop(outcome.reason) +
                  ". Is fcm.endpoint right?",
              EX_PROTOCOL};
    case Kind::misconfigured:
      return {kFcm, State::fault, outcome.reason, EX_CONFIG};
  }
  return {};
}

Finding judgeStoredTokens(const std::vector<push::Outcome>& outcomes) {
  const auto mismatch = [](const push::Outcome& outcome) {
    return outcome.kind == Kind::targetGone && outcome.onlyIfOthersSucceed;
  };
  const bool delivered = std::any_of(outcomes.begin(), outcomes.end(),
                                     [](const auto& outcome) { return outcome.kind == Kind::delivered; });
  if (delivered) return {kProject, State::ok, "FCM knows the phones that are registered"};
  if (!outcomes.empty() && std::all_of(outcomes.begin(), outcomes.end(), mismatch)) {
    return {kProject, State::fault,
            "the service account belongs to another Firebase project than the phones' app. Use a key of the "
            "project that the app's google-services.json names.",
            EX_CONFIG};
  }
  return {kProject, State::ok, "not known: FCM knows none of the few registered phones that were tried"};
}

std::vector<Finding> checkFcm(const settings::Settings& settings) {
  core::Metrics metrics;
  const auto link = FcmLink::make(settings.fcm, metrics, true);
  if (!link) return {{kFiles, State::fault, link.error(), EX_CONFIG}};
  // Neither certificates nor what is signed can be judged.
  if (const auto unset = core::faultOf(core::systemClock()); !unset.empty()) {
    return {{kClock, State::fault, unset + ".", EX_TEMPFAIL}};
  }
  std::vector<Finding> findings;
  for (const auto& warning : link.value().warnings) findings.push_back({kFcm, State::warning, warning});
  for (auto& finding : checkReach(link.value(), settings)) findings.push_back(std::move(finding));
  // What follows would only say it again.
  if (findings.back().state == State::fault && findings.back().check == kReach) return findings;
  if (link.value().tokens) {
    findings.push_back(checkToken(*link.value().tokens, settings));
    if (findings.back().state == State::fault) return findings;
  }
  const auto sender = link.value().makeSender();
  const core::Target madeUp{core::Target::Kind::registrationToken, core::Secret("made-up-by-p2-check")};
  findings.push_back(judgeMadeUpToken(sender->send({madeUp, "p2-check", "", true}, deadline(settings))));
  // The legacy interface cannot only validate: it would wake the phones.
  if (findings.back().state == State::fault || !link.value().tokens) return findings;
  std::vector<push::Outcome> outcomes;
  for (const auto& message : someStored(StoreLink(settings.store))) {
    outcomes.push_back(sender->send(message, deadline(settings)));
  }
  if (!outcomes.empty()) findings.push_back(judgeStoredTokens(outcomes));
  return findings;
}

}  // namespace p2::app
