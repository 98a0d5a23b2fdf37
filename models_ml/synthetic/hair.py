"""Paint what is around a synthetic face: hair, ears, neck, clothes and background."""

import cv2
import numpy as np

from models_ml.synthetic.canvas import Canvas, Floats, octave_noise, smooth_curve, smoothstep, tinted, vector
from models_ml.synthetic.identity import Identity


def paint_background(face: Identity, canvas: Canvas) -> None:
    """Paint a plain studio wall, a little brighter on the side of the light."""
    height, width = canvas.shape
    across = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    glow = 0.66 + 0.16 * face.light_x * across - 0.10 * down - 0.22 * (across**2 + down**2)
    canvas.rgb[:] = glow[..., None] * vector(0.94, 0.99, 1.05)


def paint_behind(face: Identity, canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint everything behind the face: long hair, a bun, neck, shoulders, ears."""
    if face.style == "long":
        outline = [(0, -1.66), (0.75, -1.45), (1.14, -0.75), (1.20, 0.2), (1.16, 1.0), (1.10, 1.9)]
        _paint_mass(face, canvas, rng, _mirrored(outline, face.face_width), darker=0.62)
    if face.style == "tied":
        knot = [(0, -1.98), (0.26, -1.90), (0.36, -1.68), (0.25, -1.42)]
        _paint_mass(face, canvas, rng, _mirrored(knot, face.face_width), darker=0.85)
    _paint_neck(face, canvas)
    if face.style != "long":
        _paint_ears(face, canvas)


def _mirrored(right: list[tuple[float, float]], stretch: float) -> Floats:
    curve = smooth_curve(right) * vector(stretch, 1)
    return np.concatenate([curve, curve[::-1] * vector(-1, 1)])


def _paint_neck(face: Identity, canvas: Canvas) -> None:
    chin = face.chin_y
    neck = [
        (0, 0.8),
        (0.54, 0.8),
        (0.51, chin),
        (0.53, chin + 0.20),
        (0.66, chin + 0.36),
        (1.0, chin + 0.5),
        (1.2, chin + 1.4),
    ]
    throat = canvas.polygon(_mirrored(neck, face.face_width), soft=0.012)
    rounded = 0.80 - 0.28 * np.clip(np.abs(canvas.x - 0.15 * face.light_x) / 0.6, 0, 1) ** 2
    cast = smoothstep(chin + 0.42, chin + 0.05, canvas.y + 0.25 * canvas.x**2)
    shade = rounded * (1 - 0.42 * cast)
    canvas.paint(throat, np.asarray(face.skin, np.float32) * shade[..., None])
    shoulder = [
        (0, chin + 0.52),
        (0.30, chin + 0.46),
        (0.52, chin + 0.33),
        (0.62, chin + 0.27),
        (1.0, chin + 0.40),
    ]
    shoulder += [(1.5, chin + 0.56), (1.95, chin + 0.85), (2.2, chin + 1.5), (2.2, chin + 2.5)]
    cloth = canvas.polygon(_mirrored(shoulder, 1.0), soft=0.012)
    folds = 1.05 - 0.22 * np.abs(canvas.x) + 0.10 * face.light_x * canvas.x
    canvas.paint(cloth, np.asarray(face.clothes, np.float32) * folds[..., None])
    rim = shoulder[:4]
    collar = smooth_curve([(-px, py) for px, py in reversed(rim[1:])] + rim)
    canvas.paint(0.5 * canvas.strokes([collar], 0.05, soft=0.012), tinted(face.clothes, 0.6))


def _paint_ears(face: Identity, canvas: Canvas) -> None:
    for side in (-1, 1):
        part = canvas.part((side * face.face_width, 0.0), (0.25, 0.45))
        rim = smooth_curve(
            [(0.93, -0.16), (1.05, -0.25), (1.115, -0.12), (1.08, 0.15), (1.0, 0.33), (0.92, 0.30)]
        )
        rim = rim * vector(side * face.face_width, 1)
        light = 0.80 + 0.22 * side * face.light_x
        part.paint(part.polygon(rim, soft=0.008), tinted(face.skin, light, 0.93 * light, 0.91 * light))
        inner = (rim - rim.mean(axis=0)) * vector(0.5, 0.62) + rim.mean(axis=0)
        part.paint(0.45 * part.polygon(inner, soft=0.02), tinted(face.skin, 0.5))


def paint_hair(face: Identity, canvas: Canvas, rng: np.random.Generator, head: Floats) -> None:
    """Paint the hair in front of the skull, down to the hairline; ``head`` is the coverage (H, W) of the bare head."""
    top, line = _cap(face)
    cap = np.concatenate([top, line[::-1]])
    if face.style == "shaved":
        alpha = canvas.polygon(cap, soft=0.07) * head
        grain = 1 + 0.25 * octave_noise(rng, canvas.shape, (0.8,))
        canvas.paint(np.clip(0.50 * alpha * grain, 0, 1), tinted(face.hair, 0.8))
        return
    _paint_mass(face, canvas, rng, cap, darker=1.0)


def _cap(face: Identity) -> tuple[Floats, Floats]:
    """Return outer edge and hairline of the hair, both from the image's left ear to its right ear."""
    lift = {"cropped": 0.06, "swept": 0.16, "long": 0.16, "tied": 0.05, "shaved": 0.0}[face.style]
    end = {"cropped": 0.08, "swept": 0.12, "long": 1.45, "tied": 0.0, "shaved": 0.05}[face.style]
    w, h = face.face_width, face.hairline_y
    side = 1.0 + 0.35 * lift
    top = [(-0.95 * w, end), (-(side + 0.01) * w, end - 0.22), (-(side + 0.02) * w, -0.50)]
    top += [(-(0.93 + lift) * w, -0.95), (-(0.58 + 0.6 * lift) * w, -1.36 - 0.8 * lift)]
    top += [(0.0, -1.50 - lift)] + [(-x, y) for x, y in reversed(top)]
    inset = 0.86 * w if face.style == "long" else 0.90 * w
    if face.style in ("swept", "long"):
        line = [
            (-0.95 * w, end),
            (-inset, end - 0.16),
            (-inset, -0.40),
            (-0.80 * w, h + 0.34),
            (-0.48, h + 0.13),
            (-0.10, h - 0.01),
        ]
        line += [
            (0.28, h - 0.12),
            (0.48, h - 0.05),
            (0.76 * w, h + 0.24),
            (inset, -0.42),
            (inset, end - 0.16),
            (0.95 * w, end),
        ]
        if face.parting < 0:
            line = [(-x, y) for x, y in reversed(line)]
    else:
        line = [
            (-0.95 * w, end),
            (-inset, end - 0.16),
            (-inset, -0.50),
            (-0.80 * w, h + 0.26),
            (-0.60, h + 0.05),
            (-0.3, h - 0.02),
        ]
        line += [(0.0, h + 0.015)] + [(-x, y) for x, y in reversed(line)]
    return smooth_curve(top), smooth_curve(line)


def _paint_mass(
    face: Identity, canvas: Canvas, rng: np.random.Generator, outline: Floats, darker: float
) -> None:
    """Paint hair inside ``outline``: strands from the parting outwards and down, with a sheen across them."""
    fine = _strands(face, canvas, rng)
    ragged = cv2.GaussianBlur(canvas.polygon(outline), (0, 0), 0.022 * canvas.scale)
    alpha = smoothstep(0.30, 0.70, ragged + 0.35 * np.clip(fine, -2, 2) * ragged * (1 - ragged))
    sheen = np.exp(
        -0.5 * ((canvas.y + 1.05 - 0.25 * canvas.x**2 - 0.10 * face.light_x * canvas.x) / 0.16) ** 2
    )
    round_off = np.clip(1.05 - 0.38 * (canvas.x / 1.15) ** 2 + 0.25 * face.light_x * canvas.x, 0.4, 1.3)
    light = darker * (round_off * (1 + 0.20 * fine) + 0.55 * sheen)
    gloss = 0.055 * darker * sheen * (1 + 0.5 * fine)
    tone = vector(*face.hair) * light[..., None] + gloss[..., None]
    canvas.paint(alpha, np.clip(tone, 0, 1))


def _strands(face: Identity, canvas: Canvas, rng: np.random.Generator) -> Floats:
    """Return light and dark strands (H, W), of about unit variance, on rays from the crown."""
    rays, overlap = 480, 40
    rows = octave_noise(rng, (rays + overlap, 96), (0.8, 1.6))
    fade = np.linspace(0, 1, overlap, dtype=np.float32)[:, None]
    rows[:overlap] = rows[:overlap] * fade + rows[rays:] * (1 - fade)  # the last strand meets the first
    drawn = np.asarray(cv2.GaussianBlur(rows[:rays], (0, 0), sigmaX=7, sigmaY=0.7), np.float32)
    x = canvas.x - np.float32(face.parting * 0.8)
    y = canvas.y + np.float32(1.60 if face.style in ("swept", "long") else 2.25)
    turns = 5 if face.style in ("cropped", "tied") else 3
    ray = ((np.arctan2(x, y) / (2 * np.pi) + 0.5) * (turns * rays)).astype(np.float32)
    radius = np.hypot(x, y)
    reach = np.clip(radius * 30, 0, 95).astype(np.float32)
    seen = cv2.remap(drawn / drawn.std(), reach, ray, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(seen, np.float32) * smoothstep(0.02, 0.45, radius)
