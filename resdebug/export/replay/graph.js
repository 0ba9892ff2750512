// The graph: one row a node in the order of the reverse pass, skips as lanes beside the trunk. Only rows in view are made.

const ROW = 24,
  CELL = 8,
  MOST_COLUMNS = 12;

class GraphPane {
  constructor(session, app) {
    this.session = session;
    this.app = app;
    this.scroller = byId("graph");
    this.inside = byId("rows");
    this.scroller.addEventListener("scroll", () => this.paint());
    this.scroller.addEventListener("click", (event) => this.clicked(event));
    this.scroller.addEventListener("dblclick", () => app.act((s) => s.toNode(s.selected), { keep: true }));
    new ResizeObserver(() => this.paint()).observe(this.scroller);
  }

  clicked(event) {
    const row = event.target.closest(".row");
    if (!row) return;
    this.session.select(this.session.rows.nodes[Number(row.dataset.row)]);
    if (event.target.closest(".fold")) this.app.tell(this.session.fold(1));
    this.app.refresh();
  }

  // Bring the row of the selection into view.
  show() {
    const top = this.session.rows.rowOf[this.session.selected] * ROW;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop + ROW) this.scroller.scrollTop = top - 3 * ROW;
    else if (top > scrollTop + clientHeight - 2 * ROW) this.scroller.scrollTop = top - clientHeight + 4 * ROW;
    this.paint();
  }

  paint() {
    const { session } = this;
    const { rows } = session;
    this.inside.style.height = `${rows.length * ROW}px`;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - 2);
    const last = Math.min(rows.length - 1, first + Math.ceil(this.scroller.clientHeight / ROW) + 4);
    this.travel = this.travelling();
    this.intervals = this.layout === rows ? this.intervals : new Map();
    this.layout = rows;
    this.columns = clamp(Math.floor((this.scroller.clientWidth - 190) / (2 * CELL)), 1, MOST_COLUMNS);
    this.inside.replaceChildren(
      ...Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => this.row(first + k)),
    );
    this.scroller.setAttribute("aria-activedescendant", `row-${rows.rowOf[session.selected]}`);
  }

  row(row) {
    const { session } = this;
    const { rows, net } = session;
    const unit = rows.unit(row);
    const node = unit.nodes[0];
    const here = session.currentRow === row;
    const chosen = rows.rowOf[session.selected] === row;
    const state = unit.block ? this.blockState(unit) : session.state(node);
    const element = make("div", {
      class: `row ${state.state}${chosen ? " selected" : ""}${here ? " here" : ""}${rows.onRails(row) ? "" : " leaf"}`,
      id: `row-${row}`,
      role: "option",
      "aria-selected": String(chosen),
      "aria-setsize": rows.length,
      "aria-posinset": row + 1,
      "data-row": row,
      "data-node": node,
    });
    element.style.top = `${row * ROW}px`;
    const stop = unit.nodes.some((i) => session.stops.has(i));
    const sign = here ? "▶" : state.state === "complete" ? "✓" : "";
    const what = here ? "time is here" : state.state === "complete" ? "complete" : "";
    element.append(
      make("span", { class: "place" }, String(row + 1)),
      make("span", { class: "stop", title: stop ? "a stop" : null }, stop ? "■" : ""),
      make("span", { class: here ? "sign now" : "sign", title: what || null }, sign),
      this.lanes(row, unit, state),
    );
    element.append(...(unit.block ? this.folded(unit) : this.named(node, state)));
    if (here && session.focus !== node)
      element.append(make("span", { class: "now focus" }, "◂ ", short(net, session.focus)));
    element.append(make("span", { class: "norm" }, ...this.size(unit, state)));
    return element;
  }

  named(node, state) {
    const { net } = this.session;
    const name = net.name(node),
      op = net.op(node);
    const told = [called(name)];
    if (state.expected > 1) {
      const count = state.state === "partial" ? `${state.arrived}/${state.expected}` : String(state.expected);
      told.push(make("span", { class: "sum", title: `${state.expected} contributions come here` }, `Σ${count}`));
    }
    if (!name.includes(op)) told.push(make("span", { class: "op" }, op));
    told[0].title = `${name}: ${op} ${net.type(node).text}`;
    return told;
  }

  folded(unit) {
    const done = unit.nodes.filter((node) => this.session.state(node).state === "complete").length;
    const count = done && done < unit.nodes.length ? `${done}/${unit.nodes.length}` : unit.nodes.length;
    return [
      make("span", { class: "fold", title: "unfold (z)" }, "▸ ", called(unit.block, "name strong")),
      make("span", { class: "op" }, `${count} ops`),
    ];
  }

  blockState(unit) {
    const states = unit.nodes.map((node) => this.session.state(node).state);
    const active = unit.nodes.filter((node) => this.session.timeline.afterCompletion(node));
    const done = active.filter((node) => this.session.state(node).state === "complete").length;
    if (done) return { state: done === active.length ? "complete" : "partial", expected: 1 };
    if (states.every((state) => state === "idle")) return { state: "idle", expected: 0 };
    return { state: states.includes("waiting") ? "waiting" : "evaluated", expected: 1 };
  }

  size(unit, state) {
    const { session } = this;
    if (state.state === "idle") return ["takes no part"];
    if (state.state !== "complete") return [];
    if (!unit.block) {
      const norm = session.adjointNorm(unit.nodes[0]);
      return norm === null ? [] : [datum(norm, scientific(norm), Number.isFinite(norm) ? "number" : "bad")];
    }
    const { entering, leaving, share } = this.through(unit);
    const told = share === null ? [] : [make("span", { class: "skip" }, `skip ${percent(share)} `)];
    if (entering !== null) told.push(datum(entering, scientific(entering)));
    if (entering !== null && leaving !== null) told.push("→", datum(leaving, scientific(leaving)));
    return told;
  }

  // The gradient's norm at a block's end and at its beginning, and the skip's share in what it sends to its fork.
  through(unit) {
    const { session } = this;
    const { net, timeline } = session;
    const inside = new Set(unit.nodes);
    const sources = unit.nodes
      .flatMap((node) => net.inputs[node].map((edge) => net.source(edge)))
      .filter((node) => !inside.has(node) && net.op(node) !== "parameter" && timeline.afterCompletion(node));
    const source = sources.reduce(
      (a, b) => (a < 0 || timeline.afterCompletion(b) > timeline.afterCompletion(a) ? b : a),
      -1,
    );
    const leaving = source < 0 ? null : session.adjointNorm(source);
    const sums = { skip: 0, branch: 0 };
    for (const part of source < 0 ? [] : session.parts(source)) {
      if (part.way && part.sent && inside.has(net.data.edges.join[part.edge])) sums[part.way] += part.sent.norm;
    }
    const share = sums.skip ? sums.skip / (sums.skip + sums.branch) : null;
    return { entering: session.adjointNorm(unit.nodes[0]), leaving, share };
  }

  // The rails of a row, or, beside a leaf, what runs past it.
  lanes(row, unit, state) {
    const { rows, net } = this.session;
    const { rails } = rows;
    const rail = rows.railOf[unit.nodes[0]];
    const on = rows.onRails(row);
    const cells = on ? rails.draw(rail, this.columns) : rails.drawUnder(rail, this.columns);
    const width = cells.length * CELL;
    const picture = draw("svg", {
      class: "lanes",
      width,
      height: ROW,
      viewBox: `0 0 ${width} ${ROW}`,
      "aria-hidden": "true",
    });
    cells.forEach((cell, place) => {
      if (cell.under) {
        picture.append(this.line(cell.under, rail, place, false));
        picture.append(draw("path", { class: "halo", d: `M${place * CELL + CELL / 2} 0V${ROW}` }));
      }
      for (const piece of cell.stubs ?? [cell]) {
        if (piece.carries >= 0)
          picture.append(this.line(piece, on ? rail : rail + 0.5, place, cell.stubs !== undefined));
      }
    });
    const here = rails.column(rail);
    if (on && here >= 0 && here < this.columns) picture.append(...this.dot(2 * here, unit, state, net));
    const hidden = on && rails.columns > this.columns ? rails.undrawn(rail) : 0;
    const turn = on ? "" : rows.forward ? "↱" : "↳";
    return make("span", { class: "rails" }, picture, hidden ? `+${hidden}` : turn);
  }

  line(cell, rail, place, isNode) {
    let { arms } = cell;
    if (this.session.rows.forward) arms = (arms & (LEFT | RIGHT)) | (arms & UP ? DOWN : 0) | (arms & DOWN ? UP : 0);
    const x = place * CELL + CELL / 2,
      y = ROW / 2;
    const [left, right] = isNode ? [0, 2 * CELL] : [x - CELL / 2, x + CELL / 2];
    const vertical = arms & UP && arms & DOWN ? `M${x} 0V${ROW}` : "";
    let path = vertical;
    if (arms & LEFT && arms & RIGHT && !isNode) path += `M${left} ${y}H${right}`;
    else if (arms & (LEFT | RIGHT)) {
      const side = arms & LEFT ? x - CELL / 2 : x + CELL / 2;
      const end = arms & UP ? 0 : ROW;
      path +=
        isNode || vertical ? `M${x} ${y}H${side}` : `M${side} ${y}Q${x} ${y} ${x} ${arms & UP ? y - 5 : y + 5}V${end}`;
    }
    if (!vertical && !(arms & (LEFT | RIGHT))) path += `M${x} ${y}V${arms & UP ? 0 : ROW}`;
    else if (!vertical && arms & LEFT && arms & RIGHT && arms & (UP | DOWN))
      path += `M${x} ${y}V${arms & UP ? 0 : ROW}`;
    return draw("path", { d: path, class: this.lit(cell, rail, place) });
  }

  lit(cell, rail, place) {
    if (this.isTravelling(cell, rail, place)) return "travel";
    const [start, end] = this.interval(cell.since, cell.carries);
    return start <= this.session.position && this.session.position < end ? "lit" : "idle";
  }

  // Whether the contribution that has just been sent runs through a piece of the drawing.
  isTravelling(cell, rail, place) {
    const { travel } = this;
    if (!travel || cell.carries !== travel.bottom) return false;
    if (rail === travel.top) return cell.since === travel.top;
    if (rail !== travel.bottom) return place === 2 * travel.column && travel.top < rail && rail < travel.bottom;
    const here = 2 * this.session.rows.rails.column(rail),
      there = 2 * travel.column;
    if (here === there) return place === here && cell.arms === UP;
    const between = Math.min(here, there) <= place && place <= Math.max(here, there);
    return between && !(place === here && cell.arms === UP);
  }

  // From which position to which a lane carries a partial adjoint: first contribution to completion.
  interval(since, carries) {
    const key = since * 1e6 + carries;
    if (!this.intervals.has(key)) {
      const { rows, timeline, net } = this.session;
      let [start, end] = [Infinity, 0];
      for (const node of rows.units[carries].nodes) {
        for (const edge of timeline.arrivals[node]) {
          const at = timeline.afterContribution(edge);
          if (rows.railOf[net.consumer(edge)] !== since || !at) continue;
          start = Math.min(start, at);
          end = Math.max(end, timeline.afterCompletion(node) || timeline.length + 1);
        }
      }
      this.intervals.set(key, [start, end]);
    }
    return this.intervals.get(key);
  }

  // Where the last event's contribution is drawn: from the consumer's row down to the source's, in a column.
  travelling() {
    const { last, rows, net } = this.session;
    if (last.kind !== "contributed" || !rows.drawn[last.node]) return null;
    const [top, bottom] = [rows.railOf[net.consumer(last.edge)], rows.railOf[last.node]];
    if (top === bottom) return null;
    const link = rows.rails.links[top].find((one) => one.carries === bottom);
    const path = link ? link.path : rows.rails.pathOf[top];
    return { top, bottom, column: rows.rails.paths[path].column };
  }

  // A node: hollow while it waits, half while contributions arrive, full when complete; a fork has a ring, a join a cross.
  dot(place, unit, state, net) {
    const [x, y] = [place * CELL + CELL / 2, ROW / 2];
    const { rows } = this.session;
    const node = unit.nodes[0];
    const kind = `dot ${state.state}`;
    if (unit.block) return [draw("path", { class: kind, d: `M${x - 3} ${y - 5}L${x + 5} ${y}L${x - 3} ${y + 5}Z` })];
    const rail = rows.railOf[node];
    const below = net.inputs[node].filter((edge) => rows.railOf[net.source(edge)] > rail).length;
    const shapes = [draw("circle", { class: kind, cx: x, cy: y, r: 4.5 })];
    if (state.state === "partial")
      shapes.push(draw("path", { class: "half", d: `M${x} ${y - 4.5}A4.5 4.5 0 0 0 ${x} ${y + 4.5}Z` }));
    if (below > 1 && ["add", "concat", "sub"].includes(net.op(node))) {
      shapes.push(draw("path", { class: `cross ${state.state}`, d: `M${x - 4} ${y}H${x + 4}M${x} ${y - 4}V${y + 4}` }));
    }
    if (state.expected > 1) shapes.unshift(draw("circle", { class: "ring", cx: x, cy: y, r: 7 }));
    return shapes;
  }
}
