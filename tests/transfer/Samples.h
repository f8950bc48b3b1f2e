#pragma once

#include <string>

namespace p2::test {

/// The first line of the reference service's table as mariadb --batch prints it, without the line's end.
inline const std::string kHeader = "service\tdevice\tchannel\tdomain\ttoken\tnode\tsecret";

inline const std::string kDevice = "ec164939a8485ee6b7f7871071a11c7bb18aead5";

}  // namespace p2::test
