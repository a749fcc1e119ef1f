/**
 * Receipts: an order that was paid becomes a mail with its total, tax included.
 */
import { on } from "codefactory/agent"

/** What `orders.paid` carries. */
export interface Order {
  readonly id: string
  readonly email: string
  readonly lines: ReadonlyArray<
    { readonly name: string; readonly quantity: number; readonly cents: number }
  >
  readonly taxPercent: number
}

const money = (cents: number): string => (cents / 100).toFixed(2)

/** In whole cents, so that no sum is off by a fraction. */
const text = ({ lines, taxPercent }: Order): string => {
  const net = lines.reduce((sum, { cents, quantity }) => sum + cents * quantity, 0)
  const tax = Math.round(net * taxPercent / 100)
  return [
    ...lines.map(({ cents, name, quantity }) =>
      `${quantity} x ${name}: ${money(cents * quantity)}`
    ),
    `tax ${taxPercent} %: ${money(tax)}`,
    `total: ${money(net + tax)}`
  ].join("\n")
}

/** A delivery may come twice, so the mail has a key of its own: it is accepted once. */
export default on<Order>("orders.paid", (order, { publish }) =>
  publish(
    "mail.requested",
    { to: order.email, subject: `Receipt ${order.id}`, text: text(order) },
    { key: order.email, idempotencyKey: `receipt-${order.id}` }
  ))
