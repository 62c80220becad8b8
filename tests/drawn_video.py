"""A short video: a red square that moves to the right on grey."""

import struct

import numpy as np

from hrnet_tf.pictures.video_writer import VideoWriter


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


def turn_video(path, a, b, c, d):
    """Writes a display matrix of ones and zeros into an .mp4, as phones do."""
    content = bytearray(path.read_bytes())
    # Size and name, version, flags, two times, id, reserved, duration, 16 bytes more.
    place = content.index(b"tkhd") + 4 + 4 + 8 + 4 + 4 + 4 + 16
    one = 1 << 16
    struct.pack_into(
        ">9i", content, place, a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30
    )
    path.write_bytes(content)


def write_sound(path, codec, seconds=1.0, rate=44100):
    """Writes an .mkv of drawn frames, a frame each 0.2 s, with a tone."""
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", 5)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        sound = container.add_stream(codec, rate)
        sound.layout = "mono"
        for pixels in draw_frames(round(5 * seconds)):
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            container.mux(video.encode(frame))
        tone = np.sin(np.arange(round(rate * seconds)) / 20)[None] * 0.3
        frame = av.AudioFrame.from_ndarray(tone.astype(np.float32), "fltp", "mono")
        frame.rate, frame.pts = rate, 0
        container.mux(sound.encode(frame))
        for stream in (video, sound):
            container.mux(stream.encode())
