/**
 * `npm test`: the static checks and every test, then one line that counts them.
 *
 * `--long` runs more rounds of the suites that kill processes and of the simulation. Other
 * arguments choose test files by a part of their path. Exits with 1 when anything failed or no
 * test ran; under `CI=true` also when a test was skipped for want of a server.
 */
import { startVitest, type TestCase, type TestModule } from "vitest/node"
import { type Checked, printChecked, root, runChecks } from "./staticChecks.ts"

/** How a test says that it cannot run without a real server: `ctx.skip("needs a server: ...")`. */
const wantsServer = /^needs a server/

const main = async (): Promise<void> => {
  const args = process.argv.slice(2)
  const filters = args.filter((arg) => !arg.startsWith("--"))
  if (args.includes("--long")) process.env["CODEFACTORY_LONG"] = "1"
  process.chdir(root)

  const checks = await runChecks(printChecked)
  const vitest = await startVitest("test", filters, { watch: false, run: true })
  const counts = count(
    checks,
    vitest.state.getTestModules(),
    vitest.state.getUnhandledErrors().length
  )
  await vitest.close()
  report(counts)
}

interface Counts {
  readonly passed: number
  readonly failures: ReadonlyArray<string>
  readonly skips: ReadonlyArray<string>
  readonly ran: boolean
}

/** A file that could not be loaded has no tests, so it counts as one failure itself. */
const count = (
  checks: ReadonlyArray<Checked>,
  modules: ReadonlyArray<TestModule>,
  unhandled: number
): Counts => {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const inState = (state: string) => tests.filter((test) => test.result().state === state)
  const skipped = inState("skipped")
  const wanting = process.env["CI"] === "true"
    ? skipped.filter((test) => wantsServer.test(reasonOf(test)))
    : []
  const skips = skipped.filter((test) => !wanting.includes(test))
  const brokenFiles = modules.filter((module) =>
    module.errors().length > 0 ||
    [...module.children.allSuites()].some((s) => s.errors().length > 0)
  )
  return {
    passed: checks.filter(({ passed }) => passed).length + inState("passed").length,
    failures: [
      ...checks.filter(({ passed }) => !passed).map(({ name }) => `check: ${name}`),
      ...inState("failed").map(titleOf),
      ...inState("pending").map((test) => `${titleOf(test)} (never ended)`),
      ...wanting.map((test) => `${titleOf(test)} (skipped: ${reasonOf(test)})`),
      ...brokenFiles.map((module) => `${module.relativeModuleId} (outside its tests)`),
      ...(unhandled > 0 ? [`outside all tests: ${unhandled} unhandled`] : [])
    ],
    skips: skips.map((test) => `${titleOf(test)}: ${reasonOf(test)}`),
    ran: tests.length > skipped.length
  }
}

const titleOf = (test: TestCase): string => `${test.module.relativeModuleId} > ${test.fullName}`

const reasonOf = (test: TestCase): string => {
  const result = test.result()
  return result.state === "skipped" ? result.note ?? "no reason given" : ""
}

const report = ({ failures, passed, ran, skips }: Counts): void => {
  const lines = [
    ...skips.map((skip) => `skipped: ${skip}`),
    ...failures.map((failure) => `failed: ${failure}`),
    ...(ran ? [] : ["failed: no test ran"]),
    `${passed} passed, ${failures.length + (ran ? 0 : 1)} failed` +
    (skips.length > 0 ? `, ${skips.length} skipped` : "")
  ]
  process.exitCode = failures.length === 0 && ran ? 0 : 1
  // Exits at once, because a handle that a test leaked must not hold the last line back.
  process.stdout.write(`${lines.join("\n")}\n`, () => process.exit())
}

await main()
