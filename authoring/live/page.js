// What a reading page does besides its panels: contents that follow, colours, copies, guesses.
(function () {
  "use strict";
  const { element, keep, kept } = GanLessons;

  // Light or dark: as the system has it, until a reader chooses. The head of the page sets it first.
  const root = document.documentElement;
  const theme = document.querySelector("#theme");
  function name() {
    theme.textContent = root.dataset.theme === "dark" ? "Light" : "Dark";
    theme.setAttribute("aria-label", `${theme.textContent} colours`);
  }
  theme.hidden = false;
  name();
  theme.addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    keep("theme", root.dataset.theme);
    name();
    document.dispatchEvent(new Event("gan-colours"));
  });

  // The contents mark what is being read: the last heading above the upper third of the screen.
  const links = new Map(
    [...document.querySelectorAll(".contents a")].map((link) => [document.getElementById(link.getAttribute("href").slice(1)), link]),
  );
  const follow = GanLessons.soon(() => {
    const above = [...links.keys()].filter((heading) => heading.getBoundingClientRect().top < innerHeight / 3);
    const current = links.get(above.at(-1));
    for (const link of links.values()) {
      if (link === current && !link.hasAttribute("aria-current")) {
        link.setAttribute("aria-current", "true");
        const list = link.closest(".contents");
        const [inside, outside] = [link.getBoundingClientRect(), list.getBoundingClientRect()];
        if (inside.top < outside.top || inside.bottom > outside.bottom) list.scrollTop += inside.top - outside.top - outside.height / 2;
      } else if (link !== current) link.removeAttribute("aria-current");
    }
  });
  addEventListener("scroll", follow, { passive: true });
  addEventListener("resize", follow);
  follow();
  const folded = document.querySelector(".contents details");
  if (folded && matchMedia("(max-width: 72rem)").matches) folded.open = false;

  // Code can be copied.
  for (const block of document.querySelectorAll(".highlight")) {
    const button = element(block, "button", { type: "button", className: "copy", textContent: "Copy" });
    button.setAttribute("aria-label", "Copy this code");
    button.addEventListener("click", async () => {
      button.textContent = (await copied(block.querySelector("pre").textContent)) ? "Copied" : "Not copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
  }

  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { // no permission, or an old browser
      const area = element(document.body, "textarea", { value: text });
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  // What is broader than the page is scrolled from the keyboard, too.
  const reach = () => {
    for (const wide of document.querySelectorAll("main :is(pre, table, math[display=block])")) {
      if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
      else wide.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", GanLessons.soon(reach));
  for (const fold of document.querySelectorAll("main details")) fold.addEventListener("toggle", reach);
  reach();

  // A guess can be written down before one looks; the browser keeps it.
  const lesson = document.querySelector("main").dataset.page;
  for (const box of document.querySelectorAll("main blockquote")) {
    const first = box.querySelector("strong");
    if (!first || first.textContent !== "Predict.") continue;
    const key = `guess ${lesson} ${box.textContent.trim().slice(8, 80).trim()}`;
    const label = element(box, "label", { className: "guess", textContent: "Your guess (this browser keeps it)" });
    const area = element(label, "textarea", { value: kept(key) || "", rows: 1 });
    area.addEventListener("input", () => keep(key, area.value));
  }

  GanLessons.start();
})();
