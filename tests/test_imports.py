"""The files of the package import each other in one direction; pyproject.toml has the rules about folders."""
import pytest

import light_head_rcnn

graphlib = pytest.importorskip("graphlib", reason="Python 3.8 has no graphlib")
grimp = pytest.importorskip("grimp", reason="import-linter, an extra of developers, brings grimp")


def test_no_files_import_each_other_in_a_circle():
    """An import inside a function counts as any other does."""
    graph = grimp.build_graph("light_head_rcnn", cache_dir=None, exclude_type_checking_imports=True)
    modules = [name for name in graph.modules if not name.startswith("light_head_rcnn.tests.")]
    assert len(modules) > 500 and light_head_rcnn.__name__ in modules
    imported = {name: graph.find_modules_directly_imported_by(name) for name in modules}
    try:
        graphlib.TopologicalSorter(imported).prepare()
    except graphlib.CycleError as error:
        pytest.fail("these files import each other: " + " <- ".join(error.args[1]))
