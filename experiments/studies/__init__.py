"""Studies: rows that differ in one thing each, trained on several data sets from several seeds, and their pages."""
