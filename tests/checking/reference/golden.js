// The golden network made again from docs/check/vectors.md alone: integers, and nothing that rounds.
function* stream(multiplier, increment) {
  for (let x = 1n;;) yield x = (BigInt(multiplier) * x + BigInt(increment)) % 2n ** 64n;
}

function matrix(xs, rows, columns, m) {
  return Float64Array.from({length: rows * columns}, () => (Number(xs.next().value / 2n ** 40n) - 2 ** 23) / 2 ** m);
}

function oneHot(xs, classes, examples) {
  const Y = new Float64Array(classes * examples);
  for (let s = 0; s < examples; s++) Y[Number(xs.next().value / 2n ** 32n * 10n / 2n ** 32n) * examples + s] = 1;
  return Y;
}

// Eight bytes a number, the least significant first, in hexadecimal.
function bytes(matrices) {
  const hex = [], view = new DataView(new ArrayBuffer(8));
  for (const M of matrices) for (const number of M) {
    view.setFloat64(0, number, true);
    for (let k = 0; k < 8; k++) hex.push(view.getUint8(k).toString(16).padStart(2, "0"));
  }
  return hex.join("");
}

// The constants of the recurrence as strings, and the rows of the page's table: rows, columns, m.
function golden({multiplier, increment, table}) {
  const xs = stream(multiplier, increment), made = table.map(row => matrix(xs, ...row));
  const X = made.pop(), examples = table[table.length - 1][1];
  return {parameters: bytes(made), batch: bytes([X, oneHot(xs, 10, examples)])};
}
