#include "commands/check/Checks.h"

#include "commands/NodeSearch.h"
#include "commands/ProgressBar.h"
#include "links/ComponentLink.h"
#include "links/StoreLink.h"
#include "p2/component/Component.h"
#include "p2/core/Clock.h"
#include "p2/core/FileKind.h"
#include "p2/core/Metrics.h"
#include "p2/core/Words.h"
#include "p2/transfer/RegistrationJson.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <sstream>
#include <sysexits.h>
#include <system_error>
#include <utility>

namespace p2::app {

namespace {

using State = Finding::State;
using std::filesystem::path;
using namespace std::chrono_literals;

constexpr std::string_view kSettings = "settings";
constexpr std::string_view kStore = "store";
constexpr std::string_view kSpace = "disk space";
constexpr std::string_view kControl = "control socket";
constexpr std::string_view kUnit = "unit";
constexpr std::string_view kDns = "DNS";
constexpr std::string_view kServer = "XMPP server";

Finding storeFault(const std::string& text) {
  return {kStore, State::fault, text, EX_CANTCREAT};
}

bool permits(const path& file, int mode) {
  return ::access(file.c_str(), mode) == 0;
}

/// There is no database yet: could p2 make one?
Finding checkNewStore(const path& directory) {
  std::error_code ignored;
  const auto parent = std::filesystem::absolute(directory).lexically_normal().parent_path();
  if (core::isDirectory(directory)) {
    if (permits(directory, R_OK | W_OK | X_OK)) {
      return {kStore, State::ok, directory.string() + " holds no registrations yet"};
    }
    return storeFault(directory.string() +
                      " may not be written by this user; give it to the user that p2 runs as "
                      "(chown) with mode 0700.");
  }
  if (std::filesystem::exists(directory, ignored)) {
    return storeFault(directory.string() + " is not a directory, but a file; set store.path to a directory.");
  }
  if (core::isDirectory(parent) && permits(parent, W_OK | X_OK)) {
    return {kStore, State::ok, directory.string() + " will be created"};
  }
  return storeFault(
      directory.string() + " does not exist, and this user may not create it in " + parent.string() +
      "; create it and give it to the user that p2 runs as, or set store.path to another place.");
}

std::uint64_t freeBytes(path directory) {
  struct statvfs status {};
  while (::statvfs(directory.c_str(), &status) != 0) {
    if (!directory.has_parent_path() || directory == directory.parent_path()) return 0;
    directory = directory.parent_path();
  }
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

/// What a walk through a store finds.
struct Walk {
  std::uint64_t readable = 0;
  UnreadableRecords unreadable;
};

core::Result<Walk> walkThrough(const store::RegistrationStore& store) {
  Walk walk;
  const auto read = store.forEach(
      [&](const store::Registration&) {
        ++walk.readable;
        return true;
      },
      [&](std::string_view node, const std::string& why) { walk.unreadable.add(node, why); });
  if (!read) return core::Error{read.error()};
  return walk;
}

Finding checkOldStore(const StoreLink& link, const path& directory, bool inUse) {
  if (const auto read = link.readFiles(); !read) return {kStore, State::fault, read.error(), EX_IOERR};
  const auto store = link.openReadOnly();
  if (!store) return storeFault(store.error());
  const auto walk = walkThrough(*store.value());
  if (!walk) return storeFault(walk.error() + " Restore it from a backup.");
  for (const auto& file : link.files()) {
    if (!permits(file, W_OK)) {
      return storeFault(file.string() +
                        " may not be written by this user; give the directory and its files to the "
                        "user that p2 runs as (chown -R).");
    }
  }
  if (walk.value().unreadable.count() > 0) return {kStore, State::warning, walk.value().unreadable.text()};
  return {kStore, State::ok,
          directory.string() + ": " + core::grouped(walk.value().readable) + " registrations" +
              (inUse ? ", in use by the running daemon" : "")};
}

Finding findingOf(Remark remark) {
  switch (remark.kind) {
    case Remark::Kind::good:
      return {kStore, State::ok, std::move(remark.text)};
    case Remark::Kind::doubt:
      return {kStore, State::warning, std::move(remark.text)};
    case Remark::Kind::fault:
      return {kStore, State::fault, std::move(remark.text), remark.exitCode};
  }
  return {};
}

/// Who else may be asked has been.
Finding checkRegistrations(const StoreLink& link) {
  const auto code = link.exitCodeOf(StorePlace::Use::read);
  const auto store = link.openReadOnly();
  if (!store) return {kStore, State::fault, store.error(), code};
  const auto walk = walkThrough(*store.value());
  if (!walk) return {kStore, State::fault, walk.error(), code};
  if (walk.value().unreadable.count() > 0) return {kStore, State::warning, walk.value().unreadable.text()};
  return {kStore, State::ok, link.name() + ": " + core::grouped(walk.value().readable) + " registrations"};
}

/// With the registrations elsewhere, the directory is for the socket alone, and the daemon works without.
Finding checkControl(const path& directory) {
  const auto whole = std::filesystem::absolute(directory).lexically_normal();
  if (!core::isDirectory(whole)) {
    return {kControl, State::warning,
            whole.string() +
                " (store.path) is no directory: p2 status and other commands cannot ask the daemon "
                "without one that belongs to the user that p2 runs as."};
  }
  if (!permits(whole, R_OK | W_OK | X_OK)) {
    return {kControl, State::warning,
            whole.string() +
                " (store.path) may not be written by this user: p2 status and other commands cannot "
                "ask the daemon. Give it to the user that p2 runs as (chown) with mode 0700."};
  }
  return {kControl, State::ok, whole.string() + " is for the socket over which commands ask the daemon"};
}

std::vector<Finding> checkDatabase(const StoreLink& link, const path& directory) {
  std::vector<Finding> findings;
  for (auto& remark : link.remarks()) findings.push_back(findingOf(std::move(remark)));
  const bool fails = std::any_of(findings.begin(), findings.end(),
                                 [](const auto& finding) { return finding.state == State::fault; });
  if (!fails && link.exists()) findings.push_back(checkRegistrations(link));
  findings.push_back(checkControl(directory));
  return findings;
}

/// Waits for what becomes of a component's first attempt to connect. Thread-safe.
class FirstAttempt {
 public:
  void connected() {
    {
      const std::scoped_lock lock(_mutex);
      _connected = true;
    }
    _changed.notify_all();
  }

  /// Whether it connected; else the fault, or that there was none in time.
  std::pair<bool, std::string> outcome(const component::Component& component, std::chrono::seconds bound) {
    const auto deadline = std::chrono::steady_clock::now() + bound;
    std::unique_lock lock(_mutex);
    for (;;) {
      if (_changed.wait_for(lock, 50ms, [this] { return _connected; })) return {true, {}};
      // A failed attempt is told by the status alone.
      if (auto fault = component.status().lastFault; !fault.empty()) return {false, std::move(fault)};
      if (std::chrono::steady_clock::now() >= deadline)
        return {false, "the XMPP server does not answer in time"};
    }
  }

 private:
  std::mutex _mutex;
  std::condition_variable _changed;
  bool _connected = false;
};

}  // namespace

std::vector<Finding> checkSettings(const settings::LoadedSettings& loaded) {
  std::vector<Finding> findings;
  for (const auto& fault : loaded.faults) findings.push_back({kSettings, State::fault, fault, EX_CONFIG});
  for (const auto& warning : loaded.warnings) findings.push_back({kSettings, State::warning, warning});
  if (loaded.faults.empty()) {
    const auto from = loaded.file.empty() ? std::string("the environment") : loaded.file.string();
    findings.insert(findings.begin(), {kSettings, State::ok, from});
  }
  return findings;
}

std::vector<Finding> checkStore(const settings::Settings::Store& settings, bool inUse) {
  const StoreLink link(settings);
  const auto& directory = settings.path;
  if (!link.isHere()) return checkDatabase(link, directory);
  const auto space = judgeSpace(directory, freeBytes(std::filesystem::absolute(directory)));
  std::vector<Finding> findings{link.exists() ? checkOldStore(link, directory, inUse)
                                              : checkNewStore(directory)};
  for (auto& remark : link.remarks()) findings.push_back(findingOf(std::move(remark)));
  findings.push_back(space);
  return findings;
}

std::optional<Finding> judgeUnit(const path& file, const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("ExecStart=")) continue;
    if (line.find("java") == std::string::npos && line.find(".jar") == std::string::npos) continue;
    return Finding{kUnit, State::warning,
                   file.string() +
                       " starts the reference service and hides p2's own unit: after the move remove it and "
                       "run systemctl daemon-reload."};
  }
  return std::nullopt;
}

Finding judgeSpace(const path& directory, std::uint64_t bytes) {
  constexpr std::uint64_t kMebibyte = 1U << 20U;
  const auto text = core::grouped(bytes / kMebibyte) + " MiB are free for " + directory.string();
  if (bytes < 4 * kMebibyte) {
    return {kSpace, State::fault, "only " + text + ": no phone can register. Free some space.", EX_IOERR};
  }
  if (bytes < 64 * kMebibyte) return {kSpace, State::warning, "only " + text + "; free some space."};
  return {kSpace, State::ok, text};
}

Finding judgeName(const std::string& jid, const DomainName& found) {
  if (!found.addresses.empty() && !found.reached && !found.hasService) {
    return {kDns, State::warning,
            jid + " resolves to " + found.addresses.front() +
                ", where nothing answers on port 5269, at which other servers look for it: correct the DNS "
                "record if the XMPP server is elsewhere, else open the port (unless all phones are on that "
                "server)."};
  }
  if (found.resolves()) {
    const auto where = found.addresses.empty() ? "an SRV record" : found.addresses.front();
    return {kDns, State::ok, jid + " resolves to " + where};
  }
  if (!found.fault.empty()) {
    return {kDns, State::fault,
            "the DNS cannot be asked for " + jid + " (" + found.fault +
                "): see whether this machine's resolver works (/etc/resolv.conf).",
            EX_TEMPFAIL};
  }
  return {kDns, State::fault,
          jid +
              " (xmpp.jid) does not resolve: while p2 is down, servers that cannot find the name drop their "
              "users' registrations. Add a DNS record that points to the XMPP server.",
          EX_NOHOST};
}

std::optional<Finding> judgeChange(const path& file, control::DaemonStatus::Time changed,
                                   const control::DaemonStatus& status) {
  // By a clock that was not set nobody can tell.
  if (!status.clockFault.empty()) return std::nullopt;
  // An older daemon does not say when it read them.
  if (status.settingsRead == control::DaemonStatus::Time() || changed <= status.settingsRead)
    return std::nullopt;
  return Finding{kSettings, State::warning,
                 file.string() + " is newer than the settings that the running daemon (pid " +
                     std::to_string(status.pid) + ") goes by: make it read them (systemctl reload " +
                     settings::Instance::ofFile(file).unit() +
                     ", or the signal HUP); its log names what needs a restart."};
}

Finding judgeDaemon(const control::DaemonStatus& status) {
  if (!status.secondFault.empty()) return {kServer, State::fault, status.secondFault, EX_CONFIG};
  if (status.connected) {
    return {kServer, State::ok,
            "the running daemon (pid " + std::to_string(status.pid) + ") is connected to " + status.server +
                " since " + core::isoTime(status.since)};
  }
  const auto fault = status.streamFault.empty() ? "its log says why" : status.streamFault;
  if (status.standingBy) {
    return {kServer, State::warning,
            core::withStop("the running daemon (pid " + std::to_string(status.pid) + ") stands by at " +
                           status.server + " since " + core::isoTime(status.since) + ": " + fault)};
  }
  return {kServer, State::fault,
          core::withStop("the running daemon is not connected to " + status.server + ": " + fault),
          EX_UNAVAILABLE};
}

Finding judgeServerFault(const std::string& fault) {
  if (fault.find("(conflict)") != std::string::npos) {
    return {kServer, State::warning,
            "the secret is right, but the component has a connection already: another p2 runs, with another "
            "store or on another machine, or the server has not noticed yet that one is gone. A p2 that is "
            "started now stands by until then."};
  }
  const bool refused = fault.find("(not-authorized)") != std::string::npos;
  return {kServer, State::fault, core::withStop(fault), refused ? EX_NOPERM : EX_UNAVAILABLE};
}

Finding checkServer(const settings::Settings::Xmpp& xmpp) {
  auto options = componentOptions(xmpp);
  if (!options) return {kServer, State::fault, options.error(), EX_CONFIG};
  const auto unset = options.value().tls ? core::faultOf(core::systemClock()) : std::string();
  if (!unset.empty()) return {kServer, State::fault, unset + ".", EX_TEMPFAIL};
  options.value().connectTimeout = 5s;
  options.value().handshakeTimeout = 10s;
  const auto where = xmpp.host + ':' + std::to_string(xmpp.port);
  core::Metrics metrics;
  FirstAttempt attempt;
  component::Component component(
      std::move(options).value(), [](const xmpp::Iq&, xmpp::Responder) {},
      [&attempt](component::Component::State state) {
        if (state == component::Component::State::connected) attempt.connected();
      },
      metrics);
  const auto [connected, fault] = attempt.outcome(component, 20s);
  component.stopReading();
  component.close(1s);
  if (!connected) return judgeServerFault(fault);
  return {kServer, State::ok, where + " takes " + xmpp.jid + " and the shared secret"};
}

}  // namespace p2::app
