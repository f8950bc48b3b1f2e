#include "DeferredRequests.h"

#include "p2/xmpp/Serializer.h"
#include "p2/xmpp/StanzaError.h"

#include <chrono>
#include <utility>

namespace p2::proxy {

namespace {

// Servers wait for 32 s at least; some of it is for the push service.
constexpr std::chrono::seconds kPatience{20};
// On a small machine, with all its phones and some pushes for each.
constexpr std::size_t kMostRequests = 5000;
constexpr std::size_t kMostBytes = std::size_t{4} << 20U;

std::size_t bytesOf(const xmpp::Iq& iq, const xmpp::Responder& responder) {
  return xmpp::serialize(iq.payload).size() + responder.bytes();
}

}  // namespace

DeferredRequests::DeferredRequests(const core::Clock& clock) : _clock(clock), _defers(!clock.isSet()) {}

bool DeferredRequests::take(const xmpp::Iq& iq, xmpp::Responder& responder) {
  if (!_defers) return false;
  const auto bytes = bytesOf(iq, responder);
  return _state.with([&](State& state) {
    if (!_defers) return false;
    if (state.requests.size() == kMostRequests || state.bytes + bytes > kMostBytes) {
      responder.error(xmpp::StanzaError::tryLater());
      return true;
    }
    state.requests.push_back({iq, std::move(responder), bytes, _clock.now()});
    state.bytes += bytes;
    return true;
  });
}

void DeferredRequests::look(const Serve& serve) {
  if (!_clock.isSet()) {
    _state.with([this](State&) { _defers = true; });
    answerWait(takeLate());
    return;
  }
  // What comes meanwhile waits behind those that are being served.
  while (_defers) {
    for (auto& request : takeAll()) serve(request.iq, std::move(request.responder));
    _state.with([this](State& state) { _defers = !state.requests.empty(); });
  }
}

void DeferredRequests::giveUp() {
  answerWait(takeAll());
}

DeferredRequests::Requests DeferredRequests::takeAll() {
  return _state.with([](State& state) {
    state.bytes = 0;
    return std::exchange(state.requests, {});
  });
}

DeferredRequests::Requests DeferredRequests::takeLate() {
  return _state.with([oldest = _clock.now() - kPatience](State& state) {
    Requests late;
    while (!state.requests.empty() && state.requests.front().since < oldest) {
      state.bytes -= state.requests.front().bytes;
      late.push_back(std::move(state.requests.front()));
      state.requests.pop_front();
    }
    return late;
  });
}

void DeferredRequests::answerWait(Requests requests) {
  for (auto& request : requests) request.responder.error(xmpp::StanzaError::tryLater());
}

}  // namespace p2::proxy
