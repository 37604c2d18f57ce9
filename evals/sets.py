"""The judged sets of `deskhand.evaluation`, under the names that the entry points here use."""

from deskhand.evaluation.sets import SETS as SETS
from deskhand.evaluation.sets import JudgedSet as JudgedSet
from deskhand.evaluation.sets import Question as Question
from deskhand.evaluation.sets import load as load
from deskhand.evaluation.sets import read_lines as read_lines
