"""The paper's tables: their rows, what of them is counted, timed and trained, and the pages that show it."""
