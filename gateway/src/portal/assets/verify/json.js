// JSON in its one spelling, for members and lines whose shape is known: a text is read, its shape checked, and
// written again; the two must be the same.

import { badFile } from "./bytes.js";

/** Whether a value is of a shape: "text", ["null", shape], [shape] for a list, {name: shape, …} for an object that has
 * these members in this order and no others. */
function isOfShape(value, shape) {
  if (shape === "text") return typeof value === "string" && value.isWellFormed();
  if (Array.isArray(shape)) {
    if (shape[0] === "null") return value === null || isOfShape(value, shape[1]);
    return Array.isArray(value) && value.every((item) => isOfShape(item, shape[0]));
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  const names = Object.keys(shape);
  const found = Object.keys(value);
  return names.length === found.length && names.every((name) => found.includes(name) && isOfShape(value[name], shape[name]));
}

/** A value written with members in the order of its shape. */
function write(value, shape) {
  if (value === null || typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, shape[0])).join(",")}]`;
  return `{${Object.keys(shape).map((name) => `${JSON.stringify(name)}:${write(value[name], shape[name])}`).join(",")}}`;
}

/** The value of a text of this shape in its one spelling, without a line end; null if it is none. */
export function readCanonical(text, shape) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isOfShape(value, shape) && write(value, shape) === text ? value : null;
}

/** The value of a member that is one canonical line. */
export function readCanonicalFile(file, text, shape) {
  const value = text.endsWith("\n") ? readCanonical(text.slice(0, -1), shape) : null;
  if (value === null) throw badFile(file, "it is not canonical JSON");
  return value;
}

/** The names of an object's own members as they stand in a JSON text, doubles included. */
function memberNames(text) {
  const names = [];
  let depth = 0;
  let expectsName = false;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)) {
    if (token === "{" || token === "[") {
      depth += 1;
      expectsName = depth === 1;
    } else if (token === "}" || token === "]") {
      depth -= 1;
    } else if (token === ",") {
      expectsName = depth === 1;
    } else if (token !== ":" && expectsName) {
      names.push(JSON.parse(token));
      expectsName = false;
    }
  }
  return names;
}

/** The texts of an object that have these names; there may be others. Names that end with "?" may be missing or null.
 * Null if one is missing, no text, or there twice. */
export function readTexts(text, names) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
  const all = memberNames(text);
  const texts = {};
  for (const spelled of names) {
    const name = spelled.replace("?", "");
    const found = Object.hasOwn(value, name) ? value[name] : null;
    const fits = found === null ? name !== spelled : typeof found === "string" && found.isWellFormed();
    if (!fits || all.indexOf(name) !== all.lastIndexOf(name)) return null;
    texts[name] = found;
  }
  return texts;
}
