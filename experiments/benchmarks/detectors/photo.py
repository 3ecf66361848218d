"""The photograph that every detector of the benchmark reads: drawn from a seed, the same bytes on every machine."""
import io

import numpy as np
from PIL import Image

from ....engine.files import atomic_write

# A common size of photographs, (height, width) = 2:3, larger than what any of the networks reads.
HEIGHT, WIDTH = 1000, 1500
QUALITY = 90


def draw_photo(path: str) -> None:
    """Writes a JPEG file of 1500x1000 pixels: clouds of colour of every fineness, with as much detail as a photograph.

    Args:
        path: of the file.
    """
    rng, scene = np.random.RandomState(0), np.full((HEIGHT, WIDTH, 3), 128.0)
    for rows in (2, 5, 12, 30, 80, 200, HEIGHT):
        clouds = rng.uniform(-1, 1, (rows, rows * WIDTH // HEIGHT, 3)).astype(np.float32)
        for channel in range(3):
            smooth = Image.fromarray(clouds[..., channel]).resize((WIDTH, HEIGHT), Image.BICUBIC)
            scene[..., channel] += 60 * (2 / rows) ** 0.4 * np.asarray(smooth)
    content = io.BytesIO()
    Image.fromarray(scene.clip(0, 255).astype(np.uint8)).save(content, "JPEG", quality=QUALITY)
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        file.write(content.getvalue())
