"""Finds objects in photographs with the detector in this folder; draws boxes and writes detections.json.

It needs numpy, pillow 10.1 or later, and onnxruntime or openvino:

    pip install numpy pillow onnxruntime
    python detect.py photo.jpg holidays/ --out found
"""
import argparse
import colorsys
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw, ImageFile, ImageFont, ImageOps

KIND, FORMAT = "light_head_rcnn detector", 1
PRECISIONS = ("float32", "bfloat16", "int8")
MODEL, META, SCRIPT = "model.onnx", "meta.json", "detect.py"
OUTPUTS = ("boxes", "scores", "classes", "counts")
EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# A model, as a function from images float32 (N, 3, H, W), RGB from 0 to 255, and im_info float32 (N, 3), rows (height,
# width, scale from the photograph to the image), to boxes (N, K, 4), scores (N, K), classes (N, K) and counts (N,).
Model = Callable[[np.ndarray, np.ndarray], List[np.ndarray]]


class Problem(Exception):
    """What a user can mend; its text says how."""


def read_meta(folder: Path) -> Dict[str, Any]:
    """Reads meta.json, and checks that it and the model beside it are whole."""
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        model = (folder / MODEL).read_bytes()
        classes, sizes = meta["classes"], [meta[key] for key in ("short_edge", "long_edge", "stride", "least_side")]
        meta.setdefault("precision", "float32")
        is_known = meta["kind"] == KIND and meta["precision"] in PRECISIONS
        is_known = is_known and isinstance(classes, list) and all(isinstance(name, str) for name in classes)
        is_known = is_known and len(meta["means"]) == 3 and all(0 <= mean < 256 for mean in meta["means"]) and (
            all(1 <= size < 20000 for size in sizes))
    except OSError as error:
        raise Problem(f"{folder} is no exported detector, or not a whole one: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        is_known = False
    if not is_known:
        raise Problem(f"{folder / META} does not describe a detector")
    if meta.get("format") != FORMAT:
        raise Problem(f"{folder / META} has format {meta.get('format')}; this version reads {FORMAT}")
    if hashlib.sha256(model).hexdigest() != meta.get("sha256"):
        raise Problem(f"{folder / MODEL} was cut short or changed: it is not the file that {META} describes")
    return meta


def open_onnxruntime(path: str, threads: int, precision: str) -> Model:
    """Loads a model into ONNX Runtime."""
    import onnxruntime
    if precision == "bfloat16":
        raise Problem("ONNX Runtime has no bfloat16 on processors, OpenVINO has")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3  # no warnings
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images, im_info: session.run(OUTPUTS, {"images": images, "im_info": im_info})


def open_openvino(path: str, threads: int, precision: str) -> Model:
    """Loads a model into OpenVINO."""
    import openvino
    core = openvino.Core()
    model = core.read_model(path)
    # OpenVINO takes an input that may be left out as a constant.
    for node in model.get_ordered_ops():
        if node.get_friendly_name() == "im_info" and node.get_type_name() == "Constant":
            parameter = openvino.opset8.parameter([-1, 3], np.float32, name="im_info")
            node.output(0).replace(parameter.output(0))
            model.add_parameters([parameter])
    model.validate_nodes_and_infer_types()
    if precision == "bfloat16":
        keep_places(model)
    # The int8 layers of a model are written in it; its others are float.
    hint = "bf16" if precision == "bfloat16" else "f32"
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY",
                                                 "INFERENCE_NUM_THREADS": threads})
    return lambda images, im_info: list(map(compiled([images, im_info]).__getitem__, OUTPUTS))


def keep_places(model: Any) -> None:
    """Has OpenVINO compute where proposals lie in float32: in bfloat16 places beyond 256 pixels are even numbers.

    OpenVINO computes what lies between the last layers with weights and an output in float32. So what the first layers
    behind non-maximum suppression read, which is pooled at the places of the proposals, becomes an output, too.
    """
    behind = set()
    for node in model.get_ordered_ops():
        sources = [value.get_node().get_friendly_name() for value in node.input_values()]
        if node.get_type_name() not in ("Convolution", "MatMul"):
            if node.get_type_name() == "NonMaxSuppression" or behind.intersection(sources):
                behind.add(node.get_friendly_name())
        elif sources[0] in behind:
            model.add_outputs([node.input_value(0)])


ENGINES = {"onnxruntime": open_onnxruntime, "openvino": open_openvino}


def open_model(folder: Path, engine: str, threads: int = 0, precision: str = "float32") -> Model:
    """Loads the model of a folder into an engine, and tries it; 0 threads leave their number to the engine."""
    try:
        model = ENGINES[engine](str(folder / MODEL), threads, precision)
        boxes, scores, classes, counts = model(np.zeros((1, 3, 64, 64), np.float32), np.float32([[64, 64, 1]]))
        if boxes.shape != (*scores.shape, 4) or scores.shape != classes.shape or counts.shape != (1,):
            raise ValueError("its answers are not those of a detector")
        return model
    except Problem:
        raise
    except ImportError as error:
        raise Problem(f"the engine {engine} cannot be imported ({error}): pip install {engine}") from None
    except Exception as error:  # each engine has its own kinds
        raise Problem(f"{engine} cannot run {folder / MODEL}: {' '.join(str(error).split()[-40:])}") from None


def read_image(path: Path) -> np.ndarray:
    """Reads an image, upright, with what is transparent on white, as uint8 (H, W, 3), RGB.

    Of colours with 16 bits a channel Pillow keeps the upper eight. A file that is cut off is read as far as it goes.
    """
    problem = None
    for ImageFile.LOAD_TRUNCATED_IMAGES in (False, True):
        try:
            with Image.open(path) as image:
                if image.format in ("EPS", "WMF"):
                    raise Problem(f"{image.format} files are not read")
                image.load()
            if problem and all(low == high for low, high in np.reshape(image.getextrema(), (-1, 2))):
                raise problem  # nothing was there before the file ended
            pixels = rgb_pixels(ImageOps.exif_transpose(image))
            if problem:
                print(f"warning: {path} is cut off or damaged; the missing part is blank", file=sys.stderr)
            return pixels
        except Exception as error:  # Pillow raises all kinds for broken files
            problem = problem or error
    raise Problem(f"{path}: not a readable image ({' '.join(str(problem).split()) or problem!r})")


def rgb_pixels(image: Image.Image) -> np.ndarray:
    """Converts an image of any mode to uint8 (H, W, 3), RGB."""
    if image.mode == "F" or image.mode.startswith("I"):  # more than eight bits: scaled by the range that they use
        values = np.asarray(image)
        least, largest = float(values.min()), float(values.max())
        if not np.isfinite([least, largest]).all():
            raise Problem("it has values that are no finite numbers")
        if image.mode != "F" and 0 <= least <= largest < 2 ** 16:
            values = values >> next(bits - 8 for bits in (8, 10, 12, 14, 16) if largest < 2 ** bits)
        elif least < 0 or largest > 255:
            values = (values - least) * (255 / max(largest - least, 1e-30))
        elif largest <= 1:
            values = values * 255.0
        image = Image.fromarray(np.rint(values).astype(np.uint8))
    elif image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    return np.array(image.convert("RGB"))


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes as in training: squares of pixels are averaged until less than a half is left to do, then bilinearly."""
    part = 8
    while part > 1:
        while part > 1 and all(part * new <= old and 2 * (-old % part) * new <= old
                               for old, new in zip(pixels.shape, (height, width))):
            pixels = np.asarray(Image.fromarray(pixels).reduce(part))
        part //= 2
    if pixels.shape[:2] == (height, width):
        return pixels
    above, below, a, b = taps(pixels.shape[0], height)
    left, right, c, d = taps(pixels.shape[1], width)
    # Whole numbers and shifts as in OpenCV, so that each pixel is the same as there.
    rows = (pixels[:, left] * c[:, None] + pixels[:, right] * d[:, None]) >> 4
    return ((rows[above] * a[:, None, None] >> 16) + (rows[below] * b[:, None, None] >> 16) + 2 >> 2).astype(np.uint8)


def taps(old: int, new: int) -> Tuple[np.ndarray, ...]:
    """The two pixels that each new pixel lies between, and their shares in parts of 2048."""
    places = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    first = np.floor(places)
    shares = [np.rint(share * np.float32(2048)).astype(np.int32) for share in (1 - (places - first), places - first)]
    return (*(np.clip(pixel, 0, old - 1).astype(int) for pixel in (first, first + 1)), *shares)


def detect(model: Model, meta: Dict[str, Any], pixels: np.ndarray, threshold: float = 0.0) -> List[Dict[str, Any]]:
    """Finds objects: class, score and box (x1, y1, x2, y2 in pixels of the photograph, far ends inclusive), best first.
    """
    height, width = pixels.shape[:2]
    scale = min(meta["short_edge"] / min(height, width), meta["long_edge"] / max(height, width))
    image = resize(pixels, max(round(height * scale), 1), max(round(width * scale), 1))
    sides = [max(side, meta["least_side"]) for side in image.shape[:2]]
    images = np.tile(np.array(meta["means"], np.float32).reshape(1, 3, 1, 1), (1, 1, *sides))
    images[0, :, :image.shape[0], :image.shape[1]] = image.transpose(2, 0, 1)
    boxes, scores, classes, counts = model(images, np.array([[*sides, scale]], np.float32))
    boxes = np.clip(boxes[0] / np.float32(scale), 0, np.array([width, height] * 2, np.float32) - 1)
    if classes.max(initial=0) >= len(meta["classes"]):
        raise Problem(f"{META} names {len(meta['classes'])} classes, and the model knows more")
    return [{"class": meta["classes"][classes[0][i]], "score": float(scores[0][i]), "box": boxes[i].tolist()}
            for i in range(counts[0]) if scores[0][i] >= threshold]


def draw(pixels: np.ndarray, found: Sequence[Dict[str, Any]], classes: Sequence[str]) -> Image.Image:
    """Draws boxes with their classes and scores."""
    picture = Image.fromarray(pixels)
    canvas, side = ImageDraw.Draw(picture), (picture.width * picture.height) ** 0.5
    font, line = ImageFont.load_default(max(10, side / 44)), max(1, round(side / 350))
    for entry in reversed(found):
        hue = (0.03 + 0.618034 * classes.index(entry["class"])) % 1
        color = tuple(int(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.85, 0.95))
        x1, y1, x2, y2 = entry["box"]
        canvas.rectangle((x1, y1, max(x1, x2), max(y1, y2)), outline=color, width=line)
        text, corner = f"{entry['class']} {entry['score']:.2f}", (x1, max(y1 - 1.3 * font.size, 0))
        canvas.rectangle(canvas.textbbox(corner, text, font), fill=color)
        canvas.text(corner, text, "black", font)
    return picture


def find_images(paths: Sequence[str]) -> List[Tuple[Path, Path]]:
    """The image files that paths name, also in folders, and a name for the picture of each."""
    found = {}
    for path in map(Path, paths):
        if not path.exists():
            raise Problem(f"there is no image or folder {path}")
        inside = (file for file in sorted(path.rglob("*")) if file.suffix.lower() in EXTENSIONS and file.is_file())
        for file in inside if path.is_dir() else [path]:
            name = file.relative_to(path if path.is_dir() else path.parent)
            name = name.with_suffix(".jpg" if file.suffix.lower() in (".jpg", ".jpeg") else ".png")
            while name in found:
                name = name.with_name(f"{name.stem}-{len(found) + 1}{name.suffix}")
            found[name] = file
    if not found:
        raise Problem(f"there is no image in {', '.join(paths)}; known extensions: {' '.join(EXTENSIONS)}")
    return [(file, name) for name, file in found.items()]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs a command line; returns the exit status: 1 where an image cannot be read, 2 where nothing can be done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, and folders of them")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="onnxruntime")
    parser.add_argument("--out", default="detections", metavar="FOLDER", help="for pictures and detections.json")
    parser.add_argument("--threshold", type=float, default=0.5, metavar="SCORE", help="the least score (0.5)")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="by default the engine decides")
    args = parser.parse_args(argv)
    if not 0 <= args.threshold <= 1 or args.threads < 0:
        parser.error("--threshold is from 0 to 1, and --threads is not negative")
    folder, out, entries, status = Path(__file__).resolve().parent, Path(args.out), [], 0
    try:
        meta, images = read_meta(folder), find_images(args.images)
        model = open_model(folder, args.engine, args.threads, meta["precision"])
        for file, name in images:
            try:
                pixels = read_image(file)
            except Problem as problem:
                print(f"error: {problem}", file=sys.stderr)
                status = 1
                continue
            found = detect(model, meta, pixels, args.threshold)
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            draw(pixels, found, meta["classes"]).save(out / name)
            entries.append({"image": str(file), "picture": str(name), "detections": found})
            print(f"{file}: {', '.join(entry['class'] for entry in found) or 'nothing found'}")
        out.mkdir(parents=True, exist_ok=True)
        (out / "detections.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    except (Problem, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
