/**
 * What must hold for the files of the repository beside its code.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Violation } from "./SourceFile.ts"

/** Every file that is, or is about to be, in the repository. */
export const trackedFiles = (root: string): ReadonlyArray<string> =>
  execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8"
  }).split("\0").filter((path) => path !== "" && existsSync(join(root, path)))

/** The text of a tracked file; one that holds NUL is binary and has none. */
export const textOf = (root: string, path: string): string => {
  const text = readFileSync(join(root, path), "utf8")
  return text.includes("\0") ? "" : text
}

const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/

/** Dependencies that name a range: two clones on two days would then differ. */
export const inexact = (packageJson: string): ReadonlyArray<Violation> => {
  const manifest: Record<string, Record<string, string> | undefined> = JSON.parse(packageJson)
  return ["dependencies", "devDependencies", "optionalDependencies"]
    .flatMap((group) => Object.entries(manifest[group] ?? {}))
    .filter(([, version]) => !exact.test(version))
    .map(([name, version]) => `package.json: ${name} is not exact (${version})`)
}

/** Hosts that give out packages: each machine has its own, so none belongs into the repository. */
const hosts =
  /\b(registry\.(npmjs|yarnpkg)|(npmjs|pypi|pythonhosted|proxy\.golang)\.org|repo1?\.maven)\b/

/** Lines that name a package registry. */
export const registryHosts = (path: string, text: string): ReadonlyArray<Violation> =>
  linesWith(path, text, hosts, "names a package registry")

/** A path that exists on one machine only; a relative one or a part of an address is none. */
const machinePaths = /(?<![\w.~$}/-])\/(work|root|home|Users)\/[\w.-]/

/** Lines that name an absolute path of a machine. */
export const machinePathsIn = (path: string, text: string): ReadonlyArray<Violation> =>
  linesWith(path, text, machinePaths, "names an absolute path of a machine")

const linesWith = (path: string, text: string, pattern: RegExp, rule: string) =>
  text.split("\n").flatMap((line, index) =>
    pattern.test(line) ? [`${path}:${index + 1}: ${rule}`] : []
  )
