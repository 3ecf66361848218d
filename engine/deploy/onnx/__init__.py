"""Trained detectors as ONNX graphs of standard operators alone, from the image to the boxes."""
