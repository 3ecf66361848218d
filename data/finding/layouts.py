"""The layouts of annotations that are told apart by what is in their files."""

# One annotation file for many images.
FILE_LAYOUTS = ("coco", "cvat", "via", "createml", "labelstudio", "bdd100k", "csv")
# One JSON file for each image.
IMAGE_LAYOUTS = ("labelme", "supervisely")
LAYOUTS = ("coco", "voc", "yolo", "cvat", "labelme", "via", "createml", "labelstudio", "supervisely", "bdd100k", "csv")
# What `lhrcnn data pack` writes; it is found whichever layout is asked for.
PACKED = "packed"
