#pragma once

#include "Google.h"

#include <string>

/// Answers of FCM's and of the token endpoint's, as Google() gives them.
namespace p2::test {

inline Google::Answer says(const std::string& status, const std::string& body,
                           const std::string& headers = {}) {
  return [=](TlsServer::Peer& peer, const std::string&) { peer.answer(status, body, headers); };
}

/// The message was taken.
inline void deliver(TlsServer::Peer& peer, const std::string& /*request*/) {
  peer.answer("200 OK", R"({"name":"projects/my-project/messages/1"})");
}

/// An error of Google's, with `details` as the functions below make them.
inline Google::Answer refusal(const std::string& status, const std::string& message,
                              const std::string& details = {}) {
  return says(status, R"({"error":{"code":)" + status.substr(0, 3) + R"(,"message":")" + message +
                          R"(","status":"S","details":[)" + details + "]}}");
}

inline std::string fcmError(const std::string& code) {
  return R"({"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":")" + code + R"("})";
}

inline std::string errorInfo(const std::string& reason) {
  return R"({"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":")" + reason + R"("})";
}

inline std::string badField(const std::string& field) {
  return R"({"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":")" + field +
         R"(","description":"Invalid"}]})";
}

}  // namespace p2::test
