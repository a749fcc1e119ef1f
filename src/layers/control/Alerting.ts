/**
 * Alerting: what the guardian has to say reaches the log, and a webhook if there is one.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type { Verdict } from "../../domain/Health.ts"
import type { GuardianCounts } from "../observe/GuardianCounts.ts"

/** Tries of one alert, the wait before the second, and the longest wait for an answer. */
export const webhook = { tries: 3, waitMs: 1_000, answerMs: 5_000 } as const

/** Where alerts go. */
export interface AlertingOptions {
  readonly url: Redacted.Redacted | undefined
  readonly http: HttpClient.HttpClient
  readonly counts: GuardianCounts
}

/** Tells of a verdict; never fails, and waits for the webhook as long as its tries take. */
export const make =
  ({ counts, http, url }: AlertingOptions) => (verdict: Verdict): Effect.Effect<void> => {
    const { component, detail, kind } = verdict
    const logged = kind === "Alert"
      ? Effect.logError(`guardian: ${component} is not well: ${detail}`)
      : Effect.logInfo(`guardian: ${component} is well again: ${detail}`)
    if (url === undefined) return logged
    const request = HttpClientRequest.post(Redacted.value(url)).pipe(
      HttpClientRequest.bodyText(
        JSON.stringify({ kind: kind.toLowerCase(), component, detail }),
        "application/json"
      )
    )
    const sent = http.execute(request).pipe(
      Effect.flatMap(({ status }) =>
        status < 300 ? Effect.void : Effect.fail({ message: `status ${status}` })
      ),
      Effect.timeoutOrElse({
        duration: Duration.millis(webhook.answerMs),
        orElse: () => Effect.fail({ message: `no answer within ${webhook.answerMs} ms` })
      }),
      Effect.retry({
        times: webhook.tries - 1,
        schedule: Schedule.exponential(Duration.millis(webhook.waitMs))
      }),
      Effect.catch(({ message }) => {
        counts.webhookFailures++
        return Effect.logWarning(`the alert webhook did not take it: ${message}`)
      })
    )
    return Effect.andThen(logged, sent)
  }
