// Draw a digit: 28 × 28 pixels through the trained network, layer by layer. By mouse, touch, or arrow keys and space.
ui.start("digit", (body, given, place) => {
  const { element, number, table } = ui;
  const SIDE = 28;
  const bytes = Uint8Array.from(atob(place.querySelector("script[data-weights]").textContent.trim()), (c) => c.charCodeAt(0));
  const numbers = new Float32Array(bytes.buffer);
  let at = 0;
  const layers = given.sizes.slice(1).map((m, l) => {
    const n = given.sizes[l];
    const W = numbers.subarray(at, at + m * n);
    const b = numbers.subarray(at + m * n, at + m * n + m);
    at += m * n + m;
    return { W, b, n, m };
  });
  const pixels = new Float64Array(SIDE * SIDE);
  let cursor = [14, 14];

  const forward = () => {
    let A = pixels;
    const found = layers.map(({ W, b, n, m }, l) => {
      const Z = Float64Array.from({ length: m }, (_, i) => {
        let sum = b[i];
        for (let j = 0; j < n; j += 1) sum += W[i * n + j] * A[j];
        return sum;
      });
      A = l < layers.length - 1 ? Z.map((z) => Math.max(0, z)) : Z;
      return A;
    });
    return { hidden: found.slice(0, -1), Z: [...found.at(-1)], P: nn.softmax([...found.at(-1)].map((z) => [z])).map((row) => row[0]) };
  };

  const canvas = element("canvas", { width: 280, height: 280, tabindex: 0, role: "img", "aria-label": "28 by 28 pixels to draw on: arrow keys move, space paints, Delete clears" });
  const bars = element("div", { class: "play-bars ten", role: "img" });
  const layersShown = element("div", { class: "play-layers" });
  const says = element("p", { "aria-live": "polite" });

  const grey = (values, columns, name) => {
    const shown = element("canvas", { width: columns, height: Math.ceil(values.length / columns), "aria-label": `${name}: ${values.length} activations`, role: "img" });
    const top = Math.max(...values, 1e-9);
    const context = shown.getContext("2d");
    values.forEach((v, k) => {
      context.fillStyle = `rgb(${[0, 0, 0].map(() => 255 - Math.round((255 * v) / top)).join()})`;
      context.fillRect(k % columns, Math.floor(k / columns), 1, 1);
    });
    return element("figure", {}, shown, element("figcaption", {}, `${name}, ${values.filter((v) => v > 0).length} of ${values.length} not 0`));
  };

  const draw = () => {
    const context = canvas.getContext("2d");
    for (let k = 0; k < pixels.length; k += 1) {
      const v = 255 - Math.round(255 * pixels[k]);
      context.fillStyle = `rgb(${v},${v},${v})`;
      context.fillRect((k % SIDE) * 10, Math.floor(k / SIDE) * 10, 10, 10);
    }
    if (document.activeElement === canvas) {
      context.strokeStyle = "#c92a2a";
      context.strokeRect(cursor[1] * 10 + 0.5, cursor[0] * 10 + 0.5, 9, 9);
    }
    const { hidden, Z, P } = forward();
    const best = P.indexOf(Math.max(...P));
    bars.setAttribute("aria-label", `probabilities ${P.map((p, i) => `${i}: ${number(p, 2)}`).join(", ")}`);
    bars.replaceChildren(...P.map((p, i) => element("div", { class: i === best ? "play-bar is-label" : "play-bar", title: `Z = ${number(Z[i], 3)}` },
      element("i", { style: `height:${(100 * p).toFixed(1)}%` }), element("b", {}, String(i)))));
    layersShown.replaceChildren(...hidden.map((A, l) => grey([...A], l ? 8 : 16, `A${l + 1}`)));
    says.textContent = `Most probable: ${best}, with probability ${number(P[best], 3)}. Logit ${number(Z[best], 4)}.`;
    says.dataset.probabilities = JSON.stringify(P);
  };

  const paint = (i, j) => {
    for (const [di, dj, ink] of [[0, 0, 1], [0, 1, 0.6], [1, 0, 0.6], [0, -1, 0.6], [-1, 0, 0.6]]) {
      const [r, c] = [i + di, j + dj];
      if (r >= 0 && r < SIDE && c >= 0 && c < SIDE) pixels[r * SIDE + c] = Math.max(pixels[r * SIDE + c], ink);
    }
    draw();
  };
  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    return [Math.floor(((event.clientY - box.top) / box.height) * SIDE), Math.floor(((event.clientX - box.left) / box.width) * SIDE)];
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); paint(...under(event)); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) paint(...under(event)); });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (move) cursor = cursor.map((x, k) => Math.min(SIDE - 1, Math.max(0, x + move[k])));
    else if (event.key === " ") paint(...cursor);
    else if (event.key === "Delete") pixels.fill(0);
    else return;
    event.preventDefault();
    draw();
  });
  for (const kind of ["focus", "blur"]) canvas.addEventListener(kind, draw);

  const load = (values) => { pixels.set(values); draw(); };
  body.replaceChildren(
    element("div", { class: "play-columns" },
      element("div", {}, canvas, element("p", { class: "play-controls" },
        element("button", { type: "button", onclick: () => load(new Float64Array(SIDE * SIDE)) }, "clear"),
        element("button", { type: "button", onclick: () => load(given.example) }, "the digit of these pages"))),
      element("div", {}, layersShown, bars, says)),
  );
  load(given.example);
});
