"""The one exception for mistakes that a person can mend."""


class UserError(ValueError):
    """Bad input, said in a sentence: what was wrong, with the value, and what would be right.

    The command line prints the sentence and exits with code 2; a notebook shows it.
    """
