"""A database that cannot be opened says why, in words for whoever starts the server."""

from pathlib import Path

import pytest

from deskhand.errors import ConfigurationError
from deskhand.persistence import Database


async def test_a_file_that_cannot_be_opened_is_named_with_the_reason_alone(tmp_path: Path) -> None:
    (tmp_path / "deskhand.db").mkdir()
    with pytest.raises(ConfigurationError) as refused:
        await Database.open(f"sqlite:///{tmp_path / 'deskhand.db'}")
    assert refused.value.message == f"The database file {tmp_path}/deskhand.db cannot be opened for writing: unable to open database file."
    assert "DESKHAND_DATA_DIR" in refused.value.remedy
