/**
 * A source file, parsed: what every house rule is asked about.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parseSync } from "oxc-parser"

/** One comment; `doc` is true for one that begins with two asterisks. */
export interface Comment {
  readonly doc: boolean
  readonly text: string
  readonly start: number
  readonly end: number
}

/** A node of the syntax tree, seen without its grammar: the rules ask for few kinds. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** A parsed file. `path` is relative to the root of the repository, with forward slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly lines: ReadonlyArray<string>
  readonly program: Node
  readonly comments: ReadonlyArray<Comment>
  /** What it imports, re-exports or starts as a worker, in order. */
  readonly imports: ReadonlyArray<{ readonly specifier: string; readonly line: number }>
}

/** A broken rule, said in one line that names the place. */
export type Violation = string

/** Parses `text` as if it stood at `path`. */
export const parse = (path: string, text: string): SourceFile => {
  const { comments, errors, program } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
  const root = program as unknown as Node
  return {
    path,
    text,
    lines: text.split("\n"),
    program: root,
    comments: comments.map(({ end, start, type, value }) => ({
      doc: type === "Block" && value.startsWith("*"),
      text: value,
      start,
      end
    })),
    imports: importsOf(root).map(({ specifier, start }) => ({
      specifier,
      line: lineAt(text, start)
    }))
  }
}

/** Reads and parses the file at `path` below `root`. */
export const read = (root: string, path: string): SourceFile =>
  parse(path, readFileSync(join(root, path), "utf8"))

/** The line of an offset, from 1. */
export const lineAt = (text: string, offset: number): number =>
  text.slice(0, offset).split("\n").length

/** A violation of `rule` at an offset of `file`. */
export const at = (file: SourceFile, offset: number, rule: string): Violation =>
  `${file.path}:${lineAt(file.text, offset)}: ${rule}`

/** Visits every node below `node` with the nodes around it, the outermost first. */
export const walk = (
  node: Node,
  visit: (node: Node, around: ReadonlyArray<Node>) => void,
  around: ReadonlyArray<Node> = []
): void => {
  visit(node, around)
  const inner = [...around, node]
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, visit, inner)
    }
  }
}

/** Whether a value is a node of the tree. */
export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && "start" in value

/** The field of a node that is a node itself. */
export const child = (node: Node, field: string): Node | undefined => {
  const value = node[field]
  return isNode(value) ? value : undefined
}

const importsOf = (program: Node) => {
  const found: Array<{ specifier: string; start: number }> = []
  walk(program, (node) => {
    const source = node.type === "NewExpression" ? workerFile(node) : child(node, "source")
    if (source?.type !== "Literal" || typeof source["value"] !== "string") return
    found.push({ specifier: source["value"], start: source.start })
  })
  return found
}

/** The first argument of `new URL("./file.ts", import.meta.url)`. */
const workerFile = (node: Node): Node | undefined => {
  const args = node["arguments"]
  return child(node, "callee")?.["name"] === "URL" && Array.isArray(args) && args.length === 2 &&
      isNode(args[0]) && String(args[0]["value"]).startsWith(".")
    ? args[0]
    : undefined
}
