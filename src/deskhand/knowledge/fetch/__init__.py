"""Documents that are fetched: pages of the web, whole sites by their sitemaps, Git repositories.

Invariant: whoever names an address decides which pages are read, never which machine is asked. Nothing here connects to an address that is
not public, unless the settings allow its network.
"""

from deskhand.knowledge.fetch.addresses import AddressPolicy
from deskhand.knowledge.fetch.checkouts import LocalCheckout, find_checkout
from deskhand.knowledge.fetch.errors import AddressRefused, CheckoutFailed, FetchFailed, PageGone, RobotsRefused, UnreadableSitemap
from deskhand.knowledge.fetch.expansion import Expansion, Found
from deskhand.knowledge.fetch.http import TimeLimits
from deskhand.knowledge.fetch.repository import Checkout
from deskhand.knowledge.fetch.service import SourceFetcher

__all__ = [
    "AddressPolicy",
    "AddressRefused",
    "Checkout",
    "CheckoutFailed",
    "Expansion",
    "FetchFailed",
    "Found",
    "LocalCheckout",
    "PageGone",
    "RobotsRefused",
    "SourceFetcher",
    "TimeLimits",
    "UnreadableSitemap",
    "find_checkout",
]
