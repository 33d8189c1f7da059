// What is to be seen of a run in the plane: arrays for the notebook's canvas, and words. As
// gan_lessons/widgets/plane_canvas.py and playground_words.py.
(function () {
"use strict";
const { mlp, plane } = window.GanLessons;
const { SMOOTHED, shade, generatorGradient, warpedGrid } = plane;
const CELLS = 40, SHOWN = 256, ARROWS = 64, LINES = 17, LONGEST = 0.6, HALFWAY = 0.4;
const NOTHING = new Float32Array(0);
const CENTRES = plane.cellCentres(CELLS);

// A run that diverges may still be looked at: what is not finite is drawn nowhere.
const shown = (values) => Float32Array.from(values, (x) => (Number.isFinite(x) ? x : 1e9));
const minus = (text) => text.replace("-", "−");
const length = (points, i) => Math.hypot(points[2 * i], points[2 * i + 1]);
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const numbers = (values) => `(${[...values].slice(0, 3).map((x) => minus(x.toFixed(2))).join(", ")}${values.length > 3 ? ", …" : ""})`;

// Fakes and their arrows, compressed so that a gradient of 0.1 and one of 10 can both be seen.
function arrows(game, fakes, pull = generatorGradient(game, fakes)) {
  const found = [];
  for (let i = 0; i < fakes.length / 2; i++) {
    const factor = LONGEST / (length(pull, i) + HALFWAY);
    found.push(fakes[2 * i], fakes[2 * i + 1], factor * pull[2 * i], factor * pull[2 * i + 1]);
  }
  return found;
}

function fieldOf(game, which) {
  if (which === "nothing") return NOTHING;
  if (which !== "best") return shade(game, CENTRES);
  game.best = game.best || new plane.OptimalDiscriminator(game.coverage.mixture, CELLS);
  return game.best.answers(game.fakes(2000));
}

const covers = (game) => (game.coverage.modes ? "modes covered" : "stretches covered");

// All that the canvas draws but for title and marks. `views`: what is switched on, by name.
function traits(game, views, field, chosen) {
  const fakes = game.fakes(SHOWN), alone = game.settings.latent_dim === 1;
  const [note, arrow] = about(game, chosen);
  return {
    real: views.real ? shown(game.samples.subarray(0, 2 * SHOWN)) : NOTHING,
    fake: views.fake ? shown(fakes) : NOTHING,
    arrows: views.arrows ? shown(arrows(game, fakes.subarray(0, 2 * ARROWS))) : NOTHING,
    grid: views.grid ? shown(warpedGrid(game, LINES)) : NOTHING,
    field: Uint8Array.from(fieldOf(game, field), (t) => 255 * Math.min(1, Math.max(0, t)) + 0.5),
    lines: alone ? 0 : LINES, dense: game.settings.latent_dim === 2,
    charts: views.curves, curves: views.curves ? curves(game) : NOTHING,
    floor: game.coverage.floor, covers: covers(game), note, arrow,
  };
}

// Both counts, then every column of the events, then every column of the scores, the last of now.
function curves(game) {
  const { step, covered, parts, good, jsd } = game.score;
  const until = (rows, end) => rows.filter(([at]) => at <= end);
  const events = until(game.history.rows, game.step);
  const scores = [...until(game.scores.rows, step - 1), [step, covered / parts, good, jsd]];
  const columns = (rows, count) => Array.from({ length: count }, (_, c) => rows.map((row) => row[c])).flat();
  return Float32Array.from([events.length, scores.length, ...columns(events, 5), ...columns(scores, 4)]);
}

// What the point of an index is, fakes first, then reals; and its arrow, none for a real.
function about(game, index) {
  if (!(index >= 0 && index < 2 * SHOWN)) return ["", NOTHING];
  const D = (point) => {
    const [logit] = game.discriminator.forward(point, 1), named = SMOOTHED.includes(game.settings.objective);
    return named ? `D = ${Number(mlp.sigmoid(logit).toPrecision(2))}` : minus(`D's score ${logit.toFixed(2)}`);
  };
  const at = (points, i) => points.slice(2 * i, 2 * i + 2);
  if (index >= SHOWN) {
    const point = at(game.samples, index - SHOWN);
    return [`Real point ${numbers(point)}: ${D(point)}.`, NOTHING];
  }
  const fakes = game.fakes(SHOWN), point = at(fakes, index), dim = game.settings.latent_dim;
  const pull = generatorGradient(game, fakes), z = game.noise(SHOWN).subarray(index * dim, (index + 1) * dim);
  return [
    `Fake ${index + 1}: z = ${numbers(z)} → G(z) = ${numbers(point)} → ${D(point)}. `
      + `Its arrow, the pull of G's loss, has the length ${Number(length(pull, index).toPrecision(2))}.`,
    shown(arrows(game, point, at(pull, index))),
  ];
}

// Where a run stands; while it plays the step, which the title names, would soon be old.
function sentence(game, playing) {
  const { step, covered, parts, good, jsd } = game.score, { d_real, d_fake } = game.latest || {};
  const known = Number.isFinite(d_real);
  return (playing ? "" : `Step ${step.toLocaleString("en")}: `)
    + `G covers ${covered} of ${parts} ${covers(game).split(" ")[0]}; ${Math.round(100 * good)}% of its samples are good; `
    + `JSD ${jsd.toFixed(2)} nats (as many real samples: ${game.coverage.floor.toFixed(2)}).`
    + (known ? ` D(x) ${d_real.toFixed(2)}, D(G(z)) ${d_fake.toFixed(2)}.` : "");
}

// Does a half-step, and says what it did; measured on fakes from noise that stays the same.
function told(game, turn, act) {
  const before = game.fakes(SHOWN), old = mean(shade(game, before)), pull = generatorGradient(game, before);
  act();
  const after = game.fakes(SHOWN), rose = `${old.toFixed(3)} → ${mean(shade(game, after)).toFixed(3)}`;
  const { d_real, d_fake } = game.partial, { batch_size, objective } = game.settings;
  if (turn === "discriminator") {
    return `D's half-step. D looked at ${batch_size} reals (mean D(x) ${d_real.toFixed(3)}) and as many fakes (mean `
      + `D(G(z)) ${d_fake.toFixed(3)}), then moved its weights: blue should grow where reals lie, orange where fakes lie. `
      + `G stood still. On the fakes shown, D's mean answer went ${rose}.`;
  }
  const lengths = (points) => mean(Array.from({ length: SHOWN }, (_, i) => length(points, i)));
  return "G's half-step. D stood still. G moved its weights so that its fakes follow the arrows, the gradient of the "
    + `${objective} loss (mean length ${lengths(pull).toFixed(3)}). The fakes shown moved by `
    + `${lengths(after.map((x, i) => x - before[i])).toFixed(3)} on average; D's mean answer on them went ${rose}.`;
}

// Why playing ends now, "" if it goes on; measured every 50 steps.
function reasonToPause(wish, game, playedFrom) {
  if (wish === "500 more") return game.step >= playedFrom + 500 ? "500 steps are done." : "";
  const { step, covered, parts } = game.score;
  if (wish === "paused" || step !== game.step) return "";
  const what = `${covered} of ${parts} ${covers(game).split(" ")[0]}`;
  if (wish === "covered") return covered === parts ? `${what} are covered.` : "";
  const crowded = covered && 4 * covered <= parts && 3 * spread(game.fakes(SHOWN)) < spread(game.samples);
  return crowded ? `all fakes crowd together, and ${what} are covered.` : "";
}

// Standard deviation along an axis, mean of both.
function spread(points) {
  const along = (axis) => {
    const values = points.filter((_, i) => i % 2 === axis), middle = mean(values);
    return Math.sqrt(values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (values.length - 1));
  };
  return (along(0) + along(1)) / 2;
}

window.GanLessons.planeView = { traits, sentence, told, reasonToPause };
})();
