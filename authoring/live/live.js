// Drives one run in the plane, or two in step: snapshots to go back to, marks where a setting was
// changed. It knows no picture. As gan_lessons/widgets/live.py and snapshots.py.
(function () {
"use strict";
const { Game } = window.GanLessons.plane;
const MOST = 40, BYTES = 64e6; // of snapshots

class Live {
  constructor(games) {
    Object.assign(this, { games, active: games.length - 1, marks: [], last: "", snapshots: [], every: 25 });
    this.keep();
  }

  get game() { return this.games[this.active]; }

  get step() { return this.games[0].step; }

  get steps() { return this.snapshots.map((snapshot) => snapshot.step); }

  // A step, or a turn of one, of every run.
  advance(turn = "") {
    this.snapshots = this.snapshots.filter(({ step }) => step <= this.step); // another way from here
    for (const game of this.games) turn ? game.halfStep(turn) : game.trainStep();
    this.last = turn;
    const latest = this.snapshots[this.snapshots.length - 1];
    if (!this.games[0].turn && (!latest || this.step >= latest.step + this.every)) this.keep();
  }

  // Remember this moment. When there are too many, every second is dropped.
  keep() {
    const states = this.games.map((game) => game.state()), step = this.step;
    if (!states.every(({ players }) => players.every(([weights]) => weights.every(Number.isFinite)))) return;
    this.snapshots = this.snapshots.filter((snapshot) => snapshot.step !== step);
    this.snapshots.push({ step, states, marks: [...this.marks] });
    this.snapshots.sort((a, b) => a.step - b.step);
    const bytes = states.flatMap(({ players }) => players.flat()).reduce((sum, part) => sum + part.byteLength, 0);
    while (this.snapshots.length > Math.max(2, Math.min(MOST, BYTES / bytes))) {
      const latest = this.snapshots.pop();
      this.snapshots = [...this.snapshots.filter((_, i) => i % 2 === 0), latest];
      this.every *= 2;
    }
  }

  // Change a setting of the active run; the next step goes by it. It leaves a mark.
  set(name, value) {
    if (!this.steps.includes(this.step)) this.keep();
    const { game, step, marks } = this, run = this.games.length > 1 ? this.active : null;
    let old = game.settings[name];
    game.settings[name] = value;
    const again = marks.findIndex((mark) => mark.step === step && mark.run === run && mark.name === name);
    if (again >= 0) [{ old }] = marks.splice(again, 1); // one move, made in several
    if (old !== value) marks.push({ letter: letterAfter(marks[marks.length - 1]), step, run, name, old });
  }

  rewind(to) {
    const { states, marks } = this.snapshots.find(({ step }) => step === to);
    while (this.games.length < states.length) this.games.push(twin(this.games[0]));
    this.games.length = states.length;
    this.games.forEach((game, i) => game.restore(states[i]));
    this.active = Math.min(this.active, states.length - 1);
    this.marks = [...marks];
    this.last = "";
  }

  // A second run from here: same weights, noise and order of data.
  branch() {
    this.snapshots = this.snapshots.filter(({ step }) => step <= this.step);
    this.games.push(twin(this.game));
    this.active = 1;
    this.keep();
  }

  // Go on with one of two runs, and drop the other.
  keepOnly(run) {
    const alone = (marks) => marks.filter((mark) => mark.run === null || mark.run === run)
      .map((mark) => ({ ...mark, run: null }));
    this.marks = alone(this.marks);
    for (const snapshot of this.snapshots) {
      snapshot.states = [snapshot.states[run] || snapshot.states[0]];
      snapshot.marks = alone(snapshot.marks);
    }
    this.games = [this.games[run]];
    this.active = 0;
  }

  marksOf(run) {
    return this.marks.filter((mark) => mark.run === null || mark.run === run).map(({ letter, step }) => [letter, step]);
  }
}

function twin(game) {
  const other = new Game(game.settings, game.coverage);
  other.restore(game.state());
  for (const name of ["history", "scores"]) other[name] = game[name].copy();
  return other;
}

// a, b, …, z, then za, zb, …
function letterAfter(mark) {
  if (!mark) return "a";
  const head = mark.letter.slice(0, -1), tail = mark.letter.slice(-1);
  return tail < "z" ? head + String.fromCharCode(tail.charCodeAt(0) + 1) : `${mark.letter}a`;
}

window.GanLessons.Live = Live;
})();
