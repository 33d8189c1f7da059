// The notebook's sketchpad: a digit is drawn, the classifier reads it, and D gives its logit.
GanLessons.panel("sketchpad", function (root, options) {
  "use strict";
  const { button, element, numbers, row, select, soon, status, tick } = GanLessons;
  const SIDE = 28;
  const SCALE = "Where D's logit lies among those of real digits and of fakes; the sentence above says it.";
  const discriminator = GanLessons.network(options.discriminator);
  const examples = GanLessons.latent.rows(numbers(options.examples, "uint8"), SIDE * SIDE);
  const sheet = GanLessons.model({ drawing: bytes(examples[options.first]), erase: false, name: "Sheet" }, { saved: soon(look) });
  const tools = row(root);
  tick(tools, { label: "Rubber" }, (on) => sheet.set("erase", on));
  button(tools, "Clear", () => put(new Uint8Array(SIDE * SIDE)));
  button(tools, "Centre", () => put(centred(ink())));
  const digit = select(tools, { label: "Example", options: examples.map((_, i) => String(i)), value: String(options.first) }, () => put(examples[digit.value]));
  const beside = element(root, "div", { className: "beside" });
  GanLessons.show(beside, "sketchpad", sheet);
  const side = element(beside, "div", { className: "grows" });
  const line = status(side);
  const width = Math.min(420, window.innerWidth - 60); // letters keep their size on a phone
  const scale = GanLessons.drawing(side, { width, height: 120, label: SCALE }, paint);
  element(side, "p", { className: "small", textContent: "What D wishes, and the search for the nearest digit of the generator, are in the notebook." });
  let logit = null;

  function bytes(image) {
    return new DataView(image.slice().buffer);
  }
  function ink() {
    const { buffer, byteOffset, byteLength } = sheet.get("drawing");
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
  function put(image) {
    sheet.set("drawing", bytes(image));
    look();
  }

  // The ink's centre of mass in the middle, where that of every MNIST digit is.
  function centred(image) {
    let [total, right, down] = [0, 0, 0];
    image.forEach((value, i) => {
      total += value;
      right += value * (i % SIDE);
      down += value * Math.floor(i / SIDE);
    });
    if (!total) return image;
    const [x, y] = [right, down].map((moment) => Math.round(SIDE / 2 - 0.5 - moment / total));
    const moved = new Uint8Array(image.length);
    image.forEach((value, i) => {
      const [column, line] = [((i % SIDE) + x + SIDE) % SIDE, (Math.floor(i / SIDE) + y + SIDE) % SIDE];
      moved[line * SIDE + column] = value;
    });
    return moved;
  }

  const below = (quantiles) => Math.round((100 * quantiles.filter((value) => value < logit).length) / quantiles.length);
  function look() {
    const drawn = ink();
    if (!drawn.some(Boolean)) {
      logit = null;
      line("Nothing is drawn yet: draw a digit on the black sheet, or load an example.");
    } else {
      const image = Float32Array.from(drawn, (value) => value / 127.5 - 1);
      logit = discriminator(image)[0];
      line(
        `The classifier reads ${GanLessons.opinion(image)}. D's logit is ${logit > 0 ? "+" : ""}${logit.toFixed(2)}: ` +
          `above ${below(options.real)}% of real digits and ${below(options.fake)}% of the generator's.`,
      );
    }
    scale.redraw();
  }

  // Where D's logit lies among those of real digits and of fakes: middle halves and nine tenths.
  function paint(pen, width, height, colours) {
    pen.font = "13px system-ui, sans-serif";
    const [least, most] = [Math.min(options.real[0], options.fake[0], logit ?? 0), Math.max(options.real.at(-1), options.fake.at(-1), logit ?? 0)];
    const x = (value) => 50 + ((value - least) / (most - least)) * (width - 60);
    [["real", options.real, colours.real], ["fake", options.fake, colours.fake]].forEach(([name, values, colour], i) => {
      const y = 22 + 32 * i;
      const at = (share) => x(values[Math.round(share * (values.length - 1))]);
      pen.fillStyle = colour;
      pen.fillRect(at(0.05), y - 1.5, at(0.95) - at(0.05), 3);
      pen.fillRect(at(0.25), y - 7, at(0.75) - at(0.25), 14);
      pen.fillStyle = colours.ink;
      pen.fillText(name, 4, y + 4);
    });
    pen.fillText("D's logit", 4, 108);
    if (logit === null) return;
    pen.fillRect(x(logit) - 1.5, 4, 3, 80);
    pen.textAlign = "center";
    pen.fillText(`${logit > 0 ? "+" : ""}${logit.toFixed(2)}`, Math.min(width - 20, Math.max(70, x(logit))), 108);
    pen.textAlign = "left";
  }
  look();
});
