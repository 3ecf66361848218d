"""What a run reports: its log, its progress, the scalars of its steps, their curves, and pictures of detections."""
