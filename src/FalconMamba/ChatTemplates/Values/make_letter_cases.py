"""Write letter-cases.txt beside this script, from the Unicode data of the Python that runs it.

usage: python make_letter_cases.py
"""
import os


def text(s):
    return "+".join("%X" % ord(c) for c in s)


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "letter-cases.txt"), "w", newline="\n") as f:
    f.write("# Letters with a case mapping of several letters, or whose upper and title case or lower case and folding differ.\n")
    f.write("# From the Unicode Character Database, copyright Unicode, Inc., under the Unicode License v3.\n")
    f.write("# code point, upper case, lower case, title case, folded; in hexadecimal; written by make_letter_cases.py\n")
    for i in range(0x110000):
        if 0xD800 <= i < 0xE000:
            continue
        c = chr(i)
        forms = c.upper(), c.lower(), c.title(), c.casefold()
        if max(map(len, forms)) > 1 or forms[0] != forms[2] or forms[1] != forms[3]:
            f.write("%X %s\n" % (i, " ".join(map(text, forms))))
