// Copy a formula's TeX, link to it, ask what a symbol means, see its shapes, follow the graph. The pages read without it.
(() => {
  const known = JSON.parse(document.getElementById("symbol-meanings")?.textContent || "{}");
  const says = document.createElement("div");
  says.className = "sym-says";
  says.hidden = true;
  says.setAttribute("role", "status");
  document.body.append(says);

  const meaning = (formula, group) => {
    const found = /\bsym-(\d+)\b/.exec(group.getAttribute("class"));
    return found && (known[formula.dataset.claim] || [])[Number(found[1])];
  };

  // A symbol's LaTeX as text: Greek letters, a tilde; brackets and all other commands go.
  const GREEK = { alpha: "α", theta: "θ", mu: "μ", sigma: "σ", delta: "δ", ell: "ℓ" };
  const spelled = (latex) => latex
    .replace(/\\tilde\{(\w+)\}/g, "$1\u0303")
    .replace(/\\([a-z]+)\s*/g, (_, word) => GREEK[word] || "")
    .replace(/[{}^_]/g, "");

  const show = (items, box) => {
    says.replaceChildren(...items.map(([name, words, shape]) => {
      const line = document.createElement("div");
      const b = document.createElement("b");
      b.textContent = spelled(name);
      line.append(b, ` ${words}${shape && shape !== "–" ? `, ${shape}` : ""}`);
      return line;
    }));
    says.hidden = false;
    const left = Math.min(box.left, innerWidth - says.offsetWidth - 12);
    const under = box.bottom + 8 + says.offsetHeight < innerHeight;
    says.style.left = `${Math.max(8, left)}px`;
    says.style.top = `${under ? box.bottom + 8 : box.top - says.offsetHeight - 8}px`;
  };
  const hide = () => {
    says.hidden = true;
    document.querySelectorAll(".sym.here").forEach((old) => old.classList.remove("here"));
  };

  const button = (label, title, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.title = title;
    made.addEventListener("click", () => act(made));
    return made;
  };

  // Ink is thin: a symbol is where its box is, so that one need not hit the stroke of a letter.
  const under = (event, groups) => groups.find((group) => {
    const box = group.getBoundingClientRect();
    return event.clientX >= box.left - 1 && event.clientX <= box.right + 1
      && event.clientY >= box.top - 2 && event.clientY <= box.bottom + 2;
  });

  const toggleShapes = (formula, groups) => (made) => {
    const on = formula.classList.toggle("shaped");
    made.setAttribute("aria-pressed", String(on));
    formula.querySelectorAll(".shape").forEach((label) => label.remove());
    if (!on) return;
    const math = formula.querySelector(".math");
    const frame = math.getBoundingClientRect();
    const labelled = new Set();
    for (const group of groups) {
      const found = meaning(formula, group);
      if (!found || !found[2] || found[2] === "–" || labelled.has(found[0])) continue;
      labelled.add(found[0]);  // once is enough: the same symbol has the same shape
      const box = group.getBoundingClientRect();
      const label = document.createElement("span");
      label.className = "shape";
      label.textContent = found[2].replace(/ /g, "");
      label.style.left = `${box.left + box.width / 2 - frame.left + math.scrollLeft}px`;
      label.style.top = `${box.bottom - frame.top}px`;
      math.append(label);
    }
  };

  for (const formula of document.querySelectorAll(".formula")) {
    const math = formula.querySelector(".math");
    if (!math) continue;
    const groups = [...math.querySelectorAll("svg .sym")];
    const items = [...new Map(groups.map((g) => meaning(formula, g)).filter(Boolean).map((m) => [m[0], m])).values()];
    const tools = document.createElement("div");
    tools.className = "formula-tools";
    tools.append(button("TeX", "Copy the TeX of this formula", async (made) => {
      await navigator.clipboard.writeText(math.dataset.tex);
      made.textContent = "copied";
      setTimeout(() => { made.textContent = "TeX"; }, 1200);
    }));
    if (items.some((m) => m[2] && m[2] !== "–")) {
      tools.append(button("shapes", "Show the shapes under the symbols", toggleShapes(formula, groups)));
    }
    if (formula.id) {
      const link = document.createElement("a");
      link.href = `#${formula.id}`;
      link.textContent = "#";
      link.title = "Link to this formula";
      tools.append(link);
    }
    formula.append(tools);
    if (items.length) {
      math.tabIndex = 0;
      math.addEventListener("focus", () => math.matches(":focus-visible") && show(items, math.getBoundingClientRect()));
      math.addEventListener("blur", hide);
      math.addEventListener("mouseleave", hide);
      for (const kind of ["mousemove", "click"]) {
        math.addEventListener(kind, (event) => {
          const group = under(event, groups);
          const found = group && meaning(formula, group);
          math.querySelectorAll(".sym.here").forEach((old) => old.classList.remove("here"));
          if (!found) return hide();
          group.classList.add("here");
          show([found], group.getBoundingClientRect());
        });
      }
    } else if (math.scrollWidth > math.clientWidth) {
      math.tabIndex = 0;
    }
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());

  for (const code of document.querySelectorAll(".highlight pre > code")) {
    const copy = button("copy", "Copy this code", async (made) => {
      const lines = code.innerText.split("\n");
      const typed = code.closest(".language-console") ? lines.filter((l) => l.startsWith("$ ")).map((l) => l.slice(2)) : lines;
      await navigator.clipboard.writeText(typed.join("\n"));
      made.textContent = "copied";
      setTimeout(() => { made.textContent = "copy"; }, 1200);
    });
    copy.className = "copy-code";
    code.closest(".highlight").append(copy);
  }

  for (const box of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code, .pane, .here, .where li")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }

  // A link to something folded away opens it.
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    let above = target && target.closest("details");
    while (above) { above.open = true; above = above.parentElement.closest("details"); }
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();

  for (const node of document.querySelectorAll(".graph .node")) {
    const edges = document.querySelectorAll(`.graph .from-${node.dataset.name}, .graph .to-${node.dataset.name}`);
    const light = (on) => () => edges.forEach((edge) => edge.classList.toggle("lit", on));
    for (const event of ["mouseenter", "focus"]) node.addEventListener(event, light(true));
    for (const event of ["mouseleave", "blur"]) node.addEventListener(event, light(false));
  }
})();
