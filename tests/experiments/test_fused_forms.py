"""The benchmark of a detector's forms, with a small network."""
import json

import mxnet as mx
import pytest

from light_head_rcnn.experiments.benchmarks import fused_forms


@pytest.mark.parametrize("words, sizes", [((), {(64, 256)}), (("--changing",), {(64, 256), (64, 224), (64, 192),
                                                                              (64, 160)})])
def test_the_table_and_the_file(monkeypatch, capsys, tmp_path, words, sizes):
    seen = []

    class Net:
        def __init__(self, number):
            self.number = number

        def __call__(self, x, im_info):
            assert im_info.asnumpy().tolist() == [[*x.shape[2:], 1]]
            seen.append((self.number, x.shape[2:]))
            return [x.sum()]

    monkeypatch.setattr(fused_forms, "get_model", lambda *_, **__: mx.gluon.nn.Dense(1))
    monkeypatch.setattr(fused_forms, "forms", lambda net: {"as it is": Net(1), "folded": Net(2)})
    file = tmp_path / "times.json"
    assert fused_forms.main(["--sizes", "64x256", "--images", "4", "--json", str(file), *words]) == 0
    rows = json.loads(file.read_text())["rows"]
    assert [(row["size"], row["form"]) for row in rows] == [("64x256", "as it is"), ("64x256", "folded")]
    assert rows[0]["speed"] == 1 and len(capsys.readouterr().out.splitlines()) == 3
    assert set(seen) == {(number, size) for number in (1, 2) for size in sizes}


def test_the_forms_answer_the_same():
    from light_head_rcnn.gluon_models import get_model
    net = get_model("light_head_rcnn_xception_voc", pre_nms=50, post_nms=10)
    net.initialize(mx.init.Xavier(magnitude=3))
    made = fused_forms.forms(net)
    x, im_info = mx.nd.random.uniform(-100, 100, (1, 3, 64, 96)), mx.nd.array([[64, 96, 1]])
    scores = [form(x, im_info)[1].asnumpy() for form in made.values()]
    assert list(made) == ["as it is", "folded", "oneDNN"]
    assert all(abs(one - scores[0]).max() < 1e-5 for one in scores)
