/**
 * `npm run check`: the static checks alone, for the seconds between two edits.
 */
import { printChecked, runChecks } from "./staticChecks.ts"

const checks = await runChecks(printChecked)
const failed = checks.filter(({ passed }) => !passed).length
process.stdout.write(`${checks.length - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
