#pragma once

#include "TestAccount.h"
#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/fcm/AccessTokenSource.h"
#include "p2/fcm/FcmSender.h"
#include "support/TlsServer.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace p2::test {

/// Google in small: a token endpoint, and FCM, both with answers that a test gives and may change. Must
/// outlive the senders. Thread-safe.
class Google {
 public:
  using Answer = std::function<void(TlsServer::Peer&, const std::string& request)>;

  explicit Google(Answer fcm, const core::Clock& clock = core::systemClock())
      : _clock(clock),
        _fcm(std::move(fcm)),
        _tokenAnswer([this](TlsServer::Peer& peer, const std::string&) { giveToken(peer); }),
        _server(authority().issue(), [this](TlsServer::Peer& peer, int) {
          while (const auto request = peer.readRequest()) answer(peer, *request);
        }) {}

  fcm::FcmConfig config() const {
    fcm::FcmConfig config;
    config.endpoint = http::Url::parse(_server.url()).value();
    config.projectId = "my-project";
    config.timeout = std::chrono::seconds(10);
    config.clock = &_clock;
    return config;
  }
  std::shared_ptr<fcm::AccessTokenSource> tokens(core::Metrics& metrics) const {
    fcm::AccessTokenSource::Options options;
    options.clock = &_clock;
    return std::make_shared<fcm::AccessTokenSource>(account(_server.url() + "/token"), trusting(), options,
                                                    metrics);
  }

  /// From now on messages are answered so.
  void setFcm(Answer answer) {
    const std::scoped_lock lock(_mutex);
    _fcm = std::move(answer);
  }
  /// From now on requests for an access token are answered so.
  void setTokens(Answer answer) {
    const std::scoped_lock lock(_mutex);
    _tokenAnswer = std::move(answer);
  }
  /// The answer of a token endpoint that is well.
  void giveToken(TlsServer::Peer& peer) {
    peer.answer("200 OK", R"({"access_token":"token)" + std::to_string(++_tokens) + R"("})");
  }

  /// Messages that came, as HTTP requests.
  std::vector<std::string> requests() {
    const std::scoped_lock lock(_mutex);
    return _requests;
  }
  int tokensGiven() const { return _tokens; }
  int connections() const { return _server.connections(); }

 private:
  void answer(TlsServer::Peer& peer, const std::string& request) {
    Answer answer;
    {
      const std::scoped_lock lock(_mutex);
      const bool forToken = request.starts_with("POST /token ");
      if (!forToken) _requests.push_back(request);
      answer = forToken ? _tokenAnswer : _fcm;
    }
    answer(peer, request);
  }

  const core::Clock& _clock;
  std::mutex _mutex;
  Answer _fcm;
  Answer _tokenAnswer;
  std::vector<std::string> _requests;
  std::atomic<int> _tokens{0};
  TlsServer _server;
};

}  // namespace p2::test
