"""Names for the kinds of arrays in annotations."""
from typing import Union

import numpy as np
from mxnet.ndarray import NDArray
from mxnet.symbol import Symbol

# An array of MXNet, or the symbol of one in a graph.
Array = Union[NDArray, Symbol]
# Also an array of NumPy, for functions that work on all three.
AnyArray = Union[np.ndarray, NDArray, Symbol]
