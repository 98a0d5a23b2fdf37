"""Paint skin, nose, lips and brows of a synthetic face on a canvas."""

import numpy as np

from models_ml.synthetic.canvas import (
    Canvas,
    Floats,
    bump,
    octave_noise,
    smooth_curve,
    smoothstep,
    tinted,
    vector,
)
from models_ml.synthetic.identity import Identity


def head_mask(face: Identity, canvas: Canvas) -> Floats:
    """Return the coverage (H, W) of the head without its hair."""
    y = np.linspace(-1.50, face.chin_y, 160, dtype=np.float32)
    right = np.stack([face.half_width(y), y], axis=1)
    return canvas.polygon(np.concatenate([right, right[::-1] * vector(-1, 1)]), soft=0.010)


def paint_skin(face: Identity, canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint skin over the whole canvas: tone, blush, blotches, pores, freckles, stubble."""
    x, y = canvas.x, canvas.y
    canvas.rgb[:] = vector(*face.skin)
    blotches = octave_noise(rng, canvas.shape, (5.0, 11.0, 24.0))
    pores = octave_noise(rng, canvas.shape, (1.1, 1.8, 3.0))
    canvas.rgb *= (1 + 0.014 * blotches + 0.026 * pores)[..., None]
    canvas.rgb[..., 1:] *= (1 - 0.012 * octave_noise(rng, canvas.shape, (8.0, 16.0)))[..., None]
    blush = sum(bump(x, y, (s * 0.55, 0.36), (0.20, 0.16)) for s in (-1, 1))
    blush = blush + 0.8 * bump(x, y, (0, face.nose_y), (0.12, 0.10))
    canvas.paint((0.22 * blush).astype(np.float32), tinted(face.skin, 1.0, 0.72, 0.70))
    for side in (-1, 1):
        ex, ey = face.eye(side)
        canvas.paint(
            0.25 * bump(x, y, (ex - side * 0.05, ey + 0.16), (0.15, 0.05)),
            tinted(face.skin, 0.72, 0.62, 0.64),
        )
    if face.freckles > 0:
        dots = octave_noise(rng, canvas.shape, (1.6,))
        where = bump(x, y, (0, 0.28), (0.55, 0.24))
        canvas.paint(
            face.freckles * 0.5 * where * smoothstep(1.5, 2.4, dots), tinted(face.skin, 0.70, 0.55, 0.45)
        )
    if face.stubble > 0:
        jaw = smoothstep(0.45, 0.85, y) * smoothstep(0.02, 0.35, np.hypot(x, 1.2 * (y - face.mouth_y)) - 0.1)
        jaw = np.maximum(jaw, bump(x, y, (0, face.mouth_y - 0.16), (0.22, 0.05)))
        canvas.paint(face.stubble * 0.38 * jaw * (0.8 + 0.2 * pores), tinted(face.hair, 1.3, 1.3, 1.4))


def paint_nose(face: Identity, canvas: Canvas) -> None:
    """Paint nostrils, wings and the shadow below the nose."""
    tip, wing = face.nose_y, face.nose_half_width
    canvas = canvas.part((0, tip), (0.55, 0.30))
    dark = tinted(face.skin, 0.45, 0.36, 0.33)
    canvas.paint(
        0.28 * bump(canvas.x, canvas.y, (0.06 * -np.sign(face.light_x), tip + 0.11), (0.15, 0.035)), dark
    )
    for side in (-1, 1):
        groove = smooth_curve(
            [
                (side * (wing * 0.80), tip - 0.085),
                (side * (wing * 1.02), tip - 0.02),
                (side * (wing * 0.98), tip + 0.055),
                (side * (wing * 0.78), tip + 0.075),
            ]
        )
        canvas.paint(0.42 * canvas.strokes([groove], 0.020, soft=0.016), dark)
        hole = smooth_curve(
            [
                (side * 0.050, tip + 0.078),
                (side * 0.095, tip + 0.048),
                (side * 0.150, tip + 0.056),
                (side * 0.145, tip + 0.080),
                (side * 0.085, tip + 0.092),
            ],
            closed=True,
        )
        canvas.paint(0.80 * canvas.polygon(hole, soft=0.010), tinted(face.skin, 0.26, 0.17, 0.15))


def paint_lips(face: Identity, canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint lips with a Cupid's bow, the line between them and its corners."""
    y, half = face.mouth_y, face.mouth_half_width
    canvas = canvas.part((0, y), (half + 0.25, 0.32))
    end = face.mouth_corner(1)[1]
    line = smooth_curve(
        [(-half, end), (-0.55 * half, y + 0.002), (0, y + 0.010), (0.55 * half, y + 0.002), (half, end)]
    )
    up, down = face.upper_lip, face.lower_lip
    bow = [(-half, end), (-0.55 * half, y - 0.64 * up), (-0.16 * half, y - up), (0, y - 0.80 * up)]
    bow += [(-px, py) for px, py in reversed(bow[:-1])]
    rim = [(-half, end), (-0.62 * half, y + 0.66 * down), (-0.2 * half, y + down), (0.2 * half, y + down)]
    rim += [(0.62 * half, y + 0.66 * down), (half, end)]
    red = vector(0.72, 0.33, 0.34) * np.float32(0.35 + 0.65 * np.mean(face.skin) / 0.8)
    lip = (
        np.asarray(tinted(face.skin, 0.90, 0.68, 0.68), np.float32) * (1 - face.lip_red) + red * face.lip_red
    )
    creases = 1 + 0.05 * octave_noise(rng, canvas.shape, (1.2, 2.4))[..., None]
    canvas.paint(
        0.85 * canvas.polygon(np.concatenate([smooth_curve(bow), line[::-1]]), soft=0.013),
        lip * 0.88 * creases,
    )
    canvas.paint(
        0.80 * canvas.polygon(np.concatenate([smooth_curve(rim), line[::-1]]), soft=0.016), lip * creases
    )
    dark = tinted(face.skin, 0.36, 0.24, 0.23)
    canvas.paint(0.80 * canvas.strokes([line], 0.016, soft=0.009), dark)
    canvas.paint(0.28 * canvas.strokes([line], 0.035, soft=0.020), dark)
    for side in (-1, 1):
        canvas.paint(0.50 * bump(canvas.x, canvas.y, face.mouth_corner(side), (0.035, 0.022)), dark)
    shadow = bump(canvas.x, canvas.y, (0, y + down + 0.045), (0.17, 0.022))
    canvas.paint(0.25 * shadow, tinted(face.skin, 0.60, 0.50, 0.48))


def paint_brows(face: Identity, canvas: Canvas, rng: np.random.Generator, shade: Floats) -> None:
    """Paint brows of many short hairs that point outwards, thicker at the inner end."""
    canvas = canvas.part((0, face.brow_y), (0.95, 0.25))
    shade = shade[canvas.window]
    tone = tinted(face.hair, 0.80, 0.78, 0.76)
    colour = np.asarray(tone, np.float32) * np.clip(0.55 + 0.45 * shade, 0.4, 1.1)[..., None]
    for side in (-1, 1):
        middle = face.brow(side)
        n = len(middle)
        along = np.linspace(0, 1, n, dtype=np.float32)
        half = (
            face.brow_thickness
            * 0.5
            * np.interp(along, [0, 0.12, 0.5, 0.85, 1], [0.55, 1.0, 1.0, 0.55, 0.15])
        )
        down = np.stack([np.zeros(n), half], axis=1).astype(np.float32)
        body = canvas.polygon(np.concatenate([middle - down, (middle + down)[::-1]]), soft=0.014)
        canvas.paint(0.58 * body, colour)
        hairs = []
        for t in rng.uniform(0, 0.96, 90):
            root = middle[int(t * (n - 1))] + vector(0, rng.uniform(-0.8, 0.9) * half[int(t * (n - 1))])
            lean = 0.9 - 0.75 * t + rng.uniform(-0.2, 0.2)
            reach = vector(side * np.cos(lean), -np.sin(lean)) * np.float32(rng.uniform(0.04, 0.075))
            hairs.append(np.stack([root, root + reach]).astype(np.float32))
        canvas.paint(0.40 * canvas.strokes(hairs, 0.006, soft=0.004), colour)
