"""A running `netty serve` as the conformance tests see it: its port, its rows, and a study that is being fetched."""

from dataclasses import dataclass, field

from netty.gateway.desk import Desk
from support.netty_process import Netty
from support.raw_peer import Image, RawPacs, images
from support.waiting import wait_until

HELD_OPEN = images("held open", 1)


@dataclass
class Service:
    """The running service; `retrieving` is a study that it is fetching for as long as the tests run."""

    netty: Netty
    pacs: RawPacs
    desk: Desk
    numbers: list[int] = field(default_factory=lambda: [0])

    @property
    def port(self) -> int:
        """Its DICOM port."""
        return self.netty.port

    def new_image(self) -> Image:
        """An image of the study that is being fetched, like no other."""
        self.numbers[0] += 1
        number = self.numbers[0]
        return HELD_OPEN[0].but(sop=f"{HELD_OPEN[0].sop}.{number}")

    def rendered(self, image: Image) -> bool:
        """Whether it is registered with its picture."""
        study = self.desk.holdings.study(image.study)
        held = {one.sop_instance_uid: one for one in study.instances} if study else {}
        return image.sop in held and bool(held[image.sop].renditions)

    def wait_rendered(self, image: Image) -> None:
        """Wait for that."""
        wait_until(lambda: self.rendered(image), 30, "the image is registered and rendered")
