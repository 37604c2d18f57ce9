"""How good the answers are, measured on judged sets: `../shared/data`, or any folder laid out like it. Speed is for `bench/`."""
