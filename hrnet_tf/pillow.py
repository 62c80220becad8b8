"""Opening image files with Pillow."""

import contextlib
import threading

_LOCK = threading.Lock()


@contextlib.contextmanager
def open_image(file, formats=None):
    """Opens an image of any size.

    Pillow refuses images of more than 179 million pixels as a possible attack; the
    files here are the user's own, and aerial images are larger.

    Args:
        file: path or binary file.
        formats: sequence of the formats that are allowed, or None for all.
    Yields:
        A Pillow image.
    Raises:
        OSError: if it is none.
    """
    from PIL import Image

    # The limit is a global of the module; files are opened in threads too.
    with _LOCK:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(file, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    with image:
        yield image
