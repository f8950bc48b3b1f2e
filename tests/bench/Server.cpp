/// Plays the XMPP server of p2 (XEP-0114): takes one component after the other, sends requests, and counts
/// the answers.
///
///     p2_bench_server                  prints "port N", then obeys standard input until it ends
///     p2_bench_server rows COUNT       prints the registrations of the first COUNT phones, for p2 import
///
/// Each line of input is an order, answered by a line with a JSON object once its last answer is there:
///
///     ready                                        once a component has shaken hands
///     publish phones=P seconds=S inflight=W        publishes in turn for P phones, W unanswered at a time
///     publish phones=P seconds=S rate=R            R a second, however many are unanswered
///     publish phones=P count=C inflight=W          so many in all
///     register first=F seconds=S inflight=W        registers phones from number F on, each for the first
///     time
///
/// The secret is not checked: p2's is whatever its settings say.
#include "Phones.h"
#include "Samples.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace p2::bench {

namespace {

// Requests that can be unanswered at a time.
constexpr std::size_t kSlots = std::size_t{1} << 18U;
constexpr std::size_t kReadSize = 262144;
// No more is written ahead, so that a paced request leaves when it is due.
constexpr std::size_t kWriteAhead = 262144;
constexpr auto kPatience = std::chrono::seconds(40);

void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::string_view attributeOf(std::string_view tag, std::string_view name) {
  for (const char quote : {'\'', '"'}) {
    const std::string opening = ' ' + std::string(name) + '=' + quote;
    const auto start = tag.find(opening);
    if (start == std::string_view::npos) continue;
    const auto from = start + opening.size();
    return tag.substr(from, tag.find(quote, from) - from);
  }
  return {};
}

class Server {
 public:
  Server();
  void serve();

 private:
  struct Order {
    std::string name;
    std::map<std::string, double> values;
    double get(const std::string& key) const {
      const auto found = values.find(key);
      return found == values.end() ? 0 : found->second;
    }
  };

  void step();
  void obey();
  void begin(const std::string& line);
  void produce(Clock::time_point now);
  bool mayBegin(Clock::time_point now) const;
  int untilNext(Clock::time_point now) const;
  void finishIfDone(Clock::time_point now);
  void accept();
  void receive();
  void send();
  void drop();
  void scan();
  void take(std::string_view tag, Clock::time_point now);

  int _listener = -1;
  int _stream = -1;
  bool _ready = false;
  bool _inputOpen = true;
  std::string _input;
  std::string _in;
  std::string _out;
  std::size_t _written = 0;

  Order _order;  // without a name: none
  Clock::time_point _began;
  Clock::time_point _end;
  Clock::time_point _lastAnswer;
  std::uint64_t _first = 0;  // id of the order's first request
  std::uint64_t _next = 0;   // id of the next request
  std::uint64_t _unanswered = 0;
  std::uint64_t _errors = 0;
  std::uint64_t _doubled = 0;
  std::vector<Clock::time_point> _sent;  // by id modulo kSlots; zero once answered
  Samples _samples;
};

Server::Server() : _sent(kSlots) {
  _listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(_listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(_listener, 16) != 0) {
    fail("p2_bench_server: listen");
  }
  ::getsockname(_listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
}

void Server::serve() {
  while (_inputOpen) step();
}

void Server::step() {
  const auto now = Clock::now();
  if (_ready) produce(now);
  finishIfDone(now);
  pollfd waits[] = {{STDIN_FILENO, static_cast<short>(_order.name.empty() ? POLLIN : 0), 0},
                    {_listener, POLLIN, 0},
                    {_stream, static_cast<short>(POLLIN | (_written < _out.size() ? POLLOUT : 0)), 0}};
  if (::poll(waits, 3, untilNext(now)) < 0 && errno != EINTR) fail("p2_bench_server: poll");
  if (waits[0].revents != 0) obey();
  if (waits[1].revents != 0) accept();
  if (_stream >= 0 && (waits[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0) receive();
  if (_stream >= 0 && _written < _out.size()) send();
}

void Server::obey() {
  char buffer[4096];
  const auto count = ::read(STDIN_FILENO, buffer, sizeof(buffer));
  if (count <= 0) {
    _inputOpen = false;
    return;
  }
  _input.append(buffer, static_cast<std::size_t>(count));
  const auto end = _input.find('\n');
  if (end == std::string::npos) return;
  const std::string line = _input.substr(0, end);
  _input.erase(0, end + 1);
  begin(line);
}

void Server::begin(const std::string& line) {
  std::istringstream words(line);
  _order = {};
  words >> _order.name;
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    _order.values[word.substr(0, equals)] = std::strtod(word.c_str() + equals + 1, nullptr);
  }
  const double seconds = _order.get("seconds");
  const auto after = [this](double count) {
    return _began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
  };
  _began = _lastAnswer = Clock::now();
  _end = seconds > 0 ? after(seconds) : Clock::time_point::max();
  _first = _next;
  _errors = _doubled = 0;
  _samples = {};
  if (seconds > 0) _samples.countBetween(after(seconds / 5), _end);
}

bool Server::mayBegin(Clock::time_point now) const {
  const auto begun = static_cast<double>(_next - _first);
  if (now >= _end || _unanswered >= kSlots || _out.size() - _written >= kWriteAhead) return false;
  if (const double count = _order.get("count"); count > 0 && begun >= count) return false;
  if (const double rate = _order.get("rate"); rate > 0) {
    return begun < std::chrono::duration<double>(now - _began).count() * rate;
  }
  return static_cast<double>(_unanswered) < _order.get("inflight");
}

/// Milliseconds to sleep at most.
int Server::untilNext(Clock::time_point now) const {
  constexpr int kIdle = 1000;
  if (_order.name.empty() || !_ready) return kIdle;
  const double rate = _order.get("rate");
  if (rate <= 0 || now >= _end) return 100;
  const double due =
      static_cast<double>(_next - _first) / rate - std::chrono::duration<double>(now - _began).count();
  return std::clamp(static_cast<int>(due * 1000), 0, kIdle);
}

void Server::produce(Clock::time_point now) {
  const bool registers = _order.name == "register";
  if (!registers && _order.name != "publish") return;
  const auto phones = static_cast<std::uint64_t>(std::max(1.0, _order.get("phones")));
  const auto first = static_cast<std::uint64_t>(_order.get("first"));
  while (mayBegin(now)) {
    const std::uint64_t id = _next++;
    const std::uint64_t number = registers ? first + id - _first : id % phones;
    const Phone one = phone(number);
    _out += registers ? registerStanza(one, number, id) : publishStanza(one, id, id);
    _sent[id % kSlots] = now;
    ++_unanswered;
  }
}

void Server::finishIfDone(Clock::time_point now) {
  if (_order.name.empty() || !_ready) return;
  std::string result;
  if (_order.name != "ready") {
    const double count = _order.get("count");
    const bool allBegun = now >= _end || (count > 0 && static_cast<double>(_next - _first) >= count);
    if (!allBegun || (_unanswered > 0 && now - std::max(_lastAnswer, _began) < kPatience)) return;
    const double seconds = std::chrono::duration<double>(_lastAnswer - _began).count();
    result = ",\"begun\":" + std::to_string(_next - _first) +
             ",\"unanswered\":" + std::to_string(_unanswered) + ",\"errors\":" + std::to_string(_errors) +
             ",\"doubled\":" + std::to_string(_doubled) + ",\"seconds\":" + std::to_string(seconds) + ',' +
             _samples.json();
    _unanswered = 0;
  }
  std::printf("{\"order\":\"%s\"%s}\n", _order.name.c_str(), result.c_str());
  std::fflush(stdout);
  _order = {};
}

void Server::accept() {
  const int stream = ::accept4(_listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (stream < 0) return;
  drop();
  _stream = stream;
  const int on = 1;
  ::setsockopt(_stream, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void Server::drop() {
  if (_stream >= 0) ::close(_stream);
  _stream = -1;
  _ready = false;
  _in.clear();
  _out.clear();
  _written = 0;
}

void Server::receive() {
  const std::size_t kept = _in.size();
  _in.resize(kept + kReadSize);
  const auto count = ::recv(_stream, _in.data() + kept, kReadSize, 0);
  _in.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return drop();
  scan();
}

void Server::send() {
  const auto count = ::send(_stream, _out.data() + _written, _out.size() - _written, MSG_NOSIGNAL);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? void() : drop();
  _written += static_cast<std::size_t>(count);
  if (_written < _out.size()) return;
  _out.clear();
  _written = 0;
}

/// Looks at whole start tags only; what is inside an answer does not matter here.
void Server::scan() {
  const auto now = Clock::now();
  std::size_t at = 0;
  for (;;) {
    const auto open = _in.find('<', at);
    const auto close = open == std::string::npos ? open : _in.find('>', open);
    if (close == std::string::npos) break;
    at = close + 1;
    take(std::string_view(_in).substr(open, at - open), now);
    if (_stream < 0) return;
  }
  _in.erase(0, at);
}

void Server::take(std::string_view tag, Clock::time_point now) {
  if (tag.starts_with("<stream:stream")) {
    _out +=
        "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
        "xmlns:stream='http://etherx.jabber.org/streams' from='push.example.org' id='bench'>";
  } else if (tag == "<handshake>") {
    _out += "<handshake/>";
    _ready = true;
  } else if (tag == "</stream:stream>") {
    drop();
  } else if (tag.starts_with("<iq ")) {
    const auto type = attributeOf(tag, "type");
    const auto id = attributeOf(tag, "id");
    if (type == "get") {  // p2 pings
      _out +=
          "<iq type='result' id='" + std::string(id) + "' from='push.example.org' to='push.example.org'/>";
      return;
    }
    const std::uint64_t number = std::strtoull(std::string(id).c_str(), nullptr, 10);
    auto& sent = _sent[number % kSlots];
    if (number < _first || sent == Clock::time_point{}) {
      ++_doubled;
      return;
    }
    _samples.add(sent, now);
    sent = {};
    --_unanswered;
    if (type != "result") ++_errors;
    _lastAnswer = now;
  }
}

}  // namespace

}  // namespace p2::bench

int main(int argc, char** argv) {
  using namespace p2::bench;
  if (argc == 3 && std::string_view(argv[1]) == "rows") {
    const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
    for (std::uint64_t i = 0; i < count; ++i) std::fputs(exportLine(phone(i)).c_str(), stdout);
    return 0;
  }
  Server().serve();
  return 0;
}
