"""A compact HRNet for pose in PyTorch: the peer of benchmarks/training_step.py.

The same network as `hrnet_tf.HRNetPose`, module for module; only PyTorch is needed.
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

    def __init__(self, widths, num_blocks, num_outputs):
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(*(Residual(width, width) for _ in range(num_blocks)))
            for width in widths
        )
        self.paths = nn.ModuleList(
            nn.ModuleList(
                self._path(widths, source, target) for source in range(len(widths))
            )
            for target in range(num_outputs)
        )

    @staticmethod
    def _path(widths, source, target):
        if source == target:
            return nn.Identity()
        if source > target:
            return nn.Sequential(
                unit(widths[source], widths[target], 1, relu=False),
                nn.Upsample(scale_factor=2 ** (source - target), mode="nearest"),
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
    """HRNet with one heatmap a keypoint.

    Args:
        width, num_modules, num_blocks, stem_width, stage1_width, stage1_blocks: as
            `hrnet_tf.models.backbone.HRNetBackbone`.
        num_keypoints: int.
    """

    def __init__(
        self,
        width=32,
        num_modules=(1, 4, 3),
        num_blocks=4,
        stem_width=64,
        stage1_width=64,
        stage1_blocks=4,
        num_keypoints=17,
    ):
        super().__init__()
        finest = 4 * stage1_width
        self.stem = nn.Sequential(
            unit(3, stem_width, stride=2),
            unit(stem_width, stem_width, stride=2),
            Residual(stem_width, finest, stage1_width),
            *(Residual(finest, finest, stage1_width) for _ in range(stage1_blocks - 1)),
        )
        self.transitions, self.stages = nn.ModuleList(), nn.ModuleList()
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
                            1 if stage == 4 and m == count - 1 else stage,
                        )
                        for m in range(count)
                    )
                )
            )
        self.head = nn.Conv2d(width, num_keypoints, 1)

    def forward(self, x):
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
        return self.head(streams[0])


def training_step(architecture, num_keypoints, image_size, batch_size, bfloat16):
    """Makes a network and its training step.

    Returns:
        The number of parameters, and the step: a function without arguments that
        returns the loss.
    """
    torch.manual_seed(0)
    model = TorchHRNet(**architecture, num_keypoints=num_keypoints)
    model = model.to(memory_format=torch.channels_last).train()
    # The fastest of PyTorch's implementations of Adam.
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    height, width = image_size
    images = torch.randn(batch_size, 3, height, width)
    images = images.contiguous(memory_format=torch.channels_last)
    targets = torch.rand(batch_size, num_keypoints, height // 4, width // 4)
    targets = targets.contiguous(memory_format=torch.channels_last)
    weights = torch.ones(batch_size, num_keypoints)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            heatmaps = model(images)
        squares = (heatmaps.float() - targets).square().mean(dim=(2, 3))
        loss = 0.5 * (squares * weights).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return sum(p.numel() for p in model.parameters()), step
