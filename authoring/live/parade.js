// Digits that turn into one another: at the head of the first page.
GanLessons.panel("parade", function (root, options) {
  "use strict";
  const { button, digits, element, random, row } = GanLessons;
  const { joined, onShell, slerp } = GanLessons.latent;
  const generator = GanLessons.network(options.network);
  const { latent, classes, scale, count } = options;
  const SECONDS = 2.5; // from one digit to the next
  const EACH = 1 / 24; // seconds that a picture stays: as in films, and a laptop stays cool
  const chance = random(Date.now()); // others at every visit
  const noise = () => onShell(chance.normals(latent));
  let asked = -1; // any digit
  const classOf = () => (asked < 0 ? chance.integer(classes) : asked);
  const one = () => ({ z: noise(), digit: classOf() });
  const walks = Array.from({ length: count }, () => ({ from: one(), to: one(), t: chance.uniform() }));
  const grid = digits(root, { columns: 8, zoom: 3.4, label: "Sixteen digits that a generator draws, turning into one another" });
  const controls = row(root);
  const loop = GanLessons.playButton(controls, root, step);
  const choices = element(controls, "div", { className: "row" });
  choices.setAttribute("role", "group");
  choices.setAttribute("aria-label", "The digit that it is asked for");
  const buttons = Array.from({ length: classes + 1 }, (_, i) =>
    button(choices, i < classes ? String(i) : "any", () => ask(i < classes ? i : -1)),
  );

  function ask(digit) {
    asked = digit;
    buttons.forEach((each, i) => each.setAttribute("aria-pressed", String((i < classes ? i : -1) === digit)));
    for (const walk of walks) Object.assign(walk, { from: at(walk), to: one(), t: 0 });
    if (!loop.playing) {
      for (const walk of walks) walk.t = 1;
      draw();
    }
  }
  // Where a walk is: noise and class, both somewhere in between.
  function at({ from, to, t }) {
    return { z: slerp(from.z, to.z, t), digit: to.digit, told: told(from, to, t) };
  }
  function told(from, to, t) {
    const begin = from.told || oneHot(from.digit);
    return begin.map((value, i) => (1 - t) * value + t * (i === to.digit));
  }
  const oneHot = (digit) => Float32Array.from({ length: classes }, (_, i) => Number(i === digit));

  let passed = 0;
  function step(seconds) {
    passed += seconds;
    if (passed < EACH) return;
    for (const walk of walks) {
      walk.t += passed / SECONDS;
      if (walk.t >= 1) Object.assign(walk, { from: walk.to, to: one(), t: 0 });
    }
    passed = 0;
    draw();
  }
  function draw() {
    const inputs = walks.map((walk) => {
      const { z, told } = at({ ...walk, t: Math.min(1, walk.t) });
      return joinedInput(z, told);
    });
    grid.show(generator(joined(inputs)));
  }
  function joinedInput(z, told) {
    const input = new Float32Array(latent + classes);
    input.set(z.map((value) => value * scale));
    input.set(told, latent);
    return input;
  }
  ask(-1);
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) loop.play();
});
