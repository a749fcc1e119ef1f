/**
 * Which way imports may point, and that every file is imported by another.
 */
import { posix } from "node:path"
import type { SourceFile, Violation } from "./SourceFile.ts"

/** Files that nobody has to import: what runs, and what users import. */
export const entries = ["src/main.ts", "src/CodeFactory.ts", "src/Agent.ts"] as const

/** Files that choose among layers, so that they may import all of them. */
const choosers = [
  ...["", "Agents", "Control", "Embedded", "Redis"].map((name) => `src/layers/Profile${name}.ts`),
  ...entries
]

/** Folders of layers that every other folder of layers may import. */
const shared = ["drivers", "observe"]

/** Imports that leave the direction domain <- services <- layers <- main. */
export const arrows = (file: SourceFile): ReadonlyArray<Violation> =>
  file.imports.flatMap(({ line, specifier }) => {
    const reason = specifier.startsWith(".")
      ? againstArrow(file.path, resolve(file.path, specifier))
      : foreign(file.path, specifier)
    return reason === undefined ? [] : [`${file.path}:${line}: ${reason} ("${specifier}")`]
  })

/** Files of `src` that no other file of it imports. */
export const unreached = (files: ReadonlyArray<SourceFile>): ReadonlyArray<Violation> => {
  const imported = new Set(files.flatMap((file) =>
    file.imports
      .filter(({ specifier }) => specifier.startsWith("."))
      .map(({ specifier }) => resolve(file.path, specifier))
      .filter((path) => path !== file.path)
  ))
  return files
    .map(({ path }) => path)
    .filter((path) => !imported.has(path) && !entries.some((entry) => entry === path))
    .map((path) => `${path}:1: nobody imports this file`)
}

const resolve = (from: string, specifier: string): string =>
  posix.join(posix.dirname(from), specifier)

const ranks = ["domain", "services", "layers"]

/** 0 to 2 by the first folder under `src`; 3 for the files beside those folders. */
const rankOf = (path: string): number => {
  const rank = ranks.indexOf(path.split("/")[1] ?? "")
  return rank === -1 ? ranks.length : rank
}

const againstArrow = (from: string, to: string): string | undefined => {
  if (to === "package.json") return undefined // Where the version of the program is written.
  if (!to.startsWith("src/")) return "src imports from outside of src"
  if (rankOf(to) > rankOf(from)) return "this import points against domain <- services <- layers"
  if (rankOf(from) !== 2 || rankOf(to) !== 2 || choosers.includes(from)) return undefined
  const [own, other] = [folderOf(from), folderOf(to)]
  return own === other || shared.includes(other)
    ? undefined
    : "a folder of layers imports its sibling; only Profile.ts chooses among them"
}

/** The folder under `src/layers`, or the file's own name for one that stands beside them. */
const folderOf = (path: string): string => path.split("/")[2] ?? ""

/** The domain and the promises must run anywhere, so they know no package but Effect. */
const foreign = (from: string, specifier: string): string | undefined =>
  rankOf(from) < 2 && specifier !== "effect" && !specifier.startsWith("effect/")
    ? "domain and services import no package but effect"
    : undefined
