// Pixels from the kernel, drawn as they come. With tiles, one of them can be chosen.
const FRAME = "#d55e00";
const LETTER = 13; // pixels on the screen, however far the picture is shrunk

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  const small = document.createElement("canvas"); // one of its pixels for each that came
  el.append(canvas);
  el.classList.add("gan-pixels");
  canvas.style.maxWidth = "100%";
  const tile = () => model.get("tile");
  const columns = () => model.get("width") / tile();
  const tiles = () => columns() * (model.get("height") / tile());

  function paint() {
    const [width, height] = [model.get("width"), model.get("height")];
    const bytes = model.get("pixels");
    const values = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const channels = values.length / (width * height);
    [small.width, small.height] = [width, height];
    const pen = small.getContext("2d");
    const image = pen.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) {
        image.data[4 * i + c] = values[channels === 3 ? 3 * i + c : i];
      }
      image.data[4 * i + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
  }

  function draw() {
    if (!model.get("width")) return; // nothing has come yet
    paint();
    const zoom = model.get("zoom");
    [canvas.width, canvas.height] = [small.width * zoom, small.height * zoom];
    const pen = canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    const shrunk = canvas.width / (canvas.clientWidth || canvas.width);
    pen.font = `bold ${LETTER * shrunk}px sans-serif`;
    [pen.fillStyle, pen.strokeStyle, pen.lineWidth] = ["white", "black", 3 * shrunk];
    const corner = (i) => [(i % columns()) * tile() * zoom, Math.floor(i / columns()) * tile() * zoom];
    model.get("labels").forEach((text, i) => {
      const [x, y] = corner(i);
      const place = [x + 4, y + 1 + LETTER * shrunk, tile() * zoom - 8];
      pen.strokeText(text, ...place); // else it is lost on white ink
      pen.fillText(text, ...place);
    });
    if (model.get("chosen") >= 0) {
      const [x, y] = corner(model.get("chosen"));
      pen.strokeStyle = FRAME;
      pen.lineWidth = 3;
      pen.strokeRect(x + 1.5, y + 1.5, tile() * zoom - 3, tile() * zoom - 3);
    }
    canvas.setAttribute("aria-label", model.get("label"));
  }

  function choose(i) {
    if (i < 0 || i >= tiles()) return;
    model.set("chosen", i);
    model.save_changes();
  }

  if (model.get("chosen") >= 0) {
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application"); // arrow keys are the canvas's own
    canvas.setAttribute("data-lm-suppress-shortcuts", "true"); // … and not JupyterLab's
    canvas.addEventListener("click", (event) => {
      const size = canvas.getBoundingClientRect();
      const column = Math.floor(((event.clientX - size.left) / size.width) * columns());
      const row = Math.floor(((event.clientY - size.top) / size.height) * (tiles() / columns()));
      choose(row * columns() + column);
    });
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() };
      if (!(event.key in moves)) return;
      event.preventDefault();
      event.stopPropagation();
      choose(model.get("chosen") + moves[event.key]);
    });
  } else {
    canvas.setAttribute("role", "img");
  }
  const resized = new ResizeObserver(draw);
  resized.observe(canvas);
  model.on("change", draw);
  draw();
  return () => {
    resized.disconnect();
    model.off("change", draw);
  };
}

export default { render };
