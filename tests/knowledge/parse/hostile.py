"""Hostile documents, made by families: each family is one way to do harm, each of its files another mutation of it."""

import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from knowledge.parse import made

_LAUGHS = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY a{n} "{"&a" + str(n - 1) + ";" if n > 1 else "&a;"}{"&a" + str(n - 1) + ";" if n > 1 else "&a;"}">' for n in range(1, 40)
)
_NUMBERS = (b"0", b"-1", b"2147483647", b"4294967296", b"99999999999", b"1e9")
_HELLO = made.said(("Hello", 12, 72, 720))


@dataclass(frozen=True, slots=True)
class Hostile:
    family: str
    filename: str
    content_type: str | None
    data: bytes


def hostile_documents(count: int, *, seed: int) -> Iterator[Hostile]:
    """The same `count` files for the same seed, of all families in turn."""
    chance = random.Random(seed)
    for number in range(count):
        make = _FAMILIES[number % len(_FAMILIES)]
        filename, data = make(chance)
        if number >= len(_FAMILIES) and chance.random() < 0.6:
            data = _mutated(data, chance)
        lie = chance.choice([None, None, "application/pdf", "text/plain", "image/png", "text/html; charset=nonsense", "x" * 500])
        yield Hostile(make.__name__.lstrip("_"), filename, lie, data)


def family_count() -> int:
    return len(_FAMILIES)


def _mutated(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, cut out, doubled, or some of the numbers made extreme; of archives often inside of a member."""
    if data[:2] == b"PK" and chance.random() < 0.7 and (inside := _mutated_inside(data, chance)):
        return inside
    out = bytearray(data)
    for _ in range(chance.choice((1, 3, 20))):
        place = chance.randrange(len(out)) if out else 0
        match chance.randrange(5):
            case 0:
                out[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del out[place : place + chance.randrange(1, 300)]
            case 2:
                out[place:place] = out[place : place + chance.randrange(1, 300)] * 3
            case 3:
                found = list(re.finditer(rb"\d+", bytes(out[place : place + 3000])))
                if found:
                    number = chance.choice(found)
                    out[place + number.start() : place + number.end()] = chance.choice(_NUMBERS)
            case _:
                out = out[: chance.randrange(len(out))] if out and chance.random() < 0.3 else out
    return bytes(out)


def _mutated_inside(data: bytes, chance: random.Random) -> bytes | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            entries = file.infolist()
            if not entries or len(entries) > 50 or sum(entry.file_size for entry in entries) > 1_000_000:
                return None
            members = {entry.filename: file.read(entry) for entry in entries}
    except (zipfile.BadZipFile, RuntimeError, ValueError):
        # A place in the file that is before its beginning is a ValueError.
        return None
    name = chance.choice(sorted(members))
    members[name] = _mutated(members[name], chance)
    return made.archive(members)


def _pdf_broken(chance: random.Random) -> tuple[str, bytes]:
    return "a.pdf", _mutated(made.pdf([_HELLO, _HELLO]), chance)


def _pdf_page_tree_loop(_: random.Random) -> tuple[str, bytes]:
    return "a.pdf", made.assembled([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>"])


def _pdf_million_pages(_: random.Random) -> tuple[str, bytes]:
    return "a.pdf", made.pdf([_HELLO]).replace(b"/Count 1", b"/Count 99999")


def _pdf_nested_arrays(chance: random.Random) -> tuple[str, bytes]:
    depth = chance.choice((1_000, 100_000))
    return "a.pdf", made.pdf([_HELLO], more="/Deep " + "[" * depth + "]" * depth)


def _pdf_stream_bomb(chance: random.Random) -> tuple[str, bytes]:
    return "a.pdf", made.pdf([_HELLO + " " * chance.choice((1_000_000, 40_000_000))], pack=True)


def _pdf_text_storm(chance: random.Random) -> tuple[str, bytes]:
    return "a.pdf", made.pdf(["BT /F1 1 Tf " + "(aaaaaaaa) Tj " * chance.choice((2_000, 20_000)) + "ET"], pack=True)


def _pdf_previous_loop(_: random.Random) -> tuple[str, bytes]:
    data = made.pdf([_HELLO])
    table = data.rindex(b"xref\n0")
    return "a.pdf", data.replace(b"/Root 1 0 R >>", b"/Root 1 0 R /Prev %d >>" % table)


def _pdf_form_loop(_: random.Random) -> tuple[str, bytes]:
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >>"
    form += b" /Length 10 >>\nstream\n/X Do /X Do\nendstream"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >>"
    stream = b"<< /Length 5 >>\nstream\n/X Do\nendstream"
    return "a.pdf", made.assembled([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, stream, form])


def _pdf_extreme_places(chance: random.Random) -> tuple[str, bytes]:
    size = chance.choice((0, -1, 10**30, 2**31))
    return "a.pdf", made.pdf([f"BT /F1 {size} Tf 1e38 0 0 1e38 {size} 1e30 Tm (x y z) Tj ET"]).replace(b"612 792", b"1e38 -1e38")


def _pdf_with_script(_: random.Random) -> tuple[str, bytes]:
    return "a.pdf", made.pdf([_HELLO], more="/OpenAction << /S /JavaScript /JS (while(1){}) >> /AA << /O << /S /Launch /F (/bin/sh) >> >>")


def _polyglot(chance: random.Random) -> tuple[str, bytes]:
    halves = [made.pdf([_HELLO]), made.archive({"a.txt": "text"}), b"<html><script>1</script><p>page</p>", b"GIF89a" + bytes(50)]
    chance.shuffle(halves)
    return f"a.{chance.choice(('pdf', 'txt', 'html', 'zip', 'docx'))}", b"".join(halves)


def _zip_bomb(chance: random.Random) -> tuple[str, bytes]:
    return "a.zip", made.archive({"a.txt": bytes(chance.choice((11_000_000, 60_000_000)))})


def _zip_many(_: random.Random) -> tuple[str, bytes]:
    return "a.zip", made.archive({f"{number}.txt": "a" for number in range(10_500)}, method=zipfile.ZIP_STORED)


def _zip_nested(chance: random.Random) -> tuple[str, bytes]:
    data = made.archive({"a.txt": "words"})
    for _ in range(chance.choice((3, 12))):
        data = made.archive({"a.zip": data, "b.txt": "words"})
    return "a.zip", data


def _zip_traversal(_: random.Random) -> tuple[str, bytes]:
    names = ("../../../../tmp/deskhand-was-here.txt", "/etc/deskhand.txt", "C:\\x.txt", "a\x00.txt", "x" * 60_000 + ".txt", "..", "a.txt/")
    return "a.zip", made.archive({name.replace("\x00", "?"): "words" for name in names})


def _zip_lies(chance: random.Random) -> tuple[str, bytes]:
    data = bytearray(made.archive({"a.txt": b"words " * 5000, "b.txt": b"others"}))
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        where = data.index(mark) + place
        data[where : where + 4] = struct.pack("<I", chance.choice((0, 5, 2**31 - 1, 2**32 - 1)))
    return "a.zip", bytes(data)


def _zip_encrypted(_: random.Random) -> tuple[str, bytes]:
    data = bytearray(made.archive({"a.txt": "words"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    return "a.zip", bytes(data)


def _word_laughs(_: random.Random) -> tuple[str, bytes]:
    return "a.docx", _in_word(_LAUGHS + "]><l>&a39;</l>")


def _word_entity(_: random.Random) -> tuple[str, bytes]:
    return "a.docx", _in_word('<!DOCTYPE d [<!ENTITY f SYSTEM "file:///etc/passwd">]><d>&f;</d>')


def _word_deep(chance: random.Random) -> tuple[str, bytes]:
    depth = chance.choice((500, 50_000))
    return "a.docx", made.word("<w:tbl><w:tr><w:tc>" * depth + "</w:tc></w:tr></w:tbl>" * depth)


def _word_large(chance: random.Random) -> tuple[str, bytes]:
    return "a.docx", made.word("".join(made.paragraph(f"{chance.random()}") for _ in range(chance.choice((100, 10_000)))))


def _word_links_out(_: random.Random) -> tuple[str, bytes]:
    return "a.docx", made.word(
        made.paragraph("a"), parts={"../../../etc/passwd": ("footnotes", "<x/>"), "document.xml": ("header", "<x/>")}
    )


def _sheet_far_corner(_: random.Random) -> tuple[str, bytes]:
    return "a.xlsx", made.sheets({"S": [["a", "b"]]}, corner="XFD1048576")


def _sheet_many_cells(chance: random.Random) -> tuple[str, bytes]:
    return "a.xlsx", made.sheets({"S": [[chance.random()] * 20 for _ in range(chance.choice((100, 5_000)))]})


def _slides_broken(chance: random.Random) -> tuple[str, bytes]:
    return "a.pptx", _mutated(made.slides([("One", ["a", "b"]), ("Two", ["c"])]), chance)


def _book_out(_: random.Random) -> tuple[str, bytes]:
    return "a.epub", made.book(
        {"../../../../etc/passwd": "x", "b": "<p>words</p>" + "<div>" * 3_000}, spine=["b", "b", "../../../../etc/passwd"]
    )


def _xml_laughs(_: random.Random) -> tuple[str, bytes]:
    return "a.xml", (_LAUGHS + "]><l>&a39;</l>").encode()


def _xml_quadratic(_: random.Random) -> tuple[str, bytes]:
    return "a.xml", ('<!DOCTYPE l [<!ENTITY a "' + "a" * 50_000 + '">]><l>' + "&a;" * 50_000 + "</l>").encode("utf-16")


def _html_deep(chance: random.Random) -> tuple[str, bytes]:
    return "a.html", b"<div>" * chance.choice((3_000, 15_000)) + b"deep" if chance.random() < 0.5 else b"<table><tr><td>" * 3_000 + b"deep"


def _html_attributes(_: random.Random) -> tuple[str, bytes]:
    return "a.html", b"<p " + b" ".join(b"a%d=1" % number for number in range(4_000)) + b">words" + b"<li>" * 5_000


def _json_deep(chance: random.Random) -> tuple[str, bytes]:
    return "a.json", chance.choice((b"[" * 200_000, b'{"a":' * 100_000, b"[" + b"{}," * 300_000 + b"{}]", b"[" + b"9" * 500_000 + b"]"))


def _rows_broken(chance: random.Random) -> tuple[str, bytes]:
    return chance.choice(
        (
            ("a.csv", b'text,"' + b"a" * 2_000_000),
            ("a.csv", b"text\n" + b"a\n" * 50_000),
            ("a.jsonl", b'{"text": "\\ud800"}\n' * 2_000),
            ("a.tsv", b"\t" * 200_000 + b"\n" + b"\t" * 10),
        )
    )


def _mail_deep(chance: random.Random) -> tuple[str, bytes]:
    depth = chance.choice((50, 2_000))
    heads = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(depth))
    return "a.eml", b"Subject: deep\n" + heads + b"Content-Type: text/plain\n\nwords\n"


def _mail_heads(chance: random.Random) -> tuple[str, bytes]:
    return "a.eml", chance.choice(
        (
            b"Subject: " + b"=?utf-8?b?" + b"A" * 500_000 + b"?=\n\nwords",
            b"X: y\n" * 50_000 + b"\nwords",
            b'Content-Type: text/plain; charset="' + b"x" * 100_000 + b'"\nContent-Transfer-Encoding: base64\n\n=====',
            b"Content-Disposition: attachment; filename*0*=utf-8''%ff; filename*1=\x00\nContent-Type: message/rfc822\n\n\xff\xfe",
        )
    )


def _ole_loop(chance: random.Random) -> tuple[str, bytes]:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, 1, 0, 0, 4096, 0, 1, 0xFFFFFFFE, 0) + struct.pack("<I", 0) * 109
    body = struct.pack("<I", 0) * 128 + bytes(chance.randrange(256) for _ in range(2048))
    return chance.choice(("a.msg", "a.xls")), head.ljust(512, b"\0") + body


def _text_not(chance: random.Random) -> tuple[str, bytes]:
    return chance.choice(("a.txt", "a.md", "../../etc/passwd.txt", "a" * 5_000 + ".txt", "a\x00b.txt", ".txt", "")), chance.choice(
        (b"\x00" * 1000, bytes(range(256)) * 10, b"\xff\xfe" + b"a" * 999, b"a" * 3_000_000, b"# \n" * 100_000, chance.randbytes(5000), b"")
    )


def _picture(chance: random.Random) -> tuple[str, bytes]:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0)
    return chance.choice(("a.png", "a.txt", "a.pdf")), head + zlib.compress(bytes(1000))


def _in_word(document: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(made.word(made.paragraph("a")))) as file:
        members = {name: file.read(name) for name in file.namelist()}
    return made.archive({**members, "word/document.xml": document})


_FAMILIES: tuple[Callable[[random.Random], tuple[str, bytes]], ...] = (
    *(_pdf_broken, _pdf_page_tree_loop, _pdf_million_pages, _pdf_nested_arrays, _pdf_stream_bomb, _pdf_text_storm, _pdf_previous_loop),
    *(_pdf_form_loop, _pdf_extreme_places, _pdf_with_script, _polyglot, _zip_bomb, _zip_many, _zip_nested, _zip_traversal, _zip_lies),
    *(_zip_encrypted, _word_laughs, _word_entity, _word_deep, _word_large, _word_links_out, _sheet_far_corner, _sheet_many_cells),
    *(_slides_broken, _book_out, _xml_laughs, _xml_quadratic, _html_deep, _html_attributes, _json_deep, _rows_broken, _mail_deep),
    *(_mail_heads, _ole_loop, _text_not, _picture),
)
