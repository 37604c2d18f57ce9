"""Small documents of each kind, made by hand."""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def _listed(links: str) -> str:
    return f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>'


def _link(key: str, kind: str, target: str, more: str = "") -> str:
    return f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"{more}/>'


def pdf(pages: Sequence[str], *, pack: bool = False, more: str = "") -> bytes:
    """A PDF whose pages have these content streams. `more` goes into the catalogue."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {more} >>".encode(),
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, content in enumerate(pages):
        stream = content.encode("latin-1")
        packed = zlib.compress(stream) if pack else stream
        wrapping = "/Filter /FlateDecode " if pack else ""
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> "
            + f"/Contents {5 + 2 * number} 0 R >>".encode()
        )
        objects.append(f"<< {wrapping}/Length {len(packed)} >>\nstream\n".encode() + packed + b"\nendstream")
    return assembled(objects)


def assembled(objects: Sequence[bytes]) -> bytes:
    """A PDF of numbered objects, the first one its catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    return bytes(out + f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode())


def said(*lines: tuple[str, int, int, int]) -> str:
    """A content stream: each line is its text, the size of its print and where it begins, from the left and from the bottom."""
    return "\n".join(f"BT /F1 {size} Tf {left} {bottom} Td ({text}) Tj ET" for text, size, left, bottom in lines)


def archive(members: Mapping[str, bytes | str], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def word(body: str, *, links: Mapping[str, str] | None = None, parts: Mapping[str, tuple[str, str]] | None = None) -> bytes:
    """A Word document. `links` are addresses by id; `parts` are other parts by name, each with its kind and XML."""
    listed = "".join(_link(key, "hyperlink", to, ' TargetMode="External"') for key, to in (links or {}).items())
    listed += "".join(_link(f"p{number}", kind, name) for number, (name, (kind, _)) in enumerate((parts or {}).items()))
    return archive(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": _listed(_link("r", "officeDocument", "word/document.xml")),
            "word/document.xml": f'<w:document xmlns:w="{WORD}" xmlns:r="{_OFFICE}"><w:body>{body}</w:body></w:document>',
            "word/_rels/document.xml.rels": _listed(listed),
            **{f"word/{name}": xml for name, (_, xml) in (parts or {}).items()},
        }
    )


def paragraph(text: str, *, style: str = "", extra: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r>{extra}</w:p>"


def sheets(named: Mapping[str, Sequence[Sequence[str | float]]], *, corner: str | None = None) -> bytes:
    """A workbook. `corner` is the address of one more cell, in the first sheet."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    members: dict[str, bytes | str] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": _listed(_link("r", "officeDocument", "xl/workbook.xml")),
    }
    listed = links = ""
    for number, (name, rows) in enumerate(named.items(), 1):
        listed += f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
        links += _link(f"r{number}", "worksheet", f"worksheets/s{number}.xml")
        body = ""
        for place, row in enumerate(rows, 1):
            cells = "".join(
                f'<c r="{chr(65 + column)}{place}"><v>{value}</v></c>'
                if isinstance(value, int | float)
                else f'<c r="{chr(65 + column)}{place}" t="inlineStr"><is><t>{value}</t></is></c>'
                for column, value in enumerate(row)
            )
            body += f'<row r="{place}">{cells}</row>'
        if corner and number == 1:
            body += f'<row r="1048576"><c r="{corner}"><v>1</v></c></row>'
        members[f"xl/worksheets/s{number}.xml"] = f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
    members["xl/workbook.xml"] = f'<workbook xmlns="{main}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
    members["xl/_rels/workbook.xml.rels"] = _listed(links)
    return archive(members)


def slides(said_on: Sequence[tuple[str, Sequence[str]]]) -> bytes:
    """Slides with a title and paragraphs each."""
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    slide = "http://schemas.openxmlformats.org/presentationml/2006/main"
    spaces = f'xmlns:a="{drawing}" xmlns:p="{slide}" xmlns:r="{_OFFICE}"'
    members: dict[str, bytes | str] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": _listed(_link("r", "officeDocument", "ppt/presentation.xml")),
    }
    listed = links = ""
    for number, (title, paragraphs) in enumerate(said_on, 1):
        # The file's order is not the talk's.
        listed += f'<p:sldId id="{255 + number}" r:id="r{number}"/>'
        links += _link(f"r{number}", "slide", f"slides/slide{9 - number}.xml")
        body = "".join(f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" for text in paragraphs)
        members[f"ppt/slides/slide{9 - number}.xml"] = (
            f"<p:sld {spaces}><p:cSld><p:spTree>"
            f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr>'
            f"<p:txBody><a:p><a:r><a:t>{title}</a:t></a:r></a:p></p:txBody></p:sp>"
            f"<p:sp><p:nvSpPr><p:nvPr/></p:nvSpPr><p:txBody>{body}</p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
        )
    members["ppt/presentation.xml"] = f"<p:presentation {spaces}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>"
    members["ppt/_rels/presentation.xml.rels"] = _listed(links)
    return archive(members)


def book(chapters: Mapping[str, str], *, spine: Sequence[str]) -> bytes:
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in chapters)
    order = "".join(f'<itemref idref="{name}"/>' for name in spine)
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": "<package><metadata><title>The Handbook</title></metadata>"
            f"<manifest>{items}</manifest><spine>{order}</spine></package>",
            **{f"OEBPS/{name}.xhtml": f"<html><body>{text}</body></html>" for name, text in chapters.items()},
        }
    )
