"""Fetching a list from the web, in a thread: bounded in size and time, and only if it has changed."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from gateway.filters.listed import Listed, Stamp, read_file, taken
from gateway.settings.models import NumberList

PIECE = 1 << 18
SILENCE = 10.0  # seconds in which nothing comes
NOT_MODIFIED = 304
SUM = 64  # hexadecimal digits of SHA-256


class NotFetched(Exception):
    """The list could not be had, and why."""


class Tags(NamedTuple):
    """By what the server knows this version of the list again."""

    url: str
    etag: str
    modified: str
    format: str


class _Redirects(HTTPRedirectHandler):
    """Follows redirections within the web, and shows a password to the first host only."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        found = super().redirect_request(req, fp, code, msg, headers, newurl)
        if found is None or urlsplit(newurl).scheme not in ("http", "https"):
            raise HTTPError(req.full_url, code, f"it leads to {newurl}", headers, fp)
        if urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            found.remove_header("Authorization")
        return found


_opener = build_opener(_Redirects, ProxyHandler({}))


def refreshed(
    listed: Listed, state: Path, now: float, stopped: Callable[[], bool], *, accept_shrink: bool = False
) -> Listed:
    """The list as its source says now, if that is believed. Blocks; for a thread.

    Raises NotFetched. What is not believed is told by its `problem`.
    """
    settings = listed.settings
    if accept_shrink:
        listed = replace(listed, stamp=())
    try:
        if settings.file is None:
            return _from_web(listed, state, now, stopped, accept_shrink)
        if settings.checksum:
            wanted = _sum(settings.file.with_name(settings.file.name + ".sha256").read_text("ascii"))
            with settings.file.open("rb") as file:
                _must_fit(wanted, hashlib.file_digest(file, "sha256").hexdigest())
        return read_file(listed, settings.file, now, accept_shrink=accept_shrink)
    except HTTPError as error:
        raise NotFetched(f"{settings.source}: it answers {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotFetched(f"{settings.source}: {type(error).__name__}: {error}") from None


def _from_web(
    listed: Listed, state: Path, now: float, stopped: Callable[[], bool], accept_shrink: bool
) -> Listed:
    settings = listed.settings
    assert settings.url is not None
    directory = state / "lists"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ends = time.monotonic() + settings.timeout
    with tempfile.NamedTemporaryFile(dir=directory, suffix=".part") as part:
        try:
            with _opened(settings, settings.url, listed.stamp) as response:
                digest, length = hashlib.sha256(), 0
                for piece in _pieces(response, ends, stopped):
                    length += len(piece)
                    if length > settings.largest:
                        raise NotFetched(f"{settings.url} is longer than {settings.largest} octets")
                    digest.update(piece)
                    part.write(piece)
                stamp = _stamp(settings, response)
        except HTTPError as error:
            if error.code == NOT_MODIFIED and listed.numbers is not None:
                return replace(listed, problem="")
            raise
        part.flush()
        if settings.checksum:
            with _opened(settings, settings.url + ".sha256", ()) as response:
                _must_fit(_sum(response.read(1000).decode("ascii")), digest.hexdigest())
        return taken(listed, Path(part.name), stamp, now, accept_shrink=accept_shrink)


def _stamp(settings: NumberList, response: HTTPResponse) -> Stamp:
    headers = response.headers
    return Tags(
        settings.url or "", headers.get("ETag", ""), headers.get("Last-Modified", ""), settings.format
    )


@contextmanager
def _opened(settings: NumberList, url: str, stamp: Stamp) -> Iterator[HTTPResponse]:
    request = Request(url, headers={"Accept-Encoding": "identity"})  # the model lets http and https pass only
    if settings.authorization is not None:
        request.add_header("Authorization", settings.authorization.get_secret_value())
    tags = Tags(*stamp) if len(stamp) == len(Tags._fields) else None
    if tags is not None and (tags.url, tags.format) == (url, settings.format):
        for name, value in (("If-None-Match", tags.etag), ("If-Modified-Since", tags.modified)):
            if value:
                request.add_header(name, value)
    with _opener.open(request, timeout=min(SILENCE, settings.timeout)) as response:
        yield response


def _pieces(response: HTTPResponse, ends: float, stopped: Callable[[], bool]) -> Iterator[bytes]:
    wanted = response.headers.get("Content-Length")
    length = 0
    while piece := response.read1(PIECE):
        if time.monotonic() > ends:
            raise TimeoutError("it takes too long")
        if stopped():
            raise NotFetched("the node stops")
        length += len(piece)
        yield piece
    if wanted is not None and int(wanted) != length:
        raise NotFetched(f"it ended after {length} of {wanted} octets")


def _sum(text: str) -> str:
    """The checksum as sha256sum writes it."""
    found = text.split()[0].lower() if text.strip() else ""
    if len(found) != SUM:
        raise NotFetched("what should be its SHA-256 is none")
    return found


def _must_fit(wanted: str, found: str) -> None:
    if wanted != found:
        raise NotFetched(f"its SHA-256 is {found[:12]}… and should be {wanted[:12]}…")
