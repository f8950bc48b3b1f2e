// Input: choices, of which a stream of requests is drawn, on and around small limits and with harm in every
// place; behind the last byte 0xFF the sizes of the pieces in which it comes.
//
// It goes the whole way: stanza reader, request, proxy, a store on disk, dispatcher, workers, and the answers
// back. Every request that is ours gets its one answer, and an honest push behind all of it is served.

#include "Fuzz.h"
#include "Pieces.h"
#include "Trees.h"
#include "p2/lmdb/Store.h"
#include "p2/proxy/PushProxy.h"
#include "p2/xmpp/Jid.h"
#include "p2/xmpp/Namespaces.h"
#include "support/RequestTexts.h"
#include "support/StreamFixture.h"
#include "support/TemporaryDirectory.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using p2::push::Outcome;
using p2::test::Draw;
using p2::test::require;
using p2::test::Sample;
using p2::test::Tree;
using p2::xmpp::Element;
using p2::xmpp::StanzaReader;
namespace ns = p2::xmpp::ns;

namespace {

const std::string kJid = "push.example.org";
constexpr std::size_t kMostRegistrations = 2000;
constexpr auto kPatience = 20s;  // beside whatever else this machine does

/// Delivers everything but what goes to the token "refused".
class Sender final : public p2::push::Sender {
 public:
  Outcome send(const p2::push::Message& message, p2::core::Clock::TimePoint /*deadline*/) noexcept override {
    Outcome outcome;
    outcome.kind =
        message.target.value.reveal() == "refused" ? Outcome::Kind::rejected : Outcome::Kind::delivered;
    return outcome;
  }
};

class Answers final : public p2::xmpp::ReplySink {
 public:
  void send(std::string stanza) noexcept override {
    const std::scoped_lock lock(_mutex);
    _all.push_back(std::move(stanza));
    _changed.notify_all();
  }

  /// All since the last call: `count`, and what may have come beside them.
  std::vector<std::string> take(std::size_t count) {
    std::unique_lock lock(_mutex);
    require(_changed.wait_for(lock, kPatience, [&] { return _all.size() >= count; }),
            "every request is answered in time");
    return std::exchange(_all, {});
  }

 private:
  std::mutex _mutex;
  std::condition_variable _changed;
  std::vector<std::string> _all;
};

class Service {
 public:
  Service() {
    p2::lmdb::Store::Options options;
    options.path = _directory.path() / "store";
    _store = std::move(p2::lmdb::Store::open(options)).value();
    p2::push::Dispatcher::Options pool;
    pool.maxWorkers = 2;
    pool.goneAfter = std::chrono::milliseconds::zero();
    _dispatcher = std::make_unique<p2::push::Dispatcher>(
        pool, [] { return std::make_unique<Sender>(); }, _metrics);
    p2::proxy::PushProxy::Limits limits;
    limits.registrationsPerMinute = 0;
    limits.pushesPerSecond = 0;
    limits.unknownAfter = std::chrono::milliseconds::zero();
    _proxy = std::make_unique<p2::proxy::PushProxy>(
        p2::proxy::PushProxy::Options{kJid, limits}, *_store,
        p2::proxy::PushProxy::Dispatchers{{p2::store::Service::fcm, *_dispatcher}}, _metrics);
    honest = registered("honest@jabber.de", "token");
    refused = registered("refused@jabber.de", "refused");
  }
  ~Service() {
    _dispatcher.reset();
    _store.reset();
  }

  /// What the component's session does with a stanza, without its socket.
  void serve(Element stanza, bool whole) {
    auto request = p2::xmpp::toRequest(std::move(stanza));
    if (!request || !p2::xmpp::isAt(request->to, kJid)) return;
    p2::xmpp::Responder responder(answers, request->id, request->from, request->to);
    ++asked;
    if (whole) _proxy->handle(*request, std::move(responder));
  }

  bool full() const { return _store->statistics().registrations > kMostRegistrations; }

  struct Phone {
    std::string node;
    std::string secret;
  };
  Phone honest;
  Phone refused;
  Answers answers;
  std::size_t asked = 0;

 private:
  Phone registered(const std::string& account, const std::string& token);

  p2::test::TemporaryDirectory _directory;
  p2::core::Metrics _metrics;
  std::unique_ptr<p2::lmdb::Store> _store;
  std::unique_ptr<p2::push::Dispatcher> _dispatcher;
  std::unique_ptr<p2::proxy::PushProxy> _proxy;
};

class Handler final : public p2::xmpp::StanzaHandler {
 public:
  explicit Handler(Service& service) : _service(service) {}

  void onStreamOpen(const Element& /*header*/) override {}
  void onStanza(Element stanza) override { _service.serve(std::move(stanza), true); }
  void onRefused(Element head, std::string_view /*why*/) override { _service.serve(std::move(head), false); }

 private:
  Service& _service;
};

/// Gives the answers to what is in this stream, and how it ended.
std::pair<std::vector<std::string>, StanzaReader::End> converse(Service& service,
                                                                std::vector<std::string> pieces) {
  p2::test::Recorder unused;
  p2::test::ScriptedSource source(std::move(pieces), unused);
  Handler handler(service);
  service.asked = 0;
  auto end = StanzaReader(p2::test::smallLimits()).read(source, handler);
  return {service.answers.take(service.asked), std::move(end)};
}

Service::Phone Service::registered(const std::string& account, const std::string& token) {
  const auto [all, end] = converse(
      *this, {std::string(p2::test::kStreamStart) + p2::test::registerRequest(account, "phone", token)});
  return {p2::test::valueOf(all.at(0), "node"), p2::test::valueOf(all.at(0), "secret")};
}

Tree field(const std::string& var, std::string_view value) {
  return Tree("field").withAttribute("var", var).with(Tree("value").withText(value));
}

Tree publish(Draw& draw, const Service& service) {
  const auto& phone = draw.below(3) == 1 ? service.refused : service.honest;
  const std::array<std::string, 4> nodes{phone.node, "unknown", "", phone.node + "x"};
  const std::array<std::string, 4> secrets{phone.secret, "wrong", "", phone.node};
  auto form = Tree("x").withNamespace(std::string(ns::kDataForm)).with(field("secret", draw.of(secrets)));
  auto item = Tree("item").with(Tree("notification").withNamespace(std::string(ns::kPush)));
  return Tree("pubsub")
      .withNamespace(std::string(ns::kPubSub))
      .with(Tree("publish").withAttribute("node", draw.of(nodes)).with(std::move(item)))
      .with(Tree("publish-options").with(std::move(form)));
}

Tree command(Draw& draw) {
  constexpr std::array<const char*, 5> kNodes{"register-push-fcm", "unregister-push-fcm", "register-push-gcm",
                                              "unregister-push-gcm", "x"};
  constexpr std::array<const char*, 5> kActions{"complete", "execute", "cancel", "", "next"};
  constexpr std::array<const char*, 4> kDevices{"d1", "d2", "d3", ""};
  auto tree = Tree("command").withNamespace(std::string(ns::kAdHoc)).withAttribute("node", draw.of(kNodes));
  tree = std::move(tree).withAttribute("action", draw.of(kActions));
  if (draw.below(4) == 1) tree = std::move(tree).withAttribute("sessionid", "made up");
  if (draw.below(4) == 0) return tree;
  constexpr std::array<const char*, 4> kTokens{"t1", "refused", "", "a b\xe2\x82\xac<"};
  auto form = Tree("x").withNamespace(std::string(ns::kDataForm)).withAttribute("type", "submit");
  form = std::move(form).with(field("token", draw.of(kTokens))).with(field("device-id", draw.of(kDevices)));
  if (draw.below(3) == 1) form = std::move(form).with(field("muc", "room@rooms"));
  return std::move(tree).with(std::move(form));
}

Tree payload(Draw& draw, const Service& service) {
  constexpr std::array<std::string_view, 5> kQueries{ns::kDiscoInfo, ns::kDiscoItems, ns::kVersion, ns::kTime,
                                                     "urn:x"};
  switch (draw.below(5)) {
    case 0:
      return Tree("ping").withNamespace(std::string(ns::kPing));
    case 1:
      return publish(draw, service);
    case 2:
      return command(draw);
    case 3:
      return Tree("query").withNamespace(std::string(draw.of(kQueries)));
    default:
      return p2::test::drawTree(draw, "a");
  }
}

Tree stanza(Draw& draw, const Service& service, const std::string& id) {
  constexpr std::array<const char*, 6> kTypes{"set", "get", "set", "result", "error", ""};
  constexpr std::array<const char*, 6> kFrom{"jabber.de", "a@jabber.de/x",   "b@evil<&'.example", "",
                                             "@",         "\xf0\x9f\x92\xa9"};
  constexpr std::array<const char*, 6> kTo{"push.example.org",     "PUSH.example.org.", "push.example.org",
                                           "a@push.example.org/x", "other.example.org", ""};
  auto tree = Tree(draw.below(16) == 15 ? "message" : "iq").withAttribute("type", draw.of(kTypes));
  if (draw.below(16) < 15) tree = std::move(tree).withAttribute("id", id);
  tree = std::move(tree).withAttribute("from", draw.of(kFrom)).withAttribute("to", draw.of(kTo));
  const std::size_t payloads = draw.below(8);
  if (payloads < 7) tree = std::move(tree).with(payload(draw, service));
  if (payloads == 6) tree = std::move(tree).with(payload(draw, service));
  return tree;
}

/// Whether a stanza with this head is a request of which p2 owes an answer (RFC 6120 §8.2.3).
bool isRequest(const Element& head) {
  const auto type = head.attribute("type");
  return head.name == "iq" && (type == "get" || type == "set") && !head.attribute("id").empty() &&
         !head.attribute("from").empty() && p2::xmpp::isAt(head.attribute("to"), kJid);
}

std::map<std::string, Element> byId(const std::vector<std::string>& answers) {
  std::map<std::string, Element> all;
  for (const auto& text : answers) {
    p2::test::Recorder recorder;
    p2::test::ScriptedSource source({std::string(p2::test::kStreamStart) + text}, recorder);
    StanzaReader(StanzaReader::Limits{}).read(source, recorder);
    require(recorder.stanzas.size() == 1 && recorder.stanzas[0].is("iq", ns::kComponent),
            "an answer is one iq");
    const auto& answer = recorder.stanzas[0];
    const auto type = answer.attribute("type");
    require(type == "result" || type == "error", "an answer is a result or an error");
    require(all.emplace(answer.attribute("id"), answer).second, "nothing is answered twice");
  }
  return all;
}

void checkAnswers(const std::vector<Sample>& samples, std::map<std::string, Element> answers) {
  for (const auto& sample : samples) {
    if (sample.fate == Sample::Fate::endsStream) break;
    const auto found = answers.find(std::string(sample.head.attribute("id")));
    const bool owed = isRequest(sample.head);
    if (found == answers.end()) {
      require(!owed || !sample.headIsWhole, "every request is answered");
      continue;
    }
    require(owed, "nothing but a request is answered");
    require(found->second.attribute("to") == sample.head.attribute("from"), "an answer goes to who asked");
    require(found->second.attribute("from") == sample.head.attribute("to"),
            "an answer is from whom was asked");
    if (sample.fate == Sample::Fate::refused) {
      const auto* error = found->second.child("error", ns::kComponent);
      require(error != nullptr && error->attribute("type") == "wait",
              "what is not read is to be tried again");
    }
    answers.erase(found);
  }
  require(answers.empty(), "nothing is answered that was not asked");
}

void checkHonestPush(Service& service) {
  const std::string text = std::string(p2::test::kStreamStart) +
                           p2::test::publishRequest(service.honest.node, service.honest.secret, "jabber.de");
  const auto [answers, end] = converse(service, {text});
  require(answers ==
              std::vector<std::string>{"<iq type='result' id='p' from='push.example.org' to='jabber.de'/>"},
          "an honest push behind the others is delivered");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto service = std::make_unique<Service>();
  const std::string_view input = p2::test::textOf(data, size);
  const std::size_t mark = input.rfind('\xff');
  Draw draw(input.substr(0, mark));

  std::vector<Sample> samples;
  std::string stream(p2::test::kStreamStart);
  do {
    const std::string id = '#' + std::to_string(samples.size());
    samples.push_back(p2::test::spoil(draw, stanza(draw, *service, id), p2::test::smallLimits()));
    stream += samples.back().xml;
  } while (!draw.empty() && samples.size() < 40);
  const bool ends = std::any_of(samples.begin(), samples.end(),
                                [](const Sample& sample) { return sample.fate == Sample::Fate::endsStream; });
  if (!ends) stream += p2::test::publishRequest(service->honest.node, service->honest.secret, "jabber.de");
  p2::test::rendered = stream;

  const auto pieces = mark == std::string_view::npos ? std::vector<std::string>{stream}
                                                     : p2::test::split(stream, input.substr(mark + 1));
  const auto [texts, end] = converse(*service, pieces);
  auto answers = byId(texts);
  if (ends) {
    require(end.kind == StanzaReader::End::Kind::fault, "forbidden XML ends the stream");
  } else {
    require(end.kind == StanzaReader::End::Kind::endOfInput, "nothing else ends a stream");
    const auto last = answers.find("p");
    require(last != answers.end() && last->second.attribute("type") == "result",
            "an honest push behind bad stanzas is delivered");
    answers.erase(last);
  }
  checkAnswers(samples, std::move(answers));
  checkHonestPush(*service);
  p2::test::rendered = {};
  if (service->full()) service = std::make_unique<Service>();
  return 0;
}
