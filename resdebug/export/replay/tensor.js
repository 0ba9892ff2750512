// The tensor pane: value, adjoint or a contribution of the selected node, as numbers, heat map, histogram or statistics.

const MODES = ["numbers", "heat map", "histogram", "statistics"];
const MOST_TABLE = [40, 16],
  FEW = 48,
  BINS = 31;

function shownMode(session, tensor) {
  if (session.mode !== null) return MODES[session.mode];
  return tensor && tensor.numbers && tensor.size <= FEW ? "numbers" : "heat map";
}

function paintTensor(session, app) {
  const { net, selected: node } = session;
  const shape = net.type(node).shape;
  byId("tensor-title").replaceChildren("Tensor of ", called(net.name(node)), ` (${shape.join(",")})`);
  const views = session.views();
  const chosen = session.shownView(views);
  const mode = shownMode(session, views[chosen].tensor);
  byId("tensor-views").replaceChildren(
    ...views.map((view, k) =>
      tab(view.label, k === chosen, () => {
        session.view = k;
        app.refresh();
      }),
    ),
  );
  byId("tensor-modes").replaceChildren(
    ...MODES.map((name, k) =>
      tab([name], name === mode, () => {
        session.mode = k;
        app.refresh();
      }),
    ),
  );
  const body = byId("tensor-body");
  const room = Math.max(120, body.clientWidth - 8);
  const both = session.beside && chosen > 0 && room > 420;
  const shown = both ? [0, chosen] : [chosen];
  body.classList.toggle("beside", both);
  body.replaceChildren(
    ...shown.map((k) => {
      const title = both ? [make("h3", {}, ...views[k].label.map((part) => part.cloneNode?.(true) ?? part))] : [];
      const width = both ? (room - 24) / 2 : room;
      const height =
        getComputedStyle(byId("tensor-pane")).flexGrow === "1"
          ? Math.max(110, body.clientHeight - (both ? 40 : 16))
          : 280;
      return make(
        "div",
        { class: "drawing" },
        ...title,
        ...drawTensor(session, app, views[k].tensor, k, { width, height }),
      );
    }),
  );
}

function tab(label, chosen, press) {
  const button = make(
    "button",
    { type: "button", class: chosen ? "tab chosen" : "tab", "aria-pressed": String(chosen), tabindex: "-1" },
    ...label,
  );
  button.addEventListener("click", press);
  return button;
}

function drawTensor(session, app, tensor, k, space) {
  if (!tensor) return [line("dim", missing(session, k))];
  if (!tensor.size) return [line("dim", "no elements")];
  const mode = shownMode(session, tensor);
  const brief = line("stats", ...inBrief(tensor));
  if (mode === "statistics" || (!tensor.numbers && !tensor.map)) return [figures(tensor), ...onlyStatistics(tensor)];
  if (mode === "histogram")
    return tensor.numbers
      ? [histogram(tensor, space.height), brief]
      : [line("dim", "its numbers are not all in this page"), figures(tensor)];
  const plane = planeOf(tensor, session);
  const readout = make("p", { class: "readout", "aria-live": "off" });
  const tell = (at) => readout.replaceChildren(...(at ? element(tensor, plane, at) : [""]));
  if (session.pointed)
    session.pointed = [clamp(session.pointed[0], 0, plane.rows - 1), clamp(session.pointed[1], 0, plane.columns - 1)];
  tell(session.pointed);
  const point = (at, keep) => {
    if (keep) {
      session.pointed = at;
      app.refresh();
    } else tell(at ?? session.pointed);
  };
  const label = `heat map of ${session.net.name(session.selected)}, norm ${scientific(tensor.norm)}`;
  const drawn = mode === "numbers" ? table(session, plane, point) : heat(session, plane, label, space, point);
  const where = plane.where
    ? line("dim", `slice [${plane.where}]`, plane.of > 1 ? `: [ and ] go through ${grouped(plane.of)}` : "")
    : "";
  return [
    make(
      "div",
      { class: "spread" },
      drawn.picture,
      make("div", { class: "beneath" }, where, ...drawn.notes, readout, brief),
    ),
  ];
}

function onlyStatistics(tensor) {
  return tensor.numbers || tensor.map
    ? []
    : [line("dim note", "this page has only statistics of this tensor; they are exact")];
}

function missing(session, view) {
  const node = session.selected;
  if (!session.net.takesPart[node]) return "not part of the pass";
  if (view && session.timeline.visit[node] < 0) return "no adjoint here";
  const { state } = session.state(node);
  const here = view ? state === "complete" || state === "partial" : state !== "waiting";
  return here ? "the pass that this page was made of does not hold it" : "not there yet at this moment of the pass";
}

// An element with its place and all its digits.
function element(tensor, plane, [row, column]) {
  const x = plane.at(row, column);
  if (x === undefined) return [""];
  const place = `[${plane.index(row, column).join(",")}]`;
  if (plane.approximate !== undefined) return [`${place} ≈ ${plain(x, 2)}${plane.approximate}`];
  return [`${place} = `, datum(x, exact(x)), ` ${tensor.dtype}`];
}

// The first of so many shown so that the one pointed at is among them.
function windowed(size, shown, at) {
  return Math.max(0, Math.min(at - (shown >> 1), size - shown));
}

function table(session, plane, point) {
  const [row0, column0] = session.pointed ?? [0, 0];
  const rows = Math.min(plane.rows, MOST_TABLE[0]),
    columns = Math.min(plane.columns, MOST_TABLE[1]);
  const top = windowed(plane.rows, rows, row0),
    left = windowed(plane.columns, columns, column0);
  const body = make("tbody");
  for (let i = top; i < top + rows; i++) {
    const line = make("tr");
    for (let j = left; j < left + columns; j++) {
      const x = plane.at(i, j);
      if (x === undefined) continue;
      const here = session.pointed && i === row0 && j === column0;
      const kind = !Number.isFinite(x) ? "bad" : x < 0 ? "negative" : x > 0 ? "positive" : "dim";
      const rounded = plane.approximate !== undefined;
      const text = rounded ? plain(x, 2) : plain(x);
      const cell = make("td", { class: here ? "num pointed" : "num" }, rounded ? text : datum(x, text, kind));
      cell.addEventListener("click", () => point([i, j], true));
      line.append(cell);
    }
    body.append(line);
  }
  const notes = [plane.note];
  if (rows < plane.rows) notes.push(`rows ${top}…${top + rows - 1} of ${plane.rows}`);
  if (columns < plane.columns) notes.push(`columns ${left}…${left + columns - 1} of ${plane.columns}`);
  if (rows < plane.rows || columns < plane.columns) notes.push("J K H L move on");
  if (plane.wrapped) notes.push("a vector, line by line");
  const note = notes.filter(Boolean).join("; ");
  return {
    picture: make("div", { class: "wide" }, make("table", { class: "matrix" }, body)),
    notes: note ? [line("dim note", note)] : [],
  };
}

function histogram(tensor, height) {
  const finite = Array.from(tensor.numbers).filter(Number.isFinite);
  if (!finite.length) return line("bad", "no finite number");
  const { minimum, maximum } = tensor.statistics;
  const counts = new Array(BINS).fill(0);
  const width = maximum - minimum;
  for (const x of finite)
    counts[width > 0 ? Math.min(BINS - 1, Math.floor(((x - minimum) / width) * BINS)) : BINS >> 1]++;
  const most = Math.max(...counts);
  const label = `histogram of ${plural(finite.length, "number")} from ${plain(minimum, 3)} to ${plain(maximum, 3)}`;
  const picture = draw("svg", {
    class: "histogram",
    viewBox: `0 0 ${BINS * 10} 120`,
    role: "img",
    "aria-label": label,
    preserveAspectRatio: "none",
  });
  picture.style.height = `${clamp(height - 56, 70, 200)}px`;
  counts.forEach((count, k) => {
    const tall = count ? Math.max(1.5, (110 * count) / most) : 0;
    const bar = draw("rect", { x: k * 10 + 1, y: 118 - tall, width: 8, height: tall });
    const from = minimum + (k * width) / BINS;
    bar.append(draw("title", {}, `${plain(from, 3)} … ${plain(from + width / BINS, 3)}: ${grouped(count)}`));
    picture.append(bar);
  });
  picture.append(draw("path", { class: "axis", d: `M0 118.5H${BINS * 10}` }));
  const odd = tensor.size - finite.length;
  const ends = make(
    "div",
    { class: "ends" },
    make("span", {}, plain(minimum, 3)),
    make("span", { class: "dim" }, `highest bar ${grouped(most)}`),
    make("span", {}, plain(maximum, 3)),
  );
  return make("div", {}, picture, ends, odd ? line("bad", `${grouped(odd)} not finite`) : "");
}

function figures(tensor) {
  const { minimum, maximum, mean, deviation, zeros, nans, infinities } = tensor.statistics;
  const rows = [
    ["norm", datum(tensor.norm, plain(tensor.norm, 8))],
    ["mean", datum(mean)],
    ["deviation", datum(deviation)],
    ["minimum", datum(minimum)],
    ["maximum", datum(maximum)],
    ["zeros", `${grouped(zeros)} (${percent(zeros / Math.max(1, tensor.size))})`],
    ["NaN", grouped(nans), nans],
    ["infinite", grouped(infinities), infinities],
    ["elements", grouped(tensor.size)],
  ];
  return make(
    "dl",
    { class: "figures" },
    ...rows.flatMap(([name, value, bad]) => [make("dt", {}, name), make("dd", { class: bad ? "bad" : "" }, value)]),
  );
}
