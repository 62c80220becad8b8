// The page: a picture in, to the server or the model in the browser, the result drawn.

import {draw, kindOf, mapOf, rows} from "./draw.js";

const at = (id) => document.getElementById(id);
const isLocal = new URLSearchParams(location.search).has("local");
const canvas = at("picture"), context = canvas.getContext("2d");
const state = {model: null, image: null, blob: null, result: null, map: null,
  boxes: [], asked: 0, stream: null, local: null};
// For tests, and for those who want to know what was drawn.
window.hrnet = state;

const token = () => sessionStorage.getItem("token");
const headers = () => (token() ? {Authorization: `Bearer ${token()}`} : {});

async function start() {
  const answer = await fetch("model", {headers: headers()});
  at("access").hidden = answer.status !== 401;
  if (answer.status === 401) return say("The token is missing, or wrong.", token());
  if (!answer.ok) return say(await errorOf(answer), true);
  const model = state.model = await answer.json();
  document.title = at("title").textContent = model.name;
  const where = isLocal ? "runs in this page" : "runs on the server";
  at("about").textContent = `${model.title}, version ${model.version}; ${where}`;
  const kinds = {classification: 0.01, segmentation: 0, detection: 0.3};
  at("threshold").value = kinds[model.task] ?? 0.2;
  at("threshold-label").hidden = model.task === "segmentation";
  at("opacity-label").hidden = !["segmentation", "detection"].includes(model.task);
  if (model.takes_boxes) {
    at("hint").textContent += model.finds_boxes ? "." :
      `. Then drag a box round each ${model.noun[0]}; without one, it is all of it.`;
  }
  showThreshold();
  if (!isLocal) return say("");
  if (!model.local) {
    return say("The server has no model for the page: start it with --litert-js.", true);
  }
  say("Loading the model into the page …");
  const {loadLocal} = await import("./local.js");
  state.local = await loadLocal(model.local, "local/model.tflite", headers());
  say("The model is ready in this page; no picture leaves it.");
  await ask();
}

// Takes a picture: a file, or a frame of the camera.
async function take(blob) {
  try {
    // The numbers in the file, as the server reads them.
    state.image = await createImageBitmap(blob, {colorSpaceConversion: "none"});
  } catch {
    return say("This file is no picture that the browser can read.", true);
  }
  if (!state.stream) Object.assign(state, {boxes: [], result: null, map: null});
  state.blob = isLocal ? blob : await fitting(blob);
  await ask();
}

async function ask() {
  if (!state.model || !state.image || (isLocal && !state.local)) return;
  const number = ++state.asked, began = performance.now();
  if (!state.stream) {
    say("Looking …");
    show();
  }
  let result;
  try {
    result = await (state.local ?? onServer)(state.image, state.boxes, state.blob);
  } catch (error) {
    if (number === state.asked) say(error.message, true);
    return;
  }
  const map = await mapOf(result);
  // An older question, answered late.
  if (number !== state.asked) return;
  Object.assign(state, {result, map});
  at("download").disabled = false;
  say(`${(performance.now() - began).toFixed(0)} ms`);
  show();
}

async function onServer(image, boxes, blob) {
  const query = boxes.length ? `?boxes=${boxes.join(";")}` : "";
  const url = `v1/models/${state.model.name}:results${query}`;
  const answer = await fetch(url, {method: "POST", body: blob, headers: headers()});
  if (!answer.ok) throw new Error(await errorOf(answer));
  return answer.json();
}

// The file itself, or a smaller picture where the server takes no such large ones.
async function fitting(blob) {
  const {image, model} = state, {max_body, max_pixels} = model ?? {};
  const pixels = image.width * image.height;
  if (!model || (blob.size <= max_body && pixels <= max_pixels)) return blob;
  const scale = Math.min(1, Math.sqrt(0.95 * max_pixels / pixels));
  const [width, height] = [image.width, image.height].map((x) => Math.floor(x * scale));
  const small = new OffscreenCanvas(width, height);
  small.getContext("2d").drawImage(image, 0, 0, width, height);
  state.image = await createImageBitmap(small);
  return small.convertToBlob({type: "image/jpeg", quality: 0.9});
}

async function errorOf(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

function show() {
  const {image, result, map, boxes} = state;
  if (!image) return;
  canvas.hidden = false;
  at("hint").hidden = true;
  canvas.width = image.width;
  canvas.height = image.height;
  context.drawImage(image, 0, 0);
  const threshold = Number(at("threshold").value);
  if (result) draw(context, result, {threshold, opacity: at("opacity").value, map});
  context.strokeStyle = "#ffd600";
  context.lineWidth = Math.max(image.width, image.height) / 350;
  boxes.forEach((box) => context.strokeRect(...box));
  at("unbox").hidden = boxes.length === 0;
  at("found").replaceChildren(...(result ? rows(result, threshold) : []).map(line));
}

function line({name, value, color}) {
  const row = document.createElement("li");
  if (color) {
    const mark = row.appendChild(document.createElement("span"));
    mark.className = "color";
    mark.style.background = color;
  }
  row.append(name);
  const number = row.appendChild(document.createElement("span"));
  number.className = "value";
  number.textContent = value;
  return row;
}

function say(text, isError = false) {
  at("status").textContent = text;
  at("status").className = isError ? "error" : "";
}

function showThreshold() {
  at("threshold-text").textContent = Number(at("threshold").value).toFixed(2);
  show();
}

function download() {
  const {labels, ...content} = state.result;
  const file = new Blob([JSON.stringify(content, null, 1)], {type: "application/json"});
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `${state.model.name}_${kindOf(content)}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function camera() {
  if (state.stream) return stopCamera();
  try {
    const video = {facingMode: "environment", width: {ideal: 1280}};
    state.stream = await navigator.mediaDevices.getUserMedia({video});
  } catch (error) {
    return say(`No camera: ${error.message}`, true);
  }
  at("camera").textContent = "Stop the camera";
  at("video").srcObject = state.stream;
  await at("video").play();
  while (state.stream) {
    const {videoWidth: width, videoHeight: height} = at("video");
    const frame = new OffscreenCanvas(width, height);
    frame.getContext("2d").drawImage(at("video"), 0, 0);
    await take(await frame.convertToBlob({type: "image/jpeg", quality: 0.9}));
    await new Promise(requestAnimationFrame);
  }
}

function stopCamera() {
  state.stream?.getTracks().forEach((track) => track.stop());
  state.stream = null;
  at("camera").textContent = "Use the camera";
}

// Boxes are dragged over the picture, where the model wants them.
function dragBoxes() {
  let from = null;
  const place = (event) => {
    const edges = canvas.getBoundingClientRect();
    const share = [(event.clientX - edges.left) / edges.width,
      (event.clientY - edges.top) / edges.height];
    return [share[0] * canvas.width, share[1] * canvas.height];
  };
  const boxTo = ([x, y]) => [Math.min(x, from[0]), Math.min(y, from[1]),
    Math.abs(x - from[0]), Math.abs(y - from[1])];
  canvas.addEventListener("pointerdown", (event) => {
    if (!state.model?.takes_boxes || state.stream) return;
    from = place(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    show();
    context.strokeRect(...boxTo(place(event)));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!from) return;
    const box = boxTo(place(event)).map((side) => Math.round(side * 10) / 10);
    from = null;
    if (Math.min(box[2], box[3]) >= 4) {
      state.boxes.push(box);
      ask();
    } else {
      show();
    }
  });
}

at("file").addEventListener("change", ({target}) => {
  if (target.files[0]) {
    stopCamera();
    take(target.files[0]);
  }
  target.value = "";
});
for (const name of ["dragover", "dragleave", "drop"]) {
  document.body.addEventListener(name, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", name === "dragover");
    const file = name === "drop" && event.dataTransfer.files[0];
    if (file) {
      stopCamera();
      take(file);
    }
  });
}
at("camera").addEventListener("click", camera);
at("download").addEventListener("click", download);
at("unbox").addEventListener("click", () => {
  state.boxes = [];
  ask();
});
at("threshold").addEventListener("input", showThreshold);
at("opacity").addEventListener("input", show);
at("access").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", at("token").value.trim());
  start();
});
dragBoxes();
start().catch((error) => say(error.message, true));
