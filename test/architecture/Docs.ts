/**
 * That everything exported says what it is.
 */
import { at, child, type Node, type SourceFile, type Violation } from "./SourceFile.ts"

/** Exports without documentation directly above; what another file exports is documented there. */
export const undocumented = (file: SourceFile): ReadonlyArray<Violation> =>
  statements(file.program)
    .filter(({ type }) => type === "ExportNamedDeclaration" || type === "ExportDefaultDeclaration")
    .filter((node) => child(node, "source") === undefined && !isDocumented(file, node))
    .map((node) => at(file, node.start, "an export without documentation"))

const statements = (program: Node): ReadonlyArray<Node> => {
  const { body } = program
  return Array.isArray(body) ? body : []
}

/** The text of a doc comment has at least two words: a name alone says nothing. */
const isDocumented = ({ comments, text }: SourceFile, node: Node): boolean =>
  comments.some((comment) =>
    comment.doc && comment.end <= node.start &&
    text.slice(comment.end, node.start).trim() === "" &&
    comment.text.replaceAll("*", " ").trim().split(/\s+/).length >= 2
  )
