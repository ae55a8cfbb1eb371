// What the page of a customer does with a script: copy, the phone's own share sheet, and the message in every way.
(() => {
  "use strict";

  const PLACE = "%7Bmessage%7D";
  const LONGEST = 500;

  async function copy(field, status) {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      if (!document.execCommand("copy")) return;
    }
    status.textContent = "";
    setTimeout(() => { status.textContent = status.dataset.said; }, 50);
  }

  const said = (words) => words.value.trim().replace(/\s+/g, " ");

  function fillWays(root, words) {
    const message = said(words);
    if (!message || message.length > LONGEST) return;
    for (const way of root.querySelectorAll("[data-way]")) {
      way.setAttribute("href", way.dataset.way.replace(PLACE, () => encodeURIComponent(message)));
    }
  }

  // root: what holds the page, a document or a shadow of one. marked: the element that says what there is.
  function enliven(root, marked) {
    const field = root.querySelector("[data-copied]");
    const words = root.querySelector("[data-message]");
    const sheet = root.querySelector("[data-sheet]");
    marked.classList.add("with-script");
    if (!field || !words || !sheet) return;
    root.querySelector("[data-copy]").addEventListener("click", () => copy(field, root.querySelector("[data-said]")));
    words.addEventListener("input", () => fillWays(root, words));
    const url = sheet.dataset.sheet;
    if (!navigator.canShare || !navigator.canShare({ url })) return;
    marked.classList.add("with-sheet");
    sheet.addEventListener("click", () => navigator.share({ text: said(words), url }).catch(() => {}));
  }

  window.orchardShare = enliven;
  if (!document.currentScript.hasAttribute("data-page")) return;
  document.documentElement.classList.add("with-script");
  document.addEventListener("DOMContentLoaded", () => enliven(document, document.documentElement));
})();
