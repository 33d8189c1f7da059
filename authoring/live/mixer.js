// A generator that was told which digit to draw is told a mixture of two.
GanLessons.panel("mixer", function (root, options) {
  "use strict";
  const { digits, element, random, slider, soon, status } = GanLessons;
  const { joined, rows } = GanLessons.latent;
  const generator = GanLessons.network(options.network);
  const { latent, classes, scale, count, columns } = options;
  const at = { ...options.start };
  const grid = digits(root, { columns });
  const side = element(root, "div");
  const sliders = { digit: [0, classes - 1, 1, "digit"], other: [0, classes - 1, 1, "other digit"], share: [0, 1, 0.05, "share of the other"], noise: [0, 50, 1, "noise"] };
  for (const [name, [min, max, step, label]] of Object.entries(sliders)) {
    slider(side, { label, min, max, step, value: at[name], whole: step === 1 }, (value) => {
      at[name] = value;
      draw();
    });
  }
  const line = status(root);
  element(root, "p", { className: "small", textContent: `In the page the noise is the page's own, and only the shipped generator draws (“${options.training}”).` });
  const draw = soon(() => {
    const inputs = rows(random(at.noise).normals(count * latent), latent).map((z) => {
      const input = new Float32Array(latent + classes);
      input.set(z.map((value) => value * scale));
      input[latent + at.digit] += 1 - at.share;
      input[latent + at.other] += at.share;
      return input;
    });
    const images = generator(joined(inputs));
    const read = rows(images, 784).map((image) => GanLessons.read(image).digit);
    const asked = [...new Set([at.digit, at.other])].sort();
    const counts = asked.map((digit) => `${read.filter((each) => each === digit).length} as ${digit}`);
    const words = `Of ${count} pictures the classifier reads ${counts.join(" and ")}.`;
    grid.show(images, { label: words });
    line(words);
  });
  draw();
});
