#include "commands/MigrateCommand.h"

#include "links/DatabaseLink.h"
#include "p2/core/Words.h"

#include <array>
#include <istream>
#include <ostream>
#include <string>
#include <sysexits.h>
#include <vector>

namespace p2::app {

namespace {

constexpr CommandOption kYes{"yes", "", "do not ask first"};
constexpr std::array kOptions{kYes};

constexpr std::string_view kDetails =
    "Makes the table target of the reference service, of any version, the one in which p2 keeps "
    "registrations (store.kind is mariadb): it says what it will do, and does it when it is told yes, or "
    "with --yes. The reference service can go on working on the table, before, meanwhile and after, beside "
    "p2. Every registration stays; if something would lose one, that is said, and nothing changes. It can "
    "be run again: a table that is p2's already stays as it is. In an empty database it makes the tables. "
    "The user of the database needs the right to alter tables for it. Have a backup of the table first.";

void list(std::ostream& out, std::string_view heading, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  out << heading << '\n';
  for (const auto& text : texts) out << "  - " << text << '\n';
}

bool confirmed(const Invocation& invocation) {
  if (invocation.has(kYes.name)) return true;
  if (!invocation.console.inIsTerminal) return false;
  invocation.console.err << "Do it? [y/N] " << std::flush;
  std::string answer;
  std::getline(invocation.console.in, answer);
  return answer.starts_with('y') || answer.starts_with('Y');
}

int carryOut(const Invocation& invocation, const DatabaseLink& link) {
  const auto done = link.migrate([&](const std::string& step) {
    invocation.console.err << step << " ...\n" << std::flush;
  });
  if (!done) return invocation.fail(EX_IOERR, done.error());
  invocation.console.out << link.name() << " is p2's\n";
  return EX_OK;
}

int run(const Invocation& invocation) {
  const auto settings = invocation.settings();
  if (!settings) return EX_CONFIG;
  if (settings->store.kind != settings::StoreKind::mariadb) {
    return invocation.fail(EX_CONFIG,
                           "store.kind is lmdb, which needs no migration; to keep registrations in "
                           "MariaDB, set it to mariadb, and store.mariadb to the database.");
  }
  const DatabaseLink link(settings->store.mariadb);
  const auto plan = link.planMigration();
  if (!plan) return invocation.fail(EX_UNAVAILABLE, plan.error());
  auto& out = invocation.console.out;
  list(out, "What stands in the way:", plan.value().obstacles);
  if (!plan.value().obstacles.empty()) {
    return invocation.fail(EX_DATAERR, "nothing was changed. Put that right, and run it again.");
  }
  if (plan.value().steps.empty()) {
    out << link.name() << " is p2's already\n";
    return EX_OK;
  }
  list(out, "To be done in " + link.name() + ':', plan.value().steps);
  list(out, "To be known:", plan.value().remarks);
  if (!confirmed(invocation)) {
    return invocation.fail(EX_USAGE, "nothing was changed; --yes does it without asking.");
  }
  return carryOut(invocation, link);
}

}  // namespace

Command migrateCommand() noexcept {
  return {"migrate", {}, "make the reference service's table in MariaDB p2's", kDetails, kOptions, run};
}

}  // namespace p2::app
