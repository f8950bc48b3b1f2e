#include "p2/xmpp/DataForm.h"

#include "p2/xmpp/Namespaces.h"

#include <utility>

namespace p2::xmpp {

namespace {

Element formElement(std::string name) {
  return {std::move(name), std::string(ns::kDataForm)};
}

Element toElement(const DataForm::Field& field) {
  Element element = formElement("field");
  if (!field.type.empty()) element.attributes.push_back({"type", field.type});
  if (!field.label.empty()) element.attributes.push_back({"label", field.label});
  if (!field.var.empty()) element.attributes.push_back({"var", field.var});
  if (!field.description.empty()) element.children.push_back(formElement("desc").withText(field.description));
  if (field.required) element.children.push_back(formElement("required"));
  for (const auto& value : field.values) element.children.push_back(formElement("value").withText(value));
  return element;
}

std::optional<DataForm::Field> parseField(const Element& element, const DataFormLimits& limits) {
  DataForm::Field field;
  field.var = element.attribute("var");
  field.type = element.attribute("type");
  field.label = element.attribute("label");
  for (const auto& child : element.children) {
    if (!child.is("value", ns::kDataForm)) continue;
    if (field.values.size() == limits.valuesOfField || child.text.size() > limits.valueSize)
      return std::nullopt;
    field.values.push_back(child.text);
  }
  field.required = element.child("required", ns::kDataForm) != nullptr;
  return field;
}

}  // namespace

std::optional<std::string_view> DataForm::value(std::string_view var) const noexcept {
  for (const auto& field : fields) {
    if (field.var == var && !field.values.empty()) return field.values.front();
  }
  return std::nullopt;
}

Element DataForm::toElement() const {
  Element element = formElement("x");
  if (!type.empty()) element.attributes.push_back({"type", type});
  if (!title.empty()) element.children.push_back(formElement("title").withText(title));
  if (!instructions.empty()) element.children.push_back(formElement("instructions").withText(instructions));
  for (const auto& field : fields) element.children.push_back(xmpp::toElement(field));
  return element;
}

std::optional<DataForm> parseDataForm(const Element& element, const DataFormLimits& limits) {
  if (!element.is("x", ns::kDataForm)) return std::nullopt;
  DataForm form;
  form.type = element.attribute("type");
  for (const auto& child : element.children) {
    if (!child.is("field", ns::kDataForm)) continue;
    if (form.fields.size() == limits.fields) return std::nullopt;
    auto field = parseField(child, limits);
    if (!field) return std::nullopt;
    form.fields.push_back(std::move(*field));
  }
  return form;
}

std::optional<std::string_view> valueInForm(const Element& element, std::string_view var,
                                            const DataFormLimits& limits) noexcept {
  if (!element.is("x", ns::kDataForm)) return std::nullopt;
  std::optional<std::string_view> found;
  std::size_t fields = 0;
  for (const auto& field : element.children) {
    if (!field.is("field", ns::kDataForm)) continue;
    if (fields++ == limits.fields) return std::nullopt;
    const bool wanted = !found && field.attribute("var") == var;
    std::size_t values = 0;
    for (const auto& value : field.children) {
      if (!value.is("value", ns::kDataForm)) continue;
      if (values++ == limits.valuesOfField || value.text.size() > limits.valueSize) return std::nullopt;
      if (wanted && !found) found = value.text;
    }
  }
  return found;
}

}  // namespace p2::xmpp
