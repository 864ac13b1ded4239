"""Make the pictures and the document of this example: `python examples/storefront/make_media.py`."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

FOLDER = Path(__file__).parent / "media"


def png(width: int, height: int, pixel: tuple[int, int, int], edge: tuple[int, int, int]) -> bytes:
    """Return a PNG of one colour with a frame."""
    rows = b""
    for y in range(height):
        rows += b"\0"
        for x in range(width):
            inside = 8 <= x < width - 8 and 8 <= y < height - 8
            rows += bytes(pixel if inside else edge)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def pdf(*lines: str) -> bytes:
    """Return a PDF of one page with some lines of text."""
    text = "BT /F1 14 Tf 72 760 Td 20 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
            "/Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 6\n0000000000 65535 f \n{table}{end}".encode("ascii")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "boots.png").write_bytes(png(160, 120, (122, 78, 45), (240, 240, 240)))
    (FOLDER / "scratch.png").write_bytes(png(160, 120, (60, 90, 140), (200, 40, 40)))
    (FOLDER / "invoice-0193.pdf").write_bytes(
        pdf("Storefront", "Invoice 0193", "1 pair of boots   EUR 49.90", "Paid, thank you.")
    )
