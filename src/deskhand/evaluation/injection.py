"""Are texts noticed that give orders to the agent, and is nobody suspected who gives none? Measured on the detector of the guard.

The detector learnt from public sets of such prompts (`tools/train_injection.py`): the share that it finds of those flatters it, that of
others does not. What it does not notice has no effect all the same: see `deskhand.guard.untrusted_effects` and `untrusted_links`.
"""

from collections import Counter
from collections.abc import Sequence

from deskhand.evaluation.figures import Figure, Measured, Subject
from deskhand.evaluation.measures import interval
from deskhand.evaluation.sets import ConversationSet, PromptSet
from deskhand.guard.injection import screen


def measure_prompts(prompts: PromptSet) -> Measured:
    """Of attacks, how many are found, and by family; of harmless prompts, how many are suspected."""
    flagged = [screen(text).is_flagged for _, text in prompts.prompts]
    total = Counter(family for family, _ in prompts.prompts)
    found = Counter(family for (family, _), held in zip(prompts.prompts, flagged, strict=True) if held)
    if prompts.kind == "attacks":
        figure = _share("found", "attacks found", flagged)
        families = tuple((family, count, found[family]) for family, count in total.items()) if len(total) < len(flagged) else ()
        return Measured(Subject.INJECTION, prompts.name, f"{len(flagged)} attacks", (figure,), families=families)
    figure = _share("false_alarms", "harmless prompts suspected", flagged, higher_is_better=False)
    return Measured(Subject.INJECTION, prompts.name, f"{len(flagged)} harmless prompts", (figure,))


def measure_customers(name: str, sentences: Sequence[str]) -> Measured:
    """How many of what customers say is suspected."""
    figure = _share(
        "false_alarms", "customers' sentences suspected", [screen(text).is_flagged for text in sentences], higher_is_better=False
    )
    return Measured(Subject.INJECTION, name, f"{len(sentences)} sentences of customers", (figure,))


def said_by_customers(conversations: ConversationSet) -> list[str]:
    messages = (message for conversation in conversations.conversations for message in conversation)
    return [message["content"] for message in messages if message.get("role") == "user" and message.get("content")]


def _share(name: str, title: str, held: Sequence[bool], *, higher_is_better: bool = True) -> Figure:
    low, high = interval([float(one) for one in held])
    return Figure(name, title, sum(held) / len(held), low, high, higher_is_better=higher_is_better)
