// Blocks at every level, and which of them are drawn as a single row: layer1.0 lies within layer1.

function levels(block) {
  if (!block) return [];
  const parts = block.split(".");
  return parts.map((_, k) => parts.slice(0, k + 1).join("."));
}

function outer(block) {
  return block.includes(".") ? block.slice(0, block.lastIndexOf(".")) : "";
}

class Blocks {
  constructor(net, rows, takingPart) {
    this.net = net;
    this.takingPart = takingPart;
    const found = new Map();
    for (const node of rows) {
      for (const name of levels(net.block(node))) {
        if (!found.has(name)) found.set(name, []);
        found.get(name).push(node);
      }
    }
    // A block that holds one inner block and nothing else is no level of its own.
    const largest = new Map();
    for (const [name, members] of found) {
      largest.set(outer(name), Math.max(largest.get(outer(name)) ?? 0, members.length));
    }
    this.members = new Map(
      [...found].filter(([name, members]) => members.length > 1 && members.length > (largest.get(name) ?? 0)),
    );
    const names = [...this.members.keys()];
    const around = new Set(names.map(outer));
    this.innermost = new Set(names.filter((name) => !around.has(name)));
    this.outermost = new Set(
      names.filter(
        (name) =>
          !levels(name)
            .slice(0, -1)
            .some((o) => this.members.has(o)),
      ),
    );
  }

  // The blocks that a node lies in, the innermost first.
  around(node) {
    return levels(this.net.block(node))
      .reverse()
      .filter((name) => this.members.has(name));
  }

  // The rows that are left when some blocks are folded, every consumer above its inputs. A block that both needs a node
  // outside and is needed by it cannot be one row: it stays unfolded.
  folded(rows, folded) {
    const chosen = new Set(folded);
    for (;;) {
      const units = this.units(rows, chosen);
      const order = this.order(units);
      const placed = new Set(order);
      const stuck = units.filter((unit, k) => unit.block && !placed.has(k)).map((unit) => unit.block);
      if (!stuck.length) return order.map((k) => units[k]);
      for (const block of stuck) chosen.delete(block);
    }
  }

  units(rows, chosen) {
    const units = [];
    const at = new Map();
    for (const node of rows) {
      const block =
        (chosen.size &&
          this.around(node)
            .reverse()
            .find((name) => chosen.has(name))) ||
        "";
      if (at.has(block)) {
        at.get(block).nodes.push(node);
        continue;
      }
      const unit = { block, nodes: [node] };
      units.push(unit);
      if (block) at.set(block, unit);
    }
    return units;
  }

  // Places of the units with consumers first, as near to the given order as can be; those on a cycle lack.
  order(units) {
    const all = units.map((_, k) => k);
    if (!units.some((unit) => unit.block)) return all;
    const unitOf = new Map();
    units.forEach((unit, k) => unit.nodes.forEach((node) => unitOf.set(node, k)));
    const needs = units.map(() => new Set());
    const awaited = units.map(() => 0);
    units.forEach((unit, k) => {
      for (const node of unit.nodes) {
        if (!this.takingPart(node)) continue;
        for (const edge of this.net.inputs[node]) {
          const source = unitOf.get(this.net.source(edge)) ?? k;
          if (source !== k && !needs[k].has(source)) {
            needs[k].add(source);
            awaited[source]++;
          }
        }
      }
    });
    if (needs.every((sources, k) => [...sources].every((source) => source > k))) return all;
    const ready = new Heap(all.filter((k) => awaited[k] === 0));
    const order = [];
    while (ready.size) {
      const k = ready.pop();
      order.push(k);
      for (const source of needs[k]) if (--awaited[source] === 0) ready.push(source);
    }
    return order;
  }
}

class Heap {
  constructor(items) {
    this.items = [];
    items.forEach((item) => this.push(item));
  }

  get size() {
    return this.items.length;
  }

  push(item) {
    const { items } = this;
    let at = items.push(item) - 1;
    while (at && items[(at - 1) >> 1] > items[at]) {
      const up = (at - 1) >> 1;
      [items[up], items[at]] = [items[at], items[up]];
      at = up;
    }
  }

  pop() {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (items.length) {
      items[0] = last;
      for (let at = 0; ;) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2]) {
          if (child < items.length && items[child] < items[least]) least = child;
        }
        if (least === at) break;
        [items[least], items[at]] = [items[at], items[least]];
        at = least;
      }
    }
    return top;
  }
}
