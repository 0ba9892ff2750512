// The page's tensors by number: all their numbers, a map of them, or statistics alone.

const ODD = { Infinity: Infinity, "-Infinity": -Infinity };

function asNumber(item) {
  if (typeof item === "string") return item in ODD ? ODD[item] : NaN;
  return Number(item);
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

class Tensor {
  constructor(record, type) {
    this.shape = type.shape;
    this.size = type.shape.reduce((product, n) => product * n, 1);
    this.dtype = type.dtype;
    this.numbers = null;
    this.map = null;
    this.stats = null;
    if (typeof record !== "object") {
      this.numbers = [asNumber(record)];
      this.norm = Math.abs(this.numbers[0]);
      return;
    }
    this.norm = asNumber(record.norm);
    if (record.data) this.numbers = record.data.map(asNumber);
    if (record.bytes) {
      const { buffer } = bytesOf(record.bytes);
      this.numbers = type.dtype === "float32" ? new Float32Array(buffer) : new Float64Array(buffer);
    }
    if (record.map) this.map = { ...record.map, cells: new Int8Array(bytesOf(record.map.cells).buffer) };
    if (record.stats) {
      const [minimum, maximum, mean, deviation, zeros, nans, infinities] = record.stats;
      this.stats = { minimum, maximum, mean, deviation, zeros, nans, infinities };
    }
  }

  // Minimum, maximum, mean and deviation are over the finite elements.
  get statistics() {
    if (this.stats === null) {
      let minimum = Infinity,
        maximum = -Infinity,
        sum = 0,
        zeros = 0,
        nans = 0,
        infinities = 0,
        count = 0;
      for (const x of this.numbers) {
        if (Number.isNaN(x)) nans++;
        else if (!Number.isFinite(x)) infinities++;
        else {
          count++;
          sum += x;
          if (x === 0) zeros++;
          if (x < minimum) minimum = x;
          if (x > maximum) maximum = x;
        }
      }
      const mean = count ? sum / count : 0;
      let squares = 0;
      for (const x of this.numbers) if (Number.isFinite(x)) squares += (x - mean) ** 2;
      const deviation = count ? Math.sqrt(squares / count) : 0;
      if (!count) minimum = maximum = 0;
      this.stats = { minimum, maximum, mean, deviation, zeros, nans, infinities };
    }
    return this.stats;
  }
}

class Tensors {
  constructor(data) {
    this.records = data.tensors;
    this.types = data.types;
    this.kept = new Map();
  }

  // Return a tensor, null where the page has none.
  get(number, type) {
    if (number < 0) return null;
    const known = this.kept.get(number);
    if (known) return known;
    const made = new Tensor(this.records[number], this.types[type]);
    if (this.kept.size > 256) this.kept.clear();
    this.kept.set(number, made);
    return made;
  }

  // Return the norm alone; null where the page has none.
  norm(number) {
    if (number < 0) return null;
    const record = this.records[number];
    return typeof record === "object" ? asNumber(record.norm) : Math.abs(asNumber(record));
  }
}
