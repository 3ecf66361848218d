"""Our detectors beside those of GluonCV and torchvision: by turns, from a JPEG file to boxes, in several engines."""
