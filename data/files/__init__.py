"""Names and contents of files: what a stated name means, lists of names, equal files, whether a folder changed."""
