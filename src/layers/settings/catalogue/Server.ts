/**
 * The settings of the server: where it listens, whom it lets in, how it starts and stops.
 */
import * as Duration from "effect/Duration"
import { isLoopback } from "../../../domain/Loopback.ts"
import type { ServerSettings } from "../../../services/Settings.ts"
import { host, limit, path, port, seconds, toggle } from "../Kind.ts"
import type { Reader } from "../Reader.ts"

/** Where the process listens, and how it starts and stops. */
export const server = (reader: Reader): ServerSettings => {
  const { read } = reader
  const apiKeysFile = read({
    name: "API_KEYS_FILE",
    kind: path("a JSON file of API keys"),
    default: undefined,
    meaning: "The keys that clients authenticate with; not set, nobody needs one."
  })
  const settings = {
    apiKeysFile,
    ...listening(reader, apiKeysFile !== undefined),
    proxyTrusted: read({
      name: "TRUST_PROXY",
      kind: toggle,
      default: false,
      meaning: "Take the client's address from X-Forwarded-For; only behind a proxy that sets it."
    }),
    requestsMax: read({
      name: "RATE_LIMIT_MAX_REQUESTS",
      kind: limit(1_000_000_000),
      default: 1_000,
      meaning: "Publish requests of one client per window; 0 is no limit."
    }),
    requestsWindow: read({
      name: "RATE_LIMIT_WINDOW_SECONDS",
      kind: seconds(1, 86_400),
      default: Duration.seconds(60),
      meaning: "Length of the sliding window of the rate limit."
    }),
    startupTimeout: read({
      name: "STARTUP_TIMEOUT",
      kind: seconds(1, 3_600),
      default: Duration.seconds(90),
      meaning: "Seconds that loading agents may take at start; what is not loaded then has failed."
    }),
    prestopDelay: read({
      name: "PRESTOP_DELAY_SECONDS",
      kind: seconds(0, 300),
      default: Duration.zero,
      meaning: "Seconds between failing readiness and refusing publishes, for load balancers."
    }),
    drain: read({
      name: "DRAIN_SECONDS",
      kind: seconds(0, 3_600),
      default: Duration.seconds(25),
      meaning: "Seconds that running handlers and leases get to finish at shutdown."
    })
  }
  return settings
}

/** Addresses and ports; without API keys only this machine may connect, unless told otherwise. */
const listening = ({ areLegal, notice, read, refuse }: Reader, keyed: boolean) => {
  const listen = {
    host: read({
      name: "HOST",
      kind: host,
      default: "127.0.0.1",
      meaning: "Address to listen on. Other than loopback needs API_KEYS_FILE or ALLOW_ANONYMOUS=1."
    }),
    port: read({
      name: "PORT",
      kind: port,
      default: 8_000,
      meaning: "Port of the HTTP API; 0 takes a free one."
    }),
    metricsPort: read({
      name: "METRICS_PORT",
      kind: port,
      default: 9_090,
      meaning: "Port of the metrics; 0 takes a free one."
    }),
    anonymousAllowed: read({
      name: "ALLOW_ANONYMOUS",
      kind: toggle,
      default: false,
      meaning: "Let everyone who reaches HOST publish and read, without a key."
    })
  }
  const legal = areLegal("HOST", "ALLOW_ANONYMOUS", "API_KEYS_FILE")
  if (keyed && listen.anonymousAllowed) {
    notice(
      "ALLOW_ANONYMOUS is set without effect: API_KEYS_FILE is set, so every client needs a key."
    )
  }
  if (legal && !keyed && !isLoopback(listen.host) && !listen.anonymousAllowed) {
    refuse({
      name: "HOST",
      found: `"${listen.host}"`,
      expected: "a loopback address, as everyone who reaches another could publish and read",
      remedy:
        "set API_KEYS_FILE, or ALLOW_ANONYMOUS=1 if that is meant, or unset it to have 127.0.0.1"
    })
  }
  if (areLegal("PORT", "METRICS_PORT") && listen.port === listen.metricsPort && listen.port !== 0) {
    refuse({
      name: "METRICS_PORT",
      found: `${listen.metricsPort}`,
      expected: `another port than PORT (${listen.port})`,
      remedy: "change one of them"
    })
  }
  return listen
}
