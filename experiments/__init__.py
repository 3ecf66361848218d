"""Scripts that train, test, show and export detectors; `engine` is what they share, `cfgs` one YAML an experiment."""
