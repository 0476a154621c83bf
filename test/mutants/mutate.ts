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
  return [...visit(parseAst(source, { lang: "ts" }), source)].map(([start, end, text]) => {
    const line = source.slice(0, start).split("\n").length;
    return { file, line, start, end, before: source.slice(start, end), text };
  });
}

type Change = readonly [start: number, end: number, text: string];

function* visit(value: unknown, source: string): Generator<Change> {
  if (Array.isArray(value)) for (const item of value) yield* visit(item, source);
  if (!isNode(value) || value.type.startsWith("Import")) return;
  if (value.type.startsWith("TS") && !TRANSPARENT.includes(value.type)) return;
  yield* changesOf(value, source);
  for (const [field, child] of Object.entries(value)) {
    const isName = field === "key" && value["computed"] !== true;
    if (!isName && !NO_CODE.includes(field)) yield* visit(child, source);
  }
}

function* changesOf(node: Node, source: string): Generator<Change> {
  const { start, end, operator } = node;
  const text = source.slice(start, end);
  const textOf = (child: Node) => source.slice(child.start, child.end);
  const { left, right, test, argument, callee, body, elements, properties } = node;
  switch (node.type) {
    case "BinaryExpression":
    case "LogicalExpression": {
      if (!isNode(left) || !isNode(right)) return;
      const opposite = OPPOSITES[String(operator)];
      if (opposite) yield [start, end, `${textOf(left)} ${opposite} ${textOf(right)}`];
      if (operator === "??") yield [start, end, textOf(left)];
      break;
    }
    case "UnaryExpression":
      if (operator === "!" && isNode(argument)) yield [start, end, textOf(argument)];
      break;
    case "IfStatement":
    case "ConditionalExpression":
      if (isNode(test) && !hasOpposite(test)) yield [test.start, test.end, `!(${textOf(test)})`];
      break;
    case "Literal":
      yield* literalChangesOf(node, text, /_MS = $/.test(source.slice(0, start)));
      break;
    case "TemplateLiteral":
      if (!text.includes(" ")) yield [start, end, '""'];
      break;
    case "ReturnStatement":
      if (isNode(argument)) yield [argument.start, argument.end, "undefined"];
      break;
    case "ArrowFunctionExpression":
      if (isNode(body) && body.type !== "BlockStatement") yield [body.start, body.end, "undefined"];
      break;
    case "ExpressionStatement":
    case "ContinueStatement":
    case "BreakStatement":
      yield [start, end, ";"];
      break;
    case "CallExpression": // `text.trim()` becomes `text`
      if (isNode(callee) && isNode(callee["object"])) yield [start, end, textOf(callee["object"])];
      break;
    case "ArrayExpression":
    case "ObjectExpression":
      yield* removals(elements ?? properties, source);
      break;
  }
}

/** Returns whether another operator does what a negation would do. */
function hasOpposite({ type, operator }: Node): boolean {
  return type === "UnaryExpression" || (type === "BinaryExpression" && /==/.test(String(operator)));
}

function* literalChangesOf(
  { start, end, value }: Node,
  text: string,
  isTime: boolean,
): Generator<Change> {
  if (typeof value === "boolean") yield [start, end, `${!value}`];
  if (typeof value === "number") {
    // No one notices one ms or byte more in many.
    const isLarge = value >= 1000 || isTime;
    const others = isLarge ? [value * 2, value / 2] : [value + 1, value - 1];
    for (const other of others) yield [start, end, `${other}`];
  }
  if (typeof value === "string" && value !== "" && !value.includes(" ")) yield [start, end, '""'];
  if (value instanceof RegExp) {
    const { source, flags } = value;
    if (source.startsWith("^")) yield [start, end, text.replace("/^", "/")];
    if (source.endsWith("$")) yield [start, end, text.replace(/\$(\/\w*)$/, "$1")];
    if (flags.includes("i")) yield [start, end, `/${source}/${flags.replace("i", "")}`];
  }
}

function* removals(children: unknown, source: string): Generator<Change> {
  for (const child of Array.isArray(children) ? children : []) {
    if (!isNode(child) || /^reason\b/.test(source.slice(child.start, child.end))) continue;
    const comma = /^\s*,/.exec(source.slice(child.end))?.[0] ?? "";
    yield [child.start, child.end + comma.length, ""];
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}
