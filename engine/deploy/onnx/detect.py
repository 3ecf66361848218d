"""Finds objects in photographs with the detector in this folder; draws boxes and writes detections.json.

    pip install numpy 'pillow>=10.1' onnxruntime        # or openvino
    python detect.py photo.jpg holidays/ --out found

Where meta.json says "proposals", the detector classifies given boxes: --proposals names an .npz file of them, as
`lhrcnn proposals` writes it, or with one array an image, by its file's name, of rows (x1, y1, x2, y2) in its pixels.
"""
import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFile, ImageFont, ImageOps

MODEL, META, KIND, FORMAT = "model.onnx", "meta.json", "light_head_rcnn detector", 1
INPUTS, OUTPUTS = ("images", "im_info", "proposals"), ("boxes", "scores", "classes", "counts")
EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# A model, as a function from images float32 (N, 3, H, W), RGB from 0 to 255, im_info float32 (N, 3), rows (height,
# width, scale from the photograph to the image), and where it needs them proposals float32 (N, R, 4), in pixels of the
# image, to boxes (N, K, 4), scores (N, K), classes (N, K) and counts (N,).
Model = Callable[..., List[np.ndarray]]


class Problem(Exception):
    """What a user can mend; its text says how."""


def read_meta(folder: Path) -> Dict[str, Any]:
    """Reads meta.json, and checks that the model beside it is the one that it describes."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        if (meta.get("kind"), meta.get("format")) != (KIND, FORMAT):
            raise ValueError(f"{META} does not describe a detector in format {FORMAT}, which this version reads")
        if hashlib.sha256((folder / MODEL).read_bytes()).hexdigest() != meta.get("sha256"):
            raise ValueError(f"{MODEL} was cut short or changed: it is not the file that {META} describes")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise Problem(f"{folder} is no exported detector, or not a whole one: {error}") from None
    return meta


def open_onnxruntime(path: str, threads: int, precision: str) -> Any:
    """Loads a model into ONNX Runtime."""
    import onnxruntime
    if precision == "bfloat16":
        raise ValueError("it has no bfloat16 on processors, and --engine openvino has")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3  # no warnings
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def open_openvino(path: str, threads: int, precision: str, hint: str = "LATENCY") -> Any:
    """Loads a model into OpenVINO, for the least LATENCY of an image or the largest THROUGHPUT of several at a time."""
    import openvino
    model = openvino.Core().read_model(path)
    # OpenVINO takes an input that may be left out as a constant.
    for node in model.get_ordered_ops():
        if node.get_friendly_name() == "im_info" and node.get_type_name() == "Constant":
            parameter = openvino.opset8.parameter([-1, 3], np.float32, name="im_info")
            node.output(0).replace(parameter.output(0))
            model.add_parameters([parameter])
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": hint, "INFERENCE_NUM_THREADS": threads}
    if precision == "bfloat16":  # places of RoIs need float32, which OpenVINO keeps to on the way to outputs
        settings["INFERENCE_PRECISION_HINT"] = "bf16"
        model.add_outputs([name for node in model.get_ops() for output in node.outputs() for name in output.get_names()
                           if name.endswith("/pooled")])
    return openvino.compile_model(model, "CPU", settings)


def open_model(folder: Path, engine: str, threads: int = 0, precision: str = "float32") -> Model:
    """Loads the model of a folder into an engine; 0 threads leave their number to the engine."""
    try:
        if engine == "openvino":
            compiled = open_openvino(str(folder / MODEL), threads, precision)
            return lambda *arrays: list(map(compiled(dict(zip(INPUTS, arrays))).__getitem__, OUTPUTS))
        session = open_onnxruntime(str(folder / MODEL), threads, precision)
        return lambda *arrays: session.run(OUTPUTS, dict(zip(INPUTS, arrays)))
    except ImportError as error:
        raise Problem(f"the engine {engine} cannot be imported ({error}): pip install {engine}") from None
    except Exception as error:  # each engine has its own kinds
        raise Problem(f"{engine} cannot run {folder / MODEL}: {' '.join(str(error).split()[-40:])}") from None


def read_image(path: Path) -> np.ndarray:
    """Reads an image, upright, as uint8 (H, W, 3), RGB. A file that is cut off is read as far as it goes."""
    problem = None
    for ImageFile.LOAD_TRUNCATED_IMAGES in (False, True):
        try:
            with Image.open(path, formats=("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")) as image:
                image.load()
            if problem and all(low == high for low, high in np.reshape(image.getextrema(), (-1, 2))):
                break  # nothing was there before the file ended
            pixels = rgb_pixels(ImageOps.exif_transpose(image))
            if problem:
                print(f"warning: {path} is cut off or damaged; the missing part is blank", file=sys.stderr)
            return pixels
        except Exception as error:  # Pillow raises all kinds for broken files
            problem = problem or error
    raise Problem(f"{path}: not a readable image ({' '.join(str(problem).split()) or repr(problem)})")


def rgb_pixels(image: Image.Image) -> np.ndarray:
    """Converts an image to uint8 (H, W, 3), RGB, with white where it is transparent."""
    if image.mode == "F":
        raise Problem("its values are floats, which this script does not read")
    if image.mode.startswith("I"):  # gray of 16 bits, of which cameras use 10, 12, 14 or all
        values = np.asarray(image).clip(0, 2 ** 16 - 1)
        spare = next(bits - 8 for bits in (8, 10, 12, 14, 16) if values.max() < 2 ** bits)
        image = Image.fromarray((values >> spare).astype(np.uint8))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.array(image.convert("RGB"))


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes as in training: averages squares of pixels while more than a half is left to do, then as OpenCV does."""
    for part in (8, 4, 2):
        while all(part * new <= old and 2 * (-old % part) * new <= old
                  for old, new in zip(pixels.shape, (height, width))):
            pixels = np.asarray(Image.fromarray(pixels).reduce(part))
    axes = []  # the two pixels that each new pixel lies between, and their shares in parts of 2048
    for old, new in zip(pixels.shape, (height, width)):
        places = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
        first = np.floor(places).astype(int)
        share = np.rint(2048 * (places - first)).astype(np.int32)
        axes.append((first.clip(0), (first + 1).clip(max=old - 1), 2048 - share, share))
    (top, bottom, a, b), (left, right, c, d) = axes
    rows = (pixels[:, left] * c[:, None] + pixels[:, right] * d[:, None]) >> 4
    return ((rows[top] * a[:, None, None] >> 16) + (rows[bottom] * b[:, None, None] >> 16) + 2 >> 2).astype(np.uint8)


def read_proposals(path: str) -> Dict[str, np.ndarray]:
    """Reads the boxes (k, 4) of images, by their names, which may tell folders."""
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        if {"images", "counts", "boxes"} <= set(arrays):
            ends = np.cumsum(arrays["counts"])[:-1]
            arrays = dict(zip(map(str, arrays["images"]), np.split(arrays["boxes"], ends)))
        return {name: np.zeros((0, 4), np.float32) if boxes.size == 0 else np.float32(boxes[:, :4])
                for name, boxes in arrays.items()}
    except Exception as error:  # NumPy raises all kinds
        raise Problem(f"{path}: not a file of proposals ({' '.join(str(error).split()) or repr(error)})") from None


def proposals_of(file: Path, boxes: Dict[str, np.ndarray], source: str) -> np.ndarray:
    """The boxes of an image, by its name, or without its extension; of several of one name, those of its folders."""
    found = [name for name in boxes if Path(name).name in (file.name, file.stem)]
    if len(found) > 1:
        found = [name for name in found if str(file.resolve().parent).endswith(str(Path("/", name).parent))]
    if len(found) != 1:
        raise Problem(f"{source} has {'several' if found else 'no'} proposals for {file.name}")
    return boxes[found[0]]


def rois(boxes: np.ndarray, meta: Dict[str, Any], scale: float, height: int, width: int) -> np.ndarray:
    """The proposals that the model gets: the first ones, in the image's pixels, one of all that are the same there."""
    def first(rows: np.ndarray) -> np.ndarray:  # of equal ones
        return np.sort(np.unique(rows, axis=0, return_index=True)[1])

    boxes = np.clip(boxes, 0, np.float32([width, height] * 2) - 1) + np.float32(0)
    boxes = boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
    boxes = boxes[first(boxes)][:meta["proposal_limit"]] * np.float32(scale)
    boxes = boxes[first(np.round(boxes * np.float32(1 / meta["map_stride"])))]
    return boxes[None] if len(boxes) else np.full((1, 1, 4), -1, np.float32)


def detect(model: Model, meta: Dict[str, Any], pixels: np.ndarray, threshold: float = 0.0,
           proposals: Optional[np.ndarray] = None) -> List[Dict[str, Any]]:
    """Finds objects, best first; boxes are (x1, y1, x2, y2) in pixels of the photograph, far ends inclusive."""
    height, width = pixels.shape[:2]
    scale = min(meta["short_edge"] / min(height, width), meta["long_edge"] / max(height, width))
    image = resize(pixels, max(round(height * scale), 1), max(round(width * scale), 1))
    sides = [max(side, meta["least_side"]) for side in image.shape[:2]]
    images = np.tile(np.array(meta["means"], np.float32).reshape(1, 3, 1, 1), (1, 1, *sides))
    images[0, :, :image.shape[0], :image.shape[1]] = image.transpose(2, 0, 1)
    given = [] if proposals is None else [rois(proposals, meta, scale, height, width)]
    boxes, scores, classes, counts = model(images, np.array([[*sides, scale]], np.float32), *given)
    boxes = np.clip(boxes[0] / np.float32(scale), 0, np.array([width, height] * 2, np.float32) - 1)
    return [{"class": meta["classes"][classes[0][i]], "score": float(scores[0][i]), "box": boxes[i].tolist()}
            for i in range(counts[0]) if scores[0][i] >= threshold]


def draw(pixels: np.ndarray, found: Sequence[Dict[str, Any]], classes: Sequence[str]) -> Image.Image:
    """Draws boxes with their classes and scores."""
    picture = Image.fromarray(pixels)
    canvas, side = ImageDraw.Draw(picture), (picture.width * picture.height) ** 0.5
    font, line = ImageFont.load_default(max(10, side / 44)), max(1, round(side / 350))
    for entry in reversed(found):
        color = f"hsv({(11 + 222.5 * classes.index(entry['class'])) % 360:.0f}, 85%, 95%)"
        x1, y1, x2, y2 = entry["box"]
        canvas.rectangle((x1, y1, max(x1, x2), max(y1, y2)), outline=color, width=line)
        canvas.text((x1, max(y1 - 1.3 * font.size, 0)), f"{entry['class']} {entry['score']:.2f}", "black", font,
                    stroke_width=2 * line, stroke_fill=color)
    return picture


def find_images(paths: Sequence[str]) -> List[Path]:
    """The image files that paths name, and those in the folders among them."""
    files = [file for path in map(Path, paths) for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
             if file == path or file.suffix.lower() in EXTENSIONS]
    if not files:
        raise Problem(f"there is no image in {', '.join(paths)}; known extensions: {' '.join(EXTENSIONS)}")
    return files


def main() -> int:
    """Runs the command line; returns the exit status: 1 where an image cannot be read, 2 where nothing can be done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, and folders of them")
    parser.add_argument("--engine", choices=("onnxruntime", "openvino"), default="onnxruntime")
    parser.add_argument("--out", default="detections", metavar="FOLDER", help="for pictures and detections.json")
    parser.add_argument("--threshold", type=float, default=0.5, metavar="SCORE", help="least score, 0 to 1 (0.5)")
    parser.add_argument("--proposals", metavar="FILE", help="boxes to classify, where the detector needs them (.npz)")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="by default the engine decides")
    args = parser.parse_args()
    folder, out, entries, status = Path(__file__).resolve().parent, Path(args.out), [], 0
    try:
        meta, images = read_meta(folder), find_images(args.images)
        if bool(args.proposals) != bool(meta.get("proposals")):
            raise Problem("this detector finds its proposals itself: leave --proposals out" if args.proposals else
                          "this detector finds no proposals itself, it classifies given ones: name a file of them by "
                          "--proposals FILE.npz (lhrcnn proposals writes one)")
        boxes = read_proposals(args.proposals) if args.proposals else {}
        model = open_model(folder, args.engine, args.threads, meta.get("precision", "float32"))
        out.mkdir(parents=True, exist_ok=True)
        for number, file in enumerate(images, 1):
            try:
                pixels = read_image(file)
                proposals = proposals_of(file, boxes, args.proposals) if args.proposals else None
            except Problem as problem:
                print(f"error: {problem}", file=sys.stderr)
                status = 1
                continue
            found = detect(model, meta, pixels, args.threshold, proposals)
            name = f"{number:04}-{file.stem}.jpg"
            draw(pixels, found, meta["classes"]).save(out / name, quality=95)
            entries.append({"image": str(file), "picture": name, "detections": found})
            print(f"{file}: {', '.join(entry['class'] for entry in found) or 'nothing found'}")
        (out / "detections.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    except (Problem, OSError) as problem:
        parser.exit(2, f"error: {problem}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
