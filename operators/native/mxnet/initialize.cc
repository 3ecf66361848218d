// The function that MXNet calls when it loads the library.
#include "mxnet_api.h"

__attribute__((visibility("default"))) mxnet::ext::MXReturnValue initialize(int version) {
  if (version >= 10900 && version < 20000) return mxnet::ext::MX_SUCCESS;
  lhrcnn::set_message("the operator library of light_head_rcnn needs MXNet 1.9, and this is version " +
                      std::to_string(version));
  return mxnet::ext::MX_FAIL;
}
