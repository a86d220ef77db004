"""Reading: CPU time of a sentence and of the start, growth with length, and how much is read right.

Times are CPU time of one process, so that other work on the machine
changes them little. Sentences: voice_model/eval.txt, which the warm-up has not seen, and the
tables of tests/data.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kiwipiepy import Kiwi

from speech.korean.reader import Reader
from speech.korean.sentences import sentences

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
NEW = ROOT / "voice_model" / "eval.txt"
START = "from speech.korean.reader import Reader; Reader().read('안녕하세요.')"
Split = Callable[[str], list[int]]  # where the sentences of a text end


def rows(name: str) -> list[list[str]]:
    """The rows of a table of sentences: kind, written, normalized, and more."""
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("# Sentences")]


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU time that `work` takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def start_up() -> float:
    """CPU seconds of a new process that reads one sentence; the best of five."""
    best = float("inf")
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", START], check=True, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        best = min(best, used)
    return best


def a_sentence(reader: Reader, texts: list[str]) -> float:
    """Milliseconds of CPU time a sentence, on average."""
    return 1000 * cpu(lambda: [reader.read(text) for text in texts]) / len(texts)


def growth(reader: Reader) -> float:
    """How many times longer 100,000 characters take than 10,000."""
    text = "사과 3개와 배 13개를 2024년 6월 5일에 $3.5에 샀다. GPT-4가 웃었다 ㅋㅋ. " * 2_500
    short = min(cpu(lambda: reader.read(text[:10_000])) for _ in range(3))
    return cpu(lambda: reader.read(text[:100_000])) / short


def right(reader: Reader, name: str) -> str:
    """How many sentences of a table are normalized as it has them."""
    table = rows(name)
    exact = sum(reader.read(row[1]).normalized == row[2] for row in table)
    return f"{exact} of {len(table)}"


def boundaries(split: Split) -> str:
    """Marked ends that `split` finds, and those that it finds beside them."""
    found, extra, marked = 0, 0, 0
    for line in (DATA / "korean_boundaries.txt").read_text("utf-8").splitlines():
        if line.startswith("# "):
            continue
        pieces = line.replace("\\n", "\n").split("|")
        text, wanted, length = "".join(pieces), set(), 0
        for piece in pieces[:-1]:
            length += len(piece)
            wanted.add(_letters(text, length))
        told = {_letters(text, end) for end in split(text)[:-1]}
        found, extra, marked = (
            found + len(wanted & told),
            extra + len(told - wanted),
            marked + len(wanted),
        )
    return f"{found} of {marked}, {extra} more"


def _letters(text: str, end: int) -> int:
    return len("".join(text[:end].split()))


def main() -> None:
    """Measure and print."""
    new = [line for line in NEW.read_text("utf-8").splitlines() if line.strip()]
    known = [row[1] for row in rows("korean_readings.tsv")]
    reader, kiwi = Reader(), Kiwi()
    print(f"start, CPU s                    {start_up():.2f}")
    print(f"table, first time, ms           {a_sentence(reader, known):.2f}")
    print(f"table, again, ms                {a_sentence(reader, known):.2f}")
    print(f"new sentences after that, ms    {a_sentence(reader, new):.2f}")
    print(f"the same again, ms              {a_sentence(reader, new):.2f}")
    print(f"100,000 characters : 10,000     {growth(reader):.1f}")
    print(f"table read right                {right(reader, 'korean_readings.tsv')}")
    print(f"kept out read right             {right(reader, 'korean_held_out.tsv')}")
    print(f"ends of sentences, rules        {boundaries(lambda t: [s.end for s in sentences(t)])}")
    ends = boundaries(lambda text: [s.end for s in kiwi.split_into_sents(text)])
    print(f"ends of sentences, Kiwi         {ends}")


if __name__ == "__main__":
    main()
