// The panels of lessons 01, 02, 03 and 06 that need no training: the same controls, pictures and
// sentences as in the notebook, computed here. Tests compare sentences with those of the lessons.
(function () {
"use strict";
const { axes, mlp, plane } = window.GanLessons;
const sum = (values) => values.reduce((a, b) => a + b, 0);
const range = (low, high, n) => Float64Array.from({ length: n }, (_, i) => low + (high - low) * i / (n - 1));

// Controls, a picture and a sentence that follow each other, as `widgets.explore`. `look(values)`
// returns the sentence and a function that draws; an Error that it throws is told instead.
function explore(root, options, size, look) {
  const values = {}, { GanLessons } = window;
  let paint = () => {};
  for (const { name, label, value, options: choices, ...limits } of options.controls) {
    values[name] = value;
    const change = (moved) => {
      values[name] = moved;
      soon();
    };
    if (choices) GanLessons.select(root, { label, options: choices, value }, change);
    else GanLessons.slider(root, { label, value, ...limits }, change);
  }
  const width = Math.min(size.width, window.innerWidth - 60); // letters keep their size on a phone
  const height = size.square ? Math.min(size.height, width + 60) : size.height;
  const picture = GanLessons.drawing(root, { width, height, label: options.alt }, (...all) => paint(...all));
  const say = GanLessons.status(root);
  const show = () => {
    try {
      const [sentence, draw] = look(values);
      paint = draw;
      picture.redraw();
      if (!options.alt) picture.element.setAttribute("aria-label", sentence);
      say(sentence);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      say(`⚠ ${error.message}`);
    }
  };
  const soon = GanLessons.soon(show);
  show();
}

// Lesson 01: two densities, the best discriminator, and the value of the game

const GRID = range(-8, 8, 1601), DX = GRID[1] - GRID[0];

// Equal Gaussians at `means`.
const bumps = (means, std) => GRID.map((x) => sum(means.map((mean) => Math.exp(-(((x - mean) / std) ** 2) / 2)))
  / (means.length * std * Math.sqrt(2 * Math.PI)));

function minimax({ mean, width, gap }) {
  const p = bumps([-1.5, 1.5], 0.6), q = bumps([mean - gap / 2, mean + gap / 2], width);
  const jsd = plane.jsd(p, q, DX), best = p.map((each, i) => (each + q[i] ? each / (each + q[i]) : 0.5));
  const apart = sum(p.map((each, i) => Math.abs(each - q[i]))) * DX / 2;
  const sentence = `JSD = ${jsd.toFixed(3)}, V(D*, G) = ${(-Math.log(4) + 2 * jsd).toFixed(3)}, `
    + `D* decides right ${Math.round(50 * (1 + apart))}% of the time.`;
  return [sentence, (pen, width, height, colours) => {
    const top = axes(pen, colours, [64, 10, width - 12, 190],
      { x: [-8, 8], y: [0, 1.35 * Math.max(...p, ...q)], ylabel: "density", bare: true });
    top.line(GRID, p, { colour: colours.real, name: "p, real" });
    top.line(GRID, q, { colour: colours.fake, dash: [7, 4], name: "q, generator" });
    top.legend();
    const below = axes(pen, colours, [64, 214, width - 12, height - 44], { x: [-8, 8], y: [0, 1.25], xlabel: "x", ylabel: "D(x)" });
    below.line([-8, 8], [0.5, 0.5], { dash: [2, 3], width: 1 });
    below.line(GRID, best, { colour: colours.discriminator, name: "D*, the best discriminator" });
    below.legend();
  }];
}

// Lesson 02: a batch of logits, G's loss and its push

const LOGITS = range(-12, 12, 121);

// As torch.quantile.
function quantile(sorted, part) {
  const at = part * (sorted.length - 1), low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

function pushes(objective, fake, real) {
  const slopes = new Float64Array(fake.length), loss = mlp.generatorLoss(objective, fake, real, slopes);
  return [loss, slopes.map((slope) => -slope * fake.length)];
}

function logits(spread, { objective, fake_mean, fake_width, real_mean, real_width }) {
  const real = spread.real.map((x) => real_mean + real_width * x), fake = spread.fake.map((x) => fake_mean + fake_width * x);
  const found = pushes(objective, fake, real)[1], sorted = found.slice().sort(), mean = sum(found) / found.length;
  const curve = Array.from(LOGITS, (t) => pushes(objective, new Float64Array(real.length).fill(t), real));
  const loss = curve.map(([value]) => value), push = curve.map(([, each]) => sum(each) / each.length);
  const name = objective.replaceAll("_", "-"), ends = [0.1, 0.9].map((part) => quantile(sorted, part).toFixed(3));
  const sentence = `With the ${name} loss an average fake is pushed ${mean < 0 ? "down" : "up"}, with strength `
    + `${Math.abs(mean).toFixed(3)}${Math.abs(mean) < 0.05 ? ": G starves." : "."} `
    + `Four fifths of the pushes lie between ${ends[0]} and ${ends[1]}.`;
  return [sentence, (pen, width, height, colours) => {
    const part = (height - 60) / 3, box = (row) => [64, 10 + row * part, width - 12, row * part + part - 8];
    const seen = { colour: colours.real, name: "real" }, unseen = { colour: colours.fake, dash: [7, 4], name: "fake" };
    const bars = [shares(real), shares(fake)], x = [-12, 12];
    const top = axes(pen, colours, box(0), { x, y: [0, 1.35 * Math.max(...bars.flat())], ylabel: "share", bare: true });
    bars.forEach((bar, i) => top.line(bar.flatMap((_, k) => [-12 + k / 2, -11.5 + k / 2]), bar.flatMap((share) => [share, share]), [seen, unseen][i]));
    top.legend();
    const middle = axes(pen, colours, box(1), { x, y: [Math.min(...loss), Math.max(...loss)], ylabel: "G's loss", bare: true });
    middle.line(LOGITS, loss, { colour: colours.discriminator, dash: [2, 3] });
    const tenths = range(0.1, 0.9, 9).map((tenth) => Math.min(12, Math.max(-12, quantile(fake.slice().sort(), tenth))));
    const heights = tenths.map((t) => push[Math.round((t + 12) * 5)]);
    const y = [Math.min(-0.2, 1.2 * Math.min(...heights)), Math.max(1.2, 1.2 * Math.max(...heights))];
    const below = axes(pen, colours, box(2), { x, y, xlabel: "D's raw answer: logit or score", ylabel: "push on a fake" });
    below.line(LOGITS, push, { colour: colours.fake, dash: [7, 4] });
    tenths.forEach((t, i) => below.dot(t, heights[i], { colour: colours.discriminator }));
  }];
}

// Shares of numbers in 48 bars from −12 to 12.
function shares(values) {
  const bars = new Array(48).fill(0);
  for (const value of values) if (Math.abs(value) <= 12) bars[Math.min(47, Math.floor((value + 12) * 2))] += 1 / values.length;
  return bars;
}

// Lesson 03: walks in the bilinear game

// k steps of D and one of G: the new g and d, then the old ones.
function step([g, d, gBefore, dBefore], { order, rate, k, damping }) {
  const hunch = order === "optimistic" ? [g - gBefore, d - dBefore] : [0, 0];
  let after = d;
  for (let i = 0; i < k; i++) after += rate * (g + hunch[0] - damping * after);
  const seen = order === "alternating" ? after : d;
  return [g - rate * (seen + hunch[1]), after, g, d];
}

// Growth per step: the largest eigenvalue of the step's matrix, in size. It is the limit of
// ‖Aⁿ‖^(1/n) (Gelfand 1941), here at n = 2⁴⁰ by squaring.
function factor(how) {
  const unit = [0, 1, 2, 3].map((i) => step([0, 1, 2, 3].map((j) => Number(i === j)), how));
  let matrix = unit[0].map((_, row) => unit.map((column) => column[row])), log = 0;
  for (let power = 1; power <= 2 ** 40; power *= 2) {
    const size = Math.sqrt(sum(matrix.flat().map((x) => x * x)));
    log += Math.log(size) / power;
    matrix = matrix.map((row) => row.map((x) => x / size));
    matrix = matrix.map((row) => row.map((_, j) => sum(row.map((x, i) => x * matrix[i][j]))));
  }
  return Math.exp(log);
}

function walk(steps, how) {
  const states = [[1, 0, 1, 0]];
  for (let i = 0; i < steps; i++) states.push(step(states[i], how));
  return states;
}

function circle(how) {
  const logs = walk(250, how).map(([g, d]) => Math.log(Math.hypot(g, d)));
  const mean = (from, to) => sum(logs.slice(from, to)) / (to - from);
  const computed = factor(how), measured = Math.exp((mean(150, 250) - mean(50, 150)) / 100);
  const fate = Math.abs(computed - 1) < 1e-6 ? "circle" : computed > 1 ? "spiral out" : "spiral in";
  const sentence = `The players ${fate}: the distance changes by the factor ${computed.toFixed(3)} a step (computed), `
    + `${measured.toFixed(3)} (measured in the run).`;
  return [sentence, (pen, width, height, colours) => {
    const places = walk(60, how), side = Math.min(height - 60, width - 76), left = Math.max(64, (width - side) / 2 + 20);
    const x = [-2, 2], labels = { xlabel: "g, the generator", ylabel: "d, the discriminator" };
    const plot = axes(pen, colours, [left, 10, left + side, 10 + side], { x, y: x, ...labels });
    plot.line(places.map(([g]) => g), places.map(([, d]) => d), { colour: colours.real, width: 1.2, name: how.order });
    places.forEach(([g, d]) => plot.dot(g, d, { colour: colours.real, radius: 1.8 }));
    plot.dot(1, 0, { colour: colours.real, hollow: true, radius: 5 });
    const [g, d] = places[60];
    plot.dot(g, d, { colour: colours.real, square: true });
    pen.fillStyle = colours.ink;
    pen.font = "bold 20px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText("×", plot.X(0), plot.Y(0) + 7);
    pen.font = "13px system-ui, sans-serif";
    pen.fillText("equilibrium", plot.X(0), plot.Y(0) + 24);
    plot.legend();
  }];
}

// Lesson 06: how many stamps of a transposed convolution reach each pixel

function counts({ size, kernel, stride, padding }) {
  const out = (size - 1) * stride + kernel - 2 * padding;
  if (out < 1) {
    const span = out + 2 * padding;
    throw new RangeError(`The stamps cover ${span} × ${span} pixels, and padding ${padding} cuts ${2 * padding} off each way: `
      + `nothing is left. Choose a padding of at most ${Math.floor((span - 1) / 2)}.`);
  }
  const along = new Array(out).fill(0); // the count is a product of those along both sides
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < kernel; k++) if (i * stride + k - padding in along) along[i * stride + k - padding] += 1;
  }
  return along.map((rows) => along.map((columns) => rows * columns));
}

function overlap(values) {
  const { size, kernel, stride, padding } = values, found = counts(values), out = found.length;
  const first = Math.max(kernel - 1 - padding, 0), last = Math.min(out, (size - 1) * stride + 1 - padding);
  const inside = found.slice(first, last).flatMap((row) => row.slice(first, last));
  const [low, high] = [Math.min(...inside), Math.max(...inside)];
  let sentence = `${size} × ${size} becomes ${out} × ${out}. `;
  if (last - first < stride) sentence += "The input is too small: every output pixel is near a border.";
  else if (low === high) sentence += `Away from the border the count is ${high} everywhere: even.`;
  else sentence += `Away from the border the count is ${low} to ${high}: ${low ? "uneven, a checkerboard." : "gaps."}`;
  return [sentence, (pen, width, height, colours) => {
    const cell = Math.min(30, (height - 30) / out, width / out), left = (width - cell * out) / 2, all = found.flat();
    const [least, most] = [Math.min(...all), Math.max(...all)];
    pen.textAlign = "center";
    pen.fillStyle = colours.ink;
    pen.font = "13px system-ui, sans-serif";
    pen.fillText("stamps per pixel", width / 2, 14);
    pen.font = `${0.5 * cell}px system-ui, sans-serif`;
    found.forEach((row, i) => row.forEach((count, j) => {
      const dark = most > least ? (count - least) / (most - least) : 0, grey = Math.round(255 * (1 - dark));
      pen.fillStyle = `rgb(${grey}, ${grey}, ${grey})`;
      pen.fillRect(left + j * cell, 24 + i * cell, cell + 0.5, cell + 0.5);
      pen.fillStyle = dark > 0.5 ? "#fff" : "#000";
      if (out <= 16) pen.fillText(count, left + (j + 0.5) * cell, 24 + (i + 0.68) * cell);
    }));
    pen.strokeStyle = colours.line;
    pen.strokeRect(left, 24, cell * out, cell * out);
  }];
}

const { panel, numbers } = window.GanLessons;
panel("minimax", (root, options) => explore(root, options, { width: 640, height: 420 }, minimax));
panel("logits", (root, options) => {
  const [real, fake] = [options.real, options.fake].map((text) => Float64Array.from(numbers(text)));
  explore(root, options, { width: 640, height: 500 }, (values) => logits({ real, fake }, values));
});
panel("circle", (root, options) => explore(root, options, { width: 540, height: 420, square: true }, circle));
panel("overlap", (root, options) => explore(root, options, { width: 540, height: 510, square: true }, overlap));
window.GanLessons.theory = { minimax, logits, circle, overlap };
})();
