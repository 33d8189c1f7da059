// The plane of one run, drawn from raw typed arrays, and its curves. What each array holds is said
// in plane_canvas.py, class PlaneCanvas. Real is blue and round, fake is orange and crossed, as everywhere.
const REAL = "#0072b2", FAKE = "#d55e00", GOOD = "#cc79a7", COVERED = "#009e73";
const MARGIN = 26, BESIDE = 560, CALM = 500; // px; ms between pictures for whoever wants less motion
const HINT = "Point at a dot, a cross or a chart (or use Tab and arrow keys) to read it.";
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

const floats = (view) => (view && view.byteLength
  ? new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength))
  : new Float32Array(0));

// Ink, ground and size of letters as the page has them; a dark page has light ink.
function themeOf(root) {
  const style = getComputedStyle(root);
  const [r, g, b] = style.color.match(/[\d.]+/g).map(Number);
  const dark = 0.3 * r + 0.6 * g + 0.1 * b > 128;
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  return { dark, ink: dark ? "#e8e8e8" : "#222222", ground: dark ? [17, 17, 17] : [255, 255, 255],
           text: Math.max(12, 0.75 * rem) };
}

// The largest plane for the room: charts beside it, or below where it is narrow.
// `below` says which; the note is always next to the plane.
function sizesOf(root, narrow) {
  const width = Math.max(200, Math.floor(root.getBoundingClientRect().width)); // clientWidth may round up
  const part = (share) => Math.max(240, share * window.innerHeight);
  if (narrow) { // two runs: each has its charts below
    const side = Math.floor(Math.min(width, part(0.42)));
    return { side, charts: [Math.floor(Math.min(width, 460)), part(0.27)], below: true };
  }
  if (width < BESIDE) {
    const side = Math.floor(Math.min(width, part(0.64)));
    return { side, charts: [side, 330], below: true };
  }
  const side = Math.floor(Math.min(0.61 * width, part(0.64)));
  return { side, charts: [Math.floor(Math.min(width - side - 12, 460)), side], below: false };
}

function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    [canvas.width, canvas.height] = [w, h];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

// What the plane is coloured by an answer t, from −1, fake, to 1, real; and the same for a style.
function mixed(t, ground) {
  const colour = t > 0 ? [0, 114, 178] : [213, 94, 0];
  return ground.map((under, c) => under + (colour[c] - under) * 0.62 * Math.abs(t));
}
const shade = (t, ground) => `rgb(${mixed(t, ground).map(Math.round)})`;
const gridInk = ({ dark }) => (dark ? "rgba(255, 205, 160, 0.6)" : "rgba(80, 40, 0, 0.55)");

// The field: shades from orange (0, fake) over the page's ground (½) to blue (1, real).
function drawField(pen, model, scratch, side, ground) {
  const view = model.get("field");
  if (!view || !view.byteLength) return;
  const shades = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const n = Math.round(Math.sqrt(shades.length));
  scratch.width = scratch.height = n;
  const paint = scratch.getContext("2d");
  const image = paint.createImageData(n, n);
  for (let i = 0; i < shades.length; i++) {
    const at = 4 * ((n - 1 - Math.floor(i / n)) * n + (i % n)); // rows come from the lowest y up
    mixed(shades[i] / 127.5 - 1, ground).forEach((value, c) => { image.data[at + c] = value; });
    image.data[at + 3] = 255;
  }
  paint.putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.drawImage(scratch, MARGIN, 0, side, side);
}

function frame(pen, side, theme, X, Y) {
  pen.strokeStyle = pen.fillStyle = theme.ink;
  pen.lineWidth = 1;
  pen.strokeRect(MARGIN + 0.5, 0.5, side - 1, side - 1);
  pen.font = `${theme.text}px sans-serif`;
  for (const tick of [-2, -1, 0, 1, 2]) {
    const text = String(tick).replace("-", "−");
    pen.textAlign = "center";
    pen.fillText(text, X(tick), side + theme.text + 3);
    pen.textAlign = "right";
    pen.fillText(text, MARGIN - 5, Y(tick) + theme.text / 3);
  }
}

// The warped noise grid: every cell holds equally much noise, so a small cell is a dense one.
function drawGrid(pen, model, X, Y, theme) {
  const corners = floats(model.get("grid")), lines = model.get("lines");
  if (!corners.length) return;
  pen.strokeStyle = gridInk(theme);
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

function drawArrows(pen, arrows, X, Y, theme) {
  for (let i = 0; i < arrows.length; i += 4) {
    const [x, y, dx, dy] = arrows.subarray(i, i + 4);
    const [x0, y0, x1, y1] = [X(x), Y(y), X(x + dx), Y(y + dy)];
    const length = Math.hypot(x1 - x0, y1 - y0);
    if (!(length > 0.7)) continue;
    const head = Math.min(5, length), [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
    for (const [colour, width] of [[`rgb(${theme.ground})`, 3], [theme.ink, 1.2]]) {
      pen.strokeStyle = pen.fillStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.moveTo(x0, y0);
      pen.lineTo(x1, y1);
      pen.stroke();
    }
    pen.beginPath();
    pen.moveTo(x1 + 2 * ux, y1 + 2 * uy);
    pen.lineTo(x1 - head * ux - 0.5 * head * uy, y1 - head * uy + 0.5 * head * ux);
    pen.lineTo(x1 - head * ux + 0.5 * head * uy, y1 - head * uy - 0.5 * head * ux);
    pen.fill();
  }
}

// Each mark has a halo of the page's ground, so that it is seen on its own colour, too.
function drawPoints(pen, points, X, Y, colour, crossed, theme) {
  const size = crossed ? 2.8 : 2.3;
  pen.beginPath();
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [X(points[i]), Y(points[i + 1])];
    if (crossed) {
      pen.moveTo(x - size, y - size); pen.lineTo(x + size, y + size);
      pen.moveTo(x - size, y + size); pen.lineTo(x + size, y - size);
    } else {
      pen.moveTo(x + size, y);
      pen.arc(x, y, size, 0, 7);
    }
  }
  pen.lineCap = "round";
  pen.strokeStyle = `rgb(${theme.ground})`;
  pen.lineWidth = crossed ? 3.8 : 2.4;
  pen.stroke();
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = 1.6;
  if (crossed) pen.stroke();
  else pen.fill();
  pen.lineCap = "butt";
}

// Fakes come first, then reals.
function pointsOf(model) {
  const fake = floats(model.get("fake")), real = floats(model.get("real"));
  return { fakes: fake.length / 2, count: (fake.length + real.length) / 2,
           at: (i) => (2 * i < fake.length ? fake.subarray(2 * i, 2 * i + 2)
             : real.subarray(2 * i - fake.length, 2 * i - fake.length + 2)) };
}

function placesOf(model, side) {
  const edge = model.get("edge");
  return [(x) => MARGIN + (x / edge + 1) / 2 * side, (y) => (1 - y / edge) / 2 * side];
}

function drawPlane(canvas, model, scratch, ink, size, theme) {
  const pen = sharp(canvas, size, size), side = size - MARGIN;
  const [X, Y] = placesOf(model, side);
  pen.fillStyle = `rgb(${theme.ground})`;
  pen.fillRect(MARGIN, 0, side, side);
  drawField(pen, model, scratch, side, theme.ground);
  pen.save();
  pen.beginPath();
  pen.rect(MARGIN, 0, side, side);
  pen.clip();
  drawGrid(pen, model, X, Y, theme);
  drawPoints(pen, floats(model.get("real")), X, Y, REAL, false, theme);
  drawPoints(pen, floats(model.get("fake")), X, Y, FAKE, true, theme);
  drawArrows(pen, floats(model.get("arrows")), X, Y, theme);
  drawPoints(pen, ink.flat(), X, Y, REAL, false, theme);
  const points = pointsOf(model), chosen = model.get("chosen");
  if (chosen >= 0 && chosen < points.count) {
    const [x, y] = points.at(chosen);
    drawArrows(pen, floats(model.get("arrow")), X, Y, theme);
    for (const [colour, width] of [[`rgb(${theme.ground})`, 5], [theme.ink, 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.arc(X(x), Y(y), 8, 0, 7);
      pen.stroke();
    }
  }
  pen.restore();
  frame(pen, side, theme, X, Y);
}

// Three charts, one below the other. `curves` is explained in plane_canvas.py, function curve_data.
function drawCurves(canvas, model, size, theme) {
  const pen = sharp(canvas, ...size), all = floats(model.get("curves"));
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
  const solid = [], dashed = [6, 3], dashdot = [7, 2, 1.5, 2];
  const draw = (row, ends, x, series, level) => chart(
    pen, { row, size, theme, last, ends, steps: x, marks: model.get("marks") }, series, level);
  draw(0, [low, high], steps, [
    [losses[0], theme.ink, solid, "D's loss"], [losses[1], FAKE, dashed, "G's loss"]]);
  draw(1, [0, 1], steps, [
    [answers[0], REAL, solid, "D(x), real"], [answers[1], FAKE, dashed, "D(G(z)), fake"]], [0.5, "½"]);
  draw(2, [0, 1], when, [
    [quality[0], COVERED, solid, model.get("covers")], [quality[1], GOOD, dashed, "good"],
    [quality[2], theme.ink, dashdot, "JSD"]], [model.get("floor"), "floor"]);
}

function chart(pen, { row, size, theme, last, ends, steps, marks }, series, level) {
  const [low, high] = ends, text = theme.text, PADDING = 2.8 * text;
  const height = size[1] / 3, top = row * height + 1.6 * text, bottom = (row + 1) * height - 1.5 * text;
  const right = size[0] - 2.9 * text;
  const X = (step) => PADDING + step / last * (right - PADDING);
  const Y = (value) => bottom - (value - low) / (high - low) * (bottom - top);
  pen.font = `${text}px sans-serif`;
  pen.strokeStyle = pen.fillStyle = theme.ink;
  pen.lineWidth = 1;
  pen.setLineDash([]);
  pen.beginPath();
  pen.moveTo(PADDING, top); pen.lineTo(PADDING, bottom); pen.lineTo(right, bottom);
  pen.stroke();
  pen.textAlign = "right";
  const short = (value) => (Math.abs(value) >= 1e4 ? value.toExponential(0).replace("e+", "e")
    : value.toFixed(Math.abs(value) >= 100 ? 0 : 1)).replace("-", "−");
  for (const value of ends) pen.fillText(short(value), PADDING - 4, Y(value) + text / 3);
  if (row === 2) pen.fillText(`step ${last.toLocaleString("en")}`, right, bottom + text + 1);
  pen.textAlign = "left";
  const words = drawMarks(pen, marks, X, top, bottom);
  if (level) {
    pen.setLineDash([1, 2]);
    pen.beginPath();
    pen.moveTo(PADDING, Y(level[0])); pen.lineTo(right, Y(level[0]));
    pen.stroke();
    pen.fillText(level[1], right + 3, Y(level[0]) + text / 3);
  }
  let x = 0.8 * text;
  for (const [values, colour, dash, name] of series) {
    pen.strokeStyle = colour;
    pen.lineWidth = 1.8;
    pen.setLineDash(dash);
    pen.beginPath();
    values.forEach((value, i) => {
      if (Number.isFinite(value)) pen.lineTo(X(steps[i]), Math.min(bottom, Math.max(top, Y(value))));
    });
    pen.stroke();
    pen.beginPath();
    pen.moveTo(x, top - 0.85 * text); pen.lineTo(x + 16, top - 0.85 * text);
    pen.stroke();
    pen.fillText(name, x + 18, top - 0.5 * text);
    x += 24 + pen.measureText(name).width;
  }
  pen.setLineDash([]);
  writeMarks(pen, words, right, bottom - 0.3 * text, theme);
}

// A line at each mark; the letters of those that are close together stand in one word.
function drawMarks(pen, marks, X, top, bottom) {
  const words = [];
  pen.setLineDash([2, 2]);
  for (const [letter, step] of marks) {
    pen.beginPath();
    pen.moveTo(X(step), top); pen.lineTo(X(step), bottom);
    pen.stroke();
    const word = words[words.length - 1];
    if (word && X(step) < word.end) {
      word.letters.push(letter);
    } else {
      words.push({ x: X(step), letters: [letter] });
    }
    const now = words[words.length - 1];
    const many = now.letters.length > 3;
    now.said = many ? `${now.letters[0]}–${letter}` : now.letters.join("");
    now.end = now.x + pen.measureText(now.said).width + 6;
  }
  return words;
}

// Over the curves, with a halo, so that they are read wherever a curve goes.
function writeMarks(pen, words, right, y, theme) {
  pen.strokeStyle = `rgb(${theme.ground})`;
  pen.lineWidth = 4;
  pen.lineJoin = "round";
  for (const { x, said } of words) {
    const fits = x + 3 + pen.measureText(said).width < right;
    pen.textAlign = fits ? "left" : "right";
    pen.strokeText(said, fits ? x + 3 : x - 3, y);
    pen.fillText(said, fits ? x + 3 : x - 3, y);
  }
  pen.textAlign = "left";
}

// Pointing at a point, a tap on it, or choosing one by arrow keys: the kernel says what it is.
function pointing(plane, model) {
  const choose = (i) => {
    if (i === model.get("chosen")) return;
    model.set("chosen", i);
    model.save_changes();
  };
  const nearestTo = (event) => {
    if (model.get("drawing")) return;
    const box = plane.getBoundingClientRect(), points = pointsOf(model);
    const [X, Y] = placesOf(model, box.width - MARGIN);
    let best = -1, nearest = 14;
    for (let i = 0; i < points.count; i++) {
      const [x, y] = points.at(i);
      const away = Math.hypot(X(x) - event.clientX + box.left, Y(y) - event.clientY + box.top);
      if (away < nearest) [best, nearest] = [i, away];
    }
    choose(best);
  };
  plane.addEventListener("pointermove", nearestTo);
  plane.addEventListener("pointerdown", nearestTo); // a finger comes without a move
  plane.addEventListener("pointerleave", (event) => { // … and a finger that is lifted has chosen
    if (event.pointerType !== "touch") choose(-1);
  });
  plane.addEventListener("blur", () => choose(-1));
  plane.addEventListener("focus", () => {
    if (plane.matches(":focus-visible") && model.get("chosen") < 0) choose(0);
  });
  plane.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    const { count } = pointsOf(model);
    if (!by || !count) return;
    event.preventDefault();
    event.stopPropagation();
    choose((model.get("chosen") + by + count) % count);
  });
}

// What a chart shows, for whoever points at it or comes to it by Tab and arrow keys.
const chartWords = (row, model) => [
  "Losses: what D and G each try to make small. They pull against each other, so a small loss does not say that the fakes are good. Lesson 02.",
  "D's mean answers, from 0 for fake to 1 for real: D(x) to real points, D(G(z)) to fakes. The nearer to each other, the less it tells them apart. Lesson 01.",
  `${model.get("covers")}: the share that G has found; good: of fakes near one. JSD: how far fakes as a whole are from the real points, 0.69 nats at most; floor: what real points score. Lesson 04.`,
][row];

function readingCharts(curves, tell) {
  let row = -1;
  const read = (now) => { if (now !== row) tell(row = now); };
  const pointed = (event) => {
    const box = curves.getBoundingClientRect();
    read(Math.min(2, Math.max(0, Math.floor(3 * (event.clientY - box.top) / box.height))));
  };
  curves.addEventListener("pointermove", pointed);
  curves.addEventListener("pointerdown", pointed);
  curves.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") read(-1); });
  curves.addEventListener("blur", () => read(-1));
  curves.addEventListener("focus", () => { if (curves.matches(":focus-visible")) read(0); });
  curves.addEventListener("keydown", (event) => {
    const by = { ArrowUp: 2, ArrowDown: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    read((Math.max(row, 0) + by) % 3);
  });
}

// Drawing one's own data: a stroke is sent when the pointer is lifted.
function listen(plane, model, ink, redraw) {
  const place = (event) => {
    const box = plane.getBoundingClientRect(), edge = model.get("edge");
    const side = box.width - MARGIN;
    const u = (event.clientX - box.left - MARGIN) / side;
    const v = (event.clientY - box.top) / side;
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
    if (!model.get("drawing") || event.button !== 0) return; // no click for a menu
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

// The legend: sign, its colour on the page's ground, words, and the array without which it is not shown.
const KEY = [
  ["●", () => REAL, "real", "real"],
  ["✕", () => FAKE, "fake", "fake"],
  ["■", ({ ground }) => shade(1, ground), "D says real", "field"],
  ["■", ({ ground }) => shade(-1, ground), "D says fake", "field"],
  ["→", ({ ink }) => ink, "where G's loss pulls a fake", "arrows"],
  ["▦", gridInk, "noise, warped by G", "grid"],
];

function part(kind, name, parent) {
  const made = document.createElement(kind);
  made.dataset.part = name;
  parent.append(made);
  return made;
}

function build(el) {
  const root = part("div", "run", el);
  root.className = "gan-plane";
  const title = part("div", "title", root), legend = part("div", "legend", root);
  for (const [sign, , words] of KEY) {
    const item = document.createElement("span"), mark = document.createElement("span");
    mark.textContent = sign;
    mark.setAttribute("aria-hidden", "true");
    item.append(mark, ` ${words}`);
    legend.append(item);
  }
  const box = part("div", "pictures", root);
  const plane = part("canvas", "plane", box), curves = part("canvas", "curves", box);
  plane.tabIndex = 0;
  plane.setAttribute("role", "application"); // arrow keys are the plane's own
  plane.setAttribute("aria-roledescription", "picture of points: arrow keys read them one by one");
  plane.setAttribute("data-lm-suppress-shortcuts", "true"); // … and not JupyterLab's
  curves.tabIndex = 0;
  curves.setAttribute("role", "application");
  curves.setAttribute("aria-roledescription", "three charts: arrow keys say what each shows");
  curves.setAttribute("data-lm-suppress-shortcuts", "true");
  const note = part("div", "note", box);
  note.setAttribute("aria-live", "polite");
  return { root, title, legend, plane, curves, note };
}

function render({ model, el }) {
  const { root, title, legend, plane, curves, note } = build(el);
  const scratch = document.createElement("canvas"), ink = [];
  let waiting = false, frames = 0, latest = 0, chart = -1; // the chart that is pointed at
  const draw = () => {
    waiting = false;
    latest = performance.now();
    if (!root.clientWidth) return; // not yet on the page, or hidden
    const theme = themeOf(root), sizes = sizesOf(root, model.get("narrow"));
    title.textContent = model.get("title");
    note.textContent = chartWords(chart, model) || model.get("note") || model.get("told") || HINT;
    curves.style.order = sizes.below ? 1 : 0;
    KEY.forEach(([, colour, , array], i) => {
      legend.children[i].hidden = !model.get(array)?.byteLength;
      legend.children[i].firstChild.style.color = colour(theme);
    });
    plane.setAttribute("aria-label", model.get("label"));
    plane.style.cursor = model.get("drawing") ? "crosshair" : "default";
    plane.style.touchAction = model.get("drawing") ? "none" : "auto";
    curves.setAttribute("aria-label", model.get("curves_label"));
    curves.style.display = model.get("charts") ? "block" : "none";
    for (const [name, canvas] of Object.entries({ plane, curves })) {
      canvas.classList.toggle("gan-look", model.get("look") === name);
    }
    if (!model.get("charts")) sizes.side = Math.floor(Math.min(root.clientWidth, 0.64 * window.innerHeight));
    drawPlane(plane, model, scratch, ink, sizes.side, theme);
    if (model.get("charts")) drawCurves(curves, model, sizes.charts, theme);
    plane.dataset.frames = ++frames;
  };
  const redraw = () => {
    if (waiting) return;
    waiting = true;
    const wait = calm.matches ? CALM - (performance.now() - latest) : 0;
    if (wait > 0) setTimeout(draw, wait);
    else requestAnimationFrame(draw);
  };
  const room = new ResizeObserver(redraw);
  room.observe(root);
  const theme = new MutationObserver(redraw);
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  window.addEventListener("resize", redraw);
  model.on("change", redraw);
  listen(plane, model, ink, redraw);
  pointing(plane, model);
  readingCharts(curves, (row) => { chart = row; redraw(); });
  draw();
  return () => {
    room.disconnect();
    theme.disconnect();
    window.removeEventListener("resize", redraw);
    model.off("change", redraw);
  };
}
export default { render };
