#include "options/OptionReader.h"

#include "p2/settings/Keys.h"

#include <Poco/Util/Option.h>
#include <Poco/Util/OptionException.h>

#include <utility>

namespace p2::app {

namespace {

using Poco::Util::Option;

bool isShort(const std::string& word) {
  return !word.starts_with("--");
}

/// `store`, of `--store=DIRECTORY`.
std::string nameIn(const std::string& word) {
  const std::string name = word.substr(isShort(word) ? 1 : 2);
  return name.substr(0, name.find_first_of(":="));  // Poco takes either
}

/// `--json` of `--json=yes`, `-h` of `-hyes`.
std::string withoutValue(const std::string& word) {
  return isShort(word) ? word.substr(0, 2) : "--" + nameIn(word);
}

core::Error lacksValue(const Option& option) {
  return {"--" + option.fullName() + " needs " + option.argumentName()};
}

}  // namespace

OptionReader::OptionReader(const std::vector<CommandOption>& options)
    : _accepted(optionSet(options)), _processor(_accepted) {
  _processor.setUnixStyle(true);
}

core::Result<std::optional<OptionReader::Given>> OptionReader::take(const std::string& word) {
  _last = word;
  Given given;
  try {
    if (!_processor.process(word, given.name, given.value)) return std::optional<Given>();
  } catch (const Poco::Util::UnknownOptionException&) {
    return unknown(word);
  } catch (const Poco::Util::AmbiguousOptionException&) {
    return ambiguous(word);
  } catch (const Poco::Util::UnexpectedArgumentException&) {
    return core::Error{withoutValue(word) + " takes no value"};
  } catch (const Poco::Util::DuplicateOptionException&) {
    return core::Error{withoutValue(word) + " is given twice"};
  }
  if (!given.name.empty() && given.value.empty()) {
    // As a script has it whose variable is not set.
    const auto& option = _accepted.getOption(given.name);
    if (option.takesArgument()) return lacksValue(option);
  }
  return std::optional(std::move(given));
}

core::Result<void> OptionReader::end() {
  try {
    _processor.checkRequired();
  } catch (const Poco::Util::MissingArgumentException&) {
    return lacksValue(_accepted.getOption(nameIn(_last), isShort(_last)));
  }
  return {};
}

core::Error OptionReader::unknown(const std::string& word) const {
  std::vector<std::string_view> names;
  for (const auto& option : _accepted) names.push_back(option.fullName());
  const auto name = nameIn(word);
  return {"there is no option " + std::string(isShort(word) ? "-" : "--") + name +
          didYouMean(name, names, "--")};
}

core::Error OptionReader::ambiguous(const std::string& word) const {
  std::vector<std::string> names;
  for (const auto& option : _accepted) {
    if (option.matchesPartial(nameIn(word))) names.push_back("--" + option.fullName());
  }
  return {"--" + nameIn(word) + " may be " + alternatives({names.begin(), names.end()})};
}

std::string didYouMean(std::string_view word, const std::vector<std::string_view>& known,
                       std::string_view dashes) {
  const auto meant = settings::nearestName(word, known);
  if (meant.empty()) return {};
  return "; did you mean " + std::string(dashes) + std::string(meant) + '?';
}

std::string withAdvice(const std::string& text, std::string_view advice) {
  return text + (text.ends_with('?') ? " " : "; ") + std::string(advice);
}

}  // namespace p2::app
