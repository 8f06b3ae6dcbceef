"""A network that is looped over the pixels of its images is judged, and judged again from what was recorded."""

import pytest

from nnref.checking.watching.telling.report import certificate, settled
from tests.support.programs import fault_apart, seen

LOOPED = """\
import numpy as np
np.random.seed(3)
images, labels = np.sin(np.arange(288.0)).reshape(8, 6, 6), np.arange(8) % 3
filters, weights = np.random.randn(2, 3, 3), np.random.randn(8, 3)
def regions(image, n, step):
    for i in range((len(image) - n) // step + 1):
        for j in range((len(image) - n) // step + 1):
            yield image[i * step:i * step + n, j * step:j * step + n], i, j
for image, label in zip(images, labels):
    out, pooled = np.zeros((4, 4, 2)), np.zeros((2, 2, 2))
    for region, i, j in regions(image, 3, 1):
        out[i, j] = np.sum(region * filters, axis=(1, 2))
    for region, i, j in regions(out, 2, 2):
        pooled[i, j] = np.amax(region, axis=(0, 1))
    x = pooled.flatten()
    e = np.exp(x @ weights)
    p = e / np.sum(e)
    loss = -np.log(p[label])
    d = p.copy()
    d[label] -= 1
    back, d_out, d_filters = (weights @ d).reshape(2, 2, 2), np.zeros((4, 4, 2)), np.zeros((2, 3, 3))
    for region, i, j in regions(out, 2, 2):
        top = np.amax(region, axis=(0, 1))
        for k in range(2):
            for l in range(2):
                for f in range(2):
                    if region[k, l, f] == top[f]:
                        d_out[2 * i + k, 2 * j + l, f] = back[i, j, f]
    for region, i, j in regions(image, 3, 1):
        for f in range(2):
            d_filters[f] += d_out[i, j, f] * region
    weights -= 0.1 * np.outer(x, d)
    filters -= 0.1 * d_filters
"""
"""A convolution and a max-pool that are looped over pixels, one image at a time."""


def test_regions_of_an_image_that_meet_a_filter_are_no_parameters(tmp_path):
    found = seen(tmp_path, LOOPED)
    assert settled(found) is True
    assert fault_apart(found, tmp_path) == ""


def test_a_scale_that_meets_a_parameter_is_one_that_nothing_changes(tmp_path):
    """It has another shape than the filters, as a region has; but it is whole."""
    found = seen(
        tmp_path,
        LOOPED,
        ("region * filters", "region * (filters * scale)"),
        ("    filters -= 0.1 * d_filters", "    filters -= 0.1 * d_filters * scale"),
        ("def regions", "scale = np.random.randn(3, 3)\ndef regions"),
    )
    assert "goes into the loss as a parameter does" in fault_apart(found, tmp_path)


@pytest.mark.parametrize("flat", [False, True], ids=["drawn", "black"])
def test_the_line_of_a_max_pool_that_sends_a_slope_elsewhere_is_named(flat, tmp_path):
    """Where an image is black, all that a max-pool compares is equal, and this one sends its slope to each of them."""
    changes = [("filters, weights =", "images[:, :, :4] = -0.5\nfilters, weights =")] if flat else []
    changes += [] if flat else [("= back[i, j, f]", "= back[j, i, f]")]
    found = seen(tmp_path, LOOPED, *changes)
    assert settled(found) is False
    assert certificate(found, mend=False).first.place.startswith(f"line {28 + flat}")
