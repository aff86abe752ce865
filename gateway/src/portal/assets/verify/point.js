// Points of Ed25519 (RFC 8032 section 5.1), as far as a verifier must know them: whether 32 bytes are a point, and
// whether it is of small order. A key or a signature with such a point would fit many messages, so it is refused;
// browsers differ there.

const P = 2n ** 255n - 19n;
const D = -121665n * power(121666n, P - 2n);

function power(base, exponent) {
  let result = 1n;
  for (base %= P; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = result * base % P;
    base = base * base % P;
  }
  return result;
}

function modulo(value) {
  return (value % P + P) % P;
}

/** The point of 32 bytes as {x, y}; null if they are none. */
function decompress(bytes) {
  let y = 0n;
  for (let i = 31; i >= 0; i--) y = y << 8n | BigInt(i === 31 ? bytes[i] & 127 : bytes[i]);
  y %= P;
  const u = modulo(y * y - 1n);
  const v = modulo(D * y * y + 1n);
  const square = modulo(u * power(v, P - 2n));
  let x = power(square, (P + 3n) / 8n);
  if (modulo(x * x - square) !== 0n) x = x * power(2n, (P - 1n) / 4n) % P;
  if (modulo(x * x - square) !== 0n) return null;
  if ((x & 1n) !== BigInt(bytes[31] >> 7)) x = modulo(-x);
  return { x, y };
}

function double({ x, y }) {
  const product = modulo(D * x % P * x % P * y % P * y);
  return {
    x: modulo(2n * x * y * power(1n + product, P - 2n)),
    y: modulo((y * y + x * x) * power(modulo(1n - product), P - 2n)),
  };
}

export function isPoint(bytes) {
  return decompress(bytes) !== null;
}

/** Whether the point's order divides 8. */
export function isOfSmallOrder(bytes) {
  const point = decompress(bytes);
  if (point === null) return false;
  const eightfold = double(double(double(point)));
  return eightfold.x === 0n && eightfold.y === 1n;
}
