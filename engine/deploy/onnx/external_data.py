"""Finds out whether an ONNX file takes numbers from other files, without the package onnx.

A tensor of an ONNX file can name another file that holds its numbers, at any path that an engine can read. An ONNX file
is a message of Protocol Buffers: a row of fields, each of which has a number, a wire type and a value. Messages are
nested, and here those are followed that can hold tensors.
"""
from typing import Iterator, List, Tuple, Union

# The fields of each kind of message that hold messages with tensors, as onnx.proto numbers them.
_WAYS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
# The fields external_data and data_location of a tensor.
_OTHER_FILE = {13, 14}
_VARINT, _EIGHT_BYTES, _MESSAGE, _FOUR_BYTES = 0, 1, 2, 5


def has_external_data(model: bytes) -> bool:
    """Returns whether a tensor anywhere in a model names another file.

    Args:
        model: the contents of an ONNX file.

    Raises:
        ValueError: it is no message of Protocol Buffers, or was cut short.
    """
    todo: List[Tuple[str, memoryview]] = [("model", memoryview(model))]
    while todo:
        kind, message = todo.pop()
        for number, value in _fields(message):
            if kind == "tensor" and number in _OTHER_FILE and value != 0:
                return True
            if number in _WAYS[kind] and isinstance(value, memoryview):
                todo.append((_WAYS[kind][number], value))
    return False


def _fields(message: memoryview) -> Iterator[Tuple[int, Union[int, memoryview]]]:
    """Yields the number and the value of each field: whole numbers as such, others as their bytes."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        wire_type, size = tag & 7, {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(tag & 7, 0)
        if wire_type == _VARINT:
            number, place = _varint(message, place)
            yield tag >> 3, number
            continue
        if wire_type == _MESSAGE:
            size, place = _varint(message, place)
        elif not size:
            raise ValueError(f"it has a field of wire type {wire_type}")
        if place + size > len(message):
            raise ValueError("it was cut short")
        yield tag >> 3, message[place:place + size]
        place += size


def _varint(message: memoryview, place: int) -> Tuple[int, int]:
    """Reads a whole number, seven bits a byte, of which the least come first; returns it and the place behind it."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise ValueError("it was cut short")
        byte = message[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise ValueError("it has a number of more than ten bytes")
