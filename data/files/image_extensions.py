"""The extensions of image files."""

# A file whose name ends so is taken for an image where a folder is searched; a file that is named may end in anything.
IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# Of images that are found only where they are named.
OTHER_IMAGE_EXTENSIONS = (".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".ppm", ".pgm", ".pbm", ".pnm", ".tga",
                          ".mpo", ".dng")
