/**
 * Export of traces and logs to a collector of OpenTelemetry, over HTTP as JSON.
 */
import * as Duration from "effect/Duration"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import type { Flusher } from "effect/observability/OtlpExporter"
import * as Redacted from "effect/Redacted"

/** Where it goes, and as whose. */
export interface ExportOptions {
  /** Base URL; `/v1/traces` and `/v1/logs` are below it. */
  readonly url: Redacted.Redacted
  readonly service: string
  readonly version: string
}

/** How often what has come is sent, and how long the end waits for the last of it. */
const every = Duration.seconds(5)
const endWithin = Duration.seconds(3)

/** Traces and logs of the program go there, beside where logs go anyway. */
export const layer = (
  { service, url, version }: ExportOptions
): Layer.Layer<Flusher> =>
  Otlp.layerJson({
    baseUrl: Redacted.value(url).replace(/\/+$/, ""),
    resource: { serviceName: service, serviceVersion: version },
    loggerMergeWithExisting: true,
    loggerExportInterval: every,
    tracerExportInterval: every,
    shutdownTimeout: endWithin
  }).pipe(Layer.provide(FetchHttpClient.layer))
