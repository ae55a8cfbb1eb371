// What a basket asks: what the referral that the visitor came with would take off.
addEventListener("load", async () => {
  const place = document.querySelector("#quote");
  const { amount, currency } = place.dataset;
  if (!window.orchard) return;
  const quote = await window.orchard.quote({ amount: Number(amount), currency });
  if (!quote || !quote.eligible) return;
  const price = new Intl.NumberFormat("en", { style: "currency", currency });
  place.textContent = `${quote.advocate_first_name || "A friend"} sent you: you pay ${price.format(quote.payable_amount / 100)}.`;
});
