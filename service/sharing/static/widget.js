// <orchard-share src="…">: the page of a customer as a part of the shop's own, in its colours, without a frame.
(() => {
  "use strict";

  const PATIENCE_MS = 8000;

  class OrchardShare extends HTMLElement {
    static observedAttributes = ["src"];
    #asked = 0;

    connectedCallback() {
      if (!this.shadowRoot) this.attachShadow({ mode: "open" }).append(document.createElement("slot"));
      this.show(this.getAttribute("src"));
    }

    attributeChangedCallback(_name, before, now) {
      if (this.shadowRoot && before !== now) this.show(now);
    }

    // What stands between the tags is shown until the page is there, and where it cannot be.
    async show(address, request) {
      if (!address) return false;
      const asked = ++this.#asked;
      try {
        const answer = await fetch(address, {
          ...request, credentials: "omit", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(PATIENCE_MS),
        });
        const text = await answer.text();
        if (asked !== this.#asked) return false; // another one was asked for since
        this.become(new DOMParser().parseFromString(text, "text/html"), address);
        return true;
      } catch {
        return false; // the shop's page goes on without it
      }
    }

    become(page, address) {
      const absolute = (element, name) => element.setAttribute(name, new URL(element.getAttribute(name), address).href);
      const main = page.querySelector("main");
      const styles = [...page.querySelectorAll('link[rel="stylesheet"]')];
      const shared = document.createElement("div");
      shared.className = "share";
      shared.append(...(main.querySelector(".share") || main).childNodes);
      styles.forEach((style) => absolute(style, "href"));
      shared.querySelectorAll("[src]").forEach((image) => absolute(image, "src"));
      shared.lang = page.documentElement.lang;
      shared.dir = page.documentElement.dir;
      this.shadowRoot.replaceChildren(...styles, shared);
      shared.addEventListener("submit", (event) => this.send(event));
      shared.addEventListener("click", (event) => this.follow(event));
      window.orchardShare(this.shadowRoot, shared);
    }

    async send(event) {
      event.preventDefault();
      const body = new URLSearchParams(new FormData(event.target, event.submitter));
      if (await this.show(event.target.action, { method: "POST", body })) this.lead('[aria-invalid="true"], [data-answer]');
    }

    async follow(event) {
      const link = event.target.closest("a[href]");
      const own = this.getAttribute("src").split(/[?#]/)[0];
      if (!link || link.href.split(/[?#]/)[0] !== own) return;
      event.preventDefault();
      if (await this.show(link.href)) this.lead("#grown");
    }

    // Whoever used the page goes on at what answers them, by eye, by keyboard and by ear.
    lead(selector) {
      const place = this.shadowRoot.querySelector(selector);
      if (!place) return;
      if (!place.matches("input")) place.tabIndex = -1;
      place.focus();
    }
  }

  if (!customElements.get("orchard-share")) customElements.define("orchard-share", OrchardShare);
})();
