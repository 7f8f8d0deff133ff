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

    With a palette of 256 colours, chosen so that none is off by more than a hair (8 of 255 at most on our
    pictures): a quarter of the size, and a notebook holds eight of them.
    """
    from PIL import Image

    drawn, packed = BytesIO(), BytesIO()
    place.get_figure(root=True).savefig(drawn, format="png", metadata={"Software": None})
    colours = Image.Quantize.MAXCOVERAGE
    picture = Image.open(drawn).convert("RGB").quantize(256, method=colours, dither=Image.Dither.NONE)
    picture.save(packed, "png", optimize=True)
    return packed.getvalue()


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
