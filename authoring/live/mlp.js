// Fully connected networks in typed arrays: forward, backward, objectives, optimizers. The same
// mathematics as gan_lessons/plane/network.py and gan_lessons/losses.py; tests compare both.
(function () {
"use strict";
const LEAK = 0.2;

const sigmoid = (t) => (t >= 0 ? 1 / (1 + Math.exp(-t)) : Math.exp(t) / (1 + Math.exp(t)));
const softplus = (t) => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));

// Layers with LeakyReLU(0.2) between them. Batches are flat arrays, one sample after the other.
// All weights stand in one vector, for each layer its matrix (outputs × inputs), then its biases.
class Network {
  constructor(sizes, random) {
    let at = 0;
    this.layers = sizes.slice(1).map((outputs, i) => {
      const layer = { inputs: sizes[i], outputs, at, out: null, delta: null };
      at += (sizes[i] + 1) * outputs;
      return layer;
    });
    this.weights = new Float64Array(at);
    this.gradient = new Float64Array(at);
    for (const { inputs, outputs, at } of this.layers) { // torch's rule for nn.Linear
      const bound = 1 / Math.sqrt(inputs);
      for (let i = 0; i < (inputs + 1) * outputs; i++) {
        this.weights[at + i] = bound * (2 * random.uniform() - 1);
      }
    }
  }

  // n samples → their outputs. They stand in a buffer that the next call uses again.
  forward(x, n) {
    const last = this.layers.length - 1;
    this.input = x;
    this.layers.forEach((layer, l) => {
      const { outputs, at, inputs } = layer, biases = at + inputs * outputs;
      const out = layer.out = room(layer.out, n * outputs);
      for (let i = 0; i < n * outputs; i++) out[i] = this.weights[biases + i % outputs];
      this.#apply(layer, x, n, out);
      if (l < last) for (let i = 0; i < n * outputs; i++) if (out[i] < 0) out[i] *= LEAK;
      x = out;
    });
    return x.subarray(0, n * this.layers[last].outputs);
  }

  // Adds each sample times the layer's matrix to `out`.
  #apply({ inputs, outputs, at }, x, n, out) {
    const turned = new Float64Array(inputs * outputs);
    for (let i = 0; i < turned.length; i++) turned[i % inputs * outputs + Math.floor(i / inputs)] = this.weights[at + i];
    for (let i = 0; i < n; i++) addRows(out, i * outputs, outputs, turned, 0, x, i * inputs, 1, inputs);
  }

  // After `forward`: from the loss's slope in each output to that in each input, which is returned
  // (unless `inputs` is false). With `learn`, the slope in the weights is added to `gradient`.
  backward(slope, n, { learn = false, inputs = true } = {}) {
    const { layers, weights } = this;
    layers[layers.length - 1].delta = slope;
    for (let l = layers.length - 1; l >= 0; l--) {
      const { inputs: width, outputs, at } = layers[l];
      const x = l ? layers[l - 1].out : this.input;
      if (learn) this.#collect(layers[l], slope, x, n, true);
      if (!l && !inputs) return null;
      const below = room(l && layers[l - 1].delta, n * width).fill(0);
      for (let i = 0; i < n; i++) addRows(below, i * width, width, weights, at, slope, i * outputs, 1, outputs);
      slope = below;
      if (!l) continue;
      for (let i = 0; i < n * width; i++) if (!(x[i] > 0)) below[i] *= LEAK;
      layers[l - 1].delta = below;
    }
    return slope;
  }

  #collect({ inputs, outputs, at }, slope, x, n, biased) {
    const g = this.gradient, biases = at + inputs * outputs;
    for (let o = 0; o < outputs; o++) addRows(g, at + o * inputs, inputs, x, 0, slope, o, outputs, n);
    if (biased) for (let i = 0; i < n * outputs; i++) g[biases + i % outputs] += slope[i];
  }

  // The output's slope in its input, ∇D(x), for each of n samples. One output.
  slopes(x, n) {
    this.forward(x, n);
    return this.backward(new Float64Array(n).fill(1), n);
  }

  // After `slopes`: with pull = ∂P/∂∇D(x), add ∂P/∂weights to `gradient`. The way back is linear
  // (its leaks are constants), so the way back through it is a forward pass without biases.
  collectFromSlopes(pull, n) {
    let t = pull;
    this.layers.forEach((layer, l) => {
      this.#collect(layer, layer.delta, t, n, false);
      const next = new Float64Array(n * layer.outputs);
      this.#apply(layer, t, n, next);
      for (let i = 0; i < next.length; i++) if (!(layer.out[i] > 0)) next[i] *= LEAK;
      t = next;
    });
  }
}

// target[k] += Σⱼ factorⱼ · rowⱼ[k]: all that a layer does, there and back. `count` rows of `width`
// numbers stand one after the other; four are added at once, so that a sum is read and written less.
function addRows(target, to, width, rows, from, factors, first, stride, count) {
  let j = 0;
  for (; j + 3 < count; j += 4) {
    const at = first + j * stride, a = from + j * width, b = a + width, c = b + width, d = c + width;
    const p = factors[at], q = factors[at + stride], r = factors[at + 2 * stride], s = factors[at + 3 * stride];
    for (let k = 0; k < width; k++) {
      target[to + k] += p * rows[a + k] + q * rows[b + k] + r * rows[c + k] + s * rows[d + k];
    }
  }
  for (; j < count; j++) {
    const factor = factors[first + j * stride], row = from + j * width;
    for (let k = 0; k < width; k++) target[to + k] += factor * rows[row + k];
  }
}

const room = (buffer, length) => (buffer && buffer.length >= length ? buffer : new Float64Array(length));

// Adam, SGD or RMSprop over one vector of weights, as `FlatOptimizer`.
class Optimizer {
  constructor(rule, size) {
    Object.assign(this, { rule, steps: 0, mean: new Float64Array(size), square: new Float64Array(size) });
  }

  step(weights, gradient, rate, beta1, beta2) {
    const { mean, square } = this;
    this.steps += 1;
    const unbiased = rate / (1 - beta1 ** this.steps), root = Math.sqrt(1 - beta2 ** this.steps);
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i];
      if (this.rule === "sgd") {
        mean[i] = beta1 * mean[i] + g;
        weights[i] -= rate * mean[i];
      } else if (this.rule === "rmsprop") {
        square[i] = 0.99 * square[i] + 0.01 * g * g;
        weights[i] -= rate * g / (Math.sqrt(square[i]) + 1e-8);
      } else { // Kingma and Ba 2015, algorithm 1
        mean[i] += (1 - beta1) * (g - mean[i]);
        square[i] = beta2 * square[i] + (1 - beta2) * g * g;
        weights[i] -= unbiased * mean[i] / (Math.sqrt(square[i]) / root + 1e-8);
      }
    }
  }
}

// For one logit t: value and slope of what D pays for a real and for a fake, and G for a fake.
const minusLogD = [(t) => softplus(-t), (t) => -sigmoid(-t)], minusLogNotD = [softplus, sigmoid];
const raise = [(t) => -t, () => -1], lower = [(t) => t, () => 1];
const towards = (aim) => [(t) => (t - aim) ** 2 / 2, (t) => t - aim];
const OBJECTIVES = {
  minimax: { real: minusLogD, fake: minusLogNotD, generator: [(t) => -softplus(t), (t) => -sigmoid(t)] },
  non_saturating: { real: minusLogD, fake: minusLogNotD, generator: minusLogD },
  least_squares: { real: towards(1), fake: towards(0), generator: towards(1) },
  hinge: {
    real: [(t) => Math.max(0, 1 - t), (t) => (t < 1 ? -1 : 0)],
    fake: [(t) => Math.max(0, 1 + t), (t) => (t > -1 ? 1 : 0)],
    generator: raise,
  },
  wasserstein: { real: raise, fake: lower, generator: raise },
  relativistic: { pair: minusLogD }, // of the difference between a sample and its partner
};

// D's mean loss; its slopes in the logits go into `realSlopes` and `fakeSlopes`.
function discriminatorLoss(objective, real, fake, smoothing, realSlopes, fakeSlopes) {
  const { real: onReal, fake: onFake, pair } = OBJECTIVES[objective], n = real.length;
  let loss = 0;
  for (let i = 0; i < n; i++) {
    if (pair) {
      loss += pair[0](real[i] - fake[i]);
      realSlopes[i] = pair[1](real[i] - fake[i]) / n;
      fakeSlopes[i] = -realSlopes[i];
    } else {
      loss += onReal[0](real[i]) + smoothing * real[i] + onFake[0](fake[i]);
      realSlopes[i] = (onReal[1](real[i]) + smoothing) / n;
      fakeSlopes[i] = onFake[1](fake[i]) / n;
    }
  }
  return loss / n;
}

// G's mean loss; its slopes in the logits of fakes go into `slopes`. Only pairs look at `real`.
function generatorLoss(objective, fake, real, slopes) {
  const { generator, pair } = OBJECTIVES[objective], n = fake.length;
  let loss = 0;
  for (let i = 0; i < n; i++) {
    const [value, slope] = pair || generator, t = pair ? fake[i] - real[i] : fake[i];
    loss += value(t);
    slopes[i] = slope(t) / n;
  }
  return loss / n;
}

window.GanLessons.mlp = { Network, Optimizer, OBJECTIVES, discriminatorLoss, generatorLoss, sigmoid };
})();
