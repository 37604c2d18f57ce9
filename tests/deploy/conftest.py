"""The program, as the tests of the command line have it."""

from cli.conftest import program as program
