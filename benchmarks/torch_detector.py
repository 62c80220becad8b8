"""Faster R-CNN on HRNetV2p in PyTorch: the peer of benchmarks/detection.py.

The same network as `hrnet_tf.HRNetFasterRCNN(convention="official")`; proposals,
regions, suppression and losses are torchvision's.
"""

import torch
from torch import nn
from torch.nn import functional
from torch_hrnet import TorchHRNet
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign

LEVELS = ("P2", "P3", "P4", "P5", "P6")
# Sides of anchors: 8 times the strides.
SIDES = tuple((8 * 2 ** (2 + i),) for i in range(len(LEVELS)))


class Pyramid(nn.Module):
    """HRNetV2p: the streams of an HRNet, mixed, and averaged down to five levels."""

    def __init__(self, body, channels, out_channels=256):
        super().__init__()
        self.body = body
        self.out_channels = out_channels
        self.reduce = nn.Conv2d(channels, out_channels, 1)
        self.levels = nn.ModuleList(
            nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in LEVELS
        )

    def forward(self, images):
        streams = self.body.streams(images)
        size = streams[0].shape[2:]
        finest = [streams[0]]
        for x in streams[1:]:
            finest.append(functional.interpolate(x, size, mode="bilinear"))
        mixed = self.reduce(torch.cat(finest, 1))
        found = {}
        for i, (name, conv) in enumerate(zip(LEVELS, self.levels, strict=True)):
            pooled = functional.avg_pool2d(mixed, 2**i, 2**i) if i else mixed
            found[name] = conv(pooled)
        return found


def make_detector(architecture, num_classes, image_size, class_spread):
    """A detector with random weights.

    Args:
        architecture: dict of `TorchHRNet`'s arguments.
        num_classes: int, foreground classes.
        image_size: (height, width), which images have already.
        class_spread: float, deviation of the class layer's weights.
    """
    torch.manual_seed(0)
    body = TorchHRNet(**architecture, all_streams=True)
    channels = sum(architecture["width"] * 2**i for i in range(4))
    # What follows the streams for other tasks.
    del body.mixer, body.head
    backbone = Pyramid(body, channels)
    model = FasterRCNN(
        backbone,
        num_classes + 1,
        min_size=min(image_size),
        max_size=max(image_size),
        rpn_anchor_generator=AnchorGenerator(SIDES, ((0.5, 1.0, 2.0),) * len(SIDES)),
        rpn_pre_nms_top_n_train=2000,
        rpn_pre_nms_top_n_test=2000,
        rpn_post_nms_top_n_train=2000,
        rpn_post_nms_top_n_test=2000,
        box_roi_pool=MultiScaleRoIAlign(LEVELS[:4], 7, 2),
        box_head=TwoMLPHead(256 * 7 * 7, 1024),
    )
    nn.init.normal_(model.roi_heads.box_predictor.cls_score.weight, std=class_spread)
    return model.to(memory_format=torch.channels_last)


def detector_steps(
    mode, architecture, num_classes, image_size, batch_size, boxes, class_spread, **_
):
    """Makes a detector and its steps, see `sides.work`.

    Args:
        mode: "evaluation" or "training".
        boxes: list of lists of x1, y1, x2, y2, class; of each image.
    """
    model = make_detector(architecture, num_classes, image_size, class_spread)
    parameters = sum(p.numel() for p in model.parameters())
    height, width = image_size
    shape = (batch_size, 3, height, width)
    images = torch.randint(0, 256, shape, dtype=torch.uint8).float() / 255
    images = list(images.to(memory_format=torch.channels_last))
    if mode == "evaluation":
        return parameters, _evaluation(model.eval(), images), lambda: None
    targets = [
        {"boxes": torch.tensor([b[:4] for b in rows]).float(), "labels": classes}
        for rows in boxes
        for classes in [torch.tensor([int(b[4]) + 1 for b in rows])]
    ]
    return parameters, _training(model.train(), images, targets), lambda: None


def _evaluation(model, images):
    @torch.inference_mode()
    def run(steps):
        for _ in range(steps):
            found = model(images)
        return float(sum(len(x["boxes"]) for x in found))

    return run


def _training(model, images, targets):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Statistics are frozen, as the official detectors freeze them.
            module.eval()
    optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)

    def run(steps):
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            loss = sum(model(images, targets).values())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 35.0)
            optimizer.step()
        return loss.item()

    return run
