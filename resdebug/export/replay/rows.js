// Which nodes have a row, and where: the order of the reverse pass. Parameters and constants stand beside their first
// consumer; a folded block is one row.

class Arrangement {
  constructor(net) {
    this.net = net;
    const known = new Set(net.data.order);
    const rest = net.all.filter((node) => !known.has(node));
    this.everything = [...net.data.order, ...rest];
    const main = this.everything.filter((node) => !net.isTucked(node));
    this.main = main.length ? main : this.everything;
    this.blocks = new Blocks(net, this.main, (node) => known.has(node));
  }
}

class Rows {
  constructor(arrangement, { withLeaves, folded, forward }) {
    const { net } = arrangement;
    this.forward = forward;
    this.units = folded.size
      ? arrangement.blocks.folded(arrangement.main, folded)
      : arrangement.main.map((node) => ({ block: "", nodes: [node] }));
    this.main = this.units.map((unit) => unit.nodes[0]);
    this.railOf = new Int32Array(net.all.length).fill(-1);
    this.units.forEach((unit, row) => unit.nodes.forEach((node) => (this.railOf[node] = row)));
    this.drawn = this.railOf.map((row) => (row >= 0 ? 1 : 0));
    this.rails = new Rails(this.operands(net));
    const guests = new Map();
    for (const node of arrangement.everything) {
      if (this.drawn[node]) continue;
      const hosts = net.consumers[node].map((edge) => net.consumer(edge)).filter((c) => this.drawn[c]);
      const host = hosts.length ? Math.min(...hosts.map((c) => this.railOf[c])) : this.main.length - 1;
      if (!guests.has(host)) guests.set(host, []);
      guests.get(host).push(node);
    }
    this.nodes = [];
    this.units.forEach((unit, row) => {
      this.nodes.push(unit.nodes[0]);
      if (withLeaves && !unit.block) this.nodes.push(...(guests.get(row) ?? []));
    });
    if (forward) this.nodes.reverse();
    this.rowOf = new Int32Array(net.all.length).fill(-1);
    this.nodes.forEach((node, row) => (this.rowOf[node] = row));
    for (const unit of this.units) for (const node of unit.nodes.slice(1)) this.rowOf[node] = this.rowOf[unit.nodes[0]];
    for (const [host, leaves] of guests) {
      for (const node of leaves) {
        this.railOf[node] = host;
        if (this.rowOf[node] < 0) this.rowOf[node] = this.rowOf[this.main[host]];
      }
    }
  }

  get length() {
    return this.nodes.length;
  }

  onRails(row) {
    const node = this.nodes[row];
    return this.main[this.railOf[node]] === node;
  }

  unit(row) {
    return this.onRails(row) ? this.units[this.railOf[this.nodes[row]]] : { block: "", nodes: [this.nodes[row]] };
  }

  operands(net) {
    return this.units.map((unit, row) => {
      const sources = [];
      for (const node of unit.nodes) {
        for (const edge of net.inputs[node]) {
          const source = this.railOf[net.source(edge)];
          if (source > row) sources.push(source);
        }
      }
      return sources;
    });
  }
}
