#include "DeferredRequests.h"

#include "p2/xmpp/StanzaError.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace p2::proxy {

namespace {

// Servers wait for 32 s at least; some of it is for the push service.
constexpr std::chrono::seconds kPatience{20};
// On a small machine, with all its phones and some pushes for each.
constexpr std::size_t kMostRequests = 5000;
constexpr std::size_t kMostBytes = std::size_t{4} << 20U;

// What the system takes for itself with each piece of memory.
constexpr std::size_t kPieceBytes = 16;

/// Beside the object itself.
std::size_t bytesOf(const std::string& text) {
  const auto capacity = text.capacity();
  return capacity > std::string().capacity() ? capacity + 1 + kPieceBytes : 0;
}

/// The strings of a request that is dated, signed or judged by the clock; nothing of one that needs none.
struct StringBytes {
  using Bytes = std::optional<std::size_t>;

  Bytes operator()(const Register& request) const {
    return bytesOf(request.commandNode) + bytesOf(request.sessionId) + bytesOf(request.key.device) +
           bytesOf(request.key.channel) + bytesOf(request.domain) + bytesOf(request.target.value.reveal());
  }
  Bytes operator()(const Unregister& request) const {
    return bytesOf(request.commandNode) + bytesOf(request.sessionId) + bytesOf(request.key.device) +
           bytesOf(request.key.channel) + bytesOf(request.domain);
  }
  Bytes operator()(const CommandForm& request) const { return bytesOf(request.commandNode); }
  Bytes operator()(const CommandCancel& request) const {
    return bytesOf(request.commandNode) + bytesOf(request.sessionId);
  }
  Bytes operator()(const Publish& request) const {
    return bytesOf(request.node) + bytesOf(request.secret.reveal()) + bytesOf(request.domain);
  }
  template <class Other>
  Bytes operator()(const Other&) const {
    return std::nullopt;
  }
};

}  // namespace

DeferredRequests::DeferredRequests(const core::Clock& clock) : _clock(clock), _defers(!clock.isSet()) {}

bool DeferredRequests::take(Request& request, const std::string& from, xmpp::Responder& responder) {
  if (!_defers) return false;
  const auto strings = std::visit(StringBytes(), request);
  if (!strings) return false;
  const auto bytes = sizeof(Kept) + *strings + bytesOf(from) + responder.bytes();
  return _state.with([&](State& state) {
    if (!_defers) return false;
    if (state.kept.size() == kMostRequests || state.bytes + bytes > kMostBytes) {
      responder.error(xmpp::StanzaError::tryLater());
      return true;
    }
    state.kept.push_back({std::move(request), from, std::move(responder), bytes, _clock.now()});
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
    for (auto& each : takeAll()) serve(std::move(each.request), each.from, std::move(each.responder));
    _state.with([this](State& state) { _defers = !state.kept.empty(); });
  }
}

void DeferredRequests::giveUp() {
  answerWait(takeAll());
}

DeferredRequests::List DeferredRequests::takeAll() {
  return _state.with([](State& state) {
    state.bytes = 0;
    return std::exchange(state.kept, {});
  });
}

DeferredRequests::List DeferredRequests::takeLate() {
  return _state.with([oldest = _clock.now() - kPatience](State& state) {
    List late;
    while (!state.kept.empty() && state.kept.front().since < oldest) {
      state.bytes -= state.kept.front().bytes;
      late.push_back(std::move(state.kept.front()));
      state.kept.pop_front();
    }
    return late;
  });
}

void DeferredRequests::answerWait(List list) {
  for (auto& each : list) each.responder.error(xmpp::StanzaError::tryLater());
}

}  // namespace p2::proxy
