// One number: a native range, which every hand and screen reader knows, and a field to type into.
function shown(value) {
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(2).replace(/\.?0*e/, "e");
  return String(Number(value.toPrecision(4)));
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const label = document.createElement("label");
  const range = document.createElement("input"), field = document.createElement("input");
  el.classList.add("gan-slider");
  el.setAttribute("data-lm-suppress-shortcuts", "true"); // arrow keys are the slider's, not JupyterLab's
  range.type = "range";
  field.type = "text";
  field.inputMode = "decimal";
  field.autocomplete = "off";
  range.id = `gan-slider-${Math.random().toString(36).slice(2)}`;
  label.htmlFor = range.id;
  el.append(label, range, field);

  const at = (value) => (get("log") ? Math.log10(value / get("min")) : value - get("min")) / get("step");
  const stop = () => Math.max(0, Math.round(at(Math.max(get("value"), get("log") ? get("min") : -Infinity))));
  const there = (place) => {
    const value = get("log") ? get("min") * 10 ** (place * get("step")) : get("min") + place * get("step");
    const inside = Math.min(get("max"), Math.max(get("min"), value));
    return Number(inside.toPrecision(get("log") ? 3 : 6)); // as short as it is shown
  };
  const say = (value) => {
    field.value = shown(value);
    range.setAttribute("aria-valuetext", shown(value));
  };
  const draw = () => {
    label.textContent = get("description");
    label.style.width = get("label_width");
    el.title = get("tooltip") || "";
    el.classList.toggle("gan-look", Boolean(get("look")));
    range.step = 1;
    range.min = 0;
    range.max = Math.round(at(get("max")));
    range.value = stop();
    const ends = `${shown(get("min"))} to ${shown(get("max"))}`;
    field.setAttribute("aria-label", `${get("description")}, a number from ${ends}`);
    say(get("value"));
  };
  el.addEventListener("keydown", (event) => event.stopPropagation()); // else JupyterLab takes arrows and Enter
  const put = (value) => {
    model.set("value", value);
    model.save_changes();
  };
  const commit = () => {
    if (Number(range.value) === stop()) draw(); // it is there, or between this stop and the next
    else put(there(Number(range.value)));
  };
  range.addEventListener("input", () => (get("continuous") ? commit() : say(there(Number(range.value)))));
  range.addEventListener("change", commit);
  let before = 0; // a finger that goes on to scroll the page has not moved it
  range.addEventListener("pointerdown", () => (before = get("value")));
  range.addEventListener("pointercancel", () => {
    if (get("value") === before) draw();
    else put(before);
  });
  field.addEventListener("change", () => model.send({ typed: field.value }));
  const answer = (message) => { if (message.show) draw(); };
  model.on("change", draw);
  model.on("msg:custom", answer);
  draw();
  return () => { model.off("change", draw); model.off("msg:custom", answer); };
}

export default { render, shown };
