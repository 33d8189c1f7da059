// A sheet of 28 × 28 pixels to draw on: mouse, pen, finger, or the keyboard's cursor.
const SIDE = 28;
const ZOOM = 10;
const CURSOR = "#d55e00";

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  const words = document.createElement("div");
  el.append(canvas, words);
  el.classList.add("gan-pixels");
  [canvas.width, canvas.height] = [SIDE * ZOOM, SIDE * ZOOM];
  canvas.tabIndex = 0;
  canvas.style.touchAction = "none"; // a finger draws, and does not scroll
  canvas.style.maxWidth = "100%";
  canvas.style.cursor = "crosshair";
  canvas.setAttribute("role", "application");
  canvas.setAttribute("data-lm-suppress-shortcuts", "true"); // keys are ours, not JupyterLab's
  canvas.setAttribute(
    "aria-label",
    `${model.get("name")} of 28 by 28 pixels. Arrow keys move a cursor, the space bar puts the pen down or lifts it.`,
  );
  words.setAttribute("role", "status");
  words.style.maxWidth = `${SIDE * ZOOM}px`;
  words.style.minHeight = "2.6em"; // else buttons jump away from the mouse when the words go

  let ink = new Uint8Array(SIDE * SIDE);
  let last = null; // where the pointer was, while it is down
  let cursor = { x: 14, y: 8, down: false };
  let waiting = false;

  function draw() {
    const pen = canvas.getContext("2d");
    for (let i = 0; i < ink.length; i++) {
      pen.fillStyle = `rgb(${ink[i]} ${ink[i]} ${ink[i]})`;
      pen.fillRect((i % SIDE) * ZOOM, Math.floor(i / SIDE) * ZOOM, ZOOM, ZOOM);
    }
    if (document.activeElement === canvas && canvas.matches(":focus-visible")) {
      pen.strokeStyle = CURSOR;
      pen.lineWidth = cursor.down ? 4 : 2;
      pen.strokeRect(cursor.x * ZOOM + 1, cursor.y * ZOOM + 1, ZOOM - 2, ZOOM - 2);
    }
  }

  function take() {
    const bytes = model.get("drawing");
    ink = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice();
    draw();
  }

  // At most one message for each picture on the screen.
  function tell() {
    draw();
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      model.set("drawing", new DataView(ink.slice().buffer));
      model.save_changes();
    });
  }

  function dab(x, y) {
    const erase = model.get("erase");
    for (let row = Math.floor(y) - 2; row <= y + 2; row++) {
      for (let column = Math.floor(x) - 2; column <= x + 2; column++) {
        if (row < 0 || column < 0 || row >= SIDE || column >= SIDE) continue;
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        const amount = 255 * Math.min(1, Math.max(0, 1.9 - distance)); // soft, as wide as a digit's
        const i = row * SIDE + column;
        ink[i] = erase ? Math.min(ink[i], 255 - amount) : Math.max(ink[i], amount);
      }
    }
  }

  function stroke(from, to) {
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to.x - from.x, to.y - from.y)));
    for (let i = 0; i <= steps; i++) {
      const t = i / steps;
      dab(from.x + t * (to.x - from.x), from.y + t * (to.y - from.y));
    }
    tell();
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const scale = SIDE / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return; // a second finger, a click for a menu
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last === null || !event.isPrimary) return;
    const now = place(event);
    stroke(last, now);
    last = now;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => event.isPrimary && (last = null));
  }

  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in moves) && event.key !== " " && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === " " && event.repeat) return; // held down: it would go up and down
    const from = { x: cursor.x + 0.5, y: cursor.y + 0.5 };
    if (event.key in moves) {
      const inside = (at) => Math.min(SIDE - 1, Math.max(0, at));
      cursor.x = inside(cursor.x + moves[event.key][0]);
      cursor.y = inside(cursor.y + moves[event.key][1]);
    } else {
      cursor.down = event.key === " " && !cursor.down;
    }
    if (cursor.down) stroke(from, { x: cursor.x + 0.5, y: cursor.y + 0.5 });
    draw();
    const pen = cursor.down ? (model.get("erase") ? "rubber down" : "pen down") : "pen up";
    words.textContent = `Row ${cursor.y + 1}, column ${cursor.x + 1}, ${pen}.`;
  });
  canvas.addEventListener("focus", draw);
  canvas.addEventListener("blur", () => {
    cursor.down = false;
    words.textContent = "";
    draw();
  });

  model.on("change:drawing", take);
  take();
  return () => model.off("change:drawing", take);
}

export default { render };
