"""Measures what Deskhand costs, against a floor, in the same run. `python -m bench`."""
