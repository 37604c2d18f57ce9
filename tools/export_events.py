"""Write the schemas of the session's events where the pages' types are generated from: `python tools/export_events.py <file>`."""

import json
import sys
from pathlib import Path

import msgspec

import deskhand
from deskhand.turns.events import SessionEvent


def main() -> None:
    (union,), schemas = msgspec.json.schema_components([SessionEvent], ref_template="#/components/schemas/{name}")
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Deskhand", "version": deskhand.__version__},
        "paths": {},
        "components": {"schemas": {**schemas, "SessionEvent": union}},
    }
    Path(sys.argv[1]).write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
