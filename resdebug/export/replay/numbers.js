// Numbers as the debugger's screen writes them.

const MINUS = "−";

function scientific(x, digits = 3) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "NaN" : x > 0 ? "∞" : MINUS + "∞";
  if (x === 0) return "0";
  const text = x.toExponential(digits - 1).replace("e+", "e");
  return x < 0 ? text.replace("-", MINUS) : text;
}

function plain(x, digits = 6) {
  if (!Number.isFinite(x)) return scientific(x);
  if (x !== 0 && (Math.abs(x) < 1e-4 || Math.abs(x) >= 1e6)) return scientific(x, digits);
  return String(Number(x.toPrecision(digits))).replace("-", MINUS);
}

// Every digit that tells this double from its neighbours.
function exact(x) {
  return Number.isFinite(x) ? String(Object.is(x, -0) ? "-0" : x).replace(/^-/, MINUS) : scientific(x);
}

// One format for several numbers, so that they line up one under the other; far from 1 they share a power of ten.
function aligned(numbers, digits = 5) {
  const finite = numbers.filter(Number.isFinite).map(Math.abs);
  const largest = Math.max(0, ...finite);
  const magnitude = largest > 0 ? Math.floor(Math.log10(largest)) : 0;
  const exponent = magnitude >= -3 && magnitude <= 4 ? 0 : magnitude;
  let decimals = clamp(digits - 1 - (exponent ? 0 : magnitude), 0, digits + 1);
  if (finite.length && !exponent) {
    const needed = finite.map((x) => (x.toFixed(decimals).replace(/0+$/, "").split(".")[1] ?? "").length);
    decimals = Math.min(decimals, Math.max(...needed));
  }
  const text = (x) =>
    Number.isFinite(x) ? (exponent ? x / 10 ** exponent : x).toFixed(decimals).replace("-", MINUS) : scientific(x);
  const width = Math.max(1, ...numbers.map((x) => text(x).length));
  return { text, width, scale: exponent ? `×10^${String(exponent).replace("-", MINUS)}` : "" };
}

function percent(share) {
  return Number.isFinite(share) ? `${(100 * share).toFixed(0)} %` : "–";
}

function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function plural(count, noun) {
  return count === 1 ? `1 ${noun}` : `${grouped(count)} ${noun}s`;
}

// The first place in a sorted list at which a number greater (or not less) than x stands.
function bisectRight(list, x) {
  let low = 0,
    high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x < list[middle]) high = middle;
    else low = middle + 1;
  }
  return low;
}

function bisectLeft(list, x) {
  let low = 0,
    high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

function clamp(x, low, high) {
  return Math.min(Math.max(x, low), high);
}
