// What a model found, drawn over the picture: one function for each kind of result.

const LEFT = "#0099ff", RIGHT = "#ff7a00", CENTRE = "#40d070";

// The kinds of results, by what their json holds.
export function kindOf(result) {
  return ["people", "objects", "classes", "shares"].find((key) => key in result);
}

// Draws what a result holds.
// context: of a canvas as large as the picture, which is drawn already.
// options: {threshold, opacity, map}, the map a picture of classes or null.
export function draw(context, result, options) {
  const {people, objects} = result;
  if (people) drawPeople(context, result, options.threshold);
  if (objects) drawObjects(context, result, options);
  if (options.map) {
    context.globalAlpha = options.opacity;
    context.imageSmoothingEnabled = false;
    context.drawImage(options.map, 0, 0, context.canvas.width, context.canvas.height);
    context.globalAlpha = 1;
  }
}

// What a result says in words: a list of {name, value, color}.
export function rows(result, threshold) {
  switch (kindOf(result)) {
    case "people":
      return result.people.map((person, i) => {
        const seen = person.keypoints.filter((point) => point[2] >= threshold);
        const value = `${seen.length} of ${person.keypoints.length} points`;
        return {name: `Person ${i + 1}`, value};
      });
    case "objects":
      return shown(result, threshold).map((object) => ({
        name: object.class,
        value: percent(object.score),
        color: colorOf(result, object.class),
      }));
    case "classes":
      return result.classes.filter((one) => one.probability >= threshold).map((one) => ({
        name: one.name ?? String(one.label),
        value: percent(one.probability),
      }));
    case "shares":
      return Object.entries(result.shares).map(([name, share]) => ({
        name,
        value: percent(share),
        color: rgb(palette(result.label_set)[result.label_set.classes.indexOf(name)]),
      }));
  }
  return [];
}

// A picture of classes: from the server's file, or from labels of this page.
export async function mapOf(result) {
  if (result.png_bytes) {
    const bytes = Uint8Array.from(atob(result.png_bytes.b64), (c) => c.charCodeAt(0));
    return createImageBitmap(new Blob([bytes], {type: "image/png"}));
  }
  if (!result.labels) return null;
  const {width, height} = result, colors = palette(result.label_set);
  const image = new ImageData(width, height);
  result.labels.forEach((label, i) => {
    if (colors[label]) image.data.set([...colors[label], 255], 4 * i);
  });
  return createImageBitmap(image);
}

function drawPeople(context, {people, keypoint_set: set}, threshold) {
  const sides = sidesOf(set), zoom = zoomOf(context);
  for (const person of people) {
    const points = person.keypoints, [, , width, height] = person.box;
    // Of faces with many points smaller discs.
    const size = Math.min(4, 24 / Math.sqrt(points.length)) * zoom;
    const radius = Math.max(Math.min(size, Math.max(width, height) / 40), zoom);
    context.lineWidth = zoom;
    context.strokeStyle = "#ffffff99";
    context.strokeRect(...person.box);
    context.lineCap = "round";
    for (const [a, b] of set?.skeleton ?? []) {
      const [i, j] = [a, b].map((name) => set.names.indexOf(name));
      if (points[i][2] < threshold || points[j][2] < threshold) continue;
      const side = sides[i] === sides[j] ? sides[i] : CENTRE;
      for (const [color, line] of [["#000000aa", 1.6], [side, 0.9]]) {
        context.strokeStyle = color;
        context.lineWidth = radius * line;
        context.beginPath();
        context.moveTo(points[i][0], points[i][1]);
        context.lineTo(points[j][0], points[j][1]);
        context.stroke();
      }
    }
    points.forEach(([x, y, score], i) => {
      if (score < threshold) return;
      disc(context, x, y, radius, "#000000aa");
      disc(context, x, y, radius * 0.7, sides[i]);
    });
  }
}

function drawObjects(context, result, {threshold, opacity}) {
  const zoom = zoomOf(context);
  context.font = `${13 * zoom}px system-ui, sans-serif`;
  context.textBaseline = "top";
  const objects = shown(result, threshold);
  for (const {mask, class: name} of objects) {
    if (mask) drawMask(context, mask, colorOf(result, name), opacity);
  }
  for (const object of objects) {
    const color = colorOf(result, object.class), [x, y, width, height] = object.box;
    context.lineWidth = 2 * zoom;
    context.strokeStyle = color;
    context.strokeRect(x, y, width, height);
    const text = `${object.class} ${percent(object.score)}`;
    context.fillStyle = color;
    context.fillRect(x, y, context.measureText(text).width + 6 * zoom, 17 * zoom);
    context.fillStyle = "#fff";
    context.fillText(text, x + 3 * zoom, y + 2 * zoom);
  }
}

function drawMask(context, {size: [height, width], counts}, color, opacity) {
  const mask = new OffscreenCanvas(width, height), inside = mask.getContext("2d");
  inside.fillStyle = color;
  let start = 0;
  runs(counts).forEach((length, i) => {
    for (let at = start; i % 2 && at < start + length;) {
      // Runs go down the columns.
      const x = Math.floor(at / height), y = at % height;
      const part = Math.min(height - y, start + length - at);
      inside.fillRect(x, y, 1, part);
      at += part;
    }
    start += length;
  });
  context.globalAlpha = opacity;
  context.drawImage(mask, 0, 0);
  context.globalAlpha = 1;
}

// The lengths of runs that COCO writes as text: six bits a letter, five of them the
// number's, from the third on as differences to the last but one.
export function runs(text) {
  const found = [];
  for (let at = 0; at < text.length;) {
    let number = 0, shift = 0, bits = 0;
    do {
      bits = text.charCodeAt(at++) - 48;
      number |= (bits & 31) << shift;
      shift += 5;
    } while (bits & 32);
    if (bits & 16) number |= -1 << shift;
    found.push(number + (found.length > 2 ? found.at(-2) : 0));
  }
  return found;
}

function shown(result, threshold) {
  return result.objects.filter((object) => object.score >= threshold);
}

function colorOf({object_set: set}, name) {
  const number = set.classes.indexOf(name), own = set.palette?.[number];
  return own ? rgb(own) : `hsl(${(number * 137) % 360} 75% 42%)`;
}

function palette(set) {
  return set.palette ?? [];
}

function rgb(color) {
  return color && `rgb(${color.join(" ")})`;
}

function sidesOf(set) {
  const sides = (set?.names ?? []).map(() => CENTRE);
  for (const [left, right] of set?.flip_pairs ?? []) {
    sides[set.names.indexOf(left)] = LEFT;
    sides[set.names.indexOf(right)] = RIGHT;
  }
  return new Proxy(sides, {get: (own, key) => own[key] ?? CENTRE});
}

function disc(context, x, y, radius, color) {
  context.fillStyle = color;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

// Lines as wide on large pictures as on small ones.
function zoomOf({canvas}) {
  return Math.max(canvas.width, canvas.height) / 700;
}

function percent(share) {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
