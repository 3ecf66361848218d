"""Training of backbones as classifiers, with whose weights detectors start."""
