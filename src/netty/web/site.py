"""All that a route may need, in one object; routes get it by `TheSite`."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

from netty.errors import UsageError
from netty.model.patient import Patient
from netty.web.bulletin import Bulletin, Happening
from netty.web.parts import WebParts
from netty.web.problems import NOT_HERE, NotFound
from netty.web.searches import Searches

if TYPE_CHECKING:
    from netty.web.pages import Pages
    from netty.web.views import Views


@dataclass(frozen=True, slots=True)
class Site:
    """The running pages.

    Attributes:
        logins: the password checks that may run at once (each takes 64 MiB and 0.2 s).
        views: who looked at what lately, for the audit.
        loop: the event loop in which the bulletin lives.
    """

    parts: WebParts
    pages: "Pages"
    bulletin: Bulletin
    searches: Searches
    views: "Views"
    loop: asyncio.AbstractEventLoop
    logins: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    def publish(self, happening: Happening) -> None:
        """Tell the open pages, from whichever thread."""
        self.loop.call_soon_threadsafe(self.bulletin.publish, happening)

    def patient(self, key: str) -> Patient:
        """A registered patient; an unknown key is told like one that is not for the reader."""
        try:
            return self.parts.patients.get(key)
        except UsageError:
            raise NotFound(NOT_HERE) from None


async def site_of(request: Request) -> Site:
    """The site that a request belongs to."""
    return cast(Site, request.app.state.site)


TheSite = Annotated[Site, Depends(site_of)]
