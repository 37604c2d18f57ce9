"""How good the answers are, measured on judged sets: what `deskhand eval` runs. Speed is for `bench/`."""
