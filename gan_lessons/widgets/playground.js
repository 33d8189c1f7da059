// The plane of one run, drawn from raw typed arrays, and its curves. What each array holds is said
// in plane_canvas.py, class PlaneCanvas. Real is blue and round, fake is orange and crossed, as everywhere.
const REAL = "#0072b2", FAKE = "#d55e00", INK = "#222222";
const SIZE = 360, CURVES = [340, 360], MARGIN = 22, PADDING = 30;

const floats = (view) => (view && view.byteLength
  ? new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength))
  : new Float32Array(0));

function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = "white";
  pen.fillRect(0, 0, width, height);
  return pen;
}

// The field: shades from orange (0, fake) over white (½) to blue (1, real).
function drawField(pen, model, scratch) {
  const view = model.get("field");
  if (!view || !view.byteLength) return;
  const shades = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const n = Math.round(Math.sqrt(shades.length));
  scratch.width = scratch.height = n;
  const paint = scratch.getContext("2d");
  const image = paint.createImageData(n, n);
  for (let i = 0; i < shades.length; i++) {
    const t = shades[i] / 127.5 - 1; // −1 … 1
    const [r, g, b] = t > 0 ? [0, 114, 178] : [213, 94, 0];
    const mix = 0.62 * Math.abs(t);
    const at = 4 * ((n - 1 - Math.floor(i / n)) * n + (i % n)); // rows come from the lowest y up
    image.data[at] = 255 + (r - 255) * mix;
    image.data[at + 1] = 255 + (g - 255) * mix;
    image.data[at + 2] = 255 + (b - 255) * mix;
    image.data[at + 3] = 255;
  }
  paint.putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.drawImage(scratch, MARGIN, 0, SIZE - MARGIN, SIZE - MARGIN);
}

function frame(pen, edge, X, Y) {
  pen.strokeStyle = pen.fillStyle = INK;
  pen.lineWidth = 0.5;
  pen.strokeRect(MARGIN, 0, SIZE - MARGIN, SIZE - MARGIN);
  pen.font = "10px sans-serif";
  for (const tick of [-2, -1, 0, 1, 2]) {
    pen.textAlign = "center";
    pen.fillText(String(tick).replace("-", "−"), X(tick), SIZE - MARGIN + 13);
    pen.textAlign = "right";
    pen.fillText(String(tick).replace("-", "−"), MARGIN - 4, Y(tick) + 3);
  }
}

// The warped noise grid: every cell holds equally much noise, so a small cell is a dense one.
function drawGrid(pen, model, X, Y) {
  const corners = floats(model.get("grid")), lines = model.get("lines");
  if (!corners.length) return;
  pen.strokeStyle = "rgba(80, 40, 0, 0.55)";
  pen.lineWidth = 0.7;
  if (lines < 2) { // one number of noise: a curve
    pen.lineWidth = 2;
    pen.beginPath();
    for (let i = 0; i < corners.length; i += 2) pen.lineTo(X(corners[i]), Y(corners[i + 1]));
    pen.stroke();
    return;
  }
  const share = 1 / ((lines - 1) * (lines - 1));
  for (let i = 0; i + 1 < lines; i++) {
    for (let j = 0; j + 1 < lines; j++) {
      const a = i * lines + j;
      const ring = [a, a + 1, a + lines + 1, a + lines].map((k) => [corners[2 * k], corners[2 * k + 1]]);
      let area = 0;
      pen.beginPath();
      ring.forEach(([x, y], k) => {
        const [u, v] = ring[(k + 1) % 4];
        area += (x * v - u * y) / 2;
        pen.lineTo(X(x), Y(y));
      });
      pen.closePath();
      if (model.get("dense")) {
        const density = share / Math.max(Math.abs(area), 1e-6);
        pen.fillStyle = `rgba(213, 94, 0, ${0.75 * Math.min(1, density / 1.5)})`;
        pen.fill();
      }
      pen.stroke();
    }
  }
}

function drawArrows(pen, model, X, Y) {
  const arrows = floats(model.get("arrows"));
  pen.strokeStyle = pen.fillStyle = INK;
  pen.lineWidth = 1.2;
  for (let i = 0; i < arrows.length; i += 4) {
    const [x, y, dx, dy] = arrows.subarray(i, i + 4);
    const [x0, y0, x1, y1] = [X(x), Y(y), X(x + dx), Y(y + dy)];
    const length = Math.hypot(x1 - x0, y1 - y0);
    if (!(length > 0.7)) continue;
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
    const head = Math.min(5, length), [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
    pen.beginPath();
    pen.moveTo(x1 + 2 * ux, y1 + 2 * uy);
    pen.lineTo(x1 - head * ux - 0.5 * head * uy, y1 - head * uy + 0.5 * head * ux);
    pen.lineTo(x1 - head * ux + 0.5 * head * uy, y1 - head * uy - 0.5 * head * ux);
    pen.fill();
  }
}

function drawPoints(pen, points, X, Y, colour, crossed) {
  pen.fillStyle = pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [X(points[i]), Y(points[i + 1])];
    pen.beginPath();
    if (crossed) {
      pen.moveTo(x - 2.5, y - 2.5); pen.lineTo(x + 2.5, y + 2.5);
      pen.moveTo(x - 2.5, y + 2.5); pen.lineTo(x + 2.5, y - 2.5);
      pen.stroke();
    } else {
      pen.arc(x, y, 2, 0, 7);
      pen.fill();
    }
  }
}

function drawPlane(canvas, model, scratch, ink) {
  const pen = sharp(canvas, SIZE, SIZE), edge = model.get("edge");
  const side = SIZE - MARGIN;
  const X = (x) => MARGIN + (x / edge + 1) / 2 * side, Y = (y) => (1 - y / edge) / 2 * side;
  drawField(pen, model, scratch);
  pen.save();
  pen.beginPath();
  pen.rect(MARGIN, 0, side, side);
  pen.clip();
  drawGrid(pen, model, X, Y);
  drawPoints(pen, floats(model.get("real")), X, Y, REAL, false);
  drawPoints(pen, floats(model.get("fake")), X, Y, FAKE, true);
  drawArrows(pen, model, X, Y);
  drawPoints(pen, ink.flat(), X, Y, REAL, false);
  pen.restore();
  frame(pen, edge, X, Y);
}

// Three charts, one below the other. `curves` is explained in playground.py, function curves.
function drawCurves(canvas, model) {
  const pen = sharp(canvas, ...CURVES), all = floats(model.get("curves"));
  if (all.length < 2) return;
  const [m, k] = all;
  let at = 2;
  const take = (n) => all.subarray(at, (at += n));
  const steps = take(m), losses = [take(m), take(m)], answers = [take(m), take(m)];
  const when = take(k), quality = [take(k), take(k), take(k)];
  const last = Math.max(steps[m - 1] || 0, when[k - 1] || 0, 1);
  const finite = [...losses[0], ...losses[1]].filter(Number.isFinite).sort((a, b) => a - b);
  const low = Math.min(0, finite[Math.floor(finite.length * 0.005)] || 0);
  const high = Math.max(1.5, finite[Math.floor(finite.length * 0.995)] || 0);
  const floor = model.get("floor");
  const solid = [], dashed = [6, 3], dashdot = [7, 2, 1.5, 2];
  chart(pen, 0, last, low, high, steps, [
    [losses[0], INK, solid, "D's loss"], [losses[1], FAKE, dashed, "G's loss"]], [], model);
  chart(pen, 1, last, 0, 1, steps, [
    [answers[0], REAL, solid, "D(x), real"], [answers[1], FAKE, dashed, "D(G(z)), fake"]], [[0.5, ""]], model);
  chart(pen, 2, last, 0, 1, when, [
    [quality[0], "#009e73", solid, model.get("covers")], [quality[1], "#cc79a7", dashed, "good samples"],
    [quality[2], INK, dashdot, "JSD (nats)"]], [[floor, "JSD of real samples"]], model);
}

function chart(pen, row, last, low, high, steps, series, levels, model) {
  const height = CURVES[1] / 3, top = row * height + 16, bottom = (row + 1) * height - 14;
  const right = CURVES[0] - 6;
  const X = (step) => PADDING + step / last * (right - PADDING);
  const Y = (value) => bottom - (value - low) / (high - low) * (bottom - top);
  pen.font = "10px sans-serif";
  pen.strokeStyle = pen.fillStyle = INK;
  pen.lineWidth = 0.5;
  pen.setLineDash([]);
  pen.beginPath();
  pen.moveTo(PADDING, top); pen.lineTo(PADDING, bottom); pen.lineTo(right, bottom);
  pen.stroke();
  pen.textAlign = "right";
  for (const value of [low, high]) pen.fillText(value.toFixed(1).replace("-", "−"), PADDING - 3, Y(value) + 3);
  pen.fillText(`step ${last}`, right, bottom + 11);
  pen.textAlign = "left";
  for (const [letter, step] of model.get("marks")) {
    pen.setLineDash([2, 2]);
    pen.beginPath();
    pen.moveTo(X(step), top); pen.lineTo(X(step), bottom);
    pen.stroke();
    pen.fillText(letter, X(step) + 2, bottom - 2);
  }
  for (const [value, name] of levels) {
    pen.setLineDash([1, 2]);
    pen.beginPath();
    pen.moveTo(PADDING, Y(value)); pen.lineTo(right, Y(value));
    pen.stroke();
    if (name) { pen.textAlign = "right"; pen.fillText(name, right, Y(value) - 2); pen.textAlign = "left"; }
  }
  let x = PADDING + 2;
  for (const [values, colour, dash, name] of series) {
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = 1.5;
    pen.setLineDash(dash);
    pen.beginPath();
    values.forEach((value, i) => {
      if (Number.isFinite(value)) pen.lineTo(X(steps[i]), Math.min(bottom, Math.max(top, Y(value))));
    });
    pen.stroke();
    pen.beginPath();
    pen.moveTo(x, top - 9); pen.lineTo(x + 18, top - 9);
    pen.stroke();
    pen.fillText(name, x + 22, top - 6);
    x += 32 + pen.measureText(name).width;
  }
  pen.setLineDash([]);
}

// Drawing one's own data: a stroke is sent when the pointer is lifted.
function listen(plane, model, ink, redraw) {
  const place = (event) => {
    const box = plane.getBoundingClientRect(), edge = model.get("edge");
    const side = (SIZE - MARGIN) / SIZE;
    const u = ((event.clientX - box.left) / box.width - MARGIN / SIZE) / side;
    const v = (event.clientY - box.top) / box.height / side;
    return [(2 * u - 1) * edge, (1 - 2 * v) * edge];
  };
  let held = false;
  const add = (event) => {
    const [x, y] = place(event), reach = model.get("edge") - 0.2;
    if (Math.abs(x) > reach || Math.abs(y) > reach) return;
    const near = ink.length && Math.hypot(x - ink[ink.length - 1][0], y - ink[ink.length - 1][1]) < 0.08;
    if (!near) { ink.push([x, y]); redraw(); }
  };
  plane.addEventListener("pointerdown", (event) => {
    if (!model.get("drawing")) return;
    held = true;
    plane.setPointerCapture(event.pointerId);
    add(event);
    event.preventDefault();
  });
  plane.addEventListener("pointermove", (event) => { if (held) add(event); });
  const lift = () => {
    if (!held) return;
    held = false;
    if (ink.length) model.send({ stroke: ink.slice() });
    ink.length = 0;
  };
  plane.addEventListener("pointerup", lift);
  plane.addEventListener("pointercancel", lift);
}

function render({ model, el }) {
  const root = document.createElement("div");
  const title = document.createElement("div");
  const box = document.createElement("div");
  const plane = document.createElement("canvas"), curves = document.createElement("canvas");
  const scratch = document.createElement("canvas");
  const ink = [];
  title.style.cssText = "font-weight: bold; min-height: 1.3em";
  box.style.cssText = "display: flex; flex-wrap: wrap; gap: 12px";
  plane.style.cssText = `width: ${SIZE}px; height: ${SIZE}px`;
  curves.style.cssText = `width: ${CURVES[0]}px; height: ${CURVES[1]}px`;
  plane.dataset.part = "plane";
  curves.dataset.part = "curves";
  plane.setAttribute("role", "img");
  curves.setAttribute("role", "img");
  curves.setAttribute("aria-label", "Curves of the losses, of D's answers and of the quality of the samples");
  box.append(plane, curves);
  root.append(title, box);
  el.append(root);
  let waiting = false, frames = 0;
  const draw = () => {
    waiting = false;
    title.textContent = model.get("title");
    plane.setAttribute("aria-label", model.get("label"));
    plane.style.cursor = model.get("drawing") ? "crosshair" : "default";
    plane.style.touchAction = model.get("drawing") ? "none" : "auto";
    curves.style.display = model.get("charts") ? "block" : "none";
    box.style.width = model.get("narrow") ? `${SIZE}px` : "auto";
    drawPlane(plane, model, scratch, ink);
    if (model.get("charts")) drawCurves(curves, model);
    plane.dataset.frames = ++frames;
  };
  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(draw);
  };
  model.on("change", redraw);
  listen(plane, model, ink, redraw);
  draw();
  return () => model.off("change", redraw);
}
export default { render };
