// The selected node: its mathematics, its numbers in brief, its neighbours.

function line(role, ...children) {
  return make("p", { class: role }, ...children);
}

function paintNode(session, app) {
  const { net, data, selected: node } = session;
  const block = net.block(node);
  byId("node-title").replaceChildren(
    called(net.name(node)),
    ` · ${net.op(node)} · ${net.type(node).text}`,
    block ? " · " : "",
    called(block, "dim"),
  );
  const { state } = session.state(node);
  const told = [];
  const formula = data.nodes.formula[node];
  told.push(
    formula ? line("math strong", called(formula, "math")) : line("dim", "(its formulas are not in this page)"),
  );
  const numbers = data.nodes.numbers[node];
  if (numbers && state !== "waiting") told.push(line("", "with numbers: ", called(numbers, "math")));
  told.push(...adjointFormula(session, node, state), ...statistics(session, node, state), ...neighbours(session, app));
  const about = [data.words[data.nodes.about[node]], place(session, node)].filter(Boolean);
  if (about.length) told.push(line("dim", about.join(" · ")));
  const convention = data.words[data.nodes.convention[node]];
  if (convention) told.push(line("dim", `convention: ${convention}`));
  byId("node-body").replaceChildren(...told);
}

function place(session, node) {
  const members = session.arrangement.blocks.members.get(session.net.block(node)) ?? [];
  const at = members.indexOf(node);
  return at < 0 ? "" : `operator ${members.length - at} of ${members.length} in ${session.net.block(node)}`;
}

// The adjoint as the sum of what its consumers contribute.
function adjointFormula(session, node, state) {
  const { net, data, timeline } = session;
  if (node === data.target) {
    return [line("math sum", bar(net, node), " = ∂", short(net, node), "/∂", short(net, node), " = 1  (the seed)")];
  }
  const arrivals = timeline.arrivals[node];
  if (!arrivals.length) return [line("dim", "no adjoint: ", ...whyNone(session, node))];
  const terms = [];
  arrivals.slice(0, 6).forEach((edge, k) => {
    const formula = net.sent(edge);
    const at = formula.indexOf(" += ");
    if (k) terms.push(data.rule === "sum" ? " + " : ", ");
    terms.push(called(at < 0 ? net.slot(edge) : formula.slice(at + 4), "math"));
    if (net.way(edge)) terms.push(make("span", { class: net.way(edge) }, ` [${net.way(edge)}]`));
  });
  if (arrivals.length > 6) terms.push(` + … (${arrivals.length} contributions)`);
  const told = [];
  if (!arrivals.some((edge) => net.sent(edge)))
    told.push(line("dim", `${plural(arrivals.length, "contribution")} come here`));
  else if (data.rule === "sum") told.push(line("math sum", bar(net, node), " = ", ...terms));
  else told.push(line("math bad", bar(net, node), ` = ${data.rule} of (`, ...terms, "): wrong on purpose"));
  const sum = data.edges.sum[arrivals.at(-1)];
  if (sum && state === "complete") told.push(line("", "with numbers: ", bar(net, node), " = ", called(sum, "math")));
  return told;
}

function statistics(session, node, state) {
  const shown = [];
  const value = state === "waiting" ? null : session.value(node);
  const adjoint = state === "complete" ? session.adjoint(node) : null;
  for (const [what, tensor] of [
    ["value", value],
    ["adjoint", adjoint],
  ]) {
    if (tensor)
      shown.push(make("p", { class: "stats" }, make("span", { class: "dim" }, `${what} `), ...inBrief(tensor)));
  }
  return shown;
}

function inBrief(tensor) {
  if (tensor.numbers && tensor.size === 1) return [datum(tensor.numbers[0], plain(tensor.numbers[0], 8))];
  const { minimum, maximum, mean, deviation, zeros, nans, infinities } = tensor.statistics;
  const told = [
    "‖·‖ ",
    datum(tensor.norm, scientific(tensor.norm)),
    ` [${plain(minimum, 3)} … ${plain(maximum, 3)}]`,
    make("span", { class: "dim" }, `  μ ${plain(mean, 3)}  σ ${plain(deviation, 3)}`),
  ];
  if (zeros) told.push(make("span", { class: "dim" }, `  zeros ${percent(zeros / tensor.size)}`));
  if (nans || infinities) told.push(make("span", { class: "bad" }, `  NaN ${grouped(nans)}  ∞ ${grouped(infinities)}`));
  return told;
}

// Inputs and consumers; the one that enter follows is marked.
function neighbours(session, app) {
  const { net } = session;
  const links = session.links();
  return [
    ["inputs", false],
    ["used by", true],
  ].flatMap(([title, consumes]) => {
    const shown = links.filter((link) => link.consumes === consumes);
    if (!shown.length) return [];
    const buttons = shown.slice(0, 24).flatMap((link) => {
      const here = links.indexOf(link) === session.link;
      const button = make(
        "button",
        { class: here ? "link here" : "link", type: "button", tabindex: "-1" },
        here ? "›" : "",
        short(net, link.node),
        make("span", { class: "dim" }, `.${net.slot(link.edge)}`),
      );
      button.addEventListener("click", () => {
        session.followLink(link.node);
        app.refresh();
      });
      return [button, " "];
    });
    const rest = shown.length > 24 ? `… ${shown.length} in all` : "";
    return [make("p", {}, make("span", { class: "dim" }, `${title} `), ...buttons, rest)];
  });
}
