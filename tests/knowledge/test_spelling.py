"""Slips of the pen in a question are put right by the words of the documents."""

import numpy as np
import pytest
from numpy.typing import NDArray

from deskhand.knowledge.analysis import Hashes, analyse
from deskhand.knowledge.spelling import corrected, hyphened

DOCUMENTS = "Reset your password. Cancel the subscription. We accept orders. Shipping and storage. Take a break."
FAMILIAR = frozenset(["how", "do", "i", "my", "the", "bread", "bake", "cancel", "password", "order"])


def frequencies(hashes: Hashes) -> NDArray[np.int64]:
    known = frozenset(analyse(DOCUMENTS)[0].tolist())
    return np.array([term in known for term in hashes.tolist()], np.int64)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("i forgot my pasword", "i forgot my password"),
        ("how do I cancle the subscribtion?", "how do I cancel the subscription?"),
        ("do you acept ordes", "do you accept orders"),
        ("Shiping", "shipping"),
    ],
)
def test_a_word_that_nobody_knows_becomes_the_one_a_slip_away(written: str, meant: str) -> None:
    assert corrected(written, is_familiar=FAMILIAR.__contains__, frequencies=frequencies) == meant


@pytest.mark.parametrize("text", ["how do I bake bread", "NW-204", "xylophone", "orders", "", "我如何重置密码"])
def test_a_word_that_is_known_or_like_no_other_stays(text: str) -> None:
    assert corrected(text, is_familiar=FAMILIAR.__contains__, frequencies=frequencies) == text


@pytest.mark.parametrize(
    ("written", "theirs"),
    [
        ("my wifi is slow", "my wi-fi is slow"),
        ("a pre-order", "a preorder"),
        ("Is the on-line shop open", "Is the on-line shop open"),
        ("carpet", "carpet"),
        ("todo", "todo"),
    ],
)
def test_a_compound_is_written_as_the_documents_write_it(written: str, theirs: str) -> None:
    chunks = ("The Wi-Fi of your car.", "Wi-Fi to do. Each pet in a car.", "My preorder is slow.")

    def frequencies(hashes: Hashes) -> NDArray[np.int64]:
        terms = [frozenset(analyse(chunk)[0].tolist()) for chunk in chunks]
        return np.array([sum(term in each for each in terms) for term in hashes.tolist()], np.int64)

    assert hyphened(written, frequencies=frequencies) == theirs
