"""A short video: a red square that moves to the right on grey."""

import numpy as np

from hrnet_tf.pictures.video import VideoWriter


def draw_frames(count=5, size=(48, 64)):
    """Yields uint8 arrays `[H, W, 3]`."""
    for i in range(count):
        frame = np.full((*size, 3), 100, np.uint8)
        frame[10:30, 8 * i : 8 * i + 16] = (220, 30, 30)
        yield frame


def write_video(path, count=5, size=(48, 64), rate=12.5):
    """Writes the frames as a file."""
    with VideoWriter(path, rate) as writer:
        for frame in draw_frames(count, size):
            writer.write(frame)
