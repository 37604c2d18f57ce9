"""All evaluations: `python -m evals`, or `make eval`."""

import sys

from evals import answers, retrieval

sys.exit(retrieval.main() or answers.main())
