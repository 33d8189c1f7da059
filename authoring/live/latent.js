// The space that noise lives in, as gan_lessons.latent has it; and what the classifier reads.
(function () {
  "use strict";
  const length = (z) => Math.hypot(...z);
  const mixed = (a, u, b, v) => a.map((value, i) => u * value + v * b[i]);

  GanLessons.latent = {
    length,
    // weights and vectors in turn: sum(1, a, -2, b)
    sum(...terms) {
      const total = new Float32Array(terms[1].length);
      for (let i = 0; i < terms.length; i += 2) terms[i + 1].forEach((value, j) => (total[j] += terms[i] * value));
      return total;
    },
    lerp: (a, b, t) => mixed(a, 1 - t, b, t),
    // Along the arc, evenly in angle (Shoemake 1985); straight where there is no arc.
    slerp(a, b, t) {
      const cosine = a.reduce((sum, value, i) => sum + value * b[i], 0) / (length(a) * length(b));
      const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
      if (angle < 1e-4) return mixed(a, 1 - t, b, t);
      return mixed(a, Math.sin((1 - t) * angle) / Math.sin(angle), b, Math.sin(t * angle) / Math.sin(angle));
    },
    onShell(z) {
      const factor = Math.sqrt(z.length) / length(z);
      return z.map((value) => value * factor);
    },
    rows: (numbers, size) => Array.from({ length: numbers.length / size }, (_, i) => numbers.slice(i * size, (i + 1) * size)),
    joined(rows) {
      const all = new Float32Array(rows.length * rows[0].length);
      rows.forEach((row, i) => all.set(row, i * row.length));
      return all;
    },
  };

  // For one image of 784 numbers: {digit, sure}, sure from 0 to 1.
  GanLessons.read = function (image) {
    const logits = GanLessons.network("classifier")(image);
    const best = Math.max(...logits);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - best), 0);
    return { digit: logits.indexOf(best), sure: 1 / total };
  };
  GanLessons.opinion = function (image) {
    const { digit, sure } = GanLessons.read(image);
    return `a ${digit} (${Math.round(100 * sure)}% sure)`;
  };
})();
