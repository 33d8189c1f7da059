// A lesson's quiz: answers are judged at once, with the reason, and the browser keeps them.
GanLessons.panel("quiz", function (root, options) {
  "use strict";
  const { lesson, questions } = options;
  const key = `quiz ${lesson}`;
  const before = GanLessons.kept(key) || [];
  const chosen = questions.map((question, i) => (question.options[before[i]] ? before[i] : -1));
  const verdict = ({ options }, i) => {
    if (i < 0) return { right: false, words: "" };
    const { right, why } = options[i];
    return { right, words: `${right ? "✓ Right" : "✗ Not right"}: ${why}` };
  };
  const state = () => {
    const verdicts = questions.map((question, i) => verdict(question, chosen[i]));
    const left = chosen.filter((i) => i < 0).length;
    const right = verdicts.filter((each) => each.right).length;
    const score = `${right} of ${questions.length} right${left ? `, ${left} to answer` : ""}.`;
    return { chosen: [...chosen], verdicts, score };
  };
  const shown = questions.map(({ text, options }) => ({ text, options: options.map((option) => option.text) }));
  const model = GanLessons.model({ questions: shown, ...state() }, {
    sent({ number, option }) {
      chosen[number - 1] = option;
      const note = GanLessons.keep(key, chosen) ? "" : " It could not be kept: this browser's storage is off.";
      const now = state();
      now.verdicts[number - 1].words += note;
      model.put(now);
    },
  });
  GanLessons.show(root, "quiz", model);
});
