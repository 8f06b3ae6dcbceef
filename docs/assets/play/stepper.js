// The backprop stepper: a 2-2-2 network and two examples. Move a number; go forward and back; see each entry as a sum.
ui.start("stepper", (body, given) => {
  const { element, number, table, choice } = ui;
  const net = structuredClone(given.network);
  const STEPS = [
    ["Z1", "Z1 = W1 X + b1"], ["A1", "A1 = max(0, Z1)"], ["Z2", "Z2 = W2 A1 + b2"], ["P", "P = softmax(Z2)"],
    ["L", "L = mean of −log of the label's probability"],
    ["dZ2", "dZ2 = (P − Y) / N"], ["dW2", "dW2 = dZ2 A1ᵀ"], ["db2", "db2 = dZ2 1, summed over the examples"],
    ["dA1", "dA1 = W2ᵀ dZ2"], ["dZ1", "dZ1 = dA1 where Z1 > 0, else 0"], ["dW1", "dW1 = dZ1 Xᵀ"], ["db1", "db1 = dZ1 1"],
  ];
  let step = 0;
  let chosen = [0, 0];

  const short = (x) => number(x, 4);
  const sum = (terms) => terms.map(([a, b]) => `${short(a)} · ${short(b)}`).join(" + ");
  // Entry (i, j) of a step, as the sum of products that it is.
  const written = (v, name, i, j) => {
    const N = v.Y[0].length;
    const terms = {
      Z1: () => `${sum(v.W1[i].map((w, k) => [w, v.X[k][j]]))} + ${short(v.b1[i][0])}`,
      A1: () => `max(0, ${short(v.Z1[i][j])})`,
      Z2: () => `${sum(v.W2[i].map((w, k) => [w, v.A1[k][j]]))} + ${short(v.b2[i][0])}`,
      P: () => `exp(${short(v.Z2[i][j])}) / (${v.Z2.map((row) => `exp(${short(row[j])})`).join(" + ")})`,
      dZ2: () => `(${short(v.P[i][j])} − ${v.Y[i][j]}) / ${N}`,
      dW2: () => sum(v.dZ2[i].map((d, s) => [d, v.A1[j][s]])),
      db2: () => v.dZ2[i].map(short).join(" + "),
      dA1: () => sum(v.W2.map((row, k) => [row[i], v.dZ2[k][j]])),
      dZ1: () => (v.Z1[i][j] > 0 ? `dA1, since Z1 = ${short(v.Z1[i][j])} is positive` : `0, since Z1 = ${short(v.Z1[i][j])} is not positive`),
      dW1: () => sum(v.dZ1[i].map((d, s) => [d, v.X[j][s]])),
      db1: () => v.dZ1[i].map(short).join(" + "),
    };
    return terms[name]();
  };

  const editor = (name) => table(name, net[name], (i, j) => {
    const input = element("input", {
      type: "number", step: 0.1, value: net[name][i][j], "aria-label": `${name}[${i}, ${j}]`,
      oninput: () => { if (Number.isFinite(input.valueAsNumber)) { net[name][i][j] = input.valueAsNumber; draw(); } },
    });
    return input;
  });
  const shown = element("div", { class: "play-step", "aria-live": "polite" });
  const list = element("ol", { class: "play-list" }, ...STEPS.map(([name], k) => element("li", {},
    element("button", { type: "button", onclick: () => { step = k; chosen = [0, 0]; draw(); } }, name))));

  const entryLine = (v, name, i, j) => {
    const line = [element("p", {}, `${name}[${i}, ${j}] = ${written(v, name, i, j)} = `, element("b", {}, short(v[name][i][j])))];
    if (/^d[Wb]/.test(name)) {
      const slope = nn.difference(net, name.slice(1), i, j);
      const gap = Math.abs(slope - v[name][i][j]);
      line.push(element("p", { class: "play-check", "data-gap": gap },
        `Moving ${name.slice(1)}[${i}, ${j}] by ±0.00001 changes the loss at the rate ${number(slope, 6)}: `
        + `a difference of ${number(gap, 2)}.`));
    }
    return line;
  };

  const draw = () => {
    const v = nn.passes(net);
    const [name, formula] = STEPS[step];
    [...list.querySelectorAll("button")].forEach((button, k) => (k === step ? button.setAttribute("aria-current", "step") : button.removeAttribute("aria-current")));
    const parts = [element("p", { class: "play-formula" }, formula)];
    if (name === "L") {
      const each = v.Y[0].map((_, s) => short(v.P[net.labels[s]][s]));
      parts.push(element("p", {}, `L = (${each.map((p) => `−log ${p}`).join(" + ")}) / ${each.length} = `, element("b", {}, number(v.L, 6))));
    } else {
      const [i, j] = [Math.min(chosen[0], v[name].length - 1), Math.min(chosen[1], v[name][0].length - 1)];
      parts.push(table(name, v[name], (r, c) => element("button", {
        type: "button", "aria-pressed": String(r === i && c === j), "aria-label": `${name}[${r}, ${c}] = ${short(v[name][r][c])}`,
        onclick: () => { chosen = [r, c]; draw(); },
      }, short(v[name][r][c]))), ...entryLine(v, name, i, j));
    }
    const focus = document.activeElement?.getAttribute("aria-label");
    shown.replaceChildren(...parts);
    if (focus) [...shown.querySelectorAll("button")].find((b) => b.getAttribute("aria-label") === focus)?.focus();
  };

  const go = (by) => () => { step = Math.min(STEPS.length - 1, Math.max(0, step + by)); chosen = [0, 0]; draw(); };
  body.replaceChildren(
    element("div", { class: "play-columns" }, ...["X", "W1", "b1", "W2", "b2"].map(editor),
      element("div", { class: "play-controls" }, ...net.labels.map((label, s) => choice(`label of example ${s}`, { 0: "class 0", 1: "class 1" }, label,
        (x) => { net.labels[s] = Number(x); draw(); })))),
    list,
    element("p", { class: "play-controls" },
      element("button", { type: "button", onclick: go(-1) }, "← back"), element("button", { type: "button", onclick: go(1) }, "forward →")),
    shown,
  );
  draw();
});
