#include "p2/http/Route.h"

#include <Poco/Exception.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/IPAddress.h>

#include <algorithm>
#include <memory>
#include <netdb.h>
#include <optional>
#include <utility>

namespace p2::http {

namespace {

std::optional<Poco::Net::IPAddress> asAddress(const std::string& host) {
  Poco::Net::IPAddress address;
  if (!Poco::Net::IPAddress::tryParse(host, address)) return std::nullopt;
  return address;
}

}  // namespace

std::vector<Address> resolve(const std::string& host, std::uint16_t port) {
  if (const auto literal = asAddress(host)) return {Address(*literal, port)};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    const Address address(Address(entry->ai_addr, entry->ai_addrlen).host(), port);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
      addresses.push_back(address);
  }
  return addresses;
}

bool isAddress(const std::string& host) {
  return asAddress(host).has_value();
}

std::string asciiHost(const std::string& host) {
  try {
    return Poco::Net::DNS::isIDN(host) ? Poco::Net::DNS::encodeIDN(host) : host;
  } catch (const Poco::Exception&) {
    return host;
  }
}

Route::Route(Resolver resolver, std::size_t first) : _resolver(std::move(resolver)), _first(first) {}

std::vector<Address> Route::addresses(const std::string& host, std::uint16_t port) {
  auto found = _resolver(asciiHost(host), port);
  if (found.size() > kMostAddresses) found.resize(kMostAddresses);
  const auto now = std::chrono::steady_clock::now();

  const std::scoped_lock lock(_mutex);
  if (!found.empty()) {
    _answer = found;
    _answeredAt = now;
  } else if (now - _answeredAt < kAnswerLife) {
    found = _answer;
  }
  if (found.empty()) return found;
  std::erase_if(_failed, [&](const Address& address) {
    return std::find(found.begin(), found.end(), address) == found.end();
  });
  std::rotate(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(_first % found.size()), found.end());
  std::stable_sort(found.begin(), found.end(),
                   [this](const Address& left, const Address& right) { return rank(left) < rank(right); });
  return found;
}

/// The good one, then those of which nothing is known, then those whose failure is the longest ago.
std::size_t Route::rank(const Address& address) const {
  if (!_good.empty() && _good.front() == address) return 0;
  const auto at = std::find(_failed.begin(), _failed.end(), address);
  return at == _failed.end() ? 1 : 2 + static_cast<std::size_t>(at - _failed.begin());
}

void Route::succeeded(const Address& address) {
  const std::scoped_lock lock(_mutex);
  std::erase(_failed, address);
  _good.assign(1, address);
}

void Route::failed(const Address& address) {
  const std::scoped_lock lock(_mutex);
  std::erase(_good, address);
  std::erase(_failed, address);
  if (_failed.size() == kMostAddresses) _failed.erase(_failed.begin());
  _failed.push_back(address);
}

Poco::Net::Session::Ptr Route::session() const {
  const std::scoped_lock lock(_mutex);
  return _session;
}

void Route::keepSession(const Poco::Net::Session::Ptr& session) {
  const std::scoped_lock lock(_mutex);
  _session = session;
}

}  // namespace p2::http
