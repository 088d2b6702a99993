// Draws each chart again as one that answers: marks say what they are, and selects choose among
// models, optimizers and batch sizes. Whatever fails here leaves the still drawing in its place.
// Ink is the page's own colour, so that light and dark need no drawing anew; width does.
(() => {
  "use strict";

  const { theme, charts } = JSON.parse(document.getElementById("charts").textContent);
  const isNarrow = matchMedia("(max-width: 52rem)");
  const views = new Map();

  const options = {
    mode: "vega-lite",
    renderer: "svg",
    config: theme,
    actions: false,
    ast: true, // the page's policy forbids to make code from text
    defaultStyle: false,
    logLevel: 1, // errors: a chart without rows for one of its marks is none
    tooltip: { disableDefaultStyle: true, offsetX: 12, offsetY: 12 },
  };

  async function draw(figure) {
    const chart = charts[figure.dataset.chart];
    const place = figure.querySelector(".live");
    if (!chart || !place) return;
    const layout = isNarrow.matches ? "narrow" : "wide";
    try {
      views.get(figure)?.finalize();
      place.replaceChildren();
      const specification = { ...chart[layout], datasets: { rows: chart.rows } };
      views.set(figure, await vegaEmbed(place, specification, options));
      for (const name of ["role", "aria-roledescription", "aria-label"]) place.removeAttribute(name);
      place.querySelector("svg").setAttribute("aria-hidden", "true");
      place.append(described(figure.dataset.described));
      figure.classList.add("is-live");
    } catch (error) {
      figure.classList.remove("is-live");
      console.warn(`${figure.dataset.chart}: ${error.message}`);
    }
  }

  // What a drawing shows, for readers who can't see it.
  function described(text) {
    const paragraph = document.createElement("p");
    paragraph.className = "told";
    paragraph.textContent = text;
    return paragraph;
  }

  // A chart is drawn when a reader comes near it: the page opens at once.
  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        near.unobserve(entry.target);
        draw(entry.target);
      }
    },
    { rootMargin: "600px" },
  );
  for (const figure of document.querySelectorAll("figure[data-chart]")) near.observe(figure);
  isNarrow.addEventListener("change", () => views.forEach((_, figure) => draw(figure)));

  // A link to a claim opens it.
  function openTarget() {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) target.open = true;
    target?.scrollIntoView();
  }
  addEventListener("hashchange", openTarget);
  if (location.hash) openTarget();

  // Paper shows everything.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });
})();
