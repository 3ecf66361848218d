"""Converts weights of other frameworks to parameter files of this package, with a configuration that uses them.

SOURCE is told apart by its content: a parameter file of MXNet or GluonCV, a checkpoint of the TensorFlow original (the
prefix of its index and data files), an npz of ChainerCV, a state dict of PyTorch (.pth, .pt, .safetensors), or the name
efficientnet_lite0, whose weights come with a package. Some take a package to be read; the error says which. No file can
run a program by being read. docs/weights.md says where such files are published.
"""
from pathlib import Path

from . import options

EXAMPLES = """
lhrcnn convert resnet101-cd907fc2.pth --to model/resnet101_v1b.params
lhrcnn convert efficientnet_lite0 --to model/lite0.params
lhrcnn convert epoch_26.ckpt --to model/original.params
lhrcnn convert light_head_rcnn_resnet101_trained_2018_07_26.npz --to model/chainercv.params
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status."""
    parser = options.make_plain_parser("lhrcnn convert", __doc__, EXAMPLES)
    parser.add_argument("source", metavar="SOURCE", help="file of weights, prefix of a TensorFlow checkpoint, or name")
    parser.add_argument("--to", metavar="FILE", required=True, help="parameter file to write, such as m/a.params; "
                        "m/a.json, which says what it holds, and m/a.yaml, a configuration, are written beside it")
    parser.add_argument("--model", metavar="NAME", help="backbone, such as resnet101_v1b, or detector that the weights "
                        "shall fit (default: it is found out)")
    colours = parser.add_mutually_exclusive_group()
    colours.add_argument("--bgr", action="store_true", help="the network was trained to read blue, green, red: turn "
                         "its first convolution round, because images are red, green, blue here (default: only where "
                         "the file is known to be such a one, as those of detectron2's ResNets are)")
    colours.add_argument("--rgb", action="store_true", help="the network was trained to read red, green, blue")
    args = parser.parse_args(argv)
    options.check_output_folder(Path(args.to).parent, "name another by --to")
    from ...engine.building.converting import convert
    done = convert(args.source, args.to, args.model, True if args.bgr else False if args.rgb else None)
    parameters, state, configuration = done.files
    words = f"--cfg {configuration} dataset.dataset_path=DATA"
    if done.on_proposals:
        words += " dataset.proposal_files=FILE,FILE"
    print(f"{done.text}\nwrote {parameters}, {state} and {configuration}\n\n"
          + (f"To test it:   lhrcnn test {words}\n" if done.is_detector else "")
          + f"To start a training with it:   lhrcnn train {words}\n"
          f"or, with a configuration of your own, network.pretrained={parameters}")
    return 0
