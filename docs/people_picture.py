"""Makes images/people.png of pictures of the demo: drawn people with predictions.

Run it after `make demo`: .venv/bin/python docs/people_picture.py
"""

from pathlib import Path

from PIL import Image

from hrnet_tf.pictures.sheet import contact_sheet

NUM_PICTURES = 4
COLOURS = 128

here = Path(__file__).parent
# The first ones in the order of their names, and not the best.
found = sorted((here.parent / "demo" / "pictures").glob("*_keypoints.png"))
sheet = contact_sheet(found[:NUM_PICTURES], columns=4, cell_size=(190, 190))
picture = Image.fromarray(sheet).quantize(COLOURS)
picture.save(here / "images" / "people.png", optimize=True)
