#include "p2/web/HttpEndpoint.h"

#include "History.h"
#include "StatusPage.h"
#include "p2/control/StatusJson.h"
#include "p2/core/Clock.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/ThreadPool.h>
#include <Poco/URI.h>

#include <chrono>
#include <exception>
#include <map>
#include <ostream>
#include <utility>

namespace p2::web {

namespace {

using Poco::Net::HTTPResponse;

// Enough for a browser, a Prometheus and a health check at once; more wait, and a flood of connections is
// refused.
constexpr int kThreads = 4;
constexpr int kQueued = 16;
constexpr int kTimeoutSeconds = 5;

struct Page {
  HTTPResponse::HTTPStatus status = HTTPResponse::HTTP_OK;
  std::string type;
  std::string body;
};

using Pages = std::map<std::string, std::function<Page()>>;

class Handler final : public Poco::Net::HTTPRequestHandler {
 public:
  explicit Handler(const Pages& pages) : _pages(pages) {}

  void handleRequest(Poco::Net::HTTPServerRequest& request,
                     Poco::Net::HTTPServerResponse& response) override {
    const bool head = request.getMethod() == Poco::Net::HTTPRequest::HTTP_HEAD;
    const bool readable = head || request.getMethod() == Poco::Net::HTTPRequest::HTTP_GET;
    const Page page = readable
                          ? pageFor(request.getURI())
                          : Page{HTTPResponse::HTTP_METHOD_NOT_ALLOWED, "text/plain", "This is read-only.\n"};
    response.setStatusAndReason(page.status);
    response.setContentType(page.type + "; charset=utf-8");
    response.setContentLength64(static_cast<Poco::Int64>(page.body.size()));
    response.set("Cache-Control", "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    response.set("X-Frame-Options", "DENY");
    response.set("Referrer-Policy", "no-referrer");
    response.set("Content-Security-Policy", statusPagePolicy());
    if (!readable) response.set("Allow", "GET, HEAD");
    auto& out = response.send();
    if (!head) out << page.body;
  }

 private:
  Page pageFor(const std::string& uri) const {
    const auto found = _pages.find(uri.substr(0, uri.find('?')));
    if (found == _pages.end())
      return {HTTPResponse::HTTP_NOT_FOUND, "text/plain", "There is no such page.\n"};
    return found->second();
  }

  const Pages& _pages;
};

class Factory final : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  explicit Factory(const Pages& pages) : _pages(pages) {}
  Poco::Net::HTTPRequestHandler* createRequestHandler(
      const Poco::Net::HTTPServerRequest& /*request*/) override {
    return new Handler(_pages);  // Poco deletes it
  }

 private:
  const Pages& _pages;
};

Page found(const char* type, std::string body) {
  return {HTTPResponse::HTTP_OK, type, std::move(body)};
}

Page readiness(const control::DaemonStatus& status) {
  const auto reasons = unreadiness(status);
  if (reasons.empty()) return found("text/plain", status.standingBy ? "standing by\n" : "ready\n");
  Page page{HTTPResponse::HTTP_SERVICE_UNAVAILABLE, "text/plain", {}};
  for (const auto& reason : reasons) page.body += reason + '\n';
  return page;
}

Page statusPageData(const control::DaemonStatus& status) {
  const auto now = std::chrono::floor<std::chrono::seconds>(core::wallTime());
  return found("application/json", control::statusJson(status, now));
}

Poco::Net::HTTPServerParams::Ptr serverParams() {
  Poco::Net::HTTPServerParams::Ptr params = new Poco::Net::HTTPServerParams;
  params->setMaxThreads(kThreads);
  params->setMaxQueued(kQueued);
  params->setTimeout(Poco::Timespan(kTimeoutSeconds, 0));
  params->setThreadIdleTime(Poco::Timespan(1, 0));
  params->setKeepAlive(false);
  params->setSoftwareVersion("p2");
  return params;
}

}  // namespace

class HttpEndpoint::Impl {
 public:
  Impl(const Poco::Net::ServerSocket& socket, Look look, core::Metrics& metrics)
      : _look(std::move(look)),
        _metrics(metrics),
        _history(metrics),
        _pages{
            {"/", [] { return found("text/html", statusPage()); }},
            {"/status.json", [this] { return statusPageData(_look()); }},
            {"/history.json", [this] { return found("application/json", toJson(_history.samples())); }},
            {"/metrics", [this] { return found("text/plain; version=0.0.4", _metrics.render()); }},
            {"/healthz", [] { return found("text/plain", "alive\n"); }},
            {"/readyz", [this] { return readiness(_look()); }},
        },
        _socket(socket),
        _threads(1, kThreads),
        _server(new Factory(_pages), _threads, _socket, serverParams()) {
    _server.start();
  }

  ~Impl() {
    _server.stopAll(true);
    // A thread that has just been given its connection must have taken it: the pool forgets, when it is
    // stopped, what its threads have not begun. It waits no longer than a thread may be idle.
    _threads.joinAll();
  }

  std::uint16_t port() const { return _socket.address().port(); }

 private:
  const Look _look;
  core::Metrics& _metrics;
  History _history;
  const Pages _pages;
  const Poco::Net::ServerSocket _socket;
  Poco::ThreadPool _threads;
  Poco::Net::HTTPServer _server;
};

core::Result<std::unique_ptr<HttpEndpoint>> HttpEndpoint::open(const std::string& host, std::uint16_t port,
                                                               Look look, core::Metrics& metrics) {
  try {
    Poco::Net::ServerSocket socket;
    // Not the constructor, which would share the port with another p2 that has it.
    socket.bind(Poco::Net::SocketAddress(host, port), true, false);
    socket.listen(kQueued);
    return std::unique_ptr<HttpEndpoint>(
        new HttpEndpoint(std::make_unique<Impl>(socket, std::move(look), metrics)));
  } catch (const Poco::Exception& exception) {
    return core::Error{"http.listen: " + host + ':' + std::to_string(port) + " cannot be had (" +
                       exception.displayText() +
                       "); another p2 or another program may have it: set http.listen to a port of its "
                       "own, or switch it off with http.listen ="};
  } catch (const std::exception& exception) {
    return core::Error{std::string("http.listen: the pages cannot be served (") + exception.what() +
                       "); is there room for more threads?"};
  }
}

HttpEndpoint::HttpEndpoint(std::unique_ptr<Impl> impl) : _impl(std::move(impl)) {}

HttpEndpoint::~HttpEndpoint() = default;

std::uint16_t HttpEndpoint::port() const noexcept {
  return _impl->port();
}

std::vector<std::string> unreadiness(const control::DaemonStatus& status) {
  std::vector<std::string> reasons;
  // One that stands by is as it should be: who exchanges one p2 for another waits for that, and only then
  // ends the first.
  if (!status.connected && !status.standingBy) {
    reasons.push_back("not connected to the XMPP server: " +
                      (status.streamFault.empty() ? std::string("connecting") : status.streamFault));
  }
  if (!status.clockFault.empty()) reasons.push_back(status.clockFault);
  if (!status.legacy && !status.tokenValid && !status.tokenFault.empty()) {
    reasons.push_back("no access token for FCM: " + status.tokenFault);
  }
  if (!status.storeFault.empty()) reasons.push_back("the store: " + status.storeFault);
  return reasons;
}

}  // namespace p2::web
