#include "commands/ExportCommand.h"

#include "commands/NodeSearch.h"
#include "commands/ProgressBar.h"
#include "links/StoreLink.h"
#include "p2/core/AtomicFile.h"
#include "p2/core/Words.h"
#include "p2/store/RegistrationStore.h"
#include "p2/transfer/RegistrationJson.h"

#include <unistd.h>

#include <array>
#include <ostream>
#include <sysexits.h>
#include <system_error>

namespace p2::app {

namespace {

constexpr std::array kOptions{kStoreOption};

constexpr std::string_view kDetails =
    "Writes every registration as one line of JSON, to FILE (readable for its owner alone) or to stdout; the "
    "daemon may run meanwhile. p2 import reads it, on machines of any kind. It holds what is needed to push "
    "to every phone: keep it as secret as the store. Records that cannot be read are left out; then it ends "
    "with 65. Of a database of which only a replica can be reached it writes what that has, which may be "
    "behind.";

/// Where the lines go: a file descriptor, written in large pieces. Used by one thread.
class Output {
 public:
  explicit Output(int descriptor) : _descriptor(descriptor) {}

  /// 0, or errno.
  int line(const std::string& text) {
    _buffer += text;
    _buffer += '\n';
    return _buffer.size() < kPiece ? 0 : flush();
  }
  int flush() {
    const int fault = core::writeAll(_descriptor, _buffer);
    _buffer.clear();
    return fault;
  }

 private:
  static constexpr std::size_t kPiece = 1U << 18U;

  const int _descriptor;
  std::string _buffer;
};

/// Writes all lines; gives 0, or errno.
int writeLines(const store::RegistrationStore& store, Output& output, ProgressBar& progress,
               core::Result<void>& read, UnreadableRecords& unreadable) {
  int fault = 0;
  std::uint64_t count = 0;
  read = store.forEach(
      [&](const store::Registration& registration) {
        progress.show(++count);
        fault = output.line(transfer::toJsonLine(registration));
        return fault == 0;
      },
      [&](std::string_view node, const std::string& why) { unreadable.add(node, why); });
  return fault != 0 ? fault : output.flush();
}

int exportTo(int descriptor, const std::string& name, const store::RegistrationStore& store,
             const Invocation& invocation) {
  Output output(descriptor);
  core::Result<void> read;
  UnreadableRecords unreadable;
  ProgressBar progress(invocation.console, "exporting", store.statistics().registrations);
  const int fault = writeLines(store, output, progress, read, unreadable);
  if (!read) return invocation.fail(EX_IOERR, read.error());
  if (fault != 0) {
    return invocation.fail(EX_IOERR, name + " cannot be written (" + std::generic_category().message(fault) +
                                         "): what is there is not complete.");
  }
  if (unreadable.count() > 0) return invocation.fail(EX_DATAERR, "left out: " + unreadable.text());
  return EX_OK;
}

/// Nobody sees half an export: it is written beside and put in the place of FILE at the end.
int exportToFile(const std::string& name, const store::RegistrationStore& store,
                 const Invocation& invocation) {
  int fault = 0;
  const auto file = core::AtomicFile::create(name, fault);
  if (!file) {
    return invocation.fail(EX_CANTCREAT,
                           name + " cannot be created (" + std::generic_category().message(fault) + ").");
  }
  const int code = exportTo(file->descriptor(), name, store, invocation);
  // What could not be read is left out, and said to be; the rest is as good as it can be.
  if (code != EX_OK && code != EX_DATAERR) return code;
  fault = file->commit();
  if (fault == 0) return code;
  return invocation.fail(EX_IOERR,
                         name + " cannot be written (" + std::generic_category().message(fault) + ").");
}

int run(const Invocation& invocation) {
  const auto place = invocation.storeSettings();
  if (!place) return EX_CONFIG;
  const StoreLink link(*place);
  const auto store = link.openReadOnly();
  if (!store) return invocation.fail(link.exitCodeOf(StorePlace::Use::read), store.error());
  const bool toStdout = invocation.operands.empty() || invocation.operands.front() == "-";
  const auto count = store.value()->statistics().registrations;
  const int code = toStdout ? exportTo(STDOUT_FILENO, "stdout", *store.value(), invocation)
                            : exportToFile(invocation.operands.front(), *store.value(), invocation);
  if (code == EX_OK && !(toStdout && !invocation.console.errIsTerminal)) {
    invocation.warn(core::grouped(count) +
                    " registrations; they hold every phone's token and secret: keep them as secret "
                    "as the store.");
  }
  return code;
}

}  // namespace

Command exportCommand() noexcept {
  return {"export",
          {"FILE", ArgumentKind::file, 0, 1},
          "write all registrations as JSON lines",
          kDetails,
          kOptions,
          run};
}

}  // namespace p2::app
