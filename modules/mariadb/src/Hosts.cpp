#include "Hosts.h"

#include <algorithm>
#include <utility>

namespace p2::mariadb {

namespace {

// Short enough to be back within seconds, and too long to burden a database that starts.
constexpr core::Backoff::Options kBackoff{std::chrono::milliseconds(200), std::chrono::milliseconds(3000),
                                          std::chrono::milliseconds(50)};

}  // namespace

Hosts::Hosts(const Options& options, std::chrono::seconds patience) : _options(options), _patience(patience) {
  _state.with([&](State& state) {
    for (std::size_t i = 0; i < options.hosts.size(); ++i) {
      state.standings.push_back({core::Backoff(kBackoff)});
    }
  });
}

Outcome<Hosts::Connected> Hosts::connect() {
  const std::size_t count = _options.hosts.size();
  const auto end = _options.clock->now() + 2 * _options.timeout;
  const auto first = _state.with([](const State& state) { return state.used; });
  for (std::size_t i = 0; i < count && _options.clock->now() <= end; ++i) {
    const std::size_t host = (first + i) % count;
    if (!mayAsk(host)) continue;
    auto opened = Connection::open(_options.hosts[host], _options, _patience);
    if (opened.ok()) {
      succeeded(host);
      return Connected{std::move(opened.value()), host};
    }
    failed(host, opened.fault());
  }
  return Fault{Fault::Kind::unfit, _state.with([](const State& state) {
                 return state.lastFault.empty() ? std::string("There is no host.") : state.lastFault;
               })};
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

bool Hosts::mayAsk(std::size_t host) const {
  const auto now = _options.clock->now();
  return _state.with([&](const State& state) { return state.standings[host].notBefore <= now; });
}

void Hosts::succeeded(std::size_t host) {
  _state.with([&](State& state) {
    state.standings[host].backoff.reset();
    state.standings[host].notBefore = {};
    state.used = host;
  });
}

void Hosts::failed(std::size_t host, const Fault& fault) {
  const auto now = _options.clock->now();
  _state.with([&](State& state) {
    auto& standing = state.standings[host];
    // Several threads that fail at once are one failure.
    if (standing.notBefore <= now) standing.notBefore = now + standing.backoff.next();
    state.lastFault = fault.text;
  });
}

}  // namespace p2::mariadb
