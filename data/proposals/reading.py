"""Tells the kinds of files of proposals apart, by their content, and reads them."""
import os
from typing import Union

from ...errors import DataError
from ..files.opening import read_regular
from ..files.text_lists import decode
from .entry import Entries
from .json_files import read_json_proposals
from .mat_files import read_mat_proposals
from .npz_files import read_npz_proposals

_KINDS = ("JSON, NumPy's archives of arrays (.npz), and .mat files of the authors' Fast R-CNN before version 7.3 are "
          "read")
COMMAND = "lhrcnn proposals --method selective_search DATASET (or --cfg FILE)"


def read_proposals(file: Union[str, "os.PathLike[str]"]) -> Entries:
    """Yields the images of a file of proposals, whatever its extension; see the modules of this folder for the layouts.

    Raises:
        DataError: the file is missing or damaged, or is of no kind that is read.
    """
    file = os.fspath(file)
    try:
        start = read_regular(file, 1024)
    except FileNotFoundError:
        raise DataError(f"{file}: there is no such file of proposals; {COMMAND} makes one") from None
    except OSError as error:
        raise DataError(f"{file}: the file of proposals cannot be read ({error.strerror})") from None
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        return read_npz_proposals(file)
    if start.startswith(b"MATLAB 5.0"):
        return read_mat_proposals(file)
    if start.startswith(b"MATLAB 7.3") or b"\x89HDF\r\n\x1a\n" in start:
        raise DataError(f"{file}: a .mat file of version 7.3 (HDF5) is not read; save it in MATLAB with "
                        "save(file, 'boxes', 'images', '-v7')")
    if start.startswith(b"\x93NUMPY"):
        raise DataError(f"{file}: a single array (.npy) does not say which image its boxes are of; save an archive by "
                        "numpy.savez with an array for each image")
    if start[:1] == b"\x80" or start.startswith(b"(lp") or start.startswith(b"(dp"):
        raise DataError(f"{file}: a pickle of Python can run code, and is not read. {_KINDS}")
    if decode(start, cut_off=True).lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        return read_json_proposals(file)
    raise DataError(f"{file}: this is no file of proposals. {_KINDS}")
