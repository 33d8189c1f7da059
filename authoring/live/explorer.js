// The notebook's latent explorer: 64 digits along directions of the noise; tray, path and sum.
GanLessons.panel("explorer", function (root, options) {
  "use strict";
  const { button, digits, element, numbers, random, row, select, slider, status, whole } = GanLessons;
  const { joined, length, lerp, onShell, rows, slerp, sum } = GanLessons.latent;
  const { columns, letters, steps, start } = options;
  const generator = GanLessons.network(options.network);
  const directions = Object.entries(options.directions).map(([name, text]) => [name, numbers(text, "float16")]);
  const size = directions[0][1].length;
  const own = rows(numbers(options.noise, "float16"), size); // the notebook's seed 0
  const amounts = Object.fromEntries(directions.map(([name]) => [name, start[name] || 0]));
  let [noise, seed, truncation] = [own, 0, 1];
  let [moved, images] = [[], null];

  const beside = element(root, "div", { className: "beside" });
  const grid = digits(beside, { columns, zoom: 1.75, chosen: 0, label: `64 digits in ${columns} columns; arrow keys choose one` }, () => say());
  const side = element(beside, "div", { className: "grows" });
  const sliders = directions.map(([name]) =>
    slider(side, { label: name, min: -4, max: 4, step: 0.1, value: amounts[name] }, (value) => {
      amounts[name] = value;
      soon();
    }),
  );
  const shorter = slider(side, { label: "truncation", min: 0, max: 1.5, step: 0.05, value: 1 }, (value) => {
    truncation = value;
    soon();
  });
  const below = row(side);
  const seeds = whole(below, { label: "seed" }, (value) => {
    seed = value;
    draw();
  });
  button(below, "Other digits", () => {
    seeds.value = ++seed;
    draw();
  });
  button(below, "All sliders back", () => {
    directions.forEach(([name], i) => (sliders[i].value = amounts[name] = 0));
    shorter.value = truncation = 1;
    draw();
  });
  element(side, "p", { className: "small", textContent: "Seed 0 draws the notebook's digits; the others are this page's own." });
  const line = status(root);

  // While a slider moves, digits follow row by row: as many as there is time for before the next
  // picture, and then the rest.
  let next = 0;
  const go = GanLessons.soon(follow);
  function soon() {
    prepare();
    go();
  }
  function prepare() {
    if (noise.seed !== seed) noise = seed ? drawn(seed) : own;
    noise.seed = seed;
    const shift = sum(...directions.flatMap(([name, vector]) => [amounts[name], vector]));
    moved = noise.map((z) => sum(truncation, z, truncation, shift));
    images = images || new Float32Array(moved.length * 784);
    next = 0;
  }
  function follow() {
    const end = performance.now() + 12;
    while (next < moved.length && performance.now() < end) {
      const part = joined(moved.slice(next, next + columns));
      images.set(generator(part), next * 784);
      next += columns;
    }
    grid.show(images);
    if (next < moved.length) go();
    else say();
  }
  function draw() {
    prepare();
    images.set(generator(joined(moved)));
    next = moved.length;
    grid.show(images);
    say();
  }
  const drawn = (seed) => rows(random(seed).normals(own.length * size), size);

  function say() {
    const chosen = grid.chosen;
    const mean = moved.reduce((total, z) => total + length(z), 0) / moved.length;
    const ways = directions.filter(([name]) => amounts[name]).map(([name]) => `${name} ${amounts[name] > 0 ? "+" : ""}${amounts[name].toFixed(1)}`);
    line(
      `64 digits of seed ${seed}, ${ways.join(", ") || "not moved"}, truncation ${truncation.toFixed(2)}; noise ${mean.toFixed(1)} long ` +
        `on average (√${size} = ${Math.sqrt(size).toFixed(1)}). The framed one, row ${Math.floor(chosen / columns) + 1}, column ` +
        `${(chosen % columns) + 1}, looks like ${GanLessons.opinion(images.subarray(chosen * 784, (chosen + 1) * 784))}.`,
    );
  }
  draw();
  if (!options.tray) return;

  // Tray, path and sum
  const tray = own.slice(0, letters.length);
  button(below, "Keep in tray", () => {
    tray[kept.chosen] = moved[grid.chosen];
    fill();
  });
  element(root, "p", { className: "title", textContent: "Tray" });
  const label = `The tray: eight digits, ${letters[0]} to ${letters.at(-1)}; arrow keys choose the place to fill`;
  const kept = digits(root, { columns: letters.length, chosen: 0, label });
  const chosen = { begin: start.begin, end: start.end, first: letters[0], minus: letters[1], plus: letters[2] };
  const place = (parent, text, name) =>
    select(parent, { label: text, options: [...letters], value: chosen[name] }, (letter) => {
      chosen[name] = letter;
      fill();
    });
  const z = (name) => tray[letters.indexOf(chosen[name])];
  element(root, "p", { className: "title", textContent: "Path: straight above, along the arc below" });
  const ends = row(root);
  place(ends, "from", "begin");
  place(ends, "to", "end");
  const path = digits(root, { columns: steps });
  element(root, "p", { className: "title", textContent: "Sum: three digits, the sum, and the sum on the shell" });
  const terms = row(root);
  place(terms, "of", "first");
  place(terms, "−", "minus");
  place(terms, "+", "plus");
  let total = null;
  button(terms, "Keep the sum in the tray", () => {
    tray[kept.chosen] = total;
    fill();
  });
  const added = digits(root, { columns: 5 });
  const lengths = status(root);

  function fill() {
    kept.show(generator(joined(tray)), { labels: [...letters] });
    const at = Array.from({ length: steps }, (_, i) => i / (steps - 1));
    const [straight, arc] = [lerp, slerp].map((way) => at.map((t) => way(z("begin"), z("end"), t)));
    const names = `${chosen.begin} to ${chosen.end}`;
    path.show(generator(joined([...straight, ...arc])), { label: `From ${names} in ${steps} steps: above straight, below along the arc` });
    const plain = sum(1, z("first"), -1, z("minus"), 1, z("plus"));
    total = onShell(plain);
    const formula = `${chosen.first} − ${chosen.minus} + ${chosen.plus}`;
    const pictures = generator(joined([z("first"), z("minus"), z("plus"), plain, total]));
    added.show(pictures, { labels: [chosen.first, `− ${chosen.minus}`, `+ ${chosen.plus}`, "=", ""], label: `The digits of ${formula}, and the sum` });
    const half = Math.floor(steps / 2);
    lengths(
      `Half way from ${names} the straight path is ${length(straight[half]).toFixed(1)} from the centre, the arc ${length(arc[half]).toFixed(1)}. ` +
        `${formula} lies ${length(plain).toFixed(1)} from it; brought back to ${length(total).toFixed(1)} it looks like ${GanLessons.opinion(pictures.subarray(4 * 784))}.`,
    );
  }
  fill();
});
