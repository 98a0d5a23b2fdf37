"""Model the shape of a synthetic head as a height field, and the light that falls on it."""

import cv2
import numpy as np

from models_ml.synthetic.canvas import Canvas, Floats, bump, smoothstep
from models_ml.synthetic.identity import Identity


def height(face: Identity, canvas: Canvas) -> Floats:
    """Return the height of the head towards the camera, (H, W) in face units; 0 outside the head."""
    x, y = canvas.x, canvas.y
    across = np.abs(x) / np.maximum(face.half_width(y), 1e-3)
    along = (y + 0.06) / 1.62
    z = 0.80 * np.sqrt(np.clip(1 - across**2.3, 0, None)) * np.sqrt(np.clip(1 - along**2, 0.05, None))
    z += _nose(face, canvas) + _mouth(face, canvas)
    for side in (-1, 1):
        ex, ey = face.eye(side)
        z -= 0.115 * bump(x, y, (ex - side * 0.03, ey - 0.035), (0.20, 0.125))  # socket
        z -= 0.05 * bump(x, y, (side * 0.17, ey), (0.07, 0.10))  # next to the bridge
        z += 0.062 * bump(x, y, (ex, ey + 0.005), (0.14, 0.085))  # eyeball
        z += 0.055 * bump(x, y, (ex - side * 0.02, face.brow_y + 0.03), (0.27, 0.075))  # brow ridge
        z += 0.075 * bump(x, y, (side * 0.56, 0.27), (0.22, 0.17), tilt=side * -0.5)  # cheekbone
        z -= 0.030 * bump(x, y, (side * 0.60, 0.72), (0.16, 0.25))  # hollow of the cheek
    z += 0.06 * bump(x, y, (0, -0.75), (0.45, 0.25))  # forehead
    z += 0.085 * bump(x, y, (0, face.chin_y - 0.17), (0.20, 0.12))  # chin
    return z.astype(np.float32)


def _nose(face: Identity, canvas: Canvas) -> Floats:
    x, y = canvas.x, canvas.y
    tip, wing = face.nose_y, face.nose_half_width
    down = smoothstep(-0.38, tip, y)
    end = smoothstep(tip + 0.10, tip - 0.02, y)
    ridge = (0.05 + 0.20 * down) * np.exp(-0.5 * (x / (0.075 + 0.065 * down)) ** 2) * end
    ridge *= smoothstep(-0.45, -0.22, y)
    ball = 0.11 * bump(x, y, (0, tip - 0.035), (0.10, 0.075))
    wings = sum(0.095 * bump(x, y, (s * wing * 0.70, tip + 0.005), (0.065, 0.062)) for s in (-1, 1))
    result: Floats = (ridge + ball + wings).astype(np.float32)
    return result


def _mouth(face: Identity, canvas: Canvas) -> Floats:
    x, y = canvas.x, canvas.y
    middle, half = face.mouth_y, face.mouth_half_width
    mound = 0.075 * bump(x, y, (0, middle), (half * 0.85, 0.20))
    upper = 0.045 * bump(x, y, (0, middle - 0.5 * face.upper_lip), (half * 0.60, face.upper_lip * 0.45))
    lower = 0.065 * bump(x, y, (0, middle + 0.55 * face.lower_lip), (half * 0.52, face.lower_lip * 0.45))
    groove = -0.022 * bump(x, y, (0, middle - face.upper_lip - 0.10), (0.035, 0.08))  # philtrum
    under = -0.05 * bump(x, y, (0, middle + face.lower_lip + 0.075), (0.20, 0.05))
    corners = sum(-0.03 * bump(x, y, (s * (half + 0.03), middle), (0.05, 0.06)) for s in (-1, 1))
    result: Floats = (mound + upper + lower + groove + under + corners).astype(np.float32)
    return result


def lighting(face: Identity, canvas: Canvas, z: Floats, grain: Floats) -> tuple[Floats, Floats]:
    """Return how brightly each pixel is lit.

    Parameters
    ----------
    z
        Height of the head, from ``height``.
    grain
        Fine relief of the skin, (H, W), of unit variance.

    Returns
    -------
    tuple
        ``(diffuse, gloss)``, both (H, W): the factor of the skin's colour, about 1 where light falls perpendicularly, and
        the highlight to add to it.
    """
    rough = z + 0.0009 * grain
    soft = cv2.GaussianBlur(rough, (0, 0), 0.012 * canvas.scale)
    gx = cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=canvas.scale / 8)
    gy = cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=canvas.scale / 8)
    steep = np.sqrt(gx**2 + gy**2)
    limit = 1.8 / np.maximum(steep, 1.8)  # otherwise the rim of the head would be infinitely steep
    gx, gy = gx * limit, gy * limit
    norm = 1 / np.sqrt(gx**2 + gy**2 + 1)
    light = np.array([face.light_x, face.light_y, 1.0])
    light /= np.linalg.norm(light)
    facing = (-gx * light[0] - gy * light[1] + light[2]) * norm
    wrapped = np.clip((facing + 0.25) / 1.25, 0, 1)  # light that reaches the shadow side, as through skin
    hollow = cv2.GaussianBlur(z, (0, 0), 0.11 * canvas.scale) - z
    occlusion = 1 - np.clip(3.2 * hollow, 0, 0.40)
    diffuse = (0.40 + 0.68 * wrapped) * occlusion
    half = light + np.array([0, 0, 1])
    half /= np.linalg.norm(half)
    mirror = np.clip((-gx * half[0] - gy * half[1] + half[2]) * norm, 0, 1)
    gloss = 0.085 * mirror**28
    return diffuse.astype(np.float32), gloss.astype(np.float32)
