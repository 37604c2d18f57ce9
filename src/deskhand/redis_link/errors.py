"""What the link tells its users, none of which reaches a caller: each of them goes on without Redis in its own way."""

from redis.exceptions import AuthenticationError, ResponseError


class RedisUnavailable(Exception):
    """Redis is down, slow, or left alone for a while after failures."""

    @property
    def wants_another_password(self) -> bool:
        """Whether it answered, and did not accept the user and password that it was given, or that it was given none."""
        return isinstance(self.__cause__, AuthenticationError)


class RedisRefused(RedisUnavailable):
    """Redis answered that it will not do this: it is full, say, or the key holds something of another kind (`wrong_kind`)."""

    def __init__(self, error: ResponseError) -> None:
        super().__init__(type(error).__name__)
        self.wrong_kind = str(error).startswith("WRONGTYPE")
