/**
 * The static checks: types, format, lint. Each is one of the product's own command line tools.
 */
import { spawn } from "node:child_process"
import { delimiter, join } from "node:path"

/** The root of the repository. */
export const root = join(import.meta.dirname, "..")

const bin = join(root, "node_modules", ".bin")

const checks = [
  { name: "types", command: "tsc", args: [] },
  { name: "format", command: "dprint", args: ["check", "--list-different"] },
  { name: "lint", command: "oxlint", args: ["--deny-warnings"] }
] as const

/** What a check ended with; `output` is what its tool printed. */
export interface Checked {
  readonly name: string
  readonly passed: boolean
  readonly output: string
}

/** Runs all checks at once and reports each as it ends. */
export const runChecks = (report: (checked: Checked) => void): Promise<ReadonlyArray<Checked>> =>
  Promise.all(checks.map(async ({ args, command, name }) => {
    const checked = { name, ...(await run(command, args)) }
    report(checked)
    return checked
  }))

/** Prints a check: one line when it passed, the tool's output too when it did not. */
export const printChecked = ({ name, output, passed }: Checked): void => {
  process.stdout.write(passed ? ` ✓ ${name}\n` : `${output.trimEnd()}\n ✗ ${name}\n`)
}

const run = (command: string, args: ReadonlyArray<string>) =>
  new Promise<Omit<Checked, "name">>((resolve) => {
    // The tools' scripts ask for `node` on the PATH, where the machine's own may be too old.
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` }
    const child = spawn(join(bin, command), args, { cwd: root, env })
    const chunks: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.on("error", (error) => resolve({ passed: false, output: String(error) }))
    child.on(
      "close",
      (code) => resolve({ passed: code === 0, output: Buffer.concat(chunks).toString() })
    )
  })
