/**
 * Of what an event holds, only what Shopbell reads: a checkout carries addresses and telephone numbers, and the page it
 * is on has an address that opens it. Those stay here.
 */

/** @typedef {Record<string, any>} Any */

const money = (/** @type {Any | null | undefined} */ price) =>
  price ? { amount: price.amount, currencyCode: price.currencyCode } : undefined;

const variant = (/** @type {Any | null | undefined} */ it) =>
  it && {
    id: it.id,
    sku: it.sku,
    title: it.title,
    price: money(it.price),
    image: it.image && { src: it.image.src },
    product: it.product && {
      id: it.product.id,
      title: it.product.title,
      vendor: it.product.vendor,
      type: it.product.type,
      url: it.product.url,
    },
  };

const option = (/** @type {Any} */ it) => ({
  title: it.title,
  cost: money(it.cost),
  costAfterDiscounts: money(it.costAfterDiscounts),
});

const place = (/** @type {Any | null | undefined} */ it) =>
  it && { country: { isoCode: it.country && it.country.isoCode }, language: { isoCode: it.language && it.language.isoCode } };

const list = (/** @type {Any[] | null | undefined} */ values, /** @type {(value: Any) => unknown} */ each) => (values || []).map(each);

const checkout = (/** @type {Any} */ it) => ({
  token: it.token,
  email: it.email,
  buyerAcceptsEmailMarketing: it.buyerAcceptsEmailMarketing,
  buyerAcceptsSmsMarketing: it.buyerAcceptsSmsMarketing,
  currencyCode: it.currencyCode,
  subtotalPrice: money(it.subtotalPrice),
  totalPrice: money(it.totalPrice),
  totalTax: money(it.totalTax),
  discountsAmount: money(it.discountsAmount),
  discountApplications: list(it.discountApplications, ({ type, title }) => ({ type, title })),
  shippingLine: it.shippingLine && { price: money(it.shippingLine.price) },
  delivery: it.delivery && { selectedDeliveryOptions: list(it.delivery.selectedDeliveryOptions, option) },
  shippingAddress: it.shippingAddress && { countryCode: it.shippingAddress.countryCode },
  localization: place(it.localization),
  order: it.order && { id: it.order.id, customer: it.order.customer && { id: it.order.customer.id } },
  lineItems: list(it.lineItems, (line) => ({ title: line.title, quantity: line.quantity, variant: variant(line.variant) })),
});

const cart = (/** @type {Any} */ it) => ({
  id: it.id,
  cost: { totalAmount: money(it.cost && it.cost.totalAmount) },
  lines: list(it.lines, (line) => ({ quantity: line.quantity, merchandise: variant(line.merchandise) })),
});

/** @param {Any} data @returns {{ attributes: {key: string, value: string}[] } & Any} */
export function about(data) {
  const whose = data.checkout || data.cart || {};
  return {
    attributes: whose.attributes || [],
    checkout: data.checkout ? checkout(data.checkout) : undefined,
    cart: data.cart ? cart(data.cart) : undefined,
    alert: data.alert ? { type: data.alert.type } : undefined,
  };
}
