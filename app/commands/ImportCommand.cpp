#include "commands/ImportCommand.h"

#include "commands/ProgressBar.h"
#include "links/StoreLink.h"
#include "p2/core/Words.h"
#include "p2/process/StoreOwner.h"
#include "p2/store/RegistrationArchive.h"
#include "p2/transfer/ImportRows.h"

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
constexpr std::array kOptions{kStoreOption, kSkipBad};

constexpr std::string_view kDetails =
    "Reads registrations into the store: the table of the reference service as `mariadb --batch` prints it, "
    "or the JSON lines of p2 export; from FILE, or from stdin. Every registration is imported or none, each "
    "with its node and its secret, so that the phones go on working. It can be run again: what is there "
    "already stays, what is newer replaces it. The daemon must not run meanwhile. As root, it becomes the "
    "user "
    "to whom the store belongs. For example: mariadb --batch -e 'SELECT * FROM target' push | p2 import";

struct Source {
  std::string name;
  store::Registration::Time asOf;  ///< How old rows are that do not say it.
};

store::Registration::Time now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
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

int refuse(const Invocation& invocation, const std::string& name, const transfer::LineFaults& faults) {
  for (const auto& text : faults.texts()) invocation.warn(text);
  const auto count = faults.count();
  if (invocation.has(kSkipBad.name)) {
    return invocation.fail(
        EX_DATAERR, "nothing was imported: " + linesAre(count) + " bad, and " + name + " holds no other.");
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

int refuseAsInUse(const Invocation& invocation, const std::filesystem::path& path) {
  return invocation.fail(EX_TEMPFAIL, "a p2 daemon is using the store " + path.string() +
                                          ". Stop it (systemctl stop p2), import, and start it again.");
}

int importInto(const Invocation& invocation, const std::string& name, transfer::ImportRows& rows,
               ProgressBar& progress, const settings::Settings::Store& place) {
  // With --store alone all domains are kept; the daemon drops what it shall not keep.
  const StoreLink link(place);
  auto store = link.openForImport();
  if (!store && link.isInUse()) return refuseAsInUse(invocation, place.path);
  if (!store) return invocation.fail(EX_CANTCREAT, store.error());
  const auto done = store.value()->importRows(rows);
  progress.wipe();
  if (!done) return invocation.fail(EX_IOERR, done.error() + " Nothing was imported.");
  if (done.value().imported) return report(invocation, rows, done.value());
  if (rows.faults().count() > 0) return refuse(invocation, name, rows.faults());
  return invocation.fail(EX_DATAERR, name + " holds no registration: nothing was imported.");
}

int readAndImport(const Invocation& invocation, std::istream& in, const Source& source,
                  const settings::Settings::Store& place) {
  ProgressBar progress(invocation.console, "importing");
  transfer::ImportRows rows(in, [&progress](std::uint64_t line) { progress.show(line); },
                            {source.asOf, invocation.has(kSkipBad.name)});
  if (const auto begun = rows.begin(); !begun) {
    return invocation.fail(EX_DATAERR, source.name + ", " + begun.error());
  }
  return importInto(invocation, source.name, rows, progress, place);
}

int run(const Invocation& invocation) {
  const auto place = invocation.storeSettings();
  if (!place) return EX_CONFIG;
  const auto& path = place->path;
  std::ifstream file;
  Source source{"the input", now()};
  if (!fromStdin(invocation)) {
    source = {invocation.operands.front(), ageOf(invocation.operands.front())};
    file.open(source.name, std::ios::binary);
    std::error_code ignored;
    if (!file || std::filesystem::is_directory(source.name, ignored)) {
      return invocation.fail(EX_NOINPUT, source.name + " cannot be read; name the file with the dump.");
    }
  }
  if (StoreLink(*place).isInUse()) return refuseAsInUse(invocation, path);
  // The file is open: its reader need not be the store's owner.
  if (const auto owner = process::becomeOwnerOf(path); !owner)
    return invocation.fail(EX_NOPERM, owner.error());
  return readAndImport(invocation, file.is_open() ? file : invocation.console.in, source, *place);
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
