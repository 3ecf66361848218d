"""Commands in processes: how they end is told, and none of them outlives the process that started it."""
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.runs.processes import CommandRunner


def python(code):
    return [sys.executable, "-c", code]


def wait_until(condition, seconds=20):
    """True once the condition holds; False after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def is_running(process_id):
    """Whether a process is there and has not ended; one that has ended may wait for its parent to notice."""
    try:
        with open(f"/proc/{process_id}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_command_that_fails_says_why(tmp_path):
    runner, log = CommandRunner(), tmp_path / "log.txt"
    with pytest.raises(UsageError, match="ended with status 1; the end of .*log.txt:\nno such wonder"):
        runner.run(python("import sys; sys.exit('no such wonder')"), log)
    runner.run(python("print('fine')"), log)
    assert log.read_text() == "no such wonder\nfine\n"
    with pytest.raises(KeyboardInterrupt):
        runner.run(python("import sys; sys.exit(130)"), log)


def test_threads_of_commands(tmp_path):
    CommandRunner(threads=3).run(python("import os; print(os.environ['OMP_NUM_THREADS'])"), tmp_path / "log.txt")
    assert (tmp_path / "log.txt").read_text() == "3\n"


@pytest.mark.parametrize("name, told", [("SIGKILL", "was ended by SIGKILL.*memory runs out.*--jobs"),
                                        ("SIGSEGV", r"crashed in native code \(SIGSEGV\)"),
                                        ("SIGTERM", "was ended by SIGTERM")])
def test_a_signal_is_told(tmp_path, name, told):
    code = f"import os, signal; print('so far', flush=True); os.kill(os.getpid(), signal.{name})"
    with pytest.raises(UsageError, match=f"{told}.*the end of .*log.txt:\nso far"):
        CommandRunner().run(python(code), tmp_path / "log.txt")


def test_a_segmentation_fault_inside_mxnet_is_told(tmp_path):
    """MXNet catches the signal and ends with a status of its own."""
    code = "import light_head_rcnn, mxnet, os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    with pytest.raises(UsageError, match=r"crashed in native code[^$]*Segmentation fault"):
        CommandRunner().run(python(code), tmp_path / "log.txt")


def test_ctrl_c_is_no_failure(tmp_path):
    code = "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGINT)"
    with pytest.raises(KeyboardInterrupt):
        CommandRunner().run(python(code), tmp_path / "log.txt")


def test_a_command_ends_with_the_process_that_started_it(tmp_path):
    """Only the parent is killed, in a way that it cannot notice."""
    log, started = tmp_path / "log.txt", tmp_path / "started"
    child = f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    parent = subprocess.Popen(python(
        "from pathlib import Path\n"
        "from light_head_rcnn.experiments.runs.processes import CommandRunner\n"
        f"CommandRunner().run({python(child)!r}, Path({str(log)!r}))"))
    try:
        assert wait_until(lambda: started.is_file() and started.read_text(), 60)
        process_id = int(started.read_text())
        assert is_running(process_id)
    finally:
        parent.kill()
        parent.wait()
    assert wait_until(lambda: not is_running(process_id))


def test_a_command_does_not_begin_after_its_parent_has_ended(tmp_path):
    """The launcher is told of a parent that is not its own, as where that one has ended in between."""
    launch = CommandRunner.__init__.__globals__["_LAUNCH"]
    done = subprocess.run([sys.executable, str(launch), str(os.getppid()), *python("print('begun')")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == 1 and "begun" not in done.stdout and "has ended" in done.stderr


def test_running_commands_can_be_stopped(tmp_path):
    runner, errors = CommandRunner(), []
    code = f"import time; open({str(tmp_path / 'started')!r}, 'w').close(); time.sleep(600)"

    def run():
        try:
            runner.run(python(code), tmp_path / "log.txt")
        except UsageError as error:
            errors.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    assert wait_until((tmp_path / "started").is_file)
    runner.stop()
    thread.join(20)
    assert not thread.is_alive() and signal.SIGTERM.name in errors[0]
    runner.stop()


def test_a_command_ends_when_its_time_is_over(tmp_path):
    seen, runner = [], CommandRunner()
    began = time.monotonic()
    assert not runner.run(python("import time; time.sleep(600)"), tmp_path / "log.txt", began + 2.5, seen.append)
    assert 2.5 <= time.monotonic() - began < 20 and len(seen) >= 2 and not is_running(seen[0])
    assert runner.run(python("pass"), tmp_path / "log.txt", time.monotonic() + 60)
