// The questions of a quiz, each a group of radio buttons. The kernel judges what is chosen.
const SIGNS = { none: "○", right: "✓", wrong: "✗" };

function element(parent, tag, properties) {
  const made = Object.assign(document.createElement(tag), properties);
  parent.append(made);
  return made;
}

function render({ model, el }) {
  el.classList.add("gan-quiz");
  const letters = "ABCDEF";
  const groups = model.get("questions").map((question, place) => {
    const group = element(el, "div", { role: "radiogroup" });
    const id = `${model.get("_anywidget_id") ?? "quiz"}-${Math.random().toString(36).slice(2)}`;
    const text = element(group, "div", { className: "question", id });
    text.innerHTML = `${place + 1}. ${question.text}`;
    group.setAttribute("aria-labelledby", id);
    group.setAttribute("data-lm-suppress-shortcuts", "true"); // keys are ours, not JupyterLab's
    const radios = question.options.map((option, i) => {
      const radio = element(group, "button", { type: "button" });
      radio.setAttribute("role", "radio");
      element(radio, "span", { className: "sign" }).setAttribute("aria-hidden", "true");
      element(radio, "span", {}).innerHTML = `${letters[i]}. ${option}`;
      radio.addEventListener("click", () => model.send({ number: place + 1, option: i }));
      return radio;
    });
    const verdict = element(group, "div", { className: "verdict" });
    verdict.setAttribute("role", "status");
    group.addEventListener("keydown", (event) => move(event, radios));
    return { radios, verdict };
  });
  const score = element(el, "div", { className: "score" });
  score.setAttribute("role", "status");

  function move(event, radios) {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const at = radios.indexOf(document.activeElement) + by;
    const there = radios[(at + radios.length) % radios.length];
    reach(radios, there);
    there.focus();
  }

  // Tab goes to one radio button of a question, arrow keys to the others.
  function reach(radios, one) {
    for (const radio of radios) radio.tabIndex = radio === one ? 0 : -1;
  }

  function show() {
    groups.forEach(({ radios, verdict }, place) => {
      const chosen = model.get("chosen")[place];
      reach(radios, radios[Math.max(chosen, 0)]);
      const { right, words } = model.get("verdicts")[place];
      radios.forEach((radio, i) => {
        const state = i === chosen ? (right ? "right" : "wrong") : "none";
        radio.setAttribute("aria-checked", String(i === chosen));
        radio.className = state;
        radio.firstChild.textContent = SIGNS[state];
      });
      if (verdict.innerHTML !== words) verdict.innerHTML = words;
    });
    score.textContent = model.get("score");
  }

  model.on("change", show);
  show();
  return () => model.off("change", show);
}

export default { render };
