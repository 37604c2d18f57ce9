"""Ten documents of a company that does not exist, so that a first question has an answer. Used in development alone."""

from importlib.resources import files

from deskhand.knowledge.documents import SourceDocument

SCOPE = "samples"


def sample_documents() -> list[SourceDocument]:
    folder = files(__name__)
    return [
        SourceDocument(
            origin=f"sample:{entry.name}", source=f"{SCOPE}/{entry.name}", filename=entry.name, data=entry.read_bytes(), scope=SCOPE
        )
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".md")
    ]
