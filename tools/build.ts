/**
 * `npm run build`: bundles the program into `dist`, or into the directory named first.
 *
 * Nobody needs it to run the program. It starts in half the time and takes 30 MiB less than a
 * thousand modules do: for images, and for whoever starts it often.
 */
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { rolldown } from "rolldown"

const root = join(import.meta.dirname, "..")

/** What is loaded by its place: the program, its threads and the two entries of the library. */
const entries = {
  main: "src/main.ts",
  thread: "src/layers/log/sqlite/thread.ts",
  "thread/thread": "src/layers/executor/thread/thread.ts",
  CodeFactory: "src/CodeFactory.ts",
  Agent: "src/Agent.ts"
} as const

/** Bundles into a directory; returns the files it wrote. */
export const build = async (directory: string): Promise<ReadonlyArray<string>> => {
  const input = Object.fromEntries(
    Object.entries(entries).map(([name, file]) => [name, join(root, file)])
  )
  const bundle = await rolldown({ input, platform: "node", logLevel: "warn" })
  // Shared chunks lie beside the entries, because a thread is found relative to its caller.
  const { output } = await bundle.write({
    dir: directory,
    format: "esm",
    cleanDir: existsSync(join(directory, "main.js")), // Never anything but a former bundle.
    chunkFileNames: "[name]-[hash].js",
    sourcemap: true
  })
  await bundle.close()
  return output.map(({ fileName }) => fileName)
}

if (import.meta.main) {
  const directory = resolve(process.argv[2] ?? join(root, "dist"))
  const files = await build(directory)
  process.stdout.write(`${files.length} files in ${directory}; run: node main.js serve\n`)
}
