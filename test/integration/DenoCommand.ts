/**
 * Deno as the registry brings it, and the service under it with the permissions of `deno task`.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./Service.ts"

/** The command. */
export const deno: string = join(root, "node_modules", ".bin", "deno")

/** Why nothing can be run under Deno here, if so. */
export const denoMissing: string | undefined = spawnSync(deno, ["--version"]).status === 0
  ? undefined
  : "needs a server: Deno, which npm brings where there is one for the system"

const { tasks }: { readonly tasks: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(root, "deno.json"), "utf8")
)

/** The command of `deno task start`, for any port of this address and another folder. */
export const denoServe = (dataDir: string): ReadonlyArray<string> => {
  const [, , ...words] = (tasks["start"] ?? "").split(" ")
  return [
    deno,
    ...words.map((word) =>
      word.startsWith("--allow-net=")
        ? "--allow-net=127.0.0.1"
        : word.startsWith("--allow-write=")
        ? `--allow-write=${dataDir}`
        : word
    )
  ]
}
