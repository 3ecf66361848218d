"""Training: the loop and its hooks, what is trained, and the training that a configuration describes."""
