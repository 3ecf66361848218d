"""Folders as annotation tools leave them. Each function writes one, and returns what its sets should have.

That is, by the name of the set, the labels of the boxes of each image: a dict by the stem of its file, or a list of
pairs where two images have one name.
"""

TWO = {"train": {"1": ["cat"]}, "val": {"2": ["cat", "dog"]}}  # images and their labels by set


def coco(build):
    build.images("train2017/1.jpg", "val2017/2.jpg")
    build.coco("annotations/instances_train2017.json", {"1.jpg": ["cat"]})
    build.coco("annotations/instances_val2017.json", {"2.jpg": ["cat", "dog"]})
    build.json("annotations/captions_val2017.json", {"images": [], "annotations": [{"image_id": 1, "caption": "x"}]})
    build.coco("annotations/person_keypoints_val2017.json", {"2.jpg": []})
    return TWO


def coco_with_images_in_one_folder(build):
    build.images("images/1.jpg", "images/2.jpg")
    build.coco("annotations/instances_train.json", {"1.jpg": ["cat"]})
    build.coco("annotations/instances_val.json", {"2.jpg": ["cat", "dog"]})
    return TWO


def coco_with_names_of_its_own(build):
    build.images("train2017/1.jpg", "val2017/2.jpg")
    build.coco("annotations/custom_train.json", {"1.jpg": ["cat"]})
    build.coco("annotations/custom_val.json", {"2.jpg": ["cat", "dog"]})
    return TWO


def coco_at_the_root(build):
    build.images("images/train/1.jpg", "images/validation/2.jpg")
    build.coco("train.json", {"1.jpg": ["cat"]})
    build.coco("valid.json", {"2.jpg": ["cat", "dog"]})
    return TWO


def coco_without_parts(build):
    build.images("photos/1.jpg", "photos/a/2.jpg")
    build.coco("labels.json", {"1.jpg": ["cat"], "a/2.jpg": ["dog"]})
    return {"all": {"1": ["cat"], "2": ["dog"]}}


def roboflow_coco(build):
    for folder, name, labels in (("train", "1", ["cat"]), ("valid", "2", ["cat", "dog"]), ("test", "3", ["dog"])):
        build.images(f"{folder}/{name}_jpg.rf.0a1b.jpg")
        build.coco(f"{folder}/_annotations.coco.json", {f"{name}_jpg.rf.0a1b.jpg": labels})
    build.text("README.roboflow.txt", "Exported.\n")
    return {"train": {"1_jpg.rf.0a1b": ["cat"]}, "val": {"2_jpg.rf.0a1b": ["cat", "dog"]},
            "test": {"3_jpg.rf.0a1b": ["dog"]}}


def roboflow_one_level_deeper(build):
    for folder, name, labels in (("train", "1", ["cat"]), ("valid", "2", ["cat", "dog"])):
        build.images(f"My Project.v1i.coco/{folder}/{name}.jpg")
        build.coco(f"My Project.v1i.coco/{folder}/_annotations.coco.json", {f"{name}.jpg": labels})
    return TWO


def roboflow_voc(build):
    for folder, name, labels in (("train", "1", ["cat"]), ("valid", "2", ["cat", "dog"])):
        build.images(f"{folder}/{name}.jpg")
        build.xml(f"{folder}/{name}.xml", *labels, filename=f"{name}.jpg")
    return TWO


def roboflow_yolo(build):
    for folder, name, numbers in (("train", "1", [0]), ("valid", "2", [0, 1])):
        build.images(f"{folder}/images/{name}.jpg")
        build.yolo(f"{folder}/labels/{name}.txt", *numbers)
    build.text("data.yaml", "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\n"
                            "names: ['cat', 'dog']\n")
    return TWO


def roboflow_csv(build):
    for folder, name, labels in (("train", "1", ["cat"]), ("valid", "2", ["cat", "dog"])):
        build.images(f"{folder}/{name}.jpg")
        build.csv(f"{folder}/_annotations.csv", {f"{name}.jpg": labels})
    return TWO


def global_wheat_csv(build):
    build.images("train/1.jpg", "train/2.jpg", "test/3.jpg")
    build.text("train.csv", "image_id,width,height,bbox,source\n1,60,80,\"[10.0, 20.0, 21.0, 21.0]\",usask_1\n"
                            "2,60,80,,usask_1\n")
    build.text("sample_submission.csv", "image_id,PredictionString\n3,1.0 0 0 50 50\n")
    return {"train": {"1": ["object"], "2": []}}


def global_wheat_2021_csv(build):
    build.images("images/1.png", "images/2.png", "images/3.png")
    for name, lines in (("train", "1.png,10 20 30 40;10 20 30 40,farm\n2.png,no_box,farm\n"),
                        ("val", "3.png,10 20 30 40,farm\n")):
        build.text(f"competition_{name}.csv", f"image_name,BoxesString,domain\n{lines}")
    return {"train": {"1": ["object", "object"], "2": []}, "val": {"3": ["object"]}}


def cvat_coco(build):
    build.images("images/default/1.jpg", "images/default/sub/2.jpg")
    build.coco("annotations/instances_default.json", {"1.jpg": ["cat"], "sub/2.jpg": ["cat", "dog"]})
    return {"all": {"1": ["cat"], "2": ["cat", "dog"]}}


def cvat_voc(build):
    build.images("JPEGImages/1.jpg", "JPEGImages/2.jpg")
    build.xml("Annotations/1.xml", "cat")
    build.xml("Annotations/2.xml", "cat", "dog")
    build.text("ImageSets/Main/default.txt", "1\n2\n")
    build.text("labelmap.txt", "# label:color_rgb:parts:actions\ncat:128,0,0::\n")
    return {"all": {"1": ["cat"], "2": ["cat", "dog"]}}


def cvat_yolo(build):
    build.images("obj_train_data/1.jpg", "obj_train_data/2.jpg")
    build.yolo("obj_train_data/1.txt", 0)
    build.yolo("obj_train_data/2.txt", 0, 1)
    build.text("obj.names", "cat\ndog\n")
    build.text("obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n")
    build.text("train.txt", "data/obj_train_data/1.jpg\ndata/obj_train_data/2.jpg\n")
    return {"train": {"1": ["cat"], "2": ["cat", "dog"]}}


def voc(build):
    build.images(*(f"JPEGImages/{name}.jpg" for name in "123"))
    for name, labels in (("1", ["cat"]), ("2", ["cat", "dog"]), ("3", ["dog"])):
        build.xml(f"Annotations/{name}.xml", *labels)
    build.text("ImageSets/Main/train.txt", "1\n")
    build.text("ImageSets/Main/val.txt", "2\n")
    build.text("ImageSets/Main/trainval.txt", "1\n2\n")
    build.text("ImageSets/Main/cat_train.txt", "1 1\n")
    return {**TWO, "trainval": {**TWO["train"], **TWO["val"]}}


def voc_of_two_years(build):
    for year in ("2007", "2012"):
        build.images(f"VOC{year}/JPEGImages/{year}.jpg")
        build.xml(f"VOC{year}/Annotations/{year}.xml", "cat")
        build.text(f"VOC{year}/ImageSets/Main/trainval.txt", f"{year}\n")
    return {"2007_trainval": {"2007": ["cat"]}, "2012_trainval": {"2012": ["cat"]},
            "2007_trainval+2012_trainval": {"2007": ["cat"], "2012": ["cat"]}}


def voc_devkit_of_one_year(build):
    build.images("VOCdevkit/VOC2007/JPEGImages/1.jpg", "VOCdevkit/VOC2007/JPEGImages/2.jpg")
    build.xml("VOCdevkit/VOC2007/Annotations/1.xml", "cat")
    build.xml("VOCdevkit/VOC2007/Annotations/2.xml", "cat", "dog")
    build.text("VOCdevkit/VOC2007/ImageSets/Main/train.txt", "1\n")
    build.text("VOCdevkit/VOC2007/ImageSets/Main/val.txt", "2\n")
    return TWO


def labelimg_apart_with_lists(build):
    build.images("images/1.jpg", "images/2.jpg", "images/3.jpg")
    for name, labels in (("1", ["cat"]), ("2", ["cat", "dog"]), ("3", ["dog"])):
        build.xml(f"annots/{name}.xml", *labels)
    build.text("train.txt", "1\n")
    build.text("val.txt", "images/2.jpg\n")
    build.text("README.md", "# photos\n")
    return {**TWO, "all": {**TWO["train"], **TWO["val"], "3": ["dog"]}}


def labelimg_beside(build):
    for folder, name, labels in (("day", "1", ["cat"]), ("night", "1", ["cat", "dog"])):
        build.images(f"photos/{folder}/{name}.jpg")
        build.xml(f"photos/{folder}/{name}.xml", *labels)
    return {"all": [("1", ["cat"]), ("1", ["cat", "dog"])]}


def labelimg_in_parallel_folders(build):
    for folder, name, labels in (("train", "1", ["cat"]), ("val", "2", ["cat", "dog"])):
        build.images(f"images/{folder}/{name}.jpg")
        build.xml(f"xml/{folder}/{name}.xml", *labels)
    return TWO


def yolo_with_data_yaml(build):
    for folder, name, numbers in (("train", "1", [0]), ("val", "2", [0, 1])):
        build.images(f"images/{folder}/{name}.jpg")
        build.yolo(f"labels/{folder}/{name}.txt", *numbers)
    build.text("coco128.yaml", "path: ../datasets/coco128\ntrain: images/train\nval: images/val\ntest:\n"
                               "names:\n  0: cat\n  1: dog\n")
    return TWO


def yolo_with_lists(build):
    build.images("images/1.jpg", "images/2.jpg")
    build.yolo("labels/1.txt", 0)
    build.yolo("labels/2.txt", 0, 1)
    build.text("data.yaml", "train: train.txt\nval: [val.txt]\nnames: [cat, dog]\n")
    build.text("train.txt", "./images/1.jpg\n")
    build.text("val.txt", "/home/me/project/images/2.jpg\n")
    return TWO


def yolo_without_data_yaml(build):
    for folder, name, numbers in (("train", "1", [0]), ("val", "2", [0, 1])):
        build.images(f"images/{folder}/{name}.jpg")
        build.yolo(f"labels/{folder}/{name}.txt", *numbers)
    build.text("classes.txt", "cat\ndog\n")
    return TWO


def yolo_beside(build):
    build.images("1.jpg", "2.jpg", "background.jpg")
    build.yolo("1.txt", 0)
    build.yolo("2.txt", 0, 1)
    build.text("classes.txt", "cat\ndog\n")
    return {"all": {"1": ["cat"], "2": ["cat", "dog"], "background": []}}


def yolo_with_a_class_called_train(build):
    for part, name in (("train", "1"), ("val", "2")):
        for kind, number in (("bus", 0), ("train", 1)):
            build.images(f"images/{part}/{kind}/{kind}{name}.jpg")
            build.yolo(f"labels/{part}/{kind}/{kind}{name}.txt", number)
    build.text("classes.txt", "bus\ntrain\n")
    return {"train": {"bus1": ["bus"], "train1": ["train"]}, "val": {"bus2": ["bus"], "train2": ["train"]}}


def coco_in_folders_that_are_called_train_too(build):
    build.images("images/train/bus/1.jpg", "images/train/train/2.jpg", "images/val/bus/3.jpg", "images/val/train/4.jpg")
    build.coco("all.json", {"train/bus/1.jpg": ["cat"], "train/train/2.jpg": ["dog"], "val/bus/3.jpg": ["cat"],
                            "val/train/4.jpg": ["dog"]})
    everything = {"1": ["cat"], "2": ["dog"], "3": ["cat"], "4": ["dog"]}
    return {"train": {"1": ["cat"], "2": ["dog"]}, "val": {"3": ["cat"], "4": ["dog"]}, "all": everything}


def yolo_with_names_in_each_folder(build):
    for part, name, text in (("train", "1", "cat\ndog\n"), ("val", "2", "dog\ncat\nbird\n")):
        build.images(f"{part}/{name}.jpg")
        build.yolo(f"{part}/{name}.txt", 0, 1)
        build.text(f"{part}/classes.txt", text)
    return {"train": {"1": ["cat", "dog"]}, "val": {"2": ["dog", "cat"]}}


def labelme_beside(build):
    build.images("1.jpg", "2.jpg")
    build.labelme("1.json", "cat", image="1.jpg")
    build.labelme("2.json", "cat", "dog", "_background_", image="2.jpg")
    return {"all": {"1": ["cat"], "2": ["cat", "dog"]}}


def labelme_apart_in_parts(build):
    for folder, name, labels in (("train", "1", ["cat"]), ("val", "2", ["cat", "dog"])):
        build.images(f"images/{folder}/{name}.jpg")
        build.labelme(f"labels/{folder}/{name}.json", *labels, image=f"..\\..\\images\\{folder}\\{name}.jpg")
    return TWO


def via(build):
    for folder, name, labels in (("train", "1", ["cat"]), ("val", "2", ["cat", "dog"])):
        build.images(f"balloon/{folder}/{name}.jpg")
        build.via(f"balloon/{folder}/via_region_data.json", {f"{name}.jpg": labels})
    return TWO


def via3(build):
    build.images("photos/1.jpg", "photos/2.jpg")
    build.via3("via_project_1Jan2024_10h0m0s.json", {"1.jpg": ["cat"], "2.jpg": ["cat", "dog"]})
    return {"all": {"1": ["cat"], "2": ["cat", "dog"]}}


def cvat_task(build):
    build.images("images/1.jpg", "images/sub/2.jpg")
    build.cvat("annotations.xml", {"1.jpg": ["cat"], "sub/2.jpg": ["cat", "dog"]})
    return {"all": {"1": ["cat"], "2": ["cat", "dog"]}}


def cvat_project(build):
    # Both subsets have an image of the same name.
    build.images("images/Train/1.jpg", "images/Validation/1.jpg", "images/Validation/2.jpg")
    build.cvat("annotations.xml", {"1.jpg": ["cat"], "./1.jpg": ["dog"], "2.jpg": ["cat", "dog"]},
               {"1.jpg": "Train", "./1.jpg": "Validation", "2.jpg": "Validation"})
    return {"train": {"1": ["cat"]}, "val": {"1": ["dog"], "2": ["cat", "dog"]}}


def cvat_project_with_images_in_one_folder(build):
    build.images("1.jpg", "2.jpg")
    build.cvat("annotations.xml", {"1.jpg": ["cat"], "2.jpg": ["cat", "dog"]},
               {"1.jpg": "Train", "2.jpg": "Validation"})
    return TWO


def cvat_project_without_subsets(build):
    build.images("images/default/1.jpg", "images/default/2.jpg")
    build.cvat("annotations.xml", {"1.jpg": ["cat"], "2.jpg": ["cat", "dog"]}, {"1.jpg": "default", "2.jpg": "default"})
    return {"all": {"1": ["cat"], "2": ["cat", "dog"]}}


def createml(build):
    for folder, name, labels in (("train", "1", ["cat"]), ("valid", "2", ["cat", "dog"])):
        build.images(f"{folder}/{name}.jpg")
        build.createml(f"{folder}/_annotations.createml.json", {f"{name}.jpg": labels})
    return TWO


def labelstudio(build):
    build.images("images/0a1b2c3d-1.jpg", "images/2.jpg")  # one with the server's name, one with its first name
    build.labelstudio("project-1-at-2024-01-01-10-00-0a1b2c3d.json",
                      {"0a1b2c3d-1.jpg": ["cat"], "1a1b2c3d-2.jpg": ["cat", "dog"]})
    return {"all": {"0a1b2c3d-1": ["cat"], "1a1b2c3d-2": ["cat", "dog"]}}


def labelstudio_min(build):
    build.images("1.jpg", "2.jpg")
    build.labelstudio("export.json", {"0a1b2c3d-1.jpg": ["cat"], "1a1b2c3d-2.jpg": ["cat", "dog"]}, minimal=True)
    return {"all": {"0a1b2c3d-1": ["cat"], "1a1b2c3d-2": ["cat", "dog"]}}


def supervisely(build):
    for folder, name, labels in (("train", "1", ["cat"]), ("val", "2", ["cat", "dog"])):
        build.images(f"{folder}/img/{name}.jpg")
        build.supervisely(f"{folder}/ann/{name}.jpg.json", *labels)
    build.json("meta.json", {"classes": [{"title": "cat", "shape": "rectangle", "color": "#FF0000"}], "tags": []})
    return TWO


def supervisely_with_one_name_in_two_folders(build):
    for folder, labels in (("ds0", ["cat"]), ("ds1", ["cat", "dog"])):
        build.images(f"{folder}/img/1.jpg")
        build.supervisely(f"{folder}/ann/1.jpg.json", *labels)
    return {"all": [("1", ["cat"]), ("1", ["cat", "dog"])]}


def bdd100k(build):
    build.images("images/100k/train/1.jpg", "images/100k/val/2.jpg")
    build.bdd("labels/det_20/det_train.json", {"1.jpg": ["cat"]})
    build.bdd("labels/det_20/det_val.json", {"2.jpg": ["cat", "dog"]})
    return TWO


def kitti(build):
    build.images(*(f"{part}/image_{camera}/{name}.png" for camera in (2, 3)
                   for part, name in (("training", "1"), ("training", "2"), ("testing", "1"))))
    build.kitti("training/label_2/1.txt", "Car")
    build.kitti("training/label_2/2.txt", "Car", "Person_sitting")
    return {"train": {"1": ["Car"], "2": ["Car", "Person_sitting"]}}


def kitti_as_other_tools_write_it(build):
    for part, name, labels in (("train", "1", ["cat"]), ("val", "2", ["cat", "dog"])):
        build.images(f"images/{part}/{name}.jpg")
        build.kitti(f"labels/{part}/{name}.txt", *labels)
    return TWO


def visdrone(build):
    for part, name, numbers in (("train", "1", [1]), ("val", "2", [1, 10])):
        build.images(f"VisDrone2019-DET-{part}/images/{name}.jpg")
        build.visdrone(f"VisDrone2019-DET-{part}/annotations/{name}.txt", *numbers)
    return {"train": {"1": ["pedestrian"]}, "val": {"2": ["pedestrian", "motor"]}}


def widerface(build):
    build.images("WIDER_train/images/0--Parade/1.jpg", "WIDER_train/images/1--Handshaking/3.jpg",
                 "WIDER_val/images/0--Parade/2.jpg", "WIDER_test/images/0--Parade/4.jpg")
    build.widerface("wider_face_split/wider_face_train_bbx_gt.txt", {"0--Parade/1.jpg": 1, "1--Handshaking/3.jpg": 0})
    build.widerface("wider_face_split/wider_face_val_bbx_gt.txt", {"0--Parade/2.jpg": 2})
    build.text("wider_face_split/wider_face_test_filelist.txt", "0--Parade/4.jpg\n")
    return {"train": {"1": ["face"], "3": []}, "val": {"2": ["face", "face"]}}


def openimages(build):
    build.images("train/1.jpg", "validation/2.jpg")
    ids = {"cat": "/m/01yrx", "dog": "/m/0bt9lr"}
    build.openimages("oidv6-train-annotations-bbox.csv", {"1": ["cat"], "not-there": ["dog"]}, ids)
    build.openimages("validation-annotations-bbox.csv", {"2": ["cat", "dog"]}, ids)
    build.text("class-descriptions-boxable.csv", "".join(f"{number},{name}\n" for name, number in ids.items()))
    return TWO


def splits_of_a_data_set_with_parts(build):
    roboflow_coco(build)
    build.text("splits/train.txt", "valid/2_jpg.rf.0a1b.jpg\ntest/3_jpg.rf.0a1b.jpg\n")
    build.text("splits/val.txt", "1_jpg.rf.0a1b\n")
    return {"train": {"2_jpg.rf.0a1b": ["cat", "dog"], "3_jpg.rf.0a1b": ["dog"]}, "val": {"1_jpg.rf.0a1b": ["cat"]}}


FOLDERS = {
    "coco": (coco, coco_with_images_in_one_folder, coco_with_names_of_its_own, coco_at_the_root, coco_without_parts,
             roboflow_coco, roboflow_one_level_deeper, cvat_coco, splits_of_a_data_set_with_parts,
             coco_in_folders_that_are_called_train_too),
    "voc": (roboflow_voc, cvat_voc, voc, voc_of_two_years, voc_devkit_of_one_year, labelimg_apart_with_lists,
            labelimg_beside, labelimg_in_parallel_folders),
    "yolo": (roboflow_yolo, cvat_yolo, yolo_with_data_yaml, yolo_with_lists, yolo_without_data_yaml, yolo_beside,
             yolo_with_a_class_called_train, yolo_with_names_in_each_folder),
    "labelme": (labelme_beside, labelme_apart_in_parts),
    "via": (via, via3),
    "cvat": (cvat_task, cvat_project, cvat_project_with_images_in_one_folder, cvat_project_without_subsets),
    "createml": (createml,), "labelstudio": (labelstudio, labelstudio_min), "bdd100k": (bdd100k,),
    "supervisely": (supervisely, supervisely_with_one_name_in_two_folders),
    "kitti": (kitti, kitti_as_other_tools_write_it), "visdrone": (visdrone,), "widerface": (widerface,),
    "openimages": (openimages,), "csv": (roboflow_csv, global_wheat_csv, global_wheat_2021_csv),
}
