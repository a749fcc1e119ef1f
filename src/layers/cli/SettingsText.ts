/**
 * Settings in words: the table of all, and the list of the illegal ones.
 */
import type { SettingIssue, SettingShown } from "../../services/Settings.ts"
import { counted, table } from "./Table.ts"

/** All settings with value, source and meaning. */
export const settingsTable = (shown: ReadonlyArray<SettingShown>): string =>
  table(
    ["SETTING", "VALUE", "SOURCE", "MEANING"],
    shown.map(({ later, meaning, name, source, value }) => [
      name,
      value === "" ? "-" : value,
      source,
      later === undefined ? meaning : `${meaning} (Not in this version.)`
    ])
  )

/** Illegal settings: what was found, what is expected, what to do. */
export const issuesText = (issues: ReadonlyArray<SettingIssue>): string =>
  [
    `${counted(issues.length, "illegal setting")}:`,
    ...issues.map(({ expected, found, name, remedy }) =>
      [
        "",
        `  ${name}`,
        `    found     ${found}`,
        `    expected  ${expected}`,
        `    remedy    ${remedy}`
      ].join("\n")
    )
  ].join("\n")
