#pragma once

#include "p2/xmpp/Element.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace p2::xmpp {

/// A data form (XEP-0004). A value.
struct DataForm {
  struct Field {
    std::string var;
    std::string type;  ///< `text-single`, `jid-single`, …; may be empty.
    std::string label;
    std::string description;
    std::vector<std::string> values;
    bool required = false;
  };

  std::string type;  ///< `form`, `submit`, `result`, `cancel`; may be empty (Tigase sends it so).
  std::string title;
  std::string instructions;
  std::vector<Field> fields;

  /// The field's first value; nothing if there is no such field or it lacks a value.
  std::optional<std::string_view> value(std::string_view var) const noexcept;

  Element toElement() const;
};

/// How much of a form is read: a form beyond it is refused whole.
struct DataFormLimits {
  std::size_t fields = 32;
  std::size_t valuesOfField = 8;
  std::size_t valueSize = 65536;  ///< bytes: a server may send a whole message body
};

/// Reads `<x xmlns='jabber:x:data'>`. Nothing if it is something else or beyond the limits.
std::optional<DataForm> parseDataForm(const Element& element, const DataFormLimits& limits = {});
/// What DataForm::value() would give of the form that parseDataForm() makes of `element`, without making one.
/// Nothing if it makes none. Lives as long as `element` stays unchanged.
std::optional<std::string_view> valueInForm(const Element& element, std::string_view var,
                                            const DataFormLimits& limits = {}) noexcept;

}  // namespace p2::xmpp
