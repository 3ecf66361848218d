"""Runs the symbolic graphs of a configuration as Gluon blocks, which train and test like Gluon networks."""
