"""The grouping of `grouping` and `refinement` as graph code, for exported models.

The same people come out, ties included, but for tags that are equal to the last bit.

Reference: https://e-maxx.ru/algo/assignment_hungary (the assignment by potentials).
"""

from typing import NamedTuple

import tensorflow as tf

from hrnet_tf.data.tags.grouping import FINE_TIE, TIE, GroupingRule, joint_order
from hrnet_tf.typing import Tensor

# More than pairs of people cost, so that nobody goes without whom there is room for.
_FAR = 1e7


class _People(NamedTuple):
    """People on their way, in arrays with room for all peaks.

    Attributes:
        count: int32 scalar.
        rows: float32 `[M, K, 3 + T]`, as in `Grouped`.
        keys: float32 `[M]`, the first tags.
        sums: float32 `[M, T]`, of the tags that count.
        numbers: float32 `[M]`, how many these are.
    """

    count: tf.Tensor
    rows: tf.Tensor
    keys: tf.Tensor
    sums: tf.Tensor
    numbers: tf.Tensor


def group_in_graph(
    heatmaps: Tensor,
    tags: Tensor,
    values: Tensor,
    cells: Tensor,
    peak_tags: Tensor,
    rule: GroupingRule,
    refine: bool = True,
) -> dict[str, Tensor]:
    """Finds the people of one image's maps.

    Args:
        heatmaps: float32 tensor `[H, W, K]`.
        tags: float32 tensor `[H, W, K, T]`.
        values, cells, peak_tags: of the image, see `top_peaks`.
        rule: `GroupingRule`; of more than `max_people` people the surest are returned.
        refine: bool, see `group_people`.
    Returns:
        A dict of float32 tensors: "points" `[N, K, 3]` (x and y in cells, counted from
        the corner, and the height, 0: not found) and "scores" `[N]`, of `max_people`
        people, the surest first, 0 where there are no more.
    """
    people = _match(values, tf.cast(cells, tf.float32), peak_tags, rule)
    most = rule.max_people
    scores = tf.reduce_mean(people.rows[:, :, 2], 1)
    scores = tf.where(tf.range(tf.size(scores)) < people.count, scores, -1.0)
    scores, best = tf.math.top_k(scores, most)
    rows = tf.gather(people.rows, best)[:, :, :3]
    there = scores > 0
    found = rows[:, :, 2] > 0
    rows = tf.where(found[..., None], _between(rows, heatmaps), rows)
    if refine:
        # Those who are there come first.
        number = tf.reduce_sum(tf.cast(there, tf.int32))
        filled = _fill(rows[:number], heatmaps, tags)
        rows = tf.concat([filled, rows[number:]], 0)
    rows = tf.where(there[:, None, None], rows, 0.0)
    return {
        "points": tf.ensure_shape(rows, (most, values.shape[0], 3)),
        "scores": tf.where(there, scores, 0.0),
    }


def _match(values, xy, tags, rule):
    """`_People` of the peaks `[K, N]`."""
    keypoints, most, num_tags = tags.shape
    room = keypoints * most
    order = tf.constant(joint_order(keypoints))

    def step(i, people):
        k = order[i]
        rows = tf.concat([xy[k], values[k][:, None], tags[k]], 1)
        high = values[k] > rule.detection_threshold
        if rule.stop_when_full:
            high &= people.count < rule.max_people
        return i + 1, _add(people, k, rows, high, rule)

    nobody = _People(
        tf.constant(0),
        tf.zeros((room, keypoints, 3 + num_tags)),
        tf.zeros(room),
        tf.zeros((room, num_tags)),
        tf.zeros(room),
    )
    _, people = tf.while_loop(lambda i, _: i < keypoints, step, (0, nobody))
    return people


def _add(people, k, rows, high, rule):
    """`_People` with the candidates `[N, 3 + T]` of a keypoint that are `high`."""
    most = rule.max_people
    tags, heights = rows[:, 3:], rows[:, 2]
    means = people.sums[:most] / tf.maximum(people.numbers[:most], 1.0)[:, None]
    difference = tf.cast(tags, tf.float64)[:, None] - tf.cast(means, tf.float64)
    distances = tf.norm(difference, axis=2)
    known = tf.range(most) < people.count
    owners = _assign(distances, heights, high, known, rule)
    joins = owners >= 0
    begins = high & ~joins
    # Who has the key of someone before is that one; of several the last one counts.
    same = (rows[:, None, 3] == rows[None, :, 3]) & begins[:, None] & begins
    later = tf.linalg.band_part(tf.cast(same, tf.int32), 0, -1)
    is_last = begins & (tf.reduce_sum(later, 1) == 1)
    taken = tf.range(tf.size(people.keys)) < people.count
    old = (rows[:, None, 3] == people.keys) & taken
    new = is_last & ~tf.reduce_any(old, 1)
    fresh = people.count + tf.cumsum(tf.cast(new, tf.int32), exclusive=True)
    slots = tf.where(new, fresh, tf.argmax(old, 1, tf.int32))
    slots = tf.where(joins, owners, slots)
    kept = joins | is_last
    slots, chosen = tf.boolean_mask(slots, kept), tf.boolean_mask(rows, kept)
    joined = tf.cast(tf.boolean_mask(joins, kept), tf.float32)
    places = tf.stack([slots, tf.fill(tf.shape(slots), k)], 1)
    slots = slots[:, None]

    def update(column, value):
        return tf.tensor_scatter_nd_update(column, slots, value)

    # Sums go on for those who join, and begin for the others.
    sums = tf.gather_nd(people.sums, slots) * joined[:, None] + chosen[:, 3:]
    numbers = tf.gather_nd(people.numbers, slots) * joined + 1
    keys = tf.gather_nd(people.keys, slots) * joined + chosen[:, 3] * (1 - joined)
    return _People(
        people.count + tf.reduce_sum(tf.cast(new, tf.int32)),
        tf.tensor_scatter_nd_update(people.rows, places, chosen),
        update(people.keys, keys),
        update(people.sums, sums),
        update(people.numbers, numbers),
    )


def _assign(distances, heights, high, known, rule):
    """The person of each candidate, or -1, int32 `[N]`."""
    candidates, people = distances.shape
    cost = distances
    if rule.use_heights:
        counts = [tf.reduce_sum(tf.cast(x, tf.int32)) for x in (high, known)]
        enough = counts[0] <= counts[1]
        heights = tf.cast(heights, tf.float64)[:, None]
        places = tf.range(people, dtype=tf.float64)
        places /= tf.cast(tf.maximum(counts[1], 1), tf.float64)
        order = heights * tf.where(distances < rule.tag_threshold, places, 1.0)
        free = TIE * order + FINE_TIE * tf.minimum(distances, rule.tag_threshold)
        fine = FINE_TIE * order - heights
        cost = tf.round(distances) * 100 + tf.where(enough, free, fine)
    cost = tf.where(known, cost, 2 * _FAR)
    # Room for those who go without.
    room = tf.fill((candidates, candidates), tf.constant(_FAR, tf.float64))
    number = tf.reduce_sum(tf.cast(high, tf.int32))
    columns = _solve(tf.concat([cost, room], 1), number)
    owners = tf.where(columns < people, columns, -1)
    indices = tf.stack([tf.range(candidates), tf.maximum(owners, 0)], 1)
    accepted = tf.gather_nd(distances, indices) < rule.tag_threshold
    return tf.where(high & accepted, owners, -1)


def _solve(cost, number):
    """The columns of the first rows with the least sum, int32 `[N]`; -1 beyond."""
    size, width = cost.shape
    # Of columns from 1, and of rows from 1: 0 is nobody.
    cost = tf.pad(cost, [[1, 0], [1, 0]])
    infinite = tf.constant(float("inf"), tf.float64)

    def visit(j, used, row_of, least, way, u, v):
        used = tf.tensor_scatter_nd_update(used, [[j]], [True])
        row = row_of[j]
        reduced = cost[row] - u[row] - v
        better = ~used & (reduced < least)
        least = tf.where(better, reduced, least)
        way = tf.where(better, j, way)
        open_ = tf.where(used, infinite, least)
        following = tf.argmin(open_, output_type=tf.int32)
        delta = open_[following]
        step = tf.where(used, delta, tf.zeros_like(delta))
        u = tf.tensor_scatter_nd_add(u, row_of[:, None], step)
        least = tf.where(used, least, least - delta)
        return following, used, row_of, least, way, u, v - step

    def turn(j, row_of, way):
        before = way[j]
        row_of = tf.tensor_scatter_nd_update(row_of, [[j]], [row_of[before]])
        return before, row_of, way

    def enter(row, row_of, u, v):
        row_of = tf.tensor_scatter_nd_update(row_of, [[0]], [row])
        closed = tf.concat([[infinite], tf.fill((width,), infinite)], 0)
        start = (
            *(tf.constant(0), tf.zeros(width + 1, tf.bool), row_of, closed),
            *(tf.zeros(width + 1, tf.int32), u, v),
        )
        found = tf.while_loop(lambda j, _, rows, *__: rows[j] != 0, visit, start)
        j, _, row_of, _, way, u, v = found
        _, row_of, _ = tf.while_loop(lambda j, *_: j != 0, turn, (j, row_of, way))
        return row + 1, row_of, u, v

    start = (
        *(tf.constant(1), tf.zeros(width + 1, tf.int32)),
        *(tf.zeros(size + 1, tf.float64), tf.zeros(width + 1, tf.float64)),
    )
    _, row_of, _, _ = tf.while_loop(lambda row, *_: row <= number, enter, start)
    columns = tf.fill((size + 1,), -1)
    rows = row_of[1:]
    # Rows that have a column; the others land on row 0.
    columns = tf.tensor_scatter_nd_update(columns, rows[:, None], tf.range(width))
    return columns[1:]


def _between(rows, heatmaps):
    """Points of whole cells `[N, K, 3]`, moved towards their higher neighbours."""
    keypoints, size = heatmaps.shape[2], tf.shape(heatmaps)
    x = tf.cast(rows[..., 0], tf.int32)
    y = tf.cast(rows[..., 1], tf.int32)
    owners = tf.broadcast_to(tf.range(keypoints), tf.shape(x))

    def at(x, y):
        x = tf.clip_by_value(x, 0, size[1] - 1)
        y = tf.clip_by_value(y, 0, size[0] - 1)
        return tf.gather_nd(heatmaps, tf.stack([y, x, owners], -1))

    right = tf.where(at(x + 1, y) > at(x - 1, y), 0.75, 0.25)
    below = tf.where(at(x, y + 1) > at(x, y - 1), 0.75, 0.25)
    moved = tf.stack([tf.cast(x, tf.float32) + right, tf.cast(y, tf.float32) + below])
    return tf.concat([tf.transpose(moved, [1, 2, 0]), rows[..., 2:]], -1)


def _fill(rows, heatmaps, tags):
    """People `[N, K, 3]` with the keypoints that they lacked, see `fill_missing`."""
    width, keypoints = tf.shape(heatmaps)[1], heatmaps.shape[2]
    found = rows[..., 2] > 0
    cells = tf.cast(rows[..., :2], tf.int32)
    owners = tf.broadcast_to(tf.range(keypoints), tf.shape(found))
    places = tf.stack([cells[..., 1], cells[..., 0], owners], -1)
    weights = tf.cast(found, tf.float32)
    sums = tf.reduce_sum(tf.gather_nd(tags, places) * weights[..., None], 1)
    means = sums / tf.maximum(tf.reduce_sum(weights, 1), 1.0)[:, None]

    def search(k):
        flat = tf.reshape(tags[:, :, k], (-1, 1, tags.shape[3]))
        distances = tf.sqrt(tf.reduce_sum((flat - means) ** 2, -1))
        heights = tf.reshape(heatmaps[:, :, k], (-1, 1))
        best = tf.argmax(heights - tf.round(distances), 0, tf.int32)
        return best, tf.gather(heights[:, 0], best)

    best, heights = tf.map_fn(
        search,
        tf.range(keypoints),
        fn_output_signature=(
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((None,), tf.float32),
        ),
    )
    best, heights = tf.transpose(best), tf.transpose(heights)
    others = tf.stack([best % width, best // width], -1)
    others = tf.concat([tf.cast(others, tf.float32), heights[..., None]], -1)
    taken = ~found & (heights > 0)
    return tf.where(taken[..., None], _between(others, heatmaps), rows)
