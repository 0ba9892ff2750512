// The reverse pass drawn as rails, as the debugger's screen draws them: a node's first operand continues on the node's
// own path, every other gets a lane, one per fork; lanes are given columns shortest first.

const BUCKET = 64,
  MOST_LANES = 64;
const UP = 1,
  DOWN = 2,
  LEFT = 4,
  RIGHT = 8;

class Rails {
  // operands[r] are the rows of the operands of row r, all below it.
  constructor(operands) {
    this.rows = operands.length;
    this.paths = [];
    this.pathOf = new Array(this.rows).fill(-1);
    this.links = Array.from({ length: this.rows }, () => []);
    this.trace(operands);
    this.columns = this.assign();
    this.buckets = this.index();
  }

  trace(operands) {
    const waiting = new Map();
    for (let row = 0; row < this.rows; row++) {
      const arriving = waiting.get(row) ?? [];
      waiting.delete(row);
      const main = arriving.length ? Math.min(...arriving.map(([path]) => path)) : this.open(row);
      if (!arriving.length) this.paths[main].startsWithNode = true;
      for (const [path, top] of arriving) {
        this.paths[path].stretches.push({ top, bottom: row });
        this.paths[path].bottom = row;
        if (path !== main) this.links[row].push({ path, ends: UP, carries: row, since: top });
      }
      this.pathOf[row] = main;
      this.paths[main].hasNodes = true;
      this.paths[main].bottom = row;
      const rest = [...new Set(operands[row])].sort((a, b) => a - b);
      for (const operand of rest.slice(1)) {
        const there = waiting.get(operand);
        if (there) {
          const lane = there.map(([path]) => path).reduce((a, b) => (this.better(b, a) ? b : a));
          this.links[row].push({ path: lane, ends: UP | DOWN, carries: operand, since: row });
        } else {
          const lane = this.open(row);
          waiting.set(operand, [[lane, row]]);
          this.links[row].push({ path: lane, ends: DOWN, carries: operand, since: row });
        }
      }
      if (rest.length) {
        if (!waiting.has(rest[0])) waiting.set(rest[0], []);
        waiting.get(rest[0]).push([main, row]);
      }
    }
  }

  better(a, b) {
    const [first, second] = [!this.paths[a].hasNodes, !this.paths[b].hasNodes];
    return first === second ? a > b : first;
  }

  open(row) {
    this.paths.push({ top: row, bottom: -1, column: -1, hasNodes: false, startsWithNode: false, stretches: [] });
    return this.paths.length - 1;
  }

  // Give every path the leftmost column that is free over its rows, shortest first; the trunk has column 0.
  assign() {
    const taken = [];
    const { paths } = this;
    const length = (i) => paths[i].bottom - paths[i].top;
    const order = paths.map((_, i) => i).sort((a, b) => (a > 0) - (b > 0) || length(a) - length(b) || a - b);
    for (const i of order) {
      const path = paths[i];
      const beside = i !== 0 && paths[0].top <= path.bottom && path.bottom <= paths[0].bottom;
      const top = path.startsWithNode ? path.top - 1 : path.top;
      let column = beside ? 1 : 0;
      while (column < taken.length && !isFree(taken[column], top, path.bottom)) column++;
      if (column >= taken.length) column = taken.length < MOST_LANES ? taken.length : -1;
      path.column = column;
      if (column === taken.length) taken.push([]);
      if (column >= 0) {
        const spans = taken[column];
        spans.splice(placeOf(spans, top), 0, [top, path.bottom]);
      }
    }
    return taken.length;
  }

  index() {
    const buckets = Array.from({ length: Math.floor(this.rows / BUCKET) + 1 }, () => []);
    for (const path of this.paths) {
      if (path.column < 0) continue;
      for (const stretch of path.stretches) {
        const last = Math.floor(stretch.bottom / BUCKET);
        for (let b = Math.floor(stretch.top / BUCKET); b <= last; b++) buckets[b].push([path.column, stretch]);
      }
    }
    return buckets;
  }

  column(row) {
    return this.paths[this.pathOf[row]].column;
  }

  undrawn(row) {
    return this.links[row].filter((link) => this.paths[link.path].column < 0).length;
  }

  // The cells of a row, two a column: which arms a cell has, whose adjoint runs there, and from which row it is fed.
  draw(row, most = MOST_LANES) {
    const columns = Math.min(this.columns, most);
    const cells = Array.from({ length: 2 * columns }, () => ({ arms: 0, carries: -1, since: -1 }));
    const here = this.column(row);
    for (const [column, { top, bottom }] of this.buckets[Math.floor(row / BUCKET)]) {
      if (column < columns && top < row && row < bottom)
        cells[2 * column] = { arms: UP | DOWN, carries: bottom, since: top };
    }
    if (here >= 0) {
      this.drawLinks(row, here, cells);
      if (here < columns) cells[2 * here] = { arms: 0, carries: -1, since: -1, stubs: this.stubs(row) };
    }
    return cells;
  }

  // What comes to a node from above and goes on below on its own path, and to its sides.
  stubs(row) {
    const own = this.paths[this.pathOf[row]].stretches;
    const stubs = [];
    for (const { top, bottom } of own.slice(bisectStretch(own, row))) {
      if (top > row) break;
      if (bottom === row) stubs.push({ arms: UP, carries: row, since: top });
      if (top === row) stubs.push({ arms: DOWN, carries: bottom, since: row });
    }
    for (const [side, arms] of [
      [1, RIGHT],
      [-1, LEFT],
    ]) {
      const far = this.farthest(row, side);
      if (far) stubs.push({ arms, carries: far.carries, since: far.since });
    }
    return stubs;
  }

  farthest(row, side) {
    const here = this.column(row);
    const reached = this.links[row].filter((link) => {
      const { column } = this.paths[link.path];
      return column >= 0 && (column - here) * side > 0;
    });
    const distance = (link) => (this.paths[link.path].column - here) * side;
    return reached.length ? reached.reduce((a, b) => (distance(b) >= distance(a) ? b : a)) : null;
  }

  // What runs between a row and the next.
  drawUnder(row, most = MOST_LANES) {
    const cells = Array.from({ length: 2 * Math.min(this.columns, most) }, () => ({ arms: 0, carries: -1, since: -1 }));
    for (const [column, { top, bottom }] of this.buckets[Math.floor(row / BUCKET)]) {
      if (2 * column < cells.length && top <= row && row < bottom) {
        cells[2 * column] = { arms: UP | DOWN, carries: bottom, since: top };
      }
    }
    return cells;
  }

  drawLinks(row, here, cells) {
    const ends = new Map();
    for (const link of this.links[row]) {
      const { column } = this.paths[link.path];
      if (column >= 0) ends.set(column, link);
    }
    for (const [side, toward] of [
      [1, LEFT],
      [-1, RIGHT],
    ]) {
      const reached = [...ends.keys()].filter((c) => (c - here) * side > 0);
      if (!reached.length) continue;
      const far = reached.reduce((a, b) => ((b - a) * side > 0 ? b : a));
      const { carries, since } = ends.get(far);
      for (let at = 2 * here + side; at !== 2 * far; at += side) {
        if (at >= cells.length) continue;
        const crossed = at % 2 === 0 && cells[at].arms === (UP | DOWN) && !ends.has(at / 2);
        if (crossed) cells[at].under = { arms: LEFT | RIGHT, carries, since };
        else cells[at] = { arms: LEFT | RIGHT, carries, since };
      }
      for (const column of reached) {
        if (2 * column >= cells.length) continue;
        const link = ends.get(column);
        const arms = link.ends | toward | (column === far ? 0 : side > 0 ? RIGHT : LEFT);
        cells[2 * column] = { arms, carries: link.carries, since: link.since };
      }
    }
  }
}

function placeOf(spans, top) {
  let low = 0,
    high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle][0] < top) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isFree(spans, top, bottom) {
  const at = placeOf(spans, top);
  if (at < spans.length && spans[at][0] <= bottom) return false;
  return at === 0 || spans[at - 1][1] < top;
}

// Stretches of one path follow one another: the first that ends at or below a row.
function bisectStretch(stretches, row) {
  let low = 0,
    high = stretches.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (stretches[middle].bottom < row) low = middle + 1;
    else high = middle;
  }
  return low;
}
