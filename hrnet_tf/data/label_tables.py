"""Tables of the label sets that the published segmentation models were trained with.

The colours are the data sets' own; where they have none they are generated.

Reference: the data sets' own lists of classes and colours (cityscapesScripts, LIP,
PASCAL-Context, sceneparsing's objectInfo150 and color150, cocostuff's labels.txt,
SegNet-Tutorial); HRNet-Semantic-Segmentation, lib/datasets (which values of the files
are classes, and the class weights).
"""

from dataclasses import replace

from hrnet_tf.data.label_set import IGNORE_LABEL, LabelSet, bit_palette


def _names(text):
    return tuple(" ".join(name.split()) for name in text.split(","))


def _colours(text):
    """Colours written as in a web page: rrggbb."""
    return tuple(tuple(bytes.fromhex(colour)) for colour in text.split())


# The classes which count in the evaluation, as they are numbered in training.
CITYSCAPES_TRAIN_IDS = LabelSet(
    name="cityscapes_train_ids",
    classes=_names(
        """
        road, sidewalk, building, wall, fence, pole, traffic light, traffic sign,
        vegetation, terrain, sky, person, rider, car, truck, bus, train, motorcycle,
        bicycle
        """
    ),
    palette=_colours(
        """
        804080 f423e8 464646 66669c be9999 999999 faaa1e dcdc00 6b8e23 98fb98 4682b4
        dc143c ff0000 00008e 000046 003c64 005064 0000e6 770b20
        """
    ),
    class_weights=(
        *(0.8373, 0.918, 0.866, 1.0345, 1.0166, 0.9969, 0.9754, 1.0489, 0.8786),
        *(1.0023, 0.9539, 0.9843, 1.1116, 0.9037, 1.0865, 1.0955, 1.0865, 1.1529),
        1.0507,
    ),
)
# The values of *_labelIds.png, which the test server expects as well.
CITYSCAPES = replace(
    CITYSCAPES_TRAIN_IDS,
    name="cityscapes",
    label_ids=(7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33),
    ignored_ids=(*range(7), 9, 10, 14, 15, 16, 18, 29, 30, IGNORE_LABEL),
)

LIP = LabelSet(
    name="lip",
    classes=_names(
        """
        background, hat, hair, glove, sunglasses, upper-clothes, dress, coat, socks,
        pants, jumpsuits, scarf, skirt, face, left-arm, right-arm, left-leg,
        right-leg, left-shoe, right-shoe
        """
    ),
    palette=_colours(
        """
        000000 800000 ff0000 005500 aa0033 ff5500 000055 0077dd 555500 005555 553300
        345680 008000 0000ff 33aadd 00ffff 55ffaa aaff55 ffff00 ffaa00
        """
    ),
    flip_pairs=((14, 15), (16, 17), (18, 19)),
)

# Value 0 of the files is the background: any of the 400 rarer classes.
PASCAL_CONTEXT_59 = LabelSet(
    name="pascal_context_59",
    classes=_names(
        """
        aeroplane, bag, bed, bedclothes, bench, bicycle, bird, boat, book, bottle,
        building, bus, cabinet, car, cat, ceiling, chair, cloth, computer, cow, cup,
        curtain, dog, door, fence, floor, flower, food, grass, ground, horse,
        keyboard, light, motorbike, mountain, mouse, person, plate, platform,
        pottedplant, road, rock, sheep, shelves, sidewalk, sign, sky, snow, sofa,
        table, track, train, tree, truck, tvmonitor, wall, water, window, wood
        """
    ),
    label_ids=tuple(range(1, 60)),
    ignored_ids=(0, IGNORE_LABEL),
)
PASCAL_CONTEXT_60 = LabelSet(
    name="pascal_context_60",
    classes=("background", *PASCAL_CONTEXT_59.classes),
    palette=bit_palette(60),
)

# The full names are lists of synonyms, of which this is the first.
ADE20K = LabelSet(
    name="ade20k",
    classes=_names(
        """
        wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass,
        cabinet, sidewalk, person, earth, door, table, mountain, plant, curtain,
        chair, car, water, painting, sofa, shelf, house, sea, mirror, rug, field,
        armchair, seat, fence, desk, rock, wardrobe, lamp, bathtub, railing, cushion,
        base, box, column, signboard, chest of drawers, counter, sand, sink,
        skyscraper, fireplace, refrigerator, grandstand, path, stairs, runway, case,
        pool table, pillow, screen door, stairway, river, bridge, bookcase, blind,
        coffee table, toilet, flower, book, hill, bench, countertop, stove, palm,
        kitchen island, computer, swivel chair, boat, bar, arcade machine, hovel, bus,
        towel, light, truck, tower, chandelier, awning, streetlight, booth,
        television, airplane, dirt track, apparel, pole, land, bannister, escalator,
        ottoman, bottle, buffet, poster, stage, van, ship, fountain, conveyer belt,
        canopy, washer, plaything, swimming pool, stool, barrel, basket, waterfall,
        tent, bag, minibike, cradle, oven, ball, food, step, tank, trade name,
        microwave, pot, animal, bicycle, lake, dishwasher, screen, blanket, sculpture,
        hood, sconce, vase, traffic light, tray, ashcan, fan, pier, crt screen, plate,
        monitor, bulletin board, shower, radiator, glass, clock, flag
        """
    ),
    palette=_colours(
        """
        787878 b47878 06e6e6 503232 04c803 787850 8c8c8c cc05ff e6e6e6 04fa07 e005ff
        ebff07 96053d 787846 08ff33 ff0652 8fff8c ccff04 ff3307 cc4603 0066c8 3de6fa
        ff0633 0b66ff ff0747 ff09e0 0907e6 dcdcdc ff095c 7009ff 08ffd6 07ffe0 ffb806
        0aff47 ff290a 07ffff e0ff08 6608ff ff3d06 ffc207 ff7a08 00ff14 ff0829 ff0599
        0633ff eb0cff a09614 00a3ff 8c8c8c fa0a0f 14ff00 1fff00 ff1f00 ffe000 99ff00
        0000ff ff4700 00ebff 00adff 1f00ff 0bc8c8 ff5200 00fff5 003dff 00ff70 00ff85
        ff0000 ffa300 ff6600 c2ff00 008fff 33ff00 0052ff 00ff29 00ffad 0a00ff adff00
        00ff99 ff5c00 ff00ff ff00f5 ff0066 ffad00 ff0014 ffb8b8 001fff 00ff3d 0047ff
        ff00cc 00ffc2 00ff52 000aff 0070ff 3300ff 00c2ff 007aff 00ffa3 ff9900 00ff0a
        ff7000 8fff00 5200ff a3ff00 ffeb00 08b8aa 8500ff 00ff5c b800ff ff001f 00b8ff
        00d6ff ff0070 5cff00 00e0ff 70e0ff 46b8a0 a300ff 9900ff 47ff00 ff00a3 ffcc00
        ff008f 00ffeb 85ff00 ff00eb f500ff ff007a fff500 0abed4 d6ff00 00ccff 1400ff
        ffff00 0099ff 0029ff 00ffcc 2900ff 29ff00 ad00ff 00f5ff 4700ff 7a00ff 00ffb8
        005cff b8ff00 0085ff ffd600 19c2c2 66ff00 5c00ff
        """
    ),
    label_ids=tuple(range(1, 151)),
    ignored_ids=(0,),
)

# 1..182 without the 11 classes that were never annotated; 0 is unlabelled.
_COCO_STUFF_IDS = tuple(
    value
    for value in range(1, 183)
    if value not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91)
)
# The values of the first release (10k images), which the official code reads.
COCO_STUFF = LabelSet(
    name="coco_stuff",
    classes=_names(
        """
        person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic
        light, fire hydrant, stop sign, parking meter, bench, bird, cat, dog, horse,
        sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag, tie,
        suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball
        glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork,
        knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot
        dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table,
        toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven,
        toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear, hair
        drier, toothbrush, banner, blanket, branch, bridge, building-other, bush,
        cabinet, cage, cardboard, carpet, ceiling-other, ceiling-tile, cloth, clothes,
        clouds, counter, cupboard, curtain, desk-stuff, dirt, door-stuff, fence,
        floor-marble, floor-other, floor-stone, floor-tile, floor-wood, flower, fog,
        food-other, fruit, furniture-other, grass, gravel, ground-other, hill, house,
        leaves, light, mat, metal, mirror-stuff, moss, mountain, mud, napkin, net,
        paper, pavement, pillow, plant-other, plastic, platform, playingfield,
        railing, railroad, river, road, rock, roof, rug, salad, sand, sea, shelf,
        sky-other, skyscraper, snow, solid-other, stairs, stone, straw,
        structural-other, table, tent, textile-other, towel, tree, vegetable,
        wall-brick, wall-concrete, wall-other, wall-panel, wall-stone, wall-tile,
        wall-wood, water-other, waterdrops, window-blind, window-other, wood
        """
    ),
    label_ids=_COCO_STUFF_IDS,
    ignored_ids=(0,),
)
# The pixel maps of the second release (164k images) start from 0.
COCO_STUFF_164K = replace(
    COCO_STUFF,
    name="coco_stuff_164k",
    label_ids=tuple(value - 1 for value in _COCO_STUFF_IDS),
    ignored_ids=(IGNORE_LABEL,),
)
# Files *_labelTrainIds.png, which hold the 171 classes without gaps.
COCO_STUFF_TRAIN_IDS = replace(
    COCO_STUFF_164K, name="coco_stuff_train_ids", label_ids=None
)

VOC = LabelSet(
    name="voc",
    classes=_names(
        """
        background, aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow,
        diningtable, dog, horse, motorbike, person, pottedplant, sheep, sofa, train,
        tvmonitor
        """
    ),
    palette=bit_palette(21),
)

# SegNet's split and its 11 classes.
CAMVID = LabelSet(
    name="camvid",
    classes=_names(
        """
        sky, building, pole, road, pavement, tree, sign, fence, car, pedestrian,
        bicyclist
        """
    ),
    palette=_colours(
        """
        808080 800000 c0c080 804080 3c28de 808000 c08080 404080 400080 404000 0080c0
        """
    ),
    ignored_ids=(11,),
)

_ALL = (
    *(CITYSCAPES, CITYSCAPES_TRAIN_IDS, LIP, PASCAL_CONTEXT_59, PASCAL_CONTEXT_60),
    *(ADE20K, COCO_STUFF, COCO_STUFF_164K, COCO_STUFF_TRAIN_IDS, VOC, CAMVID),
)
LABEL_SETS = {known.name: known for known in _ALL}
