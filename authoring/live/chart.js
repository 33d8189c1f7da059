// Axes on a drawing, and what stands in them: lines, stairs, dots, a legend.
(function () {
"use strict";
const LETTERS = "13px system-ui, sans-serif";
const minus = (number) => String(Number(number.toPrecision(6))).replace("-", "−");

// Round numbers inside a range, about `count` of them.
function ticks([low, high], count = 5) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

// Axes in the box [left, top, right, bottom] of a pen, over ranges x and y. `bare`: no x letters.
function axes(pen, colours, [left, top, right, bottom], { x, y, xlabel = "", ylabel = "", bare = false }) {
  const X = (value) => left + (value - x[0]) / (x[1] - x[0]) * (right - left);
  const Y = (value) => bottom - (value - y[0]) / (y[1] - y[0]) * (bottom - top);
  pen.font = LETTERS;
  pen.lineWidth = 1;
  pen.setLineDash([]);
  pen.fillStyle = colours.ink;
  const grid = (colour, a, b, c, d) => {
    pen.strokeStyle = colour;
    pen.beginPath();
    pen.moveTo(a, b);
    pen.lineTo(c, d);
    pen.stroke();
  };
  for (const tick of ticks(x)) {
    grid(colours.line, X(tick), top, X(tick), bottom);
    pen.textAlign = "center";
    if (!bare) pen.fillText(minus(tick), X(tick), bottom + 16);
  }
  for (const tick of ticks(y, Math.max(2, (bottom - top) / 40))) {
    grid(colours.line, left, Y(tick), right, Y(tick));
    pen.textAlign = "right";
    pen.fillText(minus(tick), left - 6, Y(tick) + 4);
  }
  grid(colours.ink, left, top, left, bottom);
  grid(colours.ink, left, bottom, right, bottom);
  pen.textAlign = "center";
  if (!bare) pen.fillText(xlabel, (left + right) / 2, bottom + 34);
  pen.save();
  pen.translate(left - 44, (top + bottom) / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText(ylabel, 0, 0);
  pen.restore();
  const names = [];
  const inside = (act) => { // what leaves the axes is not drawn
    pen.save();
    pen.beginPath();
    pen.rect(left, top - 4, right - left + 4, bottom - top + 8);
    pen.clip();
    act();
    pen.restore();
  };
  return {
    X, Y, inside,
    // A line through (xs, ys); with a name it is in the legend.
    line(xs, ys, { colour = colours.ink, dash = [], width = 1.8, name = "" }) {
      inside(() => {
        [pen.strokeStyle, pen.lineWidth] = [colour, width];
        pen.setLineDash(dash);
        pen.beginPath();
        xs.forEach((at, i) => pen.lineTo(X(at), Y(Math.min(1e6, Math.max(-1e6, ys[i])))));
        pen.stroke();
      });
      if (name) names.push([name, colour, dash]);
    },
    dot(at, value, { colour = colours.ink, radius = 4, hollow = false, square = false }) {
      inside(() => {
        pen.beginPath();
        if (square) pen.rect(X(at) - radius, Y(value) - radius, 2 * radius, 2 * radius);
        else pen.arc(X(at), Y(value), radius, 0, 7);
        [pen.fillStyle, pen.strokeStyle, pen.lineWidth] = [hollow ? colours.paper : colour, colour, 1.5];
        pen.setLineDash([]);
        pen.fill();
        pen.stroke();
      });
    },
    legend() { // at the upper right, with the lines as they are drawn
      pen.font = LETTERS;
      pen.textAlign = "left";
      const width = Math.max(...names.map(([name]) => pen.measureText(name).width)) + 40;
      pen.fillStyle = colours.paper;
      pen.fillRect(right - width, top, width, 18 * names.length + 4);
      names.forEach(([name, colour, dash], i) => {
        const y = top + 18 * i + 10;
        [pen.strokeStyle, pen.lineWidth] = [colour, 1.8];
        pen.setLineDash(dash);
        pen.beginPath();
        pen.moveTo(right - width + 4, y);
        pen.lineTo(right - width + 30, y);
        pen.stroke();
        pen.fillStyle = colours.ink;
        pen.fillText(name, right - width + 36, y + 4);
      });
    },
  };
}

window.GanLessons.axes = axes;
})();
