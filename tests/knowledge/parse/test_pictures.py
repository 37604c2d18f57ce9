"""Words in pictures: what is read of scans and images, what is said where it is not, and what a hostile picture can do."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from deskhand.errors import DeskhandError
from deskhand.knowledge import DocumentReader, ReaderOptions
from deskhand.knowledge.parse import Document, PictureOptions, ScannedPage
from knowledge.parse import made, pictured
from parts.readers import find_readers

_LAMP = pictured.picture(
    ("The lamp manual", 46, 60, 30),
    ("Press the green button for ten seconds to reset it.", 26, 60, 120),
    ("The battery costs $129.99 and lasts 24 months.", 26, 60, 160),
)
_GERMAN = pictured.printed(
    ("Die Rückgabe größerer Geräte ist binnen 30 Tagen möglich.", 14, 40, 100), ("Für Österreich gelten längere Fristen.", 14, 40, 78)
)
_TEXT = made.said(("The warranty covers the charger for twelve months, and the case for as long as the lamp is used indoors.", 11, 72, 700))


@pytest.fixture(scope="module")
def reader() -> Iterator[DocumentReader]:
    """One for all: what reads pictures takes a second or two to start."""
    opened = DocumentReader(ReaderOptions(processes=1))
    yield opened
    asyncio.run(opened.close())


async def test_scanned_pages_are_read_with_their_numbers_and_headings(reader: DocumentReader) -> None:
    pages: list[tuple[int, ScannedPage]] = []
    data = pictured.pdf(pictured.scanned(_LAMP, turned=1.2, noise=12), pictured.scanned(_GERMAN, turned=-0.8, noise=12))
    (read,) = await reader.read_many([Document("scan_01.pdf", None, data)], on_page=lambda place, page: pages.append((place, page)))
    assert not isinstance(read, DeskhandError)
    assert [part.page for part in read.parts] == [1, 2]
    assert read.parts[0].text == (
        "# The lamp manual\n\nPress the green button for ten seconds to reset it.\nThe battery costs $129.99 and lasts 24 months."
    )
    assert read.parts[1].text == "Die Rückgabe größerer Geräte ist binnen 30 Tagen möglich.\nFür Österreich gelten längere Fristen."
    assert (read.title, read.content_type) == ("The lamp manual", "application/pdf")
    assert (read.scanned, read.recognised, read.unread_because) == ((1, 2), (1, 2), None)
    assert pages == [(0, ScannedPage(0, 2)), (0, ScannedPage(1, 2))]


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.webp", "WEBP"), ("a.bmp", "BMP"), ("a.gif", "GIF")])
async def test_an_image_of_each_kind_is_read(reader: DocumentReader, name: str, kind: str) -> None:
    read = await reader.read(name, None, pictured.file(_LAMP, kind))
    assert "Press the green button for ten seconds to reset it." in read.text
    assert (read.content_type, read.parts[0].page, read.title) == (f"image/{kind.lower()}", None, "The lamp manual")


async def test_the_pages_of_a_tiff_are_told_apart(reader: DocumentReader) -> None:
    read = await reader.read("fax.tiff", None, pictured.file(_LAMP, "TIFF", more=[_GERMAN]))
    assert [(part.page, part.text.split()[1]) for part in read.parts] == [(1, "The"), (2, "Rückgabe")]


@pytest.mark.parametrize("quarters", [1, 2, 3])
async def test_a_picture_that_lies_on_its_side_or_head_is_read(reader: DocumentReader, quarters: int) -> None:
    read = await reader.read("a.png", None, pictured.file(_LAMP.rotate(90 * quarters, expand=True)))
    assert "Press the green button for ten seconds to reset it." in read.text


async def test_the_columns_of_a_scan_are_read_one_after_the_other(reader: DocumentReader) -> None:
    left = ["Orders can be changed until", "they are packed, which is at", "six in the evening of the", "day on which they came in."]
    right = ["Refunds take five days and", "go back to where the money", "came from, be it a card or", "an account with a bank."]
    image = pictured.picture(
        ("What happens to an order from its first day to its last one", 28, 60, 20),
        *((line, 24, 60, 90 + 34 * place) for place, line in enumerate(left)),
        *((line, 24, 500, 96 + 34 * place) for place, line in enumerate(right)),
    )
    read = await reader.read("columns.png", None, pictured.file(image))
    assert " ".join(read.text.split()) == " ".join(["What happens to an order from its first day to its last one", *left, *right])


async def test_a_table_in_a_picture_stays_a_table(reader: DocumentReader) -> None:
    rows = [("Plan", "Monthly", "Yearly"), ("Basic", "5.00", "50.00"), ("Premium", "12.50", "125.00"), ("Company", "40.00", "400.00")]
    printed = [(text, 24.0, 60 + 280 * column, 30 + 44 * row) for row, cells in enumerate(rows) for column, text in enumerate(cells)]
    read = await reader.read("prices.png", None, pictured.file(pictured.picture(*printed)))
    assert "| Premium | 12.50 | 125.00 |" in read.text


async def test_a_pdf_that_is_scanned_in_part_is_read_in_its_order(reader: DocumentReader) -> None:
    read = await reader.read("mixed.pdf", None, pictured.pdf(_LAMP, _TEXT, made.said(("Scanned by an app", 9, 72, 20)), ""))
    assert [(part.page, part.text.split()[-1]) for part in read.parts] == [(1, "months."), (2, "indoors."), (3, "app")]
    assert (read.scanned, read.recognised) == ((1,), (1,))


async def test_pages_that_are_not_read_in_time_are_told(reader: DocumentReader) -> None:
    hurried = DocumentReader(ReaderOptions(processes=1, pictures=PictureOptions(document_seconds=0.0)))
    mixed, scan = await hurried.read_many(
        [Document("mixed.pdf", None, pictured.pdf(_TEXT, _LAMP)), Document("scan.pdf", None, pictured.pdf(_LAMP))]
    )
    await hurried.close()
    assert not isinstance(mixed, DeskhandError)
    assert ([part.page for part in mixed.parts], mixed.scanned, mixed.recognised) == ([1], (2,), ())
    assert mixed.unread_because == "The time for the pictures of one document was over."
    assert isinstance(scan, DeskhandError)
    assert "The time for the pictures" in scan.message


async def test_a_page_that_takes_too_long_costs_itself_alone() -> None:
    full = pictured.picture(
        *(("The quick brown fox jumps over the lazy dog, and then does it again.", 24, 40, 20 + 30 * line) for line in range(80)),
        height=2440,
    )
    strict = DocumentReader(ReaderOptions(processes=1, pictures=PictureOptions(page_seconds=2)))
    (read,) = await strict.read_many([Document("mixed.pdf", None, pictured.pdf(_TEXT, full))])
    await strict.close()
    assert not isinstance(read, DeskhandError)
    assert ([part.page for part in read.parts], read.recognised) == ([1], ())
    assert read.unread_because == "Reading the page took more than 2 seconds of processor time."


def _png(width: int, height: int) -> bytes:
    return pictured.file(Image.new("1", (width, height)))


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("line.png", lambda: _png(1, 100_000), r"1 × 100,000 pixels: no word has room"),
        ("bomb.png", lambda: _png(20_000, 20_000), r"20,000 × 20,000 pixels; at most 80 million"),
        ("cut.png", lambda: pictured.file(_LAMP)[:4_000], "damaged picture"),
        ("cut.jpg", lambda: pictured.file(_LAMP, "JPEG")[:4_000], "damaged picture"),
        ("head.png", lambda: b"\x89PNG\r\n\x1a\n", "damaged picture"),
        ("white.png", lambda: pictured.file(pictured.picture()), "no words in its pictures"),
        ("words.png", lambda: b"no picture at all", "called a picture and does not begin as one"),
        ("late.tiff", lambda: b"II*\x00\xff\xff\xff\x7f", "damaged picture"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value[:6] else "",
)
async def test_a_hostile_picture_is_one_clear_error(reader: DocumentReader, name: str, make: Callable[[], bytes], says: str) -> None:
    with pytest.raises(DeskhandError, match=says):
        await reader.read(name, None, make())


def _status(child: psutil.Process) -> dict[str, str]:
    lines = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii").splitlines()
    return dict(line.split(":\t", 1) for line in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says so")
async def test_what_reads_pictures_is_one_confined_thread_within_its_memory(reader: DocumentReader) -> None:
    await reader.read("a.png", None, pictured.file(_LAMP))
    most = PictureOptions().memory_bytes
    (child,) = [child for child in find_readers() if child.rlimit(psutil.RLIMIT_AS) == (most, most)]
    status = _status(child)
    assert (status["Threads"], status["Seccomp"].strip()) == ("1", "2")
    assert int(status["VmPeak"].split()[0]) * 1024 <= most
    assert (child.net_connections(), child.open_files()) == ([], [])


_WITHOUT = "import sys; sys.modules['rapidocr'] = None; "


def _ingest(data: Path, folder: Path, *, program: str = "") -> dict[str, Any]:
    code = f"{program}import sys; from deskhand.cli import main; sys.argv = ['deskhand', 'ingest', '--json', {str(folder)!r}]; main()"
    environment = {"DESKHAND_DATA_DIR": str(data), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=100, env=environment, cwd=data)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_without_the_extra_it_is_said_what_is_missing_and_read_once_it_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "mixed.pdf").write_bytes(pictured.pdf(_TEXT, _LAMP))
    (folder / "scan.pdf").write_bytes(pictured.pdf(_LAMP, _GERMAN))
    (folder / "photo.png").write_bytes(pictured.file(_LAMP))
    without = _ingest(tmp_path, folder, program=_WITHOUT)
    assert without["indexed"] == 1
    (failure,) = without["failed"]
    assert "Its 2 pages have no text, only pictures" in failure["reason"]
    assert "pip install 'deskhand[ocr]'" in failure["reason"]
    (scan,) = without["scans"]
    assert (scan["recognised"], scan["unread"]) == ([], [2])
    assert "pip install 'deskhand[ocr]'" in scan["reason"]
    assert _ingest(tmp_path, folder, program=_WITHOUT)["unchanged"] == 1
    (folder / "scan.pdf").unlink()
    (folder / "photo.png").unlink()
    there = _ingest(tmp_path, folder)
    assert (there["indexed"], there["unchanged"], there["failed"]) == (1, 0, [])
    assert there["scans"] == [{"source": "documents/mixed.pdf", "recognised": [2], "unread": [], "reason": None}]
