#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace p2::xmpp {

/// A JID (RFC 7622), its parts unchanged as they were sent. A value.
class Jid {
 public:
  /// Splits `local@domain/resource`. Nothing if the domain is missing or holds a space or a control
  /// character, a part that is announced is empty, or a part is longer than the 1023 bytes that RFC 7622 §3.1
  /// allows.
  static std::optional<Jid> parse(std::string_view text);

  const std::string& local() const noexcept { return _local; }
  const std::string& domain() const noexcept { return _domain; }
  const std::string& resource() const noexcept { return _resource; }
  /// `local@domain`, or the domain alone, as sent.
  std::string bare() const;

 private:
  Jid() = default;

  std::string _local;
  std::string _domain;
  std::string _resource;
};

/// The form in which two spellings of one domain are equal (RFC 7622 §3.2): lowercase, without a trailing
/// dot, its A-labels (`xn--`) as U-labels.
std::string comparableDomain(std::string_view domain);

/// Whether `jid` belongs to `domain`, with or without a local part and a resource, in whatever spelling.
bool isAt(std::string_view jid, std::string_view domain);

}  // namespace p2::xmpp
