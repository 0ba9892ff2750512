// Elements are made one by one, and every text goes in as a text node: nothing is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== ""));
  return element;
}

function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A name keeps its own direction of writing to itself.
function called(text, role = "name") {
  return make("bdi", { class: role }, text);
}

// A number as it is read, with all its digits for whoever wants them.
function datum(x, text = plain(x), role = "number") {
  return make("data", { value: String(x), title: exact(x), class: role }, text);
}

function byId(id) {
  return document.getElementById(id);
}

function colour(name) {
  return getComputedStyle(byId("swatch-" + name)).color;
}

// Write the letters of a formula's adjoint: x̄, x̄1, conv1̄.
function barred(name) {
  const letters = [...name];
  if (letters.length > 1 && /^\p{L}$/u.test(letters[0]) && /^\d+$/.test(name.slice(letters[0].length))) {
    return (letters[0] + "\u0304").normalize("NFC") + letters.slice(1).join("");
  }
  return letters.slice(0, -1).join("") + ((letters.at(-1) ?? "") + "\u0304").normalize("NFC");
}

function shortened(text, limit) {
  const letters = [...text];
  if (letters.length <= limit) return text;
  const tail = (limit - 1) >> 1;
  return letters.slice(0, limit - 1 - tail).join("") + "…" + letters.slice(letters.length - tail).join("");
}
