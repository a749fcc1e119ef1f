/**
 * Answers: the reply of a problem, and of whatever a handler ended with.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Answerable } from "./Answerable.ts"
import { internal, problemOf } from "./Problem.ts"
import { type Problem, problemType } from "./ProblemRows.ts"
import { Refusal } from "./Refusal.ts"
import type { Reply } from "./Web.ts"

/** The body of a problem, as a value. */
export const problemBody = (problem: Problem) => ({
  type: problem.type,
  title: problem.title,
  status: problem.status,
  detail: problem.detail,
  ...problem.extension
})

/** The reply of a problem; `more` is added to its body. */
export const problemReply = (
  problem: Problem,
  more: Readonly<Record<string, unknown>> = {}
): Reply => ({
  status: problem.status,
  contentType: problemType,
  headers: problem.headers,
  body: JSON.stringify({ ...problemBody(problem), ...more })
})

/** The reply of an error or refusal. */
export const refuse = (error: Answerable): Reply => problemReply(problemOf(error))

/**
 * The reply of a handler's exit. An interruption comes from the closing server (a client that is
 * gone reads nothing); a defect is `Option.some` second, to be logged, and shows nothing of itself.
 */
export const replyOf = (
  exit: Exit.Exit<Reply, Answerable>
): readonly [Reply, defect: Option.Option<Cause.Cause<Answerable>>] => {
  if (Exit.isSuccess(exit)) return [exit.value, Option.none()]
  const error = Cause.findErrorOption(exit.cause)
  return Option.isSome(error)
    ? [refuse(error.value), Option.none()]
    : Cause.hasInterruptsOnly(exit.cause)
    ? [refuse(Refusal.EdgeClosing()), Option.none()]
    : [problemReply(internal), Option.some(exit.cause)]
}
