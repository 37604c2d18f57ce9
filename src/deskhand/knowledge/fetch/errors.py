"""The errors of fetching, for whoever gave the address. None of them says where a name resolves to: that would map a network."""

from deskhand.errors import DeskhandError, Malformed


class AddressRefused(Malformed):
    """This address is not fetched."""

    code = "address_refused"
    support = (
        "Give an http or https address that anyone on the internet can open, or allow your own network in DESKHAND_FETCH_ALLOWED_NETWORKS."
    )


class RobotsRefused(Malformed):
    """The site does not want this page to be fetched by programs."""

    code = "robots_refused"
    support = "If the site is yours, add 'User-agent: Deskhand' and 'Allow: /' to its robots.txt."


class FetchFailed(DeskhandError):
    """The address did not give a document."""

    code = "fetch_failed"
    status = 502
    support = "Open the address in a browser. If it works there, try again later."


class PageGone(FetchFailed):
    """There is nothing at this address any more."""

    code = "page_gone"
    status = 422
    support = "Check the address; if the page has moved, give its new one."


class UnreadableSitemap(Malformed):
    """This sitemap cannot be read."""

    code = "unreadable_sitemap"
    support = "Check the sitemap against sitemaps.org, or name the pages one by one."


class CheckoutFailed(DeskhandError):
    """The Git repository cannot be read."""

    code = "checkout_failed"
    status = 502
    support = "Clone the repository yourself, and give the folder."
