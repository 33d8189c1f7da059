// What test_site_game.py asks of the pages' game: each function takes numbers and returns numbers.
const { mlp, plane } = GanLessons;
const numbers = (nested) => Float64Array.from(nested.flat(9));
const halves = (values) => [values.subarray(0, values.length / 2), values.subarray(values.length / 2)];

function network(sizes, weights) {
  const made = new mlp.Network(sizes, GanLessons.random(0));
  made.weights.set(weights);
  return made;
}

const coverage = (centres, std) => new plane.Coverage(new plane.Mixture({ centres: centres.flat(), std }));

const game = {
  losses(objective, smoothing, sizes, g, d, z, real) {
    const n = real.length, G = network(sizes[0], g), D = network(sizes[1], d), fake = G.forward(numbers(z), n);
    const logits = D.forward(Float64Array.from([...numbers(real), ...fake]), 2 * n).slice();
    const slopes = new Float64Array(2 * n), toG = new Float64Array(n);
    const lossD = mlp.discriminatorLoss(objective, ...halves(logits), smoothing, ...halves(slopes));
    D.backward(slopes, 2 * n, { learn: true, inputs: false });
    const lossG = mlp.generatorLoss(objective, D.forward(fake, n), halves(logits)[0], toG);
    G.backward(D.backward(toG, n), n, { learn: true, inputs: false });
    return [lossD, [...D.gradient], lossG, [...G.gradient]];
  },

  penalty(kind, weight, sizes, d, points) {
    const D = network(sizes, d), x = numbers(points), value = () => plane.addPenalty(D, x, kind, weight);
    const penalty = value(), gradient = [...D.gradient], step = 1e-6;
    const differences = gradient.map((_, i) => {
      const at = D.weights[i], ends = [step, -step].map((aside) => {
        D.weights[i] = at + aside;
        return value();
      });
      D.weights[i] = at;
      return weight * (ends[0] - ends[1]) / (2 * step);
    });
    return [penalty, gradient, differences];
  },

  optimizer(rule, weights, slopes) {
    const made = new mlp.Optimizer(rule, weights.length), moved = Float64Array.from(weights);
    for (const slope of slopes) made.step(moved, slope, 0.02, 0.5, 0.9);
    return [...moved];
  },

  steps(plan, centres, std, start, batches, noise) {
    const run = new plane.Game(plan, coverage(centres, std)), points = plane.cellCentres(6);
    for (const name of run.players) run[name].weights.set(start[name]);
    run.nextBatch = () => numbers(batches.shift());
    run.standardNoise = () => numbers(noise.shift());
    for (let i = 0; i < 3; i++) run.trainStep();
    const weights = run.players.map((name) => [...run[name].weights]);
    run.samples = points; // what a score is measured from, the same for both
    run.fakes = (n) => points.subarray(0, 2 * n);
    const seen = [plane.shade(run, points), plane.generatorGradient(run, points), plane.warpedGrid(run)];
    return [weights, ...seen.map((values) => [...values]), run.latest.d_real];
  },

  measures(centres, std, fakes) {
    const made = coverage(centres, std), points = numbers(fakes);
    const best = new plane.OptimalDiscriminator(made.mixture).answers(points);
    return [made.score(0, points), made.cells, [...best], made.floor];
  },

  noiseGrid: (plan) => [...plane.noiseGrid(plan)],

  again(plan, centres, std) {
    const begin = (seed) => new plane.Game({ ...plan, seed }, coverage(centres, std));
    const weights = (run) => [...run.generator.weights, ...run.discriminator.weights];
    const [one, two, three] = [begin(5), begin(5), begin(6)], live = new GanLessons.Live([one]);
    for (let i = 0; i < 100; i++) [live.advance(), two.trainStep(), three.trainStep()];
    const first = weights(one);
    live.rewind(75);
    live.set("lr_generator", 0.5);
    live.advance();
    live.rewind(75); // its settings are those of that moment, too
    for (let i = 0; i < 25; i++) live.advance();
    return [first, weights(two), weights(one), weights(three)];
  },

  // What a panel of lessons 01 to 06 says.
  sentence(name, values, spread) {
    try {
      const given = spread ? [Object.fromEntries(Object.entries(spread).map(([of, all]) => [of, numbers(all)])), values] : [values];
      return GanLessons.theory[name](...given)[0];
    } catch (error) {
      return error.message;
    }
  },

  // Rows of curves and snapshots after a long run.
  memory(plan, centres, std, steps) {
    const run = new plane.Game(plan, coverage(centres, std)), live = new GanLessons.Live([run]);
    run.halfStep = () => run.count(); // time passes, nothing is learned or measured
    run.measure = () => run.score;
    for (let i = 0; i < steps; i++) live.advance();
    return [run.step, run.history.rows.length + run.history.waiting.length, run.scores.rows.length, live.steps];
  },
};
