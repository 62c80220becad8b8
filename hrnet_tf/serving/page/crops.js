// Pictures cut and resized, to the same grey levels as the package's graphs.

// The pixels of an ImageBitmap: {data (RGBA), width, height}; on white where it is clear.
export function pixelsOf(image) {
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.fillStyle = "#fff";
  context.fillRect(0, 0, image.width, image.height);
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height);
}

// What the network looks at for a box [x, y, width, height]: {center, size}.
export function boxRegion([x, y, width, height], aspect, padding) {
  const size = [Math.max(width, aspect * height), Math.max(height, width / aspect)];
  return {center: [x + width / 2, y + height / 2], size: size.map((s) => s * padding)};
}

// A crop, sampled bilinearly; black outside the picture.
// place: function from the crop's pixel (u, v) to [x, y] in the picture.
export function warped(image, place, width, height) {
  const crop = new Uint8Array(width * height * 3);
  for (let v = 0, at = 0; v < height; v++) {
    for (let u = 0; u < width; u++, at += 3) {
      const [x, y] = place(u, v), left = Math.floor(x), top = Math.floor(y);
      for (let channel = 0; channel < 3; channel++) {
        const corner = (dx, dy) => grey(image, left + dx, top + dy, channel);
        const upper = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * (x - left);
        const lower = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * (x - left);
        crop[at + channel] = Math.floor(upper + (lower - upper) * (y - top) + 0.5);
      }
    }
  }
  return crop;
}

// The middle of a picture, its shorter side made `side / fraction` pixels before.
export function centreCrop(image, [height, width], fraction) {
  const target = [height, width].map((side) => Math.floor(side / fraction));
  const size = [image.height, image.width];
  const share = target.map((side, i) => side / size[i]);
  const whole = share[0] >= share[1]
    ? [target[0], Math.floor(target[0] * size[1] / size[0])]
    : [Math.floor(target[1] * size[0] / size[1]), target[1]];
  const [rows, columns] = [height, width].map((side, i) => {
    const corner = even((whole[i] - side) / 2);
    return smoothWeights(side, size[i], size[i] / whole[i], corner);
  });
  return sampled(image, rows, columns, 0.5);
}

// A whole picture at another size, bilinearly.
export function resized(image, height, width) {
  const rows = plainWeights(height, image.height);
  return sampled(image, rows, plainWeights(width, image.width), null);
}

// Weighted sums of rows and columns: each a list of [first, weights].
// add: what is added before numbers are cut off; null rounds halves to even.
function sampled(image, rows, columns, add) {
  const crop = new Uint8Array(rows.length * columns.length * 3);
  rows.forEach(([top, down], v) => columns.forEach(([left, across], u) => {
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0;
      for (let j = 0; j < down.length; j++) {
        let row = 0;
        for (let i = 0; i < across.length; i++) {
          row += across[i] * grey(image, left + i, top + j, channel);
        }
        sum += down[j] * row;
      }
      const value = add === null ? even(sum) : Math.floor(sum + add);
      crop[(v * columns.length + u) * 3 + channel] = Math.min(255, Math.max(0, value));
    }
  }));
  return crop;
}

function plainWeights(length, size) {
  return Array.from({length}, (_, i) => {
    const at = Math.max(0, (i + 0.5) * size / length - 0.5);
    const first = Math.min(Math.floor(at), size - 1), share = at - first;
    return first + 1 < size ? [first, [1 - share, share]] : [first, [1]];
  });
}

// Triangles as wide as a pixel of the smaller picture, which keep it from flickering.
function smoothWeights(length, size, step, corner) {
  const reach = Math.max(step, 1);
  return Array.from({length}, (_, i) => {
    const at = (i + 0.5 + corner) * step;
    const first = Math.max(0, Math.ceil(at - reach - 0.5));
    const last = Math.min(size - 1, Math.floor(at + reach - 0.5));
    const weights = [];
    for (let k = first; k <= last; k++) {
      weights.push(Math.max(0, 1 - Math.abs(k + 0.5 - at) / reach));
    }
    const sum = weights.reduce((a, b) => a + b, 0);
    return [first, weights.map((weight) => weight / sum)];
  });
}

// Halves go to the even number.
function even(value) {
  const floor = Math.floor(value), rest = value - floor;
  return rest === 0.5 ? floor + (floor % 2 !== 0) : Math.round(value);
}

function grey({data, width, height}, x, y, channel) {
  const inside = x >= 0 && y >= 0 && x < width && y < height;
  return inside ? data[4 * (y * width + x) + channel] : 0;
}
