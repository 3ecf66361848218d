"""The options of lhrcnn serve, before anything is loaded."""
import pytest

from light_head_rcnn.experiments.commands import serve
from light_head_rcnn.experiments.commands.main import main

TOKEN = "0123456789abcdef0123"


@pytest.fixture
def served(monkeypatch):
    """The settings that a command line would serve with."""
    given = []
    monkeypatch.setattr(serve, "_serve", lambda settings, quiet: given.append((settings, quiet)) or 0)
    monkeypatch.delenv("LHRCNN_TOKEN", raising=False)
    return given


def test_options_become_settings(served, tmp_path, monkeypatch):
    assert main(["serve", "m"]) == 0
    settings, quiet = served.pop()
    assert settings == serve.Settings("m") and not quiet and settings.token is None
    (tmp_path / "token").write_text(TOKEN + "\n")
    assert main(["serve", "m", "--host", "0.0.0.0", "--token-file", str(tmp_path / "token"), "--workers", "2",
                 "--queue", "5", "--max-megabytes", "0.5", "--max-megapixels", "2", "--request-timeout", "1.5",
                 "--engine", "openvino", "--precision", "bfloat16", "--quiet"]) == 0
    settings, quiet = served.pop()
    assert settings == serve.Settings(
        "m", "openvino", "bfloat16", "0.0.0.0", token=TOKEN, workers=2, queue=5, max_bytes=500_000, max_megapixels=2,
        request_timeout=1.5) and quiet
    monkeypatch.setenv("LHRCNN_TOKEN", TOKEN)
    assert main(["serve", "m", "--host", "::"]) == 0 and served.pop()[0].token == TOKEN


@pytest.mark.parametrize("words, problem", [
    (["--host", "0.0.0.0"], "must bring a token along"), (["--token-file", "missing"], "missing: no token can be read"),
    (["--token-file", "short"], "at least 16"), (["--token-file", "spaces"], "no spaces"),
    (["--upload-memory", "1"], "--upload-memory"), (["--port", "-1"], "--port is -1; it must be from 0 to 65535"),
    (["--port", "70000"], "--port is 70000; it must be from 0 to 65535")])
def test_mistakes_are_one_line(served, tmp_path, monkeypatch, capsys, words, problem):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short").write_text("abc")
    (tmp_path / "spaces").write_text("0123456789 0123456789")
    assert main(["serve", "m", *words]) == 2 and not served
    said = capsys.readouterr().err
    assert problem in said and said.count("\n") == 1


@pytest.mark.parametrize("words", [["--workers", "0"], ["--queue", "x"], ["--max-megabytes", "0"], ["--port", "x"],
                                   ["--idle-timeout", "nan"]])
def test_numbers_have_bounds(served, capsys, words):
    with pytest.raises(SystemExit):
        main(["serve", "m", *words])
    assert words[0] in capsys.readouterr().err
