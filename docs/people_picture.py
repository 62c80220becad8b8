"""Makes images/people.jpg: predictions on drawn people, after a short training.

Run it in a checkout: .venv/bin/python docs/people_picture.py
"""

from pathlib import Path

from rich.console import Console

from hrnet_tf.demo import run_demo
from hrnet_tf.pictures.sheet import contact_sheet, save_image

# Half of what the demo trains on.
NUM_TRAIN, NUM_VAL = 600, 24
NUM_PICTURES = 8

here = Path(__file__).parent
demo = here.parent / "demo" / "picture"
if not (demo / "pictures" / "all.png").is_file():
    run_demo(demo, Console(), num_train=NUM_TRAIN, num_val=NUM_VAL)
# The first ones in the order of their names, and not the best.
found = sorted((demo / "pictures").glob("*_keypoints.png"))[:NUM_PICTURES]
picture = contact_sheet(found, columns=4, cell_size=(200, 200))
save_image(picture, here / "images" / "people.jpg")
