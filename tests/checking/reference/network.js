// A network of its own in plain JavaScript: forward and backward pass over a batch, from known-answer vectors.
const number = M => M.map(row => row.map(Number));
const map = (M, f) => M.map((row, i) => row.map((x, j) => f(x, i, j)));
const transpose = M => M[0].map((_, j) => M.map(row => row[j]));
const product = (P, Q) => P.map(row => transpose(Q).map(column => row.reduce((sum, x, k) => sum + x * column[k], 0)));
const rowSums = M => M.map(row => [row.reduce((sum, x) => sum + x, 0)]);

const activations = {
  relu: {f: z => Math.max(0, z), slope: a => (a > 0 ? 1 : 0)},
  sigmoid: {f: z => 1 / (1 + Math.exp(-z)), slope: a => a * (1 - a)},
  tanh: {f: Math.tanh, slope: a => 1 - a * a},
};

function softmax(Z) {
  return transpose(transpose(Z).map(z => {
    const e = z.map(x => Math.exp(x - Math.max(...z)));
    const total = e.reduce((sum, x) => sum + x, 0);
    return e.map(x => x / total);
  }));
}

function answers(network) {
  const given = Object.fromEntries(Object.entries(network.given).map(([name, M]) => [name, number(M)]));
  const {f, slope} = activations[network.activation];
  const L = Object.keys(given).filter(name => name.startsWith("W")).length, N = given.X[0].length;
  const A = [given.X], out = {};
  for (let l = 1; l <= L; l++) {
    const Z = out[`Z${l}`] = map(product(given[`W${l}`], A[l - 1]), (x, i) => x + given[`b${l}`][i][0]);
    if (l < L) A.push(out[`A${l}`] = map(Z, f));
  }
  const P = out.P = softmax(out[`Z${L}`]);
  let dZ = map(P, (p, i, j) => (p - given.Y[i][j]) / N);
  for (let l = L; l >= 1; l--) {
    out[`dW${l}`] = product(dZ, transpose(A[l - 1]));
    out[`db${l}`] = rowSums(dZ);
    if (l > 1) dZ = map(product(transpose(given[`W${l}`]), dZ), (d, i, j) => d * slope(A[l - 1][i][j]));
  }
  return out;
}
