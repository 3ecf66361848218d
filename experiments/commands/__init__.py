"""The commands of `lhrcnn`, a module each with `main(argv)`; `options` is what they share."""
