"""The measures of `deskhand.evaluation`, under the name that the entry points here use."""

from deskhand.evaluation.measures import auroc as auroc
from deskhand.evaluation.measures import ndcg as ndcg
from deskhand.evaluation.measures import recall as recall
