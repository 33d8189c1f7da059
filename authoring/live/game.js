// The playground in the page: a GAN in the plane that trains before your eyes. What a control is
// called and may be comes from the package (authoring/live/plane.py), the picture is the notebook's.
(function () {
"use strict";
const { Live, plane, planeView, row, button, select, tick, slider, status, element, views } = window.GanLessons;
const BUSY = 0.6, SLICE = 40; // share of the time that steps may take while playing; ms of steps in a row, at most
const SHARE = 4; // of the time at most 1/(1 + SHARE) goes into what is to be drawn

const MOVING = "The run goes on; the sentence beside it says what is seen."; // while nobody is interrupted

class Refused extends Error {}

class Playground {
  constructor(root, options) {
    Object.assign(this, { root, options, controls: {}, strokes: [], coverages: {}, cost: 0, drawn: 0, due: 0, words: "" });
    const usual = (of) => Object.fromEntries(Object.keys(of).map((name) => [name, options.usual[name]]));
    this.views = usual(options.views);
    this.choices = usual(options.choices);
    Object.keys(options.seen).forEach((name) => this.look(name, options.seen[name]));
    root.id = options.name;
    root.classList.add("gan-playground");
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "Playground: a GAN in the plane");
    this.loop = window.GanLessons.loop(root, (seconds) => this.frame(seconds), () => this.label());
    this.build();
    const near = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      near.disconnect();
      this.begin();
    }, { rootMargin: "300px" });
    near.observe(root); // what nobody looks at is not computed
    if (this.named) this.reveal();
    window.addEventListener("hashchange", () => this.attempt(() => this.follow()));
    document.addEventListener("gan-colours", () => this.canvases.forEach((canvas) => canvas.put({})));
  }

  // Runs

  begin() {
    const { start, branch, steps } = this.options;
    if (this.live || this.follow()) return;
    this.restart(branch ? [start, { ...start, ...branch }] : [start], "Ready.");
    this.ahead = steps;
    this.warm();
  }

  // The steps that the lesson has done before, a few at a time, unless a hand moves something.
  warm() {
    if (!this.ahead) return;
    const from = performance.now();
    while (this.ahead && performance.now() - from < SLICE) {
      this.live.advance();
      this.ahead -= 1;
    }
    if (this.ahead) {
      this.say(`The first ${this.options.steps} steps …`);
      if (performance.now() - this.drawn > 300) this.draw();
      setTimeout(() => this.warm());
    } else {
      this.live.keep();
      this.show(`${this.options.steps} steps are done, with the browser's own random numbers.`);
    }
  }

  restart(plans, message = "A new run.") {
    plans.forEach((plan) => this.check(plan));
    this.live = new Live(plans.map((plan) => new plane.Game(plan, this.coverageOf(plan))));
    Object.assign(this, { words: "", playedFrom: 0, ahead: 0 });
    this.show(message);
  }

  coverageOf({ data, points }) {
    const { drawn_std: std, data: known } = this.options;
    if (data === "drawn") return new plane.Coverage(new plane.Mixture({ centres: points.flat(), std }));
    const { centres, std: width } = known[data];
    return (this.coverages[data] = this.coverages[data] || new plane.Coverage(
      new plane.Mixture({ centres: window.GanLessons.numbers(centres), std: width })));
  }

  // A setting by hand. What a run is built with starts a new run, or two.
  set(name, value) {
    this.ahead = 0;
    const { games, active } = this.live, shared = ["data", "points", "batch_size", "seed"].includes(name);
    this.check({ ...games[active].settings, [name]: value });
    if (this.options.settings[name].fixed) {
      this.restart(games.map(({ settings }, i) => (shared || i === active ? { ...settings, [name]: value } : settings)));
      this.live.active = active;
    } else {
      this.live.set(name, value);
    }
  }

  // Refuse what the package refuses.
  check(plan) {
    if (plan.data === "drawn") this.checkPoints(plan.points);
    if (plan.label_smoothing && !plane.SMOOTHED.includes(plan.objective)) {
      throw new Refused(`label_smoothing is ${plan.label_smoothing}, but the objective '${plan.objective}' has no labels `
        + "to smooth; set it to 0, or choose minimax or non_saturating.");
    }
  }

  checkPoints(points) {
    if (!points.length) throw new Refused("Nothing is drawn yet: draw, type points or load a drawing.");
    const inside = plane.EDGE - 0.2, most = this.options.most_points;
    if (points.length > most) throw new Refused(`There are ${points.length} points; draw 1 to ${most}.`);
    for (const [x, y] of points) {
      if (!(Math.abs(x) <= inside && Math.abs(y) <= inside)) {
        throw new Refused(`The point (${x}, ${y}) is outside the plane; choose both numbers from -${inside} to ${inside}.`);
      }
    }
  }

  take(points) {
    this.restart(this.live.games.map(({ settings }) => ({ ...settings, data: "drawn", points })));
  }

  // Time

  frame(seconds) {
    const { speed } = this.choices, from = performance.now(), slow = speed === "slow";
    const budget = Math.min(SLICE, Math.max(12, 1000 * BUSY * seconds));
    this.due += slow ? seconds / this.options.slow_motion : seconds * speed;
    let moved = false;
    const more = () => (speed ? this.due >= 1 : true) && performance.now() - from < budget && this.loop.playing;
    this.attempt(() => {
      while (more()) {
        this.due -= 1;
        moved = true;
        if (slow) this.half(this.live.game.turn === "discriminator" ? "generator" : "discriminator");
        else this.live.advance();
        const reason = this.live.game.turn ? "" : planeView.reasonToPause(this.choices.until, this.live.game, this.playedFrom);
        if (reason) this.pause(`Paused at step ${this.live.step.toLocaleString("en")}: ${reason}`);
      }
    });
    this.due = speed ? Math.min(this.due, 1) : 0;
    if (moved && this.loop.playing && from - this.drawn >= SHARE * this.cost) this.show("Training.");
  }

  play() {
    this.playedFrom = this.live.step;
    this.due = this.choices.speed === "slow" ? 1 : 0;
    if (this.choices.speed !== "slow") this.words = "";
    this.loop.play();
  }

  pause(message = `Paused at step ${this.live.step.toLocaleString("en")}.`) {
    this.loop.pause();
    this.show(message);
  }

  half(turn) {
    this.words = planeView.told(this.live.game, turn, () => this.live.advance(turn));
  }

  // A command of a hand: a refusal is a sentence, and the controls show again what holds.
  attempt(act, message) {
    try {
      act();
      if (message !== undefined) this.show(message);
    } catch (error) {
      if (!(error instanceof Refused || error instanceof plane.Diverged)) throw error;
      if (error instanceof plane.Diverged) this.loop.pause();
      const back = this.live.steps[this.live.steps.length - 1];
      this.show(`⚠ ${error.message}${error instanceof plane.Diverged ? ` You can rewind to step ${back}.` : ""}`);
    }
  }

  // Controls

  build() {
    const { root, options } = this;
    this.buttons = {};
    this.lists = {};
    this.moves(row(root));
    this.guide = row(root);
    this.guide.style.display = "none";
    this.two = row(root);
    for (const run of [0, 1]) this.press(this.two, `run${run + 1}`, () => this.attempt(() => { this.live.active = run; }, ""));
    for (const run of [0, 1]) this.press(this.two, `keep${run + 1}`, () => this.attempt(() => this.live.keepOnly(run), `Run ${run + 1} goes on alone.`));
    this.runs = element(root, "div", { className: "gan-runs" });
    this.canvases = [0, 1].map((run) => this.canvas(run));
    this.say = status(root);
    const main = element(root, "div", { className: "gan-controls" });
    options.main.forEach((name) => this.control(main, name));
    this.rewinder = element(element(main, "label", { className: "control", textContent: "rewind to step " }), "input", { type: "range", min: 0, max: 0 });
    this.rewinder.addEventListener("change", () => this.rewind(this.live.steps[this.rewinder.value]));
    this.help = element(root, "p", { className: "gan-help" });
    this.folds();
    const tell = ({ target }) => {
      const about = target.closest("[data-help]");
      if (about) this.help.textContent = about.dataset.help;
    };
    root.addEventListener("focusin", tell);
    root.addEventListener("pointerover", tell);
  }

  moves(moves) {
    const now = () => `Paused at step ${this.live.step.toLocaleString("en")}.`;
    const by = (act) => () => {
      this.loop.pause();
      this.words = "";
      this.attempt(() => {
        act();
        this.show(now());
      });
    };
    this.press(moves, "play", () => (this.loop.playing ? this.pause() : this.play()));
    this.press(moves, "step", by(() => this.live.advance()));
    this.press(moves, "step_d", by(() => this.half("discriminator")));
    this.press(moves, "step_g", by(() => this.half("generator")));
    this.press(moves, "reset", () => this.attempt(() => this.restart(this.live.games.map(({ settings }) => settings))));
    this.press(moves, "branch", () => this.attempt(() => this.live.branch(),
      `Two runs from step ${this.live.step.toLocaleString("en")}: controls now move run 2.`));
    this.press(moves, "guide", () => this.guided(0));
    const link = button(moves, "Link to this run", () => this.link());
    link.dataset.help = "Puts the settings into the address of this page: who opens it starts with them.";
    this.list("speed", moves, "speed");
    this.list("until", moves, "play until");
  }

  press(parent, name, act) {
    const [text, help] = this.options.buttons[name];
    this.buttons[name] = button(parent, text, () => {
      this.ahead = 0;
      act();
    });
    this.buttons[name].dataset.help = help;
  }

  list(name, parent, label) {
    const options = Object.entries(this.options.choices[name]).map(([text, value]) => [String(value), text]);
    const change = (value) => this.attempt(() => { this.look(name, value); this.playedFrom = this.live.step; }, "");
    this.lists[name] = select(parent, { label, options, value: String(this.choices[name]) }, change);
  }

  control(parent, name) {
    const { label, help, options, ...range } = this.options.settings[name], place = element(parent, "div");
    place.dataset.help = help;
    const value = this.options.start[name], change = (to) => this.attempt(() => this.set(name, to), "");
    this.controls[name] = options ? select(place, { label, options, value }, change) : slider(place, { label, value, continuous: false, ...range }, change);
    this.controls[name].place = place;
  }

  fold(title, purpose) {
    const fold = element(this.root, "details"), heading = element(fold, "summary", { textContent: title });
    heading.dataset.help = purpose;
    element(fold, "p").append(element(null, "em", { textContent: purpose }));
    return element(fold, "div", { className: "gan-controls" });
  }

  folds() {
    const { options } = this, seen = this.fold("What is shown", "Layers of the picture.");
    this.list("field", seen, "background");
    this.ticks = Object.fromEntries(Object.entries(options.views).map(([name, label]) => [name,
      tick(seen, { label, value: this.views[name] }, (on) => { this.views[name] = on; this.show(""); })]));
    const stories = this.fold("Stories", "Four ways that such a game can go; each starts a new run.");
    stories.className = "row";
    this.stories = stories.parentElement;
    for (const name of Object.keys(options.stories)) this.press(stories, name, () => this.attempt(() => this.story(name)));
    this.ownData(this.fold("Own data", "Every point becomes the middle of a small Gaussian."));
    for (const [group, purpose] of Object.entries(options.folds)) {
      const fold = this.fold(group, purpose);
      for (const [name, setting] of Object.entries(options.settings)) {
        if (setting.group === group && !options.main.includes(name)) this.control(fold, name);
      }
    }
  }

  ownData(fold) {
    this.pen = tick(fold, { label: "Draw your own data" }, (taken) => {
      this.strokes = [];
      if (taken) this.loop.pause();
      this.show(taken ? "Draw on the plane; a new run starts with every stroke." : "");
    });
    const label = element(fold, "label", { className: "control", textContent: "or type points x, y; " });
    const typed = element(label, "input", { type: "text", placeholder: "0, 0; 1, 0.5; -1, 1" });
    typed.addEventListener("change", () => this.attempt(() => this.take(parsed(typed.value))));
    const names = ["–", ...Object.keys(this.options.drawings)];
    select(fold, { label: "or load a drawing", options: names }, (name) => {
      if (name !== "–") this.attempt(() => this.take(this.options.drawings[name]));
    });
  }

  // A sentence of the guided minute, pointing at a part; after the last it is over.
  guided(at) {
    const { minute } = this.options, [words, part] = minute[at] || ["", ""];
    const parts = { play: this.buttons.play, lr_discriminator: this.controls.lr_discriminator.place, stories: this.stories };
    for (const [name, each] of Object.entries(parts)) each.classList.toggle("gan-look", name === part);
    this.canvases.forEach((canvas) => canvas.put({ look: part }));
    this.guide.style.display = words ? "" : "none";
    this.guide.replaceChildren();
    if (!words) return;
    status(this.guide)(`${at + 1} of ${minute.length}: ${words}`);
    button(this.guide, at + 1 < minute.length ? "Next" : "Done", () => this.guided(at + 1)).focus();
    button(this.guide, "Leave the guide", () => this.guided(minute.length));
  }

  canvas(run) {
    const empty = new Float32Array(0);
    const model = window.GanLessons.model({
      edge: plane.EDGE, real: empty, fake: empty, arrows: empty, field: new Uint8Array(0), grid: empty, lines: 0,
      dense: true, curves: empty, charts: true, floor: 0, covers: "", marks: [], title: "", label: "The plane, before the first step", curves_label: "Curves, before the first step",
      chosen: -1, note: "", told: "", arrow: empty, look: "", narrow: false, drawing: false,
    }, {
      saved: () => this.show(""),
      sent: ({ stroke }) => this.attempt(() => this.take(this.strokes = [...this.strokes, ...stroke])),
    });
    model.el = window.GanLessons.show(this.runs, "playground", model);
    return model;
  }

  story(name) {
    const { defaults, stories } = this.options, { arrows = false, ...own } = stories[name];
    this.views.arrows = arrows;
    this.restart([{ ...defaults, ...own }], `The story is ${name}. ${this.options.buttons[name][1]}`);
    this.play();
  }

  rewind(step) {
    this.ahead = 0;
    this.loop.pause();
    this.attempt(() => this.live.rewind(step), `Back at step ${step.toLocaleString("en")}.`);
  }

  // A view, or one of the lists beside the settings.
  look(name, value) {
    const { views, choices } = this.options;
    if (name in views) {
      this.views[name] = value === true || value === "true";
      return;
    }
    const known = Object.values(choices[name]).find((each) => String(each) === String(value));
    if (known === undefined) throw new Refused(`${name} is ${value}; choose one of ${Object.values(choices[name]).join(", ")}.`);
    this.choices[name] = known;
  }

  // The address: #name?setting=value&…

  link() {
    const { defaults, usual, seen, name } = this.options, said = new URLSearchParams();
    const before = { ...defaults, ...usual, ...seen };
    for (const [key, value] of Object.entries({ ...this.live.game.settings, ...this.views, ...this.choices })) {
      if (key === "points" && value.length) said.set(key, value.map((point) => point.map((x) => +x.toFixed(2))).join(";"));
      else if (String(value) !== String(before[key])) said.set(key, value);
    }
    history.replaceState(null, "", `#${name}?${said}`);
    if (navigator.clipboard) navigator.clipboard.writeText(location.href).catch(() => {});
    this.show("The address of this page now holds the settings of this run: copy it from there. Who opens it starts from the seed.");
  }

  // Whether the address asks for something of this panel.
  get named() { return location.hash.startsWith(`#${this.options.name}?`); }

  reveal() {
    for (let fold = this.root; (fold = fold.parentElement.closest("details")); ) fold.open = true;
    this.root.scrollIntoView();
  }

  // Start what the address asks for; false if it asks for nothing of this panel.
  follow() {
    if (!this.named) return false;
    const query = location.hash.slice(location.hash.indexOf("?"));
    const plan = { ...this.options.defaults };
    try {
      for (const [key, text] of new URLSearchParams(query)) {
        if (key in this.views || key in this.choices) this.look(key, text);
        else plan[key] = this.read(key, text);
      }
      this.restart([plan], "A new run, as the address says.");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.restart([this.options.start], `⚠ In the address: ${error.message}`);
    }
    this.reveal();
    return true;
  }

  read(key, text) {
    if (key === "points") return parsed(text);
    const setting = this.options.settings[key];
    if (!setting) throw new Refused(`There is no setting ${key}.`);
    if (setting.options) {
      if (setting.options.some(([value]) => value === text)) return text;
      throw new Refused(`${key} is ${text}; choose one of ${setting.options.map(([value]) => value).join(", ")}.`);
    }
    const value = Number(text), { min, max, whole } = setting;
    if (text && value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
    throw new Refused(`${key} is ${text}; choose ${whole ? "a whole number" : "a number"} from ${min} to ${max}.`);
  }

  // What is seen

  show(message) {
    if (message) this.message = message;
    const { playing } = this.loop, { games } = this.live;
    this.draw();
    const said = games.map((game, i) => (games.length > 1 ? `Run ${i + 1}: ` : "") + planeView.sentence(game, playing));
    this.say(playing ? this.message : `${this.message} ${said.join(" ")}`); // nobody is interrupted all the time
    this.canvases.forEach((canvas, run) => canvas.put({ told: run === this.live.active ? this.words : "" }));
    this.label();
  }

  draw() {
    const from = performance.now(), { playing } = this.loop, { games } = this.live;
    games.forEach((game, run) => {
      if (!playing) game.measure();
      const canvas = this.canvases[run], said = planeView.sentence(game, playing);
      canvas.put({
        ...planeView.traits(game, this.views, this.choices.field, canvas.get("chosen")), marks: this.live.marksOf(run),
        title: this.titles()[run], narrow: games.length > 1, drawing: this.pen.checked,
        ...(playing ? { label: MOVING, curves_label: MOVING } : { label: said, curves_label: `Curves up to step ${game.step}: `
          + `losses, D's answers, ${canvas.get("covers")}, good samples, JSD` }),
      });
    });
    this.cost = performance.now() - from;
    this.drawn = performance.now();
  }

  // What stands above the picture of each run: its step, and in what two runs differ.
  titles() {
    const { games } = this.live, { settings } = this.options;
    if (games.length === 1) return [`Step ${games[0].step.toLocaleString("en")}`];
    const [first, second] = games.map((game) => game.settings);
    const names = Object.keys(first).filter((name) => String(first[name]) !== String(second[name]));
    const words = (name, value) => {
      const { label = name, options = [] } = settings[name] ?? {};
      const text = options.find(([option]) => option === value)?.[1] ?? (typeof value === "number" ? views.slider.shown(value) : value);
      return `${label} = ${text}`;
    };
    return games.map((game, i) => `Run ${i + 1}, step ${game.step.toLocaleString("en")}: `
      + (names.map((name) => words(name, game.settings[name])).join(", ") || "no difference yet"));
  }

  // Controls show what holds.
  label() {
    if (!this.live) return;
    const { live, buttons } = this;
    buttons.play.textContent = this.loop.playing ? "Pause" : "Play";
    buttons.branch.disabled = live.games.length > 1;
    for (const part of [this.two, this.canvases[1].el]) part.style.display = live.games.length < 2 ? "none" : "";
    [1, 2].forEach((run) => buttons[`run${run}`].setAttribute("aria-pressed", live.active === run - 1));
    for (const [name, control] of Object.entries(this.controls)) {
      const value = live.game.settings[name];
      if (control.value !== value && control.value !== String(value)) control.value = value;
    }
    for (const [name, tick] of Object.entries(this.ticks)) tick.checked = this.views[name];
    for (const [name, list] of Object.entries(this.lists)) list.value = String(this.choices[name]);
    const at = live.steps.filter((step) => step <= live.step).length - 1;
    Object.assign(this.rewinder, { max: live.steps.length - 1, value: at });
    this.rewinder.setAttribute("aria-valuetext", `step ${live.steps[at]}`);
  }
}

function parsed(text) {
  const pairs = text.split(";").map((pair) => pair.trim()).filter(Boolean);
  return pairs.map((pair) => {
    const point = pair.replace(/^\(|\)$/g, "").split(/[\s,]+/).map((number) => Number(number.replace("−", "-")));
    if (point.length === 2 && point.every(Number.isFinite)) return point;
    throw new Refused(`'${pair}' is no point; type x, y; x, y: 0, 0; 1, -0.5`);
  });
}

window.GanLessons.panel("playground", (root, options) => new Playground(root, options));
})();
