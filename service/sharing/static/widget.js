// <orchard-share src="…">: the page of a customer as a part of the shop's own, in its colours, without a frame.
(() => {
  "use strict";

  const PATIENCE_MS = 8000;

  class OrchardShare extends HTMLElement {
    static observedAttributes = ["src"];

    connectedCallback() {
      if (!this.shadowRoot) this.attachShadow({ mode: "open" }).append(document.createElement("slot"));
      this.show(this.getAttribute("src"));
    }

    attributeChangedCallback(_name, before, now) {
      if (this.shadowRoot && before !== now) this.show(now);
    }

    // What stands between the tags is shown until the page is there, and where it cannot be.
    async show(address, request) {
      if (!address) return;
      try {
        const answer = await fetch(address, {
          ...request, credentials: "omit", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(PATIENCE_MS),
        });
        this.become(new DOMParser().parseFromString(await answer.text(), "text/html"), address);
      } catch {
        // The shop's page goes on without it.
      }
    }

    become(page, address) {
      const absolute = (element, name) => element.setAttribute(name, new URL(element.getAttribute(name), address).href);
      const shared = page.querySelector(".share");
      const styles = [...page.querySelectorAll('link[rel="stylesheet"]')];
      styles.forEach((style) => absolute(style, "href"));
      shared.querySelectorAll("[src]").forEach((image) => absolute(image, "src"));
      shared.lang = page.documentElement.lang;
      shared.dir = page.documentElement.dir;
      this.shadowRoot.replaceChildren(...styles, shared);
      shared.addEventListener("submit", (event) => this.send(event));
      shared.addEventListener("click", (event) => this.follow(event, address));
      window.orchardShare(this.shadowRoot, shared);
    }

    send(event) {
      event.preventDefault();
      const body = new URLSearchParams(new FormData(event.target, event.submitter));
      this.show(event.target.action, { method: "POST", body });
    }

    follow(event, address) {
      const link = event.target.closest("a[href]");
      if (!link || !link.href.startsWith(`${address.split("?")[0]}?`) && link.href.split("#")[0] !== address) return;
      event.preventDefault();
      this.show(link.href);
    }
  }

  customElements.define("orchard-share", OrchardShare);
})();
