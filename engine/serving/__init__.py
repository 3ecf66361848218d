"""A server that finds objects in images that clients send: HTTP in front, detectors in processes behind."""
