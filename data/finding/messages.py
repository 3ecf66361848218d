"""What the finder says where it finds no annotations."""
import os
from typing import List, Optional

from .sniffing import known_but_not_read
from .tree import ARCHIVES, Tree

LOOKED_FOR = ("COCO's JSON files, Pascal VOC's XML files, YOLO's data.yaml or label files, the annotation files of "
              "labelme, CVAT, the VGG Image Annotator, Create ML, Label Studio, Supervisely, BDD100K, KITTI, VisDrone, "
              "WIDER FACE and Open Images, and tables of boxes (CSV)")
_NAMED = 3  # files in a message
_LOOKED_INTO = 20  # files


def nothing_found(tree: Tree, layout: Optional[str]) -> str:
    """Says what a folder has instead of annotations.

    Args:
        tree: the folder.
        layout: the only one that was looked for; None for all.
    """
    images = sum(len(folder.images) for folder in tree.folders.values())
    archives = tree.paths(*ARCHIVES)
    others = tree.paths(".json", ".xml", ".csv", ".txt")
    if archives and not images:
        what = f"it holds an archive, {archives[0]}; unpack it"
    elif images and not others:
        what = f"it holds {images} images, but no annotations"
    elif not images and not others and not any(os.scandir(tree.root)):
        what = "the folder is empty"
    else:
        what = (f"it holds {images} images, but no annotations that are known"
                + (f" (not understood: {', '.join(_described(tree, others))})" if others else ""))
    return f"{tree.root}: {what}; looked for were {f'annotations of the layout {layout}' if layout else LOOKED_FOR}"


def file_not_read(file: str, layout: Optional[str]) -> str:
    """Says that a single file is no annotation file of a layout, or of any if that is None."""
    other = known_but_not_read(file)
    return (f"{file}: it is no annotation file {f'of the layout {layout}' if layout else 'that is known'}"
            + (f", but {other}" if other else "") + f"; looked for were {LOOKED_FOR}")


def _described(tree: Tree, files: List[str]) -> List[str]:
    """Returns some files relative to the tree, with what they are; those first of which that is known."""
    described = [(os.path.relpath(file, tree.root), known_but_not_read(file)) for file in files[:_LOOKED_INTO]]
    described.sort(key=lambda pair: not pair[1])
    return [f"{file}, which is {what}" if what else file for file, what in described[:_NAMED]]
