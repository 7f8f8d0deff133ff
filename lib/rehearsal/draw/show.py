"""Alt text: every picture says in one sentence, made of the numbers it drew, what can be seen on it.

`show` displays the PNG with that sentence as its alt text *and* as text/plain, so that a reader who cannot see it
is told, and a notebook test (which does not compare pixels) compares the numbers.
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
    parts = [place, *getattr(place, "subfigs", []), *getattr(place, "axes", [])] if hasattr(place, "axes") else [place]
    figure_like = [p for p in parts if p in _sentences]
    return " ".join(dict.fromkeys(_sentences[p] for p in figure_like))


def png(place):
    """Return the picture as PNG bytes: the same picture gives the same bytes in every process."""
    buffer = BytesIO()
    place.get_figure(root=True).savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def show(place):
    """Display a figure (or the figure of an Axes) with its alt text, close it, and return None."""
    import matplotlib.pyplot as plt
    from IPython.display import display

    figure = place.get_figure(root=True)
    sentence = alt(figure)
    display({"image/png": png(figure), "text/plain": sentence}, raw=True, metadata={"image/png": {"alt": sentence}})
    plt.close(figure)
