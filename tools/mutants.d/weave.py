"""Weaves the mutants of one file into it: each place then does what it did, or what the chosen mutant does.

A mutant is what `cargo mutants --list --json` says of it, with `number`. What it replaces is found by its place in the
syntax tree, since there is no choice between two operators, but between two expressions.
"""

from collections import defaultdict

import tree_sitter
import tree_sitter_rust

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))

# The module that says which mutant is chosen: `src/mutant.rs`.
SWITCH = """\
//! Which mutant is chosen, if any.
use std::sync::OnceLock;

static CHOSEN: OnceLock<u32> = OnceLock::new();

/// Whether it is this one.
pub fn on(number: u32) -> bool {
    *CHOSEN.get_or_init(|| std::env::var("MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0)) == number
}
"""


def on(mutant):
    return b"crate::mutant::on(%d)" % mutant["number"]


class Weaver:
    """One file."""

    def __init__(self, source, mutants):
        self.source = source
        self.starts = [0]
        for line in source.split(b"\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.at = defaultdict(lambda: defaultdict(list))
        for mutant in mutants:
            self.at[mutant["genre"]][self.offset(mutant["span"]["start"])].append(mutant)
        # Those that found their place.
        self.woven = set()

    def offset(self, place):
        """The byte of a line and a column, which counts characters."""
        start = self.starts[place["line"] - 1]
        line = self.source[start : self.starts[place["line"]]].decode()
        return start + len(line[: place["column"] - 1].encode())

    def weave(self):
        return self.node(PARSER.parse(self.source).root_node, whole=True)

    def text(self, node):
        return self.source[node.start_byte : node.end_byte]

    def take(self, genre, node):
        mutants = self.at[genre].get(node.start_byte, [])
        self.woven.update(mutant["number"] for mutant in mutants)
        return mutants

    def node(self, node, whole=False):
        kinds = {
            "binary_expression": self.binary,
            "compound_assignment_expr": self.binary,
            "unary_expression": self.unary,
            "match_arm": self.arm,
            "struct_expression": self.structure,
            "block": self.block,
        }
        woven = kinds[node.type](node) if node.type in kinds else None
        if woven is not None:
            return woven
        return self.children(node, 0 if whole else node.start_byte, len(self.source) if whole else node.end_byte)

    def children(self, node, start, end):
        """What lies from one byte to another, the children of the node in it woven."""
        parts = []
        for child in node.children:
            if child.end_byte <= start or child.start_byte >= end:
                continue
            if start <= child.start_byte and child.end_byte <= end:
                parts += [self.source[start : child.start_byte], self.node(child)]
            else:
                # Only a part of it.
                begin = max(start, child.start_byte)
                parts += [self.source[start:begin], self.children(child, begin, min(end, child.end_byte))]
            start = min(end, child.end_byte)
        return b"".join(parts) + self.source[start:end]

    def binary(self, node):
        operator = node.child_by_field_name("operator") or node.children[1]
        mutants = self.take("BinaryOperator", operator)
        if not mutants:
            return None
        left, right = (self.node(node.child_by_field_name(side)) for side in ("left", "right"))
        with_operator = lambda text: b"{ %s %s %s }" % (left, text, right)
        chosen = [b"if %s %s else " % (on(m), with_operator(m["replacement"].encode())) for m in mutants]
        return b"(%s%s)" % (b"".join(chosen), with_operator(self.text(operator)))

    def unary(self, node):
        mutants = self.take("UnaryOperator", node)
        if not mutants:
            return None
        operand = self.node(node.children[1])
        operator = self.source[node.start_byte : node.children[1].start_byte]
        return b"(if %s { %s } else { %s%s })" % (on(mutants[0]), operand, operator, operand)

    def arm(self, node):
        """An arm that is deleted is one whose guard is false."""
        pattern = node.child_by_field_name("pattern")
        condition = pattern.child_by_field_name("condition")
        deleted = self.take("MatchArm", node) or self.take("MatchArm", pattern)
        guarded = self.take("MatchArmGuard", condition) if condition else []
        if not deleted and not guarded:
            return None
        end, guards = pattern.end_byte, []
        if condition:
            end = next(child for child in pattern.children if child.type == "if").start_byte
            guards = [self.guard(condition, guarded)]
        guards = [b"!" + on(mutant) for mutant in deleted] + guards
        head = self.source[node.start_byte : end].rstrip()
        return head + b" if " + b" && ".join(guards) + self.children(node, pattern.end_byte, node.end_byte)

    def guard(self, condition, mutants):
        guard = self.node(condition)
        if condition.type in ("let_chain", "let_condition"):
            # It takes no parentheses.
            self.woven.difference_update(m["number"] for m in mutants if m["replacement"] == "true")
            return b" && ".join([b"!" + on(m) for m in mutants if m["replacement"] == "false"] + [guard])
        for mutant in mutants:
            form = b"(%s || %s)" if mutant["replacement"] == "true" else b"(!%s && (%s))"
            guard = form % (on(mutant), guard)
        return b"(%s)" % guard

    def structure(self, node):
        """Each field that is deleted makes another expression, since what stands in them may be moved."""
        fields = node.child_by_field_name("body").children
        taken = [(mutant, field) for field in fields for mutant in self.take("StructField", field)]
        if not taken:
            return None
        whole = self.children(node, node.start_byte, node.end_byte)
        chosen = [b"if %s { %s } else " % (on(mutant), self.without(node, field)) for mutant, field in taken]
        return b"(%s{ %s })" % (b"".join(chosen), whole)

    def without(self, node, field):
        """The expression without a field and the comma behind it."""
        after = self.source[field.end_byte : node.end_byte]
        end = field.end_byte + (after.index(b",") + 1 if after.lstrip().startswith(b",") else 0)
        return self.children(node, node.start_byte, field.start_byte) + self.children(node, end, node.end_byte)

    def block(self, node):
        """The body of a function: a mutant of it returns at once."""
        if node.parent.type != "function_item":
            return None
        first = next((child for child in node.named_children if not child.type.endswith("comment")), None)
        mutants = self.take("FnValue", first) if first else []
        if not mutants:
            return None
        returns = [b"if %s { return %s; } " % (on(m), m["replacement"].encode()) for m in mutants]
        return b"{ " + b"".join(returns) + self.children(node, node.start_byte, node.end_byte)[1:]
