// What every playground shares: numbers as text, tables of matrices, and the elements they are made of.
const ui = (() => {
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== false && value !== null) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  };
  const number = (x, digits = 4) => {
    if (!Number.isFinite(x)) return String(x);
    const text = x === 0 ? "0" : Math.abs(x) < 1e-3 || Math.abs(x) >= 1e4 ? x.toExponential(digits - 2) : x.toPrecision(digits);
    return text.replace("-", "−");
  };
  // A matrix as a table; cell(i, j) makes what stands in it.
  const table = (name, M, cell) => element("table", { class: "play-matrix" },
    element("caption", {}, `${name} (${M.length} × ${M[0].length})`),
    element("tbody", {}, ...M.map((row, i) => element("tr", {}, ...row.map((_, j) => element("td", {}, cell(i, j)))))));
  const slider = (label, value, low, high, step, change) => {
    const said = (x) => (Number.isInteger(step) ? String(x) : number(x, 3));
    const shown = element("output", {}, said(value));
    const input = element("input", {
      type: "range", min: low, max: high, step, value, "aria-label": label,
      oninput: () => { shown.textContent = said(Number(input.value)); change(Number(input.value)); },
    });
    return element("label", { class: "play-slider" }, element("span", {}, label), input, shown);
  };
  const choice = (label, options, value, change) => {
    const select = element("select", { "aria-label": label, onchange: () => change(select.value) },
      ...Object.entries(options).map(([key, words]) => element("option", { value: key, selected: key === String(value) }, words)));
    return element("label", { class: "play-choice" }, element("span", {}, label), select);
  };
  const start = (name, make) => {
    for (const place of document.querySelectorAll(`[data-play="${name}"]`)) {
      const body = place.querySelector(".play-body");
      make(body, JSON.parse(place.querySelector("script[type='application/json']").textContent), place);
      place.dataset.ready = "true";
    }
  };
  return { element, number, table, slider, choice, start };
})();
