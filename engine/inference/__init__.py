"""From trained parameters to detections in images: detectors, several views of an image, and trained networks."""
