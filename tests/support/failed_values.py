# SPDX-License-Identifier: MIT
"""What the parts of a failed condition were: `ok("it ends", status == 0 and "x" in out)` shows status
and out. Only what can be looked at again without doing anything is looked at."""
import ast
import functools
import linecache
import sys

# Called again, these only look.
FUNCTIONS = {"len", "sorted", "set", "list", "tuple", "dict", "str", "repr", "int", "bool", "min", "max",
             "sum", "any", "all", "zip", "range", "enumerate", "isinstance"}
METHODS = {"get", "keys", "values", "items", "startswith", "endswith", "count", "split", "splitlines",
           "strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "lower", "upper", "decode",
           "encode", "join", "find", "index", "replace", "issubset", "issuperset", "loads", "search", "match",
           "fullmatch", "findall", "sub", "exists", "listdir", "isfile", "isdir", "islink"}


@functools.lru_cache(maxsize=None)
def calls_of(path):
    """The calls in a file by their place."""
    text = "".join(linecache.getlines(path))
    return {(n.lineno, n.end_lineno, n.col_offset, n.end_col_offset): n
            for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)}


def call_in(frame):
    """The call that a frame is in the middle of, or None."""
    places = list(frame.f_code.co_positions())
    return calls_of(frame.f_code.co_filename).get(places[frame.f_lasti // 2])


def is_quiet(node):
    for part in ast.walk(node):
        if isinstance(part, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)):
            return False
        if not isinstance(part, ast.Call):
            continue
        if isinstance(part.func, ast.Name) and part.func.id in FUNCTIONS:
            continue
        if not (isinstance(part.func, ast.Attribute) and part.func.attr in METHODS):
            return False
    return True


class Unknown(Exception):
    pass


def value_of(node, frame):
    if not is_quiet(node):
        raise Unknown
    try:
        code = compile(ast.Expression(node), frame.f_code.co_filename, "eval")
        # One dictionary: what a generator looks up it does not find among the locals.
        return eval(code, {**frame.f_globals, **frame.f_locals})
    except Exception as e:
        raise Unknown from e


def show(node, frame):
    """"status: 4", for what is not a constant."""
    if isinstance(node, ast.Constant):
        return []
    try:
        value = repr(value_of(node, frame))
    except Unknown:
        return []
    return [f"{ast.unparse(node)}: {value if len(value) <= 1000 else value[:1000] + ' ...'}"]


def holds(node, frame):
    try:
        return bool(value_of(node, frame))
    except Unknown:
        return False


def explain(node, frame):
    if isinstance(node, ast.BoolOp):
        parts = node.values
        if isinstance(node.op, ast.And):
            parts = [p for p in parts if not holds(p, frame)]
        return [line for p in parts for line in explain(p, frame)]
    if isinstance(node, ast.Compare):
        return [line for p in (node.left, *node.comparators) for line in show(p, frame)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return explain(node.operand, frame)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return [line for p in (node.func.value, *node.args) for line in show(p, frame)]
    return show(node, frame)


def argument(call, frame, name, index):
    """The node of an argument of the function that `frame` runs, in the call of it."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if any(isinstance(a, ast.Starred) for a in call.args[:index + 1]) or index >= len(call.args):
        return None
    return call.args[index]


def condition(frame, name):
    """The node behind the parameter `name` of the function of this frame, and the frame that it is in:
    through functions that only hand it on."""
    while True:
        parameters = frame.f_code.co_varnames[:frame.f_code.co_argcount]
        if name not in parameters or frame.f_back is None:
            return None, None
        call = call_in(frame.f_back)
        if call is None:
            return None, None
        index = parameters.index(name) - (parameters[0] == "self")
        node = argument(call, frame, name, index)
        frame = frame.f_back
        if not isinstance(node, ast.Name) or node.id not in frame.f_code.co_varnames[:frame.f_code.co_argcount]:
            return node, frame
        name = node.id


def lines(name):
    """Lines for a failed condition that is the parameter `name` of the caller."""
    try:
        node, frame = condition(sys._getframe(1), name)
        return [] if node is None else explain(node, frame)
    except Exception as e:  # a test that fails must say so, whatever this makes of it
        return [f"(the values of the condition cannot be shown: {e!r})"]
