"""A rendition on its way from a render child to the rows."""

import json
from dataclasses import replace

from netty.image.rendition import RenditionKind
from netty.workflow.rendered import RenderedFile, rendered_of, rendition_reply

ONE = RenderedFile(
    RenditionKind.PICTURE, 1, b"jpeg", "jpeg", 512, 512, {"frame": 1, "text": 'of "médecins"'}, "C 40 W 400"
)


def arrived(one: RenderedFile) -> RenderedFile:
    header, data = rendition_reply(one)
    return rendered_of(json.loads(json.dumps(header)), data)


def test_it_arrives_as_it_was_sent() -> None:
    assert arrived(ONE) == ONE


def test_slices_with_one_recipe_arrive_with_one_recipe() -> None:
    assert arrived(ONE).recipe is arrived(replace(ONE, recipe=dict(ONE.recipe))).recipe


def test_many_recipes_do_not_take_each_others_places() -> None:
    recipes = [{"frame": number} for number in range(300)]

    assert [arrived(replace(ONE, recipe=one)).recipe for one in recipes] == recipes
    assert [arrived(replace(ONE, recipe={"frame": number})).recipe["frame"] for number in range(300)] == [*range(300)]
