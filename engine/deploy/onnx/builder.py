"""Writes an ONNX graph node by node."""
import contextlib
import hashlib
import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ....errors import LibraryError

if TYPE_CHECKING:
    import onnx

# The first opset whose RoiAlign knows half-pixel coordinates, and the IR version that came with it: older engines read
# them too.
OPSET = 16
IR_VERSION = 8
# The numbers of element types, for the attribute `to` of Cast: onnx.TensorProto.FLOAT and so on.
FLOAT, INT32, INT64, BOOL = 1, 6, 7, 9

Dimension = Union[int, str, None]


def import_onnx(name: str = "onnx") -> ModuleType:
    """Imports the package onnx, or a part of it, where it is used.

    Args:
        name: such as "onnx.helper".

    Raises:
        LibraryError: it is not installed, or does not fit what is installed beside it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == "onnx"
        reason = "is not installed" if missing else f"cannot be imported ({error})"
        raise LibraryError(f"This needs the package onnx, which {reason}. Install it with: "
                           "pip install 'light_head_rcnn[onnx]'") from None


class GraphBuilder:
    """Collects the inputs, constants, nodes and outputs of one graph; values are known by their names, strings.

    Example::

        g = GraphBuilder("relu_of_sum")
        x = g.input("x", np.float32, ("N", 3))
        with g.scope("head"):
            y = g.add("Relu", [g.add("Add", [x, g.constant(np.float32(1))])])
        g.output(y, "y", np.float32, ("N", 3))
        onnx.save(g.model({"made by": "an example"}), "relu_of_sum.onnx")

    Args:
        name: the graph's name.
        outer: the builder of the graph that this one is a body of, such as that of a Loop; see `body`.
    """

    def __init__(self, name: str = "graph", outer: Optional["GraphBuilder"] = None):
        self._onnx = import_onnx()
        self._helper = import_onnx("onnx.helper")
        self.name = name
        self._outer = outer
        self._inputs: List["onnx.ValueInfoProto"] = []
        self._outputs: List["onnx.ValueInfoProto"] = []
        self._nodes: List["onnx.NodeProto"] = []
        self._initializers: List["onnx.TensorProto"] = []
        # What the graph and its bodies share: the names in use, and the constants by their contents.
        self._taken: Dict[str, int] = {} if outer is None else outer._taken
        self._constants: Dict[Tuple[str, Tuple[int, ...], bytes], str] = {}
        self._scopes: List[str] = [] if outer is None else list(outer._scopes)

    @contextlib.contextmanager
    def scope(self, prefix: str) -> Iterator[None]:
        """Puts `prefix/` before the names of the nodes and constants that are added inside; scopes nest."""
        self._scopes.append(prefix)
        try:
            yield
        finally:
            self._scopes.pop()

    def input(self, name: str, dtype: Any, shape: Sequence[Dimension], default: Optional[np.ndarray] = None) -> str:
        """Declares an input of the graph.

        Args:
            name: its name, which scopes do not change.
            dtype: NumPy's element type.
            shape: a number for a fixed size, a name for a size that is known when the graph runs (equal names are equal
                sizes), or None for one without a name.
            default: the value of an input that may be left out.

        Returns:
            The name.
        """
        self._inputs.append(self._value_info(self._unique(name, exact=True), dtype, shape))
        if default is not None:
            array = np.ascontiguousarray(np.asarray(default, dtype))
            self._initializers.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def constant(self, value: Union[np.ndarray, float, int, bool, Sequence], name: Optional[str] = None) -> str:
        """Adds a constant; constants of equal type, shape and contents are one.

        Args:
            value: an array or a NumPy scalar, whose element type is kept; or Python's numbers, of which whole ones
                become int64 and others float32.
            name: what to call it, if it is new.

        Returns:
            Its name.
        """
        if self._outer is not None:
            return self._outer.constant(value, name)
        array = np.asarray(value)
        if not isinstance(value, (np.ndarray, np.generic)) and array.dtype == np.float64:
            array = array.astype(np.float32)
        array = np.array(array, order="C")
        key = (array.dtype.str, array.shape, hashlib.sha256(array).digest())
        if key not in self._constants:
            self._constants[key] = self._unique(self._scoped(name or "constant"))
            self._initializers.append(self._onnx.numpy_helper.from_array(array, self._constants[key]))
        return self._constants[key]

    def add(self, op_type: str, inputs: Sequence[str], outputs: int = 1, name: Optional[str] = None,
            **attributes: Any) -> Union[str, Tuple[str, ...]]:
        """Adds a node.

        Args:
            op_type: a standard operator, such as "Conv".
            inputs: names of values; "" for an optional input that is left out.
            outputs: how many outputs of the operator are used.
            name: what to call the node and its outputs; by default as the operator.
            attributes: the operator's attributes; those that are None are left out. Arrays become tensors.

        Returns:
            The output's name; a tuple of names where `outputs` is not 1.
        """
        node = self._unique(self._scoped(name or op_type))
        names = (node,) if outputs == 1 else tuple(self._unique(f"{node}_{index}") for index in range(outputs))
        given = {key: self._onnx.numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
                 for key, value in attributes.items() if value is not None}
        self._nodes.append(self._helper.make_node(op_type, list(inputs), list(names), name=node, **given))
        return names[0] if outputs == 1 else names

    def output(self, value: str, name: str, dtype: Any, shape: Sequence[Dimension]) -> str:
        """Declares an output of the graph: `value` under a name that scopes do not change.

        Args:
            value: the value that is answered.
            name, dtype, shape: see `input`.

        Returns:
            The name.
        """
        if value != name:
            self._nodes.append(self._helper.make_node("Identity", [value], [self._unique(name, exact=True)], name=name))
        self._outputs.append(self._value_info(name, dtype, shape))
        return name

    def body(self, name: str) -> "GraphBuilder":
        """Begins a graph inside this one, such as the body of a Loop; it sees the values of this one.

        Its `graph()` is the attribute that the outer node wants: `g.add("Loop", [...], body=inner.graph())`.
        """
        return GraphBuilder(self._unique(self._scoped(name)), outer=self)

    def graph(self) -> "onnx.GraphProto":
        """The graph as it stands."""
        return self._helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._initializers)

    def model(self, metadata: Optional[Mapping[str, str]] = None) -> "onnx.ModelProto":
        """The graph as a model, which ONNX's checker has passed with shape inference.

        Args:
            metadata: texts that are stored in the file, by name.

        Raises:
            onnx.checker.ValidationError, onnx.shape_inference.InferenceError: the graph is not sound.
        """
        helper = self._helper
        model = helper.make_model(self.graph(), opset_imports=[helper.make_opsetid("", OPSET)],
                                  ir_version=IR_VERSION, producer_name="light_head_rcnn")
        helper.set_model_props(model, dict(metadata or {}))
        import_onnx("onnx.checker").check_model(model, full_check=True)
        return model

    def _value_info(self, name: str, dtype: Any, shape: Sequence[Dimension]) -> "onnx.ValueInfoProto":
        kind = self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self._helper.make_tensor_value_info(name, kind, list(shape))

    def _scoped(self, name: str) -> str:
        return "/".join(self._scopes + [name])

    def _unique(self, name: str, exact: bool = False) -> str:
        """`name`, or with a number behind it where it is taken; an `exact` one must be free."""
        if name not in self._taken:
            self._taken[name] = 0
            return name
        if exact:
            raise ValueError(f"the graph has a value {name!r} already")
        while True:
            self._taken[name] += 1
            numbered = f"{name}_{self._taken[name]}"
            if numbered not in self._taken:
                self._taken[numbered] = 0
                return numbered
