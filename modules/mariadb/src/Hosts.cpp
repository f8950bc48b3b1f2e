#include "Hosts.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace p2::mariadb {

namespace {

// Short enough to be back within seconds, and too long to burden a database that starts.
constexpr core::Backoff::Options kBackoff{std::chrono::milliseconds(200), std::chrono::milliseconds(3000),
                                          std::chrono::milliseconds(50)};

}  // namespace

Hosts::Hosts(const Options& options, std::chrono::seconds patience, Welcome welcome)
    : _options(options), _patience(patience), _welcome(std::move(welcome)) {
  _state.with([&](State& state) {
    for (std::size_t i = 0; i < options.hosts.size(); ++i) {
      state.standings.push_back({core::Backoff(kBackoff)});
    }
  });
}

Outcome<Hosts::Connected> Hosts::connect(Since since) {
  const std::size_t count = _options.hosts.size();
  const auto end = endOfSearch(since);
  const auto first = _state.with([](const State& state) { return state.used; });
  std::optional<Fault::Kind> kind;
  for (std::size_t i = 0; i < count && _options.clock->now() < end; ++i) {
    const std::size_t host = (first + i) % count;
    if (!takesTurn(host)) continue;
    auto opened = open(host);
    if (opened.ok()) {
      succeeded(host);
      return Connected{std::move(opened.value()), host};
    }
    failed(host, opened.fault());
    const bool refused = opened.fault().kind == Fault::Kind::refused;
    kind = refused && kind.value_or(Fault::Kind::refused) == Fault::Kind::refused ? Fault::Kind::refused
                                                                                  : Fault::Kind::unfit;
  }
  return Fault{kind.value_or(Fault::Kind::unfit), faults()};
}

/// Of each host its last one, so that nobody looks for the wrong one.
std::string Hosts::faults() const {
  return _state.with([](const State& state) {
    std::string text;
    for (const auto& standing : state.standings) {
      if (!standing.fault.empty()) text += (text.empty() ? "" : " ") + standing.fault;
    }
    return text.empty() ? std::string("There is no host.") : text;
  });
}

Outcome<std::unique_ptr<Connection>> Hosts::open(std::size_t host) const {
  auto opened = Connection::open(_options.hosts[host], _options, _patience);
  if (!opened.ok() || !_welcome) return opened;
  if (auto fault = _welcome(*opened.value())) return std::move(*fault);
  return opened;
}

void Hosts::suspect(std::size_t host) {
  _state.with([&](State& state) {
    if (state.used == host) state.used = (host + 1) % state.standings.size();
  });
}

core::Clock::TimePoint Hosts::nextTry() const {
  return _state.with([](const State& state) {
    auto next = core::Clock::TimePoint::max();
    for (const auto& standing : state.standings) next = std::min(next, standing.notBefore);
    return next;
  });
}

core::Clock::TimePoint Hosts::endOfSearch(Since since) const {
  const auto now = _options.clock->now();
  if (!since) return now + _options.timeout * static_cast<int>(_options.hosts.size());
  return std::min(now + _options.timeout, *since + 2 * _options.timeout);
}

/// Whether this thread may ask the host now. What is asked of a host that stands still waits for it, and
/// while one thread waits the others must not.
bool Hosts::takesTurn(std::size_t host) {
  const auto now = _options.clock->now();
  return _state.with([&](State& state) {
    auto& standing = state.standings[host];
    if (standing.notBefore > now || standing.onTrialUntil > now) return false;
    if (!standing.fault.empty()) standing.onTrialUntil = now + 2 * _options.timeout;
    return true;
  });
}

void Hosts::succeeded(std::size_t host) {
  _state.with([&](State& state) {
    auto& standing = state.standings[host];
    standing.backoff.reset();
    standing.notBefore = standing.onTrialUntil = {};
    standing.fault.clear();
    state.used = host;
  });
}

void Hosts::failed(std::size_t host, const Fault& fault) {
  const auto now = _options.clock->now();
  _state.with([&](State& state) {
    auto& standing = state.standings[host];
    // Several threads that fail at once are one failure.
    if (standing.notBefore <= now) standing.notBefore = now + standing.backoff.next();
    standing.onTrialUntil = {};
    standing.fault = fault.text;
  });
  suspect(host);
}

}  // namespace p2::mariadb
