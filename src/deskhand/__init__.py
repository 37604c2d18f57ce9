"""Deskhand: an AI customer-support agent that a company runs itself."""

import os

__version__ = "0.1.0"

# Before NumPy is loaded, which reads it then. BLAS would spread each product of a search over all processors, whose threads spin for longer
# than the product takes on one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
