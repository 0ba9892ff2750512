// A plane as a heat map: blue below zero, orange above, on a signed-root scale that is symmetrical about zero. Signs are
// marked too where cells are large enough: nothing is told by colour alone.

const MARKED = 9,
  WRITTEN = 40;

function channels(name) {
  return colour(name)
    .match(/[\d.]+/g)
    .slice(0, 3)
    .map(Number);
}

function largestFinite(plane) {
  let top = 0;
  for (let row = 0; row < plane.rows; row++) {
    for (let column = 0; column < plane.columns; column++) {
      const size = Math.abs(plane.at(row, column));
      if (size > top && size < Infinity) top = size;
    }
  }
  return top;
}

// Reduce a plane to so many rows and columns: of each block the number of largest magnitude; NaN wins.
function reduced(plane, mostRows, mostColumns) {
  const down = Math.max(1, Math.ceil(plane.rows / mostRows)),
    across = Math.max(1, Math.ceil(plane.columns / mostColumns));
  if (down === 1 && across === 1) return { ...plane, down, across };
  const at = (row, column) => {
    let found;
    for (let i = row * down; i < Math.min(plane.rows, (row + 1) * down); i++) {
      for (let j = column * across; j < Math.min(plane.columns, (column + 1) * across); j++) {
        const x = plane.at(i, j);
        if (Number.isNaN(x)) return NaN;
        if (found === undefined || Math.abs(x) > Math.abs(found)) found = x;
      }
    }
    return found;
  };
  return { ...plane, rows: Math.ceil(plane.rows / down), columns: Math.ceil(plane.columns / across), at, down, across };
}

function heat(session, plane, label, { width, height }, point) {
  const small = reduced(plane, height, Math.max(16, width));
  const top = session.scale ?? plane.top ?? largestFinite(plane);
  const cell = clamp(Math.floor(Math.min(width / small.columns, height / small.rows)), 1, 44);
  const canvas = make("canvas", { role: "img", "aria-label": label, class: "heat" });
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.ceil(small.columns * cell * ratio);
  canvas.height = Math.ceil(small.rows * cell * ratio);
  canvas.style.width = `${small.columns * cell}px`;
  canvas.style.height = `${small.rows * cell}px`;
  const brush = canvas.getContext("2d");
  brush.scale(ratio, ratio);
  const paint = painter(brush, cell, top);
  for (let row = 0; row < small.rows; row++) {
    for (let column = 0; column < small.columns; column++) {
      const x = small.at(row, column);
      if (x !== undefined) paint(row, column, x);
    }
  }
  if (session.pointed) {
    const [row, column] = session.pointed;
    brush.strokeStyle = colour("now");
    brush.lineWidth = 2;
    const [left, up] = [Math.floor(column / small.across) * cell, Math.floor(row / small.down) * cell];
    brush.strokeRect(left + 1, up + 1, Math.max(2, cell - 2), Math.max(2, cell - 2));
  }
  const element = (event) => {
    const box = canvas.getBoundingClientRect();
    const row = clamp(Math.floor((event.clientY - box.top) / cell), 0, small.rows - 1) * small.down;
    const column = clamp(Math.floor((event.clientX - box.left) / cell), 0, small.columns - 1) * small.across;
    return plane.at(row, column) === undefined ? null : [row, column];
  };
  canvas.addEventListener("pointermove", (event) => point(element(event), false));
  canvas.addEventListener("click", (event) => point(element(event), true));
  const notes = [
    plane.note,
    small.down * small.across > 1 ? `drawn: the largest of ${small.down}×${small.across}` : "",
  ];
  if (plane.wrapped) notes.push("a vector, line by line");
  return {
    picture: canvas,
    notes: [legend(session, top), ...notes.filter(Boolean).map((note) => line("dim note", note))],
  };
}

function painter(brush, cell, top) {
  const [low, high, middle, bad, ink] = ["negative", "positive", "middle", "bad", "ink"].map(channels);
  const css = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  brush.font = "11px system-ui, sans-serif";
  return (row, column, x) => {
    const [left, up] = [column * cell, row * cell];
    const odd = !Number.isFinite(x);
    const share = top > 0 ? Math.sqrt(Math.min(1, Math.abs(x) / top)) : 0;
    const end = x > 0 ? high : low;
    const fill = odd ? bad : middle.map((c, k) => c + (end[k] - c) * share);
    brush.fillStyle = css(fill);
    brush.fillRect(left, up, cell, cell);
    if (cell < MARKED) return;
    brush.fillStyle = brush.strokeStyle = css(contrast(fill, ink));
    if (odd)
      brush.fillText(
        Number.isNaN(x) ? (cell >= 24 ? "NaN" : "N") : cell >= 15 ? scientific(x) : "∞",
        left + cell / 2,
        up + cell / 2,
      );
    else if (cell >= WRITTEN) brush.fillText(plain(x, 2), left + cell / 2, up + cell / 2);
    else if (x < 0 && share > 0.05) brush.fillRect(left + cell / 4, up + cell / 2 - 0.75, cell / 2, 1.5);
  };
}

// Black or white, whichever is easier to read on a colour.
function contrast([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? [16, 18, 20] : [250, 250, 250];
}

function legend(session, top) {
  const canvas = make("canvas", { class: "scale", "aria-hidden": "true" });
  canvas.width = 121;
  canvas.height = 10;
  const paint = painter(canvas.getContext("2d"), 1, 1);
  for (let k = -60; k <= 60; k++) for (let row = 0; row < 10; row++) paint(row, k + 60, k / 60);
  return make(
    "div",
    { class: "legend" },
    make("span", {}, `${MINUS}${scientific(top, 2)}`),
    canvas,
    make("span", {}, scientific(top, 2)),
    make(
      "span",
      { class: "dim" },
      session.scale === null ? "0 in the middle; − marks negative" : "locked scale; − marks negative",
    ),
  );
}
