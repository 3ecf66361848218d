"""What MXNet's import leaves out or leaves for later is there as ever for whoever asks for it."""
import shutil

import pytest

from light_head_rcnn import mxnet_imports

IMPORT = "import light_head_rcnn, sys, mxnet as mx\nloaded = set(sys.modules)\n"
PARTS = ("scipy.stats.distributions", "requests.api")


@pytest.mark.parametrize("first, expected", [
    ("", "object False True"), ("import sklearn.base", "BaseEstimator True True")])
def test_mxnet_alone_does_without_scikit_learn(fresh_python, tmp_path, first, expected):
    (tmp_path / "sklearn").mkdir()
    (tmp_path / "sklearn" / "__init__.py").touch()
    (tmp_path / "sklearn" / "base.py").write_text("class BaseEstimator: pass")
    assert fresh_python(f"import light_head_rcnn, sys\n{first}\nimport mxnet as mx\n"
                        "loaded = 'sklearn' in sys.modules\nimport sklearn.base\n"
                        "print(mx.model.FeedForward.__mro__[1].__name__, loaded, 'sklearn.base' in sys.modules)",
                        tmp_path) == expected


@pytest.mark.slow
@pytest.mark.parametrize("use", [
    # What MXNet itself does with them.
    "mx.contrib.quantization.stats.entropy([1, 1]); mx.gluon.utils.requests.get",
    # What other programs do.
    "import scipy.stats, requests; scipy.stats.norm.cdf(0); requests.Session()",
    "from scipy.stats import norm; from requests import get; norm.cdf(0)",
    "import scipy.stats.distributions, requests.api; scipy.stats.distributions.norm, requests.api.get",
    "from importlib import reload, import_module as load; reload(load('requests')); load('scipy.stats').norm"])
def test_late_modules_come_when_something_of_them_is_asked_for(fresh_python, use):
    code = IMPORT + f"{use}\nprint(*[part in loaded for part in {PARTS}], *[part in sys.modules for part in {PARTS}])"
    assert fresh_python(code) == "False False True True"


def test_late_modules_stand_in_mxnet_alone(fresh_python):
    code = IMPORT + ("late = mx.contrib.quantization.stats\nimport scipy\n"
                     "print(*[name in sys.modules for name in ('scipy.stats', 'requests')], 'stats' in vars(scipy))\n"
                     "from scipy.stats import norm\n"
                     "print(late.norm is norm, sys.modules['scipy.stats'] is scipy.stats, late is scipy.stats)\n"
                     "print(type(scipy.stats).__name__, type(mx.__loader__).__name__, mx.__spec__.loader)")
    hidden, loaded, loaders = fresh_python("import importlib.util, light_head_rcnn\n"
                                           "importlib.util.find_spec('mxnet')  # loads nothing\n" + code).splitlines()
    assert (hidden, loaded) == ("False False False", "True True False")
    assert loaders.startswith("module SourceFileLoader <_frozen_importlib_external.SourceFileLoader")


@pytest.mark.slow
@pytest.mark.parametrize("inner, of_package", [
    ("from requests.exceptions import ConnectionError as one", "from requests import ConnectionError as other"),
    ("from scipy.stats._distn_infrastructure import rv_continuous as one",
     "from scipy.stats import rv_continuous as other")])
def test_modules_inside_a_late_one_are_loaded_once(fresh_python, inner, of_package):
    assert fresh_python(IMPORT + f"{inner}\n{of_package}\nprint(one is other)") == "True"
    late = "mx.gluon.utils.requests.get; mx.contrib.quantization.stats.norm"
    assert fresh_python(IMPORT + f"{inner}\n{late}\n{of_package}\nprint(one is other)") == "True"


def test_a_module_that_was_imported_before_is_taken(fresh_python):
    code = "import scipy.stats\n" + IMPORT + "print(mx.contrib.quantization.stats is scipy.stats)"
    assert fresh_python(code) == "True"


def test_several_threads_may_ask_at_the_same_time(fresh_python):
    code = IMPORT + ("from concurrent.futures import ThreadPoolExecutor as Pool\n"
                     "stats = mx.contrib.quantization.stats\n"
                     "print(set(Pool(8).map(lambda _: type(stats.norm).__name__, range(8))))")
    assert fresh_python(code) == "{'norm_gen'}"


@pytest.fixture
def another_mxnet(tmp_path):
    """Function that writes an `mxnet` of a few lines, and returns its folder and code that imports it."""
    def write(lines):
        for package, content in (("mxnet", lines), ("light_head_rcnn", "")):
            (tmp_path / package).mkdir()
            (tmp_path / package / "__init__.py").write_text(content)
        shutil.copy(mxnet_imports.__file__, tmp_path / "light_head_rcnn")
        return tmp_path, ("import sys; from light_head_rcnn.mxnet_imports import LateModulesForMXNet as Late\n"
                          "sys.meta_path.insert(0, Late())\nimport mxnet")

    return write


def test_a_module_that_is_not_installed_is_not_found(fresh_python, another_mxnet):
    folder, code = another_mxnet("""
import scipy
try:
    import scipy.stats
except ImportError as error:
    print(error)
""")
    (folder / "scipy").mkdir()
    (folder / "scipy" / "__init__.py").touch()
    assert fresh_python(code, folder) == "No module named 'scipy.stats'"


def test_mxnet_may_ask_while_it_is_being_loaded(fresh_python, another_mxnet):
    folder, code = another_mxnet("""
import scipy.stats
print(type(scipy.stats).__name__, scipy.stats.norm.cdf(0), type(scipy.stats).__name__)
""")
    assert fresh_python(code, folder) == "LateModule 0.5 module"
