"""From what annotation files state to records: faults and what is done about them, boxes, values, files of images."""
