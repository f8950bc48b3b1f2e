// Input: a line that came over the control socket: read as a request by the daemon, and as an answer by the
// commands.

#include "Fuzz.h"
#include "p2/control/Requests.h"
#include "p2/control/StatusJson.h"
#include "p2/lmdb/Store.h"
#include "p2/store/Forget.h"
#include "support/ImportAll.h"
#include "support/TemporaryDirectory.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

using p2::test::require;
namespace control = p2::control;

namespace {

/// A store with one registration.
class Daemon {
 public:
  Daemon() { refill(); }

  void refill() {
    store.reset();
    p2::lmdb::Store::Options options;
    options.path = _directory.path() / "store";
    store = std::move(p2::lmdb::Store::open(options)).value();
    p2::store::Registration row;
    row.key.device = std::string(40, 'a');
    row.target.value = p2::core::Secret("token");
    row.secret = p2::core::Secret("secret");
    row.domain = "example.org";
    row.node = "node";
    require(p2::test::importAll(*store, std::vector{row}).ok(), "a registration is stored");
  }

  std::unique_ptr<p2::lmdb::Store> store;

 private:
  p2::test::TemporaryDirectory _directory;
};

control::DaemonStatus look() {
  control::DaemonStatus status;
  status.version = "1";
  status.faults.push_back({{}, "a fault"});
  status.services.push_back({"fcm", "FCM", false, 1, 2});
  return status;
}

void checkLine(const std::string& answer) {
  require(!answer.empty() && answer.find('\n') == std::string::npos, "an answer is a line");
  require(answer.size() < 100000, "an answer is bounded");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Daemon daemon;
  const std::string line(p2::test::textOf(data, size));
  const auto forget = [](std::span<const std::string> nodes) {
    return p2::store::forgetNodes(*daemon.store, nodes, std::chrono::minutes(1));
  };
  const std::string answer = control::answerRequest(line, {look, forget});
  checkLine(answer);
  if (daemon.store->statistics().registrations == 0) {
    require(line.find("forget") != std::string::npos && line.find("node") != std::string::npos,
            "only who is named is forgotten");
    daemon.refill();
  }
  const auto forgotten = control::parseForgetAnswer(answer);
  require(!forgotten || forgotten.value() <= control::kMostNodesAtOnce, "an answer is read");

  const auto count = control::parseForgetAnswer(line);
  require(count.ok() || !count.error().empty(), "an error says what it is");
  const auto status = control::parseStatusAnswer(line);
  if (status) {
    const std::string once = control::toJson(status.value());
    checkLine(once.substr(0, 1000));
    const auto again = control::parseStatusAnswer(once);
    require(again.ok() && control::toJson(again.value()) == once,
            "what a daemon tells of itself is read as it was told");
    require(!control::statusJson(status.value(), {}).empty(), "programs are told of any daemon");
  } else {
    require(!status.error().empty(), "an error says what it is");
  }
  return 0;
}
