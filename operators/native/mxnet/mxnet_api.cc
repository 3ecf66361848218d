// MXNet's side of an operator library, with a store of messages of its own: the one in lib_api.cc keeps every message
// for good, so that an error would be reported again with each later one.
#pragma GCC visibility push(default)  // MXNet looks its functions up by name
#define _msgSize lib_api_msg_size
#define _msgGet lib_api_msg_get
#include "lib_api.cc"
#undef _msgSize
#undef _msgGet
#pragma GCC visibility pop

#include "mxnet_api.h"

#include <locale>

namespace {

thread_local std::string pending, shown;

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int _msgSize() { return pending.empty() ? 0 : 1; }

// MXNet copies the message at once; it is told only once.
__attribute__((visibility("default"))) void _msgGet(int, const char** message) {
  shown.swap(pending);
  pending.clear();
  *message = shown.c_str();
}

}  // extern "C"

namespace lhrcnn {

void set_message(const std::string& message) { pending = message; }

Attributes::Attributes(const char* op, const AttributeMap& values, const std::vector<std::string>& known)
    : op_(op), values_(values) {
  for (const auto& value : values) {
    bool found = value.first.compare(0, 2, "__") == 0;
    for (const std::string& name : known) found = found || name == value.first;
    if (!found) reject(value.first, "is not an argument of this operator");
  }
}

int Attributes::integer(const std::string& name, int least, int most) const {
  const std::string& text = need(name);
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  long long value = 0;
  if (!(stream >> value) || stream.peek() != EOF || value < least || value > most) {
    reject(name, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most) + ", got '" + text +
                     "'");
  }
  return static_cast<int>(value);
}

int Attributes::integer(const std::string& name, int least, int most, int otherwise) const {
  return find(name) ? integer(name, least, most) : otherwise;
}

double Attributes::positive(const std::string& name) const {
  const std::string& text = need(name);
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  double value = 0;
  if (!(stream >> value) || stream.peek() != EOF || !(value > 0)) {
    reject(name, "must be a positive number, got '" + text + "'");
  }
  return value;
}

bool Attributes::boolean(const std::string& name, bool otherwise) const {
  const std::string* text = find(name);
  if (!text) return otherwise;
  if (*text == "True" || *text == "true" || *text == "1") return true;
  if (*text == "False" || *text == "false" || *text == "0") return false;
  reject(name, "must be True or False, got '" + *text + "'");
}

int Attributes::choice(const std::string& name, const std::vector<std::string>& choices) const {
  const std::string* text = find(name);
  if (!text) return 0;
  std::string listed;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] == *text) return static_cast<int>(i);
    listed += (i ? ", '" : "'") + choices[i] + "'";
  }
  reject(name, "must be one of " + listed + ", got '" + *text + "'");
}

void Attributes::reject(const std::string& name, const std::string& what) const {
  throw InputError(std::string(op_) + ": " + name + " " + what);
}

const std::string* Attributes::find(const std::string& name) const {
  const auto entry = values_.find(name);
  return entry == values_.end() ? nullptr : &entry->second;
}

const std::string& Attributes::need(const std::string& name) const {
  const std::string* text = find(name);
  if (!text) reject(name, "is missing");
  return *text;
}

std::string to_string(const std::vector<unsigned>& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + ")";
}

}  // namespace lhrcnn
