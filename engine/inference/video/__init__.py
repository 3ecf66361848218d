"""Video: clips are read frame by frame, and written with what a detector found in them."""
