#include "StatusPage.h"
#include "p2/web/HttpEndpoint.h"
#include "support/Catch.h"

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/StreamCopier.h>

#include <string>

using p2::control::DaemonStatus;
using p2::core::Metrics;
using p2::web::HttpEndpoint;

namespace {

struct Answer {
  int status;
  std::string type;
  std::string body;
  std::string policy;
};

class Fixture {
 public:
  Fixture() {
    status.connected = true;
    status.tokenValid = true;
    auto opened = HttpEndpoint::open(
        "127.0.0.1", 0, [this] { return status; }, metrics);
    REQUIRE(opened.ok());
    endpoint = std::move(opened).value();
  }

  Answer get(const std::string& path, const std::string& method = "GET") const {
    Poco::Net::HTTPClientSession session("127.0.0.1", endpoint->port());
    Poco::Net::HTTPRequest request(method, path, "HTTP/1.1");
    session.sendRequest(request);
    Poco::Net::HTTPResponse response;
    std::string body;
    Poco::StreamCopier::copyToString(session.receiveResponse(response), body);
    return {response.getStatus(), response.getContentType(), body,
            response.get("Content-Security-Policy", "")};
  }

  DaemonStatus status;
  Metrics metrics;
  std::unique_ptr<HttpEndpoint> endpoint;
};

}  // namespace

TEST_CASE("The metrics are served as Prometheus reads them") {
  Fixture p2;
  p2.metrics.counter("p2_pushes_total", "Pushes.").add();
  const auto answer = p2.get("/metrics");
  CHECK(answer.status == 200);
  CHECK(answer.type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(answer.body.find("# TYPE p2_pushes_total counter\n") != std::string::npos);
}

TEST_CASE("The daemon is ready while nothing keeps it from serving, and says what does") {
  Fixture p2;
  CHECK(p2.get("/readyz").status == 200);
  p2.status.targetsSeemGone = true;  // strangers can bring that about, and it costs nobody a push
  CHECK(p2.get("/readyz").status == 200);
  // All of them would say so, and none would serve.
  p2.status.secondFault = "another p2 is connected";
  CHECK(p2.get("/readyz").status == 200);
  p2.status.connected = false;
  p2.status.streamFault = "the server is down";
  p2.status.storeFault = "the disk is full";
  p2.status.tokenValid = false;
  p2.status.tokenFault = "the token is wrong";
  p2.status.clockFault = "the clock is wrong";
  const auto answer = p2.get("/readyz");
  CHECK(answer.status == 503);
  for (const char* reason :
       {"the server is down", "the disk is full", "the token is wrong", "the clock is wrong"}) {
    CAPTURE(reason);
    CHECK(answer.body.find(reason) != std::string::npos);
  }
  CHECK(p2.get("/healthz").status == 200);
}

TEST_CASE("A daemon that stands by is ready, and says what it is ready for") {
  Fixture p2;
  p2.status.connected = false;
  p2.status.standingBy = true;
  p2.status.streamFault = "another p2 is connected";
  const auto answer = p2.get("/readyz");
  CHECK(answer.status == 200);
  CHECK(answer.body == "standing by\n");
  p2.status.storeFault = "the disk is full";
  CHECK(p2.get("/readyz").body == "the store: the disk is full\n");
}

TEST_CASE("A token that nobody has asked for yet does not make the daemon unready") {
  Fixture p2;
  p2.status.tokenValid = false;
  CHECK(p2.get("/readyz").status == 200);
}

TEST_CASE("The status page brings all that it needs, and its policy lets nothing else in") {
  const Fixture p2;
  const auto answer = p2.get("/");
  CHECK(answer.status == 200);
  CHECK(answer.type == "text/html; charset=utf-8");
  CHECK(answer.body == p2::web::statusPage());
  CHECK(answer.body.find("src=") == std::string::npos);
  CHECK(answer.body.find("http://") == answer.body.find("http://www.w3.org/2000/svg"));
  CHECK(answer.body.find("style=") == std::string::npos);
  CHECK(answer.policy.starts_with("default-src 'none';"));
  CHECK(answer.policy.find("unsafe") == std::string::npos);
  CHECK(answer.policy.find("script-src 'sha256-") != std::string::npos);
}

TEST_CASE("What the page shows holds no metrics text and comes as JSON") {
  Fixture p2;
  p2.status.metrics = "p2_secret_metric 1";
  const auto answer = p2.get("/status.json?x=1");
  CHECK(answer.status == 200);
  CHECK(answer.type == "application/json; charset=utf-8");
  CHECK(answer.body.find("p2_secret_metric") == std::string::npos);
  CHECK(p2.get("/history.json").body == "[]");
}

TEST_CASE("The endpoint is read-only and has no other pages") {
  const Fixture p2;
  CHECK(p2.get("/", "POST").status == 405);
  CHECK(p2.get("/", "DELETE").status == 405);
  CHECK(p2.get("/../etc/passwd").status == 404);
  CHECK(p2.get("/", "HEAD").body.empty());
}

TEST_CASE("An address that another has is told with the setting's name") {
  Fixture p2;
  const auto second = HttpEndpoint::open(
      "127.0.0.1", p2.endpoint->port(), [&p2] { return p2.status; }, p2.metrics);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().starts_with("http.listen: 127.0.0.1:"));
}
