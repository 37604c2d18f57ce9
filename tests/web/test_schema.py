"""The pages' types come from the schema that the server exports; `npm run check-generated` holds the second half."""

import subprocess
import sys
from pathlib import Path

EXPORTED = Path(__file__).parents[2] / "web" / "protocol" / "openapi.json"


def test_the_exported_schema_is_the_servers(tmp_path: Path) -> None:
    fresh = tmp_path / "openapi.json"
    subprocess.run([sys.executable, "-m", "deskhand", "openapi", "--output", str(fresh)], check=True, cwd=tmp_path)
    assert EXPORTED.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8"), "run `npm run export-schema` and `npm run generate`"
