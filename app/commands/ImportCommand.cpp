#include "commands/ImportCommand.h"

#include "commands/ProgressBar.h"
#include "links/DatabaseLink.h"
#include "links/StoreLink.h"
#include "p2/core/Clock.h"
#include "p2/core/FileKind.h"
#include "p2/core/Words.h"
#include "p2/process/StoreOwner.h"
#include "p2/settings/DatabaseUrl.h"
#include "p2/store/RegistrationArchive.h"
#include "p2/transfer/ImportRows.h"
#include "p2/transfer/TableRows.h"
#include "p2/transfer/TextRows.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <ostream>
#include <string>
#include <sysexits.h>

namespace p2::app {

namespace {

constexpr CommandOption kSkipBad{"skip-bad", "", "leave bad rows out instead of refusing all"};
constexpr CommandOption kFromDatabase{
    "from-database", "URL", "read the table from mariadb://USER@HOST:PORT/DATABASE instead of a file"};
constexpr CommandOption kPasswordFile{"password-file", "FILE", "holds that user's password",
                                      ArgumentKind::file};
constexpr CommandOption kFromReference{
    "from-reference", "", "the same, from the database of the reference service's settings (dbUrl)"};
constexpr std::array kOptions{kStoreOption, kSkipBad, kFromDatabase, kPasswordFile, kFromReference};

constexpr std::string_view kDetails =
    "Reads registrations into the store: the table of the reference service as `mariadb --batch` prints it, "
    "or the JSON lines of p2 export; from FILE, or from stdin. Every registration is imported or none, each "
    "with its node and its secret, so that the phones go on working. It can be run again: what is there "
    "already stays, what is newer replaces it. The daemon must not run meanwhile, unless the store is in "
    "MariaDB. As root, it becomes the user to whom the store belongs. For example: "
    "mariadb --batch -e 'SELECT * FROM target' push | p2 import. The table can be read from the database as "
    "well, whatever version made "
    "it: with --from-database, the password being in --password-file or in P2_DATABASE_PASSWORD; or with "
    "--from-reference, as the reference service's config.json (--config) or its variables name it.";

struct Source {
  std::string name;
  store::Registration::Time asOf;  ///< How old rows are that do not say it.
  std::string hint = {};           ///< How an operator can look at a line.
};

store::Registration::Time now() {
  return std::chrono::floor<std::chrono::seconds>(core::wallTime());
}

/// A file is as old as its last change; a stream is as of now.
store::Registration::Time ageOf(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return now();
  return std::min(now(), store::Registration::Time(std::chrono::seconds(status.st_mtim.tv_sec)));
}

bool fromStdin(const Invocation& invocation) {
  return invocation.operands.empty() || invocation.operands.front() == "-";
}

/// `is` for one, `are` for more.
std::string linesAre(std::uint64_t count) {
  return core::grouped(count) + (count == 1 ? " line is" : " lines are");
}

int refuse(const Invocation& invocation, const Source& source, const transfer::LineFaults& faults) {
  for (const auto& text : faults.texts()) invocation.warn(text);
  if (!source.hint.empty()) invocation.warn(source.hint);
  const auto count = faults.count();
  if (invocation.has(kSkipBad.name)) {
    return invocation.fail(EX_DATAERR, "nothing was imported: " + linesAre(count) + " bad, and " +
                                           source.name + " holds no other.");
  }
  return invocation.fail(EX_DATAERR, "nothing was imported, as " + linesAre(count) + " bad. Correct " +
                                         (count == 1 ? "it, or leave it" : "them, or leave them") +
                                         " out with --skip-bad.");
}

int report(const Invocation& invocation, const transfer::ImportRows& rows,
           const store::RegistrationArchive::ImportReport& done) {
  for (const auto& text : rows.faults().texts()) invocation.warn("left out " + text);
  if (!done.durable) {
    invocation.warn("the disk has not confirmed the import, which is in place: look into the system's log.");
  }
  invocation.console.out << core::grouped(done.added) << " added, " << core::grouped(done.updated)
                         << " updated, " << core::grouped(done.unchanged) << " unchanged, "
                         << core::grouped(rows.faults().count()) << " left out\n";
  return EX_OK;
}

int refuseAsInUse(const Invocation& invocation, const StoreLink& link) {
  return invocation.fail(EX_TEMPFAIL, "a p2 daemon is using " + link.name() + ". Stop it (systemctl stop " +
                                          invocation.instance().unit() +
                                          ", or its container), import, and start it again.");
}

int importInto(const Invocation& invocation, const Source& source, transfer::ImportRows& rows,
               ProgressBar& progress, const settings::Settings::Store& place) {
  // With --store alone all domains are kept; the daemon drops what it shall not keep.
  const StoreLink link(place);
  auto store = link.openForImport();
  if (!store && link.isInUse()) return refuseAsInUse(invocation, link);
  if (!store) return invocation.fail(link.exitCodeOf(StorePlace::Use::change), store.error());
  const auto done = store.value()->importRows(rows);
  progress.wipe();
  if (!done) return invocation.fail(EX_IOERR, done.error() + " Nothing was imported.");
  if (done.value().imported) return report(invocation, rows, done.value());
  if (rows.faults().count() > 0) return refuse(invocation, source, rows.faults());
  return invocation.fail(EX_DATAERR, source.name + " holds no registration: nothing was imported.");
}

int readAndImport(const Invocation& invocation, transfer::RowReader& reader, ProgressBar& progress,
                  const Source& source, const settings::Settings::Store& place) {
  transfer::ImportRows rows(reader, {source.asOf, invocation.has(kSkipBad.name)});
  if (const auto begun = rows.begin(); !begun) {
    return invocation.fail(EX_DATAERR, source.name + ", " + begun.error());
  }
  return importInto(invocation, source, rows, progress, place);
}

/// Whether the store is free, and this process its owner; gives an exit code.
int prepare(const Invocation& invocation, const settings::Settings::Store& place) {
  if (const StoreLink link(place); link.isInUse()) return refuseAsInUse(invocation, link);
  if (const auto owner = process::becomeOwnerOf(place.path); !owner)
    return invocation.fail(EX_NOPERM, owner.error());
  return EX_OK;
}

int importText(const Invocation& invocation, const settings::Settings::Store& place) {
  std::ifstream file;
  Source source{"the input", now()};
  if (!fromStdin(invocation)) {
    source = {invocation.operands.front(), ageOf(invocation.operands.front())};
    file.open(source.name, std::ios::binary);
    if (!file || core::isDirectory(source.name)) {
      return invocation.fail(EX_NOINPUT, source.name + " cannot be read; name the file with the dump.");
    }
  }
  // The file is open: its reader need not be the store's owner.
  if (const int code = prepare(invocation, place); code != EX_OK) return code;
  ProgressBar progress(invocation.console, "importing");
  transfer::TextRows reader(file.is_open() ? file : invocation.console.in,
                            [&progress](std::uint64_t line) { progress.show(line); });
  return readAndImport(invocation, reader, progress, source, place);
}

bool fromDatabase(const Invocation& invocation) {
  return invocation.has(kFromDatabase.name) || invocation.has(kFromReference.name);
}

/// Why the options do not go together; empty if they do.
std::string wrongUse(const Invocation& invocation) {
  if (invocation.has(kPasswordFile.name) && !fromDatabase(invocation)) {
    return "--password-file belongs to --from-database.";
  }
  if (!fromDatabase(invocation)) return {};
  if (!invocation.operands.empty()) return "give either a FILE or a database.";
  if (invocation.has(kFromDatabase.name) && invocation.has(kFromReference.name)) {
    return "give either --from-database or --from-reference.";
  }
  return {};
}

core::Result<core::Secret> passwordIn(const std::filesystem::path& path) {
  constexpr std::size_t kMost = 4096;
  auto content = settings::readFile(path, kMost);
  if (!content) return core::Error{"the file " + path.string() + ' ' + core::withStop(content.error())};
  auto& text = content.value().text;
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return core::Secret(text);
}

core::Result<DatabaseLink::Address> addressOf(const Invocation& invocation) {
  const auto reference = invocation.loadSettings().reference;
  const bool asReference = invocation.has(kFromReference.name);
  if (asReference && reference.url.empty()) {
    return core::Error{
        "the settings do not name a database of the reference service: give its config.json with --config, "
        "or the database with --from-database."};
  }
  auto parsed =
      settings::parseDatabaseUrl(asReference ? reference.url.reveal() : invocation.value(kFromDatabase.name));
  if (!parsed) return core::Error{core::withStop(parsed.error())};
  auto& address = parsed.value();
  if (!asReference && !address.password.empty()) {
    return core::Error{
        "everybody on this machine can read a password on the command line: put it into a file, "
        "and name that with --password-file."};
  }
  if (asReference && !reference.user.empty()) address.user = reference.user;
  if (!reference.password.empty()) address.password = reference.password;
  if (!invocation.has(kPasswordFile.name)) return parsed;
  auto password = passwordIn(invocation.value(kPasswordFile.name));
  if (!password) return core::Error{password.error()};
  address.password = std::move(password).value();
  return parsed;
}

int importTable(const Invocation& invocation, const settings::Settings::Store& place) {
  auto address = addressOf(invocation);
  if (!address) return invocation.fail(EX_USAGE, address.error());
  if (const int code = prepare(invocation, place); code != EX_OK) return code;
  const DatabaseLink link(std::move(address).value());
  auto table = link.openTable();
  if (!table) return invocation.fail(EX_NOINPUT, table.error());
  const Source source{"the table target in " + link.name(), now(),
                      "lines are those of: mariadb --batch -e 'SELECT * FROM target ORDER BY BINARY node' " +
                          link.database()};
  ProgressBar progress(invocation.console, "importing");
  transfer::TableRows reader(std::move(table.value().columns), std::move(table.value().fetch),
                             [&progress](std::uint64_t line) { progress.show(line); });
  return readAndImport(invocation, reader, progress, source, place);
}

int run(const Invocation& invocation) {
  if (const auto fault = wrongUse(invocation); !fault.empty()) return invocation.fail(EX_USAGE, fault);
  if (const auto unset = core::faultOf(core::systemClock()); !unset.empty()) {
    return invocation.fail(EX_TEMPFAIL, unset + ".");
  }
  const auto place = invocation.storeSettings();
  if (!place) return EX_CONFIG;
  return fromDatabase(invocation) ? importTable(invocation, *place) : importText(invocation, *place);
}

}  // namespace

Command importCommand() noexcept {
  return {"import",
          {"FILE", ArgumentKind::file, 0, 1},
          "read registrations from the reference service or from an export",
          kDetails,
          kOptions,
          run};
}

}  // namespace p2::app
