#include "commands/check/CheckCommand.h"

#include "commands/check/Checks.h"
#include "commands/check/FcmChecks.h"
#include "links/StoreLink.h"
#include "p2/control/Requests.h"
#include "p2/control/Socket.h"
#include "p2/process/StoreOwner.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <sysexits.h>
#include <utility>

namespace p2::app {

namespace {

using State = Finding::State;

// An administrator's own, which wins over a package's.
constexpr const char* kOwnUnit = "/etc/systemd/system/p2.service";

constexpr CommandOption kJson{"json", "", "for programs: one JSON object"};
constexpr std::array kOptions{kJson};

constexpr std::string_view kDetails =
    "Looks whether all is right, and says what is wrong and what to do: the settings and the files they "
    "name, the store, the DNS of the component's name, the XMPP server and the secret, the clock, Google's "
    "access token, and FCM. Nobody is pushed to. A running daemon is not disturbed: it is asked what it "
    "knows of the XMPP server, and whether it goes by the settings as they are now. As root, it looks as "
    "the user to whom the store belongs. Ends with 0 if there is no fault, else with the exit code of the "
    "first.";

constexpr std::string_view nameOf(State state) {
  switch (state) {
    case State::ok:
      return "ok";
    case State::warning:
      return "warning";
    case State::fault:
      return "FAULT";
  }
  return "";
}

/// Takes the findings as they come: a person need not wait for the last.
class Report {
 public:
  Report(Console& console, bool json) : _console(console), _json(json) {}

  void add(Finding finding) {
    if (finding.state == State::fault && _exitCode == EX_OK) _exitCode = finding.exitCode;
    if (!_json) print(finding);
    _findings.push_back(std::move(finding));
  }
  void add(std::vector<Finding> findings) {
    for (auto& finding : findings) add(std::move(finding));
  }

  int finish() {
    if (_json) printJson();
    return _exitCode;
  }

 private:
  void print(const Finding& finding) {
    constexpr std::size_t kStateColumn = 9;
    constexpr std::size_t kCheckColumn = 17;
    const auto padded = [](std::string_view text, std::size_t width) {
      return std::string(text) + std::string(width - std::min(width, text.size()), ' ');
    };
    _console.out << padded(nameOf(finding.state), kStateColumn) << padded(finding.check, kCheckColumn)
                 << finding.text << std::endl;
  }

  void printJson() {
    Poco::JSON::Array list;
    for (const auto& finding : _findings) {
      Poco::JSON::Object entry;
      entry.set("check", std::string(finding.check));
      entry.set("state", finding.state == State::fault ? "fault" : std::string(nameOf(finding.state)));
      entry.set("text", finding.text);
      list.add(entry);
    }
    Poco::JSON::Object object;
    object.set("ok", _exitCode == EX_OK);
    object.set("checks", list);
    object.stringify(_console.out);
    _console.out << '\n';
  }

  Console& _console;
  const bool _json;
  std::vector<Finding> _findings;
  int _exitCode = EX_OK;
};

/// What the daemon says of itself; nothing if none runs.
core::Result<std::optional<control::DaemonStatus>> askStatus(const std::filesystem::path& store) {
  const auto answer = control::askDaemon(store, control::statusRequest());
  if (!answer) return core::Error{answer.error()};
  if (!answer.value()) return std::optional<control::DaemonStatus>();
  auto status = control::parseStatusAnswer(*answer.value());
  if (!status) return core::Error{status.error()};
  return std::optional(std::move(status).value());
}

/// When the file was changed; nothing if there is none.
std::optional<control::DaemonStatus::Time> changeOf(const std::filesystem::path& file) {
  struct stat status {};
  if (file.empty() || ::stat(file.c_str(), &status) != 0) return std::nullopt;
  return control::DaemonStatus::Time(std::chrono::seconds(status.st_mtim.tv_sec));
}

std::vector<Finding> findingsOfServer(const settings::LoadedSettings& loaded, bool inUse) {
  const auto& settings = *loaded.settings;
  const auto daemon = askStatus(settings.store.path);
  if (daemon && daemon.value()) {
    std::vector<Finding> findings{judgeDaemon(*daemon.value())};
    if (const auto changed = changeOf(loaded.file)) {
      if (auto old = judgeChange(loaded.file, *changed, *daemon.value())) findings.push_back(std::move(*old));
    }
    return findings;
  }
  if (daemon && !inUse) return {checkServer(settings.xmpp)};
  const auto why = daemon ? "it has no control socket" : daemon.error();
  return {
      {"XMPP server", State::warning,
       "a daemon runs but cannot be asked (" + why + "); to leave it undisturbed no connection was tried."}};
}

int run(const Invocation& invocation) {
  Report report(invocation.console, invocation.has(kJson.name));
  auto loaded = invocation.loadSettings();
  if (loaded.settings) {
    const auto owner = process::becomeOwnerOf(loaded.settings->store.path);
    if (!owner) return invocation.fail(EX_NOPERM, owner.error());
    // Once more as that user: can it read the files?
    if (!owner.value().empty()) loaded = invocation.loadSettings();
  }
  report.add(checkSettings(loaded));
  if (!loaded.settings) return report.finish();
  const auto& settings = *loaded.settings;
  const bool inUse = StoreLink(settings.store).isInUse();
  report.add(checkStore(settings.store, inUse));
  if (const auto unit = settings::readFile(kOwnUnit, settings::kMaxSettingsFileSize)) {
    if (auto foreign = judgeUnit(kOwnUnit, unit.value().text)) report.add(std::move(*foreign));
  }
  report.add(judgeName(settings.xmpp.jid, lookUp(settings.xmpp.jid)));
  report.add(findingsOfServer(loaded, inUse));
  report.add(checkFcm(settings));
  return report.finish();
}

}  // namespace

Command checkCommand() noexcept {
  return {"check", {}, "look whether all is right, and say what to do if not", kDetails, kOptions, run};
}

}  // namespace p2::app
