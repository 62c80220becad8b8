"""A compact HRNet in PyTorch: the peer of benchmarks/training_step.py.

The same networks as `hrnet_tf.HRNetPose` and `hrnet_tf.HRNetSegmenter`, module for
module; only PyTorch is needed.
"""

import torch
from torch import nn
from torch.nn import functional


def unit(inputs, outputs, size=3, stride=1, relu=True):
    """Convolution, batch normalisation and, if asked, ReLU."""
    layers = [
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    if relu:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """A basic block, or a bottleneck if `width` is given."""

    def __init__(self, inputs, outputs, width=None):
        super().__init__()
        if width is None:
            units = unit(inputs, outputs), unit(outputs, outputs, relu=False)
        else:
            units = (
                unit(inputs, width, 1),
                unit(width, width),
                unit(width, outputs, 1, relu=False),
            )
        self.units = nn.Sequential(*units)
        self.shortcut = nn.Identity()
        if inputs != outputs:
            self.shortcut = unit(inputs, outputs, 1, relu=False)

    def forward(self, x):
        return functional.relu(self.units(x) + self.shortcut(x), inplace=True)


class Exchange(nn.Module):
    """Residual streams, then every output is the sum of all streams."""

    def __init__(self, widths, num_blocks, num_outputs, interpolation):
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(*(Residual(width, width) for _ in range(num_blocks)))
            for width in widths
        )
        self.paths = nn.ModuleList(
            nn.ModuleList(
                self._path(widths, source, target, interpolation)
                for source in range(len(widths))
            )
            for target in range(num_outputs)
        )

    @staticmethod
    def _path(widths, source, target, interpolation):
        if source == target:
            return nn.Identity()
        if source > target:
            return nn.Sequential(
                unit(widths[source], widths[target], 1, relu=False),
                nn.Upsample(scale_factor=2 ** (source - target), mode=interpolation),
            )
        keep = [
            unit(widths[source], widths[source], stride=2)
            for _ in range(target - source - 1)
        ]
        last = unit(widths[source], widths[target], stride=2, relu=False)
        return nn.Sequential(*keep, last)

    def forward(self, streams):
        streams = [blocks(x) for blocks, x in zip(self.streams, streams, strict=True)]
        outputs = []
        for paths in self.paths:
            total = paths[0](streams[0])
            for path, x in zip(paths[1:], streams[1:], strict=True):
                total = total + path(x)
            outputs.append(functional.relu(total))
        return outputs


class TorchHRNet(nn.Module):
    """HRNet with one heatmap a keypoint, or HRNetV2 with one map a class.

    Args:
        width, num_modules, num_blocks, stem_width, stage1_width, stage1_blocks: as
            `hrnet_tf.models.backbone.HRNetBackbone`.
        num_outputs: int. Number of keypoints or classes.
        all_streams: bool. True mixes all streams before the head, as HRNetV2 does, and
            upsamples bilinearly.
    """

    def __init__(
        self,
        width=32,
        num_modules=(1, 4, 3),
        num_blocks=4,
        stem_width=64,
        stage1_width=64,
        stage1_blocks=4,
        num_outputs=17,
        all_streams=False,
    ):
        super().__init__()
        interpolation = "bilinear" if all_streams else "nearest"
        finest = 4 * stage1_width
        self.stem = nn.Sequential(
            unit(3, stem_width, stride=2),
            unit(stem_width, stem_width, stride=2),
            Residual(stem_width, finest, stage1_width),
            *(Residual(finest, finest, stage1_width) for _ in range(stage1_blocks - 1)),
        )
        self.transitions, self.stages = nn.ModuleList(), nn.ModuleList()
        # The module that makes the finest stream alone.
        lasts = {} if all_streams else {4: num_modules[-1] - 1}
        widths = [finest]
        for stage, count in enumerate(num_modules, start=2):
            wanted = [width * 2**i for i in range(stage)]
            same = [
                nn.Identity() if a == b else unit(a, b)
                for a, b in zip(widths, wanted, strict=False)
            ]
            opened = unit(widths[-1], wanted[-1], stride=2)
            self.transitions.append(nn.ModuleList([*same, opened]))
            widths = wanted
            self.stages.append(
                nn.Sequential(
                    *(
                        Exchange(
                            widths,
                            num_blocks,
                            1 if m == lasts.get(stage) else stage,
                            interpolation,
                        )
                        for m in range(count)
                    )
                )
            )
        self.mixer = nn.Identity()
        if all_streams:
            width = sum(widths)
            self.mixer = nn.Sequential(
                nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
            )
        self.head = nn.Conv2d(width, num_outputs, 1)

    def streams(self, x):
        """The streams of the last stage, the finest first."""
        streams = [self.stem(x)]
        for transition, stage in zip(self.transitions, self.stages, strict=True):
            # The coarsest stream goes on, and the new one is made from it.
            streams = [
                path(stream)
                for path, stream in zip(
                    transition, [*streams, streams[-1]], strict=True
                )
            ]
            streams = stage(streams)
        return streams

    def forward(self, x):
        streams = self.streams(x)
        size = streams[0].shape[2:]
        finest = [
            x
            if x.shape[2:] == size
            else functional.interpolate(x, size, mode="bilinear")
            for x in streams
        ]
        return self.head(self.mixer(torch.cat(finest, 1)))


def training_steps(
    task,
    architecture,
    num_outputs,
    image_size,
    batch_size,
    bfloat16,
    compile=False,
    **_,
):
    """Makes a network and its training steps.

    Returns:
        The number of parameters; a function that takes a number of steps and returns
        the last loss; and one that returns the peak of the tensors' memory in MB, or
        None.
    """
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = TorchHRNet(
        **architecture, num_outputs=num_outputs, all_streams=task == "segmentation"
    )
    model = model.to(device, memory_format=torch.channels_last).train()
    # The fastest of PyTorch's implementations of Adam.
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    height, width = image_size
    images = torch.randint(0, 256, (batch_size, 3, height, width), dtype=torch.uint8)
    if task == "pose":
        targets = torch.rand(batch_size, num_outputs, height // 4, width // 4)
    else:
        targets = torch.randint(0, num_outputs, (batch_size, height, width))
    batch = [images, targets]
    if device.type == "cuda":
        batch = [tensor.pin_memory() for tensor in batch]
    forward = torch.compile(model) if compile else model

    def loss_of(images, targets):
        images = images.to(memory_format=torch.channels_last).float() / 255
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            outputs = forward(images)
        outputs = outputs.float()
        if task == "pose":
            return 0.5 * (outputs - targets).square().mean(dim=(2, 3)).mean()
        logits = functional.interpolate(outputs, targets.shape[1:], mode="bilinear")
        return functional.cross_entropy(logits, targets, ignore_index=255)

    def run(steps):
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(*(t.to(device, non_blocking=True) for t in batch))
            loss.backward()
            optimizer.step()
        return loss.item()

    def tensors_mb():
        if device.type == "cpu":
            return None
        return torch.cuda.max_memory_allocated(device) / 1e6

    return sum(p.numel() for p in model.parameters()), run, tensors_mb
