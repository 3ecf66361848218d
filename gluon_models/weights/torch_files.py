"""Reads the tensors of PyTorch's files, never by running what a file says."""
import math
import os
import re
import zipfile
from pathlib import Path
from typing import Any, Dict, Mapping

import numpy as np

from ...errors import CheckpointError
from .contents import LARGEST, SAFETENSORS
from .description import float_array, from_bfloat16
from .torch_contents import STAND_INS, UnreadArray, entries

# Of safetensors, those that become float32.
_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": ""}
_MOST_TENSORS = 50_000
SAFE_TORCH = (2, 6)  # older versions can be made to run a program by a file of which tensors alone are wanted


def read_tensors(path: str, kind: str) -> Dict[str, np.ndarray]:
    """Returns the tensors of a file as float32 by their names, those of dictionaries within dictionaries joined by ".".

    Args:
        path: of a .pth or .pt file that `torch.save` wrote, or of a safetensors file.
        kind: "torch" or "safetensors", see `kind_of_file`.

    Raises:
        CheckpointError: PyTorch or safetensors is not installed or too old, or the file cannot be read or is damaged;
            or it is a pickle that holds more than tensors, numbers, words and what trainings save beside them
            (`STAND_INS`), and so could run a program. Nothing of it is run.
    """
    return _safetensors(path) if kind == SAFETENSORS else _torch(path)


def _safetensors(path: str) -> Dict[str, np.ndarray]:
    try:
        import safetensors
    except ImportError as error:
        raise CheckpointError(f"{path} is a safetensors file, and reading it takes the package safetensors, which is "
                              f"not installed ({error}): pip install safetensors") from None
    _check_size(path, os.path.getsize(path))
    try:
        with safetensors.safe_open(path, "numpy") as file:
            parts = [file.get_slice(name) for name in file.keys()]
            _check_size(path, sum(4 * math.prod(part.get_shape()) for part in parts if part.get_dtype() in _FLOATS))
        entries = safetensors.deserialize(Path(path).read_bytes())
        return {name: _values(entry["dtype"], entry["data"]).reshape(entry["shape"])
                for name, entry in entries if entry["dtype"] in _FLOATS}
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, OSError, MemoryError) as error:
        raise CheckpointError(f"{path} cannot be read as a safetensors file: {error}") from None


def _values(kind: str, data: bytes) -> np.ndarray:
    """The numbers of a tensor as float32."""
    if kind == "BF16":
        return from_bfloat16(np.frombuffer(data, "<u2"))
    return float_array(np.frombuffer(data, _FLOATS[kind]))


def _torch(path: str) -> Dict[str, np.ndarray]:
    try:
        import torch
    except ImportError as error:
        raise CheckpointError(f"{path} is a file of PyTorch, and reading it takes PyTorch, which is not installed "
                              f"({error}): pip install torch; or, where the file was made, save the tensors as "
                              "safetensors") from None
    if tuple(int(number) for number in torch.__version__.split(".")[:2]) < SAFE_TORCH:
        raise CheckpointError(f"{path} is a file of PyTorch, and PyTorch {torch.__version__} can be made to run a "
                              "program by such a file even where it is told to load tensors alone (CVE-2025-32434): "
                              "install PyTorch 2.6 or later, or, where the file was made, save the tensors as "
                              "safetensors")
    _check_sums(path)
    try:
        with torch.serialization.safe_globals(STAND_INS):
            content = torch.load(str(path), map_location="cpu", weights_only=True)
    except Exception as error:  # PyTorch raises errors of many classes for files that it refuses or cannot read
        raise CheckpointError(f"{path} is refused, and nothing of it was run: either it is damaged, or it holds more "
                              f"than tensors and so could run a program ({_reason(error)}). Save the "
                              "tensors alone, by torch.save(net.state_dict(), FILE), or as safetensors; who trusts the "
                              "author of the file can do so by torch.save(torch.load(FILE, weights_only=False)"
                              "['state_dict'], NEW)") from None
    tensors = {name: value for name, value in entries(content) if isinstance(value, torch.Tensor)}
    if not tensors:
        raise CheckpointError(f"{path} is a file of PyTorch without tensors by name, but with {_kinds(content)}")
    if len(tensors) > _MOST_TENSORS:
        raise CheckpointError(f"{path} holds {len(tensors)} tensors by name, more than the {_MOST_TENSORS} of any "
                              "weights: it is none, or damaged")
    dense = {name: tensor.detach() for name, tensor in tensors.items()
             if tensor.dtype.is_floating_point and tensor.layout == torch.strided and not tensor.is_meta}
    _check_size(path, sum(4 * tensor.numel() for tensor in dense.values()))
    return {name: _numbers(path, name, tensor) for name, tensor in dense.items()}


def _check_sums(path: str) -> None:
    """Checks the checksums of a ZIP archive, which PyTorch does not; files of PyTorch before 1.6 have none."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            # torch.serialization.set_crc32_options(False) writes zeros.
            damaged = archive.testzip() if any(entry.CRC for entry in archive.infolist()) else None
    except Exception as error:  # zipfile raises all kinds, those of zlib among them
        raise CheckpointError(f"{path} is damaged: {error}") from None
    if damaged is not None:
        raise CheckpointError(f"{path} is damaged: {damaged} in it is not what was written (its checksum differs)")


def _numbers(path: str, name: str, tensor: Any) -> np.ndarray:
    """A tensor of PyTorch as float32."""
    try:
        return float_array(tensor.float().resolve_neg().numpy())
    except Exception as error:  # PyTorch raises errors of many classes for tensors of unusual kinds
        raise CheckpointError(f"{path}: the tensor {name} cannot be read as float32 ({_reason(error)}): save it as "
                              "float32, by tensor.float()") from None


def _check_size(path: str, size: int) -> None:
    if size > LARGEST:
        raise CheckpointError(f"{path} holds tensors that take {size >> 20} MB in memory, more than the "
                              f"{LARGEST >> 20} MB of any weights: it is none, or damaged")


def _reason(error: Exception) -> str:
    """What PyTorch says, without its advice to open the file all the same."""
    text = " ".join(str(error).split())
    unsupported = re.search(r"unsupported .*?(?= Please| Check the documentation|$)", text, re.IGNORECASE)
    return f"{type(error).__name__}: {unsupported.group(0) if unsupported else text}"[:300].rstrip(".")


def _kinds(content: Any) -> str:
    if not isinstance(content, Mapping):
        return f"an object of the class {type(content).__name__}"
    if any(isinstance(value, UnreadArray) for _, value in entries(content)):
        return ("NumPy arrays: save tensors, by torch.save({name: torch.as_tensor(array) for name, array in "
                "arrays.items()}, FILE)")
    kinds = sorted({type(value).__name__ for value in content.values()})
    return f"a dictionary of {', '.join(kinds)}" if kinds else "an empty dictionary"
