"""XML, of Office documents and by itself, without what makes XML dangerous: entities of its own, and anything from outside."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element
from xml.parsers import expat

from deskhand.parsing.errors import UnreadableDocument

_SPACE = re.compile(r"\s+")
_DEEPEST = 200


def parse_xml(data: bytes) -> Element:
    """The root of an XML text.

    Raises:
        UnreadableDocument: it is not well-formed, or it declares entities.
    """
    guard = expat.ParserCreate()
    guard.EntityDeclHandler = _refuse_entity
    guard.ExternalEntityRefHandler = _refuse_entity
    try:
        guard.Parse(data, True)
        return ET.fromstring(data)  # noqa: S314 - what is dangerous was refused above
    except expat.ExpatError as error:
        raise UnreadableDocument(f"It is not well-formed XML: {error}.") from error
    except ET.ParseError as error:
        raise UnreadableDocument(f"It is not well-formed XML: {error}.") from error
    except (ValueError, LookupError) as error:
        raise UnreadableDocument(f"It is XML in a character set that cannot be read: {error}.") from error


def _refuse_entity(*_: object) -> int:
    raise UnreadableDocument("It is XML that declares entities of its own, which is how bombs are built; it is not read.")


def read_xml(data: bytes) -> str:
    """The words of an XML text: a line for each element that holds some, named by its tag where it is as short as a field."""
    return "\n".join(_lines(parse_xml(data), depth=0))


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rsplit("}", 1)[-1]


def _lines(element: Element, *, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        yield squeeze(" ".join(element.itertext()))
        return
    name = local(element)
    for key, value in element.attrib.items():
        if value.strip():
            yield f"- {name} {key.rsplit('}', 1)[-1]}: {squeeze(value)}"
    own = squeeze(element.text or "")
    children = list(element)
    if own and any((child.tail or "").strip() for child in children):
        yield squeeze(" ".join(element.itertext()))
        return
    if own:
        yield f"- {name}: {own}" if len(own) <= 200 and not children else own
    for child in children:
        yield from _lines(child, depth=depth + 1)
        tail = squeeze(child.tail or "")
        if tail:
            yield tail


def squeeze(text: str) -> str:
    """The text on one line, with single spaces."""
    return _SPACE.sub(" ", text).strip()
