#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <string>
#include <string_view>

namespace p2::fcm {

/// The object that `text` is; null if it is anything else, JSON or not, or nested too deeply.
Poco::JSON::Object::Ptr parseObject(const std::string& text);

/// Whether `text` begins with what no object does: it is not one that was cut off. Empty text is none.
bool isOtherThanObject(std::string_view text);

/// The member `key` if it is a string, else empty. `object` may be null.
std::string stringAt(const Poco::JSON::Object::Ptr& object, const std::string& key);
/// The member `key` if it is an object, else null. `object` may be null.
Poco::JSON::Object::Ptr objectAt(const Poco::JSON::Object::Ptr& object, const std::string& key);
/// The member `key` if it is an array, else null. `object` may be null.
Poco::JSON::Array::Ptr arrayAt(const Poco::JSON::Object::Ptr& object, const std::string& key);
/// The member `key` if it is a whole number, else `otherwise`. `object` may be null.
long long numberAt(const Poco::JSON::Object::Ptr& object, const std::string& key, long long otherwise);

/// Whether `text` is a code of Google's, such as NOT_FOUND, that can be shown.
bool isCode(std::string_view text);

/// Appends `text` as a JSON string with its quotes.
void appendString(std::string& out, std::string_view text);

}  // namespace p2::fcm
