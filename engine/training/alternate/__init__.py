"""Alternate training (Faster R-CNN, section 3.2): four stages, of which the last two share their convolutions."""
