// Finds the places at which one small mistake can be made in a source. It never changes types, comments and imports,
// or what is only read by operators: texts with a space, and the field `reason`.

import { parseAst } from "vitest/node";

/** One change: the text from `start` to `end` (indices of UTF-16) becomes `text`. */
export type Mutant = {
  readonly file: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly before: string;
  readonly text: string;
};

type Node = {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
};

const OPPOSITES: Readonly<Record<string, string>> = {
  ...{ "===": "!==", "!==": "===", "<": "<=", "<=": "<", ">": ">=", ">=": ">" },
  ...{ "&&": "||", "||": "&&", "+": "-", "-": "+", "*": "/", "/": "*", "%": "*" },
};

/** Fields whose nodes are no code that runs. */
const NO_CODE = ["typeAnnotation", "returnType", "typeArguments", "typeParameters", "implements"];
const TRANSPARENT = ["TSAsExpression", "TSSatisfiesExpression", "TSNonNullExpression"];

/** Returns every mutant of a source in TypeScript. Some of them do not compile. */
export function mutantsOf(file: string, source: string): readonly Mutant[] {
  const mutants = [...collectChanges(parseAst(source, { lang: "ts" }), source)].map((change) => {
    const line = source.slice(0, change.start).split("\n").length;
    return { file, line, ...change, before: source.slice(change.start, change.end) };
  });
  return mutants.filter(({ before, text }) => before !== text);
}

type Change = Pick<Mutant, "start" | "end" | "text">;

function* collectChanges(value: unknown, source: string): Generator<Change> {
  if (Array.isArray(value)) for (const item of value) yield* collectChanges(item, source);
  if (!isNode(value) || value.type.startsWith("Import")) return;
  if (value.type.startsWith("TS") && !TRANSPARENT.includes(value.type)) return;
  yield* changesOf(value, source);
  for (const [field, child] of Object.entries(value)) {
    const isName = field === "key" && value["computed"] !== true;
    if (!isName && !NO_CODE.includes(field)) yield* collectChanges(child, source);
  }
}

function changesOf(node: Node, source: string): Change[] {
  const { operator, left, right, test, argument, callee, body, elements, properties } = node;
  const textOf = (child: Node) => source.slice(child.start, child.end);
  const become = (text: string, replaced: Node = node): Change => ({
    ...{ start: replaced.start, end: replaced.end, text },
  });
  const text = textOf(node);
  switch (node.type) {
    case "BinaryExpression":
    case "LogicalExpression": {
      if (!isNode(left) || !isNode(right)) return [];
      if (operator === "??") return [become(textOf(left))];
      const opposite = OPPOSITES[String(operator)];
      return opposite ? [become(`${textOf(left)} ${opposite} ${textOf(right)}`)] : [];
    }
    case "UnaryExpression":
      return operator === "!" && isNode(argument) ? [become(textOf(argument))] : [];
    case "IfStatement":
    case "ConditionalExpression":
      return isNode(test) && !hasOpposite(test) ? [become(`!(${textOf(test)})`, test)] : [];
    case "Literal": {
      const isTime = /_MS = $/.test(source.slice(0, node.start));
      return otherLiterals(node, text, isTime).map((literal) => become(literal));
    }
    case "TemplateLiteral":
      return text.includes(" ") ? [] : [become('""')];
    case "ReturnStatement":
      return isNode(argument) ? [become("undefined", argument)] : [];
    case "ArrowFunctionExpression":
      return isNode(body) && body.type !== "BlockStatement" ? [become("undefined", body)] : [];
    case "ExpressionStatement":
    case "ContinueStatement":
    case "BreakStatement":
      return [become(";")];
    case "CallExpression": // `text.trim()` becomes `text`
      return isNode(callee) && isNode(callee["object"]) ? [become(textOf(callee["object"]))] : [];
    case "ArrayExpression":
    case "ObjectExpression": {
      const children = [elements ?? properties].flat().filter(isNode);
      return children.flatMap((child) => {
        const [comma = ""] = /^\s*,/.exec(source.slice(child.end)) ?? [];
        const isReason = /^reason\b/.test(source.slice(child.start));
        return isReason ? [] : [{ start: child.start, end: child.end + comma.length, text: "" }];
      });
    }
    default:
      return [];
  }
}

/** Returns whether another operator does what a negation would do. */
function hasOpposite({ type, operator }: Node): boolean {
  return type === "UnaryExpression" || (type === "BinaryExpression" && /==/.test(String(operator)));
}

function otherLiterals({ value }: Node, text: string, isTime: boolean): string[] {
  if (typeof value === "boolean") return [`${!value}`];
  if (typeof value === "number") {
    const isLarge = value >= 1000 || isTime; // no one notices one ms or byte more in many
    return (isLarge ? [value * 2, value / 2] : [value + 1, value - 1]).map(String);
  }
  if (typeof value === "string") return value === "" || value.includes(" ") ? [] : ['""'];
  if (!(value instanceof RegExp)) return [];
  // Without its ^, its $, its i.
  const shorter = [/^(\/)\^/, /\$(\/\w*)$/, /i(\w*)$/].map((part) => text.replace(part, "$1"));
  return shorter.filter((changed) => changed !== text);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}
