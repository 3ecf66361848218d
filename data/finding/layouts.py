"""The layouts of annotations that are told apart by what is in their files."""

# One annotation file for many images.
FILE_LAYOUTS = ("coco", "cvat", "via", "createml", "labelstudio", "bdd100k", "widerface", "openimages", "csv")
# One file for each image, beside Pascal VOC's and YOLO's.
IMAGE_LAYOUTS = ("labelme", "supervisely", "kitti", "visdrone")
LAYOUTS = ("coco", "voc", "yolo", "cvat", "labelme", "via", "createml", "labelstudio", "supervisely", "bdd100k",
           "kitti", "visdrone", "widerface", "openimages", "csv")
# One text file for each image, which lies in a folder that is called as that of the text files is.
TEXT_LAYOUTS = ("kitti", "visdrone")
# Layouts of one public data set or few: where such a folder has annotations in another layout, too, that one is read.
OF_PUBLIC_SETS = (*TEXT_LAYOUTS, "widerface", "openimages")
# What `lhrcnn data pack` writes; it is found whichever layout is asked for.
PACKED = "packed"
