// Real or fake? Digits of both kinds, mixed; the answer when it is asked for, and others to try.
GanLessons.panel("line-up", function (root, options) {
  "use strict";
  const { button, digits, numbers, random, row, status, tick } = GanLessons;
  const people = GanLessons.latent.rows(numbers(options.people, "uint8"), 784).map((image) => Float32Array.from(image, (grey) => grey / 127.5 - 1));
  const generator = GanLessons.network(options.network);
  const n = options.real.length * 2;
  const grid = digits(root, { columns: options.columns });
  const controls = row(root);
  const answer = tick(controls, { label: "show the answer" }, show);
  button(controls, "Another line-up", () => deal(++seed));
  const line = status(root);
  let seed = 0;
  let images = Float32Array.from(numbers(options.pixels, "uint8"), (grey) => grey / 127.5 - 1); // the notebook's
  let real = new Set(options.real);

  function deal(seed) {
    const chance = random(seed);
    const take = (from, count) => {
      const left = [...from];
      return Array.from({ length: count }, () => left.splice(chance.integer(left.length), 1)[0]);
    };
    const places = Array.from({ length: n }, (_, place) => place);
    real = new Set(take(places, n / 2));
    const shown = take(people, n / 2);
    images = generator(chance.normals(n * options.latent));
    [...real].forEach((place, i) => images.set(shown[i], place * 784));
    answer.checked = false;
    show();
  }
  function show() {
    const labels = Array.from({ length: n }, (_, place) => (answer.checked ? (real.has(place) ? "real" : "fake") : String(place)));
    grid.show(images, { labels, label: `${n} digits, ${answer.checked ? labels.join(", ") : `numbered from 0; ${n / 2} are real`}` });
    line(answer.checked ? `Real are ${[...real].sort((a, b) => a - b).join(", ")}; the others are fakes.` : `${n / 2} of the ${n} are real. Choose, and then look.`);
  }
  show();
});
