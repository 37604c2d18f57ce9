"""Rows with one answer and many ways to ask for it."""

import json

from deskhand.knowledge import Audience, KnowledgeService, SourceDocument, document_id

ROWS = [
    {
        "id": "hours",
        "question": "When are you open?",
        "variants": ["opening hours", "what time do you close", "are you there at the weekend", "till when can I come by"],
        "answer": "We are open from 9:00 to 18:00 on working days.",
    },
    {
        "id": "price",
        "question": "What does a visit cost?",
        "variants": ["how expensive is it", "entrance fee", "how much do I pay for two adults"],
        "answer": "The entrance costs 12 € for adults and nothing for children.",
    },
    {"id": "plain", "question": "Can I bring my dog?", "answer": "Dogs on a lead are welcome in the garden."},
]


def _file(name: str, data: str) -> SourceDocument:
    return SourceDocument(origin=f"file:///{name}", source=name, filename=name, data=data.encode())


def _lines() -> SourceDocument:
    return _file("faq.jsonl", "\n".join(json.dumps(row) for row in ROWS))


async def _found(knowledge: KnowledgeService, question: str, *, limit: int = 5) -> list[tuple[str, str]]:
    passages = await knowledge.search(question, limit=limit, audience=Audience.public())
    return [(passage.source, passage.text) for passage in passages]


async def test_an_answer_is_found_by_any_of_its_variants(knowledge: KnowledgeService) -> None:
    await knowledge.ingest([_lines()], sync_scope=None)
    assert (await _found(knowledge, "till when could we come by?"))[0] == ("faq.jsonl#hours", ROWS[0]["answer"])
    assert (await _found(knowledge, "is it expensive"))[0] == ("faq.jsonl#price", ROWS[1]["answer"])


async def test_an_answer_is_shown_once_however_many_of_its_variants_are_found(knowledge: KnowledgeService) -> None:
    await knowledge.ingest([_lines()], sync_scope=None)
    found = await _found(knowledge, "what time are you open at the weekend, what are the opening hours?")
    assert len(found) == len(set(found))
    assert found[0][0] == "faq.jsonl#hours"


async def test_a_variant_is_no_heading_of_a_passage_and_no_part_of_the_text(knowledge: KnowledgeService) -> None:
    await knowledge.ingest([_lines()], sync_scope=None)
    passages = await knowledge.search("entrance fee", limit=3, audience=Audience.public())
    assert passages[0].section is None
    parts = await knowledge.library.list_parts(document_id("file:///faq.jsonl#price"))
    assert [part.text for part in parts] == [ROWS[1]["answer"]]


async def test_in_a_table_a_bar_stands_between_the_variants(knowledge: KnowledgeService) -> None:
    table = "question,variants,answer\nWhere is the station?,nearest train stop | how do I get there by rail,Five minutes north of us.\n"
    await knowledge.ingest([_file("faq.csv", table)], sync_scope=None)
    stored = await knowledge.get_document(document_id("file:///faq.csv#1"), audience=Audience.public())
    assert stored.metadata["variants"] == ["nearest train stop", "how do I get there by rail"]
    assert (await _found(knowledge, "get there by rail"))[0][1] == "Five minutes north of us."


async def test_a_question_that_is_like_no_example_scores_low(knowledge: KnowledgeService) -> None:
    await knowledge.ingest([_lines()], sync_scope=None)
    like = await knowledge.search("what time do you close?", limit=1, audience=Audience.public())
    unlike = await knowledge.search("who won the chess tournament in 1972?", limit=1, audience=Audience.public())
    assert like[0].score > 0.6
    assert not unlike or unlike[0].score < 0.2


async def test_a_changed_variant_is_found_and_the_old_one_is_not_kept(knowledge: KnowledgeService) -> None:
    await knowledge.ingest([_lines()], sync_scope=None)
    changed = [{**ROWS[0], "variants": ["do you do the graveyard shift"]}, *ROWS[1:]]
    report = await knowledge.ingest([_file("faq.jsonl", "\n".join(json.dumps(row) for row in changed))], sync_scope=None)
    assert (report.indexed, report.unchanged) == (1, 2)
    stored = await knowledge.get_document(document_id("file:///faq.jsonl#hours"), audience=Audience.public())
    assert stored.chunk_count == 3
    assert (await _found(knowledge, "graveyard shift"))[0][0] == "faq.jsonl#hours"
