"""The forms of one network: maps by name, classifiers, dilation in place of strides, stages that are not trained."""
import pickle

import mxnet as mx
import numpy as np
import pytest

# Name, output stride, and the cell of the dilated map that is the first one of the strided map: max pooling and
# TensorFlow's padding look ahead. At stride 8 the windows of poolings, which are not dilated, see other cells.
DILATED = [("resnet50_v1", 16, 0), ("resnet50_v1", 8, 0), ("resnet50_v1b", 16, 0), ("resnet50_v1b", 8, 0),
           ("resnet50_v1c", 16, 0), ("resnext50_32x4d", 8, 0), ("res2net50", 16, 0), ("res2netplus50", 16, 0),
           ("densenet121", 16, 0), ("vovnet27_slim", 16, 1), ("vovnet39", 16, 1), ("efficientnet_lite0", 16, 1),
           ("efficientnet_lite0", 8, 3)]


@pytest.mark.parametrize("name, stride, first", DILATED)
def test_dilated_maps_hold_the_strided_ones(build_backbone, randomize, give_values, name, stride, first):
    """A dilated network computes what the strided one does, for more cells (Yu and Koltun, arXiv 1511.07122)."""
    last = build_backbone(name).stages[-1].name
    strided = build_backbone(name, outputs=(last,))
    arrays = randomize(strided)
    dilated = build_backbone(name, outputs=(last,), output_stride=stride)
    give_values(dilated, arrays)
    x = mx.nd.random.normal(shape=(1, 3, 96, 128))
    expected, found = strided(x)[0].asnumpy(), dilated(x)[0].asnumpy()
    found = found[:, :, first::32 // stride, first::32 // stride]
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["vovnetv2_19_slim", "efficientnet_lite0", "xception"])
def test_maps_by_name(build_backbone, randomize, give_values, name):
    """What lies behind the last stage that is asked for is not built."""
    two = build_backbone(name)
    arrays = randomize(two)
    rpn, head = two_names = [next(stage.name for stage in reversed(two.stages) if stage.level == level)
                             for level in (4, 5)]
    x = mx.nd.random.normal(shape=(1, 3, 64, 96))
    expected = [part.asnumpy() for part in two(x)]
    named = build_backbone(name, outputs=two_names, output_stride=16)
    twice = build_backbone(name, outputs=(rpn, rpn))
    for net in named, twice:
        give_values(net, arrays)
    for found, values in zip([*named(x), *twice(x)], [*expected, expected[0], expected[0]]):
        np.testing.assert_array_equal(found.asnumpy(), values)
    assert not any(key in twice.collect_params() for key in getattr(named, head).collect_params())
    assert twice.stages[-1].name == rpn and not hasattr(twice, head)
    assert twice.feature_size(65) == named.feature_size(65) == two.feature_size(65)


@pytest.mark.parametrize("name", ["resnet50_v1", "resnext50_32x4d", "res2net50", "densenet121", "vovnet27_slim",
                                  "vovnetv2_19_slim", "efficientnet_lite0", "xception"])
def test_classifier_on_demand(build_backbone, name):
    net = build_backbone(name, classes=5, frozen=False)
    net.initialize()
    net.hybridize()
    x = mx.nd.random.normal(shape=(2, 3, 64, 64))
    with mx.autograd.record():
        logits = net(x)
    logits.backward()
    assert logits.shape == (2, 5) and np.isfinite(logits.asnumpy()).all()
    assert all(np.isfinite(p.grad().asnumpy()).all() for p in net.collect_params().values() if p.grad_req != "null")
    assert net.stages[-1].stride == 32 and net.out_channels == ()
    assert set(build_backbone(name).collect_params()) < set(net.collect_params())


def test_feature_size_goes_to_other_processes_without_the_network(build_backbone):
    for outputs in ("two_maps", "pyramid"):
        net = build_backbone("vovnet39", outputs=outputs)
        assert pickle.loads(pickle.dumps(net.feature_size))(333) == net.feature_size(333)


@pytest.mark.parametrize("name", ["vovnetv2_19_slim", "densenet121", "efficientnet_lite0"])
def test_statistics_are_frozen_or_follow_the_batches(build_backbone, name):
    for frozen in (True, False):
        net = build_backbone(name, frozen=frozen)
        net.initialize(mx.init.Xavier())
        means = {key: p for key, p in net.collect_params().items() if key.endswith("_moving_mean")}
        before = {key: parameter.data().asnumpy() for key, parameter in means.items()}
        with mx.autograd.record():
            maps = net(mx.nd.random.normal(shape=(2, 3, 64, 64)))
        mx.autograd.backward(list(maps))  # MXNet updates the statistics on the way back
        changed = [key for key, parameter in means.items() if (parameter.data().asnumpy() != before[key]).any()]
        assert len(changed) == (0 if frozen else len(means))


def test_stages_that_are_not_trained(build_backbone):
    net = build_backbone("vovnet39")
    fixed = net.freeze_stages(1)
    assert fixed and all(key.startswith(("stem_", "stage2_")) for key in fixed)
    for key, parameter in net.collect_params().items():
        assert (parameter.grad_req == "null") == (key in fixed or "_moving_" in key), key
    assert {key.partition("_")[0] for key in build_backbone("vovnet39").freeze_stages(0)} == {"stem"}


@pytest.mark.parametrize("name, starts", [
    ("vovnet39", {"conv1": "stem_", **{f"res{level}": f"stage{level}_" for level in (2, 3, 4, 5)}}),
    ("resnext50_32x4d", {"conv1": "conv1_", **{f"res{level}": f"layer{level - 1}_" for level in (2, 3, 4, 5)}}),
    ("efficientnet_lite0", {"conv1": ("_conv_stem_", "_blocks_0_"), "res2": ("_blocks_1_", "_blocks_2_"),
                            "res3": ("_blocks_3_", "_blocks_4_"),
                            "res4": tuple(f"_blocks_{i}_" for i in range(5, 11)),
                            "res5": tuple(f"_blocks_{i}_" for i in range(11, 16))})])
def test_words_of_caffe(build_backbone, name, starts):
    words = build_backbone(name).caffe_words()
    assert set(words) == {"conv1", "bn_conv1"} | {f"{kind}{level}" for kind in ("res", "bn") for level in (2, 3, 4, 5)}
    for word, start in starts.items():
        assert words[word] and all(key.startswith(start) and key.endswith("_weight") for key in words[word])
        norms = words[{"conv1": "bn_conv1"}.get(word, word.replace("res", "bn"))]
        assert {key.rpartition("_")[2] for key in norms} == {"gamma", "beta", "mean", "var"}
    together = [key for keys in words.values() for key in keys]
    assert sorted(together) == sorted(build_backbone(name).collect_params())


def test_words_of_caffe_are_names_where_the_network_is_caffes(build_backbone):
    assert build_backbone("resnet50_v1").caffe_words() == build_backbone("xception").caffe_words() == {}
