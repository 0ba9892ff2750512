// Which part of a tensor is looked at: two axes of it as rows and columns, the others held at an index.

const WRAP = 16;

// The pairs of axes that can be shown, the last two first.
function pairs(dimensions) {
  const found = [];
  for (let a = dimensions - 2; a >= 0; a--) for (let b = dimensions - 1; b > a; b--) found.push([a, b]);
  return found;
}

function unravel(k, sizes) {
  const index = new Array(sizes.length).fill(0);
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    index[axis] = k % sizes[axis];
    k = Math.floor(k / sizes[axis]);
  }
  return index;
}

function modulo(k, n) {
  return n > 0 ? ((k % n) + n) % n : 0;
}

// A plane: rows, columns, at(row, column), index(row, column), where it lies, and how many of them there are.
function planeOf(tensor, look) {
  if (!tensor.numbers) return planeOfMap(tensor, look);
  return tensor.shape.length < 2 ? vector(tensor) : matrix(tensor, look);
}

// A vector is written like text, line by line, where it is long.
function vector(tensor) {
  const { numbers, size } = tensor;
  const wide = size <= 2 * WRAP ? size : Math.max(WRAP, Math.ceil(Math.sqrt(2 * size)));
  const at = (row, column) => numbers[row * wide + column];
  const index = (row, column) => (tensor.shape.length ? [row * wide + column] : []);
  return { rows: Math.ceil(size / wide), columns: wide, at, index, where: "", of: 1, wrapped: size > wide };
}

function matrix(tensor, look) {
  const { shape, numbers } = tensor;
  const choices = pairs(shape.length);
  const [down, across] = choices[modulo(look.axes, choices.length)];
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
  const others = shape.map((_, axis) => axis).filter((axis) => axis !== down && axis !== across);
  const sizes = others.map((axis) => shape[axis]);
  const of = sizes.reduce((product, n) => product * n, 1);
  const fixed = unravel(modulo(look.slice, of), sizes);
  const start = others.reduce((sum, axis, k) => sum + strides[axis] * fixed[k], 0);
  const index = (row, column) => {
    const full = new Array(shape.length);
    others.forEach((axis, k) => (full[axis] = fixed[k]));
    [full[down], full[across]] = [row, column];
    return full;
  };
  const parts = index(":", ":");
  return {
    rows: shape[down],
    columns: shape[across],
    index,
    of,
    where: shape.length > 2 ? parts.join(",") : "",
    at: (row, column) => numbers[start + row * strides[down] + column * strides[across]],
  };
}

// Of a map: the first planes of the last two axes, each reduced.
function planeOfMap(tensor, look) {
  const { size, of, steps, top, cells } = tensor.map;
  const [planes, rows, columns] = size;
  const slice = modulo(look.slice, planes);
  const outerSizes = tensor.shape.slice(0, -2);
  const fixed = tensor.shape.length > 2 ? unravel(slice, outerSizes) : [];
  const wide =
    tensor.shape.length < 2 && columns > 2 * WRAP ? Math.max(WRAP, Math.ceil(Math.sqrt(2 * columns))) : columns;
  const at = (row, column) => {
    const k = row * wide + column;
    if (wide !== columns && k >= columns) return undefined;
    const cell = cells[slice * rows * columns + k];
    if (cell === -128) return NaN;
    if (Math.abs(cell) === 127) return cell > 0 ? Infinity : -Infinity;
    return Math.sign(cell) * top * (cell / 126) ** 2;
  };
  const span = (k, step, n) => (step === 1 ? String(k) : `${k * step}…${Math.min(k * step + step, n) - 1}`);
  const index = (row, column) => {
    if (tensor.shape.length < 2) return [span(row * wide + column, steps[1], of[2])];
    return [...fixed, span(row, steps[0], of[1]), span(column, steps[1], of[2])];
  };
  const whole = steps[0] * steps[1] === 1;
  const note =
    (whole
      ? "a map, rounded to 8 bits"
      : `a map: a cell is the largest of ${steps[0]}×${steps[1]}, rounded to 8 bits`) +
    (of[0] > planes ? `; the first ${grouped(planes)} of ${grouped(of[0])} slices are here` : "");
  return {
    rows: wide === columns ? rows : Math.ceil(columns / wide),
    columns: wide,
    at,
    index,
    of: planes,
    note,
    top,
    where: tensor.shape.length > 2 ? [...fixed, ":", ":"].join(",") : "",
    approximate: whole ? "" : ", of largest magnitude there",
    wrapped: wide !== columns,
  };
}
