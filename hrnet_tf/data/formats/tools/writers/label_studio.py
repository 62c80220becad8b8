"""Poses and objects as predictions of Label Studio, which people accept or correct."""

from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from hrnet_tf.data.formats.tools.writers.predicted import found_in, put_pictures
from hrnet_tf.io import write_bytes, write_json


def write(predictions: dict, out: Path, images: Path | None = None) -> list:
    """See `ToolFormat.write`: tasks.json, label_config.xml and images/.

    Label Studio is to serve the folder: LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true,
    and the folder itself as LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT.
    """
    found = found_in(predictions, images)
    put_pictures(found, out / "images")
    tasks = []
    for picture in found.pictures:
        results = []
        for number, person in enumerate(picture.people, 1):
            results += _results(found, picture, person, f"person{number}")
        for number, placed in enumerate(picture.objects, 1):
            key, label = f"object{number}", placed.label
            results.append(_box(picture, key, placed.box, label, placed.score))
        scored = (*picture.people, *picture.objects)
        score = max((one.score for one in scored), default=0.0)
        prediction = {
            "model_version": found.model,
            "score": round(score, 5),
            "result": results,
        }
        # Part of an address: a plus sign, say, would be read as a space.
        image = f"/data/local-files/?d={quote(f'images/{picture.name}')}"
        tasks.append({"data": {"image": image}, "predictions": [prediction]})
    write_json(out / "tasks.json", tasks)
    write_bytes(out / "label_config.xml", _config(found))
    return [out / "tasks.json", out / "label_config.xml", out / "images"]


def _same(picture):
    """What all regions of a picture have in common."""
    height, width = picture.size
    return {
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
    }


def _box(picture, key, box, label, score):
    """The region of a box."""
    height, width = picture.size
    x, y, across, down = box
    value = {
        "x": 100 * x / width,
        "y": 100 * y / height,
        "width": 100 * across / width,
        "height": 100 * down / height,
        "rotation": 0,
        "rectanglelabels": [label],
    }
    return {
        "id": key,
        "type": "rectanglelabels",
        "from_name": "box",
        "value": value,
        "score": round(score, 5),
        **_same(picture),
    }


def _results(found, picture, person, key):
    """The regions of a person: the box, and below it the points."""
    height, width = picture.size
    results = [_box(picture, key, person.box, found.category, person.score)]
    for i in person.placed.nonzero()[0]:
        px, py = person.points[i].tolist()
        value = {
            # Percents from the picture's corner, half a pixel before the first centre.
            "x": 100 * (px + 0.5) / width,
            "y": 100 * (py + 0.5) / height,
            "width": 0.5,
            "keypointlabels": [found.names[i]],
        }
        results.append(
            {
                "id": f"{key}_{i}",
                "type": "keypointlabels",
                "from_name": "keypoints",
                "parentID": key,
                "value": value,
                "score": round(float(person.scores[i]), 5),
                **_same(picture),
            }
        )
    return results


def _config(found):
    if found.object_set is not None:
        classes = found.object_set.classes
        labels = "\n".join(f"    <Label value={quoteattr(n)}/>" for n in classes)
        return f"""<View>
  <RectangleLabels name="box" toName="image">
{labels}
  </RectangleLabels>
  <Image name="image" value="$image"/>
</View>
"""
    labels = "\n".join(f"    <Label value={quoteattr(n)}/>" for n in found.names)
    return f"""<View>
  <RectangleLabels name="box" toName="image">
    <Label value={quoteattr(found.category)}/>
  </RectangleLabels>
  <KeyPointLabels name="keypoints" toName="image">
{labels}
  </KeyPointLabels>
  <Choices name="visibility" toName="image" perRegion="true" whenTagName="keypoints">
    <Choice value="occluded"/>
  </Choices>
  <Image name="image" value="$image"/>
</View>
"""
