"""Training and testing of the symbolic graphs with MXNet's Module, beside the Gluon trainer."""
