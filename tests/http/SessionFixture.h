#pragma once

#include "p2/http/HttpsSession.h"
#include "support/Catch.h"
#include "support/TlsServer.h"

#include <memory>
#include <string>

namespace p2::test {

inline std::shared_ptr<const http::TlsContext> context() {
  static const auto instance = http::TlsContext::create({authority().file(), "fcm.caFile"}).value();
  return instance;
}

inline http::HttpsSession::Options options(const std::string& url) {
  http::HttpsSession::Options made;
  made.url = http::Url::parse(url).value();
  made.timeout = std::chrono::seconds(10);
  return made;
}

inline http::HttpsSession::Result post(http::HttpsSession& session, const std::string& body = "{}") {
  return session.post("/path", {{"Authorization", "Bearer hidden"}}, body, core::Clock::TimePoint::max());
}

inline int statusOf(const http::HttpsSession::Result& result) {
  const auto* response = std::get_if<http::Response>(&result);
  INFO((response == nullptr ? std::get<http::Fault>(result).text : ""));
  REQUIRE(response != nullptr);
  return response->status;
}

/// Of what is not whole, too.
inline http::Fault faultOf(const http::HttpsSession::Result& result) {
  const auto* response = std::get_if<http::Response>(&result);
  const auto* fault =
      response != nullptr && response->cut ? &*response->cut : std::get_if<http::Fault>(&result);
  REQUIRE(fault != nullptr);
  CHECK(fault->text.find("hidden") == std::string::npos);
  return *fault;
}

inline void answerAll(TlsServer::Peer& peer, int) {
  while (peer.readRequest()) peer.answer("200 OK", "{}");
}

}  // namespace p2::test
