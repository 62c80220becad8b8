// Runs a LiteRT file in the page: crops, network and results as the package makes them.

import {loadAndCompile, loadLiteRt, Tensor} from "@litertjs/core";
import {boxRegion, centreCrop, pixelsOf, resized, warped} from "./crops.js";

const FINDERS = {pose: people, landmarks: people, classification, segmentation};
// Classes that are told, as the package does.
const TOP = 5;

// Loads the file; returns a function (image, boxes) -> result, as the server gives it.
export async function loadLocal(description, url, headers) {
  const find = FINDERS[description.task];
  if (!find) {
    throw new Error(`Models of ${description.task} do not run in the page. Leave ?local`
      + " out, and the server runs them.");
  }
  await loadLiteRt(new URL("litert/core/wasm/", document.baseURI).href);
  const answer = await fetch(url, {headers});
  if (!answer.ok) throw new Error(`The model's file: the server answered ${answer.status}.`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const model = await loadAndCompile(bytes, {accelerator: "wasm"});
  const [{name, shape}] = model.getInputDetails();
  const run = async (pixels) => outputsOf(model, name, Array.from(shape), pixels);
  // One after the other: the model has one set of buffers.
  let before = Promise.resolve();
  return (image, boxes) => {
    const found = before.then(() => find(pixelsOf(image), boxes, run, description, shape));
    before = found.catch(() => null);
    return found;
  };
}

// Runs the model on one picture; returns an object of typed arrays by name.
async function outputsOf(model, name, shape, pixels) {
  // A file with a larger batch gets the picture in its first row.
  const filled = new Uint8Array(shape.reduce((a, b) => a * b, 1));
  filled.set(pixels);
  const input = new Tensor(filled, shape);
  const outputs = await model.run({[name]: input});
  input.delete();
  const found = {};
  for (const [key, tensor] of Object.entries(outputs)) {
    found[key] = tensor.toTypedArray().slice();
    tensor.delete();
  }
  return found;
}

async function people(image, boxes, run, description) {
  const [height, width] = description.image_size;
  const whole = [0, 0, image.width, image.height];
  const found = [];
  for (const box of boxes.length ? boxes : [whole]) {
    const region = boxRegion(box, width / height, description.box_padding);
    const udp = description.heatmap_convention === "udp";
    // From the crop's pixels to the image's.
    const last = udp ? 1 : 0;
    const scale = udp
      ? [region.size[0] / (width - 1), region.size[1] / (height - 1)]
      : [region.size[0] / width, region.size[0] / width];
    const middle = [(width - last) / 2, (height - last) / 2];
    const place = (u, v) => [
      (u - middle[0]) * scale[0] + region.center[0],
      (v - middle[1]) * scale[1] + region.center[1],
    ];
    const {keypoints, scores} = await run(warped(image, place, width, height));
    const points = Array.from({length: description.num_keypoints}, (_, i) => [
      ...place(keypoints[2 * i], keypoints[2 * i + 1]),
      scores[i],
    ]);
    found.push({box, box_score: 1, keypoints: points});
  }
  const {keypoint_set} = description;
  return {keypoint_set, people: found, height: image.height, width: image.width};
}

async function classification(image, boxes, run, description) {
  const {image_size, crop_fraction, class_names} = description;
  const {probabilities} = await run(centreCrop(image, image_size, crop_fraction));
  const order = Array.from(probabilities.slice(0, description.num_classes).keys());
  order.sort((a, b) => probabilities[b] - probabilities[a]);
  const classes = order.slice(0, TOP).map((label) => ({
    label,
    name: class_names?.[label] ?? null,
    probability: probabilities[label],
  }));
  return {classes, class_names, height: image.height, width: image.width};
}

async function segmentation(image, boxes, run, description, shape) {
  const [, height, width] = shape;
  const {labels} = await run(resized(image, height, width));
  const map = new Uint8Array(image.width * image.height), counts = {};
  const names = description.label_set?.classes;
  for (let y = 0, at = 0; y < image.height; y++) {
    const row = Math.floor((y + 0.5) * height / image.height) * width;
    for (let x = 0; x < image.width; x++, at++) {
      const label = labels[row + Math.floor((x + 0.5) * width / image.width)];
      map[at] = label;
      counts[names?.[label] ?? label] = (counts[names?.[label] ?? label] ?? 0) + 1;
    }
  }
  const sorted = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  const shares = Object.fromEntries(sorted.map(([k, n]) => [k, n / map.length]));
  const {label_set} = description;
  return {shares, label_set, labels: map, height: image.height, width: image.width};
}
