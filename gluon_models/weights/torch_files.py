"""Reads the tensors of PyTorch's files, never by running what a file says."""
from typing import Any, Dict, Iterator, Mapping, Tuple

import numpy as np

from ...errors import CheckpointError
from .contents import SAFETENSORS
from .description import float_array

SAFE_TORCH = (2, 6)  # older versions can be made to run a program by a file of which tensors alone are wanted


def read_tensors(path: str, kind: str) -> Dict[str, np.ndarray]:
    """Returns the tensors of a file as float32 by their names, those of dictionaries within dictionaries joined by ".".

    Args:
        path: of a .pth or .pt file that `torch.save` wrote, or of a safetensors file.
        kind: "torch" or "safetensors", see `kind_of_file`.

    Raises:
        CheckpointError: PyTorch or safetensors is not installed or too old, or the file cannot be read; or it is a
            pickle that holds more than tensors, numbers and words, and so could run a program. Nothing of it is run.
    """
    return _safetensors(path) if kind == SAFETENSORS else _torch(path)


def _safetensors(path: str) -> Dict[str, np.ndarray]:
    try:
        import safetensors
        from safetensors.numpy import load_file
    except ImportError as error:
        raise CheckpointError(f"{path} is a safetensors file, and reading it takes the package safetensors, which is "
                              f"not installed ({error}): pip install safetensors") from None
    try:
        return {name: float_array(array) for name, array in load_file(str(path)).items()}
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} cannot be read as a safetensors file: {error}") from None


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
    try:
        content = torch.load(str(path), map_location="cpu", weights_only=True)
        return {name: float_array(tensor.detach().to(torch.float32).numpy())
                for name, tensor in _tensors(content, torch.Tensor) if tensor.dtype.is_floating_point}
    except Exception as error:  # PyTorch raises errors of many classes for files that it refuses or cannot read
        reason = " ".join(str(error).split()).partition(" Please file an issue")[0][:300]
        raise CheckpointError(f"{path} is refused, and nothing of it was run: either it is damaged, or it holds more "
                              f"than tensors and so could run a program ({type(error).__name__}: {reason}). Save the "
                              "tensors alone, by torch.save(net.state_dict(), FILE), or as safetensors") from None


def _tensors(content: Any, tensor_class: type, prefix: str = "") -> Iterator[Tuple[str, Any]]:
    if isinstance(content, Mapping):
        for name, value in content.items():
            where = f"{prefix}{name}"
            if isinstance(value, tensor_class):
                yield where, value
            else:
                yield from _tensors(value, tensor_class, where + ".")
