#include "commands/BackupCommand.h"

#include "commands/ProgressBar.h"
#include "links/StoreLink.h"
#include "p2/core/Words.h"

#include <array>
#include <ostream>
#include <sysexits.h>

namespace p2::app {

namespace {

constexpr std::array kOptions{kStoreOption};

constexpr std::string_view kDetails =
    "Makes a copy of the store as it is at this moment in DIRECTORY, which must not hold one; the daemon may "
    "run meanwhile. The copy is a store itself: to restore it, stop the daemon, put the copy in the place of "
    "store.path (or set store.path to it), give it to the user that p2 runs as, and start the daemon. "
    "Registrations in MariaDB are copied by its own means.";

int run(const Invocation& invocation) {
  const auto place = invocation.storeSettings();
  if (!place) return EX_CONFIG;
  const StoreLink link(*place);
  auto copyTo = link.openForBackup();
  if (!copyTo) return invocation.fail(link.exitCodeOf(StorePlace::Use::backup), copyTo.error());
  const auto& directory = invocation.operands.front();
  if (const auto copied = copyTo.value()(directory); !copied) {
    return invocation.fail(EX_CANTCREAT, copied.error());
  }
  const auto copy = StoreLink({directory}).openReadOnly();
  if (!copy) return invocation.fail(EX_IOERR, "the copy cannot be opened: " + copy.error());
  invocation.console.out << core::grouped(copy.value()->statistics().registrations)
                         << " registrations copied to " << directory << '\n';
  return EX_OK;
}

}  // namespace

Command backupCommand() noexcept {
  return {"backup",
          {"DIRECTORY", ArgumentKind::directory, 1, 1},
          "copy the store while the daemon runs",
          kDetails,
          kOptions,
          run};
}

}  // namespace p2::app
