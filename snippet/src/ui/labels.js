/** The no the card always offers, in the shopper's language. "Chat" needs no translation. */

/** @type {Record<string, string>} */
export const NO = { nl: "Nee, dank je", en: "No, thanks", de: "Nein, danke", fr: "Non, merci" };

/** Languages written from right to left. */
export const RIGHT_TO_LEFT = /^(ar|fa|he|ur)/;
