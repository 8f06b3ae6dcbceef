// The break-it bench: one mistake in the backward pass of a small network; which checks see it, and when shapes hide it.
ui.start("bench", (body, given) => {
  const { element, number, slider, choice, table } = ui;
  const state = { mistake: Object.keys(given.mistakes)[0], N: 4, inputs: 3, hidden: 5, classes: 2 };

  // dW2, db2, dW1, db1 of a backward pass with one mistake in it.
  const wrong = (v, mistake) => {
    const N = v.Y[0].length;
    const rows = (M) => nn.sumOfRows(M);
    const dZ2 = nn.each((p, y) => (mistake === "scale.sign" ? y - p : p - y) / (mistake === "scale.N" ? 1 : N), v.P, v.Y);
    const dA1 = nn.product(mistake === "dA.not_transposed" ? v.W2 : nn.transpose(v.W2), dZ2);
    const dZ1 = mistake === "slope.missing" ? dA1 : nn.each((d, z) => (z > 0 ? d : 0), dA1, v.Z1);
    const db = (dZ) => (mistake === "bias.averaged" ? nn.each((d) => d / N, rows(dZ)) : mistake === "bias.one_example" ? dZ.map((row) => [row.at(-1)]) : rows(dZ));
    return { dW2: nn.product(dZ2, nn.transpose(v.A1)), db2: db(dZ2), dW1: nn.product(dZ1, nn.transpose(v.X)), db1: db(dZ1) };
  };

  const draw = () => {
    const { mistake, N, inputs, hidden, classes } = state;
    const draws = nn.generator(7);
    const random = (m, n) => nn.matrix(m, n, draws);
    const net = { W1: random(hidden, inputs), b1: random(hidden, 1), W2: random(classes, hidden), b2: random(classes, 1), X: random(inputs, N), labels: Array.from({ length: N }, (_, s) => s % classes) };
    const v = nn.passes(net);
    const fits = mistake !== "dA.not_transposed" || hidden === classes;
    const yours = fits ? wrong(v, mistake) : null;
    const lines = Object.keys({ dW2: 0, db2: 0, dW1: 0, db1: 0 }).map((name) => {
      const gap = yours ? Math.max(...yours[name].flatMap((row, i) => row.map((x, j) => Math.abs(x - nn.difference(net, name.slice(1), i, j))))) : null;
      return { name, gap, sees: gap !== null && gap > 1e-7 };
    });
    const seen = lines.some((line) => line.sees);
    const verdict = !fits ? "The shapes do not fit, so the program stops. Make the hidden layer as wide as the output, and it runs."
      : seen ? "Shapes: nothing to see. Differences: caught." : "Nothing sees it here: at these sizes it changes no number.";
    out.replaceChildren(
      element("p", {}, element("code", {}, given.mistakes[mistake].wrong), " for ", element("code", {}, given.mistakes[mistake].right)),
      element("table", { class: "play-report" },
        element("thead", {}, element("tr", {}, ...["gradient", "largest gap to a difference", "verdict"].map((t) => element("th", {}, t)))),
        element("tbody", {}, ...lines.map(({ name, gap, sees }) => element("tr", { "data-name": name, "data-sees": String(sees) },
          element("td", {}, name), element("td", {}, gap === null ? "–" : number(gap, 2)), element("td", {}, gap === null ? "stops" : sees ? "WRONG" : "ok"))))),
      element("p", { class: "play-verdict", "data-seen": String(seen || !fits) }, verdict),
      element("p", {}, "nnref check says: ", element("q", {}, given.mistakes[mistake].says)),
    );
  };
  const out = element("div", { "aria-live": "polite" });
  const set = (key) => (value) => { state[key] = key === "mistake" ? value : Math.round(value); draw(); };
  body.replaceChildren(
    element("div", { class: "play-controls" },
      choice("mistake", Object.fromEntries(Object.entries(given.mistakes).map(([key, m]) => [key, m.title])), state.mistake, set("mistake")),
      slider("examples N", state.N, 1, 8, 1, set("N")), slider("inputs", state.inputs, 1, 6, 1, set("inputs")),
      slider("hidden units", state.hidden, 1, 6, 1, set("hidden")), slider("classes", state.classes, 2, 6, 1, set("classes"))),
    out,
  );
  draw();
});
