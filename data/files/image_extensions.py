"""The extensions of image files."""

# A file whose name ends so is taken for an image where a folder is searched; a file that is named may end in anything.
IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
