// The timeline: the norm of the adjoint along the reverse pass, on a log scale, and where the cursor is.

const STRIPE = 4,
  HIGH = 46,
  RULER = 16;

class ProfilePane {
  constructor(session, app) {
    this.session = session;
    this.app = app;
    this.canvas = byId("timeline");
    this.said = byId("moment");
    this.canvas.addEventListener("pointerdown", (event) => this.drag(event));
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) this.drag(event);
      else this.said.replaceChildren(...moment(session, this.positionAt(event)));
    });
    this.canvas.addEventListener("pointerleave", () => this.said.replaceChildren());
    new ResizeObserver(() => this.lay()).observe(this.canvas);
    const norms = session.timeline.reverse
      .map((node) => session.adjointNorm(node))
      .filter((x) => x > 0 && x < Infinity);
    [this.low, this.high] = [Infinity, -Infinity];
    for (const x of norms) [this.low, this.high] = [Math.min(this.low, x), Math.max(this.high, x)];
    if (this.low > this.high) this.low = this.high = 1;
  }

  column(position) {
    return clamp(
      Math.floor(((position - 1) * this.columns) / Math.max(1, this.session.timeline.length)),
      0,
      this.columns - 1,
    );
  }

  positionAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const at = clamp((event.clientX - box.left) / box.width, 0, 1);
    return clamp(Math.floor(at * this.session.timeline.length) + 1, 1, this.session.timeline.length);
  }

  drag(event) {
    this.app.act((session) => session.jump(this.positionAt(event)));
    this.said.replaceChildren(...moment(this.session, this.session.position));
  }

  // What does not move: which events fall into which column.
  lay() {
    const { timeline, net } = this.session;
    const width = this.canvas.clientWidth;
    if (!width) return;
    this.columns = Math.max(1, Math.min(Math.floor(width / STRIPE), timeline.length * 4));
    this.norms = new Array(this.columns).fill(null);
    this.blocks = new Array(this.columns).fill(0);
    this.forks = new Set();
    let [turn, before] = [0, ""];
    for (const node of timeline.reverse) {
      const completed = timeline.afterCompletion(node);
      if (!completed) continue;
      const norm = this.session.adjointNorm(node);
      const [start, end] = [this.column(completed), this.column(timeline.endOfVisit(node))];
      const block = net.isLeaf(node) ? "" : net.block(node);
      if (block && block !== before) [turn, before] = [(turn % 2) + 1, block];
      for (let column = start; column <= end; column++) {
        const held = this.norms[column];
        if (norm !== null && (held === null || norm > held || Number.isNaN(norm))) this.norms[column] = norm;
        if (block) this.blocks[column] = turn;
      }
      if (timeline.arrivals[node].length > 1) this.forks.add(start);
    }
    this.paint();
  }

  height(norm) {
    const [low, high] = [Math.log10(this.low), Math.log10(this.high)];
    return 4 + (HIGH - 6) * (high > low ? (Math.log10(norm) - low) / (high - low) : 1);
  }

  paint() {
    if (!this.columns) return this.lay();
    const { session, canvas } = this;
    const { timeline } = session;
    const width = canvas.clientWidth,
      ratio = window.devicePixelRatio || 1;
    canvas.width = Math.ceil(width * ratio);
    canvas.height = Math.ceil((HIGH + RULER) * ratio);
    const brush = canvas.getContext("2d");
    brush.scale(ratio, ratio);
    const stripe = width / this.columns;
    const here = this.column(session.position),
      seed = this.column(timeline.seeded);
    const [dim, lit, bad, now, ink] = ["dim", "positive", "bad", "now", "ink"].map(colour);
    brush.font = "11px system-ui, sans-serif";
    brush.textBaseline = "middle";
    brush.textAlign = "center";
    this.norms.forEach((norm, column) => {
      if (norm === null) return;
      const left = column * stripe,
        passed = seed <= column && column <= here && !session.inForwardPass;
      brush.fillStyle = passed ? lit : dim;
      brush.globalAlpha = passed ? 1 : 0.45;
      if (!Number.isFinite(norm) || norm === 0) {
        brush.fillStyle = norm === 0 ? dim : bad;
        brush.globalAlpha = 1;
        brush.fillText(norm === 0 ? "0" : "!", left + stripe / 2, HIGH - 7);
      } else
        brush.fillRect(left, HIGH - this.height(norm), Math.max(1, stripe - (stripe > 2.5 ? 1 : 0)), this.height(norm));
    });
    brush.globalAlpha = 1;
    this.ruler(brush, stripe, seed, { dim, bad, ink });
    brush.fillStyle = brush.strokeStyle = now;
    brush.lineWidth = 1.5;
    const x = (here + 0.5) * stripe;
    brush.beginPath();
    brush.moveTo(x, 0);
    brush.lineTo(x, HIGH + 3);
    brush.stroke();
    brush.beginPath();
    brush.moveTo(x, HIGH + 2);
    brush.lineTo(x + 5, HIGH + RULER - 3);
    brush.lineTo(x - 5, HIGH + RULER - 3);
    brush.fill();
    this.announce(brush, seed * stripe, dim);
  }

  ruler(brush, stripe, seed, { dim, bad, ink }) {
    const y = HIGH + RULER / 2;
    const marked = (columns, sign, style) => {
      brush.fillStyle = style;
      for (const column of columns) brush.fillText(sign, (column + 0.5) * stripe, y);
    };
    brush.fillStyle = dim;
    this.blocks.forEach((turn, column) => {
      const high = [1, 4, 2][turn];
      brush.globalAlpha = turn ? 0.8 : 0.4;
      if (turn !== 2 || column % 2) brush.fillRect(column * stripe, y - high / 2, stripe, high);
    });
    brush.globalAlpha = 1;
    brush.fillRect(seed * stripe, 0, 1, HIGH + RULER - 4);
    if (this.forks.size * 9 < this.columns * stripe) marked(this.forks, "◆", ink);
    const { timeline } = this.session;
    const at = [...this.session.stops].map((node) => timeline.afterCompletion(node) || timeline.afterEvaluation(node));
    marked(new Set(at.filter(Boolean).map((k) => this.column(k))), "■", bad);
  }

  announce(brush, room, dim) {
    const { session, canvas } = this;
    if (room > 90) {
      brush.fillStyle = dim;
      brush.fillText("forward pass", room / 2, HIGH / 2);
    }
    byId("norm-high").replaceChildren(datum(this.high, scientific(this.high, 2)));
    byId("norm-low").replaceChildren(datum(this.low, scientific(this.low, 2)));
    canvas.setAttribute("aria-valuemax", session.timeline.length);
    canvas.setAttribute("aria-valuenow", session.position);
    canvas.setAttribute(
      "aria-valuetext",
      moment(session, session.position)
        .map((part) => part.textContent ?? part)
        .join(""),
    );
  }
}
