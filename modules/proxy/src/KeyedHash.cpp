#include "KeyedHash.h"

#include <Poco/DigestEngine.h>
#include <Poco/HMACEngine.h>
#include <Poco/NumberFormatter.h>
#include <Poco/SHA1Engine.h>

#include <random>
#include <utility>

namespace p2::proxy {

namespace {

constexpr int kKeyWords = 8;

core::Secret drawKey() {
  std::random_device random;
  std::string key;
  for (int i = 0; i < kKeyWords; ++i) key += Poco::NumberFormatter::formatHex(random(), 8);
  return core::Secret(std::move(key));
}

}  // namespace

KeyedHash::KeyedHash() : _key(drawKey()) {}

std::string KeyedHash::of(std::initializer_list<std::string_view> texts) const {
  Poco::HMACEngine<Poco::SHA1Engine> hmac(_key.reveal());
  for (const auto text : texts) {
    hmac.update(text.data(), text.size());
    hmac.update('\0');
  }
  return Poco::DigestEngine::digestToHex(hmac.digest());
}

}  // namespace p2::proxy
