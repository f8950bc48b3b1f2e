#pragma once

#include "Google.h"
#include "support/FcmAnswers.h"

#include <chrono>
#include <string>
#include <string_view>

/// Answers of FCM's and of the token endpoint's, as Google() gives them. Those of FCM that have a name are
/// in support/FcmAnswers.h.
namespace p2::test {

inline Google::Answer says(const std::string& status, const std::string& body,
                           const std::string& headers = {}) {
  return [=](TlsServer::Peer& peer, const std::string&) { peer.answer(status, body, headers); };
}

/// The message was taken.
inline void deliver(TlsServer::Peer& peer, const std::string& /*request*/) {
  peer.answer("200 OK", R"({"name":"projects/my-project/messages/1"})");
}

/// The row `name` of the table of FCM's answers.
inline Google::Answer gives(std::string_view name) {
  return [&row = fcmAnswer(name)](TlsServer::Peer& peer, const std::string&) {
    peer.answer(std::to_string(row.status) + " Status", row.body,
                row.headersAt(std::chrono::system_clock::now()));
  };
}

}  // namespace p2::test
