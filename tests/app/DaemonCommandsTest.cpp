#include "Installation.h"
#include "p2/control/Requests.h"
#include "p2/control/Socket.h"
#include "support/Catch.h"
#include "support/Has.h"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <chrono>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <sysexits.h>
#include <vector>

using namespace p2;
using namespace std::chrono_literals;
using test::has;
using test::Installation;
using test::registrationOf;

namespace {

/// The daemon's end of the control socket. The store is not open: one process may open it once, and the
/// commands do.
class AskedDaemon {
 public:
  explicit AskedDaemon(const Installation& p2) {
    auto opened = control::Socket::open(p2.store, [this](const std::string& request) {
      if (!nonsense.empty()) return nonsense;
      return control::answerRequest(
          request, {[this] { return status; },
                    [this](std::span<const std::string> nodes) -> core::Result<std::uint64_t> {
                      if (!fault.empty()) return core::Error{fault};
                      forgotten.emplace_back(nodes.begin(), nodes.end());
                      return nodes.size();
                    }});
    });
    REQUIRE(opened.ok());
    _socket = std::move(opened).value();
    status.version = "1.2";
    status.pid = 77;
    status.server = "127.0.0.1:5347";
    status.jid = "push.example.org";
    status.streams = status.openStreams = 1;
    status.connected = status.tokenValid = true;
  }

  control::DaemonStatus status;
  std::string nonsense;                             ///< is answered, whatever is asked
  std::string fault;                                ///< of the store
  std::vector<std::vector<std::string>> forgotten;  ///< request by request

 private:
  std::unique_ptr<control::Socket> _socket;
};

}  // namespace

TEST_CASE(
    "p2 status tells people and programs how the daemon is, and its exit code says whether it is connected") {
  Installation p2;
  p2.add({registrationOf("nodeA1"), registrationOf("nodeA2"), registrationOf("nodeB1", "b.example")});
  AskedDaemon daemon(p2);
  const auto read = p2.run({"status"});
  CHECK(read.code == EX_OK);
  for (const auto* words : {"127.0.0.1:5347", "push.example.org", "a.example", "b.example"}) {
    CAPTURE(words);
    CHECK(has(read.out, words));
  }
  const auto json = p2.run({"status", "--json"});
  CHECK(json.code == EX_OK);
  Poco::JSON::Parser parser;
  CHECK(parser.parse(json.out).extract<Poco::JSON::Object::Ptr>()->size() > 5);
  daemon.status.connected = false;
  daemon.status.streamFault = "The server refuses the secret";
  const auto broken = p2.run({"status"});
  CHECK(broken.code == EX_TEMPFAIL);
  CHECK(has(broken.out, "The server refuses the secret"));
  daemon.status.standingBy = true;
  const auto standby = p2.run({"status"});
  CHECK(standby.code == EX_OK);
  CHECK(has(standby.out, "standing by"));
  for (const auto& said : {read.out, json.out, broken.out}) {
    CHECK_FALSE(has(said, "token-nodeA1"));
    CHECK_FALSE(has(said, "secret-nodeA1"));
  }
}

TEST_CASE("p2 status --ready is silent about what is ready, and names all that is not, for health checks") {
  Installation p2;
  p2.add({registrationOf("nodeA1")});
  CHECK(p2.run({"status", "--ready"}).code == EX_UNAVAILABLE);
  AskedDaemon daemon(p2);
  const auto ready = p2.run({"status", "--ready"});
  CHECK(ready.code == EX_OK);
  CHECK((ready.out + ready.err).empty());
  daemon.status.connected = false;
  daemon.status.streamFault = "the server refuses the secret";
  daemon.status.storeFault = "no host answers";
  const auto broken = p2.run({"status", "--ready"});
  CHECK(broken.code == EX_TEMPFAIL);
  CHECK(broken.out.empty());
  for (const auto* words : {"the server refuses the secret", "no host answers"})
    CHECK(has(broken.err, words));
  daemon.status.standingBy = true;
  daemon.status.storeFault.clear();
  const auto standby = p2.run({"status", "--ready"});
  CHECK(standby.code == EX_OK);
  CHECK((standby.out + standby.err).empty());
}

TEST_CASE("p2 status names a daemon that does not run, and one that answers nonsense") {
  Installation p2;
  p2.add({registrationOf("nodeA1")});
  const auto none = p2.run({"status"});
  CHECK(none.code == EX_UNAVAILABLE);
  CHECK(has(none.err, "systemctl start p2"));
  AskedDaemon daemon(p2);
  daemon.nonsense = "no JSON";
  const auto odd = p2.run({"status"});
  CHECK(odd.code == EX_PROTOCOL);
  CHECK_FALSE(odd.err.empty());
}

TEST_CASE("p2 forget removes through a running daemon, in parts that it can answer") {
  Installation p2;
  std::vector<store::Registration> many;
  for (int n = 0; n < 1200; ++n) many.push_back(registrationOf("node" + std::to_string(10000 + n)));
  many.push_back(registrationOf("other1", "b.example"));
  p2.add(many);
  AskedDaemon daemon(p2);
  CHECK(p2.run({"forget", "other1"}).out == "1 removed\n");
  const auto done = p2.run({"forget", "--domain=a.example", "--yes"});
  CHECK(done.code == EX_OK);
  CHECK(done.out == "1,200 removed\n");
  REQUIRE(daemon.forgotten.size() == 4);
  CHECK(daemon.forgotten[0] == std::vector<std::string>{"other1"});
  CHECK(daemon.forgotten[1].size() == control::kMostNodesAtOnce);
  std::set<std::string> nodes;
  for (const auto& request : daemon.forgotten) nodes.insert(request.begin(), request.end());
  CHECK(nodes.size() == many.size());
}

TEST_CASE("p2 forget says how far it came when the daemon cannot, or does not understand") {
  Installation p2;
  p2.add({registrationOf("nodeA1")});
  AskedDaemon daemon(p2);
  daemon.fault = "The disk is full.";
  const auto refused = p2.run({"forget", "nodeA1"});
  CHECK(refused.code == EX_TEMPFAIL);
  CHECK(has(refused.err, "the disk is full. 0 were removed."));
  daemon.nonsense = "no JSON";
  CHECK(p2.run({"forget", "nodeA1"}).code == EX_TEMPFAIL);
  CHECK(daemon.forgotten.empty());
  CHECK(p2.run({"list"}).out.starts_with("nodeA1"));
}

TEST_CASE("p2 forget asks a person before it removes, and takes only a yes for one") {
  Installation p2;
  p2.add({registrationOf("nodeA1"), registrationOf("nodeA2"), registrationOf("nodeB1", "b.example")});
  const auto asked = [&](const std::string& answer, std::vector<std::string> words) {
    return p2.run(words, {.text = answer, .inIsTerminal = true});
  };
  for (const auto* no : {"", "\n", "n\n", "no\n", "oh yes\n"}) {
    CAPTURE(no);
    const auto kept = asked(no, {"forget", "--domain=a.example"});
    CHECK(kept.code == EX_USAGE);
    CHECK(has(kept.err, "Remove 2 registrations? [y/N]"));
    CHECK(has(kept.err, "nothing was removed"));
  }
  CHECK(asked("y\n", {"forget", "nodeB1"}).out == "1 removed\n");
  CHECK(asked("Yes\n", {"forget", "--domain=a.example"}).out == "2 removed\n");
  CHECK(p2.run({"forget", "nodeA1"}).code == EX_NOUSER);
}

TEST_CASE("p2 forget by domain tells of registrations whose domain nobody stored") {
  Installation p2;
  p2.add({registrationOf("nodeA1"), registrationOf("nodeB1", "")});
  const auto none = p2.run({"forget", "--domain=c.example", "--yes"});
  CHECK(none.code == EX_NOUSER);
  CHECK(has(none.err, "store.keepDomain"));
  const auto some = p2.run({"forget", "--domain=a.example", "--yes"});
  CHECK(some.out == "1 removed\n");
  CHECK(has(some.err, "1 registration is stored without a domain"));
  CHECK(p2.run({"list"}).out.starts_with("nodeB1"));
}
