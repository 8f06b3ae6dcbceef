// The step h: the error of a difference quotient of a known function, live, with precision and a kink to choose.
ui.start("step", (body, given) => {
  const { element, number, slider, choice } = ui;
  const at = given.at;
  let exponent = -5;
  let precision = "float64";
  let kind = "smooth";
  let distance = 1e-3;

  const round = (x) => (precision === "float32" ? Math.fround(x) : x);
  // log(1 + exp x), as a loss is made; or a rectifier whose kink lies at a distance from the point.
  const f = (x) => (kind === "smooth" ? round(Math.log1p(Math.exp(round(x)))) : round(Math.max(0, round(x) - at + distance)));
  const truth = () => (kind === "smooth" ? 1 / (1 + Math.exp(-at)) : 1);
  const quotient = (h) => {
    const [right, left] = [round(at + h), round(at - h)];
    return round(round(f(right) - f(left)) / round(right - left));
  };
  const error = (h) => Math.abs(quotient(h) - truth());
  // The step at which h²/6 times the third derivative is as large as one rounding of f over h; a line has no truncation.
  const balance = () => {
    if (kind === "kink") return Infinity;
    const s = truth();
    return Math.cbrt((6 * (precision === "float32" ? 2 ** -24 : 2 ** -53) * f(at)) / Math.abs(s * (1 - s) * (1 - 2 * s)));
  };
  const plot = element("div", { class: "play-plot" });
  const says = element("p", { "aria-live": "polite" });

  const draw = () => {
    const [low, high, width, height] = [-16, 0, 560, 220];
    const x = (e) => 40 + ((e - low) / (high - low)) * (width - 50);
    const y = (v) => height - 30 - ((Math.min(1, Math.max(-14, Math.log10(Math.max(v, 1e-14)))) + 14) / 15) * (height - 45);
    const points = Array.from({ length: 129 }, (_, k) => low + k / 8).map((e) => `${x(e).toFixed(1)},${y(error(10 ** e)).toFixed(1)}`);
    const power = (e) => `10${String(e).replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)])}`;
    const ticks = [-16, -12, -8, -4, 0].map((e) => `<text x="${x(e)}" y="${height - 16}" text-anchor="middle">${power(e)}</text>`)
      .concat([-12, -8, -4, 0].map((e) => `<text x="35" y="${y(10 ** e) + 3}" text-anchor="end">${power(e)}</text>`),
        [`<text x="${width - 10}" y="${height - 3}" text-anchor="end">step h</text><text x="46" y="12">error</text>`]);
    const here = error(10 ** exponent);
    plot.innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="error of the slope against the step, both on logarithmic axes">`
      + `<path d="M40 10V${height - 30}H${width - 10}" class="axis"/><polyline points="${points.join(" ")}" class="curve"/>${ticks.join("")}`
      + `<circle cx="${x(exponent)}" cy="${y(here)}" r="5" class="dot"/></svg>`;
    const h = 10 ** exponent;
    const why = kind === "kink" && h > distance ? "The step reaches across the kink and averages the two slopes."
      : round(at + h) === round(at) ? "The step is lost: x + h rounds to x."
        : h < balance() ? "Rounding decides: a smaller step makes it worse." : "Truncation decides: a smaller step makes it better.";
    says.replaceChildren(`h = 1e${exponent}: the quotient is ${number(quotient(h), 8)}, the slope ${number(truth(), 8)}, the error `,
      element("b", {}, number(here, 2)), `. ${why}`);
    says.dataset.error = here;
  };

  body.replaceChildren(
    element("div", { class: "play-controls" },
      slider("log₁₀ h", exponent, -16, 0, 0.25, (v) => { exponent = v; draw(); }),
      choice("precision", { float64: "float64", float32: "float32" }, precision, (v) => { precision = v; draw(); }),
      choice("function", { smooth: "log(1 + exp x), smooth", kink: "rectifier, with a kink" }, kind, (v) => { kind = v; draw(); }),
      slider("log₁₀ of the distance to the kink", -3, -8, -1, 0.5, (v) => { distance = 10 ** v; draw(); })),
    plot, says,
  );
  draw();
});
