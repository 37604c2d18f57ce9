"""Measures what Deskhand costs, against a floor, in the same run. `python -m bench`."""

# Before NumPy, as in a server: it says how many threads BLAS may have.
import deskhand as deskhand
