// The mathematics of the playgrounds: plain functions of nested arrays, columns are examples. Nothing here knows a page.
const nn = (() => {
  const rows = (n, f) => Array.from({ length: n }, (_, i) => f(i));
  const matrix = (m, n, f) => rows(m, (i) => rows(n, (j) => f(i, j)));
  const shape = (M) => [M.length, M[0].length];
  const transpose = (M) => matrix(M[0].length, M.length, (i, j) => M[j][i]);
  const product = (A, B) => matrix(A.length, B[0].length, (i, j) => A[i].reduce((sum, a, k) => sum + a * B[k][j], 0));
  const each = (f, ...M) => matrix(M[0].length, M[0][0].length, (i, j) => f(...M.map((m) => m[i][j])));
  const sumOfRows = (M) => M.map((row) => [row.reduce((a, b) => a + b, 0)]);

  const affine = (W, b, A) => each((z, c) => z + c, product(W, A), matrix(W.length, A[0].length, (i) => b[i][0]));
  const relu = (Z) => each((z) => Math.max(0, z), Z);
  const softmax = (Z) => {
    const columns = transpose(Z).map((z) => {
      const top = Math.max(...z);
      const e = z.map((x) => Math.exp(x - top));
      const total = e.reduce((a, b) => a + b, 0);
      return e.map((x) => x / total);
    });
    return transpose(columns);
  };
  const jacobian = (p) => matrix(p.length, p.length, (i, k) => p[i] * ((i === k ? 1 : 0) - p[k]));
  const loss = (Z, Y) => {
    const N = Z[0].length;
    let sum = 0;
    for (let s = 0; s < N; s += 1) {
      const z = Z.map((row) => row[s]);
      const top = Math.max(...z);
      sum += top + Math.log(z.reduce((a, x) => a + Math.exp(x - top), 0));
      sum -= z.reduce((a, x, i) => a + Y[i][s] * x, 0);
    }
    return sum / N;
  };
  const oneHot = (labels, classes) => matrix(classes, labels.length, (i, s) => (labels[s] === i ? 1 : 0));

  // Every value of a network with one hidden layer, forward and back, by its name.
  const passes = ({ W1, b1, W2, b2, X, labels }) => {
    const Y = oneHot(labels, W2.length);
    const N = labels.length;
    const Z1 = affine(W1, b1, X);
    const A1 = relu(Z1);
    const Z2 = affine(W2, b2, A1);
    const P = softmax(Z2);
    const L = loss(Z2, Y);
    const dZ2 = each((p, y) => (p - y) / N, P, Y);
    const dA1 = product(transpose(W2), dZ2);
    const dZ1 = each((d, z) => (z > 0 ? d : 0), dA1, Z1);
    return {
      X, W1, b1, Z1, A1, W2, b2, Z2, P, Y, L,
      dZ2, dW2: product(dZ2, transpose(A1)), db2: sumOfRows(dZ2), dA1, dZ1, dW1: product(dZ1, transpose(X)), db1: sumOfRows(dZ1),
    };
  };
  const lossOf = (net) => passes(net).L;

  // The central difference of the loss for one entry of one parameter.
  const difference = (net, name, i, j, h = 1e-5) => {
    const moved = (d) => lossOf({ ...net, [name]: net[name].map((row, r) => row.map((x, c) => (r === i && c === j ? x + d : x))) });
    return (moved(h) - moved(-h)) / (2 * h);
  };

  // Numbers that look random and are the same everywhere: a linear congruential generator, 32 bits.
  const generator = (seed) => {
    let x = seed >>> 0;
    return () => {
      x = (Math.imul(1664525, x) + 1013904223) >>> 0;
      return (x / 2 ** 32) * 2 - 1;
    };
  };

  return {
    matrix, shape, transpose, product, each, sumOfRows, affine, relu, softmax, jacobian, loss, oneHot, passes, lossOf, difference, generator,
  };
})();
