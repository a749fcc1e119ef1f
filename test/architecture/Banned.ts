/**
 * What `src` does without, unless a reason stands beside it.
 *
 * A reason is a line comment on the line itself or in the three lines above. One that speaks of a
 * hot path, of measuring or of wrapping also counts for the whole function or class that it
 * documents or stands in; at the head of a file it counts for every `let` of the file.
 */
import {
  at,
  child,
  type Comment,
  lineAt,
  type Node,
  type SourceFile,
  type Violation,
  walk
} from "./SourceFile.ts"

/** Banned words that are used without a reason. */
export const banned = (file: SourceFile): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  walk(file.program, (node, around) => {
    const word = wordOf(node, around[around.length - 1])
    if (word === undefined || reasonBeside(file, node) || reasonAround(file, around)) return
    if (word === "let" && reasonAtHead(file)) return
    found.push(at(file, node.start, `${word} without a reason beside it`))
  })
  return found
}

/** How many lines above the line itself a reason may stand. */
const reach = 3

const reasonWords =
  /\b(hot|measured|mutable on purpose|wraps?|(for|of) (each|every) (one|message|byte))\b/i

/** Global names and their members that belong to a service of Effect. */
const globals = new Set(["Date", "setTimeout", "setInterval"])

const wordOf = (node: Node, parent: Node | undefined): string | undefined => {
  switch (node.type) {
    case "TSAnyKeyword":
      return "any"
    case "TSAsExpression":
      return isConst(node) ? undefined : "a type assertion"
    case "TSTypeAssertion":
      return "a type assertion"
    case "TSNonNullExpression":
      return "!"
    case "VariableDeclaration":
      return node["kind"] === "let" || node["kind"] === "var" ? "let" : undefined
    case "TryStatement":
      return "try"
    case "Identifier":
      return globals.has(String(node["name"])) && !isMemberName(node, parent)
        ? String(node["name"])
        : undefined
    case "MemberExpression":
      return child(node, "object")?.["name"] === "Math" &&
          child(node, "property")?.["name"] === "random"
        ? "Math.random"
        : undefined
    default:
      return node["async"] === true ? "async" : undefined
  }
}

const isConst = (assertion: Node): boolean => {
  const annotation = child(assertion, "typeAnnotation")
  return annotation !== undefined && child(annotation, "typeName")?.["name"] === "const"
}

/** Whether an identifier is only the name of a member, as in `Schema.Date`. */
const isMemberName = (node: Node, parent: Node | undefined): boolean =>
  parent !== undefined && (
    (parent.type === "MemberExpression" && parent["computed"] === false &&
      child(parent, "property") === node) ||
    (parent.type === "Property" && child(parent, "key") === node &&
      child(parent, "value") !== node) ||
    parent.type === "TSQualifiedName" || parent.type === "ImportSpecifier"
  )

const reasonBeside = (file: SourceFile, node: Node): boolean => {
  const line = lineAt(file.text, node.start)
  return file.comments.some((comment) => {
    if (comment.doc || !saysSomething(comment)) return false
    const last = lineAt(file.text, comment.end)
    return last <= line && last >= line - reach
  })
}

/** One word is a label, not a reason. */
const saysSomething = ({ text }: Comment): boolean => text.trim().split(/\s+/).length >= 2

const reasonAround = (file: SourceFile, around: ReadonlyArray<Node>): boolean =>
  around.filter(({ type }) => type !== "Program").some((node) =>
    file.comments.some((comment) =>
      reasonWords.test(comment.text) &&
      (isDirectlyAbove(file, comment, node) || isWithinFunction(comment, node))
    )
  )

const isWithinFunction = (comment: Comment, node: Node): boolean =>
  /^(Function|ArrowFunction)/.test(node.type) &&
  comment.start > node.start && comment.end < node.end

const reasonAtHead = ({ comments }: SourceFile): boolean => {
  const [head] = comments
  return head !== undefined && head.start === 0 && reasonWords.test(head.text)
}

const isDirectlyAbove = ({ text }: SourceFile, comment: Comment, node: Node): boolean =>
  comment.end <= node.start &&
  text.slice(comment.end, node.start).trim() === "" &&
  text.slice(text.lastIndexOf("\n", comment.start) + 1, comment.start).trim() === ""
