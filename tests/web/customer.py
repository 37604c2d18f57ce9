"""A customer who writes over the API, beside those who use the pages."""

import json
import urllib.request
from itertools import count

from web.site import Site

_names = count(101)


class Customer:
    """Somebody with a name of their own, who writes over the API."""

    def __init__(self, site: Site) -> None:
        self.name = f"Customer {next(_names)}"
        self._site = site
        opened = self._post("/sessions", {"metadata": {"name": self.name}}, token=None)
        self.session_id, self._token = opened["session_id"], opened["token"]

    def say(self, words: str) -> None:
        self._post(f"/chat/sessions/{self.session_id}/messages", {"message": words}, token=self._token)

    def ask_for_a_person(self) -> None:
        self.say("I would like to talk to a person, please.")

    def _post(self, path: str, body: dict[str, object], *, token: str | None) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(f"{self._site.address}/api{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: dict[str, str] = json.loads(response.read())
        return answer
