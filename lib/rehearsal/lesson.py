"""What a lesson needs beside systems and pictures: a guess that is answered, and an exercise that is checked."""


def reveal(my_guess, truth, meaning=""):
    """Print what the run says beside what the reader guessed.

    >>> reveal(None, "B")
    The run says: B. You have not guessed yet: write your guess above, and run again.
    >>> reveal("A", "B", "the queue was full")
    The run says: B (the queue was full). Your guess was A.
    """
    said = f"The run says: {truth}{f' ({meaning})' if meaning else ''}."
    if my_guess is None:
        print(said, "You have not guessed yet: write your guess above, and run again.")
    else:
        print(said, "Your guess was right." if my_guess == truth else f"Your guess was {my_guess}.")


def check(done, hint):
    """Print whether an exercise is done, or what is missing; never raise, so that the notebook runs on.

    `done` is a truth value, or a function without arguments that returns one; an answer that is not there yet (None)
    counts as not done.

    >>> check(lambda: None > 3, "return a number")
    not yet: return a number
    """
    if callable(done):
        try:
            done = done()
        except (TypeError, AttributeError, KeyError, ValueError, IndexError):
            done = False
    print("done: well played." if done else f"not yet: {hint}")
