"""Tells by its first and last bytes what kind of file of weights a file is; its name does not count."""
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Optional

from ...errors import CheckpointError

MXNET, NPZ, TORCH, SAFETENSORS, TENSORFLOW = "mxnet", "npz", "torch", "safetensors", "tensorflow"
FORMATS = ("an MXNet or Gluon parameter file, the index of a TensorFlow checkpoint, an npz of ChainerCV, a PyTorch "
           "file of tensors (.pth, .pt) or a safetensors file")
_MXNET_MAGIC = b"\x12\x01\0\0\0\0\0\0"  # of a list of NDArrays
_TORCH_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # of PyTorch before 1.6
_TABLE_MAGIC = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"  # the last bytes of the tables that TensorFlow's checkpoints are
LARGEST = 4 << 30  # bytes that the numbers of a file may take in memory
_LONGEST_HEADER = 100_000_000  # bytes, safetensors


def kind_of_file(path: str) -> str:
    """Returns which kind of file of weights a file is.

    Args:
        path: a file, or the prefix of a TensorFlow checkpoint, PREFIX.index.

    Returns:
        "mxnet", "npz", "torch", "safetensors" or "tensorflow".

    Raises:
        CheckpointError: there is no such file, or it is of another kind.
    """
    if Path(path).is_dir():
        raise CheckpointError(f"{path} is a folder: name the file of weights in it")
    if not Path(path).is_file():
        if tensorflow_prefix(path) is not None:
            return TENSORFLOW
        raise CheckpointError(f"there is no file {path}")
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            head = file.read(32)
            file.seek(max(size - 8, 0))
            tail = file.read(8)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
    if head.startswith(_MXNET_MAGIC):
        return MXNET
    if head.startswith(_TORCH_MAGIC):
        # The name of an archive's first file, with which a tar begins, can be chosen so.
        if tarfile.is_tarfile(path):
            raise CheckpointError(f"{path} is a tar archive of an early PyTorch, which no PyTorch opens safely: save "
                                  "the tensors anew, by torch.save(net.state_dict(), FILE), or as safetensors")
        return TORCH
    if tail == _TABLE_MAGIC or tensorflow_prefix(path) is not None:
        return TENSORFLOW
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= min(size - 8, _LONGEST_HEADER):
        return SAFETENSORS
    if head[:1] == b"\x80":
        raise CheckpointError(f"{path} is a pickle. A pickle can run any program when it is opened, so this package "
                              "opens none: save the tensors alone, by torch.save(net.state_dict(), FILE) or as "
                              "safetensors")
    raise CheckpointError(f"{path} is no file of weights that this package can read: it is not {FORMATS}")


def tensorflow_prefix(path: str) -> Optional[str]:
    """Returns the prefix of a TensorFlow checkpoint, PREFIX.index and PREFIX.data-..., or None if there is no index.

    Args:
        path: the prefix, or one of these files.
    """
    name = str(path)
    for prefix in (name, name[:-len(".index")] if name.endswith(".index") else "", name.rpartition(".data-")[0]):
        if prefix and Path(prefix + ".index").is_file():
            return prefix
    return None


def _kind_of_zip(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeError, EOFError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None
    if size > LARGEST:
        raise CheckpointError(f"{path} unpacks to {size >> 20} MB, more than the {LARGEST >> 20} MB of any weights: it "
                              "is none, or damaged")
    if names and all(name.endswith(".npy") for name in names):
        return NPZ
    if any(name.endswith("constants.pkl") for name in names):
        raise CheckpointError(f"{path} is a TorchScript program, and this package runs none: save the tensors alone, "
                              "by torch.save(net.state_dict(), FILE), or as safetensors")
    if any(name.endswith("data.pkl") for name in names):
        return TORCH
    raise CheckpointError(f"{path} is a ZIP archive, but neither an npz nor a PyTorch file: unpack it and name the "
                          "file of weights in it")
