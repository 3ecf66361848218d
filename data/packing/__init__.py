"""Packed data sets: the image files of a set one behind the other in files of records, its boxes in arrays beside them.
"""
