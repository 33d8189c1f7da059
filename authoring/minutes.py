"""How long a lesson takes a reader, counted rather than hoped for."""

import re

from authoring.source import Lesson

WORDS = 150  # a minute, of text that one thinks about
LINES = 15  # of code a minute
PREDICTION = 0.5  # minutes for each
ANSWER = 1  # minute for each folded answer: it was thought about, or tried in a panel
QUIZ = 3  # minutes
EXERCISE = re.compile(r"^## Exercise .*?(\d+) minutes?\)", re.MULTILINE)
ASIDE = re.compile(r"<details>\s*<summary>(?!What it shows).*?</details>", re.DOTALL)


def minutes(lesson: Lesson) -> int:
    """Minutes of a lesson, to the next five: reading, running, predicting, exercises and quiz.

    What is folded (hints, solutions, asides) is not counted, an exercise as its heading says.
    """
    text = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    code = [cell.source for cell in lesson.cells if cell.cell_type == "code"]
    code = [source for source in code if "# solution" not in source]
    reading = len(ASIDE.sub("", text).split()) / WORDS
    lines = sum(len(source.splitlines()) for source in code) / LINES
    predicting = PREDICTION * text.count("> **Predict.**")
    predicting += ANSWER * text.count("<summary>Answer</summary>")
    exercises = sum(map(int, EXERCISE.findall(text)))
    total = reading + lines + predicting + exercises + QUIZ + lesson.seconds / 60
    return 5 * round(total / 5)
