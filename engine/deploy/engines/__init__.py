"""Exported detectors in engines other than MXNet, called and answering as every detector here."""
