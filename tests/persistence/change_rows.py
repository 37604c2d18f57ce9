"""Change something in every table that the backup's tests fill: `python change_rows.py URL`."""

import asyncio
import sys

import sqlalchemy as sa

from deskhand.persistence import Database, Transaction


def change(tx: Transaction) -> None:
    tx.execute(sa.text("UPDATE session SET status = 'ended', last_seq = last_seq + 1"))
    tx.execute(sa.text("UPDATE attachment SET text = 'changed'"))
    tx.execute(sa.text("UPDATE knowledge_state SET version = version + 1"))
    tx.execute(sa.text("DELETE FROM knowledge_document"))


async def main() -> None:
    database = await Database.open(sys.argv[1])
    await database.write(change)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
