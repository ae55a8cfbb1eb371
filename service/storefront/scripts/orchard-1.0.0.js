/*! orchard.js 1.0.0: carries a referral from the landing to the checkout, on the shop's own site alone. */
(() => {
  "use strict";
  const script = document.currentScript || document.querySelector('script[src*="/orchard"]');
  if (!script) return;
  const told = script.dataset;
  const base = script.src.replace(/\/[^/]*$/, "");
  const days = Number(told.days) || 30;
  const fields = told.field || 'input[type="hidden"][name="referral"]';
  const shape = /^[\w-]{16,900}\.[\w-]{16,64}$/;
  let memory = null;
  let mayStore = told.consent !== "required" && !navigator.globalPrivacyControl;

  const attempt = (work) => {
    try { return work(); } catch { return null; }
  };
  const cookie = (value, seconds) => {
    const secure = location.protocol === "https:" ? ";secure" : "";
    document.cookie = `orchard=${value};path=/;max-age=${seconds};samesite=lax${secure}`;
  };
  const store = told.storage === "cookie" ? {
    read: () => (document.cookie.match(/(?:^|; )orchard=([^;]+)/) || [])[1],
    write: (value) => cookie(value, days * 86400),
    drop: () => cookie("", 0),
  } : {
    read: () => localStorage.getItem("orchard"),
    write: (value) => localStorage.setItem("orchard", value),
    drop: () => localStorage.removeItem("orchard"),
  };

  const fresh = (kept) => {
    const [token, since] = (kept || "").split("~");
    return shape.test(token) && Date.now() - since < days * 864e5 ? token : null;
  };
  const stored = () => attempt(() => fresh(store.read()));
  const referral = () => memory || stored();

  const keep = () => {
    if (!memory || !mayStore) return;
    attempt(() => {
      store.write(`${memory}~${Date.now()}`);
      if (stored() !== memory) return;
      memory = null;
      clean();
    });
  };
  const ours = (part) => part.startsWith("referral=") && shape.test(part.slice(9));
  const clean = () => {
    const parts = location.search.slice(1).split("&").filter((part) => part && !ours(part));
    const query = parts.length ? `?${parts.join("&")}` : "";
    if (query !== location.search) history.replaceState(history.state, "", location.pathname + query + location.hash);
  };

  const fill = (root) => attempt(() => {
    const token = referral() || "";
    for (const field of root.querySelectorAll(fields)) {
      if (!field.value || field.value === field.orchard) field.value = field.orchard = token;
    }
  });

  const ask = async (path, request) => {
    try {
      const answer = await fetch(base + path, { ...request, credentials: "omit", signal: AbortSignal.timeout(2000) });
      return answer.ok ? await answer.json() : null;
    } catch { return null; }
  };
  const quote = (order) => {
    const token = referral();
    if (!token || !told.key) return Promise.resolve(null);
    return ask("/v1/quotes", {
      method: "POST",
      headers: { Authorization: `Bearer ${told.key}`, "Content-Type": "application/json" },
      body: JSON.stringify({ ...order, referral: token }),
    });
  };

  const banner = async () => {
    const token = referral();
    if (!token || told.banner === undefined || attempt(() => sessionStorage.getItem("orchard-closed")) === token) return;
    const offer = await ask(`/offers/${token}.json?language=${encodeURIComponent(document.documentElement.lang)}`);
    if (!offer || !offer.title || referral() !== token) return;
    const box = document.createElement("aside");
    const text = document.createElement("p");
    const close = document.createElement("button");
    box.className = "orchard-banner";
    box.lang = offer.language;
    box.dir = offer.direction;
    box.setAttribute("aria-label", offer.label);
    text.textContent = offer.title;
    close.type = "button";
    close.textContent = offer.close;
    close.addEventListener("click", () => {
      box.remove();
      if (mayStore) attempt(() => sessionStorage.setItem("orchard-closed", token));
    });
    box.append(text, close);
    const place = told.banner && document.querySelector(told.banner);
    if (place) return place.append(box);
    box.style.cssText = "position:fixed;inset:auto 0 0;display:flex;justify-content:center;align-items:center;gap:16px;" +
      "padding:8px 16px;background:#22281f;color:#fff;z-index:9";
    document.body.append(box);
  };

  const ready = () => {
    fill(document);
    banner().catch(() => {});
  };
  const take = () => {
    const found = attempt(() => new URLSearchParams(location.search).get("referral"));
    if (!found || !shape.test(found)) return;
    if (told.touch === "first" && referral()) return attempt(clean);
    memory = found;
    keep();
  };

  const forget = () => {
    memory = null;
    attempt(store.drop);
    attempt(() => sessionStorage.removeItem("orchard-closed"));
    attempt(clean);
    fill(document);
    document.querySelectorAll(".orchard-banner").forEach((box) => box.remove());
  };

  window.orchard = {
    version: "1.0.0",
    referral,
    quote,
    forget,
    consent: (given) => {
      mayStore = Boolean(given);
      if (mayStore) keep();
      else forget();
    },
  };
  take();
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
  addEventListener("submit", (event) => fill(event.target), true);
  addEventListener("storage", () => fill(document));
  addEventListener("pageshow", () => fill(document));
})();
