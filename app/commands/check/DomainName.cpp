#include "commands/check/DomainName.h"

#include <Poco/Exception.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <arpa/nameser.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <memory>
#include <netdb.h>
#include <resolv.h>

namespace p2::app {

namespace {

/// As the DNS has it: labels beyond ASCII in Punycode.
std::string asciiForm(const std::string& name) {
  try {
    return Poco::Net::DNS::isIDN(name) ? Poco::Net::DNS::encodeIDN(name) : name;
  } catch (const Poco::Exception&) {
    return name;
  }
}

void addAddresses(const std::string& name, DomainName& found) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (code != 0) {
    if (code != EAI_NONAME && code != EAI_NODATA) found.fault = ::gai_strerror(code);
    return;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), static_cast<socklen_t>(text.size()),
                      nullptr, 0, NI_NUMERICHOST) == 0) {
      found.addresses.emplace_back(text.data());
    }
  }
}

bool hasServiceRecord(const std::string& name) {
  constexpr std::size_t kAnswerCount = 6;  // where the DNS header has it, RFC 1035 §4.1.1
  std::array<unsigned char, 4096> answer{};
  const int size = ::res_query(("_xmpp-server._tcp." + name).c_str(), ns_c_in, ns_t_srv, answer.data(),
                               static_cast<int>(answer.size()));
  return size > static_cast<int>(kAnswerCount) + 1 &&
         (answer[kAnswerCount] != 0 || answer[kAnswerCount + 1] != 0);
}

/// Whether something takes connections where other XMPP servers look for the name.
bool answersServers(const std::vector<std::string>& addresses) {
  constexpr Poco::UInt16 kServerPort = 5269;
  constexpr std::size_t kMostTried = 4;
  const Poco::Timespan patience(2, 0);
  for (std::size_t i = 0; i < std::min(addresses.size(), kMostTried); ++i) {
    try {
      Poco::Net::StreamSocket socket;
      socket.connect(Poco::Net::SocketAddress(addresses[i], kServerPort), patience);
      return true;
    } catch (const Poco::Exception&) {
      // The next one may.
    }
  }
  return false;
}

}  // namespace

DomainName lookUp(const std::string& name) {
  DomainName found;
  const auto ascii = asciiForm(name);
  addAddresses(ascii, found);
  found.reached = answersServers(found.addresses);
  if (!found.reached) found.hasService = hasServiceRecord(ascii);
  return found;
}

}  // namespace p2::app
