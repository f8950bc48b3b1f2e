#pragma once

#include "CommandRun.h"
#include "fcm/Google.h"
#include "fcm/GoogleAnswers.h"
#include "p2/lmdb/Store.h"
#include "support/Catch.h"
#include "support/ImportAll.h"
#include "support/TemporaryDirectory.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace p2::test {

/// A phone's registration of long ago.
inline store::Registration registrationOf(const std::string& node, const std::string& domain = "a.example",
                                          store::Service service = store::Service::fcm) {
  store::Registration made;
  made.node = node;
  made.secret = core::Secret("secret-" + node);
  made.key = {service, node + std::string(40 - node.size(), '0'), ""};
  made.domain = domain;
  made.target.value = core::Secret("token-" + node);
  made.created = made.lastRegistered = store::Registration::Time(std::chrono::seconds(86400));
  return made;
}

/// Opens it as the daemon does: nobody else may have it.
inline std::unique_ptr<lmdb::Store> openStore(const std::filesystem::path& path) {
  lmdb::Store::Options options;
  options.path = path;
  auto opened = lmdb::Store::open(options);
  REQUIRE(opened.ok());
  return std::move(opened).value();
}

/// A p2 as its operator has it, all in one directory: settings, key and store, with a Google of its own. What
/// is run are its commands; no daemon runs.
class Installation {
 public:
  Installation() {
    std::ofstream(account) << toJson(accountFields(googleUrl() + "/token"));
    values = {{"xmpp.host", "127.0.0.1"},     {"xmpp.port", "1"},
              {"xmpp.jid", "localhost"},      {"xmpp.sharedSecret", "s3cret"},
              {"store.path", store.string()}, {"fcm.serviceAccountFile", account.string()},
              {"fcm.endpoint", googleUrl()},  {"fcm.caFile", authority().file()},
              {"fcm.timeout", "5s"},          {"http.listen", ""}};
  }

  /// Runs `p2 --config <the settings> <words>`.
  CommandResult run(const std::vector<std::string>& words, CommandInput input = {}) const {
    std::ofstream file(config);
    for (const auto& [key, value] : values) file << key << " = " << value << '\n';
    file.close();
    input.config = config;
    return test::run(words, input);
  }

  std::unique_ptr<lmdb::Store> open() const { return openStore(store); }
  void add(const std::vector<store::Registration>& registrations) const {
    REQUIRE(importAll(*open(), registrations).ok());
  }

  TemporaryDirectory directory;
  std::filesystem::path config = directory.path() / "p2.properties";
  std::filesystem::path account = directory.path() / "account.json";
  std::filesystem::path store = directory.path() / "store";
  std::map<std::string, std::string> values;  ///< of the settings' file
  Google google{deliver};

 private:
  std::string googleUrl() const { return "https://" + google.config().endpoint.authority(); }
};

}  // namespace p2::test
