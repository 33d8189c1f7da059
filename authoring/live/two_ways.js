// Lesson 00's first journey: one digit, steered by two sliders of the 64 directions.
GanLessons.panel("two-ways", function (root, options) {
  "use strict";
  const { digits, element, numbers, slider, status } = GanLessons;
  const generator = GanLessons.network(options.network);
  const [east, north] = [numbers(options.east), numbers(options.north)];
  const at = { ...options.start };
  const beside = element(root, "div", { className: "beside" });
  const picture = digits(beside, { columns: 1, zoom: 7 });
  const side = element(beside, "div", { className: "grows" });
  for (const [name, label] of [["x", "east"], ["y", "north"]]) {
    slider(side, { label, min: -options.reach, max: options.reach, step: 0.1, value: at[name] }, (value) => {
      at[name] = value;
      draw();
    });
  }
  const line = status(side);
  function draw() {
    const words = `The digit at (${at.x.toFixed(1)}, ${at.y.toFixed(1)})`;
    picture.show(generator(GanLessons.latent.sum(at.x, east, at.y, north)), { label: words });
    line(words);
  }
  draw();
});
