"""HTTP: segments, criteria, and the slices that other processes of the service ask for."""
