// A reader's answers on the first page: how far each quiz is, and a file to take them along.
(function () {
  "use strict";
  const { button, element, everything, keepAll, kept, status } = GanLessons;
  const root = document.querySelector("#answers");

  function show() {
    for (const place of document.querySelectorAll("[data-quiz]")) {
      const answered = (kept(`quiz ${place.dataset.quiz}`) || []).filter((i) => i >= 0).length;
      place.textContent = answered ? ` · quiz: ${answered} answered` : "";
    }
  }

  button(root, "Save to a file", () => {
    const file = new Blob([JSON.stringify(everything(), null, 1)], { type: "application/json" });
    const link = element(root, "a", { href: URL.createObjectURL(file), download: "gan-lessons-answers.json" });
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  const picker = element(root, "input", { type: "file", accept: ".json,application/json", hidden: true });
  picker.setAttribute("aria-label", "A file of answers");
  button(root, "Load a file", () => picker.click());
  picker.addEventListener("change", async () => {
    try {
      const all = Object.entries(JSON.parse(await picker.files[0].text()));
      const answers = all.filter(([key]) => /^(quiz|guess) /.test(key));
      if (!answers.length) throw new Error("no answers");
      keepAll({ ...everything(), ...Object.fromEntries(answers) });
      say("The answers of the file are here now.");
    } catch {
      say("This file holds no answers of this course: choose one that was saved here.");
    }
    picker.value = "";
    show();
  });
  button(root, "Forget them", () => {
    if (!confirm("Forget all answers that this browser keeps of the course?")) return;
    keepAll({});
    say("All answers are forgotten.");
    show();
  });
  const say = status(root);
  show();
})();
