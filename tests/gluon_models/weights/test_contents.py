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
