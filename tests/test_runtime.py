"""The runtime policy: decisions on stand-ins, what they do in a fresh process, forks and threads."""
import os
import subprocess
import sys
import textwrap

import pytest

from light_head_rcnn import runtime
from light_head_rcnn.runtime import FIXED, MXNET, POLICY, TOO_LATE, USER, Threads

CHOSEN = ("OMP_NUM_THREADS", "GOMP_SPINCOUNT", "MXNET_MKLDNN_CACHE_NUM", "MXNET_CPU_PARALLEL_SIZE",
          "MXNET_CUDNN_AUTOTUNE_DEFAULT")


def decided(environment=None, late=False):
    """{name: choice} for 3 threads."""
    return {choice.name: choice for choice in runtime.decide(environment or {}, Threads(3, "Three."), late)}


def python(code, expected=0, **environment):
    """Output of code in a fresh interpreter away from the checkout, without settings of this process's environment."""
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("OMP_", "GOMP_", "MXNET_", "DNNL_"))}
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd="/", stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, universal_newlines=True, env=dict(clean, **environment))
    assert run.returncode == expected, run.stdout
    return run.stdout.strip()


def test_an_empty_environment_is_filled():
    environment = {}
    choices = decided(environment)
    runtime.apply(list(choices.values()), environment)
    assert environment == {"OMP_NUM_THREADS": "3", "GOMP_SPINCOUNT": "2000", "MXNET_MKLDNN_CACHE_NUM": "64",
                           "MXNET_CPU_PARALLEL_SIZE": "2147483647", "MXNET_CUDNN_AUTOTUNE_DEFAULT": "0"}
    assert all(choices[name].source == POLICY and choices[name].reason for name in CHOSEN)


def test_the_users_variables_win():
    mine = {"OMP_NUM_THREADS": "7", "GOMP_SPINCOUNT": "1", "MXNET_MKLDNN_CACHE_NUM": "-1",
            "MXNET_CPU_PARALLEL_SIZE": "5", "MXNET_CUDNN_AUTOTUNE_DEFAULT": "2", "MXNET_ENFORCE_DETERMINISM": "1"}
    for late in (False, True):
        environment = dict(mine)
        choices = decided(environment, late)
        runtime.apply(list(choices.values()), environment)
        assert environment == mine
        assert {name: (choices[name].value, choices[name].source) for name in mine} == {
            name: (value, USER) for name, value in mine.items()}


def test_empty_values_count_as_not_set():
    environment = {"OMP_NUM_THREADS": "", "OMP_WAIT_POLICY": ""}
    runtime.apply(list(decided(environment).values()), environment)
    assert (environment["OMP_NUM_THREADS"], environment["GOMP_SPINCOUNT"]) == ("3", "2000")


def test_the_users_wait_policy_is_not_overruled():
    environment = {"OMP_WAIT_POLICY": "active"}
    choices = decided(environment)
    runtime.apply(list(choices.values()), environment)
    assert "GOMP_SPINCOUNT" not in environment and "GOMP_SPINCOUNT" not in choices
    assert (choices["OMP_WAIT_POLICY"].value, choices["OMP_WAIT_POLICY"].source) == ("active", USER)
    both = decided({"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "9"})  # libgomp obeys the second
    assert (both["GOMP_SPINCOUNT"].value, both["GOMP_SPINCOUNT"].source) == ("9", USER)


def test_what_openmp_reads_is_too_late_once_it_is_loaded():
    environment = {}
    choices = decided(environment, late=True)
    runtime.apply(list(choices.values()), environment)
    assert {name for name, choice in choices.items() if choice.source == TOO_LATE} == {"OMP_NUM_THREADS",
                                                                                       "GOMP_SPINCOUNT"}
    assert set(environment) == {"MXNET_MKLDNN_CACHE_NUM", "MXNET_CPU_PARALLEL_SIZE",
                                "MXNET_CUDNN_AUTOTUNE_DEFAULT"}


def test_what_cannot_or_should_not_be_set_is_stated():
    choices = decided()
    assert choices["MXNET_ENFORCE_DETERMINISM"].value == "not set"
    assert choices["MXNET_ENFORCE_DETERMINISM"].source == MXNET
    assert choices["start of data workers"].value == "fork of a server" and choices["denormal numbers"].value == "0"
    assert {choices[name].source for name in ("start of data workers", "denormal numbers")} == {FIXED}


@pytest.mark.parametrize("cores, quota, count", [(8, None, 8), (8, 3.0, 3), (8, 2.9, 2), (8, 0.5, 1), (2, 64.0, 2)])
def test_threads_are_bounded_by_the_quota(cores, quota, count):
    threads = runtime.choose_threads(cores, quota)
    assert threads.count == count and f"{cores} physical cores" in threads.reason
    assert ("quota, the time of" in threads.reason) == (quota is not None)


def test_loaded_libraries_are_found_in_the_map_of_memory(tmp_path):
    maps = tmp_path / "maps"
    line = "7f00-7f01 r-xp 00000000 08:01 123      /usr/lib/{}\n"
    for name, found in (("libgomp.so.1", True), ("libgomp.so.1.0.0", True), ("libgomp-a34b3233.so.1", False),
                        ("mylibgomp.so.1", False), ("libm.so.6", False)):
        maps.write_text("7ffd-7ffe rw-p 00000000 00:00 0 [stack]\n" + line.format(name))
        assert runtime.is_loaded("libgomp.so.1", str(maps)) is found
    assert runtime.is_loaded("libgomp.so.1", str(tmp_path / "none")) is False
    assert runtime.is_loaded("libgomp.so.1")  # of this process: the package has loaded it


def test_report_is_a_table():
    text = runtime.report(list(decided({"GOMP_SPINCOUNT": "9"}).values()), width=100)
    lines = text.splitlines()
    assert lines[0].split() == ["setting", "value", "chosen", "by", "why"]
    assert max(map(len, lines)) <= 100
    words = " ".join(text.split())
    assert "OMP_NUM_THREADS 3 light_head_rcnn Three." in words and "GOMP_SPINCOUNT 9 your environment" in words
    assert [choice.name for choice in runtime.choices()] == [
        line.split("  ")[0] for line in runtime.report().splitlines()[1:] if not line.startswith(" ")]


def test_openmp_and_mxnet_get_the_choices():
    code = """
        import ctypes, os, light_head_rcnn
        from light_head_rcnn import runtime
        print(ctypes.CDLL("libgomp.so.1").omp_get_max_threads() == runtime.available_threads().count)
        print({choice.name: choice.source for choice in runtime.choices()}["OMP_NUM_THREADS"])
        print(os.environ["GOMP_SPINCOUNT"], os.environ["MXNET_MKLDNN_CACHE_NUM"])
    """
    assert python(code).splitlines() == ["True", "light_head_rcnn", "2000 64"]
    threads = "import ctypes, light_head_rcnn; print(ctypes.CDLL('libgomp.so.1').omp_get_max_threads())"
    assert python(threads, OMP_NUM_THREADS="7") == "7"


def test_copies_of_large_arrays_start_no_threads():
    code = """
        import os, light_head_rcnn, mxnet as mx, numpy as np
        mx.nd.dot(mx.nd.ones((300, 300)), mx.nd.ones((300, 300))).asnumpy()
        before = len(os.listdir("/proc/self/task"))
        mx.nd.array(np.ones(3000000, np.float32)).asnumpy()
        print(len(os.listdir("/proc/self/task")) - before)
    """
    assert python(code, OMP_NUM_THREADS="2") == "0"
    assert python(code, OMP_NUM_THREADS="2", MXNET_CPU_PARALLEL_SIZE="200000") == "1"  # what is avoided


@pytest.mark.slow
def test_mxnet_imported_first_is_told_once():
    code = """
        import warnings, numpy
        numpy.bool = bool
        warnings.simplefilter("ignore")
        import mxnet
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            import light_head_rcnn
            from light_head_rcnn import runtime
            runtime.prepare()
        print([str(w.message).split("; ")[0] for w in caught if "light_head_rcnn" in str(w.message)])
        print([(w.category.__name__, w.filename) for w in caught if "light_head_rcnn" in str(w.message)])
    """
    message = (f"MXNet or another library that uses OpenMP was imported before light_head_rcnn, so that "
               f"OMP_NUM_THREADS={runtime.available_threads().count} and GOMP_SPINCOUNT=2000 can no longer be set")
    assert python(code).splitlines() == [str([message]), "[('RuntimeWarning', '<string>')]"]
    assert python(code, OMP_NUM_THREADS="1", GOMP_SPINCOUNT="1").splitlines() == ["[]", "[]"]


# A detector's answers on images of three sizes; two threads of OpenMP, so that a fork finds them running.
DETECTOR = """
    import multiprocessing, threading
    import light_head_rcnn as lh, mxnet as mx, numpy as np
    mx.random.seed(0)
    net = lh.get_model("light_head_rcnn_xception_voc", pre_nms=200, post_nms=50, max_per_image=20)
    net.initialize(mx.init.Xavier(magnitude=3))
    net.hybridize()
    images = [mx.nd.array(np.random.RandomState(size).randn(1, 3, size, 96) * 50) for size in (96, 128, 112)]
    def detect(number):
        return np.concatenate([part.asnumpy()[0] for part in net(images[number])], axis=1)
    expected = [detect(number) for number in range(3)]
    assert all((answer[:, 0] >= 0).any() for answer in expected)
    assert not np.array_equal(expected[0], expected[1])
"""


@pytest.mark.slow
def test_detectors_answer_alike_after_a_fork():
    code = DETECTOR + """
    def serve(link):
        link.send([detect(number) for number in (2, 0, 1)])
    for _ in range(3):
        ours, theirs = multiprocessing.get_context("fork").Pipe()
        child = multiprocessing.get_context("fork").Process(target=serve, args=(theirs,))
        child.start()
        assert ours.poll(120), "the forked process does not answer"
        answers = ours.recv()
        child.join(60)
        assert child.exitcode == 0
        for number, answer in zip((2, 0, 1), answers):
            np.testing.assert_array_equal(answer, expected[number])
        np.testing.assert_array_equal(detect(0), expected[0])  # and this process still does
    print("alike")
    """
    assert python(code, OMP_NUM_THREADS="2").splitlines()[-1] == "alike"


@pytest.mark.slow
def test_detectors_answer_alike_in_several_threads():
    code = DETECTOR + """
    wrong = []
    def work(start):
        for step in range(6):
            number = (start + step) % 3
            if not np.array_equal(detect(number), expected[number]):
                wrong.append((start, step))
    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "a thread does not answer"
    print("wrong:", wrong)
    """
    assert python(code, OMP_NUM_THREADS="2").splitlines()[-1] == "wrong: []"
