"""Images that each have one class, to train classifiers: reading of sets, random changes, and batches."""
from .image_folders import read_image_folder
from .image_sets import ClassifiedImage, ClassifiedSet, matched_sets
from .loaders import ClassifierTestLoader, ClassifierTrainLoader
from .record_files import read_record_file
from .views import TestView, TrainView

__all__ = ["ClassifiedImage", "ClassifiedSet", "ClassifierTestLoader", "ClassifierTrainLoader", "TestView", "TrainView",
           "matched_sets", "read_image_folder", "read_record_file"]
