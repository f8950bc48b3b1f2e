#include "Hosts.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace p2::mariadb {

namespace {

// Short enough to be back within seconds, and too long to burden a database that starts.
constexpr core::Backoff::Options kBackoff{std::chrono::milliseconds(200), std::chrono::milliseconds(3000),
                                          std::chrono::milliseconds(50)};

std::uint64_t& countOf(store::Whereabouts::Faults& faults, Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::lost:
      return faults.lost;
    case Fault::Kind::unfit:
      return faults.unfit;
    case Fault::Kind::contended:
      return faults.contended;
    case Fault::Kind::refused:
      break;
  }
  return faults.refused;
}

}  // namespace

Hosts::Hosts(const Options& options, std::chrono::seconds patience, Welcome welcome, Purpose purpose)
    : _options(options), _patience(patience), _welcome(std::move(welcome)), _purpose(purpose) {
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
  auto opened = Connection::open(_options.hosts[host], _options, _patience, _purpose);
  if (!opened.ok()) return opened;
  if (auto fault = _welcome(*opened.value())) return std::move(*fault);
  return opened;
}

void Hosts::suspect(std::size_t host, const Fault& fault) {
  _state.with([&](State& state) {
    state.standings[host].fault = fault.text;
    if (state.used == host) state.used = (host + 1) % state.standings.size();
  });
}

void Hosts::count(Fault::Kind kind) {
  _state.with([&](State& state) { ++countOf(state.faults, kind); });
}

bool Hosts::hasLeft(std::size_t host) const {
  return _state.with([host](const State& state) { return state.reached != host; });
}

void Hosts::lookAtFailed() {
  for (const auto host : letAlone()) {
    if (!takesTurn(host)) continue;
    if (auto opened = open(host); opened.ok()) {
      _state.with([&](State& state) { state.standings[host].clear(); });
    } else {
      failed(host, opened.fault());
    }
  }
}

std::vector<std::size_t> Hosts::letAlone() const {
  return _state.with([](const State& state) {
    std::vector<std::size_t> hosts;
    for (std::size_t i = 0; i < state.standings.size(); ++i) {
      if (!state.standings[i].fault.empty()) hosts.push_back(i);
    }
    return hosts;
  });
}

void Hosts::giveUp() {
  _state.with([](State& state) { state.givenUp = true; });
}

store::Whereabouts Hosts::whereabouts() const {
  return _state.with([this](const State& state) {
    store::Whereabouts known;
    known.faults = state.faults;
    known.moves = state.moves;
    for (std::size_t i = 0; i < state.standings.size(); ++i) {
      known.hosts.push_back({nameOf(_options.hosts[i]), state.reached == i, state.standings[i].fault});
    }
    return known;
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
    if (state.givenUp && !standing.fault.empty()) return false;
    if (standing.failed) standing.onTrialUntil = now + 2 * _options.timeout;
    return true;
  });
}

void Hosts::succeeded(std::size_t host) {
  _state.with([&](State& state) {
    state.standings[host].clear();
    state.used = host;
    if (state.reached.value_or(host) != host) ++state.moves;
    state.reached = host;
  });
}

void Hosts::failed(std::size_t host, const Fault& fault) {
  const auto now = _options.clock->now();
  _state.with([&](State& state) {
    ++countOf(state.faults, fault.kind);
    auto& standing = state.standings[host];
    // Several threads that fail at once are one failure.
    if (standing.notBefore <= now) standing.notBefore = now + standing.backoff.next();
    standing.onTrialUntil = {};
    standing.failed = true;
    standing.fault = fault.text;
  });
  suspect(host, fault);
}

}  // namespace p2::mariadb
