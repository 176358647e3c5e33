"""What would do nothing beside the others is refused where it is typed, and left out where it is copied."""

from typing import Any

import pytest

from becalm.request import SampleRequest
from becalm_apps.verbs.spell import differing
from becalm_images.request import ImageRequest
from becalm_policies.request import PolicyRequest
from becalm_programs.request import ProgramRequest

IDLE: list[tuple[SampleRequest, set[str]]] = [
    (SampleRequest(), {"guidance_low", "guidance_high", "rescale"}),
    (SampleRequest(guidance=2.0), set()),
    (SampleRequest(guidance=2.0, times=(1.0, 0.5)), {"steps", "spacing"}),
    (ImageRequest(), {"classifier", "classifier_start"}),
    (ImageRequest(guidance=2.0, classifier_guidance=5.0), set()),
    (ImageRequest(guidance=0), {"guidance_low", "guidance_high", "rescale", "classifier", "classifier_start", "label"}),
    (ImageRequest(guidance=0, classifier_guidance=5.0), {"guidance_low", "guidance_high", "rescale"}),
    (PolicyRequest(guidance=2.0), {"avoid_scale"}),
    (PolicyRequest(guidance=2.0, avoid=(0.0, 0.0, 1.0), observation=(1.0, 2.0)), {"example"}),
    (ProgramRequest(guidance=3.0), {"guidance_low", "guidance_high", "rescale"}),
    (ProgramRequest(times=(1.0,)), {"guidance_low", "guidance_high", "rescale", "steps", "spacing"}),
]


@pytest.mark.parametrize(("request_", "names"), IDLE, ids=lambda value: type(value).__name__)
def test_a_request_knows_what_does_nothing_in_it(request_: SampleRequest, names: set[str]) -> None:
    assert set(request_.idle()) == names
    assert names <= set(type(request_).model_fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"guidance": 1.0, "rescale": 0.5}, {"guidance": 1.0}),
        ({"guidance": 3.0, "rescale": 0.5}, {"guidance": 3.0, "rescale": 0.5}),
        ({"guidance": 0.0, "label": (7,)}, {"guidance": 0.0}),
    ],
)
def test_what_does_nothing_is_not_copied(fields: dict[str, Any], said: dict[str, Any]) -> None:
    assert differing(ImageRequest(**fields)) == said
