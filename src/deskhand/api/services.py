"""What the application is made of, as a route asks for it."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from deskhand.api.assembled import Services as Services


def services_of(connection: HTTPConnection) -> Services:
    services: Services = connection.app.state.services
    return services


async def _services(connection: HTTPConnection) -> Services:
    # A coroutine, because FastAPI sends plain functions to a thread.
    return services_of(connection)


ServicesDep = Annotated[Services, Depends(_services)]
