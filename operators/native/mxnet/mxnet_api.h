// What the registration of operators uses of MXNet's lib_api.h, and the reading of attributes.
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

// An input that the caller got wrong; the message names the operator and the argument.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Keeps a message for MXNet, which asks for it after every call into the library.
void set_message(const std::string& message);

// Runs `work` and turns its exceptions into MXNet's way of failing.
template <typename Work>
mxnet::ext::MXReturnValue guarded(const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    set_message(error.what());
    return mxnet::ext::MX_FAIL;
  }
  return mxnet::ext::MX_SUCCESS;
}

// The attributes of one operator node, which MXNet hands over as strings. Every reader takes the name of the attribute
// and, where the attribute may be left out, its default.
class Attributes {
 public:
  // Throws where an attribute is not among `known`; MXNet's own (`__shape__` and so on) are let through.
  Attributes(const char* op, const AttributeMap& values, std::initializer_list<const char*> known);

  int integer(const std::string& name, int least, int most) const;
  int integer(const std::string& name, int least, int most, int otherwise) const;
  double positive(const std::string& name) const;
  double number(const std::string& name, double least, double most, double otherwise) const;
  // As Python writes a tuple or list of numbers.
  std::vector<double> numbers(const std::string& name) const;
  bool boolean(const std::string& name, bool otherwise) const;
  // Index in `choices`, whose first entry is the default.
  int choice(const std::string& name, std::initializer_list<const char*> choices) const;

  // Throws an InputError about the argument `name`.
  [[noreturn]] void reject(const std::string& name, const std::string& what) const;

 private:
  const std::string* find(const std::string& name) const;
  const std::string& need(const std::string& name) const;

  const char* op_;
  const AttributeMap& values_;
};

std::string to_string(const std::vector<unsigned>& shape);

// Gives all inputs and outputs one type, float32 or float64, or throws about the input that has another; `names` are
// those of the inputs. Where the kernels for GPUs are in, the first `maps` inputs may be float16, beside others of
// float32; the outputs are then float16 too if `maps_out`, else float32.
void infer_types(const Attributes& attributes, const std::vector<std::string>& names, size_t maps, bool maps_out,
                 std::vector<int>* inputs, std::vector<int>* outputs);

// Throws about the input `name` where only a GPU takes its type.
void check_cpu_type(const Attributes& attributes, const std::string& name, const mxnet::ext::MXTensor& input);

// Runs the kernel for the type of the input `name`, the first, on the CPU: `call(kernel, zero)`, zero being of that type,
// returns what the kernel does. Throws where only a GPU takes the type, and where there is too little memory.
template <typename Kernel32, typename Kernel64, typename Call>
void run_on_cpu(const Attributes& attributes, const std::string& name, const mxnet::ext::MXTensor& input,
                Kernel32 kernel32, Kernel64 kernel64, const Call& call) {
  check_cpu_type(attributes, name, input);
  const bool wide = input.dtype == mxnet::ext::kFloat64;
  if (wide ? call(kernel64, double()) : call(kernel32, float())) attributes.reject(name, "is too large: out of memory");
}

// Throws unless the shape is known and has as many axes as `layout`, such as "(N, C, H, W)", says.
void check_layout(const Attributes& attributes, const std::string& name, const std::vector<unsigned>& shape,
                  const std::string& layout);

// The backward function of operators whose outputs are constants to what learns from them.
mxnet::ext::MXReturnValue zero_gradients(const AttributeMap& values, std::vector<mxnet::ext::MXTensor>* inputs,
                                         std::vector<mxnet::ext::MXTensor>* outputs,
                                         const mxnet::ext::OpResource& resource);

}  // namespace lhrcnn

#endif  // LHRCNN_MXNET_API_H_
