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
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x < list[middle]) high = middle; else low = middle + 1;
  }
  return low;
}

function bisectLeft(list, x) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < x) low = middle + 1; else high = middle;
  }
  return low;
}

function clamp(x, low, high) {
  return Math.min(Math.max(x, low), high);
}
