"""TensorFlow's own operation for each function of the handbook, in float64; Keras's where TensorFlow has none.

A forward function bears its concept's name, every other its own. Where an operation has no setting of ours, SETTINGS
says at what it is asked; what it cannot be asked at all is not here: RoPE, and dropout with its mask given.
"""

import numpy as np

from nnref import leaky_relu, windows
from nnref.gelu_tanh import CUBIC, ROOT
from nnref.layer import ACTIVATIONS
from tests.support import cases

DOUBLE = "float64"
NO_EPSILON = 1e-300
"""An ε that changes no sum: TensorFlow takes the larger of the two where we add it."""


def rows(tf, A):
    """One example a row."""
    return tf.transpose(A)


def images(tf, X):
    """(C, H, B, N) as TensorFlow's (N, H, B, C)."""
    return tf.transpose(X, (3, 1, 2, 0))


def channels_first(tf, Y):
    """(N, P, Q, D) as our (D, P, Q, N)."""
    return tf.transpose(Y, (3, 1, 2, 0))


def bordered(tf, X, padding):
    """TensorFlow's images with zeros around them, which count as pixels."""
    around = [padding, padding]
    return tf.pad(X, [[0, 0], around, around, [0, 0]])


def kept(layer, weights, *inputs, keeps=(), **options):
    """A Keras layer's outputs with these numbers for its weights, and what it keeps besides."""
    return layer.stateless_call(weights, keeps or layer.non_trainable_variables, *inputs, **options)


def layer_norm(tf, X, gamma, beta, eps):
    """Keras's layer normalisation over the last axis."""
    layer = tf.keras.layers.LayerNormalization(epsilon=eps, dtype=DOUBLE)
    layer.build((None, X.shape[0]))
    return rows(tf, kept(layer, [gamma[:, 0], beta[:, 0]], rows(tf, X))[0])


def rms_norm(tf, X, gamma, eps):
    """Keras's RMS normalisation over the last axis."""
    layer = tf.keras.layers.RMSNormalization(epsilon=eps, dtype=DOUBLE)
    layer.build((None, X.shape[0]))
    return rows(tf, kept(layer, [gamma[:, 0]], rows(tf, X))[0])


def batch_norm(tf, X, gamma, beta, eps):
    """The moments of the batch, and TensorFlow's batch normalisation by them."""
    mean, variance = tf.nn.moments(X, axes=[1], keepdims=True)
    return tf.nn.batch_normalization(X, mean, variance, beta, gamma, eps)


def batch_norm_inference(tf, X, gamma, beta, mean, variance, eps):
    """TensorFlow's batch normalisation by statistics that are given."""
    return tf.nn.batch_normalization(X, mean, variance, beta, gamma, eps)


def running(tf, mean, batch, momentum):
    """The moving mean of Keras's layer after a batch of one, whose mean it is; its momentum weighs the old."""
    layer = tf.keras.layers.BatchNormalization(momentum=1 - momentum, dtype=DOUBLE)
    layer.build((None, mean.shape[0]))
    ones = tf.ones(mean.shape[0], DOUBLE)
    _, (moved, _) = kept(layer, [ones, ones], rows(tf, batch), keeps=[mean[:, 0], ones], training=True)
    return moved[:, None]


def group_norm(tf, X, gamma, beta, eps):
    """Keras's group normalisation of (N, P, G F)."""
    G, F, P, N = X.shape
    layer = tf.keras.layers.GroupNormalization(groups=G, epsilon=eps, dtype=DOUBLE)
    layer.build((None, P, G * F))
    flat = tf.reshape(tf.transpose(X, (3, 2, 0, 1)), (N, P, G * F))
    Y, _ = kept(layer, [tf.reshape(gamma, [-1]), tf.reshape(beta, [-1])], flat)
    return tf.transpose(tf.reshape(Y, (N, P, G, F)), (2, 3, 1, 0))


def instance_norm(tf, X, gamma, beta, eps):
    """Group normalisation, a channel a group."""
    return group_norm(tf, X[:, None], gamma, beta, eps)[:, 0]


def conv2d(tf, X, W, b, stride, padding, dilation):
    """TensorFlow's convolution; with a dilation, the one that rearranges the image, which alone has its gradients."""
    seen, filters = bordered(tf, images(tf, X), padding), tf.transpose(W, (2, 3, 1, 0))
    Y = tf.nn.convolution(seen, filters, strides=stride, padding="VALID", dilations=dilation)
    return channels_first(tf, tf.nn.bias_add(Y, tf.reshape(b, [-1])))


def grouped_conv2d(tf, X, W, b, stride, padding, dilation):
    """TensorFlow's depthwise convolution: groups of one channel."""
    (G, _, H, B, N), (_, D, _, I, J) = X.shape, W.shape
    seen = bordered(tf, images(tf, tf.reshape(X, (G, H, B, N))), padding)
    filters = tf.transpose(tf.reshape(W, (G, D, I, J)), (2, 3, 0, 1))
    Y = tf.nn.depthwise_conv2d(seen, filters, [1, stride, stride, 1], "VALID", dilations=[dilation, dilation])
    Y = channels_first(tf, tf.nn.bias_add(Y, tf.reshape(b, [-1])))
    return tf.reshape(Y, (G, D, *Y.shape[1:]))


def conv_transpose(tf, X, W, b, H, B, stride, padding, dilation):
    """TensorFlow's transposed convolution; with a dilation, the one that rearranges the image."""
    seen, filters = images(tf, X), tf.transpose(W, (2, 3, 1, 0))
    shape = (X.shape[3], H, B, W.shape[1])
    if dilation > 1:
        Y = tf.nn.atrous_conv2d_transpose(seen, filters, shape, rate=dilation, padding="VALID")
    else:
        around = [padding, padding]
        Y = tf.nn.conv2d_transpose(seen, filters, shape, stride, [[0, 0], around, around, [0, 0]])
    return channels_first(tf, tf.nn.bias_add(Y, tf.reshape(b, [-1])))


def max_pool(tf, X, S, stride, padding, dilation):
    """TensorFlow's max pooling, which chooses by itself; S says only how large a window is."""
    around = [padding, padding]
    explicit = [[0, 0], around, around, [0, 0]]
    if dilation > 1:
        lowest = tf.pad(images(tf, X), explicit, constant_values=-np.inf)
        return channels_first(tf, tf.nn.pool(lowest, S.shape[4:], "MAX", padding="VALID", dilations=[dilation] * 2))
    return channels_first(tf, tf.nn.max_pool2d(images(tf, X), S.shape[4:], stride, explicit))


def avg_pool(tf, X, I, J, stride, padding, dilation):
    """TensorFlow's mean pooling, of images with zeros around them."""
    seen, moved = bordered(tf, images(tf, X), padding), {"strides": [stride] * 2, "dilations": [dilation] * 2}
    return channels_first(tf, tf.nn.pool(seen, [I, J], "AVG", padding="VALID", **moved))


def patch_embedding(tf, X, W, E):
    """A convolution whose stride is its kernel, and what each position has of its own."""
    filters = tf.transpose(W, (2, 3, 1, 0))
    Y = tf.nn.conv2d(images(tf, X), filters, strides=W.shape[2:], padding="VALID")
    return channels_first(tf, Y) + E[..., None]


def flatten(tf, X):
    """Keras's layer, of images with their channels before their rows."""
    return rows(tf, tf.keras.layers.Flatten(dtype=DOUBLE)(tf.transpose(X, (3, 0, 1, 2))))


def multi_head(tf, Q, K, V, M):
    """Keras's attention of (N, T, heads, d), under a mask of true and false."""
    by_example = [tf.transpose(A, (3, 2, 0, 1)) for A in (Q, K, V)]
    scale = tf.constant(Q.shape[1] ** -0.5, DOUBLE)  # by itself, Keras takes the root in float32
    Y = tf.keras.ops.dot_product_attention(*by_example, mask=(M > 0)[None, None], scale=scale)
    return tf.transpose(Y, (2, 3, 1, 0))


def attention(tf, Q, K, V, M):
    """The same with one head and one example."""
    return rows(tf, multi_head(tf, *(tf.transpose(A)[None, :, :, None] for A in (Q, K, V)), M)[0, :, :, 0])


def masked_softmax(tf, Z, M):
    """Keras's softmax layer, under a mask."""
    return tf.keras.layers.Softmax(axis=0, dtype=DOUBLE)(Z, mask=M > 0)


def rnn(tf, X, H0, W, U, b):
    """Keras's recurrent cell."""
    cell = tf.keras.layers.SimpleRNNCell(W.shape[0], dtype=DOUBLE)
    cell.build((None, X.shape[0]))
    (H, _), _ = kept(cell, [rows(tf, U), rows(tf, W), b[:, 0]], rows(tf, X), rows(tf, H0))
    return rows(tf, H)


def lstm_cell(tf, Zi, Zf, Zo, Zg, C0):
    """Keras's cell: the weighted sums are its input, by a kernel that is the identity, and it has no state before."""
    m, N = C0.shape
    cell = tf.keras.layers.LSTMCell(m, dtype=DOUBLE)
    cell.build((None, 4 * m))
    weights = [tf.eye(4 * m, dtype=DOUBLE), tf.zeros((m, 4 * m), DOUBLE), tf.zeros(4 * m, DOUBLE)]
    inputs = rows(tf, tf.concat([Zi, Zf, Zg, Zo], 0))
    (_, (H, C)), _ = kept(cell, weights, inputs, [tf.zeros((N, m), DOUBLE), rows(tf, C0)])
    return tf.stack([rows(tf, H), rows(tf, C)])


def gru_cell(tf, Zr, Zz, Zn, Un, H0):
    """Keras's cell of twice the width: the second half of its state holds Un, and its kernels give it to the first."""
    m, N = H0.shape
    cell = tf.keras.layers.GRUCell(2 * m, reset_after=True, dtype=DOUBLE)
    cell.build((None, 6 * m))
    nothing = tf.zeros((m, N), DOUBLE)
    inputs = rows(tf, tf.concat([Zz, nothing, Zr, nothing, Zn, nothing], 0))
    recurrent = np.zeros((2 * m, 6 * m))
    recurrent[m:, 4 * m : 5 * m] = np.eye(m)
    weights = [tf.eye(6 * m, dtype=DOUBLE), tf.constant(recurrent), tf.zeros((2, 6 * m), DOUBLE)]
    (H, _), _ = kept(cell, weights, inputs, [rows(tf, tf.concat([H0, Un], 0))])
    return rows(tf, H)[:m]


def mean_loss(tf, name, truth, predicted, **options):
    """One of Keras's losses, of examples as rows."""
    return getattr(tf.keras.losses, name)(dtype=DOUBLE, **options)(rows(tf, truth), rows(tf, predicted))


def entrywise_loss(tf, name, truth, predicted, **options):
    """One of Keras's losses, of every number by itself."""
    return getattr(tf.keras.losses, name)(truth[..., None], predicted[..., None], **options)


def kl_divergence(tf, Z, Y, temperature):
    """Keras's divergence from the softmax at a temperature."""
    return mean_loss(tf, "KLDivergence", Y, tf.nn.softmax(Z / temperature, axis=0))


def stepped(tf, optimizer, theta, dtheta, step=1, **before):
    """A parameter after one step of Keras's optimiser, and what it remembers: given before, and read after."""
    parameter = tf.Variable(theta)
    optimizer.build([parameter])
    optimizer.iterations.assign(step - 1)
    for name, value in before.items():
        getattr(optimizer, name)[0].assign(value)
    optimizer.apply_gradients([(dtheta, parameter)])
    return tf.constant(parameter), {name: tf.constant(getattr(optimizer, name)[0]) for name in before}


def adam(tf, theta, m, v, dtheta, step=1, alpha=0.125, beta1=0.5, beta2=0.5, eps=1e-8, decay=None):
    """One step of Keras's Adam, or of its AdamW, from these moments; and the moments after it.

    Keras adds its ε to the root of v before v is corrected: it is ours times the root of that correction.
    """
    kind, more = ("Adam", {}) if decay is None else ("AdamW", {"weight_decay": decay})
    epsilon = eps * (1 - beta2**step) ** 0.5
    settings = {"learning_rate": alpha, "beta_1": beta1, "beta_2": beta2, "epsilon": epsilon}
    optimizer = getattr(tf.keras.optimizers, kind)(**settings, **more)
    moved, after = stepped(tf, optimizer, theta, dtheta, step, _momentums=m, _velocities=v)
    return moved, {"m": after["_momentums"], "v": after["_velocities"]}


def adam_update(tf, theta, m, v, **settings):
    """The step, and the moments that it was taken with: ours are to be given those."""
    return adam(tf, theta, m, v, cases.generator("adam", "dtheta").standard_normal(theta.shape), **settings)


def momentum_sgd(tf, theta, velocity, dtheta, alpha, mu, nesterov=False):
    """One step of Keras's SGD with momentum, whose velocity is −α times ours; and our velocity after it."""
    optimizer = tf.keras.optimizers.SGD(alpha, mu, nesterov=nesterov)
    moved, after = stepped(tf, optimizer, theta, dtheta, momentums=-alpha * velocity)
    return moved, {"velocity": -after["momentums"] / alpha}


def momentum_update(tf, theta, velocity, alpha):
    """The first step, whose velocity is the gradient."""
    return momentum_sgd(tf, theta, tf.zeros_like(velocity), velocity, alpha, 0.5)[0]


def initial_scale(tf, fans, **variance):
    """By how much Keras's initialiser multiplies normal numbers that are drawn from the same seed."""
    shape = tuple(map(int, fans))
    scaled = tf.keras.initializers.VarianceScaling(**variance, distribution="untruncated_normal", seed=1)
    plain = tf.keras.initializers.RandomNormal(stddev=1.0, seed=1)
    return scaled(shape, DOUBLE)[0, 0] / plain(shape, DOUBLE)[0, 0]


OF_THEIR_OWN = set(ACTIVATIONS) - {"leaky_relu", "elu", "gelu", "gelu_tanh"}
"""Activations that TensorFlow is asked for under their own names, and may not have."""


def of_its_own(tf, name):
    """The activation of this name, TensorFlow's or Keras's; None where neither has one."""
    return getattr(tf.nn, name, None) or getattr(tf.keras.activations, name, None)


def there_is(tf, name):
    """Whether TensorFlow has an operation of this concept, or of this function."""
    return name in OPERATIONS and (name not in OF_THEIR_OWN or of_its_own(tf, name) is not None)


OPERATIONS = {
    "affine": lambda tf, W, b, A: tf.linalg.matmul(W, A) + b,
    "leaky_relu": lambda tf, Z, kappa=leaky_relu.SLOPE: tf.where(Z > 0, Z, kappa * Z),
    "elu": lambda tf, Z, alpha=1.0: tf.keras.activations.elu(Z, alpha),
    "gelu_tanh": lambda tf, Z: Z * (1 + tf.tanh(ROOT * (Z + CUBIC * Z**3))) / 2,
    "gelu": lambda tf, Z: Z * (1 + tf.math.erf(Z / tf.sqrt(tf.constant(2, Z.dtype)))) / 2,
    **{name: lambda tf, Z, name=name: of_its_own(tf, name)(Z) for name in OF_THEIR_OWN},
    "swiglu": lambda tf, G, F: tf.nn.silu(G) * F,
    "softmax": lambda tf, Z: tf.nn.softmax(Z, axis=0),
    "softmax.log_sum_exp": lambda tf, Z: tf.reduce_logsumexp(Z, axis=0, keepdims=True),
    "masked_softmax": masked_softmax,
    "cross_entropy": lambda tf, P, Y: -tf.reduce_sum(tf.math.multiply_no_nan(tf.math.log(P), Y), axis=0, keepdims=True),
    "softmax_cross_entropy": lambda tf, Z, Y: tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits(labels=rows(tf, Y), logits=rows(tf, Z))
    ),
    "binary_cross_entropy": lambda tf, Z, T: tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=T, logits=Z)
    ),
    "label_smoothing": lambda tf, Z, Y, smoothing: mean_loss(
        tf, "CategoricalCrossentropy", Y, Z, from_logits=True, label_smoothing=smoothing
    ),
    "mse": lambda tf, O, T: mean_loss(tf, "MeanSquaredError", T, O),
    "kl_divergence": kl_divergence,
    "hinge": lambda tf, U: entrywise_loss(tf, "hinge", tf.ones_like(U), U),
    "huber": lambda tf, E, delta: entrywise_loss(tf, "huber", tf.zeros_like(E), E, delta=delta),
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "batch_norm": batch_norm,
    "batch_norm_inference": batch_norm_inference,
    "batch_norm_inference.running": running,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "l2_normalize": lambda tf, X, eps: tf.math.l2_normalize(X, axis=0, epsilon=eps),
    "conv2d": conv2d,
    "grouped_conv2d": grouped_conv2d,
    "conv_transpose": conv_transpose,
    "max_pool": max_pool,
    "avg_pool": avg_pool,
    "patch_embedding": patch_embedding,
    "flatten": flatten,
    "embedding": lambda tf, E, O: rows(tf, tf.nn.embedding_lookup(rows(tf, E), tf.argmax(O, axis=0))),
    "attention": attention,
    "multi_head": multi_head,
    "rnn": rnn,
    "lstm_cell": lstm_cell,
    "gru_cell": gru_cell,
    "sgd.update": lambda tf, theta, dtheta, alpha: stepped(tf, tf.keras.optimizers.SGD(alpha), theta, dtheta)[0],
    "momentum.accumulate": lambda tf, velocity, dtheta, mu: momentum_sgd(tf, velocity, velocity, dtheta, 1.0, mu)[1][
        "velocity"
    ],
    "momentum.update": momentum_update,
    "momentum.nesterov": lambda tf, theta, velocity, dtheta, alpha, mu: momentum_sgd(
        tf, theta, velocity, dtheta, alpha, mu, nesterov=True
    ),
    "adam.mean": lambda tf, m, dtheta, beta1: adam(tf, m, m, m, dtheta, beta1=beta1)[1]["m"],
    "adam.mean_square": lambda tf, v, dtheta, beta2: adam(tf, v, v, v, dtheta, beta2=beta2)[1]["v"],
    "adam.update": adam_update,
    "adamw.update": adam_update,
    "weight_decay": lambda tf, W, decay: decay * tf.nn.l2_loss(W),
    "clip_by_norm": lambda tf, G, limit: tf.clip_by_norm(G, limit),
    "he.scale": lambda tf, n: initial_scale(tf, (n, 1), scale=2.0, mode="fan_in"),
    "xavier.scale": lambda tf, n, m: initial_scale(tf, (n, m), scale=1.0, mode="fan_avg"),
}
"""By concept, or by the name of a function that is no forward function: what TensorFlow makes of the same arguments.

An optimiser gives a pair: what it made, and what it was made of, which takes the place of our arguments.
"""

ROUNDED_CONSTANTS = {
    "gelu": lambda tf, Z: tf.nn.gelu(Z),
    "gelu_tanh": lambda tf, Z: tf.nn.gelu(Z, approximate=True),
    "leaky_relu": lambda tf, Z, kappa=leaky_relu.SLOPE: tf.nn.leaky_relu(Z, kappa),
}
"""TensorFlow's own form of three activations, which takes its constants through float32 and is right to that.

OPERATIONS has them from tf.math.erf, tf.tanh and tf.where, so that they are asked for all of float64 too.
"""

STRIDED, DILATED = {"stride": 2, "padding": 1, "dilation": 1}, {"stride": 1, "padding": 1, "dilation": 2}


def largest(at):
    """The choice of the largest pixel at these arguments."""
    return windows.largest(at["X"], *at["S"].shape[4:], at["stride"], at["padding"], at["dilation"])


SETTINGS = {
    "conv2d": [STRIDED, DILATED],
    "grouped_conv2d": [STRIDED | {"C": 1}, DILATED | {"C": 1}],
    "conv_transpose": [STRIDED | {"H": 7, "B": 4}, DILATED | {"padding": 0, "H": 6, "B": 6}],
    "max_pool": [window | {"S": largest} for window in (STRIDED, DILATED)],
    "avg_pool": [STRIDED, DILATED],
    "l2_normalize": [{"eps": NO_EPSILON}],
    "kl_divergence": [{"Y": np.array([[1, 3, 4, 2, 6], [5, 1, 2, 2, 1], [2, 4, 2, 4, 1]]) / 8}],
    "momentum.nesterov": [{"alpha": 0.5}],
    "he.scale": [{"n": 50}],
    "xavier.scale": [{"n": 50, "m": 20}],
}
"""What is asked for in place of what is drawn: arguments by name, or functions of all that was drawn; sizes by theirs.

TensorFlow has no gradient of a convolution that has both a stride and a dilation, and no group norm of one channel;
Keras puts 1e-7 in place of a probability of 0; a velocity over α is exact where α is a power of 2.
"""


def operation(tf, name, **arguments):
    """TensorFlow's operation of a concept, or of another function, at these arguments."""
    return OPERATIONS[name](tf, **arguments)
