/**
 * The house rules, held over the code as it stands, and each shown able to fail.
 */
import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import { arrows, unreached } from "./architecture/Arrows.ts"
import { banned } from "./architecture/Banned.ts"
import { undocumented } from "./architecture/Docs.ts"
import * as Repository from "./architecture/Repository.ts"
import { emptyNamed, longFiles, longFunctions, longLines } from "./architecture/Sizes.ts"
import { parse, read, type Violation } from "./architecture/SourceFile.ts"

const root = join(import.meta.dirname, "..")
const tracked = Repository.trackedFiles(root)
const code = tracked.filter((path) => /\.(ts|mjs)$/.test(path)).map((path) => read(root, path))
const src = code.filter(({ path }) => path.startsWith("src/"))
const shipped = code.filter(({ path }) => !path.startsWith("test/"))

const none = (violations: ReadonlyArray<Violation>) =>
  assert.strictEqual(violations.length, 0, `\n${violations.join("\n")}`)

const some = (violations: ReadonlyArray<Violation>, place: string) => {
  assert.strictEqual(violations.length, 1, violations.join("\n"))
  assert.isTrue(violations[0]?.startsWith(place), violations[0])
}

describe("the house", () => {
  it("runs its tests under Node 24", () =>
    assert.strictEqual(process.versions.node.split(".")[0], "24"))
  it("points its imports from main to layers to services to domain", () =>
    none(src.flatMap(arrows)))
  it("has no file in src that nobody imports", () => none(unreached(src)))
  it("keeps every file within 250 lines", () => none(code.flatMap(longFiles)))
  it("keeps every line within 100 columns", () => none(code.flatMap(longLines)))
  it("keeps every function within 70 lines", () => none(shipped.flatMap(longFunctions)))
  it("names every file after its idea", () => none(tracked.flatMap(emptyNamed)))
  it("has a reason beside every any, assertion, let, try, async, Date and timer", () =>
    none(src.flatMap(banned)))
  it("documents every export", () => none(shipped.flatMap(undocumented)))
  it("names exact versions of its dependencies", () =>
    none(Repository.inexact(Repository.textOf(root, "package.json"))))
  it("names no package registry", () =>
    none(tracked.flatMap((path) => Repository.registryHosts(path, Repository.textOf(root, path)))))
  it("names no path of one machine", () =>
    none(tracked.flatMap((path) => Repository.machinePathsIn(path, Repository.textOf(root, path)))))
})

describe("a house rule", () => {
  it("sees a domain that imports a service", () =>
    some(
      arrows(parse("src/domain/A.ts", `\nimport { B } from "../services/B.ts"`)),
      "src/domain/A.ts:2:"
    ))
  it("sees a domain that imports a package", () =>
    some(arrows(parse("src/domain/A.ts", `import "node:fs"`)), "src/domain/A.ts:1:"))
  it("sees a type that is imported against the arrow", () =>
    some(arrows(parse("src/services/A.ts", `import type { B } from "../layers/b/B.ts"`)), "src/"))
  it("sees a re-export against the arrow", () =>
    some(arrows(parse("src/services/A.ts", `export * from "../layers/b/B.ts"`)), "src/"))
  it("sees a layer that imports its sibling", () =>
    some(arrows(parse("src/layers/a/A.ts", `await import("../b/B.ts")`)), "src/layers/a/A.ts:1:"))
  it("sees a layer that imports what chooses it", () =>
    some(arrows(parse("src/layers/a/A.ts", `import "../Profile.ts"`)), "src/layers/a/A.ts:1:"))
  it("lets layers import their folder, drivers and observe, and Profile all of them", () =>
    none([
      ...arrows(parse("src/layers/a/A.ts", `import "./B.ts"\nimport "../drivers/C.ts"`)),
      ...arrows(parse("src/layers/Profile.ts", `import "./a/A.ts"`)),
      ...arrows(parse("src/CodeFactory.ts", `import "./layers/a/A.ts"`))
    ]))
  it("sees a file that nobody imports, but not the thread that one starts", () =>
    some(
      unreached([
        parse("src/main.ts", `new Worker(new URL("./layers/Thread.ts", import.meta.url))`),
        parse("src/layers/Thread.ts", ""),
        parse("src/layers/Alone.ts", `import "./Alone.ts"`)
      ]),
      "src/layers/Alone.ts:1:"
    ))
  it("sees a long file, a long line and a long function", () => {
    some(longFiles(parse("src/A.ts", "\n".repeat(251))), "src/A.ts:251:")
    some(longLines(parse("src/A.ts", `\n// ${"x".repeat(98)}`)), "src/A.ts:2:")
    some(longFunctions(parse("src/A.ts", `\nconst f = () => {${"\n".repeat(70)}}`)), "src/A.ts:2:")
    none(longFunctions(parse("src/A.ts", `\nconst f = () => {${"\n".repeat(69)}}`)))
  })
  it("sees a name that says nothing", () => {
    some(emptyNamed("src/layers/utils.ts"), "src/layers/utils.ts:1:")
    some(emptyNamed("test/helpers/Bus.ts"), "test/helpers/Bus.ts:1:")
    none(emptyNamed("src/domain/Topic.ts"))
  })
  it.each([
    "const a: any = 1",
    "const a = 1 as number",
    "const a = b!",
    "let a = 1",
    "try { a() } catch {}",
    "const a = async () => 1",
    "const a = new Date()",
    "const a = Date.now()",
    "const a = Math.random()",
    "setTimeout(a, 1)",
    "setInterval(a, 1)"
  ])("sees %s without a reason", (line) => {
    some(banned(parse("src/A.ts", `/** Doc of a. */\n${line}`)), "src/A.ts:2:")
    none(banned(parse("src/A.ts", `// Counted on every message.\n${line}`)))
    none(banned(parse("src/A.ts", `${line} // Counted on every message.`)))
    some(banned(parse("src/A.ts", `// Reason of another.\n\n\n\n${line}`)), "src/A.ts:5:")
    none(banned(parse("src/A.ts", `/** The hot path. */\nfunction f() {\n\n\n\n\n${line}\n}`)))
  })
  it("takes one reason for all of a function, and at the head of a file for every let", () => {
    none(banned(parse("src/A.ts", "const f = () => {\n// Hot loop.\n\n\n\n\nlet a = 1\n}")))
    none(banned(parse("src/A.ts", "/** Measured hot loops. */\n\n\n\n\nlet a = 1")))
    some(banned(parse("src/A.ts", "/** Measured hot loops. */\nf()\na as B")), "src/A.ts:3:")
  })
  it("lets a constant assertion and a member of the same name pass", () =>
    none(banned(parse("src/A.ts", `const a = [1] as const\nconst b = Schema.Date\nEffect.try(b)`))))
  it("sees an export without documentation", () => {
    some(
      undocumented(parse("src/A.ts", "/** One two. */\nexport const a = 1\nexport const b = 1")),
      "src/A.ts:3:"
    )
    some(undocumented(parse("src/A.ts", "/** One */\nexport const a = 1")), "src/A.ts:2:")
    some(undocumented(parse("src/A.ts", "// One two.\nexport const a = 1")), "src/A.ts:2:")
  })
  it("sees a range among the dependencies", () =>
    some(Repository.inexact(`{"devDependencies":{"a":"1.0.0","b":"^1.0.0"}}`), "package.json: b"))
  it("sees a registry and a path of a machine", () => {
    some(Repository.registryHosts("a.md", `\nhttps://registry.${"npmjs"}.org/a`), "a.md:2:")
    some(Repository.machinePathsIn("a.md", `\ncd "/${"home"}/ann"`), "a.md:2:")
    none(Repository.machinePathsIn("a.md", `https://example.org/${"home"}/ann, ./${"work"}/a`))
  })
})
