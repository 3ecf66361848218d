"""What all series of trainings share: commands in processes, results so far, statistics, and pages in Markdown."""
