"""What the scripts share: configuration, building, training, evaluation, checkpoints, logs and pictures."""
