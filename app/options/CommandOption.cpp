#include "options/CommandOption.h"

#include <Poco/Util/Option.h>

#include <cstddef>

namespace p2::app {

std::string meaningOf(const CommandOption& option) {
  std::string text(option.meaning);
  if (option.words != nullptr) text += ": " + alternatives(option.words());
  return text;
}

std::string alternatives(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

Poco::Util::OptionSet optionSet(const std::vector<CommandOption>& options) {
  Poco::Util::OptionSet set;
  for (const auto& option : options) {
    Poco::Util::Option made(std::string(option.name), std::string(option.letter), meaningOf(option));
    if (!option.argument.empty()) made.argument(std::string(option.argument));
    set.addOption(made);
  }
  return set;
}

}  // namespace p2::app
