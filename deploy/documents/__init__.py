"""The program behind `make docs`."""
