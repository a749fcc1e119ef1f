/**
 * Signatures: passes on webhooks that GitHub signed, and buries forgeries.
 * Set GITHUB_WEBHOOK_SECRET to the secret of the webhook.
 */
import { on, PermanentFailure } from "codefactory/agent"
import { createHmac, timingSafeEqual } from "node:crypto"

/** A webhook as it came: its body as text, and its header X-Hub-Signature-256. */
export type Received = Readonly<Record<"event" | "signature" | "body", string>>

const isSigned = ({ body, signature }: Received, secret: string): boolean => {
  const expected = Buffer.from(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`)
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Run when the agent is loaded: the example in GitHub's documentation must pass. */
export const check = (): void => {
  const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
  const example = { event: "ping", body: "Hello, World!", signature }
  if (!isSigned(example, "It's a Secret to Everybody")) throw new Error("signatures are wrong")
}

/** Trying again would change nothing, hence the permanent failures. */
export default on<Received>("webhooks.github", (webhook, { message, publish }) => {
  const secret = process.env["GITHUB_WEBHOOK_SECRET"]
  if (!secret) throw new PermanentFailure({ reason: "GITHUB_WEBHOOK_SECRET is not set" })
  if (!isSigned(webhook, secret)) throw new PermanentFailure({ reason: "the signature is forged" })
  const payload = JSON.parse(webhook.body)
  const segments = ["github", webhook.event, ...(payload.action ? [payload.action] : [])]
  return publish(segments.map((one) => one.replaceAll(/[^\w-]/g, "_")).join("."), payload, {
    ...(payload.repository ? { key: payload.repository.full_name } : {}),
    priority: webhook.event === "security_advisory" ? 9 : 0,
    headers: { "x-github-event": webhook.event },
    idempotencyKey: message.id // A delivery may come twice.
  })
})
