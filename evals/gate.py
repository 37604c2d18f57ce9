"""The evidence gate on recorded conversations: right sentences that it blocks, wrong ones that it catches, by domain and kind.

    python -m evals.gate --data ../shared/data --seeds 1 2 3 --show

A wrong sentence is a right one with one figure, date, name or address changed (see `deskhand.evaluation.spoiled`). Only conversations that
ended well are used. See `docs/decisions/evidence-gate.md`.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from deskhand.evaluation.gate import Tally, tally_gate
from deskhand.evaluation.layout import look_at
from deskhand.evaluation.sets import ConversationSet
from deskhand.evaluation.spoiled import KINDS


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.gate", description="Measure the evidence gate.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the judged sets")
    parser.add_argument("--json", type=Path, default=Path(".cache/evals/gate.json"), help="where to write the figures")
    parser.add_argument("--show", action="store_true", help="print what went wrong")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7], help="what chooses the changes; the figures are of all of them")
    options, _ = parser.parse_known_args(arguments)
    sets = [found for found in look_at(options.data).sets if isinstance(found, ConversationSet)]
    tallies = {found.name: _joined([tally_gate(found, seed=seed) for seed in options.seeds]) for found in sets}
    print(f"{'set':<34}{'sentences':>10}{'blocked':>9}{'spoiled':>9}{'caught':>8}{'ms CPU':>8}{'slowest':>9}")
    for name, tally in {**tallies, "all": _joined(list(tallies.values()))}.items():
        print(_row(name, tally))
        print("    " + "  ".join(f"{kind} {tally.caught[kind]}/{tally.spoiled[kind]}" for kind in KINDS if tally.spoiled[kind]))
        if options.show and name != "all":
            print("\n".join(f"      blocked: {why} | {sentence[:160]}" for why, sentence in tally.blocked))
            print("\n".join(f"      missed {kind} | {sentence[:160]}" for kind, sentence in tally.missed))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({name: _record(tally) for name, tally in tallies.items()}, indent=1) + "\n", encoding="utf-8")
    return 0


def _joined(tallies: Sequence[Tally]) -> Tally:
    return Tally(
        sentences=sum(tally.sentences for tally in tallies),
        blocked=[each for tally in tallies for each in tally.blocked],
        spoiled=sum((tally.spoiled for tally in tallies), Counter()),
        caught=sum((tally.caught for tally in tallies), Counter()),
        missed=[each for tally in tallies for each in tally.missed],
        seconds=sum(tally.seconds for tally in tallies),
        slowest=max((tally.slowest for tally in tallies), default=0.0),
    )


def _row(name: str, tally: Tally) -> str:
    spoiled, caught = sum(tally.spoiled.values()), sum(tally.caught.values())
    blocked = len(tally.blocked) / max(1, tally.sentences)
    shares = f"{blocked:>9.2%}{spoiled:>9}{caught / max(1, spoiled):>8.1%}"
    return f"{name:<34}{tally.sentences:>10}{shares}{1_000 * tally.seconds / max(1, tally.sentences):>8.2f}{1_000 * tally.slowest:>9.1f}"


def _record(tally: Tally) -> dict[str, object]:
    return {
        "sentences": tally.sentences,
        "wrongly_blocked": len(tally.blocked) / max(1, tally.sentences),
        "caught": {kind: [tally.caught[kind], tally.spoiled[kind]] for kind in KINDS if tally.spoiled[kind]},
        "milliseconds_a_sentence": 1_000 * tally.seconds / max(1, tally.sentences),
    }


if __name__ == "__main__":
    sys.exit(main())
