"""Builds what a configuration describes: data sets, loaders, networks and their first weights."""
