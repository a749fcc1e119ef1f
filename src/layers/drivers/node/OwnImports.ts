/**
 * Own imports: modules anywhere on the disk may import this program's library, and Effect, without
 * having them installed; and a module that is loaded again brings what it imports with it.
 *
 * Only a fall-back: what the module has installed itself goes first. Deno, which has no such hooks,
 * finds the library by the import map in `deno.json`.
 */
import * as Result from "effect/Result"
import module from "node:module"

/** `codefactory`, `codefactory/agent`, `effect`, `effect/Schema`. */
const own = /^(codefactory|effect)(\/|$)/

/** What tells a changed module from its former self in its address; "0" is the first. */
const versionName = "version"

/** Whether this thread has the hooks. Mutable: they are made once for each thread. */
const state = { isHooked: false }

/** Lets this thread's modules import the library. A second call changes nothing. */
export const allowOwnImports = (): void => {
  if (state.isHooked || typeof module.registerHooks !== "function") return
  state.isHooked = true
  module.registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = own.test(specifier)
        ? Result.getOrElse(
          Result.try(() => next(specifier, context)),
          // As if this file imported it: the package's own name leads to its own files.
          () => next(specifier, { ...context, parentURL: import.meta.url })
        )
        : next(specifier, context)
      const version = specifier.startsWith(".") ? versionOf(context.parentURL) : undefined
      return version === undefined ? resolved : { ...resolved, url: at(resolved.url, version) }
    }
  })
}

/** The version of a module that was loaded again. */
const versionOf = (url: string | undefined): string | undefined => {
  if (url?.includes(`?${versionName}=`) !== true) return undefined
  const version = new URL(url).searchParams.get(versionName)
  return version === null || version === "0" ? undefined : version
}

const at = (url: string, version: string): string => {
  const versioned = new URL(url)
  versioned.searchParams.set(versionName, version)
  return versioned.href
}
