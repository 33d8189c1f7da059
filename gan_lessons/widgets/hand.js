// What ipywidgets leaves out for those who hear a panel: names and values of sliders, whether a
// toggle is on, alt texts.
// A number as it is said: 1.0000000000000004 is 1, and an exponent is the power that it means.
function rounded(text, base) {
  const number = base ? base ** Number(text) : Number(text);
  return text && Number.isFinite(number) ? String(Number(number.toPrecision(base ? 2 : 6))) : text;
}

function put(element, name, value) {
  if (value && element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const said = new WeakMap(); // what was put on a handle: it is not rounded again

function tidy(panel, model) {
  const bases = model.get("bases"), worded = model.get("worded");
  for (const slider of panel.querySelectorAll(".widget-slider")) {
    const name = slider.querySelector(".widget-label")?.textContent.trim();
    for (const handle of slider.querySelectorAll(".noUi-handle")) {
      put(handle, "aria-label", name);
      if (worded.includes(name)) {
        put(handle, "aria-valuetext", slider.querySelector(".widget-readout").textContent);
        continue;
      }
      const text = handle.getAttribute("aria-valuetext");
      if (text === said.get(handle)) continue;
      said.set(handle, rounded(text, bases[name]));
      put(handle, "aria-valuetext", said.get(handle));
      // A picture that takes long comes when the handle is let go; its number goes along with it.
      const field = slider.matches(".gan-typed") && slider.parentElement.querySelector("input");
      if (field && handle.matches(".noUi-active")) field.value = said.get(handle);
    }
  }
  for (const toggle of panel.querySelectorAll(".widget-toggle-button")) {
    put(toggle, "aria-pressed", String(toggle.classList.contains("mod-active")));
  }
  // A number between two stops is as good as any, whatever the browser thinks of its step.
  for (const field of panel.querySelectorAll("input[type=number]")) put(field, "aria-invalid", "false");
  // Arrow keys and letters choose in a list: JupyterLab would leave it, or add and cut cells.
  for (const list of panel.querySelectorAll("select")) put(list, "data-lm-suppress-shortcuts", "true");
  const line = [...panel.querySelectorAll("[role=status]")].at(-1)?.textContent.trim();
  for (const image of panel.querySelectorAll("img.widget-image")) put(image, "alt", line);
}

function render({ model, el }) {
  el.style.display = "none";
  let panel = null;
  const observer = new MutationObserver(() => tidy(panel, model));
  const measured = new ResizeObserver(() => {
    const room = Math.floor(panel.clientWidth / 20) * 20; // a message for each step, not each pixel
    if (room === 0 || room === model.get("room")) return;
    model.set("room", room);
    model.save_changes();
  });
  const what = { subtree: true, childList: true, attributeFilter: ["aria-valuetext", "class"] };
  const wait = setInterval(() => {
    panel = el.closest(".gan-live");
    if (!panel) return; // not in the page yet
    clearInterval(wait);
    tidy(panel, model);
    observer.observe(panel, what);
    measured.observe(panel);
  }, 50);
  return () => {
    clearInterval(wait);
    observer.disconnect();
    measured.disconnect();
  };
}

export default { render };
