// Search in the browser: the index is a file next to the pages, loaded when the field is used for the first time.
"use strict";
(() => {
  const root = new URL(".", document.currentScript.src);
  const form = document.querySelector("form[role=search]");
  const field = form.querySelector("input");
  const list = form.querySelector("ol");
  const most = 12;
  form.hidden = false;

  const loadIndex = () => {
    if (document.getElementById("search-index")) return;
    const script = document.createElement("script");
    script.id = "search-index";
    script.src = new URL("search-index.js", root);
    script.onload = show;
    document.head.append(script);
  };

  // rank returns how well a section matches all words, 0 when one of them is nowhere.
  const rank = ({ page, title, text }, words) => {
    const titles = [page.toLowerCase(), title.toLowerCase()];
    const body = text.toLowerCase();
    let sum = 0;
    for (const word of words) {
      const score = (titles[1].includes(word) ? 8 : 0) + (titles[0].includes(word) ? 4 : 0) +
        Math.min(3, body.split(word).length - 1);
      if (score === 0) return 0;
      sum += score;
    }
    return sum;
  };

  // excerpt appends the text around the first word, with the words marked.
  const excerpt = (to, text, words) => {
    const at = Math.max(0, Math.min(...words.map((w) => text.toLowerCase().indexOf(w)).filter((i) => i >= 0), text.length) - 40);
    const piece = (at > 0 ? "… " : "") + text.slice(at, at + 160);
    const escaped = words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    piece.split(new RegExp(`(${escaped.join("|")})`, "gi")).forEach((part, i) => {
      const node = i % 2 ? document.createElement("mark") : document.createTextNode("");
      node.textContent = part;
      to.append(node);
    });
  };

  const entry = ({ page, title, url, text }, words) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    const heading = document.createElement("strong");
    const shown = document.createElement("span");
    link.href = new URL(url, root);
    heading.textContent = title ? `${page}: ${title}` : page;
    excerpt(shown, text, words);
    link.append(heading, shown);
    item.append(link);
    return item;
  };

  function show() {
    const words = field.value.toLowerCase().split(/\s+/).filter((w) => w.length > 1);
    list.hidden = words.length === 0;
    if (words.length === 0 || !window.searchIndex) return;
    const found = window.searchIndex
      .map((section) => [rank(section, words), section])
      .filter(([score]) => score > 0)
      .sort(([a], [b]) => b - a)
      .slice(0, most);
    list.replaceChildren(...found.map(([, section]) => entry(section, words)));
    if (found.length === 0) {
      const none = document.createElement("li");
      none.textContent = "No section has all of these words.";
      list.append(none);
    }
  }

  field.addEventListener("focus", loadIndex);
  field.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const first = list.querySelector("a");
    if (first) location.href = first.href;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape") {
      field.value = "";
      list.hidden = true;
    }
  });
})();
