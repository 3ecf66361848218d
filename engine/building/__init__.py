"""From a configuration to the things that it describes: data sets, loaders, networks and their first weights."""
