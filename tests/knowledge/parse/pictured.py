"""Pictures of print: as files of every kind, and as pages of a PDF."""

import io
from collections.abc import Sequence

import numpy as np
import pypdfium2
from PIL import Image, ImageDraw, ImageFont

from knowledge.parse import made

Printed = tuple[str, float, float, float]
"""A line of print: its text, the height of its letters, and where it begins, from the left and from the top, in pixels."""


def picture(*lines: Printed, width: int = 900, height: int = 260) -> Image.Image:
    image = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(image)
    for text, size, left, top in lines:
        draw.text((left, top), text, font=ImageFont.load_default(size), fill=15)
    return image


def printed(*lines: tuple[str, int, int, int]) -> Image.Image:
    """The foot of a page with these lines, as `made.said` takes them, printed at 130 dots per inch."""
    page = pypdfium2.PdfDocument(pdf(made.said(*lines)))[0]
    image: Image.Image = page.render(scale=1.8, grayscale=True).to_pil()
    return image.crop((0, image.height - 300, image.width, image.height))


def scanned(image: Image.Image, *, turned: float = 0.0, noise: float = 0.0) -> Image.Image:
    """As it comes from a scanner on which it lay askew."""
    pixels = np.asarray(image.rotate(turned, resample=Image.Resampling.BICUBIC, fillcolor=255), np.float32)
    return Image.fromarray(np.clip(pixels + np.random.default_rng(3).normal(0, noise, pixels.shape), 0, 255).astype(np.uint8))


def file(image: Image.Image, kind: str = "PNG", *, more: Sequence[Image.Image] = ()) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **({"save_all": True, "append_images": list(more)} if more else {}))
    return out.getvalue()


def pdf(*pages: str | Image.Image) -> bytes:
    """A PDF whose pages are these content streams, or show these pictures over all of their width."""
    kids = " ".join(f"{4 + 3 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        width, height = (612, 792) if isinstance(page, str) else (612, round(612 * page.height / page.width))
        content = (page if isinstance(page, str) else f"q {width} 0 0 {height} 0 0 cm /I Do Q").encode("latin-1")
        shown = b"" if isinstance(page, str) else file(page, "JPEG")
        size = (1, 1) if isinstance(page, str) else page.size
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents {5 + 3 * number} 0 R /Resources "
            f"<< /Font << /F1 3 0 R >> /XObject << /I {6 + 3 * number} 0 R >> >> >>".encode(),
            f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream",
            f"<< /Type /XObject /Subtype /Image /Width {size[0]} /Height {size[1]} /ColorSpace /DeviceGray /BitsPerComponent 8 "
            f"/Filter /DCTDecode /Length {len(shown)} >>\nstream\n".encode()
            + shown
            + b"\nendstream",
        ]
    return made.assembled(objects)
