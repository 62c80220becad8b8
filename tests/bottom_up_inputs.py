"""Builds the inputs of the bottom-up golden numbers from their parameters."""

import numpy as np


def grouping_inputs(
    seed,
    joints,
    height,
    width,
    people,
    tag_dims,
    missing=0.2,
    tag_gap=1.5,
    tag_noise=0.1,
    spurious=0,
    sigma=2.0,
    together=False,
    noise=0.03,
    plane=False,
):
    """Heatmaps [K, H, W] and tags [K, H, W, T], float32."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float64)
    heat = rng.uniform(0, noise, (joints, height, width))
    tags = rng.normal(0, 0.3, (joints, height, width, tag_dims))

    def blob(j, x, y, score, tag):
        d = (xx - x) ** 2 + (yy - y) ** 2
        bump = score * np.exp(-d / (2 * sigma**2)) + 0.001 * heat[j]
        heat[j] = np.maximum(heat[j], bump)
        near = d < (2 * sigma) ** 2
        tags[j][near] = tag + 0.02 * tags[j][near]

    for p in range(people):
        if plane:
            base = rng.uniform(-1, 1, tag_dims) * people * tag_gap
        else:
            base = p * tag_gap + rng.normal(0, 0.05, tag_dims)
        cx, cy = rng.uniform(0.15, 0.85, 2) * (width, height)
        if together:
            cx, cy = width * 0.5 + 3 * p, height * 0.5
        size = rng.uniform(0.1, 0.25) * min(height, width)
        for j in range(joints):
            x = np.clip(cx + rng.normal(0, size), 0, width - 1)
            y = np.clip(cy + rng.normal(0, size), 0, height - 1)
            score = rng.uniform(0.3, 1.0)
            tag = base + rng.normal(0, tag_noise, tag_dims)
            if rng.random() < missing:
                continue
            blob(j, x, y, score, tag)
    for _ in range(spurious):
        joint = int(rng.integers(joints))
        x, y = rng.uniform(0, width - 1), rng.uniform(0, height - 1)
        score = rng.uniform(0.12, 0.5)
        blob(joint, x, y, score, rng.uniform(-2, people * tag_gap + 2, tag_dims))
    return heat.astype(np.float32), tags.astype(np.float32)


def network_outputs(seed, call, channels, height, width):
    """The maps at 1/4 and 1/2 of a network's `call`-th call, [1, h, w, C] each."""
    rng = np.random.default_rng([seed, call])
    return [
        np.moveaxis(
            rng.normal(0, 1, (1, c, height // s, width // s)).astype(np.float32), 1, -1
        )
        for c, s in zip(channels, (4, 2), strict=True)
    ]


def picture(seed, height, width):
    """A smooth RGB picture, uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    a, b, c = (
        rng.uniform(0.01, 0.08, 3),
        rng.uniform(0.01, 0.08, 3),
        rng.uniform(0, 6, 3),
    )
    channels = [
        127.5 + 120 * np.sin(a[k] * x + c[k]) * np.cos(b[k] * y) for k in range(3)
    ]
    return np.stack(channels, -1).round().astype(np.uint8)


def loss_inputs(seed, batch, joints, size, people, max_people, missing=0.3):
    """Outputs, heatmaps and masks of two sizes, channels last; cells [B, P, K]."""
    rng = np.random.default_rng(seed)
    sizes = (size, 2 * size)
    outputs = [
        rng.normal(0, 0.5, (batch, 2 * joints, size, size)),
        rng.normal(0, 0.5, (batch, joints, 2 * size, 2 * size)),
    ]
    heat = [rng.uniform(0, 1, (batch, joints, s, s)) ** 8 for s in sizes]
    masks = [(rng.uniform(0, 1, (batch, s, s)) > 0.2).astype(np.float32) for s in sizes]
    cells = np.full((batch, max_people, joints), -1)
    for b in range(batch):
        for p in range(people[b]):
            for j in range(joints):
                at = rng.integers(size * size)
                if rng.random() >= missing:
                    cells[b, p, j] = at * joints + j
    maps = [
        [np.moveaxis(x, 1, -1).astype(np.float32) for x in y] for y in (outputs, heat)
    ]
    return *maps, masks, cells
