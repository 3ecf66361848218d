"""Command lines: overrides, devices, readable errors."""
import errno
import subprocess
import sys
from types import SimpleNamespace

import mxnet as mx
import pytest

from light_head_rcnn.errors import CheckpointError, ConfigError, DataError, UsageError
from light_head_rcnn.experiments.commands import options as cli


@pytest.fixture
def cfg_file(tmp_path):
    path = tmp_path / "row.yaml"
    path.write_text("gpus: '0,1'\n")
    return str(path)


def parse(words):
    parser = cli.make_parser("lhrcnn it", "Does.", "lhrcnn it")
    cli.add_overrides(parser)
    args = parser.parse_intermixed_args(words)
    return args, cli.load_cfg(args.cfg, args.overrides)


@pytest.mark.parametrize("words, overrides, others", [
    (["a.jpg", "TEST.NMS=0.3", "b/"], ["TEST.NMS=0.3"], ["a.jpg", "b/"]),
    (["TEST.NMS", "0.3", "a=b.jpg"], ["TEST.NMS", "0.3"], ["a=b.jpg"]), (["./seed", "x"], [], ["./seed", "x"]),
    (["x", "TEST.NMS"], ["TEST.NMS"], ["x"]), (["seed=1=2"], ["seed=1=2"], []),
    (["a.jpg", "TEST.NMZ=0.5"], ["TEST.NMZ=0.5"], ["a.jpg"]), (["TEST.NMZ", "x.y=1"], [], ["TEST.NMZ", "x.y=1"])])
def test_overrides_among_other_words(words, overrides, others):
    assert cli.split_overrides(words) == (overrides, others)


def test_a_file_whose_name_looks_like_an_override(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "TEST.NMZ=0.jpg").write_text("")
    assert cli.split_overrides(["TEST.NMZ=0.jpg"]) == ([], ["TEST.NMZ=0.jpg"])


@pytest.mark.parametrize("words", ["--cfg {} --cpu TRAIN.lr 0.5", "TRAIN.lr 0.5 --cpu --cfg {}",
                                   "--cfg {} TRAIN.lr 0.5 --cpu"])
def test_overrides_stand_anywhere(cfg_file, words):
    args, cfg = parse(words.format(cfg_file).split())
    assert cfg.TRAIN.lr == 0.5 and args.cpu and cli.choose_contexts(args, cfg) == [mx.cpu()]


def test_negative_values(cfg_file):
    for words in (["TRAIN.BATCH_ROIS", "-1"], ["TRAIN.BATCH_ROIS=-1"]):
        assert parse(["--cfg", cfg_file, *words])[1].TRAIN.BATCH_ROIS == -1


@pytest.mark.parametrize("words, message", [
    (["TRAIN.lr", "1"], "--cfg FILE"),
    (["--cfg", "{}", "TRAIN.lr"], "TRAIN.lr has no value; write TRAIN.lr VALUE or TRAIN.lr=VALUE"),
    (["--cfg", "{}", "TRAIN.LR", "1"], "did you mean TRAIN.lr?"),
    (["--cfg", "{}", "TEST.HAS_RPN", "false"], "TEST.HAS_RPN is False: only True is implemented")])
def test_mistakes_in_words(cfg_file, words, message):
    with pytest.raises((cli.UsageError, ConfigError)) as caught:
        parse([word.format(cfg_file) for word in words])
    assert message in str(caught.value)


def test_the_output_folder_is_no_value_of_the_last_override(cfg_file):
    parser = cli.make_parser("lhrcnn it", "Does.", "lhrcnn it")
    cli.add_training_arguments(parser, "go on")
    words = ["--cfg", cfg_file, "--out", "mine", "output_path=other"]
    assert cli.load_training_cfg(parser.parse_intermixed_args(words)).output_path == "mine"
    with pytest.raises(ConfigError, match="override: network.pretrained has no value"):
        cli.load_training_cfg(parser.parse_intermixed_args([*words, "network.pretrained"]))


def contexts(monkeypatch, seen, cpu=False, gpus=None, configured="0", cpus=None):
    monkeypatch.setattr(mx.context, "num_gpus", lambda: seen)
    return cli.choose_contexts(SimpleNamespace(cpu=cpu, cpus=cpus, gpus=gpus), SimpleNamespace(gpus=configured))


def test_devices(monkeypatch):
    assert contexts(monkeypatch, 0) == [mx.cpu()]
    assert contexts(monkeypatch, 4, cpu=True) == [mx.cpu()]
    assert contexts(monkeypatch, 4, cpus=2) == [mx.cpu(0), mx.cpu(1)]
    assert contexts(monkeypatch, 4, gpus="2,0") == [mx.gpu(2), mx.gpu(0)]
    assert contexts(monkeypatch, 4, configured="0,3") == [mx.gpu(0), mx.gpu(3)]


def test_no_cpu_device_is_a_mistake(monkeypatch):
    with pytest.raises(cli.UsageError, match="--cpus is 0; it must be at least 1"):
        contexts(monkeypatch, 0, cpus=0)


@pytest.mark.parametrize("seen, gpus, message", [
    (0, "0", "GPUs 0 asked for, but MXNet sees none"), (2, "0,2", "sees only GPUs 0 to 1"), (2, "1,1", "GPUs 1,1"),
    (2, "a", "--gpus takes numbers"), (2, "", "--gpus takes numbers")])
def test_device_mistakes(monkeypatch, seen, gpus, message):
    with pytest.raises(cli.UsageError, match=message):
        contexts(monkeypatch, seen, gpus=gpus)


@pytest.mark.parametrize("error", [UsageError("look"), ConfigError("look"), CheckpointError("look"),
                                   DataError("look")])
def test_mistakes_of_the_user_are_one_line(capsys, error):
    @cli.readable_errors
    def main(argv=None):
        raise error

    assert main() == 2
    assert capsys.readouterr().err == "error: look\n"


@pytest.mark.parametrize("error, message", [
    (PermissionError(errno.EACCES, "No", "some/path"), "some/path: No"),
    (FileNotFoundError(errno.ENOENT, "No", "some/path"), "some/path: No"),
    (OSError(errno.EROFS, "Read-only file system", "some/path"), "some/path: Read-only file system"),
    (OSError(errno.ENOSPC, "No space left on device"), "No space left on device")])
def test_errors_of_paths_are_one_line(capsys, error, message):
    @cli.readable_errors
    def main(argv=None):
        raise error

    assert main() == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_an_output_folder_is_checked_and_not_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    cli.check_output_folder(tmp_path / "new" / "folder")
    cli.check_output_folder("new/folder")
    assert not (tmp_path / "new").exists()
    for folder in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(UsageError, match="because .*/file is not a folder: name another by --out"):
            cli.check_output_folder(folder)
    with pytest.raises(UsageError, match="file is not a folder: use another$"):
        cli.check_output_folder(tmp_path / "file" / "folder", "use another")
    monkeypatch.setattr(cli.os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(UsageError, match="may not be written to"):
        cli.check_output_folder(tmp_path / "new")


@pytest.mark.parametrize("error", [ValueError("ours"), OSError("ours")])
def test_mistakes_of_the_project_keep_their_traceback(error):
    @cli.readable_errors
    def main(argv=None):
        raise error

    with pytest.raises(type(error), match="ours"):
        main()


CHATTY = """
import sys
from light_head_rcnn.experiments.commands import options

@options.readable_errors
def main(argv=None):
    print("much" * {})
    if {}:
        options.make_plain_parser("lhrcnn it", "Does.", "lhrcnn it").parse_args(["--help"])
    print("and the work goes on", file=sys.stderr)
    return 3

sys.exit(main())
"""


@pytest.mark.parametrize("times", [1, 100000])
@pytest.mark.parametrize("helps, status, told", [(False, 3, b"and the work goes on\n"), (True, 0, b"")])
def test_a_reader_that_has_seen_enough_ends_nothing(times, helps, status, told):
    process = subprocess.Popen([sys.executable, "-c", CHATTY.format(times, helps)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == told and process.wait() == status


def test_a_command_without_stdout(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.readable_errors(lambda argv: print("unheard") or 0)(None) == 0


def test_interruption(capsys):
    @cli.readable_errors
    def main(argv=None):
        raise KeyboardInterrupt

    assert main() == 130 and capsys.readouterr().err == "stopped\n"
