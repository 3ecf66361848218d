"""The paper's tables: the rows of each, what of them is counted, timed and trained here, and the pages that show it."""
