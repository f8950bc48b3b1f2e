/// The floor of sending: threads that each post FCM messages over a kept-alive Poco HTTPSClientSession, and
/// do nothing else.
///
///     p2_bench_pool URL CA-FILE CONNECTIONS SECONDS [RATE]
///
/// With RATE, so many requests a second are begun, else as many as there can be. The first fifth of the time
/// is not counted. Says "warm" when it is over, and a JSON object at the end.
#include "Phones.h"
#include "Samples.h"

#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/RejectCertificateHandler.h>
#include <Poco/StreamCopier.h>
#include <Poco/URI.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace p2::bench;
using Poco::Net::Context;
using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;
using Poco::Net::HTTPSClientSession;

constexpr std::uint64_t kPhones = 1000;

Context::Ptr makeContext(const std::string& caFile) {
  Context::Params parameters;
  parameters.caLocation = caFile;
  parameters.verificationMode = Context::VERIFY_STRICT;
  parameters.loadDefaultCAs = false;
  parameters.cipherList = "DEFAULT:!aNULL:!eNULL";
  parameters.ecdhCurve = "X25519:P-256";
  Context::Ptr context = new Context(Context::TLS_CLIENT_USE, parameters);
  context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
  context->enableExtendedCertificateVerification(true);
  context->setInvalidCertificateHandler(new Poco::Net::RejectCertificateHandler(false));
  return context;
}

std::vector<std::string> messages() {
  std::vector<std::string> made;
  for (std::uint64_t i = 0; i < kPhones; ++i) made.push_back(fcmMessage(phone(i)));
  return made;
}

class Pool {
 public:
  Pool(const Poco::URI& url, const Context::Ptr& context, std::size_t connections, double seconds,
       double rate)
      : _url(url),
        _context(context),
        _connections(connections),
        _seconds(seconds),
        _rate(rate),
        _samples(connections) {}

  void run() {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < _connections; ++i) threads.emplace_back([this, i] { post(i); });
    std::unique_lock lock(_mutex);
    _changed.wait(lock, [this] { return _connected == _connections; });
    const auto from = begin();
    lock.unlock();
    _changed.notify_all();
    std::this_thread::sleep_until(from);
    std::printf("warm\n");
    std::fflush(stdout);
    const auto cpuBefore = cpuTime();
    const auto before = _ended.load();
    std::this_thread::sleep_until(_end);
    const auto cpu = cpuTime() - cpuBefore;
    const auto requests = _ended.load() - before;
    for (auto& thread : threads) thread.join();
    Samples all = _samples.front();
    for (std::size_t i = 1; i < _connections; ++i) all.add(_samples[i]);
    std::printf("{\"cpu_us\":%.3f,\"faults\":%llu,%s}\n",
                std::chrono::duration<double, std::micro>(cpu).count() / static_cast<double>(requests),
                static_cast<unsigned long long>(_faults.load()), all.json().c_str());
  }

 private:
  /// The time begins; gives from when on it counts.
  Clock::time_point begin() {
    const auto seconds = [](double count) {
      return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
    };
    _began = Clock::now();
    _end = _began + seconds(_seconds);
    const auto from = _began + seconds(_seconds / 5);
    for (auto& samples : _samples) samples.countBetween(from, _end);
    return from;
  }

  void post(std::size_t number) {
    HTTPSClientSession session(_url.getHost(), _url.getPort(), _context);
    session.setKeepAlive(true);
    session.setKeepAliveTimeout(Poco::Timespan(3600, 0));
    postOne(session, 0);
    awaitBegin();
    while (Clock::now() < _end) {
      const auto request = _begun.fetch_add(1);
      if (_rate > 0) {
        const auto due = std::chrono::duration<double>(static_cast<double>(request) / _rate);
        std::this_thread::sleep_until(_began + std::chrono::duration_cast<Clock::duration>(due));
      }
      const auto began = Clock::now();
      postOne(session, request);
      _samples[number].add(began, Clock::now());
      ++_ended;
    }
  }

  void awaitBegin() {
    std::unique_lock lock(_mutex);
    ++_connected;
    _changed.notify_all();
    _changed.wait(lock, [this] { return _began != Clock::time_point{}; });
  }

  void postOne(HTTPSClientSession& session, std::uint64_t number) {
    const std::string& body = _messages[number % kPhones];
    try {
      HTTPRequest request(HTTPRequest::HTTP_POST, _url.getPath(), HTTPRequest::HTTP_1_1);
      request.set("Authorization", _authorization);
      request.set("Content-Type", "application/json");
      request.setContentLength64(static_cast<Poco::Int64>(body.size()));
      session.sendRequest(request) << body;
      HTTPResponse response;
      std::string answer;
      Poco::StreamCopier::copyToString(session.receiveResponse(response), answer);
      if (response.getStatus() != HTTPResponse::HTTP_OK) ++_faults;
    } catch (const Poco::Exception&) {
      session.reset();
      ++_faults;
    }
  }

  const Poco::URI _url;
  const Context::Ptr _context;
  const std::size_t _connections;
  const double _seconds;
  const double _rate;
  const std::vector<std::string> _messages = messages();
  const std::string _authorization = "Bearer " + std::string(220, 'a');
  std::mutex _mutex;
  std::condition_variable _changed;
  std::size_t _connected = 0;
  Clock::time_point _began;
  Clock::time_point _end;
  std::vector<Samples> _samples;
  std::atomic<std::uint64_t> _begun{0};
  std::atomic<std::uint64_t> _ended{0};
  std::atomic<std::uint64_t> _faults{0};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 64;
  Poco::Net::initializeSSL();
  Pool(Poco::URI(argv[1]), makeContext(argv[2]), std::strtoull(argv[3], nullptr, 10),
       std::strtod(argv[4], nullptr), argc > 5 ? std::strtod(argv[5], nullptr) : 0)
      .run();
  return 0;
}
