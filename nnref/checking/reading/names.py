"""The names people give: which array is W1, which argument is the input, which function goes backward."""

from __future__ import annotations

import re

from nnref.checking.operations.record import activations, writing

WEIGHT, BIAS = r"(?:w|weights?|kernel|wt|theta|syn)", r"(?:b|bias|biases)"
LAYER = (
    r"(?:\d+|fc|lin|linear|dense|ih|ho|xh|hy|hh|hx|yh|hz|oh|hi|i|h|o|x|y|in|out|hidden|output|input|inputhidden|hiddenoutput|hiddenhidden|"
    r"inputtohidden|hiddentooutput)"
)
IS_WEIGHT = re.compile(rf"^(?:{WEIGHT}{LAYER}?\d*|{LAYER}(?:layer)?\d*(?:{WEIGHT}))$")
IS_BIAS = re.compile(rf"^(?:{BIAS}{LAYER}?\d*|{LAYER}(?:layer)?\d*{BIAS})$")
GRADIENT = re.compile(
    r"^(?:gradients?|grads?|nabla|delta|del|dldj?|dl|dj|dc|de|d|g)(?=.)|(?<=.)(?:gradients?|grads?|g)$"
)
GRADIENTS = frozenset(
    [
        "grads",
        "grad",
        "gradients",
        "gradient",
        "derivatives",
        "derivs",
        "dparams",
        "gradparams",
        "dtheta",
        "nabla",
        "deltas",
    ]
)
"""A container so named holds gradients under the parameters' own names."""

WORDS = {
    "X": (
        "x inputs input data images batch a0 xtrain trainx xbatch batchx features inputdata xdata inp imgs "
        "samples xs inputx xinput inputlist inputslist image trainingdata xnorm inputvector xin xi traindata "
        "trainimages trainingimages"
    ),
    "Y": (
        "y labels label targets target t ytrue truey ytrain trainy ybatch batchy onehoty yonehot truth yhot "
        "groundtruth desired expected ys targetslist onehotlabels labelsonehot yoh gt actual desiredoutput yenc "
        "yencoded trainlabels traininglabels trueys ytruth labelbatch onehot correct yi truelabels outputtrue "
        "classes"
    ),
    "output": (
        "yhat ypred predy predictions prediction pred preds output outputs out probs prob p probabilities al "
        "final finaloutput finaloutputs ahat softmaxout yprob scores logits aout logprobs a hypothesis ysoftmax "
        "act yp o predicted softmaxoutput score yout probability inputlogits z softmax"
    ),
    "upstream": (
        "grad gradient dout gradoutput outputgradient outputgrad dlda dloss lossgrad outputerror dy gradout "
        "upstream dvalues error gradientoutput dldy dl dal gradloss lossgradient delta outerror accumgrad gradin "
        "dldout gradients grads dypred dyhat dlogits dldz"
    ),
    "N": (
        "m n batchsize numexamples nsamples numsamples nexamples bs num batchn mtrain ntrain numtrain nbatch "
        "sizebatch numberofsamples samplecount examples totalsamples"
    ),
    "rate": "lr learningrate alpha eta rate stepsize learnrate",
    "one": (
        "epochs iterations numiterations epoch niter numepochs nepochs steps iters maxiter niters numiters "
        "maxepochs numberofepochs keepprob"
    ),
    "zero": (
        "lambda lambd reg l2 lam weightdecay regstrength regularization regularisation decay momentum dropout "
        "dropoutrate l2reg regparam l1 printevery"
    ),
    "false": "verbose printcost debug plot isplot showplot dotrain training train istraining",
    "cache": (
        "cache caches memory intermediates activations forwardcache context ctx store forwardpass values internal "
        "state forwardvalues forwardresult layeroutputs saved forward"
    ),
    "parameters": "params parameters theta model network net weights param weightsandbiases nn wandb mlp",
    "activation": "activation activationfn activationfunction act actfn hiddenactivation nonlinearity activationname",
    "seed": "seed randomseed randomstate rng",
    "scale": "scale std weightscale sigma initscale stdev weightinitstd eps",
    "input width": (
        "inputsize nx nin ninput inputdim nfeatures numfeatures n0 din inputnodes ninputs inputunits insize "
        "inputlayersize infeatures numinputs d input features inputs sizein fanin inputneurons inputlayer inodes "
        "numin inputlayerneurons inputshape dimin indim featurecount i nfeat pixels"
    ),
    "output width": (
        "outputsize ny nout noutput outputdim nclasses numclasses k c outputnodes noutputs outputunits outsize "
        "outputlayersize outfeatures numoutputs classes output outputs sizeout fanout outputneurons outputlayer "
        "onodes numout outputlayerneurons dout dimout outdim o numberofclasses classcount"
    ),
    "widths": (
        "layerdims layers sizes layersizes dims layersdims architecture structure nnstructure topology units "
        "neurons shape nodes layernodes layersize layer dimensions widths nnodes nnarchitecture"
    ),
    "hidden widths": "hiddensizes hiddenlayers hiddendims hiddenlayersizes hiddenunitslist hiddenwidths",
}
ROLES = {word: role for role, words in reversed(WORDS.items()) for word in words.split()}
"""What an argument of a forward, backward or loss function is, by its name; the first role in WORDS that has it."""

WIDTHS = {
    word: role
    for role in ("seed", "scale", "rate", "activation", "hidden widths", "widths", "output width", "input width")
    for word in WORDS[role].split()
}
"""The same for the arguments that make a network: there `inputs` and `n` are widths, not data."""

HIDDEN_WIDTH = re.compile(
    r"^(?:(?:n|num|number|numof|dim|size|d|numberof)?h(?:idden)?(?:layers?)?\d*(?:size|dim|nodes|units|neurons|features|"
    r"layersize|layerneurons|layer|width)?\d*|n\d|hnodes\d*|hsize|fc\d|layer\d(?:size)?|units\d|hiddenlayer\d*size)$"
)

OPERATIONS = "|".join(sorted({word for name in activations() for word in writing(name).words}))
"""The names of the activations, in a pattern: a function that bears one is no pass through the network."""

FUNCTIONS = {
    "forward": re.compile(
        r"forw|fwd|feedf|fprop|predict|query|computeoutput|^propagate$|^call$|^model$|^net$|^infer|probabilities$"
    ),
    "backward": re.compile(r"backw|backp|bwd|bprop|grad|^train|^fit$|^update(?!par|weight)|onestep|trainstep"),
    "loss": re.compile(r"loss|cost|crossent|xent|objective|^nll|^j$|^ce$|^error$"),
    "init": re.compile(
        r"init|makeparam|createparam|createnetwork|makenetwork|buildnet|buildmodel|setup|getparam|newnet"
    ),
}
NOT = {
    "forward": re.compile(rf"linear|layer(?!s)|{OPERATIONS}|softmax|activation|conv|dropout"),
    "backward": re.compile(
        rf"gradientdesc|graddesc|numeric|check|update|clip|{OPERATIONS}|softmax|linear|layer(?!s)|conv|zerograd|"
        r"activation|optimi|plot|traintest|trainval|test|split|dropout|acc"
    ),
    "loss": re.compile(r"backw|grad|plot|history|prime|deriv|delta|^d"),
    "init": re.compile(r"adam|momentum|velocity|optim|hook|cache|__init__"),
}


def plain_name(name: str) -> str:
    """A name without what people vary: case, underscores, primes.

    >>> plain_name("back_prop"), plain_name("dW_1")
    ('backprop', 'dw1')
    """
    return name.lower().replace("_", "").replace("'", "")


def kind(name: str) -> str | None:
    """W or b, if the name is one of a weight or bias, else None; a layer may be told by digits or words.

    >>> kind("weights1"), kind("b_out"), kind("W_ih"), kind("vW1"), kind("batch")
    ('W', 'b', 'W', None, None)
    """
    word = plain_name(name)
    if IS_WEIGHT.match(word):
        return "W"
    return "b" if IS_BIAS.match(word) else None


def gradient_of(name: str) -> str | None:
    """The parameter that a name is the gradient of, as it is spelt there, or None.

    >>> gradient_of("dW1"), gradient_of("grad_b2"), gradient_of("weights_grad"), gradient_of("W1"), gradient_of("dZ1")
    ('w1', 'b2', 'weights', None, None)
    """
    word = plain_name(name)
    for _ in range(2):
        word, changed = GRADIENT.subn("", word, count=1)
        if changed and kind(word) and plain_name(name) != word:
            return word
    return None


def numbers_in_name(text: str) -> tuple[int, ...]:
    """The numbers in a name: (1,) of W1."""
    return tuple(int(n) for n in re.findall(r"\d+", text))


def canonical(name: str) -> str | None:
    """The reference's name of what is called so, if its layer is told by a digit: Z1, A1, dZ1, dA1, W1, b1, dW1, db1.

    >>> [canonical(name) for name in ("z1", "hidden1", "delta2", "dweights1", "d_a1", "W_2", "y")]
    ['Z1', 'A1', 'dZ2', 'dW1', 'dA1', 'W2', None]
    """
    word = plain_name(name)
    match = re.match(r"^(.*?)(\d+)$", word)
    if not match:
        return None
    stem, layer = match.groups()
    for letter, stems in STEMS.items():
        if stem in stems:
            return f"{letter}{layer}"
    return None


STEMS = {
    "Z": ["z", "s", "net", "pre", "linear", "zlayer", "layerz", "u", "logits"],
    "A": ["a", "h", "hidden", "act", "activation", "out", "layer", "o", "relu", "alayer", "l"],
    "dZ": [
        "dz",
        "delta",
        "dz",
        "gradz",
        "ddelta",
        "dlogits",
        "dnet",
        "error",
        "d",
        "dlayer",
        "layerdelta",
        "deltaz",
        "err",
    ],
    "dA": ["da", "dh", "dhidden", "grada", "dact", "dout", "drelu", "dactivation"],
    "W": ["w", "weights", "weight", "kernel", "theta"],
    "b": ["b", "bias", "biases"],
    "dW": ["dw", "dweights", "dweight", "gradw", "deltaw", "dldw", "gw", "nablaw", "gradweights", "dtheta", "wgrad"],
    "db": ["db", "dbias", "dbiases", "gradb", "deltab", "dldb", "gb", "nablab", "gradbias", "bgrad"],
}


def ranked(names: list[str], purpose: str) -> list[str]:
    """The functions that may serve a purpose, the likeliest first: whole networks before single layers."""
    fitting = [name for name in names if FUNCTIONS[purpose].search(plain_name(name))]
    best = [name for name in fitting if not NOT[purpose].search(plain_name(name))]
    first = FIRST[purpose]
    return sorted(
        best, key=lambda name: (not name.startswith("nnref_"), not re.search(first, plain_name(name)), len(name))
    ) + [name for name in fitting if name not in best]


FIRST = {
    "forward": r"^(?:forward|model|l?model|network|nn|full|mlp)*(?:forward|forwardprop|forwardpass|feedforward)",
    "backward": r"^(?:model|lmodel|network|nn|full|mlp|do)*(?:backward|backprop|backwardprop|back|bprop)",
    "loss": r"^(?!.*grad).*crossent|^(?:compute|calculate|get|calc)?(?:loss|cost)",
    "init": r"^init",
}
