/** Reading settings in tests. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Effect, Result } from "effect"
import { read, type Variables } from "../../../src/layers/settings/Environment.ts"

/** The settings of variables, or what is illegal about them. */
export const settingsOf = (variables: Variables) =>
  Effect.provide(read(variables), NodeFileSystem.layer)

/** The issues of illegal variables; none when they are legal. */
export const issuesOf = (variables: Variables) =>
  Effect.map(
    Effect.result(settingsOf(variables)),
    Result.match({ onSuccess: () => [], onFailure: ({ issues }) => issues })
  )

/** The names in those issues. */
export const namesOf = (variables: Variables) =>
  Effect.map(issuesOf(variables), (issues) => issues.map(({ name }) => name))
