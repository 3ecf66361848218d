"""What `import light_head_rcnn` gives. What it does before MXNet loads is tested in test_runtime and test_compat."""
import subprocess
import sys

import pytest

import light_head_rcnn


def python(code, *options):
    """Output of ``code`` in a fresh interpreter, away from the checkout."""
    run = subprocess.run([sys.executable, *options, "-c", code], cwd="/", stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, universal_newlines=True)
    assert run.returncode == 0, run.stdout
    return run.stdout.strip()


def test_import_is_silent_and_leaves_mxnet_alone():
    out = python("import sys, light_head_rcnn, numpy\n"
                 "print(numpy.bool is bool, numpy.float is float, 'mxnet' in sys.modules)", "-W", "error")
    assert out == "True True False"


def test_without_mxnet_what_does_not_need_it_works(tmp_path):
    """MXNet is hidden by a finder that says that it is not there, in the way of one that is not installed."""
    code = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "mxnet" else found(name, *rest)
class Hide:
    def find_spec(self, name, path=None, target=None):
        for finder in sys.meta_path:
            if finder is not self and name.partition(".")[0] == "mxnet" and "Missing" in type(finder).__name__:
                return finder.find_spec(name)
sys.meta_path.insert(0, Hide())
import light_head_rcnn as lh
print(lh.load_config("shapes_s").TRAIN.end_epoch > 0, callable(lh.load_dataset))
try:
    lh.get_model
except ImportError as error:
    print(type(error).__name__, str(error)[:60])
"""
    first, second = python(code).splitlines()
    assert first == "True True" and second.startswith("LibraryError this needs MXNet 1.9.1, which is not installed")


def test_gluoncv_and_mxnet_import_after_it_without_cv2(tmp_path):
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    code = "import sys; sys.path.insert(0, {!r}); import light_head_rcnn, gluoncv, mxnet; print(mxnet.__version__)"
    assert python(code.format(str(tmp_path)), "-W", "ignore") == "1.9.1"


def test_public_names():
    assert light_head_rcnn.__version__.count(".") == 2
    assert callable(light_head_rcnn.get_model)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        light_head_rcnn.nothing  # noqa: B018
