"""How sure a sample of entries, or of directions, is to meet a wrong one."""

from derivations.algebra.notation import number
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra

FELLER = "Feller 1968, An Introduction to Probability Theory and Its Applications, vol. 1, §II.6"
FREIVALDS = "Freivalds 1977, Probabilistic machines can use less running time, IFIP Congress"

left = number("left", "entries that were not drawn yet")
seen = number("seen", "entries that were drawn, and are right")
wrong = number("wrong", "entries that are wrong, none of which was drawn yet")
rest = number("rest", "what all entries but one add to the error along a direction")
error = number("error", "the error of that entry")

without_putting_back = Claim(
    name="sampling.without_putting_back",
    kind="lemma",
    says="where none is drawn twice, each further draw misses the wrong entries at most as often as a first draw does, "
    "1 less their share: so k draws miss a wrong share p with chance (1 − p)^k at most",
    start=(1 - wrong / (left + seen)) - (left - wrong) / left,
    steps=(
        Step(
            wrong * seen / (left * (left + seen)),
            algebra,
            because="of the entries that are left, as many are wrong as of all, and all are fewer by those seen",
        ),
    ),
    relation="≥",
    source=FELLER,
    given=(left > 0, seen > 0, wrong > 0),
    wrong_twins=(
        WrongTwin(wrong * seen / left**2, "what is left is taken for all"),
        WrongTwin(wrong / left, "all are taken to be wrong among those seen"),
    ),
)

direction = Claim(
    name="sampling.direction",
    kind="lemma",
    says="of two directions that differ in the sign of one entry, one shows at least that entry's whole error, "
    "whatever the others are: so k directions of random signs miss it with chance 2^−k at most",
    start=(rest + error) ** 2 + (rest - error) ** 2 - 2 * error**2,
    steps=(
        Step(2 * rest**2, algebra, because="the products of the two cancel: were both below, so would be their sum"),
    ),
    relation="≥",
    source=FREIVALDS,
    wrong_twins=(
        WrongTwin(2 * rest**2 + 4 * rest * error, "the products are taken to add up"),
        WrongTwin(2 * rest**2 + error**2, "the error is subtracted once and not twice"),
    ),
)
