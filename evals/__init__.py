"""How good the answers are, measured on judged sets: `../shared/data`, or any folder laid out like it. Speed is for `bench/`."""

# Before NumPy, as in a server: it says how many threads BLAS may have.
import deskhand as deskhand
