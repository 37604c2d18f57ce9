"""The forms of an address, and what is shown of it."""

import pytest

from deskhand.errors import ConfigurationError
from deskhand.redis_link import RedisAddress, RedisKind

GOOD = {
    "redis://host": ("single", "redis://host", ()),
    "rediss://me:hunter%402secret@host:6380/3?ssl_check_hostname=false": ("single", "rediss://host:6380/3", ("hunter@2secret",)),
    "unix:///run/redis.sock": ("single", "unix:///run/redis.sock", ()),
    "redis+cluster://a:7000,b:7001,[::1]": ("cluster", "redis+cluster://a:7000,b:7001,::1:6379", ()),
    "rediss+cluster://me:hunter2secret@a": ("cluster", "rediss+cluster://a:6379", ("hunter2secret",)),
    "redis+sentinel://a,b:26380/desk": ("sentinel", "redis+sentinel://a:26379,b:26380/desk/0", ()),
    "redis+sentinel://me:hunter2secret@a/desk/2?sentinel_username=s&sentinel_password=swordfish2": (
        "sentinel",
        "redis+sentinel://a:26379/desk/2",
        ("hunter2secret", "swordfish2"),
    ),
}
BAD = (
    "",
    "host:6379",
    "http://me:hunter2secret@host",
    "redis+other://me:hunter2secret@host",
    "redis+sentinel://me:hunter2secret@host",
    "redis+sentinel://me:hunter2secret@host/desk/first",
    "redis+sentinel://me:hunter2secret@host/desk?password=hunter2secret",
    "redis+cluster://me:hunter2secret@host:many",
    "redis+cluster://me:hunter2secret@,",
    "redis+cluster://host/desk",
)


@pytest.mark.parametrize("url", GOOD)
def test_an_address_is_read_and_shown_without_its_secrets(url: str) -> None:
    kind, shown, secrets = GOOD[url]
    address = RedisAddress.parse(url)
    assert (address.kind, address.shown, address.secrets) == (RedisKind(kind), shown, secrets)
    assert address.tls == url.startswith("rediss")
    assert all(secret not in repr(address) for secret in secrets)


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_is_refused_with_what_one_looks_like(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        RedisAddress.parse(url)
    assert "redis+sentinel://" in raised.value.remedy
    assert "hunter2secret" not in raised.value.message + raised.value.remedy
