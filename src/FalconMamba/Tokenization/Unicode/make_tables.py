"""Write the two tables beside this script.

usage: python make_tables.py CHAR_CLASSES_JSON
CHAR_CLASSES_JSON: tests/fixtures/tokenizers/char_classes.json, the classes as the reference tokenizer library has them.

character-classes.txt   that file's ranges, one class after another
normalization.txt       combining classes, full decompositions and compositions of Unicode 9.0, the version the reference
                        library's NFC, NFD, NFKC and NFKD use: Python's unicodedata less what was added after 9.0
"""
import json, os, sys, unicodedata as u

HERE = os.path.dirname(os.path.abspath(__file__))
# Characters with a combining class or a decomposition that Unicode 10 to 14 added (14.0 is Python 3.11's version).
NEWER = """7FD 898-89F 8CA-8D3 9FE C3C D3B-D3C EBA 1715 1ABF-1ACE 1DF6-1DFA 32FF A7F2-A7F4 A82C AB69 10781-107BA 10D24-10D27
10EAB-10EAC 10F46-10F50 10F82-10F85 11070 1133B 1145E 11839-1183A 11938 1193D-1193E 11943 119E0 11A34 11A47 11A99 11D42-11D45 11D97
16FF0-16FF1 1E130-1E136 1E2AE 1E2EC-1E2EF 1F16C 1FBF0-1FBF9"""


def expand(r):
    a, _, b = r.partition("-")
    return range(int(a, 16), int(b or a, 16) + 1)


def ranges(codes):
    codes, out = sorted(codes), []
    for c in codes:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return ["%X" % a if a == b else "%X-%X" % (a, b) for a, b in out]


def lines(key, words):
    line = key
    for w in words:
        if len(line) + len(w) > 118:
            yield line
            line = key
        line += " " + w
    yield line


def write(name, header, body):
    with open(os.path.join(HERE, name), "w", newline="\n") as f:
        f.write("".join("# %s\n" % h for h in header) + "".join(b + "\n" for b in body))


def main():
    classes = json.load(open(sys.argv[1]))
    write("character-classes.txt", ["Code points of each class, in hexadecimal; written by make_tables.py."],
          [x for k in ("letter", "number", "space", "punctuation", "numeric") for x in lines(k, classes[k]["ranges"])])

    assert u.unidata_version == "14.0.0", "NEWER belongs to Unicode 14"
    newer = {c for r in NEWER.split() for c in expand(r)}
    codes = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF and not 0xAC00 <= c <= 0xD7A3 and c not in newer]
    text = lambda s: " ".join("%X" % ord(x) for x in s)
    body = []
    for k in sorted({u.combining(chr(c)) for c in codes} - {0}):
        body += lines("class %d" % k, ranges(c for c in codes if u.combining(chr(c)) == k))
    for form, key in (("NFD", "canonical"), ("NFKD", "compatible")):
        for c in codes:
            d = u.normalize(form, chr(c))
            if d != chr(c) and (form == "NFD" or d != u.normalize("NFD", chr(c))):
                body.append("%s %X %s" % (key, c, text(d)))
    for c in codes:
        d = u.decomposition(chr(c))
        if d and d[0] != "<" and " " in d and u.normalize("NFC", chr(c)) == chr(c):
            body.append("compose %s %X" % (d, c))
    write("normalization.txt", ["Unicode 9.0 normalization data without Hangul, in hexadecimal; written by make_tables.py.",
                                "From the Unicode Character Database, copyright Unicode, Inc., under the Unicode License v3.",
                                "class N: combining class; canonical, compatible: full decomposition; compose: pair, composite."], body)


main()
