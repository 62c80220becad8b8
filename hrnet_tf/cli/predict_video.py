"""Videos of `hrnet predict`: read, worked on, drawn and written at the same time."""

import os
from pathlib import Path
from typing import Any

from hrnet_tf.cli import common
from hrnet_tf.pictures.camera import is_camera
from hrnet_tf.typing import Progress

# Frames that are read and wait for the network, and that wait to be drawn and written:
# enough for steps of uneven length; more would only hold memory.
_AHEAD, _BEHIND = 2, 4
# A picture takes longer to draw than to encode.
_MAX_DRAWING = 4


def run_video(run: Any, path: Path, target: Path, tick: Progress) -> dict[str, Any]:
    """Runs the frames of a video and writes them drawn; returns its row.

    While the network is at a frame, the next ones are decoded, and those before it
    drawn and encoded. Frames of a camera are not read ahead: they would be older.

    Args:
        run: the predictor with what the user said, see `hrnet_tf.cli.predict`.
        path: `Path` of the video, or a camera's name.
        target: `Path` of the video to write.
        tick: called with the number of frames done and their number in all.
    """
    from hrnet_tf.overlap import finish_behind, read_ahead
    from hrnet_tf.pictures.camera import CameraReader
    from hrnet_tf.pictures.video import VideoReader
    from hrnet_tf.pictures.video_writer import VideoWriter

    rows: list[dict[str, Any]] = []
    track = run.tracker()
    live = is_camera(path)
    num_drawing = min(os.cpu_count() or 1, _MAX_DRAWING)

    def draw(frame, found):
        return run.draw(frame.pixels, found, video=True), frame.time, frame.duration

    with (
        CameraReader(path, run.seconds) if live else VideoReader(path) as reader,
        VideoWriter(target, reader.frames_per_second, like=reader) as writer,
        common.until_interrupted(live) as is_stopped,
        read_ahead(reader.frames(), 0 if live else _AHEAD) as frames,
        finish_behind(
            draw, lambda drawn: writer.write(*drawn), _BEHIND, num_drawing
        ) as write,
    ):
        for frame in frames:
            found = track(run.find(frame.pixels, path), float(frame.time))
            write(frame, found)
            rows.append({"time": round(float(frame.time), 6), **run.row(found)})
            tick(len(rows), max(reader.num_frames, len(rows)))
            if is_stopped():
                break
        height, width = frame.pixels.shape[:2]
    return {
        "video_path": str(path),
        "picture": target.name,
        "height": height,
        "width": width,
        "frames_per_second": round(reader.frames_per_second, 6),
        "frames": rows,
    }
