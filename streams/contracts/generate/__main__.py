"""`python -m streams.contracts.generate`: write the generated files."""

from streams.contracts.generate import write

for path in write():
    print(path)
