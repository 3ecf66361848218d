"""The command that converts weights."""
import mxnet as mx

from light_head_rcnn.engine.building import converting
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.experiments.commands import convert, main
from light_head_rcnn.gluon_models import registry


def test_a_backbone_is_converted_and_the_next_command_is_told(tmp_path, capsys):
    net = registry.BACKBONES.get("xception").build(frozen=True)
    mx.nd.save(str(tmp_path / "source"), {name: mx.nd.ones(parameter.shape) for name, parameter in
                                          net.collect_params().items()})
    assert main.main(["convert", str(tmp_path / "source"), "--to", str(tmp_path / "x.params")]) == 0
    printed = capsys.readouterr().out
    assert "MXNet parameter file, the backbone xception" in printed and "lhrcnn test" not in printed
    assert f"lhrcnn train --cfg {tmp_path / 'x.yaml'} dataset.dataset_path=DATA" in printed
    assert load_config(tmp_path / "x.yaml").network.pretrained == str(tmp_path / "x.params")


def test_the_next_commands_name_the_files_of_proposals(tmp_path, capsys, monkeypatch):
    files = ("x.params", "x.json", "x.yaml")
    monkeypatch.setattr(converting, "convert", lambda *_: converting.Conversion(files, True, "found", True))
    assert convert.main(["source", "--to", str(tmp_path / "x.params")]) == 0
    printed = capsys.readouterr().out
    words = "--cfg x.yaml dataset.dataset_path=DATA dataset.proposal_files=FILE,FILE"
    assert f"lhrcnn test {words}\n" in printed and f"lhrcnn train {words}\n" in printed


def test_mistakes_are_one_message(tmp_path, capsys):
    assert convert.main([str(tmp_path / "none.pth"), "--to", str(tmp_path / "x.params")]) == 2
    assert capsys.readouterr().err == f"error: there is no file {tmp_path / 'none.pth'}\n"
    (tmp_path / "file").write_text("x")
    assert convert.main(["efficientnet_lite0", "--to", str(tmp_path / "file" / "x.params")]) == 2
    assert "file is not a folder: name another by --to\n" in capsys.readouterr().err
    for target in (tmp_path, tmp_path / "new" / ".params"):
        assert convert.main(["efficientnet_lite0", "--to", str(target)]) == 2
        assert "names no file: name the parameter file to write, such as" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
