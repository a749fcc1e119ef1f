/**
 * How large and how named a file may be.
 */
import { basename } from "node:path"
import { at, lineAt, type SourceFile, type Violation, walk } from "./SourceFile.ts"

/** Most lines of a file, of a function, and most characters of a line. Source: the style guide. */
export const limits = { fileLines: 250, functionLines: 70, columns: 100 } as const

/** Names that say nothing about the one idea of a file. */
const emptyNames = /^(utils?|helpers?|common|types?|misc|index)(\.|$)/i

/** Files above the limit of lines. */
export const longFiles = ({ lines, path, text }: SourceFile): ReadonlyArray<Violation> => {
  const count = lines.length - (text.endsWith("\n") ? 1 : 0)
  return count > limits.fileLines
    ? [`${path}:${count}: ${count} lines, the limit is ${limits.fileLines}`]
    : []
}

/** Lines above the limit of columns, but those that hold nothing but a long address. */
export const longLines = ({ lines, path }: SourceFile): ReadonlyArray<Violation> =>
  lines.flatMap((line, index) =>
    [...line].length > limits.columns && !/https?:\/\/\S{60}/.test(line)
      ? [`${path}:${index + 1}: ${[...line].length} columns, the limit is ${limits.columns}`]
      : []
  )

/** Functions above the limit of lines. */
export const longFunctions = (file: SourceFile): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  walk(file.program, (node) => {
    if (!/^(Function(Declaration|Expression)|ArrowFunctionExpression)$/.test(node.type)) return
    const count = lineAt(file.text, node.end) - lineAt(file.text, node.start) + 1
    if (count > limits.functionLines) {
      found.push(at(
        file,
        node.start,
        `a function of ${count} lines, the limit is ${limits.functionLines}`
      ))
    }
  })
  return found
}

/** Files and folders whose name does not say what they are. */
export const emptyNamed = (path: string): ReadonlyArray<Violation> =>
  path.split("/").some((part) => emptyNames.test(basename(part)))
    ? [`${path}:1: a file is named after its one idea`]
    : []
