"""Finding and reading the lines of print in a picture, by the models of RapidOCR (PP-OCRv6 small), which come in its wheel.

Invariant: one thread, nothing is downloaded, and everything is loaded by `load`, so that the process may be confined afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt
import rapidocr

Picture = npt.NDArray[np.uint8]
"""Rows of pixels of blue, green and red: (height, width, 3)."""

# Finding lines at this many pixels of the longer side costs a third of what it costs at 2,000, and finds the same.
_FINDING_SIDE = 960
_LONGEST_SIDE = 2600
_LEAST_SCORE = 0.5
# What stands on its head or on its side is read as something, with less certainty.
_UPRIGHT_SCORE = 0.85
_TALL = 1.5
_FEW = 6


@dataclass(frozen=True, slots=True)
class Print:
    """A line of print. Its corners are (x, y) in pixels from the top left: the first two along its top, the others back along its foot.
    `score` is in [0, 1]."""

    text: str
    corners: tuple[tuple[float, float], ...]
    score: float


class Engine:
    """What reads pictures. Takes 5 s of processor time for a page that is full of print."""

    def __init__(self, found_by: rapidocr.RapidOCR) -> None:
        self._engine = found_by

    @classmethod
    def load(cls) -> Self:
        """Takes some seconds and 170 MiB."""
        cv2.setNumThreads(1)
        models = Path(rapidocr.__file__).parent / "models"
        settings = {
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.max_side_len": _LONGEST_SIDE,
            "Global.text_score": _LEAST_SCORE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Det.limit_side_len": _FINDING_SIDE,
            "Det.limit_type": "max",
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            # Lines of one batch are padded to the longest of them: that costs more time than it saves, and twice the memory.
            "Rec.rec_batch_num": 1,
        }
        engine = cls(rapidocr.RapidOCR(params=settings))
        # The models are loaded when they are first used.
        blank: Picture = np.full((64, 256, 3), 255, np.uint8)
        cv2.putText(blank, "ready", (20, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (0, 0, 0), 3)
        engine.lines(blank)
        return engine

    def lines(self, picture: Picture) -> tuple[list[Print], Picture]:
        """The lines of print of a picture, and the picture as it was read: turned upright if it was not."""
        found = self._lines(picture)
        best, upright = found, picture
        if not found or _reads_well(found):
            return best, upright
        for turns in (1, 3) if _stand_tall(found) else (2,):
            turned: Picture = np.ascontiguousarray(np.rot90(picture, turns))
            other = self._lines(turned)
            if _weight(other) > _weight(best) or (_stand_tall(best) and not _stand_tall(other) and _certainty(other) > _certainty(best)):
                best, upright = other, turned
            if _reads_well(best):
                break
        return best, upright

    def _lines(self, picture: Picture) -> list[Print]:
        out: Any = self._engine(picture)
        if out.boxes is None or out.txts is None:
            return []
        return [
            Print(str(text), tuple((float(x), float(y)) for x, y in box), float(score))
            for box, text, score in zip(out.boxes, out.txts, out.scores, strict=True)
            if str(text).strip()
        ]


def _reads_well(found: Sequence[Print]) -> bool:
    return _certainty(found) >= _UPRIGHT_SCORE and not _stand_tall(found)


def _certainty(found: Sequence[Print]) -> float:
    """The mean score, by the length of the lines."""
    letters = sum(len(line.text) for line in found)
    return _weight(found) / letters if letters else 0.0


def _weight(found: Sequence[Print]) -> float:
    return sum(line.score * len(line.text) for line in found)


def _stand_tall(found: Sequence[Print]) -> bool:
    """Whether most of the print runs from top to bottom."""
    long = [line for line in found if len(line.text) >= _FEW]
    tall = 0
    for line in long:
        (left, top), (right, _), _, (_, foot) = line.corners
        tall += foot - top > _TALL * max(right - left, 1.0)
    return tall * 2 > len(long)
