"""What a robots.txt allows, as RFC 9309 reads it."""

import pytest
from yarl import URL

from deskhand.knowledge.fetch.robots import parse_robots

SITE = URL("https://example.com")


def _allows(text: str, path: str) -> bool:
    return parse_robots(text, product="Deskhand").allows(SITE.join(URL(path, encoded=True)))


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("", "/a", True),
        ("Disallow:", "/a", True),
        ("Disallow: /", "/a", False),
        ("Disallow: /a", "/ab/c", False),
        ("Disallow: /a/", "/a", True),
        ("Disallow: /A", "/a", True),
        ("Allow: /p\nDisallow: /", "/page", True),
        ("Disallow: /p\nAllow: /p", "/page", True),
        ("Allow: /page\nDisallow: /*.htm", "/page.htm", False),
        ("Disallow: /page\nAllow: /page/all", "/page/all/x", True),
        ("Disallow: /*.pdf$", "/a/b.pdf", False),
        ("Disallow: /*.pdf$", "/a/b.pdf?x=1", True),
        ("Disallow: /*?print=", "/a?print=1", False),
        ("Disallow: /fish*salmon", "/fish/and/salmon/x", False),
        ("Disallow: /fish$", "/fish", False),
        ("Disallow: /fish$", "/fishes", True),
        ("Disallow: /*", "/", False),
        ("Disallow: *", "/a", False),
        ("Disallow: /%7Ejoe", "/~joe/x", False),
        ("Disallow: /~joe", "/%7ejoe/x", False),
        ("Disallow: /a%2Fb", "/a/b", True),
        ("Disallow: /a%2fb", "/a%2Fb", False),
        ("Disallow: /grüße", "/gr%C3%BC%C3%9Fe", False),
        ("Disallow: /a # a comment", "/a", False),
    ],
)
def test_the_longest_rule_that_matches_decides(rules: str, path: str, allowed: bool) -> None:
    assert _allows(f"User-agent: *\n{rules}\n", path) is allowed


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("User-agent: *\nDisallow: /\n\nUser-agent: deskhand\nAllow: /", True),
        ("User-agent: Deskhand/9\nDisallow: /\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: deskhandler\nDisallow: /", True),
        ("User-agent: other\nUser-agent: DESKHAND\nDisallow: /", False),
        ("User-agent: other\nDisallow: /", True),
        ("User-agent: deskhand\nDisallow: /x\n\nUser-agent: other\nDisallow: /\n\nUser-agent: deskhand\nDisallow: /a", False),
        ("Disallow: /", True),
        ("\ufeffUSER-AGENT : *\nDISALLOW : /", False),
        ("User-agent: *\nSitemap: https://example.com/s.xml\nDisallow: /", False),
        ("<html>no rules</html>", True),
        ("User-agent: *\r\nDisallow: /\r\n", False),
    ],
)
def test_the_group_that_names_us_applies(text: str, allowed: bool) -> None:
    assert _allows(text, "/a") is allowed


@pytest.mark.parametrize(("said", "seconds"), [("5", 5.0), ("0.5", 0.5), ("-1", 0.0), ("soon", 0.0), ("1e9", 0.0), ("nan", 0.0)])
def test_the_delay_is_a_number_of_seconds(said: str, seconds: float) -> None:
    assert parse_robots(f"User-agent: *\nCrawl-delay: {said}", product="Deskhand").delay_seconds == seconds


def test_a_hostile_file_is_read_in_no_time() -> None:
    """As regular expressions these rules would take longer than the universe has been there; the test would be ended."""
    rules = "\n".join(f"Disallow: /{'*a' * 400}b{number}$" for number in range(600))
    assert _allows(f"User-agent: *\n{rules}", "/" + "a" * 2_000)
