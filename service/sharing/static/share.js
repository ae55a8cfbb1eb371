// What the page of a customer does with a script: copy, the phone's own share sheet, and the message in every way.
(() => {
  "use strict";

  const encoded = (said) => encodeURIComponent(said);

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

  function keepWordsInWays(root, words) {
    let before = words.dataset.message;
    words.addEventListener("input", () => {
      const after = words.value.trim().replace(/\s+/g, " ");
      if (!after || after.length > 500) return;
      for (const way of root.querySelectorAll("[data-way]")) {
        const address = way.getAttribute("href");
        way.setAttribute("href", address.replace(encoded(before), () => encoded(after)));
      }
      before = after;
    });
    return () => before;
  }

  // root: what holds the page, a document or a shadow of one. marked: the element that says what there is.
  function enliven(root, marked) {
    marked.classList.add("with-script");
    if (navigator.share) marked.classList.add("with-sheet");
    const field = root.querySelector("[data-copied]");
    const words = root.querySelector("[data-message]");
    if (!field || !words) return;
    root.querySelector("[data-copy]").addEventListener("click", () => copy(field, root.querySelector("[data-said]")));
    const message = keepWordsInWays(root, words);
    const sheet = root.querySelector("[data-sheet]");
    sheet.addEventListener("click", () => {
      navigator.share({ text: message(), url: sheet.dataset.sheet }).catch(() => {});
    });
  }

  window.orchardShare = enliven;
  if (!document.currentScript.hasAttribute("data-page")) return;
  document.documentElement.classList.add("with-script");
  document.addEventListener("DOMContentLoaded", () => enliven(document, document.documentElement));
})();
