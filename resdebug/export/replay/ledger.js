// The ledger: what arrived at the selected node, from whom, and how it adds up.

const MOST_ROWS = 200,
  MOST_NUMBERS = 8;

function paintLedger(session, app) {
  const { net, data, selected: node } = session;
  byId("ledger-title").replaceChildren("Ledger of ", bar(net, node));
  const body = byId("ledger-body");
  if (node === data.target) return body.replaceChildren(...seedLedger(session, node));
  const parts = session.parts(node);
  if (!parts.length) return body.replaceChildren(line("dim", "No adjoint: ", ...whyNone(session, node), "."));
  const state = session.state(node);
  const arrived = parts.slice(0, state.arrived);
  const first = Math.max(0, arrived.length - MOST_ROWS);
  const form = alignedParts(arrived.slice(first));
  const rows = arrived.slice(first).map((part, k) => entry(session, app, first + k + 1, part, form));
  const waiting = parts.slice(arrived.length, arrived.length + MOST_ROWS);
  rows.push(...waiting.map((part, k) => pending(net, arrived.length + k + 1, part)));
  const heads = ["", "contribution", "norm", "share", "‖Σ‖ so far", "cos"];
  const about = [
    "order of arrival",
    "the consumer that sent it, by which formula, and its numbers",
    "Euclidean norm of the contribution",
    "its norm of the sum of all norms",
    "norm of the running sum, this included",
    "of the angle to the sum before it",
  ];
  const head = make("tr", {}, ...heads.map((text, k) => make("th", { scope: "col", title: about[k] }, text)));
  const table = make("table", { class: "ledger" }, make("thead", {}, head), ...rows);
  if (arrived.length) table.append(make("tfoot", {}, ...total(session, node, arrived, parts.length, form)));
  const notes = first ? [line("dim", `… ${plural(first, "earlier contribution")} not shown; they are in the sum`)] : [];
  const more = parts.length - arrived.length - waiting.length;
  if (more > 0) notes.push(line("dim", `… and ${grouped(more)} more still to come`));
  body.replaceChildren(table, ...notes, ...(state.state === "complete" ? [verdict(session, arrived)] : []));
}

function seedLedger(session, node) {
  const { net, data } = session;
  if (session.inForwardPass) return [line("dim", "The seed is not planted yet: the forward pass is under way.")];
  const told = [
    line("math sum", bar(net, node), " = ∂", short(net, node), "/∂", short(net, node), " = ", datum(1, "1")),
    line("dim", "The target's adjoint is not sent by anybody: it is the seed from which all the others follow."),
  ];
  if (data.description) told.push(line("description", called(data.description, "")));
  return told;
}

function entry(session, app, k, part, form) {
  const { net, data } = session;
  const now = session.last.edge === part.edge;
  const way = part.way
    ? make("span", { class: `way ${part.way}` }, part.way)
    : make("span", { class: "dim" }, `.${net.slot(part.edge)}`);
  const who = make("button", { class: "link", type: "button", tabindex: "-1" }, short(net, part.consumer));
  who.addEventListener("click", () => {
    session.followLink(part.consumer);
    app.refresh();
  });
  const formula = net.sent(part.edge) ? called(net.sent(part.edge), "math") : "";
  const scalar = data.edges.numbers[part.edge];
  const numbers = [];
  if (scalar && part.sent?.numbers?.length === 1) {
    numbers.push(scalarLine(part.sent.numbers[0], "= ", called(scalar, "math")));
  } else {
    if (scalar) numbers.push(make("div", { class: "math dim" }, "= ", called(scalar, "math")));
    numbers.push(elements(part.sent, form));
  }
  const mark = now ? make("span", { class: "now", title: "this has just arrived" }, "▶") : "";
  return make(
    "tbody",
    { class: now ? "entry arriving" : "entry", "data-edge": part.edge },
    make(
      "tr",
      {},
      make("td", { class: "place" }, mark, String(k)),
      make("td", { class: "sent" }, who, " ", way, "  ", formula),
      make("td", { class: "num size" }, part.sent ? normed(part.sent.norm) : "not here"),
      make("td", { class: "num" }, share(part)),
      make("td", { class: "num so-far" }, part.running ? normed(part.running.norm) : ""),
      make("td", { class: "num dim" }, part.cosine === null ? "" : part.cosine.toFixed(2).replace("-", MINUS)),
    ),
    make("tr", { class: "below" }, make("td"), make("td", { colspan: 5 }, ...numbers)),
  );
}

function normed(norm) {
  return datum(norm, scientific(norm, 4), Number.isFinite(norm) ? "number" : "bad");
}

function share(part) {
  const picture = draw("svg", {
    class: `bar ${part.way}`,
    viewBox: "0 0 40 8",
    width: 40,
    height: 8,
    "aria-hidden": "true",
  });
  const width = Number.isFinite(part.share) ? 40 * part.share : 0;
  picture.append(
    draw("rect", { class: "ground", width: 40, height: 8 }),
    draw("rect", { class: "fill", width, height: 8 }),
  );
  return make("span", { class: "share" }, picture, percent(part.share));
}

// One format for the first numbers of all contributions and of their sum, and how many of them fit on a line.
function alignedParts(parts) {
  const some = parts
    .slice(-MOST_ROWS)
    .flatMap((part) => [part.sent, part.running])
    .filter((tensor) => tensor?.numbers);
  const form = aligned(some.flatMap((tensor) => Array.from(tensor.numbers.slice(0, MOST_NUMBERS))));
  const room = byId("ledger-body").clientWidth - 150;
  return { ...form, count: clamp(Math.floor(room / (8 * form.width + 11)), 3, MOST_NUMBERS) };
}

// The first numbers of a tensor.
function elements(tensor, form) {
  if (!tensor) return make("div", { class: "dim" }, "its numbers are not in this pass");
  if (!tensor.numbers) {
    const { minimum, maximum } = tensor.statistics;
    const range = ["[", datum(minimum, plain(minimum, 4)), " … ", datum(maximum, plain(maximum, 4)), "]"];
    return make(
      "div",
      { class: "range" },
      ...range,
      make("span", { class: "dim" }, tensor.map ? " as a map below" : " statistics only"),
    );
  }
  const shown = Array.from(tensor.numbers.slice(0, form.count));
  const rest = [form.scale, tensor.size > shown.length ? `… of ${grouped(tensor.size)}` : ""].filter(Boolean).join(" ");
  return make("div", { class: "elements" }, ...shown.map((x) => one(x, form)), make("span", { class: "dim" }, rest));
}

function scalarLine(x, ...told) {
  return make(
    "div",
    { class: "elements" },
    make("data", { value: String(x), title: exact(x), class: "math" }, ...told),
  );
}

function one(x, form) {
  const element = datum(x, form.text(x), Number.isFinite(x) ? "number" : "bad");
  element.style.minWidth = `calc(${form.width}ch + .15em)`;
  return element;
}

function pending(net, k, part) {
  const way = part.way ? ` (${part.way})` : "";
  const told = make("td", { class: "dim", colspan: 5 }, short(net, part.consumer), way, " … still to come");
  return make("tbody", {}, make("tr", { class: "pending" }, make("td", { class: "place" }, `○${k}`), told));
}

function total(session, node, arrived, expected, form) {
  const { net, data } = session;
  const last = arrived.at(-1);
  const complete = session.state(node).state === "complete";
  const sign = data.rule === "sum" ? "Σ" : data.rule;
  const addition = data.edges.sum[last.edge];
  const head = [
    bar(net, node),
    complete ? "" : make("span", { class: "dim" }, ` so far, ${arrived.length} of ${expected}`),
  ];
  const numbers =
    addition && last.running?.numbers?.length === 1
      ? [scalarLine(last.running.numbers[0], called(addition, "math"))]
      : [addition ? make("div", { class: "math sum" }, called(addition, "math")) : "", elements(last.running, form)];
  return [
    make(
      "tr",
      { class: "total" },
      make("th", { scope: "row", class: "place sum" }, sign),
      make("td", { class: "sent sum" }, ...head),
      make("td", { class: "num sum size" }, last.running ? normed(last.running.norm) : ""),
      make("td", { colspan: 3 }, ""),
    ),
    make("tr", { class: "below sum" }, make("td"), make("td", { colspan: 5 }, ...numbers)),
  ];
}

// What the sum came to: that the last row is the adjoint was told by comparing their bits.
function verdict(session, arrived) {
  const { data, selected: node } = session;
  const closes = data.nodes.closes[node];
  if (closes === 0) return line("bad verdict", "✗ the ledger does not give the adjoint");
  if (data.rule !== "sum") {
    const what = `the ${data.rule} of ${plural(arrived.length, "contribution")}`;
    return line("bad verdict", `! ${what}: wrong on purpose, they are to be added`);
  }
  const told = arrived.length === 1 ? "one contribution" : `${grouped(arrived.length)} added, not averaged`;
  if (closes < 0)
    return line("dim verdict", `✓ complete: ${told}; the pass holds too little to compare the sum with the adjoint`);
  return line("good verdict", `✓ complete: ${told}${arrived.length === 1 ? "," : ";"} equal to the adjoint`);
}
