"""`python -m deskhand` is the program `deskhand`."""

from deskhand.cli import main

main()
