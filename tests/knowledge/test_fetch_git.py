"""Documents from Git repositories, of this machine and of others."""

from pathlib import Path

import pytest

from deskhand.knowledge import SourceDocument, UnreadableSource
from deskhand.knowledge.fetch import AddressPolicy, AddressRefused, SourceFetcher
from deskhand.knowledge.fetch.checkouts import find_checkout
from deskhand.knowledge.fetch.forges import find_forge
from knowledge.fetching import MEGABYTE, all_of, documents_of
from parts.git_server import GitSite, commit, git, repository
from parts.sites import Canary, Names, canary

FILES = {
    "README.md": "# Shop\n\nWe sell tea.",
    "docs/returns.md": "# Returns\n\nWithin 30 days.",
    "docs/logo.svg": "<svg/>",
    "docs/.draft.md": "secret",
    ".github/notes.md": "secret",
    "large.txt": "x" * (MEGABYTE + 1),
    "big.md": "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n",
}


async def test_a_repository_gives_its_documents_by_path(fetcher: SourceFetcher, tmp_path: Path) -> None:
    work = repository(tmp_path / "shop.git", FILES)
    async with GitSite(tmp_path) as site:
        url = f"{site.url}/shop.git"
        checkout = fetcher.expand(url)
        found = {source.source: source async for source in checkout}
        assert list(found) == ["shop/README.md", "shop/big.md", "shop/docs/returns.md", "shop/large.txt"]
        returns = found["shop/docs/returns.md"]
        assert isinstance(returns, SourceDocument)
        assert (returns.origin, returns.data, returns.scope) == (f"{url}#:docs/returns.md", FILES["docs/returns.md"].encode(), url)
        reasons = {name: source.reason for name, source in found.items() if isinstance(source, UnreadableSource)}
        assert "LFS" in reasons["shop/big.md"]
        assert "at most 1.0 MB" in reasons["shop/large.txt"]
        assert checkout.total == 4
        commit(work, {"docs/returns.md": "# Returns\n\nWithin 60 days."})
        assert [source.data async for source in fetcher.expand(f"{url}#main:docs") if isinstance(source, SourceDocument)] == [
            b"# Returns\n\nWithin 60 days."
        ]


async def test_a_branch_can_be_named(fetcher: SourceFetcher, tmp_path: Path) -> None:
    work = repository(tmp_path / "shop.git", {"a.md": "one"})
    git(work, "checkout", "--quiet", "-b", "next/2")
    commit(work, {"a.md": "two"})
    git(work, "checkout", "--quiet", "main")
    async with GitSite(tmp_path) as site:
        (document,) = await documents_of(fetcher, f"{site.url}/shop.git#next/2")
        assert document.data == b"two"
        assert document.origin == f"{site.url}/shop.git#next/2:a.md"


@pytest.mark.parametrize("path", ["/missing.git", "/shop.git#no-such-branch", "/shop.git#main:no/such/folder"])
async def test_what_cannot_be_fetched_is_one_failure_that_keeps_what_is_stored(fetcher: SourceFetcher, tmp_path: Path, path: str) -> None:
    repository(tmp_path / "shop.git", {"a.md": "one"})
    async with GitSite(tmp_path) as site:
        (source,) = await all_of(fetcher, site.url + path)
    assert isinstance(source, UnreadableSource)
    assert source.origin == source.scope
    assert "git could not do it" in source.reason


async def test_nothing_of_a_repository_is_run_or_followed(fetcher: SourceFetcher, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret", encoding="utf-8")
    work = repository(tmp_path / "shop.git", {"a.md": "one", ".gitattributes": "*.md filter=evil\n"})
    (work / "link.md").symlink_to(secret)
    git(work, "config", "filter.evil.smudge", f"touch {tmp_path}/ran; cat")
    other = repository(tmp_path / "other.git", {"inside.md": "inside"})
    git(work, "submodule", "--quiet", "add", str(other), "module")
    commit(work, {})
    async with GitSite(tmp_path) as site:
        assert [document.source for document in await documents_of(fetcher, f"{site.url}/shop.git")] == ["shop/a.md"]
    assert not (tmp_path / "ran").exists()


async def test_a_tree_that_unfolds_without_end_is_refused(fetcher: SourceFetcher, tmp_path: Path) -> None:
    work = repository(tmp_path / "bomb.git", {"a.md": "one"})
    tree = git(work, "rev-parse", "HEAD^{tree}")
    for _ in range(9):
        lines = "".join(f"040000 tree {tree}\td{number}\n" for number in range(10))
        (work / "lines").write_text(lines, encoding="ascii")
        tree = git(work, "-c", "alias.m=!git mktree < lines", "m")
    git(work, "update-ref", "HEAD", git(work, "commit-tree", "-m", "Bomb.", tree))
    async with GitSite(tmp_path) as site:
        (source,) = await all_of(fetcher, f"{site.url}/bomb.git")
    assert isinstance(source, UnreadableSource)
    assert "more than 50000 documents" in source.reason


@pytest.fixture
async def listener():
    async with canary() as found:
        yield found


async def test_git_goes_only_where_the_host_was_checked_to_be(tmp_path: Path, names: Names, listener: Canary) -> None:
    repository(tmp_path / "shop.git", {"a.md": "one"})
    async with (
        GitSite(tmp_path, "127.0.0.5") as site,
        SourceFetcher(AddressPolicy.of(["127.0.0.5/32"]), resolver=names) as fetcher,
    ):
        # No machine but our resolver knows this name, and it is asked once.
        names.say("git.example", "127.0.0.5", "127.0.0.1")
        (document,) = await documents_of(fetcher, f"http://git.example:{site.port}/shop.git")
        assert document.data == b"one"
        assert names.asked == ["git.example"]
        site.redirect("/moved.git/info/refs?service=git-upload-pack", f"http://127.0.0.1:{listener.port}/shop.git/info/refs")
        for url in (
            f"http://git.example:{listener.port}/shop.git",
            f"http://127.0.0.1:{listener.port}/shop.git",
            f"{site.url}/moved.git",
        ):
            (failure,) = await all_of(fetcher, url)
            assert isinstance(failure, UnreadableSource)
    assert listener.visits == 0


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git@github.com/o/r.git",
        "git@github.com:o/r.git",
        "ext::sh -c touch% /tmp/x.git",
        "file:///etc/x.git",
        "https://example.com/x.git#--upload-pack=touch",
        "https://example.com/x.git#main:../../etc",
        "https://me:secret@example.com/x.git",
    ],
)
async def test_an_address_that_could_make_git_do_something_else_is_refused(fetcher: SourceFetcher, url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        fetcher.expand(url)
    assert "secret" not in refused.value.message


def test_a_folder_of_a_checkout_gives_what_git_does_not_ignore(tmp_path: Path) -> None:
    work = repository(tmp_path / "work", {"docs/a.md": "a", "docs/.gitignore": "_build/\n*.tmp.md\n", "b.md": "b"})
    for name in ("docs/_build/out.md", "docs/x.tmp.md", "docs/new.md"):
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text("text", encoding="utf-8")
    (work / "docs/link.md").symlink_to("/etc/passwd")
    checkout = find_checkout(work / "docs")
    assert checkout is not None
    assert [path.relative_to(work).as_posix() for path in checkout.files] == ["docs/a.md", "docs/new.md"]
    assert checkout.forge is None
    # What is ignored as a whole was meant by whoever names it.
    assert find_checkout(work / "docs" / "_build") is None
    assert find_checkout(tmp_path) is None


def test_a_file_of_a_clone_has_its_address_at_the_forge_it_came_from(tmp_path: Path) -> None:
    repository(tmp_path / "origin", {"docs/über uns.md": "a"})
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin"), "clone")
    clone = tmp_path / "clone"
    git(clone, "remote", "set-url", "origin", "git@github.com:acme/help.git")
    (clone / "docs" / "mine.md").write_text("not there yet", encoding="utf-8")
    checkout = find_checkout(clone / "docs")
    assert checkout is not None
    addresses = {path.name: checkout.address_of(path) for path in checkout.files}
    assert addresses == {"mine.md": None, "über uns.md": "https://github.com/acme/help/blob/main/docs/%C3%BCber%20uns.md"}


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/acme/help.git", "https://github.com/acme/help/blob/v1/a.md"),
        ("https://me:secret@github.com/acme/help", "https://github.com/acme/help/blob/v1/a.md"),
        ("ssh://git@gitlab.com/acme/team/help.git", "https://gitlab.com/acme/team/help/-/blob/v1/a.md"),
        ("https://gitlab.acme.example/help.git", "https://gitlab.acme.example/help/-/blob/v1/a.md"),
        ("https://codeberg.org/acme/help", "https://codeberg.org/acme/help/src/branch/v1/a.md"),
        ("https://bitbucket.org/acme/help.git", "https://bitbucket.org/acme/help/src/v1/a.md"),
        ("https://git.acme.example/help.git", None),
        ("/srv/git/help.git", None),
    ],
)
def test_the_addresses_of_known_forges(remote: str, address: str | None) -> None:
    forge = find_forge(remote, ref="v1")
    assert (forge.address_of("a.md") if forge else None) == address
