// What every page shares: panels that take the place of their stills, and what panels are made of.
// A classic script, as pages are opened from disk, where modules are refused. It adds to the one
// global, GanLessons; so does each script of a panel.
(function () {
  "use strict";
  const GanLessons = (window.GanLessons = {});
  const makers = {};

  GanLessons.views = {}; // the notebook's own views, by the name of their file
  GanLessons.networks = {}; // weights that the page brings along

  // Panels

  // make(root, options) fills an empty element that stands in the place of the still.
  GanLessons.panel = function (name, make) {
    makers[name] = make;
  };

  GanLessons.start = function () {
    for (const place of document.querySelectorAll("[data-panel]")) {
      const options = place.querySelector("script[type='application/json']");
      const root = element(null, "div", { className: "live" });
      place.append(root);
      try {
        makers[place.dataset.panel](root, JSON.parse(options.textContent));
        place.classList.add("alive"); // the still stays for the printer
      } catch (error) { // one that fails keeps its still, and the others live
        console.error(error);
        root.remove();
      }
    }
  };

  // Elements

  const element = (GanLessons.element = function (parent, tag, properties = {}) {
    const made = Object.assign(document.createElement(tag), properties);
    if (parent) parent.append(made);
    return made;
  });

  GanLessons.row = (parent) => element(parent, "div", { className: "row" });

  // A sentence that is read aloud when it changes: GanLessons.status(root)("two of three").
  GanLessons.status = function (parent) {
    const line = element(parent, "p", { className: "status" });
    line.setAttribute("role", "status");
    return (text) => {
      if (line.textContent !== text) line.textContent = text;
    };
  };

  GanLessons.button = function (parent, text, does) {
    const made = element(parent, "button", { type: "button", textContent: text });
    made.addEventListener("click", () => does());
    return made;
  };

  function labelled(parent, text, control) {
    const label = element(parent, "label", { className: "control" });
    label.append(`${text} `, control);
    return control;
  }

  // Options are texts, or pairs of value and text. Returns the select; values are texts.
  GanLessons.select = function (parent, { label, options, value }, changed) {
    const made = labelled(parent, label, document.createElement("select"));
    for (const option of options) {
      const [each, text] = Array.isArray(option) ? option : [option, option];
      element(made, "option", { value: each, textContent: text });
    }
    if (value !== undefined) made.value = value;
    made.addEventListener("change", () => changed(made.value));
    return made;
  };

  GanLessons.tick = function (parent, { label, value = false }, changed) {
    const made = labelled(parent, label, element(null, "input", { type: "checkbox" }));
    made.checked = value;
    made.addEventListener("change", () => changed(made.checked));
    return made;
  };

  // A whole number; one outside the range becomes the nearest inside.
  GanLessons.whole = function (parent, { label, min = 0, max = 999999, value = min }, changed) {
    const made = labelled(parent, label, element(null, "input", { type: "number", min, max, value }));
    made.addEventListener("change", () => {
      made.value = Math.min(max, Math.max(min, Math.round(Number(made.value) || 0)));
      changed(Number(made.value));
    });
    return made;
  };

  // The notebook's slider: a range, and a field to type into. It reports while it moves, or, if it
  // is not continuous, when it is let go.
  // Returns {value} to read and to write; writing does not report.
  GanLessons.slider = function (parent, { label, min, max, step = 0.1, value, log = false, whole = false, tooltip, continuous = true }, changed) {
    const traits = { description: label, label_width: "8em", min, max, step, value, log, whole, tooltip, continuous };
    const refusal = element(null, "p", { className: "small" });
    refusal.setAttribute("role", "alert");
    const take = (number) => {
      refusal.remove();
      changed(number);
    };
    const wrong = (typed, number) => {
      if (!typed.trim() || Number.isNaN(number)) return `${label} = “${typed}” is no number.`;
      if (!(number >= min && number <= max)) return `${label} = ${typed} is out of range. Choose from ${min} to ${max}.`;
      return whole && !Number.isInteger(number) ? `${label} = ${typed} is no whole number.` : "";
    };
    const model = GanLessons.model(traits, {
      saved: () => take(model.get("value")),
      sent: ({ typed }) => {
        const number = Number(typed.replace("−", "-").replace(",", "."));
        const why = wrong(typed, number);
        if (why) {
          refusal.textContent = `⚠ ${why}`;
          view.after(refusal);
        } else {
          model.set("value", number);
          take(number);
        }
        model.tell("msg:custom", { show: true }); // also what was there before
      },
    });
    const view = GanLessons.show(parent, "slider", model);
    return {
      get value() { return model.get("value"); },
      set value(number) { model.set("value", number); },
    };
  };

  // The notebook's views: what they expect of a kernel

  // saved() after the view has changed a trait by hand, sent(message) when it says something.
  GanLessons.model = function (traits, { saved = () => {}, sent = () => {} } = {}) {
    const listeners = [];
    const model = {
      get: (name) => traits[name],
      set: (name, value) => model.put({ [name]: value }),
      put(changes) { // several at once, one redraw
        Object.assign(traits, changes);
        for (const name of Object.keys(changes)) model.tell(`change:${name}`);
        model.tell("change");
      },
      save_changes: () => saved(),
      send: (message) => sent(message),
      on: (event, does) => listeners.push([event, does]),
      off(event, does) {
        const at = listeners.findIndex(([name, each]) => name === event && each === does);
        if (at >= 0) listeners.splice(at, 1);
      },
      tell(event, message) {
        for (const [name, does] of [...listeners]) if (name === event) does(message);
      },
    };
    return model;
  };

  GanLessons.show = function (parent, view, model) {
    const el = element(parent, "div", { className: `view ${view}` });
    GanLessons.views[view].render({ model, el });
    return el;
  };

  // Pictures

  const SIDE = 28;
  const LINE = 2; // pixels between two digits

  // Digits side by side, as the notebook's canvas shows them: sharp at every size of a pixel.
  // With chosen ≥ 0 one of them can be chosen. show(images, {labels, label}) takes numbers from
  // −1 to 1, 784 for each digit.
  GanLessons.digits = function (parent, { columns = 8, zoom = 2, chosen = -1, label = "" }, choose = () => {}) {
    const tile = SIDE + LINE;
    const model = GanLessons.model(
      { pixels: new DataView(new ArrayBuffer(0)), width: 0, height: 0, zoom, tile, chosen, labels: [], label },
      { saved: () => choose(model.get("chosen")) },
    );
    GanLessons.show(parent, "canvas", model);
    return {
      get chosen() { return model.get("chosen"); },
      show(images, said = {}) {
        const n = images.length / (SIDE * SIDE);
        const across = Math.min(columns, n);
        const [width, height] = [across * tile, Math.ceil(n / across) * tile];
        const pixels = new Uint8Array(width * height).fill(255); // empty places are white
        for (let i = 0; i < n; i++) {
          const corner = Math.floor(i / across) * tile * width + (i % across) * tile;
          for (let y = 0; y < tile; y++) {
            for (let x = 0; x < tile; x++) {
              const inside = x > 0 && y > 0 && x <= SIDE && y <= SIDE;
              const value = inside ? images[i * SIDE * SIDE + (y - 1) * SIDE + x - 1] : -0.4;
              pixels[corner + y * width + x] = (Math.min(1, Math.max(-1, value)) + 1) * 127.5;
            }
          }
        }
        model.put({ pixels: new DataView(pixels.buffer), width, height, ...said });
      },
    };
  };

  // A drawing that is sharp on every screen: draw(pen, width, height, colours) is called again when
  // the width or the colours of the page change. Returns {element, redraw()}; height is in pixels
  // of the page at full width, and shrinks with it.
  GanLessons.drawing = function (parent, { width, height, label = "" }, draw) {
    const canvas = element(parent, "canvas", { className: "drawing" });
    canvas.style.width = `min(100%, ${width}px)`;
    canvas.style.aspectRatio = `${width} / ${height}`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label);
    function redraw() {
      const shown = canvas.clientWidth || width;
      const ratio = window.devicePixelRatio || 1;
      [canvas.width, canvas.height] = [Math.round(shown * ratio), Math.round((shown * height * ratio) / width)];
      const pen = canvas.getContext("2d");
      const scale = (shown * ratio) / width;
      pen.scale(scale, scale);
      draw(pen, width, height, GanLessons.colours());
    }
    new ResizeObserver(redraw).observe(canvas);
    document.addEventListener("gan-colours", redraw);
    return { element: canvas, redraw };
  };

  // The course's colours as the page has them now: real, fake, discriminator, ink, paper, faint, line.
  GanLessons.colours = function () {
    const names = ["real", "fake", "discriminator", "ink", "paper", "faint", "line"];
    const probe = element(document.body, "i"); // a canvas knows no variables, and no light-dark()
    const colours = names.map((name) => {
      probe.style.color = `var(--${name})`;
      return [name, getComputedStyle(probe).color];
    });
    probe.remove();
    return Object.fromEntries(colours);
  };

  // Time

  // frame(seconds since the last) for each picture on the screen, while it plays and can be seen.
  // It pauses when it cannot, and goes on. changed(playing) when it is started or stopped.
  GanLessons.loop = function (root, frame, changed = () => {}) {
    let before = 0;
    let seen = true;
    const loop = {
      playing: false,
      play() { turn(true); },
      pause() { turn(false); },
    };
    function turn(on) {
      if (on === loop.playing) return;
      loop.playing = on;
      changed(on);
      if (on) start();
    }
    function start() {
      before = performance.now();
      requestAnimationFrame(tick);
    }
    function tick(now) {
      if (!loop.playing || !seen) return;
      frame(Math.min(0.1, Math.max(0, now - before) / 1000)); // what was hidden is not caught up
      before = now;
      requestAnimationFrame(tick);
    }
    new IntersectionObserver((entries) => {
      const now = entries[entries.length - 1].isIntersecting;
      if (now && !seen && loop.playing) start();
      seen = now;
    }).observe(root);
    return loop;
  };

  // Button that plays and pauses a loop.
  GanLessons.playButton = function (parent, root, frame) {
    const button = GanLessons.button(parent, "Play", () => (loop.playing ? loop.pause() : loop.play()));
    const loop = GanLessons.loop(root, frame, (on) => (button.textContent = on ? "Pause" : "Play"));
    return loop;
  };

  // Does something at most once for each picture on the screen, however often it is asked for.
  GanLessons.soon = function (does) {
    let waiting = false;
    return () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        does();
      });
    };
  };

  // Chance

  // One seed, one sequence (mulberry32); normal numbers after Box and Muller 1958.
  GanLessons.random = function (seed) {
    let state = seed >>> 0;
    let spare = null;
    const random = {
      get state() { return [state, spare]; }, // to go on from, later
      set state(past) { [state, spare] = past; },
      uniform() { // in [0, 1)
        state = (state + 0x6d2b79f5) >>> 0;
        let x = Math.imul(state ^ (state >>> 15), state | 1);
        x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
        return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
      },
      integer: (n) => Math.floor(random.uniform() * n), // from 0 to n − 1
      normal() {
        if (spare !== null) {
          const kept = spare;
          spare = null;
          return kept;
        }
        const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
        const angle = 2 * Math.PI * random.uniform();
        spare = radius * Math.sin(angle);
        return radius * Math.cos(angle);
      },
      normals: (n) => Float32Array.from({ length: n }, () => random.normal()),
    };
    return random;
  };

  // Memory: what the browser keeps of a reader's answers, for all pages together

  const STORE = "gan-lessons";

  function everything() {
    try {
      return JSON.parse(localStorage.getItem(STORE)) || {};
    } catch {
      return {}; // storage is switched off, or not ours
    }
  }

  GanLessons.kept = (key) => everything()[key];

  // Whether it could be kept.
  GanLessons.keep = function (key, value) {
    try {
      localStorage.setItem(STORE, JSON.stringify({ ...everything(), [key]: value }));
      return true;
    } catch {
      return false;
    }
  };

  GanLessons.keepAll = function (all) {
    localStorage.setItem(STORE, JSON.stringify(all));
  };

  GanLessons.everything = everything;

  // Bytes of base64, as numbers: GanLessons.numbers(text, "float16") → Float32Array.
  GanLessons.numbers = function (text, kind = "float32") {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    if (kind === "uint8") return bytes;
    if (kind === "float32") return new Float32Array(bytes.buffer);
    return Float32Array.from(new Uint16Array(bytes.buffer), half);
  };

  // IEEE 754's half precision: sign, 5 bits of exponent, 10 of fraction.
  function half(bits) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24;
    return bits & 32768 ? -size : size;
  }
})();
