"""The one HTTP client for calls that leave the building: time limits, no redirects, small answers.

It says only what the caller must know: an answer came, the other side was never reached, or nobody knows.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from django.core.exceptions import ImproperlyConfigured
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NameResolutionError, NewConnectionError

MAX_ANSWER_BYTES = 64 * 1024
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class NotReached(Exception):
    """No connection was made, so nothing was sent."""


class NoAnswer(Exception):
    """Something was sent and no whole answer came: it may or may not have been taken."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]


class Client:
    """Keeps one connection per thread. `connect` and `read` are seconds."""

    def __init__(self, base_url: str, *, token: str = "", connect: float = 2.0, read: float = 5.0) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ImproperlyConfigured(
                "A gateway's address must start with https:// (http only on loopback)."
            )
        self.base_url = base_url.rstrip("/")
        self.limits = (connect, read)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def post(self, path: str, *, json_body: dict[str, Any], headers: dict[str, str]) -> Answer:
        return self._call("POST", path, json=json_body, headers=headers)

    def get(self, path: str, *, params: dict[str, str]) -> Answer:
        return self._call("GET", path, params=params)

    def close(self) -> None:
        while self._sessions:
            self._sessions.pop().close()
        self._local = threading.local()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # no proxy and no password file of whoever started the worker
            session.headers.update({"Accept": "application/json", **self._headers})
            adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            self._local.session = session
            self._sessions.append(session)
        return session

    def _call(self, method: str, path: str, **options: Any) -> Answer:
        try:
            with self._session().request(
                method,
                self.base_url + path,
                timeout=self.limits,
                allow_redirects=False,
                stream=True,
                **options,
            ) as response:
                return Answer(response.status_code, _body(response))
        except requests.RequestException as error:
            if _never_reached(error):
                raise NotReached(type(error).__name__) from error
            raise NoAnswer(type(error).__name__) from error


def _never_reached(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, (NewConnectionError, NameResolutionError))


def _body(response: requests.Response) -> dict[str, Any]:
    """The answer as a JSON object; empty when it is something else or too long."""
    raw = b""
    for chunk in response.iter_content(8192):
        raw += chunk
        if len(raw) > MAX_ANSWER_BYTES:
            return {}
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
