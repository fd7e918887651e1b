"""Performance measurements, each with a baseline of the same run. `make bench` runs all of them."""
