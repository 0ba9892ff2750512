// What the panes look at: the network, a cursor on the timeline, a selection, and what to show of a tensor.

const WAYS = ["", "skip", "branch"];
const OPENS_FOLDED = 200;

class Net {
  constructor(data) {
    this.data = data;
    const { nodes, edges } = data;
    this.all = nodes.name.map((_, i) => i);
    this.inputs = this.all.map(() => []);
    this.consumers = this.all.map(() => []);
    edges.source.forEach((source, e) => {
      this.inputs[edges.consumer[e]].push(e);
      this.consumers[source].push(e);
    });
    for (const list of this.inputs) list.sort((a, b) => edges.position[a] - edges.position[b]);
    this.takesPart = new Uint8Array(this.all.length);
    for (const node of data.order) this.takesPart[node] = 1;
  }

  name(node) {
    return this.data.nodes.name[node];
  }
  op(node) {
    return this.data.words[this.data.nodes.op[node]];
  }
  block(node) {
    return this.data.words[this.data.nodes.block[node]];
  }
  type(node) {
    return this.data.types[this.data.nodes.type[node]];
  }
  source(edge) {
    return this.data.edges.source[edge];
  }
  consumer(edge) {
    return this.data.edges.consumer[edge];
  }
  slot(edge) {
    return this.data.words[this.data.edges.slot[edge]];
  }
  way(edge) {
    return WAYS[this.data.edges.way[edge]];
  }
  formula(node) {
    return this.data.nodes.formula[node];
  }
  sent(edge) {
    return this.data.edges.formula[edge];
  }
  reason(edge) {
    return this.data.words[this.data.edges.reason[edge]] ?? "";
  }

  isLeaf(node) {
    return ["input", "parameter", "constant"].includes(this.op(node));
  }

  isTucked(node) {
    const op = this.op(node);
    return op === "parameter" || op === "constant" || (op === "input" && !this.type(node).float);
  }
}

class Session {
  constructor(data) {
    this.data = data;
    this.net = new Net(data);
    this.timeline = new Timeline(data);
    this.tensors = new Tensors(data);
    this.arrangement = new Arrangement(this.net);
    this.position = Math.min(this.timeline.seeded, this.timeline.length);
    this.folded = new Set(this.arrangement.main.length > OPENS_FOLDED ? this.arrangement.blocks.innermost : []);
    this.stops = new Set();
    this.showLeaves = false;
    this.forwardOrder = false;
    this.count = "";
    this.found = [];
    this.visited = [];
    this.link = 0;
    this.view = null;
    this.mode = null;
    this.slice = 0;
    this.axes = 0;
    this.pointed = null;
    this.scale = null;
    this.beside = false;
    this.selected = this.focus;
    this.layouts = new Map();
  }

  get rows() {
    const key = [this.showLeaves, this.forwardOrder, ...this.folded].join("\n");
    if (!this.layouts.has(key)) {
      if (this.layouts.size > 7) this.layouts.clear();
      const settings = { withLeaves: this.showLeaves, folded: this.folded, forward: this.forwardOrder };
      this.layouts.set(key, new Rows(this.arrangement, settings));
    }
    return this.layouts.get(key);
  }

  get last() {
    return this.timeline.before(this.position);
  }
  get focus() {
    return this.last.node;
  }
  get inForwardPass() {
    return this.position < this.timeline.seeded;
  }
  get currentRow() {
    return this.rows.rowOf[this.focus];
  }

  // Time.

  jump(position) {
    this.position = clamp(position, 0, this.timeline.length);
  }

  step(size, count) {
    this.jump(this.timeline.step(size, this.position, count));
  }

  back(size, count) {
    this.jump(this.timeline.back(size, this.position, count));
  }

  toNode(node) {
    const { timeline } = this;
    this.jump(timeline.afterCompletion(node) || timeline.afterEvaluation(node) || this.position);
  }

  get forks() {
    return this.timeline.reverse.filter((node) => this.timeline.arrivals[node].length > 1);
  }

  // Where a run stops: at the stops that are set, else at every fork.
  get stopPositions() {
    const { timeline } = this;
    const nodes = this.stops.size ? [...this.stops] : this.forks;
    const at = nodes.map((node) => timeline.afterCompletion(node) || timeline.afterEvaluation(node));
    return at.filter((k) => k > 0).sort((a, b) => a - b);
  }

  // Run to the next stop, or back to the previous one; returns whether there was one.
  resume(reverse) {
    const places = this.stopPositions;
    const at = reverse ? bisectLeft(places, this.position) - 1 : bisectRight(places, this.position);
    const found = places[at];
    this.jump(found ?? (reverse ? 0 : this.timeline.length));
    return found !== undefined;
  }

  // Nodes at the cursor.

  arrived(node) {
    let count = 0;
    for (const edge of this.timeline.arrivals[node]) {
      const at = this.timeline.afterContribution(edge);
      if (!at || at > this.position) break;
      count++;
    }
    return count;
  }

  state(node) {
    const { timeline } = this;
    const evaluated = timeline.afterEvaluation(node);
    if (!evaluated) return { state: this.net.takesPart[node] ? "waiting" : "idle", arrived: 0, expected: 0 };
    const expected = timeline.arrivals[node].length;
    const completed = timeline.afterCompletion(node);
    if (completed && this.position >= completed) return { state: "complete", arrived: expected, expected };
    const arrived = this.arrived(node);
    if (arrived) return { state: "partial", arrived, expected };
    return { state: this.position >= evaluated ? "evaluated" : "waiting", arrived: 0, expected };
  }

  value(node) {
    return this.tensors.get(this.data.nodes.value[node], this.data.nodes.type[node]);
  }

  adjoint(node) {
    return this.tensors.get(this.data.nodes.adjoint[node], this.data.nodes.type[node]);
  }

  adjointNorm(node) {
    return this.tensors.norm(this.data.nodes.adjoint[node]);
  }

  // The whole ledger of a node, what has not arrived yet included.
  parts(node) {
    const { edges, nodes } = this.data;
    const parts = this.timeline.arrivals[node].map((edge) => ({
      edge,
      consumer: this.net.consumer(edge),
      way: this.net.way(edge),
      sent: this.tensors.get(edges.sent[edge], nodes.type[node]),
      running: this.tensors.get(edges.running[edge], nodes.type[node]),
      cosine: edges.cosine[edge],
    }));
    const total = parts.reduce((sum, part) => sum + (part.sent?.norm ?? 0), 0);
    for (const part of parts) part.share = part.sent && total !== 0 ? part.sent.norm / total : 0;
    return parts;
  }

  // What there is to see of the selected node at the cursor: value, adjoint so far, contributions.
  views() {
    const node = this.selected;
    const { state, arrived, expected } = this.state(node);
    const parts = this.parts(node);
    const adjoint = { label: ["adjoint"], tensor: null, wanted: this.data.nodes.adjoint[node] };
    if (state === "complete") adjoint.tensor = this.adjoint(node);
    else if (arrived) {
      adjoint.label = [`adjoint, ${arrived} of ${expected} arrived`];
      adjoint.tensor = parts[arrived - 1].running;
    }
    const views = [{ label: ["value"], tensor: state === "waiting" ? null : this.value(node) }, adjoint];
    if (parts.length > 1) {
      parts.slice(0, arrived).forEach((part, k) => {
        views.push({
          label: [`part ${k + 1} from `, called(shortened(this.net.name(part.consumer), 20))],
          tensor: part.sent,
        });
      });
    }
    return views;
  }

  shownView(views) {
    if (this.view !== null) return ((this.view % views.length) + views.length) % views.length;
    return views[1].tensor ? 1 : 0;
  }

  // The selection.

  select(node) {
    if (node !== this.selected) [this.slice, this.axes, this.pointed] = [0, 0, null];
    this.selected = node;
    this.view = null;
    this.link = 0;
  }

  follow() {
    this.select(this.focus);
  }

  moveSelection(rows) {
    const { rowOf, nodes } = this.rows;
    this.select(nodes[clamp(rowOf[this.selected] + rows, 0, nodes.length - 1)]);
  }

  // The neighbours of the selected node: its inputs, then its consumers.
  links() {
    const { net } = this;
    const inputs = net.inputs[this.selected].map((edge) => ({ node: net.source(edge), edge, consumes: false }));
    return inputs.concat(
      net.consumers[this.selected].map((edge) => ({ node: net.consumer(edge), edge, consumes: true })),
    );
  }

  followLink(node) {
    const links = this.links();
    const chosen = node ?? links[this.link]?.node;
    if (chosen === undefined) return false;
    this.visited.push(this.selected);
    this.select(chosen);
    return true;
  }

  // Nodes whose name holds the pattern (or matches it, with * and ?), or whose operator it is, by row.
  matches(pattern) {
    const wanted = pattern.toLowerCase();
    if (!wanted) return [];
    const { rowOf } = this.rows;
    const glob = /[*?]/.test(wanted)
      ? new RegExp(
          "^" +
            wanted
              .replace(/[\\^$+.()|[\]{}]/g, "\\$&")
              .replace(/\*+/g, ".*")
              .replace(/\?/g, ".") +
            "$",
          "su",
        )
      : null;
    const fits = (node) => {
      const name = this.net.name(node).toLowerCase();
      return this.net.op(node) === wanted || (glob ? glob.test(name) : name.includes(wanted));
    };
    return this.arrangement.everything.filter(fits).sort((a, b) => rowOf[a] - rowOf[b]);
  }

  // Unfold the selected row if it is a folded block, else fold the block that the selection lies in. Tells what was done.
  fold(level) {
    const unit = this.rows.unit(this.rows.rowOf[this.selected]);
    if (unit.block) {
      this.folded = new Set([...this.folded].filter((name) => name !== unit.block));
      return [called(shortened(unit.block, 40)), " unfolded"];
    }
    const around = this.arrangement.blocks.around(this.rows.main[this.rows.railOf[this.selected]]);
    if (!around.length) return ["this node lies in no block"];
    const block = around[Math.min(level, around.length) - 1];
    const before = this.folded;
    this.folded = new Set([...before, block]);
    const row = this.rows.unit(this.rows.rowOf[this.selected]);
    if (row.block === block) return [called(shortened(block, 40)), ` folded: ${row.nodes.length} operators`];
    this.folded = before;
    return [called(shortened(block, 40)), " cannot be one row: it needs a node that needs it"];
  }

  // Fold the innermost blocks, then the outermost, then unfold all.
  foldAll() {
    const { members, innermost, outermost } = this.arrangement.blocks;
    if (!members.size) return ["the network names no blocks"];
    const same = (a, b) => a.size === b.size && [...a].every((name) => b.has(name));
    const choices = [new Set(), innermost, ...(same(innermost, outermost) ? [] : [outermost])];
    const now = choices.findIndex((names) => same(names, this.folded));
    this.folded = choices[((now < 0 ? choices.length - 1 : now) + 1) % choices.length];
    return [this.folded.size ? `${this.folded.size} blocks folded` : "all blocks unfolded"];
  }
}
