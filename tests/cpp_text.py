# SPDX-License-Identifier: Apache-2.0
"""Enough understanding of C++ text to find its functions: no compiler, no dependencies.

Comments and strings are blanked, then braces are matched. A block whose head has a parameter list
and that stands only in namespaces, classes and `extern "C"` is a function. Heuristic, and
right for code that clang-format has seen.
"""

import re

# Alternatives in the order of precedence: raw strings hide everything, comments hide quotes.
TOKEN = re.compile(
    r'R"(?P<tag>[^()\\\s]{0,16})\((?:.|\n)*?\)(?P=tag)"'
    r"|//[^\n]*"
    r"|/\*(?:.|\n)*?\*/"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'")

CONTAINER_HEAD = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
FUNCTION_NAME = re.compile(r"([~\w:]+|operator\s*[^\s\w(]+)\s*\(")


def blank_comments_and_strings(text):
    """The same text, same length, same lines, without comments and the insides of strings."""
    return TOKEN.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def is_container(head):
    """A namespace, class, struct, union or enum: the head has no parameter list at its end."""
    return bool(CONTAINER_HEAD.search(head)) and not head.rstrip().endswith(")")


def is_function(head):
    """A parameter list, and no `=` that would make the block an initializer."""
    return "(" in head and not re.search(r"=\s*$", head)


def functions(text):
    """Yields (name, first line, last line) for each function with a body."""
    clean = re.sub(r"^\s*#.*$", lambda match: " " * len(match[0]),
                   blank_comments_and_strings(text), flags=re.MULTILINE)
    blocks = []  # Of the open blocks: "container", "function" or "other"; and where it began.
    head_start = 0
    for match in re.finditer(r"[{};]", clean):
        position = match.start()
        if match[0] == "{":
            head = clean[head_start:position]
            in_containers = all(kind == "container" for kind, _, _ in blocks)
            if in_containers and is_container(head):
                blocks.append(("container", "", position))
            elif in_containers and is_function(head):
                begin = head_start + len(head) - len(head.lstrip())
                blocks.append(("function", name_in(head), begin))
            else:
                blocks.append(("other", "", position))
        elif match[0] == "}" and blocks:
            kind, name, begin = blocks.pop()
            if kind == "function":
                yield name, line_of(clean, begin), line_of(clean, position)
        head_start = position + 1


def name_in(head):
    found = FUNCTION_NAME.search(head)
    return found[1] if found else "a function"


def line_of(text, position):
    return text.count("\n", 0, position) + 1
