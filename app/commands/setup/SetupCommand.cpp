#include "commands/setup/SetupCommand.h"

#include "ShippedSettings.h"
#include "commands/setup/AppSnippets.h"
#include "commands/setup/Neighbours.h"
#include "commands/setup/ServerSnippets.h"
#include "commands/setup/StartAdvice.h"
#include "p2/core/AtomicFile.h"
#include "p2/core/FileKind.h"
#include "p2/core/Words.h"
#include "p2/fcm/ServiceAccount.h"
#include "p2/process/ServiceUser.h"
#include "p2/settings/Codecs.h"
#include "p2/settings/Instance.h"
#include "p2/settings/Keys.h"
#include "p2/settings/Loader.h"
#include "p2/settings/Source.h"
#include "p2/settings/Template.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <grp.h>
#include <istream>
#include <ostream>
#include <string>
#include <sysexits.h>
#include <system_error>
#include <utility>

namespace p2::app {

namespace {

using std::filesystem::path;

std::vector<std::string_view> serverNames() {
  std::vector<std::string_view> names;
  for (const auto& kind : serverKinds()) names.push_back(kind.name);
  return names;
}

constexpr CommandOption kJid{"jid", "NAME", "the component's name, such as push.example.org"};
constexpr CommandOption kAccount{"service-account", "FILE", "Firebase's key for p2 (service account, JSON)",
                                 ArgumentKind::file};
constexpr CommandOption kHost{"host", "HOST", "where the XMPP server runs; 127.0.0.1 if not given"};
constexpr CommandOption kPort{"port", "PORT", "its port for components; 5347 if not given"};
constexpr CommandOption kServer{"server", "KIND", "show only what this kind of XMPP server needs",
                                ArgumentKind::word, serverNames};
constexpr CommandOption kServices{"google-services", "FILE",
                                  "the app's google-services.json: prints Conversations' push.xml",
                                  ArgumentKind::file};
constexpr CommandOption kPackage{"package", "NAME", "which app of that file, if it names several"};
constexpr CommandOption kStore{kStoreOption.name, kStoreOption.argument,
                               "where the registrations are kept; /var/lib/p2 if not given",
                               ArgumentKind::directory};
constexpr CommandOption kForce{"force", "", "replace settings that are there, and keep them as FILE.old"};
constexpr std::array kOptions{kJid, kAccount, kHost, kPort, kServer, kServices, kPackage, kStore, kForce};

constexpr std::string_view kDetails =
    "Writes p2.properties (to the file of --config, else /etc/p2/p2.properties) with a new secret, and "
    "prints what goes into the configuration of the XMPP server, the DNS, and Conversations. Asks on a "
    "terminal for what is not given as an option, until the answer is right. Settings that are there are "
    "not replaced without --force, which keeps them as FILE.old; a file that sets nothing is. With @NAME, "
    "which adds one more p2 to the machine, it makes that one's user p2-NAME and its directory "
    "/var/lib/p2-NAME, and chooses a port for http.listen that no other settings in /etc/p2 name.";

/// What was asked for, checked.
struct Answers {
  settings::Settings settings = {};
  std::vector<std::pair<std::string, std::string>> values = {};  ///< For the file.
};

/// The option, or on a terminal the answer to a question; `fallback` if neither says anything.
std::string ask(const Invocation& invocation, const CommandOption& option, std::string_view question,
                const std::string& fallback) {
  if (invocation.has(option.name)) return invocation.value(option.name);
  if (!invocation.console.inIsTerminal) return fallback;
  invocation.console.err << question << (fallback.empty() ? "" : " [" + fallback + "]") << ": " << std::flush;
  std::string answer;
  std::getline(invocation.console.in, answer);
  return answer.empty() ? fallback : answer;
}

/// Asks until `take` takes the answer; an option, or a script's answer, is taken or refused at once.
template <class Take>
auto askUntil(const Invocation& invocation, const CommandOption& option, std::string_view question,
              const std::string& fallback, Take take) {
  const bool mayAskAgain = !invocation.has(option.name) && invocation.console.inIsTerminal;
  auto taken = take(ask(invocation, option, question, fallback));
  while (!taken && mayAskAgain) {
    invocation.console.err << taken.error() << '\n';
    const auto answer = ask(invocation, option, question, fallback);
    if (!invocation.console.in) break;  // nobody answers any more
    taken = take(answer);
  }
  return taken;
}

core::Result<std::string> newSecret() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, 24> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return core::Error{"the system gives no random numbers."};
  }
  std::string secret;
  for (const unsigned char byte : bytes) {
    secret += kDigits[byte >> 4U];
    secret += kDigits[byte & 15U];
  }
  return secret;
}

core::Error wrong(const CommandOption& option, const std::string& text) {
  return {"--" + std::string(option.name) + ": " + core::withStop(text)};
}

/// Takes one value over into settings and file, or says what would be right.
template <class Codec, class T>
core::Result<void> take(Answers& answers, const CommandOption& option, const std::string& key,
                        const std::string& text, T& member) {
  auto parsed = Codec::parse(text);
  if (!parsed) return wrong(option, parsed.error());
  member = std::move(parsed).value();
  answers.values.emplace_back(key, Codec::format(member));
  return {};
}

core::Result<void> takeServer(const Invocation& invocation, const Neighbours& others, Answers& answers) {
  auto& xmpp = answers.settings.xmpp;
  const auto takeJid = [&](const std::string& jid) -> core::Result<void> {
    if (jid.empty()) return wrong(kJid, "give the component's name, such as push.example.org");
    if (const auto parsed = settings::codec::DomainJid::parse(jid); parsed) {
      if (const auto why = others.whyNotNamed(parsed.value()); why) return wrong(kJid, *why);
    }
    return take<settings::codec::DomainJid>(answers, kJid, "xmpp.jid", jid, xmpp.jid);
  };
  const auto takeHost = [&](const std::string& host) {
    return take<settings::codec::Host>(answers, kHost, "xmpp.host", host, xmpp.host);
  };
  const auto takePort = [&](const std::string& port) {
    return take<settings::codec::Port>(answers, kPort, "xmpp.port", port, xmpp.port);
  };
  auto taken = askUntil(invocation, kJid, "Name of the component (such as push.example.org)", "", takeJid);
  if (taken) taken = askUntil(invocation, kHost, "Where the XMPP server runs", "127.0.0.1", takeHost);
  if (taken) taken = askUntil(invocation, kPort, "Its port for components", "5347", takePort);
  return taken;
}

core::Result<void> takeAccount(Answers& answers, const std::string& file) {
  if (file.empty())
    return wrong(kAccount, "give the file that Firebase generated (Project settings, Service accounts)");
  const auto absolute = std::filesystem::absolute(file);
  const auto account = fcm::ServiceAccount::load(absolute.string());
  if (!account) return wrong(kAccount, account.error());
  answers.settings.fcm.serviceAccountFile = absolute;
  answers.values.emplace_back("fcm.serviceAccountFile", absolute.string());
  return {};
}

/// A file elsewhere may be for another machine: then there are none.
Neighbours othersOf(const Invocation& invocation) {
  const auto instance = invocation.instance();
  if (invocation.config && *invocation.config != instance.file()) return Neighbours({});
  return Neighbours::of(instance);
}

core::Result<Answers> collect(const Invocation& invocation) {
  Answers answers;
  const auto others = othersOf(invocation);
  if (const auto taken = takeServer(invocation, others, answers); !taken) return core::Error{taken.error()};
  const auto account = askUntil(invocation, kAccount, "Firebase's service account file", "",
                                [&](const std::string& file) { return takeAccount(answers, file); });
  if (!account) return core::Error{account.error()};
  if (invocation.has(kStore.name)) {
    answers.values.emplace_back("store.path",
                                std::filesystem::absolute(invocation.value(kStore.name)).string());
  }
  if (!invocation.instance().isPlain()) answers.values.emplace_back("http.listen", others.freeAddress());
  auto secret = newSecret();
  if (!secret) return core::Error{secret.error()};
  answers.values.emplace_back("xmpp.sharedSecret", secret.value());
  answers.settings.xmpp.sharedSecret = core::Secret(std::move(secret).value());
  return answers;
}

/// Whether the text gives any key a value, or is no settings file. That of no version does so as it is
/// shipped.
bool givesValues(const std::string& text) {
  const auto source = settings::scanProperties(text);
  return !source.faults.empty() || std::any_of(source.entries.begin(), source.entries.end(),
                                               [](const auto& entry) { return !entry.value.empty(); });
}

/// Whether the file is there, and its text is one of which `matters` says so; one that cannot be read counts.
bool isThere(const path& file, bool (*matters)(const std::string& text)) {
  const auto content = settings::readFile(file, settings::kMaxSettingsFileSize);
  std::error_code ignored;
  return content ? matters(content.value().text) : std::filesystem::exists(file, ignored);
}

bool holdsSettings(const path& file) {
  return isThere(file, givesValues);
}

/// Whether the file holds what somebody may miss, if only a comment.
bool isChanged(const path& file) {
  return isThere(file, [](const std::string& text) { return text != kShippedSettings; });
}

/// Gives the new file the owner of the old one; a first one belongs to root and the group of those who serve
/// with it, if that exists.
void giveToReaders(int descriptor, const path& file) {
  struct stat old {};
  const group* readers = nullptr;
  int result = 0;
  if (::stat(file.c_str(), &old) == 0) {
    result = ::fchown(descriptor, old.st_uid, old.st_gid);
  } else if (::geteuid() == 0 &&
             (readers = ::getgrnam(settings::Instance::ofFile(file).user().c_str())) != nullptr) {
    result = ::fchown(descriptor, 0, readers->gr_gid);
  }
  (void)result;  // who may not give it away keeps it
}

/// Keeps the settings that are there as `.old`. 0, or errno.
int keepOld(const path& file) {
  const path old = file.string() + ".old";
  ::unlink(old.c_str());
  // The file itself, also where a symbolic link leads to it.
  return ::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, old.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

/// 0, or errno.
int write(core::AtomicFile& target, const path& file, const std::string& text) {
  giveToReaders(target.descriptor(), file);
  if (::fchmod(target.descriptor(), S_IRUSR | S_IWUSR | S_IRGRP) != 0) return errno;
  if (const int fault = core::writeAll(target.descriptor(), text); fault != 0) return fault;
  if (isChanged(file)) {
    if (const int fault = keepOld(file); fault != 0) return fault;
  }
  return target.commit();
}

int cannotWrite(const Invocation& invocation, const path& file, int fault) {
  return invocation.fail(
      EX_CANTCREAT, file.string() + " cannot be written (" + std::generic_category().message(fault) +
                        (fault == ENOENT ? "): create its directory, or name" : "): mend that, or name") +
                        " another file with --config=FILE.");
}

/// The user of one of several p2, and its directory; who is not root is asked for nothing of that.
core::Result<void> makeUserOf(const settings::Instance& instance) {
  if (instance.isPlain() || ::geteuid() != 0) return {};
  return process::make({instance.user(), instance.store()});
}

void printSection(std::ostream& out, std::string_view title, const std::string& text) {
  out << "\n---- " << title << "\n\n" << text;
}

/// Those of the chosen server, or of all.
void printServers(std::ostream& out, const ServerKind* chosen, const settings::Settings::Xmpp& xmpp) {
  for (const auto& kind : serverKinds()) {
    if (chosen == nullptr || chosen == &kind) printSection(out, kind.title, kind.snippet(xmpp));
  }
}

/// What to do with the server when that stands in its configuration.
std::string restartAdvice(const ServerKind* chosen) {
  if (chosen != nullptr) return chosen->restarts ? "restart the XMPP server\n" : "";
  std::string others;
  for (const auto& kind : serverKinds()) {
    if (!kind.restarts) others += (others.empty() ? "" : ", ") + std::string(kind.title);
  }
  return "restart the XMPP server (not needed: " + others + ")\n";
}

core::Error wrongServices(const std::string& file, const std::string& why) {
  return {"--google-services: the file " + file + ' ' + why + '.'};
}

/// push.xml, or nothing if no google-services.json was given.
core::Result<std::string> appSnippet(const Invocation& invocation, const std::string& component) {
  std::string file;
  auto content =
      askUntil(invocation, kServices, "The app's google-services.json, for push.xml (empty: not now)", "",
               [&](const std::string& answer) -> core::Result<std::string> {
                 file = answer;
                 if (file.empty()) return std::string();
                 auto read = settings::readFile(file, settings::kMaxSettingsFileSize);
                 if (!read) return wrongServices(file, read.error());
                 return std::move(read).value().text;
               });
  if (!content || file.empty()) return content;
  auto xml = pushXml(content.value(), invocation.value(kPackage.name), component);
  if (!xml) return wrongServices(file, xml.error());
  return xml;
}

/// How it is started with these settings, a line each.
std::string startAdvice(const path& file, const settings::Instance& instance, const path& account) {
  if (!instance.isPlain()) {
    return accountAdvice(instance, account, groupOf(account)) + serviceAdvice(instance);
  }
  if (file == instance.file()) return serviceAdvice(instance);
  return "p2 --config=" + file.string() + "              serves with these settings\n";
}

/// What there is to do now that the settings are in `file`. `server`: null for all; `app`: empty without one.
void printNext(std::ostream& out, const path& file, const settings::Settings& settings,
               const ServerKind* server, const std::string& app) {
  const auto& xmpp = settings.xmpp;
  const auto instance = settings::Instance::ofFile(file);
  out << "Written: " << file.string() << '\n';
  printServers(out, server, xmpp);
  printSection(out, "DNS", dnsAdvice(xmpp));
  if (!app.empty()) printSection(out, "Conversations: src/conversationsPlaystore/res/values/push.xml", app);
  const auto call = [&](const std::string& command) {
    return file == instance.file() ? instance.call(command) : "p2 --config=" + file.string() + ' ' + command;
  };
  printSection(out, "Then",
               restartAdvice(server) + call("check") + "         says what is not right yet\n" +
                   startAdvice(file, instance, settings.fcm.serviceAccountFile) + call("list") +
                   "          shows a phone once its app has registered; " + call("push") +
                   " NODE wakes it\n");
}

int run(const Invocation& invocation) {
  const path file = invocation.config.value_or(settings::Instance().file());
  const auto* const server = serverKind(invocation.value(kServer.name));
  if (server == nullptr && !invocation.value(kServer.name).empty()) {
    return invocation.fail(EX_USAGE, "--server: give " + alternatives(serverNames()) + '.');
  }
  if (!invocation.has(kForce.name) && holdsSettings(file)) {
    return invocation.fail(EX_CANTCREAT, file.string() +
                                             " holds settings already: edit them, name another file "
                                             "with --config=FILE, or replace them with --force.");
  }
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored) && !core::isRegularFile(file)) {
    return invocation.fail(EX_CANTCREAT, file.string() + " is not a file: name another with --config=FILE.");
  }
  // Before the questions: who has answered them all wants to keep that.
  int fault = 0;
  const auto target = core::AtomicFile::create(file, fault);
  if (!target) return cannotWrite(invocation, file, fault);
  const auto answers = collect(invocation);
  if (!answers) return invocation.fail(EX_USAGE, answers.error());
  const auto app = appSnippet(invocation, answers.value().settings.xmpp.jid);
  if (!app) return invocation.fail(EX_NOINPUT, app.error());
  if (const auto made = makeUserOf(invocation.instance()); !made)
    return invocation.fail(EX_OSERR, made.error());
  fault = write(*target, file, settings::fillIn(kShippedSettings, answers.value().values));
  if (fault != 0) return cannotWrite(invocation, file, fault);
  printNext(invocation.console.out, file, answers.value().settings, server, app.value());
  return EX_OK;
}

}  // namespace

Command setupCommand() noexcept {
  return {"setup",  {},       "write the settings and show what the XMPP server and the app need",
          kDetails, kOptions, run,
          true};
}

}  // namespace p2::app
