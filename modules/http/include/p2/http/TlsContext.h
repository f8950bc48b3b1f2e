#pragma once

#include "p2/core/Result.h"

#include <memory>
#include <string>
#include <string_view>

namespace p2::http {

/// How we speak TLS as a client: TLS 1.2 or later, certificates and host names verified without exceptions,
/// and the authorities that are trusted. Loading the authorities takes milliseconds and megabytes, so it is
/// made once and shared by every connection. Immutable.
class TlsContext {
 public:
  struct Options {
    std::string caFile;                      ///< PEM. Empty: SSL_CERT_FILE, else where systems keep theirs.
    std::string settingName = "fcm.caFile";  ///< The key of caFile, for error texts.
  };

  /// Reads the file; blocks for it. Shared because connections that outlive a reload go on with the context
  /// that they began with. Also prepares OpenSSL, once, and ignores SIGPIPE if the process has not decided
  /// about it: OpenSSL writes to sockets without MSG_NOSIGNAL. Error: names the file or the setting, and the
  /// remedy.
  static core::Result<std::shared_ptr<const TlsContext>> create(const Options& options);

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  /// The file that the authorities came from.
  const std::string& caFile() const noexcept;
  const std::string& settingName() const noexcept;

  class Impl;
  /// For TlsContextAccess.h only.
  const Impl& impl() const noexcept { return *_impl; }

 private:
  explicit TlsContext(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::http
