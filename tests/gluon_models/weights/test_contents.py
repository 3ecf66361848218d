"""What a file is, is told by its content: kinds, files that are none, and pickles, of which nothing is run."""
import io
import pickle
import tarfile
import zipfile

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models.weights import read_weights
from light_head_rcnn.gluon_models.weights.contents import kind_of_file, tensorflow_prefix


TORCH_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # first bytes of files of PyTorch before 1.6


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_kinds(tmp_path):
    mx.nd.save(str(tmp_path / "a.npz"), {"x": mx.nd.ones(2)})
    np.savez(tmp_path / "b", x=np.ones(2))
    (tmp_path / "b.npz").rename(tmp_path / "b.params")
    (tmp_path / "c.pth").write_bytes((50).to_bytes(8, "little") + b'{"x": {}}'.ljust(60))
    with zipfile.ZipFile(tmp_path / "d.bin", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    (tmp_path / "e.params").write_bytes(TORCH_MAGIC + b"\x80")
    (tmp_path / "f.npz").write_bytes(b"0" * 40 + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb")
    kinds = {name: kind_of_file(str(tmp_path / name)) for name in
             ("a.npz", "b.params", "c.pth", "d.bin", "e.params", "f.npz")}
    assert list(kinds.values()) == ["mxnet", "npz", "safetensors", "torch", "torch", "tensorflow"]


def test_a_checkpoint_of_tensorflow_goes_by_prefix_or_file(tmp_path):
    for end in ("index", "data-00000-of-00001"):
        (tmp_path / f"epoch_26.ckpt.{end}").write_bytes(b"x" * 60)
    prefix = str(tmp_path / "epoch_26.ckpt")
    for path in (prefix, prefix + ".index", prefix + ".data-00000-of-00001"):
        assert tensorflow_prefix(path) == prefix and kind_of_file(path) == "tensorflow"
    assert tensorflow_prefix(str(tmp_path / "epoch_27.ckpt")) is None


@pytest.mark.parametrize("content, message", [
    (b"", "is no file of weights"), (b"weights: none", "is no file of weights"),
    (b"PK\x03\x04junk", "is damaged"), (pickle.dumps({"x": 1}), "is a pickle")])
def test_what_is_none_is_refused(tmp_path, content, message):
    path = tmp_path / "x.params"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{path} {message}"):
        read_weights(str(path))
    with pytest.raises(CheckpointError, match="there is no file nowhere.pth"):
        read_weights("nowhere.pth")


def test_a_folder_is_no_file(tmp_path):
    for name in ("x.params", "x.npz"):
        (tmp_path / name).mkdir()
        with pytest.raises(CheckpointError, match=f"{name} is a folder: name the file of weights in it"):
            read_weights(str(tmp_path / name))


def npy(shape, data=b"", descr="<f4"):
    """An array of a npz file as its header says, whatever its data are."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize("array", [npy((2 ** 40, 2 ** 10)), npy((-3,)), npy((3,), b"12"), npy((1,), b"0" * 16, "<U4"),
                                   npy("__import__('os').abort()"), b"junk", b""])
def test_damaged_arrays_of_an_npz_are_refused(tmp_path, array):
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr("extractor/conv1/conv/W.npy", array)
    with pytest.raises(CheckpointError, match="x (cannot be read as an npz file|is damaged)"):
        read_weights(str(tmp_path / "x"))


@pytest.mark.parametrize("place, value", [(8, b"\1"), (10, b"\x63\0"), (16, b"\0\0\0\0"), (24, b"\xfe\xff\xff\xff")])
def test_a_damaged_directory_of_an_npz_is_refused(tmp_path, place, value):
    """Flags that say that it is encrypted, an unknown compression, a wrong sum; a size that the file does not have."""
    np.savez(tmp_path / "x", **{"extractor/conv1/conv/W": np.ones(4)})
    content = bytearray((tmp_path / "x.npz").read_bytes())
    entry = content.rindex(b"PK\x01\x02") + place
    content[entry:entry + len(value)] = value
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match="x.npz "):
        read_weights(str(tmp_path / "x.npz"))


def test_an_archive_that_unpacks_to_more_than_any_weights_is_refused(tmp_path):
    np.savez(tmp_path / "x", a=np.ones(4), b=np.ones(4))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    for part in (content.index(b"PK\x01\x02"), content.rindex(b"PK\x01\x02")):
        content[part + 24:part + 28] = b"\xfe\xff\xff\xff"
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match="x.npz unpacks to 8191 MB, more than the 4096 MB of any weights"):
        read_weights(str(tmp_path / "x.npz"))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_cut_files_are_refused(tmp_path, share):
    mx.nd.save(str(tmp_path / "a.params"), {"arg:x_weight": mx.nd.ones((9, 9)), "aux:y_moving_mean": mx.nd.ones(9)})
    np.savez(tmp_path / "b.npz", **{"extractor/conv1/conv/W": np.ones(99)})
    text = b'{"conv1.weight": {"dtype": "F32", "shape": [40], "data_offsets": [0, 160]}}'
    (tmp_path / "c.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(160))
    for path in list(tmp_path.iterdir()):
        content = path.read_bytes()
        path.write_bytes(content[:int(share * len(content))])
        with pytest.raises(CheckpointError, match=path.name):
            read_weights(str(path))


def test_a_name_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "x.params"
    mx.nd.save(str(path), {"arg:name": mx.nd.ones(3)})
    path.write_bytes(path.read_bytes().replace(b"arg:name", b"arg:\xff\xfe\xfd\xfc"))
    with pytest.raises(CheckpointError, match="x.params is damaged: a name in it is no text"):
        read_weights(str(path))


@pytest.mark.parametrize("protocol", range(5))
def test_a_malicious_pickle_is_refused(tmp_path, protocol):
    trap, path = tmp_path / "trap", tmp_path / "x.pth"
    path.write_bytes(pickle.dumps({"conv1.weight": Malicious(trap)}, protocol))
    with pytest.raises(CheckpointError, match="is a pickle|is no file of weights"):
        read_weights(str(path))
    assert not trap.exists()


def test_a_malicious_file_of_pytorch_is_refused(tmp_path):
    """With PyTorch its `weights_only` refuses it; without PyTorch nothing reads it."""
    trap, path = tmp_path / "trap", tmp_path / "x.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps({"conv1.weight": Malicious(trap)}, 2))
        archive.writestr("x/version", "3\n")
    with pytest.raises(CheckpointError, match="nothing of it was run|PyTorch, which is not installed"):
        read_weights(str(path))
    path.write_bytes(TORCH_MAGIC + b"\x80\x02M\xe9\x03."
                     + pickle.dumps({"little_endian": True}, 2) + pickle.dumps(Malicious(trap), 2))
    with pytest.raises(CheckpointError, match="nothing of it was run|PyTorch, which is not installed"):
        read_weights(str(path))
    assert not trap.exists()


def test_archives_that_weights_only_does_not_guard_in_every_pytorch_are_refused(tmp_path):
    """TorchScript, and a tar that begins as other files of PyTorch do."""
    path = tmp_path / "x.pth"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py"):
            archive.writestr(f"x/{name}", b"")
    with pytest.raises(CheckpointError, match="x.pth is a TorchScript program"):
        read_weights(str(path))
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        entry = tarfile.TarInfo(TORCH_MAGIC.decode("latin-1"))
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"abc"))
    assert path.read_bytes().startswith(TORCH_MAGIC)
    with pytest.raises(CheckpointError, match="x.pth is a tar archive"):
        read_weights(str(path))


def test_an_npz_with_pickles_is_refused(tmp_path):
    trap, path = tmp_path / "trap", str(tmp_path / "x.npz")
    np.savez(path, **{"extractor/conv1/conv/W": np.array([Malicious(trap)], dtype=object)})
    with pytest.raises(CheckpointError, match="cannot be read as an npz file of numbers"):
        read_weights(path)
    assert not trap.exists()
