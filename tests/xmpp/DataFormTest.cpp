#include "p2/xmpp/DataForm.h"
#include "p2/xmpp/Serializer.h"
#include "support/Catch.h"

#include <string>

using p2::xmpp::DataForm;
using p2::xmpp::DataFormLimits;
using p2::xmpp::Element;
using p2::xmpp::parseDataForm;
using p2::xmpp::valueInForm;

namespace {

const std::string kNs = "jabber:x:data";

Element field(const std::string& var, std::vector<std::string> values) {
  Element element("field", kNs, {{"var", var}});
  for (auto& value : values) element.children.push_back(Element("value", kNs).withText(value));
  return element;
}

}  // namespace

TEST_CASE("A form's fields are found by name, with or without types") {
  const Element element =
      Element("x", kNs).with(field("token", {"t"})).with(field("empty", {})).with(field("many", {"1", "2"}));
  const auto form = parseDataForm(element);
  REQUIRE(form);
  CHECK(form->type.empty());
  CHECK(form->value("token") == "t");
  CHECK(form->value("many") == "1");
  CHECK_FALSE(form->value("empty"));
  CHECK_FALSE(form->value("absent"));
}

TEST_CASE("What is no form is not read as one") {
  CHECK_FALSE(parseDataForm(Element("x", "jabber:x:other")));
  CHECK_FALSE(parseDataForm(Element("y", kNs)));
}

TEST_CASE("A form beyond the limits is refused whole") {
  DataFormLimits limits;
  limits.fields = 2;
  limits.valuesOfField = 2;
  limits.valueSize = 3;
  const Element form("x", kNs);
  CHECK(parseDataForm(Element(form).with(field("a", {})).with(field("b", {"123", "4"})), limits));
  CHECK_FALSE(
      parseDataForm(Element(form).with(field("a", {})).with(field("b", {})).with(field("c", {})), limits));
  CHECK_FALSE(parseDataForm(Element(form).with(field("a", {"1", "2", "3"})), limits));
  CHECK_FALSE(parseDataForm(Element(form).with(field("a", {"1234"})), limits));
}

TEST_CASE("A form is written as XEP-0004 has it") {
  DataForm form{"form", "Title", "Do it", {}};
  form.fields.push_back({"token", "text-single", "Token", "From the app", {"t"}, true});
  CHECK(p2::xmpp::serialize(form.toElement()) ==
        "<x xmlns='jabber:x:data' type='form'><title>Title</title><instructions>Do it</instructions>"
        "<field type='text-single' label='Token' var='token'><desc>From the "
        "app</desc><required/><value>t</value>"
        "</field></x>");
}

TEST_CASE("A value is found in a form as in what is made of it") {
  const Element form = Element("x", kNs)
                           .with(field("empty", {}))
                           .with(field("one", {"1"}))
                           .with(field("two", {"2", "3"}))
                           .with(field("one", {"other"}))
                           .with(field("empty", {"later"}));
  for (const auto* var : {"empty", "one", "two", "none", ""}) {
    INFO(var);
    CHECK(valueInForm(form, var) == parseDataForm(form)->value(var));
  }
  CHECK(valueInForm(form, "empty") == "later");
  CHECK_FALSE(valueInForm(Element("y", kNs), "one"));
}

TEST_CASE("No value is found in a form beyond the limits") {
  const Element form = Element("x", kNs).with(field("one", {"1"})).with(field("two", {"22", "3"}));
  const auto found = [&form](std::size_t fields, std::size_t values, std::size_t size) {
    DataFormLimits limits;
    limits.fields = fields;
    limits.valuesOfField = values;
    limits.valueSize = size;
    return valueInForm(form, "one", limits).has_value();
  };
  CHECK(found(2, 2, 2));
  CHECK_FALSE(found(1, 2, 2));
  CHECK_FALSE(found(2, 1, 2));
  CHECK_FALSE(found(2, 2, 1));
}
