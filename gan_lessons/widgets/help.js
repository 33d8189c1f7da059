// Reads the tooltip of the control that is pointed at or has the focus.
function render({ model, el }) {
  el.className += " gan-help";
  const panel = () => el.closest(".gan-playground");
  const tell = ({ target }) => {
    const control = target.closest(".widget-inline-hbox, .widget-checkbox, .gan-slider, button");
    if (!control) return;
    const labels = control.matches("button") ? [control] : [...control.querySelectorAll("label")];
    const tip = labels.map((each) => model.get("tips")[each.textContent.trim()]).find(Boolean);
    if (tip) el.textContent = tip;
  };
  let heard = null;
  const wait = setInterval(() => {
    heard = panel();
    if (!heard) return;
    clearInterval(wait);
    heard.addEventListener("focusin", tell);
    heard.addEventListener("pointerover", tell);
  }, 200);
  return () => {
    clearInterval(wait);
    heard?.removeEventListener("focusin", tell);
    heard?.removeEventListener("pointerover", tell);
  };
}

export default { render };
