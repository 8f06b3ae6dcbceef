// Softmax sliders: three logits and a label; probabilities, the Jacobian and p − y follow.
ui.start("softmax", (body, given) => {
  const { element, number, slider, choice, table } = ui;
  const z = [...given.logits];
  let label = given.label;
  const bars = element("div", { class: "play-bars", role: "img" });
  const found = element("div", { class: "play-columns", "aria-live": "polite" });

  const draw = () => {
    const p = nn.softmax(z.map((x) => [x])).map((row) => row[0]);
    const loss = nn.loss(z.map((x) => [x]), nn.oneHot([label], z.length));
    bars.setAttribute("aria-label", `probabilities ${p.map((x) => number(x, 3)).join(", ")}`);
    bars.replaceChildren(...p.map((x, i) => element("div", { class: i === label ? "play-bar is-label" : "play-bar" },
      element("i", { style: `height:${(100 * x).toFixed(2)}%` }), element("b", {}, `p${i} = ${number(x, 3)}`))));
    const J = nn.jacobian(p);
    const gap = p.map((x, i) => [x - (i === label ? 1 : 0)]);
    found.replaceChildren(
      table("Jacobian ∂p/∂z", J, (i, k) => number(J[i][k], 3)),
      table("p − y, the gradient of the loss", gap, (i) => number(gap[i][0], 3)),
      element("p", {}, `Loss: −log p${label} = ${number(loss, 4)} nats. Each row of the Jacobian adds up to 0, and so does p − y: `
        + "adding one number to all logits changes nothing."),
    );
  };

  body.replaceChildren(
    element("div", { class: "play-controls" },
      ...z.map((value, i) => slider(`z${i}`, value, -5, 5, 0.1, (x) => { z[i] = x; draw(); })),
      choice("label", Object.fromEntries(z.map((_, i) => [i, `class ${i}`])), label, (x) => { label = Number(x); draw(); })),
    bars, found,
  );
  draw();
});
