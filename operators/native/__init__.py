"""The native kernels, their registration with MXNet and their build; README.md explains how they work."""
