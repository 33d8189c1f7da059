// Search over the sections of all pages, while one types. The words stand in the address.
(function () {
  "use strict";
  const { element } = GanLessons;
  const documents = JSON.parse(document.querySelector("#documents").textContent);
  const byId = new Map(documents.map((each) => [each.id, each]));
  const index = new MiniSearch({
    fields: ["title", "heading", "text"],
    searchOptions: {
      boost: { heading: 3, title: 2 },
      prefix: true,
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
      combineWith: "AND",
    },
  });
  index.addAll(documents);
  const words = document.querySelector("#words");
  const count = document.querySelector("#count");
  const list = document.querySelector("#found");
  const MOST = 30;

  function show() {
    const found = index.search(words.value);
    list.replaceChildren();
    for (const { id, terms } of found.slice(0, MOST)) {
      const { title, heading, text } = byId.get(id);
      const item = element(list, "li");
      element(item, "a", { href: id, textContent: heading ? `${title} · ${heading}` : title });
      marked(element(item, "p"), excerpt(text, terms), terms);
    }
    const more = found.length > MOST ? `; the first ${MOST} are shown` : "";
    count.textContent = words.value.trim() ? `${found.length} sections${more}.` : "Type a word.";
    history.replaceState(null, "", words.value ? `?q=${encodeURIComponent(words.value)}` : "?");
  }

  // Whole words, as the index parts them: to look for D marks no d within another word.
  const wordsOf = (terms) => {
    const any = terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
    return new RegExp(`(?<=^|[\\s\\p{Z}\\p{P}])(${any})(?=$|[\\s\\p{Z}\\p{P}])`, "giu");
  };

  function excerpt(text, terms) {
    const at = Math.max(0, text.search(wordsOf(terms)) - 70);
    const from = at ? text.lastIndexOf(" ", at) + 1 : 0;
    return `${from ? "… " : ""}${text.slice(from, from + 220)}${text.length > from + 220 ? " …" : ""}`;
  }

  function marked(parent, text, terms) {
    text.split(wordsOf(terms)).forEach((part, i) => {
      if (i % 2) element(parent, "mark", { textContent: part });
      else parent.append(part);
    });
  }

  document.querySelector("main form").addEventListener("submit", (event) => event.preventDefault());
  words.addEventListener("input", GanLessons.soon(show));
  words.value = new URLSearchParams(location.search).get("q") || "";
  show();
})();
