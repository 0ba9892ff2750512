// All events of the pass, in order. Position k means that k events have happened.

class Timeline {
  constructor(data) {
    this.data = data;
    this.length = data.events;
    this.forward = [...data.order].reverse();
    this.reverse = data.reverse;
    this.seeded = this.forward.length + 1;
    const nodes = data.nodes.name.length;
    this.evaluated = new Int32Array(nodes).fill(-1);
    this.visit = new Int32Array(nodes).fill(-1);
    this.contributed = new Int32Array(data.edges.source.length).fill(-1);
    this.arrivals = Array.from({ length: nodes }, () => []);
    this.deliveries = data.deliveries;
    this.starts = [];
    this.forward.forEach((node, k) => (this.evaluated[node] = k + 1));
    let position = this.seeded;
    this.reverse.forEach((node, turn) => {
      this.visit[node] = turn;
      this.starts.push(position);
      this.deliveries[turn].forEach((edge, nth) => {
        this.contributed[edge] = position + 2 + nth;
        this.arrivals[data.edges.source[edge]].push(edge);
      });
      position += 1 + this.deliveries[turn].length;
    });
    this.positions = Object.fromEntries(
      Object.entries(data.stops).map(([size, gaps]) => {
        let at = 0;
        return [size, gaps.map((gap) => (at += gap))];
      }),
    );
  }

  // Return the event before a position: what it was, of which node, through which edge.
  before(position) {
    if (position <= 0) return { kind: "nothing", node: this.forward[0], edge: -1 };
    const k = position - 1;
    if (k < this.forward.length) return { kind: "evaluated", node: this.forward[k], edge: -1 };
    if (k === this.forward.length) return { kind: "seeded", node: this.data.target, edge: -1 };
    const turn = bisectRight(this.starts, k) - 1;
    const nth = k - this.starts[turn];
    if (nth === 0) return { kind: "completed", node: this.reverse[turn], edge: -1 };
    const edge = this.deliveries[turn][nth - 1];
    return { kind: "contributed", node: this.data.edges.source[edge], edge };
  }

  // Positions just after something happened; 0 where it never does.
  afterEvaluation(node) {
    return this.within(this.evaluated[node]);
  }

  afterCompletion(node) {
    return this.visit[node] < 0 ? 0 : this.within(this.starts[this.visit[node]] + 1);
  }

  afterContribution(edge) {
    return this.within(this.contributed[edge]);
  }

  endOfVisit(node) {
    const turn = this.visit[node];
    return turn < 0 ? 0 : this.starts[turn] + 1 + this.deliveries[turn].length;
  }

  within(position) {
    return position > 0 && position <= this.length ? position : 0;
  }

  // A step goes to the next place at which steps of its size stop, a step back to the one before.
  step(size, position, count) {
    const stops = this.positions[size];
    return stops[Math.min(bisectRight(stops, position) + count - 1, stops.length - 1)];
  }

  back(size, position, count) {
    const stops = this.positions[size];
    return stops[Math.max(bisectLeft(stops, position) - count, 0)];
  }
}
