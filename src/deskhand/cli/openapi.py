"""`deskhand openapi`: the OpenAPI document, for clients and for the pages' types. Needs no database and starts nothing."""

import json
from pathlib import Path
from typing import Annotated

import typer

from deskhand.app import create_app
from deskhand.cli.files import write_file
from deskhand.settings import Environment, Settings


def command(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of standard output.")] = None,
) -> None:
    """Print the OpenAPI document of the API.

    It is the same on every installation: settings of the environment do not change it.

    \b
    Examples:
      deskhand openapi | jq .paths
      deskhand openapi -o openapi.json

    Exit codes: 0 it was printed; 1 it could not be written.
    """
    settings = Settings.model_construct(environment=Environment.TESTING)
    document = json.dumps(create_app(settings).openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if output is None:
        print(document, end="")
    else:
        write_file(output, document)
