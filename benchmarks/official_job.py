"""The published test pipeline of top-down pose: the peer of whole_job.py.

Its work (OpenCV and NumPy, the network in PyTorch), written anew; all people of a photo
go through the network together, and once more mirrored.

Reference: deep-high-resolution-net.pytorch, lib/core/function.py, inference.py,
lib/dataset/JointsDataset.py, lib/utils/transforms.py.
"""

import time

import cv2
import numpy as np

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
PADDING = 1.25


class OfficialJob:
    """Finds keypoints in photos as the published test does.

    Args:
        network: function from float32 arrays `[N, 3, H, W]`, normalised, to heatmaps
            `[N, K, h, w]`.
        image_size: (height, width) of the crops.
        flip_pairs: sequence of pairs of keypoints that mirroring exchanges.
    Attributes:
        network_seconds: float. The time inside of the network.
    """

    def __init__(self, network, image_size, flip_pairs):
        self.network, self.flip_pairs = network, flip_pairs
        self.height, self.width = image_size
        self.network_seconds = 0.0

    def predict(self, content, boxes):
        """Returns points `[N, K, 2]` in px of the photo, and scores `[N, K]`.

        Args:
            content: bytes of a JPEG file.
            boxes: float array `[N, 4]`, x, y, width, height in px.
        """
        encoded = np.frombuffer(content, np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        matrices = [self.crop_matrix(box) for box in boxes]
        crops = np.stack([self.crop(image, matrix) for matrix in matrices])
        heatmaps = self.run(crops)
        mirrored = self.run(np.ascontiguousarray(crops[..., ::-1]))[..., ::-1].copy()
        for left, right in self.flip_pairs:
            mirrored[:, [left, right]] = mirrored[:, [right, left]]
        # The mirrored maps lie a cell beside the others.
        mirrored[..., 1:] = mirrored[..., :-1].copy()
        cells, scores = self.decode((heatmaps + mirrored) * 0.5)
        stride = self.height / heatmaps.shape[2]
        points = np.empty_like(cells)
        for i, matrix in enumerate(matrices):
            inverse = cv2.invertAffineTransform(matrix)
            points[i] = cells[i] * stride @ inverse[:, :2].T + inverse[:, 2]
        return points, scores

    def crop_matrix(self, box):
        """The affine map of three points, from the photo to a crop."""
        center = box[:2] + box[2:] / 2
        width = max(box[2], self.width / self.height * box[3]) * PADDING
        up = np.array([0, -width / 2])
        source = np.array([center, center + up, center + up + [up[1], 0]])
        middle = np.array([self.width / 2, self.height / 2])
        up = np.array([0, -self.width / 2])
        target = np.array([middle, middle + up, middle + up + [up[1], 0]])
        return cv2.getAffineTransform(np.float32(source), np.float32(target))

    def crop(self, image, matrix):
        """A normalised crop, float32 `[3, H, W]`."""
        size = (self.width, self.height)
        pixels = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
        return ((pixels.astype(np.float32) / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)

    def run(self, crops):
        """The network's heatmaps of crops; its time is added."""
        started = time.perf_counter()
        heatmaps = self.network(crops)
        self.network_seconds += time.perf_counter() - started
        return heatmaps

    @staticmethod
    def decode(heatmaps):
        """Cells `[N, K, 2]` of the peaks, a quarter towards the larger neighbour."""
        count, keypoints, height, width = heatmaps.shape
        flat = heatmaps.reshape(count, keypoints, -1)
        best, scores = flat.argmax(2), flat.max(2)
        cells = np.stack([best % width, best // width], 2).astype(np.float32)
        cells *= (scores > 0)[..., None]
        for n in range(count):
            for k in range(keypoints):
                x, y = (int(value) for value in cells[n, k])
                if 1 < x < width - 1 and 1 < y < height - 1:
                    maps = heatmaps[n, k]
                    slope = np.array(
                        [
                            maps[y, x + 1] - maps[y, x - 1],
                            maps[y + 1, x] - maps[y - 1, x],
                        ]
                    )
                    cells[n, k] += np.sign(slope) * 0.25
        return cells, scores


def job_steps(side, preset, image_size, photos, people, **_):
    """Makes the side, and calls of it, see `sides.work`: one step is one photo."""
    import torch
    from keras_job import read_photos
    from torch_hrnet import TorchHRNet

    from hrnet_tf.data.keypoint_sets import load_keypoint_set
    from hrnet_tf.models.presets import architecture

    torch.manual_seed(0)
    points = load_keypoint_set("coco")
    model = TorchHRNet(
        **architecture(preset), num_outputs=points.num_keypoints, all_streams=False
    ).eval()
    in_half = side.endswith("bfloat16")
    if "compile" in side:
        import torch._inductor.config

        torch._inductor.config.freezing = True
        model = torch.compile(model.to(memory_format=torch.channels_last))

    def network(crops):
        crops = torch.from_numpy(crops)
        if in_half:
            crops = crops.to(memory_format=torch.channels_last)
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, enabled=in_half),
        ):
            return model(crops).float().numpy()

    pairs = [(i, j) for i, j in enumerate(points.flip_indices) if i < j]
    job = OfficialJob(network, image_size, pairs)
    photos = read_photos(photos, people)

    def run(steps):
        job.network_seconds, started = 0.0, time.perf_counter()
        for i in range(steps):
            _, scores = job.predict(*photos[i % len(photos)])
        share = job.network_seconds / (time.perf_counter() - started)
        return {"loss": float(scores.mean()), "network": share}

    run(len(photos))
    return None, run, lambda: None
