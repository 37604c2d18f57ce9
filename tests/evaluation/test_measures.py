"""What the figures mean, held against values that can be checked by hand."""

import pytest

from deskhand.evaluation.bm25 import Bm25
from deskhand.evaluation.measures import answered_at, auroc, calibration_error, f1, interval, ndcg, recall, reliability


def test_a_ranking_is_worth_the_more_the_higher_what_is_relevant_stands() -> None:
    relevant = frozenset({"a", "b"})
    assert ndcg(["a", "b", "c"], relevant, at=10) == 1.0
    assert ndcg(["c", "a"], relevant, at=10) == pytest.approx(0.6309 / 1.6309, abs=1e-4)
    assert ndcg(["c", "d", "a"], relevant, at=2) == 0.0
    assert recall(["a", "c", "b"], relevant, at=2) == 0.5


def test_an_auroc_counts_pairs_and_halves_ties() -> None:
    assert auroc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert auroc([0.5], [0.5]) == 0.5
    assert auroc([0.9, 0.1], [0.5, 0.5]) == 0.5


def test_the_floor_lets_no_more_of_the_unanswerable_through_than_it_may() -> None:
    negative = [at / 10 for at in range(10)]
    assert answered_at([0.85, 0.95, 0.5], negative, share=0.1) == pytest.approx(2 / 3)
    assert answered_at([0.95, 0.05], negative, share=0.0) == 0.5
    assert answered_at([0.0], [0.5], share=1.0) == 1.0


def test_confidence_that_means_what_it_says_has_no_calibration_error() -> None:
    sure = [0.75] * 4 + [0.25] * 4
    right = [True, True, True, False, False, False, False, True]
    bins = reliability(sure, right)
    assert [(each.confidence, each.right, each.count) for each in bins] == [(0.25, 0.25, 4), (0.75, 0.75, 4)]
    assert calibration_error(bins) == 0.0
    assert calibration_error(reliability([1.0, 1.0], [True, False])) == 0.5


def test_an_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    values = [1.0] * 60 + [0.0] * 40
    low, high = interval(values)
    assert 0.45 < low < 0.6 < high < 0.75
    assert interval(values) == (low, high)
    assert interval([1.0, 1.0]) == (1.0, 1.0)


def test_f1_is_nothing_where_nothing_was_hit() -> None:
    assert f1(hits=0, false_alarms=5, misses=0) == 0.0
    assert f1(hits=8, false_alarms=2, misses=2) == 0.8


def test_the_baseline_finds_rare_words_first_also_without_spaces() -> None:
    texts = {"tea": "We ship tea on Mondays. " * 3, "dog": "The dog is called Rex.", "zh": "我们每周一发货。"}
    baseline = Bm25(texts)
    assert baseline.ranked("what is the dog called")[0] == "dog"
    assert baseline.ranked("每周一")[0] == "zh"
    assert baseline.ranked("nothing of it") == []
