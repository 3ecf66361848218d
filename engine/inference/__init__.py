"""Finding objects in images: loading trained networks, preparing images, testing at several scales, detectors."""
