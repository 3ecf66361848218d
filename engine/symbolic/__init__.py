"""The symbolic graphs of a configuration as blocks that train and test like Gluon networks."""
