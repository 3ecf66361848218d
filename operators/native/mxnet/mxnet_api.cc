// MXNet's glue code for operator libraries (lib_api.cc of its wheel), and the functions of mxnet_api.h.
//
// The two functions through which MXNet reads error messages are replaced by our own: those in lib_api.cc never forget
// a message, so that every error would repeat all earlier ones.
#pragma GCC visibility push(default)  // MXNet looks up these functions by name
#define _msgSize lib_api_msg_size
#define _msgGet lib_api_msg_get
#include "lib_api.cc"
#undef _msgSize
#undef _msgGet
#pragma GCC visibility pop

#include "mxnet_api.h"

#include <locale.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace {

thread_local std::string pending;  // the message that MXNet has not read yet
thread_local std::string shown;    // the message that MXNet read last

// Reads a number and moves `text` behind it. The decimal point is always ".", whatever the program's locale says.
double read_number(const char** text) {
  static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
  char* end;
  const double value = strtod_l(*text, &end, c_locale);
  *text = end;
  return value;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int _msgSize() { return pending.empty() ? 0 : 1; }

// Hands the message to MXNet, which copies it at once, and forgets it.
__attribute__((visibility("default"))) void _msgGet(int, const char** message) {
  shown.swap(pending);
  pending.clear();
  *message = shown.c_str();
}

}  // extern "C"

namespace lhrcnn {

void set_message(const std::string& message) { pending = message; }

Attributes::Attributes(const char* op, const AttributeMap& values, std::initializer_list<const char*> known)
    : op_(op), values_(values) {
  for (const auto& value : values) {
    bool found = value.first.compare(0, 2, "__") == 0;
    for (const char* name : known) found = found || value.first == name;
    if (!found) reject(value.first, "is not an argument of this operator");
  }
}

int Attributes::integer(const std::string& name, int least, int most) const {
  const std::string& text = required(name);
  char* end;
  const long long value = strtoll(text.c_str(), &end, 10);
  if (end == text.c_str() || *end || value < least || value > most) {
    reject(name, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most) + ", got '" + text +
                     "'");
  }
  return static_cast<int>(value);
}

int Attributes::integer(const std::string& name, int least, int most, int default_value) const {
  return find(name) ? integer(name, least, most) : default_value;
}

double Attributes::positive(const std::string& name) const {
  const std::string& text = required(name);
  const char* end = text.c_str();
  const double value = read_number(&end);
  if (end == text.c_str() || *end || !(value > 0 && value < HUGE_VAL)) {
    reject(name, "must be a positive number, got '" + text + "'");
  }
  return value;
}

double Attributes::number(const std::string& name, double least, double most, double default_value) const {
  const std::string* text = find(name);
  if (!text) return default_value;
  const char* end = text->c_str();
  const double value = read_number(&end);
  if (end == text->c_str() || *end || !(value >= least && value <= most)) {
    std::ostringstream bounds;
    if (least > -HUGE_VAL) bounds << (most < HUGE_VAL ? " from " : " of at least ") << least;
    if (most < HUGE_VAL) bounds << " to " << most;
    reject(name, "must be a number" + bounds.str() + ", got '" + *text + "'");
  }
  return value;
}

std::vector<double> Attributes::numbers(const std::string& name) const {
  const std::string& text = required(name);
  std::vector<double> values;
  for (const char* next = text.c_str();;) {
    next += strspn(next, "()[], ");
    if (!*next) return values;
    const char* const begin = next;
    values.push_back(read_number(&next));
    if (next == begin) reject(name, "must be a tuple of numbers, got '" + text + "'");
  }
}

bool Attributes::boolean(const std::string& name, bool default_value) const {
  const std::string* text = find(name);
  if (!text) return default_value;
  if (*text == "True" || *text == "true" || *text == "1") return true;
  if (*text == "False" || *text == "false" || *text == "0") return false;
  reject(name, "must be True or False, got '" + *text + "'");
}

int Attributes::choice(const std::string& name, std::initializer_list<const char*> choices) const {
  const std::string* text = find(name);
  if (!text) return 0;
  const auto found = std::find(choices.begin(), choices.end(), *text);
  if (found != choices.end()) return static_cast<int>(found - choices.begin());
  std::string listed;
  for (const char* choice : choices) listed += (listed.empty() ? "'" : ", '") + std::string(choice) + "'";
  reject(name, "must be one of " + listed + ", got '" + *text + "'");
}

void Attributes::reject(const std::string& name, const std::string& what) const {
  throw InputError(std::string(op_) + ": " + name + " " + what);
}

const std::string* Attributes::find(const std::string& name) const {
  const auto entry = values_.find(name);
  return entry == values_.end() ? nullptr : &entry->second;
}

const std::string& Attributes::required(const std::string& name) const {
  const std::string* text = find(name);
  if (!text) reject(name, "is missing");
  return *text;
}

std::string to_string(const std::vector<unsigned>& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + ")";
}

#ifdef LHRCNN_WITH_CUDA
namespace {

// Infers the types of a call with float16 maps, as described at infer_types. Returns false if no map is float16.
bool infer_float16_types(const Attributes& attributes, const std::vector<std::string>& names, size_t maps,
                         bool maps_out, std::vector<int>* inputs, std::vector<int>* outputs) {
  if (std::count(inputs->begin(), inputs->begin() + maps, mxnet::ext::kFloat16) == 0) return false;
  for (size_t i = 0; i < names.size(); ++i) {
    const int wanted = i < maps ? mxnet::ext::kFloat16 : mxnet::ext::kFloat32;
    int& input = inputs->at(i);
    if (input == -1) input = wanted;
    if (input == wanted) continue;
    attributes.reject(names[i], i < maps ? "must be float16 where other inputs are"
                                         : "must be float32 where " + names[0] + " is float16");
  }
  for (int& output : *outputs) output = maps_out ? mxnet::ext::kFloat16 : mxnet::ext::kFloat32;
  return true;
}

}  // namespace
#endif

void infer_types(const Attributes& attributes, const std::vector<std::string>& names, size_t maps, bool maps_out,
                 std::vector<int>* inputs, std::vector<int>* outputs) {
#ifdef LHRCNN_WITH_CUDA
  if (infer_float16_types(attributes, names, maps, maps_out, inputs, outputs)) return;
#else
  (void)maps;
  (void)maps_out;
#endif
  int type = -1;
  for (int input : *inputs) type = type == -1 ? input : type;
  for (size_t i = 0; i < names.size(); ++i) {
    int& input = inputs->at(i);
    if (input == -1) input = type;
    if (type != -1 && type != mxnet::ext::kFloat32 && type != mxnet::ext::kFloat64) {
      attributes.reject(names[i], "must be float32 or float64");
    }
    if (input != type) attributes.reject(names[i], "must have the type of " + names[0]);
  }
  for (int& output : *outputs) output = type;
}

void check_cpu_type(const Attributes& attributes, const std::string& name, const mxnet::ext::MXTensor& input) {
  if (input.dtype != mxnet::ext::kFloat32 && input.dtype != mxnet::ext::kFloat64) {
    attributes.reject(name, "must be float32 or float64 on the CPU");
  }
}

void check_layout(const Attributes& attributes, const std::string& name, const std::vector<unsigned>& shape,
                  const std::string& layout) {
  bool known = !shape.empty();
  for (unsigned size : shape) known = known && size != UINT_MAX;  // MXNet's -1, an unknown size, as unsigned
  if (!known) attributes.reject(name, "has an unknown shape");
  const auto axes = layout.find(",)") == std::string::npos ? 1 + std::count(layout.begin(), layout.end(), ',') : 1;
  if (axes != static_cast<int64_t>(shape.size())) {
    attributes.reject(name, "must be " + layout + ", got " + to_string(shape));
  }
}

mxnet::ext::MXReturnValue zero_gradients(const AttributeMap&, std::vector<mxnet::ext::MXTensor>*,
                                         std::vector<mxnet::ext::MXTensor>* outputs, const mxnet::ext::OpResource&) {
  for (mxnet::ext::MXTensor& grad : *outputs) {
    memset(grad.data<char>(), 0, grad.size() * (grad.dtype == mxnet::ext::kFloat64 ? sizeof(double) : sizeof(float)));
  }
  return mxnet::ext::MX_SUCCESS;
}

}  // namespace lhrcnn
