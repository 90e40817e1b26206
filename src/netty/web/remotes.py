"""The page of the remotes, to be read only."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from netty.web.site import TheSite
from netty.web.visitor import Viewer

router = APIRouter(include_in_schema=False)


@router.get("/remotes")
def remotes_page(request: Request, site: TheSite, visitor: Viewer) -> Response:
    """All registered remotes."""
    return site.pages.page(request, "remotes.html", active="remotes", remotes=site.parts.remotes.list())
