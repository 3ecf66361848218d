"""Native kernels, their registration with MXNet, and their build."""
