#pragma once

#include "p2/core/Secret.h"

#include <initializer_list>
#include <string>
#include <string_view>

namespace p2::proxy {

/// A hash under a key that is drawn when the program starts and kept nowhere: nobody else can compute it, nor
/// tell from it what was hashed. Immutable.
class KeyedHash {
 public:
  KeyedHash();

  /// 40 hexadecimal digits for these texts in this order (HMAC-SHA-1). REQUIRES: none of them holds a NUL.
  std::string of(std::initializer_list<std::string_view> texts) const;

 private:
  const core::Secret _key;
};

}  // namespace p2::proxy
