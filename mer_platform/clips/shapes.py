"""What the API shows of clips as JSON, for its description."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

FaceRange = Annotated[
    list[int],
    Field(
        min_length=2,
        max_length=2,
        description="First and last frame of a stretch in which the face is found.",
    ),
]


class FrameIndex(TypedDict):
    """The index of a frame pack: where each frame is, when it was recorded, and where the face is."""

    version: int
    width: int
    height: int
    fps: Annotated[str, Field(description="Frames per second as a fraction.", examples=["200/1"])]
    time_base: Annotated[
        str, Field(description="Seconds per unit of `pts`, as a fraction.", examples=["1/200"])
    ]
    mime: str
    count: int
    offsets: Annotated[list[int], Field(description="Of each frame in the pack, and the pack's size.")]
    pts: Annotated[list[int], Field(description="Time stamp of each frame, in units of `time_base`.")]
    source: Annotated[list[int], Field(description="Source frame of each frame.")]
    motion: NotRequired[Annotated[list[float | None], Field(description="The motion curve.")]]
    motion_regions: NotRequired[dict[str, list[float | None]]]
    faces: Annotated[
        list[list[int]],
        Field(description="Sampled frames: [frame, left, top, right, bottom], or [frame] without a face."),
    ]


FlowOfFrames = TypedDict(
    "FlowOfFrames",
    {
        "from": int,
        "to": int,
        "size": Annotated[int, Field(description="Cells along each side of the grid.")],
        "u": Annotated[list[float], Field(description="Motion to the right in pixels, row by row.")],
        "v": Annotated[list[float], Field(description="Motion down in pixels, row by row.")],
        "strain": Annotated[list[float], Field(description="Optical strain, row by row.")],
        "to_frame": Annotated[
            list[list[float]],
            Field(description="Two rows of three: frame (x, y) = to_frame · (column, row, 1)."),
        ],
    },
)
FlowOfFrames.__doc__ = "Optical flow and strain from one frame to another, on a grid over the face."


class FlowState(TypedDict):
    """The state of the job that computes the flow. Ask again."""

    url: Annotated[str, Field(description="This address.")]
    page_url: Annotated[str, Field(description="The page of the clip.")]

    state: str
