// A GAN in the plane: data whose density is known, the game, and how good it is. What each thing
// is says gan_lessons/plane, of which this is the arithmetic; tests compare both. Points are flat
// arrays x, y, x, y …; cells of the plane stand in rows, from the lowest y up.
(function () {
"use strict";
const { random } = window.GanLessons;
const { Network, Optimizer, discriminatorLoss, generatorLoss, sigmoid } = window.GanLessons.mlp;
const EDGE = 2.4, SAMPLES = 10000, EVERY = 50; // as in gan_lessons/plane
const SMOOTHED = ["minimax", "non_saturating"];

// Σ wₖ · N(x; cₖ, σₖ² I) with equal weights; std is one number.
class Mixture {
  constructor({ centres, std }) {
    this.centres = Float64Array.from(centres);
    this.count = centres.length / 2;
    this.std = std;
  }

  sample(n, rng) {
    const points = new Float64Array(2 * n);
    for (let i = 0; i < n; i++) {
      const k = Math.floor(rng.uniform() * this.count);
      for (const c of [0, 1]) points[2 * i + c] = this.centres[2 * k + c] + this.std * rng.normal();
    }
    return points;
  }

  // Density at points; `wider` is a blur's standard deviation.
  density(points, wider = 0) {
    const variance = this.std ** 2 + wider ** 2, n = points.length / 2, found = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < this.count; k++) {
        const dx = points[2 * i] - this.centres[2 * k], dy = points[2 * i + 1] - this.centres[2 * k + 1];
        found[i] += Math.exp(-(dx * dx + dy * dy) / (2 * variance));
      }
      found[i] /= this.count * 2 * Math.PI * variance;
    }
    return found;
  }

  // The nearest centre and its distance.
  nearest(x, y) {
    let best = 0, least = Infinity;
    for (let k = 0; k < this.count; k++) {
      const d = (x - this.centres[2 * k]) ** 2 + (y - this.centres[2 * k + 1]) ** 2;
      if (d < least) [best, least] = [k, d];
    }
    return [best, Math.sqrt(least)];
  }
}

function cellCentres(n) {
  const points = new Float64Array(2 * n * n), tick = (i) => (i + 0.5) / n * 2 * EDGE - EDGE;
  for (let i = 0; i < n * n; i++) [points[2 * i], points[2 * i + 1]] = [tick(i % n), tick(Math.floor(i / n))];
  return points;
}

// How many points lie in each of n × n cells; those outside do not count.
function histogram(points, n) {
  const counts = new Float64Array(n * n), place = (t) => Math.floor((t + EDGE) / (2 * EDGE / n));
  for (let i = 0; i < points.length; i += 2) {
    const column = place(points[i]), row = place(points[i + 1]);
    if (column >= 0 && column < n && row >= 0 && row < n) counts[row * n + column] += 1;
  }
  return counts;
}

const xlogy = (x, y) => (x === 0 ? 0 : x * Math.log(y));

// Jensen-Shannon divergence in nats of densities on cells of volume dx, as `game.jsd`.
function jsd(p, q, dx) {
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    sum += xlogy(p[i], 2 * p[i]) + xlogy(q[i], 2 * q[i]) - xlogy(p[i] + q[i], p[i] + q[i]);
  }
  return Math.max(0, sum * dx / 2);
}

const withOutside = (masses) => [...masses, Math.max(0, 1 - masses.reduce((a, b) => a + b, 0))];

// Measures fakes against a mixture, as `plane.ModeCoverage`.
class Coverage {
  constructor(mixture, samples = 2000) {
    Object.assign(this, { mixture, samples });
    const count = mixture.count;
    this.modes = count <= 30 && apart(mixture);
    this.parts = this.modes ? count : Math.min(count, 10);
    this.part = Array.from({ length: count }, (_, k) => Math.floor(k * this.parts / count));
    this.share = new Float64Array(this.parts);
    this.part.forEach((part) => { this.share[part] += 1 / count; });
    const fine = mixture.density(cellCentres(128)), masses = new Float64Array(32 * 32);
    fine.forEach((p, i) => {
      masses[Math.floor(i / 512) * 32 + Math.floor(i % 128 / 4)] += p / 16 * (2 * EDGE / 32) ** 2;
    });
    this.cells = withOutside(masses);
    const rng = random(0);
    const draws = Array.from({ length: 8 }, () => this.jsd(mixture.sample(samples, rng)));
    this.floor = draws.reduce((a, b) => a + b) / 8; // what as many real samples get
  }

  jsd(points) {
    return jsd(this.cells, withOutside(histogram(points, 32).map((c) => 2 * c / points.length)), 1);
  }

  score(step, points) {
    const n = points.length / 2, hits = new Float64Array(this.parts);
    let good = 0;
    for (let i = 0; i < n; i++) {
      const [k, distance] = this.mixture.nearest(points[2 * i], points[2 * i + 1]);
      if (!(distance <= 3 * this.mixture.std)) continue;
      good += 1 / n;
      hits[this.part[k]] += 1 / n;
    }
    const covered = hits.filter((hit, part) => hit >= this.share[part] / 4).length;
    return { step, covered, parts: this.parts, good, jsd: this.jsd(points) };
  }
}

function apart({ centres, count, std }) {
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < a; b++) {
      if (Math.hypot(centres[2 * a] - centres[2 * b], centres[2 * a + 1] - centres[2 * b + 1]) < 4 * std) return false;
    }
  }
  return true;
}

// D* = p / (p + q) on n × n cells: p exact, q from samples, both blurred alike, as
// `plane.OptimalDiscriminator`.
class OptimalDiscriminator {
  constructor(mixture, n = 40, width = 0.1) {
    this.n = n;
    this.cell = 2 * EDGE / n;
    this.real = mixture.density(cellCentres(n), Math.hypot(width, this.cell / Math.sqrt(12)));
    this.blur = Float64Array.from({ length: n }, (_, away) => // by how many cells apart
      this.cell * Math.exp(-((away * this.cell / width) ** 2) / 2) / (width * Math.sqrt(2 * Math.PI)));
  }

  answers(points, least = 2e-3) {
    const { n, cell, blur } = this, counts = histogram(points, n);
    const alongRows = new Float64Array(n * n), fake = new Float64Array(n * n);
    for (let i = 0; i < n * n; i++) {
      for (let j = 0; j < n; j++) alongRows[i] += counts[i - i % n + j] * blur[Math.abs(j - i % n)];
    }
    for (let i = 0; i < n * n; i++) {
      const row = Math.floor(i / n);
      for (let j = 0; j < n; j++) fake[i] += alongRows[j * n + i % n] * blur[Math.abs(j - row)];
      fake[i] = 2 * fake[i] / (points.length * cell ** 2);
    }
    return this.real.map((p, i) => (p + least) / (p + fake[i] + 2 * least));
  }
}

// The x at which erf(x) = p, by Newton's steps from 0; |p| < 0.99.
function inverseErf(p) {
  let x = 0;
  for (let turn = 0; turn < 30; turn++) {
    let term = x, erf = x; // erf's series
    for (let k = 1; k < 60; k++) erf += (term *= -x * x / k) / (2 * k + 1);
    x -= (erf - p * Math.sqrt(Math.PI) / 2) * Math.exp(x * x);
  }
  return x;
}

// Corners of a grid of noise whose cells hold equally much probability, as `plane.noise_grid`.
function noiseGrid({ latent_dim: dim, noise, noise_scale: scale }, lines = 17) {
  const count = dim === 1 ? 8 * lines : lines;
  const ticks = Array.from({ length: count }, (_, i) => {
    const part = 2 * (0.01 + 0.98 * i / (count - 1)) - 1;
    return scale * (noise === "normal" ? Math.SQRT2 * inverseErf(part) : part);
  });
  if (dim === 1) return Float64Array.from(ticks);
  const z = new Float64Array(count * count * dim);
  for (let i = 0; i < count * count; i++) {
    [z[i * dim], z[i * dim + 1]] = [ticks[Math.floor(i / count)], ticks[i % count]];
  }
  return z;
}

// Rows of numbers over a whole run in bounded memory: when they are too many, neighbours become one.
class Curve {
  constructor(most = 400) {
    Object.assign(this, { most, every: 1, rows: [], waiting: [] });
  }

  add(row) {
    this.waiting.push(row);
    if (this.waiting.length < this.every) return;
    this.rows.push(means(this.waiting.splice(0)));
    if (this.rows.length < this.most) return;
    this.rows = this.rows.flatMap((row, i) => (i % 2 ? [] : [means(this.rows.slice(i, i + 2))]));
    this.every *= 2;
  }

  copy() { return Object.assign(new Curve(), this, { rows: [...this.rows], waiting: [...this.waiting] }); }

  // Forget what comes after a step; it stands first in a row.
  cut(step) {
    if (this.rows.length && this.rows[this.rows.length - 1][0] > step) {
      this.rows = this.rows.filter(([at]) => at <= step);
      this.waiting = [];
    }
  }
}

// Of each column, without what is not known.
const means = (rows) => rows[0].map((_, column) => {
  const known = rows.map((row) => row[column]).filter(Number.isFinite);
  return known.length ? known.reduce((a, b) => a + b) / known.length : NaN;
});

class Diverged extends Error {}

// One run, as `plane.PlaneTrainer`: the settings are those of `plane.Plan`.
class Game {
  constructor(settings, coverage) {
    this.settings = { ...settings };
    this.coverage = coverage;
    this.rng = random(settings.seed);
    const hidden = (width) => new Array(settings.layers).fill(width);
    const { latent_dim: dim, generator_width: wide, discriminator_width: broad } = settings;
    this.generator = new Network([dim, ...hidden(wide), 2], this.rng);
    this.discriminator = new Network([2, ...hidden(broad), 1], this.rng);
    this.players = ["generator", "discriminator"];
    this.optimizers = Object.fromEntries(this.players.map((name) => [name,
      new Optimizer(settings[`optimizer_${name}`], this[name].weights.length)]));
    this.samples = coverage.mixture.sample(SAMPLES, random(0));
    this.probe = this.standardNoise(coverage.samples, random(1));
    Object.assign(this, { step: 0, batches: 0, turn: "", partial: {}, epoch: -1, order: null });
    this.history = new Curve(); // step, both losses, D(x), D(G(z))
    this.scores = new Curve(); // step, shares of parts covered and of good fakes, JSD
    this.keepScore();
  }

  standardNoise(n, rng) {
    const uniform = this.settings.noise === "uniform";
    return Float64Array.from({ length: n * this.settings.latent_dim },
      () => (uniform ? 2 * rng.uniform() - 1 : rng.normal()));
  }

  // The noise of the first n fakes; the same all through the run.
  noise(n) {
    return this.probe.subarray(0, n * this.settings.latent_dim).map((z) => z * this.settings.noise_scale);
  }

  fakes(n) { return this.generator.forward(this.noise(n), n).slice(); }

  measure() {
    this.score = this.coverage.score(this.step, this.fakes(this.coverage.samples));
    return this.score;
  }

  // Real points for a half-step: every epoch has its own order, set by seed and epoch.
  nextBatch() {
    const size = this.settings.batch_size, all = Math.floor(SAMPLES / size);
    const epoch = Math.floor(this.batches / all), from = this.batches % all * size;
    if (epoch !== this.epoch) {
      [this.epoch, this.order] = [epoch, shuffled(SAMPLES, random(1000003 * this.settings.seed + epoch))];
    }
    this.batches += 1;
    const batch = new Float64Array(2 * size);
    for (let i = 0; i < size; i++) {
      const at = 2 * this.order[from + i];
      batch[2 * i] = this.samples[at];
      batch[2 * i + 1] = this.samples[at + 1];
    }
    return batch;
  }

  freshFakes(n) {
    const z = this.standardNoise(n, this.rng);
    for (let i = 0; i < z.length; i++) z[i] *= this.settings.noise_scale;
    return this.generator.forward(z, n);
  }

  withInstanceNoise(points) {
    const strength = this.settings.instance_noise;
    return strength ? points.map((x) => x + strength * this.rng.normal()) : points;
  }

  discriminatorStep() {
    const { settings: s, discriminator } = this, n = s.batch_size;
    const real = this.withInstanceNoise(this.nextBatch()), fake = this.withInstanceNoise(this.freshFakes(n));
    const both = new Float64Array(4 * n);
    both.set(real);
    both.set(fake, 2 * n);
    const logits = discriminator.forward(both, 2 * n), slopes = new Float64Array(2 * n);
    const [onReal, onFake] = [logits.subarray(0, n), logits.subarray(n)];
    const loss = discriminatorLoss(s.objective, onReal, onFake, s.label_smoothing,
      slopes.subarray(0, n), slopes.subarray(n));
    const mean = (values) => values.reduce((sum, t) => sum + sigmoid(t), 0) / n;
    const found = { loss_discriminator: loss, d_real: mean(onReal), d_fake: mean(onFake) };
    discriminator.gradient.fill(0);
    discriminator.backward(slopes, 2 * n, { learn: true, inputs: false });
    this.update("discriminator", loss + s.penalty_weight * this.penalty(both.subarray(0, 2 * n), fake));
    return found;
  }

  // The penalty on D; its slope, times the weight, is added to D's gradient.
  penalty(real, fake) {
    const { penalty, penalty_weight: weight } = this.settings;
    const steep = (points) => addPenalty(this.discriminator, points, "steep", weight);
    switch (penalty) {
      case "none": return 0;
      case "r1": return steep(real);
      case "r2": return steep(fake);
      case "r1_and_r2": return steep(real) + steep(fake);
      default: { // gradient_penalty: each pair has its own place between
        const between = new Float64Array(real.length);
        for (let i = 0; i < real.length; i += 2) {
          const part = this.rng.uniform();
          for (const c of [i, i + 1]) between[c] = real[c] + part * (fake[c] - real[c]);
        }
        return addPenalty(this.discriminator, between, "one", weight);
      }
    }
  }

  generatorStep() {
    const { settings: s, discriminator, generator } = this, n = s.batch_size;
    let real = null;
    if (s.objective === "relativistic") {
      real = discriminator.forward(this.withInstanceNoise(this.nextBatch()), n).slice();
    }
    const fake = this.withInstanceNoise(this.freshFakes(n)), slopes = new Float64Array(n);
    const loss = generatorLoss(s.objective, discriminator.forward(fake, n), real, slopes);
    generator.gradient.fill(0);
    generator.backward(discriminator.backward(slopes, n), n, { learn: true, inputs: false });
    this.update("generator", loss);
    return { loss_generator: loss };
  }

  update(name, loss) {
    if (!Number.isFinite(loss)) {
      throw new Diverged(`The ${name}'s loss became ${loss} at step ${this.step}: training diverged. `
        + `Go back to an earlier snapshot and lower lr_${name}, or add a penalty.`);
    }
    const { weights, gradient } = this[name], s = this.settings;
    this.optimizers[name].step(weights, gradient, s[`lr_${name}`], s[`beta1_${name}`], s.beta2);
  }

  // One turn of a step, D's or G's; the step ends, and is counted, with G's.
  halfStep(turn) {
    const many = this.settings[`${turn}_steps`];
    for (let i = 0; i < many; i++) Object.assign(this.partial, this[`${turn}Step`]());
    this.turn = turn;
    if (turn === "generator") this.count();
  }

  trainStep() {
    if (this.turn !== "discriminator") this.halfStep("discriminator");
    this.halfStep("generator");
  }

  count() {
    const { loss_discriminator: d = NaN, loss_generator: g = NaN, d_real = NaN, d_fake = NaN } = this.partial;
    this.history.cut(this.step);
    this.scores.cut(this.step);
    this.step += 1;
    this.latest = { d_real, d_fake };
    this.history.add([this.step, d, g, d_real, d_fake]);
    Object.assign(this, { turn: "", partial: {} });
    if (this.step % EVERY === 0) this.keepScore();
  }

  keepScore() {
    const { step, covered, parts, good, jsd } = this.measure();
    this.scores.add([step, covered / parts, good, jsd]);
  }

  // What decides how it goes on; curves are not in it, they are cut.
  state() {
    const copy = (player) => [this[player].weights, this.optimizers[player].mean, this.optimizers[player].square]
      .map((values) => values.slice());
    return { players: this.players.map(copy), steps: this.players.map((name) => this.optimizers[name].steps),
             chance: this.rng.state, settings: { ...this.settings }, step: this.step, batches: this.batches,
             turn: this.turn, partial: { ...this.partial }, latest: this.latest, score: this.score };
  }

  restore({ players, steps, chance, ...rest }) {
    this.players.forEach((name, i) => {
      const { mean, square } = this.optimizers[name];
      [this[name].weights, mean, square].forEach((into, j) => into.set(players[i][j]));
      this.optimizers[name].steps = steps[i];
    });
    this.rng.state = chance;
    Object.assign(this, rest, { settings: { ...rest.settings }, partial: { ...rest.partial } });
  }
}

function shuffled(n, rng) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) { // Fisher and Yates
    const j = Math.floor(rng.uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

// Mean over points of ½‖∇D‖² ("steep", R1 and R2) or (‖∇D‖ − 1)² ("one", the gradient penalty);
// its slope in D's weights, times `weight`, is added to D's gradient.
function addPenalty(discriminator, points, kind, weight) {
  const n = points.length / 2, slopes = discriminator.slopes(points, n), pull = new Float64Array(2 * n);
  let penalty = 0;
  for (let i = 0; i < 2 * n; i += 2) {
    const squared = slopes[i] ** 2 + slopes[i + 1] ** 2, norm = Math.sqrt(squared + 1e-12);
    penalty += (kind === "steep" ? squared / 2 : (norm - 1) ** 2) / n;
    const factor = weight / n * (kind === "steep" ? 1 : 2 * (norm - 1) / norm);
    pull[i] = factor * slopes[i];
    pull[i + 1] = factor * slopes[i + 1];
  }
  discriminator.collectFromSlopes(pull, n);
  return penalty;
}

// D's answer as a shade from 0, fake, to 1, real, as `plane.discriminator_shade`.
function shade(game, points) {
  const D = (x) => game.discriminator.forward(x, x.length / 2), inside = (t) => Math.min(1, Math.max(0, t));
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  switch (game.settings.objective) {
    case "least_squares": return D(points).map(inside);
    case "hinge": return D(points).map((t) => inside((t + 1) / 2));
    case "wasserstein":
    case "relativistic": {
      const real = mean(D(game.samples.subarray(0, 512))), fake = mean(D(game.fakes(256)));
      const scale = game.settings.objective === "wasserstein" ? Math.max(Math.abs(real - fake), 1e-6) / 4 : 1;
      return D(points).map((t) => sigmoid((t - (real + fake) / 2) / scale));
    }
    default: return D(points).map(sigmoid);
  }
}

// Where G's loss wants each fake to move, as `plane.generator_gradient`.
function generatorGradient(game, fakes) {
  const n = fakes.length / 2, D = game.discriminator, slopes = new Float64Array(n);
  const real = D.forward(game.samples.subarray(0, 2 * n), n).slice();
  generatorLoss(game.settings.objective, D.forward(fakes, n), real, slopes);
  return D.backward(slopes, n).map((slope) => -slope * n);
}

function warpedGrid(game, lines = 17) {
  const z = noiseGrid(game.settings, lines);
  return game.generator.forward(z, z.length / game.settings.latent_dim).slice();
}

window.GanLessons.plane = {
  EDGE, SMOOTHED, Mixture, Coverage, OptimalDiscriminator, Curve, Game, Diverged, cellCentres, histogram, jsd,
  noiseGrid, warpedGrid, shade, generatorGradient, addPenalty,
};
})();
