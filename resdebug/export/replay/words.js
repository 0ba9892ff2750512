// What has just happened, in a sentence, and the four answers.

const ANSWERS = [
  [
    "Added or averaged?",
    "Added. A value that is used twice influences the target in two ways, and the chain rule of " +
      "several variables sums over them. The ledger of any node marked Σ2 shows it in numbers.",
  ],
  [
    "How does it skip layers?",
    "It skips nothing. A skip is an identity whose derivative is 1: the adjoint passes through " +
      "it unchanged, and is added to what comes back through the branch.",
  ],
  [
    "Finite differences?",
    "No. Each contribution is a vector-Jacobian product: an exact formula, evaluated at the values " +
      "that the forward pass saved. Finite differences only check them.",
  ],
  [
    "How is it done?",
    "One node at a time, from the target back. When the adjoint x̄ = ∂target/∂x of a node is complete, its " +
      "operator turns it into a contribution (∂y/∂x)ᵀ ȳ for each of its inputs.",
  ],
];

const ARTICLES = {
  mean: "averages contributions",
  overwrite: "keeps the last contribution only",
  first: "keeps the first contribution only",
  twice: "adds every contribution after the first twice",
};

function short(net, node) {
  return called(shortened(net.name(node), 30));
}

function bar(net, node, limit = 30) {
  return called(barred(shortened(net.name(node), limit)));
}

// The last event as a sentence, in pieces.
function narrate(session) {
  const { net } = session;
  const { kind, node, edge } = session.last;
  if (kind === "nothing") {
    return ["Nothing has happened yet. The forward pass will evaluate every node, inputs first; press n."];
  }
  if (kind === "evaluated") {
    if (net.isLeaf(node)) return [short(net, node), ` is given: ${net.type(node).text}.`];
    const formula = net.formula(node);
    return [
      "The forward pass evaluated ",
      short(net, node),
      " and saved it",
      formula ? ": " : "",
      called(formula, "math"),
      ".",
    ];
  }
  if (kind === "seeded") {
    const [over, name] = [bar(net, node), () => short(net, node)];
    return ["The seed: ", over, " = ∂", name(), "/∂", name(), " = 1. From here the adjoints flow back; n steps."];
  }
  return kind === "completed" ? completedWords(session, node) : contributedWords(session, node, edge);
}

function completedWords(session, node) {
  const { net, data } = session;
  const arrivals = session.timeline.arrivals[node];
  const over = bar(net, node);
  if (!arrivals.length) {
    return [
      over,
      " is complete, the seed itself. Visiting ",
      short(net, node),
      " sends its contributions to its inputs.",
    ];
  }
  if (arrivals.length === 1) {
    return [over, " is complete: its only contribution came from ", short(net, net.consumer(arrivals[0])), "."];
  }
  if (data.rule !== "sum") {
    return [over, ` holds the ${data.rule} of ${arrivals.length} contributions. Wrong on purpose: they are added.`];
  }
  const ways = arrivals.slice(0, 4).map((edge) => net.way(edge) || short(net, net.consumer(edge)));
  const shown =
    arrivals.length <= 4 ? ways.flatMap((way, k) => (k ? [" + ", way] : [way])) : [`${arrivals.length} in all`];
  return [over, ` is complete: ${plural(arrivals.length, "contribution")} were added, not averaged (`, ...shown, ")."];
}

function contributedWords(session, node, edge) {
  const { net } = session;
  const { arrived, expected } = session.state(node);
  const way = net.way(edge) ? ` through the ${net.way(edge)}` : "";
  const count = expected > 1 ? ` (${arrived} of ${expected})` : "";
  const why = net.reason(edge);
  const from = short(net, net.consumer(edge));
  return [from, " sent ", short(net, node), ` a contribution${way}${count}`, why ? ": " : "", called(why, ""), "."];
}

// Why a node has no adjoint.
function whyNone(session, node) {
  const { net, data } = session;
  if (net.op(node) === "constant") return ["a constant is not differentiated by"];
  if (!net.type(node).float) return [`${net.type(node).dtype} values cannot be varied by a little`];
  if (!net.takesPart[node]) return [short(net, data.target), " does not depend on it"];
  return ["no differentiable path leads from an input or parameter through it to the target"];
}

// An event in a few words, for the timeline.
function moment(session, position) {
  const { kind, node } = session.timeline.before(position);
  const { net } = session;
  if (kind === "nothing") return ["the beginning"];
  const norm = kind === "completed" ? session.adjointNorm(node) : null;
  const block = net.block(node);
  return [
    `event ${grouped(position)}: ${kind} `,
    called(shortened(net.name(node), 40)),
    norm === null ? "" : `, norm ${scientific(norm)}`,
    block ? " in " : "",
    called(shortened(block, 30)),
  ];
}
