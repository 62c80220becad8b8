"""torchvision's detectors on blood cells, trained on the same views as our recipe's.

FCOS or Faster R-CNN on a ResNet-18 with a feature pyramid, from random weights, with
the batches, the number of steps and the test of `hrnet train bccd`: only the network,
its losses and its optimizer (AdamW, which such networks usually take) are others. Of
the epochs the last counts. Both sides are then scored alike:

    python benchmarks/torchvision_cells.py --kind fcos --data-dir data/bccd
    hrnet evaluate --model runs/bccd/best.keras --data data/bccd --split test --skip-bad
"""

import argparse
import json
import math
import multiprocessing
import os
import queue
import resource
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
KINDS = ("fcos", "faster_rcnn")
# A quarter of the usual channels, as in our recipe; and its views (height, width).
CHANNELS = 64
VIEW = (256, 320)
STRIDES = (4, 8, 16, 32, 64)


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=KINDS, default="fcos")
    parser.add_argument("--data-dir", required=True, help="BCCD, in VOC's layout")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--warmup-steps", type=int, default=100)
    parser.add_argument("--bfloat16", action="store_true", help="under autocast")
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args(arguments)
    if min(options.epochs, options.batch_size, options.warmup_steps) < 1:
        parser.error("--epochs, --batch-size and --warmup-steps must be positive")
    return options


def make_detector(kind, num_classes, image_size):
    """torchvision's detector with random weights.

    Args:
        kind: one of `KINDS`.
        num_classes: int, foreground classes.
        image_size: (height, width) of the views, which are not resized again.
    """
    import torch
    from torch import nn
    from torchvision.models import resnet18
    from torchvision.models.detection import FCOS, FasterRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import BackboneWithFPN
    from torchvision.ops.feature_pyramid_network import (
        LastLevelMaxPool,
        LastLevelP6P7,
    )

    torch.manual_seed(0)
    body = resnet18(weights=None, norm_layer=nn.BatchNorm2d)
    stages = [64, 128, 256, 512]
    sizes = {"min_size": min(image_size), "max_size": max(image_size)}
    if kind == "fcos":
        backbone = BackboneWithFPN(
            body,
            {f"layer{i}": str(i - 2) for i in (2, 3, 4)},
            stages[1:],
            CHANNELS,
            LastLevelP6P7(CHANNELS, CHANNELS),
        )
        return FCOS(backbone, num_classes + 1, **sizes)
    backbone = BackboneWithFPN(
        body,
        {f"layer{i}": str(i - 1) for i in (1, 2, 3, 4)},
        stages,
        CHANNELS,
        LastLevelMaxPool(),
    )
    anchors = AnchorGenerator(
        tuple((8 * stride,) for stride in STRIDES), ((0.5, 1.0, 2.0),) * len(STRIDES)
    )
    return FasterRCNN(backbone, num_classes + 1, rpn_anchor_generator=anchors, **sizes)


def to_torch(images, labels):
    """Our batch as torchvision takes it: lists of pictures and of their objects."""
    import torch

    pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    targets = []
    for boxes, classes, crowd in zip(
        labels["boxes"], labels["classes"], labels["crowd"], strict=True
    ):
        # Boxes of no area stop torchvision.
        kept = (classes >= 0) & ~crowd & (boxes[:, 2:] > boxes[:, :2]).all(1)
        targets.append(
            {
                "boxes": torch.from_numpy(boxes[kept]),
                "labels": torch.from_numpy(classes[kept]).long() + 1,
            }
        )
    return list(pictures), targets


def train(model, options, total, batches):
    """Trains with the batches of a queue, of which there are `total`."""
    import torch

    optimizer = torch.optim.AdamW(
        model.parameters(), options.learning_rate, weight_decay=options.weight_decay
    )

    def factor(step):
        warm = min(1.0, (step + 1) / options.warmup_steps)
        return warm * (1 + math.cos(math.pi * step / total)) / 2

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    model.train()
    started, sums, each = time.perf_counter(), 0.0, total // options.epochs
    for step in range(1, total + 1):
        views = to_torch(*batches.get())
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
            loss = sum(model(*views).values())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 35.0)
        optimizer.step()
        schedule.step()
        sums += float(loss.detach())
        if step % each == 0:
            minutes = (time.perf_counter() - started) / 60
            print(
                f"epoch {step // each}/{options.epochs}  loss {sums / each:.3f}"
                f"  {minutes:.1f} min",
                flush=True,
            )
            sums = 0.0


def find(model, path):
    """Finds the objects of a whole picture: boxes, scores and classes."""
    import numpy as np
    import torch
    from PIL import Image

    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    tensor = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
    with torch.inference_mode():
        found = model([tensor])[0]
    return [found[name].numpy() for name in ("boxes", "scores", "labels")]


def torch_side(options, num_classes, total, paths, batches, results):
    """The work of PyTorch's process: TensorFlow and it crash in one."""
    # Ours tests pictures as large as fits into its views, and so does this.
    model = make_detector(options.kind, num_classes, VIEW)
    print(
        f"torchvision's {options.kind},"
        f" {sum(p.numel() for p in model.parameters()):,} parameters",
        flush=True,
    )
    train(model, options, total, batches)
    used = resource.getrusage(resource.RUSAGE_SELF)
    model.eval()
    found = [find(model, path) for path in paths]
    results.put((found, (used.ru_utime + used.ru_stime) / 60))


def main(arguments=None):
    options = parse_arguments(arguments)
    from hrnet_tf.data.formats import voc_objects
    from hrnet_tf.data.object_sets import load_object_set
    from hrnet_tf.tasks.detection.result import Detections
    from hrnet_tf.tasks.detection.scoring import make_report
    from hrnet_tf.training.recipe_files import load_recipe

    recipe = load_recipe(
        f"bccd/{options.kind}",
        data_dir=options.data_dir,
        epochs=options.epochs,
        batch_size=options.batch_size,
    )
    object_set = load_object_set("bccd")
    examples = voc_objects.load_detection(
        options.data_dir, options.split, object_set, True
    )
    views, steps_per_epoch = recipe.train_data(0, 0)
    total = steps_per_epoch * options.epochs
    context = multiprocessing.get_context("spawn")
    batches, results = context.Queue(4), context.Queue()
    paths = [example.image_path for example in examples]
    settings = (options, object_set.num_classes, total, paths, batches, results)
    process = context.Process(target=torch_side, args=settings, daemon=True)
    process.start()
    for images, labels, *_ in views.take(total).as_numpy_iterator():
        while True:
            try:
                batches.put((images, labels), timeout=10)
                break
            except queue.Full:
                if not process.is_alive():
                    raise SystemExit("PyTorch's process ended early.") from None
    found, minutes = results.get()
    process.join()
    detections = [
        Detections(boxes, scores, labels - 1, object_set)
        for boxes, scores, labels in found
    ]
    report = make_report(examples, detections, object_set)
    numbers = {name: float(report.numbers[name]) for name in ("AP", "AP50", "mAP")}
    told = "  ".join(f"{name} {value:.3f}" for name, value in numbers.items())
    print(f"{options.split}: {told}; {minutes:.1f} min of CPU time for training")
    if options.json:
        content = {"kind": options.kind, **numbers, "cpu_minutes": minutes}
        options.json.write_text(json.dumps(content, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
