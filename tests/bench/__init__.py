"""How fast it is, each figure beside its baseline of the same run. `make bench` runs all of it."""
