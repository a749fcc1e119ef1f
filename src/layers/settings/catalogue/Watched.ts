/**
 * The settings of what watches over a bus, and of where it tells what it sees.
 */
import * as Duration from "effect/Duration"
import type { ScalingSettings } from "../../../services/Settings.ts"
import { path, seconds, secretUrl, toggle, user } from "../Kind.ts"
import type { Reader } from "../Reader.ts"

/** Settings of the guardian, the audit trail and traces. */
export type WatchedSettings = Pick<
  ScalingSettings,
  "auditDir" | "guardian" | "guardianInterval" | "guardianWebhook" | "otlpService" | "otlpUrl"
>

/** The guardian, the audit trail and traces. */
export const watched = ({ read }: Reader): WatchedSettings => ({
  guardian: read({
    name: "ENABLE_MESSAGE_BUS_GUARDIAN",
    kind: toggle,
    default: true,
    meaning: "Watch the bus, alert when something is broken, and try to mend it."
  }),
  guardianInterval: read({
    name: "MESSAGE_BUS_GUARDIAN_INTERVAL",
    kind: seconds(1, 3_600),
    default: Duration.seconds(30),
    meaning: "Seconds between two checks of the guardian; five bad ones are an alert."
  }),
  guardianWebhook: read({
    name: "GUARDIAN_WEBHOOK_URL",
    kind: secretUrl(["http:", "https:"], "https://alerts.example/hook"),
    default: undefined,
    meaning: "Where alerts of the guardian are posted as JSON, and their ends."
  }),
  otlpUrl: read({
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    kind: secretUrl(["http:", "https:"], "http://collector:4318"),
    default: undefined,
    meaning: "Send traces and logs to this collector of OpenTelemetry, as JSON over HTTP."
  }),
  otlpService: read({
    name: "OTEL_SERVICE_NAME",
    kind: user,
    default: "codefactory",
    meaning: "What the collector calls this program."
  }),
  auditDir: read({
    name: "AUDIT_DIR",
    kind: path("a directory"),
    default: undefined,
    meaning: "Keep every decision there, as lines of a chain that shows when one is altered."
  })
})
