// Helpers for registering operators with MXNet: reading attributes, inferring types, checking shapes, reporting errors.
#ifndef LHRCNN_MXNET_API_H_
#define LHRCNN_MXNET_API_H_

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "mxnet/lib_api.h"

namespace lhrcnn {

using AttributeMap = std::unordered_map<std::string, std::string>;

// Thrown for a wrong argument of a call. The message names the operator and the argument.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Stores an error message for MXNet, which asks for one after every call into the library.
void set_message(const std::string& message);

// Calls work(). An exception becomes MXNet's way of reporting an error: its message is stored and MX_FAIL returned.
template <typename Work>
mxnet::ext::MXReturnValue catch_errors(const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    set_message(error.what());
    return mxnet::ext::MX_FAIL;
  }
  return mxnet::ext::MX_SUCCESS;
}

// The attributes of one operator node. MXNet passes them as strings; these functions convert them, and throw an
// InputError if a value is missing, malformed or out of bounds. An attribute with a default value may be left out.
class Attributes {
 public:
  // Throws if there is an attribute that is not in `known`. MXNet's own attributes, such as `__shape__`, are allowed.
  Attributes(const char* op, const AttributeMap& values, std::initializer_list<const char*> known);

  int integer(const std::string& name, int least, int most) const;
  int integer(const std::string& name, int least, int most, int default_value) const;
  double positive(const std::string& name) const;
  double number(const std::string& name, double least, double most, double default_value) const;
  // Numbers in the form in which Python prints a tuple or list of them.
  std::vector<double> numbers(const std::string& name) const;
  bool boolean(const std::string& name, bool default_value) const;
  // Returns the index of the value in `choices`, whose first entry is the default.
  int choice(const std::string& name, std::initializer_list<const char*> choices) const;

  // Throws an InputError about the argument `name`.
  [[noreturn]] void reject(const std::string& name, const std::string& what) const;

 private:
  // Returns the text of an attribute, or null if it was left out; required() throws in that case.
  const std::string* find(const std::string& name) const;
  const std::string& required(const std::string& name) const;

  const char* op_;
  const AttributeMap& values_;
};

// Returns a shape in the form (1, 2, 3).
std::string to_string(const std::vector<unsigned>& shape);

// Infers the types of all inputs and outputs: float32 or float64, the same for all. Throws an error that names the
// first input with another type; `names` are the names of the inputs. In a library with GPU kernels the first `maps`
// inputs may instead be float16; the other inputs must then be float32, and the outputs are float16 if `maps_out`,
// otherwise float32.
void infer_types(const Attributes& attributes, const std::vector<std::string>& names, size_t maps, bool maps_out,
                 std::vector<int>* inputs, std::vector<int>* outputs);

// Throws an error about the input `name` if the CPU kernels do not take its type.
void check_cpu_type(const Attributes& attributes, const std::string& name, const mxnet::ext::MXTensor& input);

// Runs a CPU kernel for the type of the first input, `input`, whose name is `name`: calls call(kernel, zero), where
// `kernel` is the function for that type and `zero` a number of it, and expects the kernel's status. Throws if the CPU
// kernels do not take the type, or if memory runs out.
template <typename Kernel32, typename Kernel64, typename Call>
void run_on_cpu(const Attributes& attributes, const std::string& name, const mxnet::ext::MXTensor& input,
                Kernel32 kernel32, Kernel64 kernel64, const Call& call) {
  check_cpu_type(attributes, name, input);
  const bool is_double = input.dtype == mxnet::ext::kFloat64;
  const int status = is_double ? call(kernel64, double()) : call(kernel32, float());
  if (status) attributes.reject(name, "is too large: out of memory");
}

// Throws an error about the input `name` if its shape is unknown or has another number of axes than `layout`, such as
// "(N, C, H, W)".
void check_layout(const Attributes& attributes, const std::string& name, const std::vector<unsigned>& shape,
                  const std::string& layout);

// The backward function of operators without gradients: sets the gradients of all inputs to 0.
mxnet::ext::MXReturnValue zero_gradients(const AttributeMap& values, std::vector<mxnet::ext::MXTensor>* inputs,
                                         std::vector<mxnet::ext::MXTensor>* outputs,
                                         const mxnet::ext::OpResource& resource);

}  // namespace lhrcnn

#endif  // LHRCNN_MXNET_API_H_
