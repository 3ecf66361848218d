"""Image files: headers, orientation, decoding of every kind to RGB pixels, and how much smaller they are read."""
