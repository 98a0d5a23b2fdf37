"""What is unusual about a clip, compared with the data that its model was trained on."""

from collections.abc import Mapping
from typing import Any

from mer_platform.clips.models import Clip
from mer_platform.scoring.models import ScoringItem
from models_ml.registry.limits import motion_scale, warnings_of
from workers.feature_cache import Features
from workers.model_facts import face_size
from workers.scoring_frames import Frames

SHORT_SECONDS = 0.5  # the longest micro-expression; a shorter clip cannot show a face at rest around one


def warnings_for(
    frames: Frames, clip: Clip, features: Features, limits: Mapping[str, Any]
) -> list[dict[str, str]]:
    """Return the warnings of one scored item, each with a code and a sentence."""
    found = warnings_of(
        limits,
        fps=clip.rate or None,
        face_size=face_size(clip),
        motion=float(motion_scale(features[None])[0]),
    )
    seconds = clip.frame_count / clip.rate if clip.rate else SHORT_SECONDS
    if frames.source == ScoringItem.FramesFrom.SPOTTED and seconds < SHORT_SECONDS:
        found.append(
            {
                "code": "short_clip",
                "detail": f"The clip lasts {seconds:.2f} s. An expression stands out only if the clip also shows the face "
                "at rest before and after it.",
            }
        )
    if frames.several:
        found.append(
            {
                "code": "several_expressions",
                "detail": "The clip has several marked expressions, so the clearest one was spotted. Give onset and apex to "
                "score each of them.",
            }
        )
    return found
