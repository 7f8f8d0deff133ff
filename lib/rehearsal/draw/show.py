"""Alt text: every picture says in one sentence, made of the numbers it drew, what can be seen on it.

`show` displays the PNG with that sentence as its alt text *and* as text/plain, so that a reader who cannot
see it is told, and a notebook test (which does not compare pixels) compares the numbers.
"""

from io import BytesIO
from weakref import WeakKeyDictionary

_sentences: "WeakKeyDictionary" = WeakKeyDictionary()


def describe(place, sentence):
    """Keep `sentence` as the alt text of an Axes or a Figure, and return `place`."""
    _sentences[place] = sentence
    return place


def alt(place):
    """Return the alt text of a figure (its own sentence, then those of its panels in order) or of one Axes."""
    # A figure has a list of axes; an Axes has the attribute, too, and it is the Axes itself.
    panels = place.axes if isinstance(getattr(place, "axes", None), list) else []
    parts = [place, *getattr(place, "subfigs", []), *panels]
    return " ".join(dict.fromkeys(_sentences[p] for p in parts if p in _sentences))


def png(place):
    """Return the picture as PNG bytes: the same picture gives the same bytes in every process.

    It has a palette of 256 colours, a quarter of the size, so that a notebook holds eight of them.
    """
    from PIL import Image

    drawn, packed = BytesIO(), BytesIO()
    place.get_figure(root=True).savefig(drawn, format="png", metadata={"Software": None})
    _with_palette(Image.open(drawn).convert("RGB")).save(packed, "png", optimize=True)
    return packed.getvalue()


def _with_palette(picture, exact=128, size=256):
    """Return the picture with a palette: its most frequent colours exactly, and of the rest the farthest apart.

    Areas keep their colours and only blends at edges move, by a few of 255; a median cut would shift pale areas.
    """
    import numpy as np
    from PIL import Image

    weights = np.array([65536, 256, 1])
    codes, index, counts = np.unique(np.asarray(picture) @ weights, return_inverse=True, return_counts=True)
    colours = (codes[:, None] // weights) % 256
    chosen = list(np.argsort(-counts, kind="stable")[:exact])
    away = np.abs(colours[:, None] - colours[None, chosen]).sum(2).min(1)
    while len(chosen) < min(size, len(codes)):
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.abs(colours - colours[chosen[-1]]).sum(1))
    nearest = np.abs(colours[:, None] - colours[None, chosen]).sum(2).argmin(1)
    small = Image.fromarray(nearest.astype("uint8")[index].reshape(picture.size[::-1]), "P")
    small.putpalette(colours[chosen].astype("uint8").tobytes())
    return small


def show(place):
    """Display a figure (or the figure of an Axes) with its alt text, close it, and return None."""
    import matplotlib.pyplot as plt
    from IPython.display import display

    figure = place.get_figure(root=True)
    sentence = alt(figure)
    display(
        {"image/png": png(figure), "text/plain": sentence},
        raw=True,
        metadata={"image/png": {"alt": sentence}},
    )
    plt.close(figure)
