#pragma once

#include "options/CommandOption.h"
#include "p2/core/Result.h"

#include <Poco/Util/OptionProcessor.h>
#include <Poco/Util/OptionSet.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace p2::app {

/// Takes the words of a call apart, and says in words what is wrong with one. Used by one thread.
class OptionReader {
 public:
  /// One that was given.
  struct Given {
    std::string name;   ///< The whole one. Empty: the value is the next word; or it is `--`, which ends them.
    std::string value;  ///< Empty for a switch, and for nothing else.
  };

  explicit OptionReader(const std::vector<CommandOption>& options);
  OptionReader(const OptionReader&) = delete;
  OptionReader& operator=(const OptionReader&) = delete;

  /// Nothing: the word is an operand.
  core::Result<std::optional<Given>> take(const std::string& word);
  /// REQUIRES: all words have been taken.
  core::Result<void> end();

 private:
  core::Error unknown(const std::string& word) const;
  core::Error ambiguous(const std::string& word) const;

  const Poco::Util::OptionSet _accepted;
  Poco::Util::OptionProcessor _processor;
  std::string _last;  ///< The word that was taken last.
};

/// `; did you mean --store?`, or empty if none of `known`, before which `dashes` stand, is like the word.
std::string didYouMean(std::string_view word, const std::vector<std::string_view>& known,
                       std::string_view dashes = {});

/// The text, and where to read more: `there is no option --x; p2 --help lists what there is`.
std::string withAdvice(const std::string& text, std::string_view advice);

}  // namespace p2::app
